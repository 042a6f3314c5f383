#!/usr/bin/env bash
# Usage: scripts/test-arm.sh [--cpu NAME]… [--crate NAME]… [--all | FILTER…]
#
# Builds the tests of crates models and device for boards and runs them here under qemu-user, once for each processor:
# cortex-a53 (Raspberry Pi 3, Zero 2 W), cortex-a72 (Pi 4) and cortex-a76 (Pi 5; it has dot products of bytes). By
# default those of models' kernels, sessions and bundles.
#
#   --cpu NAME    only this processor; may be repeated
#   --crate NAME  only models or device; may be repeated
#   --all         every test; takes minutes
#   FILTER        those whose names hold one of these words
#
# Device's tests start kiosk, so they need root and Linux 6.7 or newer (cross/binfmt.sh) and are left out elsewhere,
# which is said. Of those, the emulated boards ask what QEMU's user mode has not, and say so and pass.
# APPARENT_DATA=DIR names a folder of labelled faces; without it the tests that need one say so and pass.
# What is missing is installed as by scripts/cross-build.sh; QEMU is unpacked beside it (75 MB).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"
# shellcheck source=cross/binfmt.sh
source "$root/cross/binfmt.sh"

# Builds the tests and prints their crates and paths. In release and both crates together, so that all that is built for
# kiosk serves here too; models with its assertions.
build_tests() {
    local release=profile.release.package
    cross_cargo test --release --package models --package device --lib --test it --no-run "${board_features[@]}" \
        --config $release.models.debug-assertions=true --config $release.models.overflow-checks=true \
        --message-format=json |
        sed -n "s#.*\"manifest_path\":\"$root/\([a-z]*\)/Cargo.toml\".*\"profile\":{[^}]*\"test\":true}.*\"executable\":\"\([^\"]*\)\".*#\1 \2#p"
}

cpus=() crates=() filters=() all=
while [ $# -gt 0 ]; do
    case "$1" in
    --cpu) cpus+=("${2:?}") && shift 2 ;;
    --crate) crates+=("${2:?}") && shift 2 ;;
    --all) all=1 && shift ;;
    -*) usage_only "$@" ;;
    *) filters+=("$1") && shift ;;
    esac
done
[ ${#cpus[@]} -gt 0 ] || cpus=("${board_cpus[@]}")
if [ -z "$all" ] && [ ${#filters[@]} = 0 ]; then
    filters=(session kernel bundles::)
    [ ${#crates[@]} -gt 0 ] || crates=(models)
fi
[ ${#crates[@]} -gt 0 ] || crates=(models device)

set_up_cross
set_up_qemu
set_up_qemu_static
say "building the tests (minutes the first time)"
tests=$(build_tests)
for cpu in "${cpus[@]}"; do
    while read -r crate test; do
        [[ " ${crates[*]} " = *" $crate "* ]] || continue
        say "$cpu, $crate: $(basename "$test")"
        run=("$qemu" -L "$board_root" -cpu "$cpu" "$test" --quiet "${filters[@]}")
        if [ "$crate" = device ]; then
            if ! has_board_programs; then
                say "left out: needs root and Linux 6.7, this is user $(id -u) and Linux $(uname -r)"
                continue
            fi
            run=(with_board_programs env QEMU_LD_PREFIX="$board_root" QEMU_CPU="$cpu" "$test" --quiet "${filters[@]}")
        fi
        (cd "$root/$crate" && "${run[@]}" </dev/null)
    done <<<"$tests"
done
