#!/bin/bash
# Launch a swarm of real nodes on loopback: installs what is missing, builds, runs.
#
#   simnet/run.sh N [--for SECONDS] [--tx-rate R] [--block-every S] [--dir DIR] [--base-port P]
#                   [--json] [-- extra ezp2p options]
#   simnet/run.sh FILE.sim [the same options]
#
# simnet/run.sh --help says what each of them does.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

swarm() { python3 -B "$ez_root/simnet/swarm.py" "$@"; }

ez_install "${ez_packages_build[@]}"
programs=(ezp2p)
for argument; do
    case $argument in
        --) break ;;
        *.sim) programs+=(ezsim) ;;
        -h | --help) swarm --help; exit ;;
    esac
done
# Before the build, so that a mistyped option is not answered minutes later.
swarm --check "$@"
ez_build release "${programs[@]}"
exec python3 -B "$ez_root/simnet/swarm.py" --binary "$ez_root/build/release/ezp2p" \
    --ezsim "$ez_root/build/release/simnet/ezsim" "$@"
