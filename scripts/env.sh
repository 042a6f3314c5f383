# shellcheck shell=bash
# Sourced by every script here: where things are, and a few helpers.

# shellcheck disable=SC2034 # read by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/apparent"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"

# claim_target_dir DIR: Cargo tells two checkouts that share a target directory apart only by the age of their
# files, but paths are compiled in: what another checkout built last must be built again.
claim_target_dir() {
    if [ "$(cat "$1/checkout" 2>/dev/null)" != "$root" ]; then
        touch "$root"/{models,device,host}/{src/lib.rs,tests/it/main.rs} "$root"/{device,host}/src/main.rs
        mkdir -p "$1"
        echo "$root" >"$1/checkout"
    fi
}
claim_target_dir "$CARGO_TARGET_DIR"

# Absolute, since tests run in the folders of their crates.
if [ -n "${APPARENT_DATA:-}" ]; then
    APPARENT_DATA=$(cd "$APPARENT_DATA" && pwd)
    export APPARENT_DATA
fi

# Prints the comment at the head of the calling script: its usage.
usage() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

say() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
}

die() {
    say "$@"
    exit 1
}

# usage_only "$@": answers -h; any other argument is an error.
usage_only() {
    case "${1:-}" in
    '') ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
}

# need COMMAND PACKAGE: installs the Debian package of a missing command, or says how to.
need() {
    if ! command -v "$1" >/dev/null; then
        install_package "$2" "'$1' is missing"
    fi
}

# install_package PACKAGE WHY: by apt-get as root or with sudo that asks nothing; else names the command.
install_package() {
    local as=(env DEBIAN_FRONTEND=noninteractive)
    if [ "$(id -u)" != 0 ]; then
        as=(sudo -n "${as[@]}")
        sudo -n true 2>/dev/null || die "$2; run: sudo apt-get install -y $1"
    fi
    command -v apt-get >/dev/null || die "$2; install what your system calls the Debian package '$1'"
    say "$2; installing the package $1"
    "${as[@]}" apt-get install -y --no-install-recommends "$1" >&2 && return
    "${as[@]}" apt-get update >&2
    "${as[@]}" apt-get install -y --no-install-recommends "$1" >&2 || die "$2; 'apt-get install -y $1' failed"
}

# Builds the trainer, with torch where libtorch is set up, and sets $trainer.
build_trainer() {
    local features=()
    if LIBTORCH=$("$root/scripts/setup-torch.sh" --print); then
        export LIBTORCH
        features=(--features host/torch)
    else
        unset LIBTORCH
    fi
    (cd "$root" && cargo build --quiet --workspace --locked "${features[@]}")
    # shellcheck disable=SC2034 # read by the scripts that source this
    trainer=$CARGO_TARGET_DIR/debug/trainer
}
