#!/usr/bin/env bash
# Usage: scripts/bench-vs-peers.sh [--nets NET,…] [--engines ENGINE,…] [--rounds N] [--quick] [--json FILE]
#            [--assert]
#
# Compares our inference with what one would take instead: same weights, same picture, same machine, in one
# run, on one thread and on two. Every engine is loaded once, in a process of its own; then they take turns.
# Prints a Markdown table a net. A ratio is ours ÷ theirs of one round, the median of all rounds.
#
#   --nets      of vgg-two (VGG-16 with two small heads), vgg-face (the full-size net: fc6 and fc7 for each
#               head) and compact (the committed bundle; in f32 random weights of its shapes); default all
#   --engines   of tract-int8 (tract without our operators), onnxruntime-int8, onnxruntime-f32,
#               openvino-int8, openvino-f32, ncnn-f32, opencv-f32; default all. Ours always runs.
#   --rounds    turns of each engine, default 15
#   --quick     3 rounds, each engine loaded once instead of three times
#   --json      also writes all that was measured
#   --assert    fails where a figure is above its bound (scripts/peers/report.py)
#
# The other engines come from PyPI, once, into ${XDG_CACHE_HOME:-~/.cache}/apparent/peers (0.6 GB). The large
# nets have random weights; they are made once, beside it, in peer-nets (4 GB), and again when the trainer's
# nets or its quantizer change. All engines hold their weights at once: 5 GB of memory for vgg-two, 10 GB for
# vgg-face.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

nets=vgg-two,vgg-face,compact
options=()
while [ $# -gt 0 ]; do
    case "$1" in
    --nets) nets=${2:?} && shift 2 ;;
    --engines) IFS=, read -ra engines <<<"${2:?}" && options+=(--engines "${engines[@]}") && shift 2 ;;
    --rounds) options+=(--rounds "${2:?}") && shift 2 ;;
    --json) options+=(--json "$(realpath -m "${2:?}")") && shift 2 ;;
    --quick) options+=(--rounds 3 --loads 1) && shift ;;
    --assert) options+=(--assert) && shift ;;
    *) usage_only "$@" ;;
    esac
done
IFS=, read -ra nets <<<"$nets"

venv=$cache/peers
pinned=(onnxruntime==1.32.0 ncnn==1.0.20261020 openvino==2026.4.1 opencv-python-headless==5.0.0.93
    onnx==1.23.2 numpy==2.4.6 safetensors==0.8.0)
if [ "$(cat "$venv/pinned" 2>/dev/null)" != "${pinned[*]}" ]; then
    say "installing the other engines into $venv"
    need python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv 'python3 makes no environments'
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${pinned[@]}" >&2
    echo "${pinned[*]}" >"$venv/pinned"
fi

cd "$root"
scripts/setup.sh
cargo build --release --locked --package device --package models --example bench_worker

# What the random nets and their int8 forms depend on.
sources=(host/src/{init,net,onnx,quantize}.rs host/src/{onnx,quantize}/*.rs)
made=$cache/peer-nets/$(cat "${sources[@]}" | sha256sum | head -c 12)
mkdir -p "$made"
find "$cache/peer-nets" -mindepth 1 -maxdepth 1 ! -path "$made" -exec rm -r {} +

# bundle NET KIND COMMAND…: lets the trainer make a bundle; half a one is never taken for a whole one.
bundle() {
    local out=$made/$1/$2 net=$1
    shift 2
    [ -d "$out" ] && return
    [ -n "${trainer:-}" ] || build_trainer
    say "making $out"
    rm -rf "$out.part"
    mkdir -p "$out.part"
    nice "$trainer" "$@" --net "$net" --init he --out "$out.part/$net" >&2
    mv "$out.part" "$out"
}

for net in "${nets[@]}"; do
    bundle "$net" f32 export
    if [ "$net" = compact ]; then
        mkdir -p "$made/compact/int8"
        ln -sfn "$root/models/bundles/compact" "$made/compact/int8/compact"
    else
        bundle "$net" int8 quantize --pictures 4
    fi
done

"$venv/bin/python" scripts/peers/bench.py --folder "$made" --nets "${nets[@]}" \
    --worker "$CARGO_TARGET_DIR/release/examples/bench_worker" "${options[@]}"
