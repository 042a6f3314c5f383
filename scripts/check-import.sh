#!/usr/bin/env bash
# Usage: scripts/check-import.sh [--keep]
#
# Holds `trainer import` against Keras's arithmetic at full size: makes an age net and a gender net of
# random weights in the layout of the seed's files (540 MB each), imports them with one trunk and with
# two, and computes the same faces in numpy, channels last, from the .h5 files alone. Fails where a logit
# or a probability differs by more than 1e-4.
#
# Needs 5 GB of disk (removed at the end without --keep), 8 GB of memory and about 10 minutes on two
# cores; numpy and h5py are fetched once into ${XDG_CACHE_HOME:-~/.cache}/apparent/check-import.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

keep=''
if [ "${1:-}" = --keep ]; then
    keep=yes
    shift
fi
usage_only "$@"
cd "$root"

venv=$cache/check-import/venv work=$cache/check-import/work
if ! "$venv/bin/python" -c 'import h5py, numpy' 2>/dev/null; then
    need python3 python3
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check numpy h5py >&2
fi
build_trainer
mkdir -p "$work"
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT

say "writing two Keras nets into $work"
"$venv/bin/python" scripts/check-import.py make "$work"
portraits=$root/device/assets/portraits
for kind in shared apart; do
    say "importing them, trunks $kind"
    "$trainer" import --age "$work/age.h5" --gender "$work/gender-$kind.h5" --calibrate "$portraits" \
        --order rgb --scale 1/255 --margin 0.4 --golden "$portraits"/{astronaut,grace_hopper}.jpg \
        --f32 "$work/$kind-f32" --out "$work/$kind-int8" | grep -A5 'int8 against'
    "$venv/bin/python" scripts/check-import.py compare "$work" "$kind"
    rm -rf "$work/$kind-f32" "$work/$kind-int8"
done
