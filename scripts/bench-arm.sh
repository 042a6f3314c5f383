#!/usr/bin/env bash
# Usage: scripts/bench-arm.sh [--net NAME] [--cpu NAME]… [--steps] [--json FILE] [--max-to-f32 R]
#                             [--max-to-f32-dot R] [--max-to-stock R]
#
# Counts the instructions that 64-bit ARM processors execute for one inference of a net with random weights:
# by tract in f32, by stock tract in int8, and by our int8 kernels, on one thread. Prints a Markdown table with
# the ratios. Fails where ours answers far otherwise than stock tract, or above a bound. No board is needed:
# the programs run under qemu-user, and cross/qemu-plugin/insn-count.c counts.
#
# Instructions are not time: caches and the width of a processor are not seen. They are the same on every
# machine and under every load, so they show what a change of code did.
#
#   --net NAME          a net of the trainer; default compact, in seconds; vgg-two takes 15 minutes of a core
#   --cpu NAME          only this processor: cortex-a53, cortex-a72 or cortex-a76; may be repeated
#   --steps             a table for each program too: what each step of its plan takes
#   --json FILE         the same as JSON, with the instructions of loading
#   --max-to-f32 R      ours ÷ tract f32 may be at most R on processors without dot products (default 0.8)
#   --max-to-f32-dot R  and on those with (0.35)
#   --max-to-stock R    ours ÷ stock tract int8 may be at most R (1.0)
#
# What is missing is installed as by scripts/test-arm.sh. The nets are kept in
# ${XDG_CACHE_HOME:-~/.cache}/apparent/bench-arm (vgg-two: 0.7 GB).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"

net=compact cpus=() passed=()
while [ $# -gt 0 ]; do
    case "$1" in
    --net) net=${2:?} && shift 2 ;;
    --cpu) cpus+=("${2:?}") && shift 2 ;;
    --steps) passed+=("$1") && shift ;;
    --json | --max-to-f32 | --max-to-f32-dot | --max-to-stock) passed+=("$1" "${2:?}") && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ ${#cpus[@]} -gt 0 ] || cpus=("${board_cpus[@]}")

need python3 python3
set_up_cross
set_up_qemu
build_qemu_plugin
say "building the program to be counted (minutes the first time)"
# Together with crate device, so that all that is built for kiosk serves here too.
cross_cargo build --release --package models --package device --example infer "${board_features[@]}"

# The nets, made again when the trainer that made them is another.
build_trainer
nets=$cache/bench-arm/$net
made_by=$(sha256sum <"$trainer")
if [ "$(cat "$nets/made-by" 2>/dev/null)" != "$made_by" ]; then
    say "making $net in f32 and int8"
    rm -rf "$nets"
    mkdir -p "$nets"
    "$trainer" export --net "$net" --init he --out "$nets/f32" >&2
    "$trainer" quantize --net "$net" --init he --pictures 4 --out "$nets/int8" >&2
    echo "$made_by" >"$nets/made-by"
fi

python3 "$root/scripts/bench-arm.py" --qemu "$qemu" --board-root "$board_root" --plugin "$qemu_plugin" \
    --infer "$cross_target_dir/$board_target/release/examples/infer" --net "$net" \
    --f32 "$nets/f32/f32.onnx" --int8 "$nets/int8/int8.onnx" "${cpus[@]/#/--cpu=}" "${passed[@]}"
