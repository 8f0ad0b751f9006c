#!/bin/bash
# Install what is missing, build, run every test; ends with a line "N passed, N failed".
#
#   tests/run.sh [--quick] [NAME...]
#
#   --quick   gcc only; without it also clang, address+undefined and thread sanitizers
#   NAME      only the ctest entries whose name contains it, such as unit_chain or e2e
#
# Logs are kept in build/test-logs. Exit status 0 when something ran and nothing failed.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../simnet/setup.sh"

logs=$ez_root/build/test-logs
passed=0
failed=0
filter=()
quick=

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit "$1"
}

while (($#)); do
    case $1 in
        --quick) quick=1 ;;
        -h | --help) usage 0 ;;
        -*) ez_say "unknown option $1"; usage 2 >&2 ;;
        *) filter+=("$1") ;;
    esac
    shift
done

# one_case NAME STATUS: count something that is a single case by itself.
one_case() {
    if (($2 == 0)); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s\n' "$1"
    fi
}

# thin_ninja: of ninja's "[12/340] ..." lines, those that open another tenth, and all other lines.
thin_ninja() {
    awk -F '[][/]' '
        /^\[[0-9]+\/[0-9]+\]/ {
            tenth = int($2 * 10 / $3)
            if (tenth != last) { printf "   %d of %d\n", $2, $3; fflush(); last = tenth }
            next
        }
        { print; fflush() }'
}

# build PRESET [TARGET...]: false, with the compiler's words shown, when it does not build.
build() {
    local preset=$1 log=$logs/$1-build.log
    shift
    (ez_configure "$preset") || return 1
    printf '== %s: building\n' "$preset"
    ninja -C "$ez_root/build/$preset" "$@" 2>&1 | tee "$log" | thin_ninja
    return "${PIPESTATUS[0]}"
}

# run_ctest PRESET [OPTION...]: run entries, show a line for each, count their cases.
run_ctest() {
    local preset=$1 xml=$logs/$1.xml log=$logs/$1-test.log pattern
    shift
    if ((${#filter[@]})); then
        pattern=$(IFS='|' && printf '%s' "${filter[*]}")
        set -- "$@" -R "$pattern"
    fi
    printf '== %s: testing\n' "$preset"
    rm -f "$xml"
    # The end-to-end tests wait more than they work: one entry more than there are processors.
    # The JUnit file must hold whole outputs, for the counts stand at their ends.
    ctest --test-dir "$ez_root/build/$preset" -j$(($(nproc) + 1)) --output-on-failure --output-junit "$xml" \
        --test-output-size-passed 4000000 --test-output-size-failed 4000000 "$@" 2>&1 |
        tee "$log" | sed -u -n '/^ *[0-9]*\/[0-9]* Test/p' || true
    [[ -e $xml ]] || return 0 # no entry matches
    local counts good bad
    counts=$(python3 -B "$ez_root/tests/support/count.py" "$xml") || ez_fail "cannot read $xml"
    sed '$d' <<<"$counts"
    read -r good bad <<<"${counts##*$'\n'}"
    passed=$((passed + good))
    failed=$((failed + bad))
    ((bad == 0)) || printf 'see %s\n' "$log"
}

# build_case PRESET [TARGET...]: a build without a warning is a case of its own.
build_case() {
    local status=0
    build "$@" || status=$?
    one_case "build of $1 (see $logs/$1-build.log)" "$status"
    return "$status"
}

ez_install "${ez_packages_build[@]}" "${ez_packages_test[@]}" "${ez_packages_plot[@]}"
mkdir -p "$logs"
# What a service manager or a bare chroot leaves out, and the node's default directory needs.
export HOME=${HOME:-$logs/home}

if build_case dev; then
    run_ctest dev
fi
if [[ -z $quick ]]; then
    # clang sees other warnings than gcc; what it builds is run under its sanitizers below.
    build_case clang || true
    programs=("$ez_root"/build/{dev,clang}/simnet/ezsim)
    if build_case asan-ubsan; then
        run_ctest asan-ubsan
        programs+=("$ez_root/build/asan-ubsan/simnet/ezsim")
    fi
    # One seed is one run, whoever compiled it: gcc -O2, clang -O0, clang -O2 with its sanitizers.
    if ((${#filter[@]} == 0)); then
        status=0
        "$ez_root/tests/support/same_runs.sh" "${programs[@]}" \
            >"$logs/same-runs.log" 2>&1 || status=$?
        ((status == 0)) || tail -n 24 "$logs/same-runs.log"
        one_case "same runs from all builds (see $logs/same-runs.log)" "$status"
    fi
    # Criterion aborts under the thread sanitizer: the programs for it are plain ones.
    if build_case tsan thread_tests; then
        run_ctest tsan -L threads
    fi
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
