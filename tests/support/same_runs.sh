#!/bin/bash
# Whether programs that different compilers built, at different levels of optimization, run the
# simulator alike: one seed, one hash over every event and effect of every node.
#
#   same_runs.sh EZSIM EZSIM...
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# runs EZSIM: a line for each run, its hash at the end.
runs() {
    local name
    for name in crash-storm churn slow-links; do
        printf '%s %s\n' "$name" "$("$1" run "$root/simnet/scenarios/$name.sim" --nodes 8 --seed 7 \
            --json 2>/dev/null | sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p')"
    done
    printf 'swarm %s\n' \
        "$("$1" swarm --seeds 12 --json | sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p')"
}

(($# > 1)) || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2; }
export ASAN_OPTIONS=abort_on_error=1
expected=$(runs "$1")
! grep -q ' $' <<<"$expected" || { printf '%s gives no hash:\n%s\n' "$1" "$expected"; exit 1; }
printf '%s\n' "$expected"
for other in "${@:2}"; do
    actual=$(runs "$other")
    if [[ $actual != "$expected" ]]; then
        printf '%s runs differently:\n%s\n' "$other" "$actual"
        exit 1
    fi
done
