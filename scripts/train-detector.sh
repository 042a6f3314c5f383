#!/usr/bin/env bash
# Usage: scripts/train-detector.sh --data DIR [--backgrounds DIR] [--out DIR] [--epochs N]
#
# Makes models/bundles/finder, our own face detector, from nothing: reads DIR's FairFace
# archive (fairface-train-128px.tar and fairface-train.csv, with a box and five landmarks a face), composes scenes
# of its train part and of pictures without faces (scripts/get-backgrounds.sh, run where --backgrounds is
# missing), chooses on scenes of its val part, and writes
#
#   OUT/train/       weights and log
#   OUT/polish/      … and of the second stage: coins among the decoys, and landmarks that count more
#   OUT/candidates/  that detector in bytes, which reports more than are faces
#   OUT/refine/      weights and log of the net that looks once more at those
#   OUT/f32/finder   the trained net in 32-bit floats
#   OUT/int8/finder  what is committed as models/bundles/finder
#
# A killed run goes on from its last epoch. OUT is ${XDG_CACHE_HOME:-~/.cache}/apparent/finder unless given.
# Needs 6 GB of memory and, on two cores that multiply bf16, an hour and a half: 110 epochs of 5,000 scenes; and 50 of
# 2,500 for the second look, which took an hour on a machine that did other things as well.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

data='' backgrounds='' out="$cache/finder" epochs=50
while [ $# -gt 0 ]; do
    case "$1" in
    --data) data=$(realpath -m "${2:?}") && shift 2 ;;
    --backgrounds) backgrounds=$(realpath -m "${2:?}") && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    --epochs) epochs=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ -e "$data/fairface-train-128px.tar" ] ||
    die "--data: expected a folder with fairface-train-128px.tar, found '$data'"

mkdir -p "$out"
cd "$root"
scripts/setup.sh
LIBTORCH=$(scripts/setup-torch.sh)
export LIBTORCH
cargo build --workspace --locked --features host/torch
trainer=$CARGO_TARGET_DIR/debug/trainer

if [ -z "$backgrounds" ]; then
    backgrounds=$cache/backgrounds
    scripts/get-backgrounds.sh --detector "$data/models/detect/yunet_s_640_640.onnx" --out "$backgrounds"
fi
if [ ! -e "$out/faces.csv" ]; then
    mkdir -p "$out/pictures"
    tar -xf "$data/fairface-train-128px.tar" -C "$out/pictures"
    "$trainer" index --csv "$data/fairface-train.csv" --root "$out/pictures" --out "$out/indexed.csv"
    "$trainer" split --faces "$out/indexed.csv" --out "$out/faces.csv" --rule number
fi
scenes=(--faces "$out/faces.csv" --backgrounds "$backgrounds")
# stage NAME OPTION...: trains into OUT/NAME, or goes on with it. Scores tell more that a face is one than how well
# its box fits, since else large decoys come before small faces.
stage() {
    local name=$1 resume=()
    shift
    [ ! -e "$out/$name/last.safetensors" ] || resume=(--resume)
    "$trainer" detector train "${scenes[@]}" --out "$out/$name" --certainty 0.75 "$@" "${resume[@]}"
}
stage train --epochs "$epochs" --relief 0.3
stage polish --weights "$out/train/best.safetensors" --decoys "$backgrounds/decoys/coins" --relief 0.3 \
    --landmarks 12 --epochs "$((epochs + 10))"

scenes+=(--decoys "$backgrounds/decoys/coins" --decoys "$backgrounds/decoys/animals" --decoys "$backgrounds/decoys/things")
int8=(--size 384x288 --calibration measured --scales per-channel)
if [ ! -e "$out/candidates/finder" ]; then
    "$trainer" detector bundle --weights "$out/polish/best.safetensors" "${scenes[@]}" "${int8[@]}" --score-min 0.15 \
        --out "$out/candidates/finder"
fi
stage refine --refine "$out/candidates/finder" --relief 0.3 --landmarks 6 --scenes 2500 --epochs "$epochs"

about=(
    --weights "$out/polish/best.safetensors" --refine "$out/refine/best.safetensors" --candidate-min 0.2
    "${scenes[@]}" --licence CC-BY-4.0
    --attribution "FairFace: Kärkkäinen, K. & Joo, J. (2021), CC BY 4.0"
    --data "Scenes composed of FairFace, 32,000 faces at 128 px with YuNet's boxes and landmarks, and of pictures without faces, coins, animals and other things from Debian packages (scripts/get-backgrounds.sh lists them with their licences)"
    --made-by "scripts/train-detector.sh --epochs $epochs, at commit $(git describe --always --dirty)"
)
"$trainer" detector bundle "${about[@]}" --size 384x288 --precision f32 --out "$out/f32/finder"
"$trainer" detector bundle "${about[@]}" "${int8[@]}" --out "$out/int8/finder"
say "done: $out/int8/finder"
