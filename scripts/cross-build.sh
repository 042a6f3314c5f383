#!/usr/bin/env bash
# Usage: scripts/cross-build.sh [aarch64|armv7|x86-64] [--bin NAME] [--out DIR]
#
# Builds kiosk in release for boards on an x86-64 Linux machine, for GLIBC 2.27 or newer, and prints where the
# program is. Fails where it would not load on a board or is larger than 20 MB (x86-64: 24 MB).
#
#   aarch64     64-bit ARM from the Cortex-A53 on: Raspberry Pi 3, 4, 5 and Zero 2 W, Jetson [default]
#   armv7       32-bit ARM: 32-bit Raspberry Pi OS
#   x86-64      small PCs
#   --bin NAME  another program: trainer (without torch)
#   --out DIR   copies it there, and prints that path
#
# What is missing is installed: zig from PyPI (100 MB) into ${XDG_CACHE_HOME:-~/.cache}/apparent/cross; Rust's
# library by `rustup target add`, or, for aarch64 where rustup cannot download, Debian's compiler into the same
# place (562 MB; CROSS_RUST=debian asks for it). Builds into ${XDG_CACHE_HOME:-~/.cache}/apparent/target-aarch64
# (or armv7, x86-64) unless CROSS_TARGET_DIR says otherwise.
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
    -*) usage_only "$@" ;;
    *) choose_board "$1" && shift ;;
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
