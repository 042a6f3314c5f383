#!/usr/bin/env bash
# Usage: scripts/test-arm.sh [--cpu NAME]… [--all | FILTER…]
#
# Builds crate models' tests for boards and runs them here under qemu-user, once for each processor:
# cortex-a53 (Raspberry Pi 3, Zero 2 W), cortex-a72 (Pi 4) and cortex-a76 (Pi 5; it has dot products of bytes).
# By default those of kernels, sessions and bundles.
#
#   --cpu NAME  only this processor; may be repeated
#   --all       every test of the crate; takes minutes
#   FILTER      those whose names hold one of these words
#
# APPARENT_DATA=DIR names a folder of labelled faces; without it the tests that need one say so and pass.
# What is missing is installed as by scripts/cross-build.sh; QEMU is unpacked beside it (12 MB).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"

# Builds the tests and prints their paths. In release and together with crate device, so that all crates built
# for kiosk serve here too; the tested one with its assertions, device itself as fast as may be.
build_tests() {
    local release=profile.release.package
    cross_cargo test --release --package models --package device --lib --test it --no-run \
        --config $release.models.debug-assertions=true --config $release.models.overflow-checks=true \
        --config $release.device.opt-level=0 --message-format=json |
        sed -n "s#.*\"manifest_path\":\"$root/models/Cargo.toml\".*\"executable\":\"\([^\"]*\)\".*#\1#p"
}

cpus=() filters=() all=
while [ $# -gt 0 ]; do
    case "$1" in
    --cpu) cpus+=("${2:?}") && shift 2 ;;
    --all) all=1 && shift ;;
    -*) usage_only "$@" ;;
    *) filters+=("$1") && shift ;;
    esac
done
[ ${#cpus[@]} -gt 0 ] || cpus=("${board_cpus[@]}")
[ -n "$all" ] || [ ${#filters[@]} -gt 0 ] || filters=(session kernel bundles::)

set_up_cross
set_up_qemu
say "building the tests (minutes the first time)"
tests=$(build_tests)
for cpu in "${cpus[@]}"; do
    for test in $tests; do
        say "$cpu, $(basename "$test")"
        (cd "$root/models" && "$qemu" -L "$board_root" -cpu "$cpu" "$test" --quiet "${filters[@]}")
    done
done
