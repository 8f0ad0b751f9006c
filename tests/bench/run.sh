#!/bin/bash
# Measure the node beside what this machine can do at best.
#
#   tests/bench/run.sh [NAME...]
#
#   NAME   only these: swarm, relay, sync, http, memory, miner
#
# Prints a table and writes one JSON object per figure to build/bench/results.jsonl. Figures are
# only as good as the machine is idle; a ratio compares two figures of the same run.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../../simnet/setup.sh"

for argument; do
    case $argument in
        -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit ;;
    esac
done
ez_install "${ez_packages_build[@]}" "${ez_packages_bench[@]}"
ez_configure bench
ez_say "building build/bench"
ninja -C "$ez_root/build/bench" ezp2p limits make_chain >&2 || ez_fail "the build failed"
exec python3 -B "$ez_root/tests/bench/bench.py" "$ez_root/build/bench" "$@"
