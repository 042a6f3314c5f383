#!/usr/bin/env bash
# Usage: scripts/train-compact.sh --data DIR [--out DIR] [--epochs N]
#
# Makes models/bundles/compact from nothing: reads DIR's FairFace archive (fairface-train-128px.tar and
# fairface-train.csv), trains on its train part, chooses on its val part, and writes
#
#   OUT/train/       weights and log: rare ages are drawn more often, a public net (scripts/teach-ages.sh) tells
#                    where in its labelled range an age lies, some pictures are damaged
#   OUT/f32/compact  the trained net in 32-bit floats
#   OUT/int8/compact what is committed as models/bundles/compact, calibrated on the val part
#
# A killed run goes on from its last epoch. OUT is ${XDG_CACHE_HOME:-~/.cache}/apparent/compact unless given.
# Needs 5 GB of disk and, on two cores that multiply bf16, 75 to 105 s an epoch.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

data='' out="$cache/compact" epochs=30
while [ $# -gt 0 ]; do
    case "$1" in
    --data) data=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --epochs) epochs=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ -n "$data" ] || die "--data is missing: the folder with fairface-train-128px.tar"

data=$(cd "$data" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$root"
scripts/setup.sh
LIBTORCH=$(scripts/setup-torch.sh)
export LIBTORCH
cargo build --workspace --locked --features host/torch
trainer=$CARGO_TARGET_DIR/debug/trainer

if [ ! -e "$out/pictures/.complete" ]; then
    mkdir -p "$out/pictures"
    tar -xf "$data/fairface-train-128px.tar" -C "$out/pictures"
    touch "$out/pictures/.complete"
fi
if [ ! -e "$out/crops/crops.csv" ]; then
    "$trainer" index --csv "$data/fairface-train.csv" --root "$out/pictures" --out "$out/faces.csv"
    "$trainer" split --faces "$out/faces.csv" --rule number
    "$trainer" crop --faces "$out/faces.csv" --net compact --out "$out/crops"
fi
scripts/teach-ages.sh --crops "$out/crops" --out "$out/teacher.safetensors"
resume=()
[ ! -e "$out/train/last.safetensors" ] || resume=(--resume)
"$trainer" train --net compact --crops "$out/crops" --out "$out/train" --epochs "$epochs" \
    --teacher "$out/teacher.safetensors" --balance 0.5 --damage 0.2 "${resume[@]}"
weights=$out/train/best.safetensors

about=(
    --net compact --weights "$weights"
    --golden device/assets/portraits/astronaut.jpg device/assets/portraits/grace_hopper.jpg
    --licence CC-BY-4.0
    --attribution "FairFace: Kärkkäinen, K. & Joo, J. (2021), CC BY 4.0"
    --data "FairFace, 40,000 faces at 128 px, parts by the number in the file's name: 32,000 to train, 4,000 to choose; ages inside the labelled ranges as Cydral's age predictor (CC0 1.0) sees them"
    --made-by "scripts/train-compact.sh --epochs $epochs, at commit $(git describe --always --dirty)"
)
"$trainer" export "${about[@]}" --out "$out/f32/compact"
"$trainer" quantize "${about[@]}" --crops "$out/crops" --out "$out/int8/compact"
"$trainer" verify --weights "$weights" --crops "$out/crops" \
    --bundle "$out/f32/compact" "$out/int8/compact"
scripts/get-detector.sh --from "$data/models/detect/yunet_s_320_320.onnx" --into "$out"
"$trainer" calibrate --bundle "$out/int8/compact" --faces "$out/faces.csv" --detector "$out/yunet"
say "done: $out/int8/compact"
