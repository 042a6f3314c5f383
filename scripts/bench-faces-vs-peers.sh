#!/usr/bin/env bash
# Usage: scripts/bench-faces-vs-peers.sh --yunet FILE [--bundle NAME|DIR/] [--detectors NAME,…] [--rounds N]
#            [--runs N] [--kiosk FILE] [--json FILE] [--assert]
#
# How long one face takes from pixels to age and gender, beside what one would write in Python: YuNet and
# faceres (MobileNet-V1 with heads for age and gender) in onnxruntime. One picture of 640×480 pixels with one
# face, one thread each; ours is the stage *answer* of `kiosk bench`, by default with the detector in
# the program and with the same YuNet file. Decoding and drawing are left out on both sides. They take
# turns; prints p50 and p90 by the wall's and the processor's clock, their ratios, and what speaks against them.
#
#   --yunet     libfacedetection.train's yunet_s_320_320.onnx
#   --bundle    ours, default compact
#   --detectors what ours finds faces with, the first being the one that is bound: yunet (FILE), or what
#               `kiosk bench --detector` takes; default embedded,yunet
#   --rounds    turns of each, default 15
#   --runs      pictures a turn, default 100: a p90 wants at least 64
#   --kiosk     the program to measure; default: this checkout's, built in release
#   --json      also writes all that was measured
#   --assert    fails where p90 of the processor's time is above 0.7 of theirs (scripts/peers/face_bench.py)
#
# Only ratios of one run mean something; run it while the machine does nothing else. The peer comes from PyPI and
# npm, once (200 MB). Five minutes.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=scripts/peers/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/peers/env.sh"

yunet='' bundle=compact detectors=embedded,yunet kiosk='' options=()
while [ $# -gt 0 ]; do
    case "$1" in
    --yunet) yunet=$(realpath -m "${2:?--yunet needs a file}") && shift 2 ;;
    --bundle) bundle=${2:?--bundle needs a name or folder} && shift 2 ;;
    --detectors) detectors=${2:?--detectors needs a list} && shift 2 ;;
    --rounds | --runs) options+=("$1" "${2:?$1 needs a number}") && shift 2 ;;
    --kiosk) kiosk=$(realpath -m "${2:?--kiosk needs a program}") && shift 2 ;;
    --json) options+=(--json "$(realpath -m "${2:?--json needs a file}")") && shift 2 ;;
    --assert) options+=(--assert) && shift ;;
    *) usage_only "$@" ;;
    esac
done
[ -f "$yunet" ] || die "--yunet: expected the file yunet_s_320_320.onnx, found '$yunet'"
# absolute NAME|DIR/: a folder, which is written with a '/', may be relative.
absolute() {
    case "$1" in */*) echo "$(realpath "$1")/" ;; *) echo "$1" ;; esac
}
bundle=$(absolute "$bundle")
IFS=, read -ra detectors <<<"$detectors"
for at in "${!detectors[@]}"; do
    detectors[at]=$(absolute "${detectors[at]}")
done

make_peers_venv
get_faceres
mkdir -p "$cache/bench-faces"
"$root/scripts/get-detector.sh" --from "$yunet" --into "$cache/bench-faces" >&2
cd "$root"
if [ -z "$kiosk" ]; then
    scripts/setup.sh
    cargo build --release --locked --package device --bin kiosk
    kiosk=$CARGO_TARGET_DIR/release/kiosk
fi
"$peers_python" scripts/peers/face_bench.py --kiosk "$kiosk" --bundle "$bundle" \
    --portrait device/assets/portraits/astronaut.jpg --yunet "$cache/bench-faces/yunet" --faceres "$faceres" \
    --detectors "${detectors[@]}" "${options[@]}"
