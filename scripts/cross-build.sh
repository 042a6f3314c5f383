#!/usr/bin/env bash
# Usage: scripts/cross-build.sh [--bin NAME] [--out DIR]
#
# Builds kiosk for boards (64-bit ARM Linux, GLIBC 2.34 or newer) on an x86-64 Linux machine, in release, and
# prints where the program is. Fails where it would not load on a board.
#
#   --bin NAME  another program: trainer (without torch)
#   --out DIR   copies it there, and prints that path
#
# What is missing is installed: Debian's packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross; Rust's
# library by `rustup target add`, or, where rustup cannot download, Debian's compiler into
# ${XDG_CACHE_HOME:-~/.cache}/apparent/cross (562 MB; CROSS_RUST=debian asks for it). Builds into
# ${XDG_CACHE_HOME:-~/.cache}/apparent/target-aarch64 unless CROSS_TARGET_DIR says otherwise.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"

bin=kiosk out=
while [ $# -gt 0 ]; do
    case "$1" in
    --bin) bin=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
case "$bin" in
kiosk) package=device ;;
trainer) package=host ;;
*) die "no program is called $bin, there are kiosk and trainer" ;;
esac

set_up_cross
say "building $bin for $board_target (minutes the first time)"
build_for_boards "$package" "$bin"
if [ -n "$out" ]; then
    mkdir -p "$out"
    install "$program" "$out/$bin"
    program=$(cd "$out" && pwd)/$bin
fi
echo "$program"
