#!/bin/sh
# Installs the face detector YuNet as the bundle models/bundles/yunet.
set -eu

usage() {
    cat <<USAGE
usage: scripts/get-detector.sh [--from FILE] [--into FOLDER]

Makes the bundle FOLDER/yunet (FOLDER: models/bundles of this project) of the face detector YuNet.
Without --from, OpenCV Zoo's file is downloaded (232,589 bytes, MIT licence). FILE may be that file
or libfacedetection.train's yunet_s_320_320.onnx (a quarter of the work, for pictures of few faces).
Either is accepted by its SHA-256 only. Does nothing where the bundle is there already.
USAGE
}

url=https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx
sha256_640=8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4
sha256_320=beb05bf2378aee45cd7c41056da07265b7bb91041ed1b06f923819a9c744ec36
bytes_max=1000000

from=
into=$(dirname "$0")/../models/bundles
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --from) from=${2:?--from needs a file}; shift 2 ;;
        --into) into=${2:?--into needs a folder}; shift 2 ;;
        *) usage >&2; exit 2 ;;
    esac
done

fail() {
    echo "get-detector: $*" >&2
    exit 1
}

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

mkdir -p "$into"
into=$(cd "$into" && pwd)
bundle=$into/yunet
if [ -z "$from" ] && [ -f "$bundle/SHA256SUMS" ] && (cd "$bundle" && sha256sum --check --quiet SHA256SUMS); then
    echo "$bundle is there already"
    exit 0
fi

fresh=$(mktemp -d "$into/.yunet.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
trap 'exit 130' INT TERM
network=$fresh/yunet.onnx
if [ -n "$from" ]; then
    [ -f "$from" ] || fail "$from: expected a file, found none"
    [ "$(wc -c <"$from")" -le $bytes_max ] || fail "$from: expected at most $bytes_max bytes, found $(wc -c <"$from")"
    cat "$from" >"$network"
elif command -v curl >/dev/null; then
    curl --fail --location --silent --show-error --max-filesize $bytes_max --max-time 120 --output "$network" "$url" \
        || fail "cannot download $url; bring the file and use --from"
elif command -v wget >/dev/null; then
    wget --quiet --timeout=120 --output-document="$network" "$url" \
        || fail "cannot download $url; bring the file and use --from"
else
    fail "neither curl nor wget is installed: apt-get install curl, or bring $url and use --from"
fi

sha256=$(sha256_of "$network")
case $sha256 in
    "$sha256_640")
        side=640 bytes=232589 licence=MIT
        attribution="Wu, Peng, Yu: YuNet, 2023; OpenCV Zoo, face_detection_yunet_2023mar.onnx" ;;
    "$sha256_320")
        side=320 bytes=232557 licence=Apache-2.0
        attribution="Wu, Peng, Yu: YuNet, 2023; libfacedetection.train, yunet_s_320_320.onnx" ;;
    *) fail "${from:-$url}: expected sha256 $sha256_640 or $sha256_320, found $sha256" ;;
esac

cat >"$fresh/model.toml" <<TOML
format = 1
name = "yunet"

[detector]
family = "yunet"
input = [$side, $side]
score_min = 0.6
nms_iou = 0.3

[[files]]
role = "network"
path = "yunet.onnx"
bytes = $bytes
sha256 = "$sha256"

[provenance]
licence = "$licence"
attribution = "$attribution"
data = "WIDER FACE (Yang et al. 2016)"
made_by = "scripts/get-detector.sh"
version = "2023mar"
TOML
(cd "$fresh" && sha256sum model.toml yunet.onnx >SHA256SUMS)
chmod 755 "$fresh"

if [ -f "$bundle/SHA256SUMS" ] && cmp -s "$fresh/SHA256SUMS" "$bundle/SHA256SUMS" \
    && (cd "$bundle" && sha256sum --check --quiet SHA256SUMS); then
    echo "$bundle is there already"
    exit 0
fi
sync "$fresh"/* "$fresh"
# A folder cannot be renamed over one that is not empty, so the old one steps aside first.
if [ -e "$bundle" ]; then
    mkdir "$fresh.old"
    trap '[ -e "$bundle" ] || mv "$fresh.old/yunet" "$bundle"; rm -rf "$fresh" "$fresh.old"' EXIT
    mv "$bundle" "$fresh.old/"
fi
mv "$fresh" "$bundle"
echo "$bundle: YuNet for ${side}x$side px ($licence)"
