#!/bin/bash
# Measure the node beside what this machine can do at best.
#
#   tests/bench/run.sh [NAME...]
#   tests/bench/run.sh --help         what there is to measure
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/../../simnet/setup.sh"

bench() { python3 -B "$ez_root/tests/bench/bench.py" --build "$ez_root/build/bench" "$@"; }

for argument; do
    case $argument in
        -h | --help) bench --help; exit ;;
    esac
done
ez_install "${ez_packages_build[@]}" "${ez_packages_bench[@]}"
ez_configure bench
ez_say "building build/bench"
ninja -C "$ez_root/build/bench" ezp2p ezsim limits make_chain miner_scan forward listener bench_store \
    bench_block bench_pool >&2 ||
    ez_fail "the build failed"
bench "$@"
