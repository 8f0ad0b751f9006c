#!/bin/bash
# Run a scenario in the simulator and draw how it went: installs what is missing, builds, runs.
#
#   simnet/plot.sh FILE.sim [--out DIR] [--png] [ezsim options]
#   simnet/plot.sh DIR [--out DIR] [--png]
#   simnet/plot.sh scale|FILE.tsv [--out DIR] [--png]
#   simnet/plot.sh selfish|double-spend|eclipse [--out DIR] [--png] [ezsim options]
#
#   FILE.sim   a scenario, such as simnet/scenarios/partition-heal.sim
#   DIR        what `ezsim run FILE --data DIR` has left
#   scale      what `tests/bench/run.sh scale` has measured last: costs by the number of nodes; its
#              table is build/bench/scale.tsv, and FILE.tsv is a copy of such a table
#   selfish …  an attack at every point of its sweep (docs/attacks.md) beside what theory says of it;
#              more virtual time makes narrower bands: --duration 110000
#   --out DIR  the pictures go here (default: build/plots/NAME)
#   --png      PNG pictures instead of SVG
#
# Draws propagation (how blocks and transactions spread), forks (the tree of blocks over time) and
# bandwidth (bytes received and pools), and prints the pictures' paths.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'
    exit "$1"
}

subject='' out='' kind=svg options=()
while (($#)); do
    case $1 in
        -h | --help) usage 0 ;;
        --out) (($# > 1)) || usage 2 >&2; out=$2; shift ;;
        --png) kind=png ;;
        --*) options+=("$1") ;;
        *) if [[ -z $subject ]]; then subject=$1; else options+=("$1"); fi ;;
    esac
    shift
done
[[ -n $subject ]] || usage 2 >&2
if [[ $subject == scale ]]; then
    subject=$ez_root/build/bench/scale.tsv
    [[ -e $subject ]] || ez_fail "nothing was measured yet; run tests/bench/run.sh scale"
fi
sweep=''
case $subject in
    selfish | double-spend | eclipse)
        sweep=$subject
        subject=$ez_root/simnet/scenarios/attack-$sweep.sim
        ;;
esac
[[ -e $subject ]] || ez_fail "there is no $subject"

name=$(basename -- "${subject%.tsv}" .sim)
pictures=(propagation forks bandwidth)
out=$(realpath -m -- "${out:-$ez_root/build/plots/$name}")
mkdir -p "$out"
ez_install "${ez_packages_build[@]}" "${ez_packages_plot[@]}"
if [[ $subject == *.tsv ]]; then
    data=$(realpath -- "$subject")
    pictures=(scale)
elif [[ -d $subject ]]; then
    data=$(realpath -- "$subject")
elif [[ -n $sweep ]]; then
    data=$out/sweep.tsv
    pictures=("$sweep")
    ez_build release ezsim
    status=0
    "$ez_root/build/release/simnet/ezsim" sweep "$subject" --tsv "${options[@]}" >"$data" ||
        status=$?
    ((status < 2)) || exit "$status"
else
    data=$out
    ez_build release ezsim
    status=0
    "$ez_root/build/release/simnet/ezsim" run "$subject" --data "$data" --progress \
        "${options[@]}" >"$out/report.txt" || status=$?
    # A run whose checks fail is worth a picture; its complaint stands above.
    ((status < 2)) || exit "$status"
fi

# draw PICTURE: one file of simnet/plots/.
draw() {
    (cd "$ez_root/simnet/plots" &&
        gnuplot -c "$1.gp" "$data" "$out/$1.$kind" "$kind" "$name: $1") ||
        ez_fail "gnuplot could not draw $1"
    printf '%s\n' "$out/$1.$kind"
}

for picture in "${pictures[@]}"; do
    draw "$picture"
done
