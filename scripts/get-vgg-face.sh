#!/usr/bin/env bash
# Usage: scripts/get-vgg-face.sh [--from FILE]
#
# Gets vgg_face_weights.h5, VGG-Face in Keras's format, which the seed began from: 580 MB, downloaded into
# ${XDG_CACHE_HOME:-~/.cache}/apparent/weights; a broken download goes on where it ended. FILE is one that is
# there already. Its layers are checked (its publisher gives no hash; the one found is printed and kept),
# and the commands are printed that make trunk and heads of it.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

url=https://github.com/serengil/deepface_models/releases/download/v1.0/vgg_face_weights.h5
# 145,002,878 numbers of 4 bytes, and what HDF5 needs to name them.
bytes_min=580011512 bytes_max=600000000

from=''
while [ $# -gt 0 ]; do
    case "$1" in
    --from) from=${2:?--from needs a file} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done

cat >&2 <<'TERMS'
VGG-Face: Parkhi, Vedaldi & Zisserman, "Deep Face Recognition", BMVC 2015; Visual Geometry Group, University
  of Oxford. Their pages give the weights for non-commercial research only; what is trained from them is no
  freer. For other uses begin from scripts/get-imagenet-trunk.sh.
TERMS

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

# download URL FILE: a part file stays where it breaks off, and is gone on with.
download() {
    local part=$2.part
    mkdir -p "$(dirname "$2")"
    say "downloading $1"
    if command -v curl >/dev/null; then
        curl --fail --location --continue-at - --retry 5 --max-filesize $bytes_max --speed-limit 1000 \
            --speed-time 60 --output "$part" "$1" || die "cannot download $1; run this again, or bring the file: --from"
    else
        need wget wget
        wget --continue --timeout=60 --output-document="$part" "$1" ||
            die "cannot download $1; run this again, or bring the file: --from"
    fi
    mv "$part" "$2"
}

file=${from:-$cache/weights/vgg_face_weights.h5}
if [ -z "$from" ] && [ ! -e "$file" ]; then
    download "$url" "$file"
fi
[ -f "$file" ] || die "$file: expected a file, found none"
bytes=$(wc -c <"$file")
if [ "$bytes" -lt $bytes_min ] || [ "$bytes" -gt $bytes_max ]; then
    die "$file: $bytes bytes, expected $bytes_min or a little more"
fi

build_trainer
checked="$cache/weights/vgg_face_weights.checked"
sha256=$(sha256_of "$file")
if [ "$(cat "$checked" 2>/dev/null)" != "$sha256" ]; then
    mkdir -p "$cache/weights"
    work=$(mktemp -d "$cache/weights/.vgg-face.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    check=("$trainer" convert --h5 "$file" --order rgb --mean 0 --scale 1 --out "$work/part.safetensors")
    "${check[@]}" --part trunk >&2
    "${check[@]}" --part age --but-last >&2
    echo "$sha256" >"$checked"
fi
say "$file: VGG-Face, sha256 $sha256"

weights=$cache/weights
cat <<NEXT
Choose what the net is to read, the same in all commands (docs/weights.md), as its authors trained it:
  reads="--order rgb --mean 129.186,104.762,93.594 --scale 1"
or as deepface feeds this file:
  reads="--order bgr --mean 0 --scale 1/255"
then:
  $trainer convert --h5 $file \$reads --part trunk --out $weights/vgg-face-trunk.safetensors
  $trainer convert --h5 $file \$reads --part age --but-last --out $weights/vgg-face-age.safetensors
  $trainer convert --h5 $file \$reads --part gender --but-last --out $weights/vgg-face-gender.safetensors
NEXT
