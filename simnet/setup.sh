# Sourced by simnet/run.sh, simnet/plot.sh, tests/run.sh and tests/bench/run.sh: install what is
# missing, build what has changed, and do nothing when there is nothing to do. Everything said here
# goes to standard error: standard output belongs to the caller.
#
# Needs no more than a minimal Debian 12 has: bash, coreutils, findutils, sed, dpkg and apt.

ez_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

# What it takes to build and launch nodes.
ez_packages_build=(
    gcc libc6-dev cmake ninja-build pkg-config protobuf-c-compiler
    libprotobuf-c-dev libevent-dev libsodium-dev libsqlite3-dev libjansson-dev libinih-dev
    uthash-dev python3
)
# What the tests take on top of that.
ez_packages_test=(
    libcriterion-dev clang libclang-rt-14-dev clang-format git
)
# What simnet/plot.sh takes on top of the first.
ez_packages_plot=(gnuplot-nox)
# What the benchmarks take on top of the first.
ez_packages_bench=(wrk openssl)

ez_say() { printf '%s\n' "$*" >&2; }

ez_fail() {
    ez_say "error: $*"
    exit 1
}

# ez_missing_packages NAME...: those that are not installed, one a line.
ez_missing_packages() {
    # dpkg-query fails when it knows nothing of one of them; the others are listed all the same.
    local installed
    installed=$'\n'$({
        dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true
    } | sed -n 's/^installed //p')$'\n'
    local name
    for name in "$@"; do
        [[ $installed == *$'\n'"$name"$'\n'* ]] || printf '%s\n' "$name"
    done
}

# ez_apt ARGUMENT...: apt-get that asks nothing, as root.
ez_apt() {
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            ez_fail "packages are missing and only root can install them; as root, run:" \
                "apt-get update && apt-get install ${ez_wanted[*]}"
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# ez_install NAME...: install those that are missing.
ez_install() {
    command -v dpkg-query >/dev/null || ez_fail "this is not Debian: there is no dpkg-query"
    mapfile -t ez_wanted < <(ez_missing_packages "$@")
    ((${#ez_wanted[@]})) || return 0
    ez_say "installing ${#ez_wanted[@]} packages: ${ez_wanted[*]}"
    local log=$ez_root/build/install.log
    mkdir -p "$ez_root/build"
    if ! ez_apt update >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        ez_fail "apt-get update failed; is there a network, and do the files in /etc/apt name a" \
            "Debian mirror? (whole output: $log)"
    fi
    # The log has all of it; people see a line for each package as it is done.
    ez_apt install -y --no-install-recommends "${ez_wanted[@]}" 2>&1 | tee -a "$log" |
        sed -u -n 's/^Setting up \([^ :]*\).*/  \1/p; s/^\(Need to get .*\)/  \1/p' >&2
    if ((PIPESTATUS[0])); then
        tail -n 20 "$log" >&2
        ez_fail "apt-get install failed (whole output: $log)"
    fi
    mapfile -t ez_wanted < <(ez_missing_packages "$@")
    ((${#ez_wanted[@]} == 0)) || ez_fail "still not installed: ${ez_wanted[*]} (output: $log)"
}

# ez_configure PRESET: make build/PRESET, once; ninja does it again when a CMake file changes.
ez_configure() {
    [[ -e $ez_root/build/$1/build.ninja ]] && return
    ez_say "configuring build/$1"
    local log=$ez_root/build/configure-$1.log
    mkdir -p "$ez_root/build"
    (cd "$ez_root" && cmake --preset "$1") >"$log" 2>&1 || {
        cat "$log" >&2
        # A half-made folder would count as configured.
        rm -f "$ez_root/build/$1/build.ninja"
        ez_fail "cmake failed (output: $log)"
    }
}

# ez_build PRESET PROGRAM...: bring programs of build/PRESET up to date.
ez_build() {
    local folder=$ez_root/build/$1 stamp=$ez_root/build/$1/built-${*:2}
    # Nothing is newer than the last build, no file, and no folder from which one was removed:
    # then not even ninja is asked.
    stamp=${stamp// /-}
    if [[ -e $stamp && -z $(cd "$ez_root" && find CMakeLists.txt CMakePresets.json \
        simnet/CMakeLists.txt simnet/core simnet/attack simnet/ezsim include proto src -newer "$stamp" \
        -print -quit) ]]; then
        return
    fi
    ez_configure "$1"
    ez_say "building ${*:2} in build/$1"
    # As old as the start of the build: what is edited meanwhile is for the next one.
    touch "$stamp.new"
    ninja -C "$folder" "${@:2}" >&2 || ez_fail "the build failed"
    mv "$stamp.new" "$stamp"
}
