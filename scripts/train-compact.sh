#!/usr/bin/env bash
# Usage: scripts/train-compact.sh --data DIR [--out DIR] [--epochs N] [--tuning-epochs N] [--stop-after N]
#
# Makes models/bundles/compact from nothing: reads DIR's FairFace archive (fairface-train-128px.tar and
# fairface-train.csv), trains on its train part, chooses on its val part, and writes
#
#   OUT/train/       weights and log of the first stage: every face alike, its age anywhere in the labelled range
#   OUT/tune/        … and of the second: from the fourth block of convolutions on, rare ages drawn more often,
#                    a public net (scripts/teach-ages.sh) telling where in its range an age lies, some pictures
#                    damaged
#   OUT/f32/compact  the trained net in 32-bit floats
#   OUT/int8/compact what is committed as models/bundles/compact, calibrated on the val part
#
# --stop-after ends the second stage after so many of its epochs. A killed run goes on from its last epoch.
# OUT is ${XDG_CACHE_HOME:-~/.cache}/apparent/compact unless given. Needs 5 GB of disk and, on two cores that
# multiply bf16, about 50 minutes.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

data='' out="$cache/compact" epochs=30 tuning=6 stop=()
while [ $# -gt 0 ]; do
    case "$1" in
    --data) data=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --epochs) epochs=${2:?} && shift 2 ;;
    --tuning-epochs) tuning=${2:?} && shift 2 ;;
    --stop-after) stop=(--stop-after "${2:?}") && shift 2 ;;
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
# stage NAME OPTION...: trains into OUT/NAME, or goes on with it.
stage() {
    local name=$1 resume=()
    shift
    [ ! -e "$out/$name/last.safetensors" ] || resume=(--resume)
    "$trainer" train --net compact --crops "$out/crops" --out "$out/$name" "$@" "${resume[@]}"
}
stage train --epochs "$epochs"
scripts/teach-ages.sh --crops "$out/crops" --out "$out/teacher.safetensors"
stage tune --epochs "$tuning" --weights "$out/train/best.safetensors" --unfreeze-from conv4_1 \
    --teacher "$out/teacher.safetensors" --balance 0.5 --damage 0.2 --lr 1e-3 --average-decay 0.998 "${stop[@]}"
weights=$out/tune/best.safetensors

about=(
    --net compact --weights "$weights"
    --golden device/assets/portraits/astronaut.jpg device/assets/portraits/grace_hopper.jpg
    --licence CC-BY-4.0
    --attribution "FairFace: Kärkkäinen, K. & Joo, J. (2021), CC BY 4.0"
    --data "FairFace, 40,000 faces at 128 px, parts by the number in the file's name: 32,000 to train, 4,000 to choose; ages inside the labelled ranges as Cydral's age predictor (CC0 1.0) sees them"
    --made-by "scripts/train-compact.sh --epochs $epochs --tuning-epochs $tuning ${stop[*]}, at commit $(git describe --always --dirty)"
)
"$trainer" export "${about[@]}" --out "$out/f32/compact"
"$trainer" quantize "${about[@]}" --crops "$out/crops" --out "$out/int8/compact"
"$trainer" verify --weights "$weights" --crops "$out/crops" \
    --bundle "$out/f32/compact" "$out/int8/compact"
scripts/get-detector.sh --from "$data/models/detect/yunet_s_320_320.onnx" --into "$out"
"$trainer" calibrate --bundle "$out/int8/compact" --faces "$out/faces.csv" --detector "$out/yunet"
say "done: $out/int8/compact"
