#!/usr/bin/env bash
# Usage: scripts/check-parity.sh
#
# Asks `kiosk analyze` and `trainer eval` about the same pictures and fails where an apparent age differs
# by more than 0.001 years: the demo portraits, and the labelled faces of APPARENT_DATA/test where that is
# set. Both programs must be built (scripts/test.sh does that).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
usage_only "$@"
cd "$root"

bundle=$root/models/bundles/compact
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compare NAME MANIFEST ROOT PICTURES…
compare() {
    local faces=$work/$1.csv answers=$work/$1.jsonl
    "$CARGO_TARGET_DIR/debug/kiosk" analyze --json --detector embedded --bundle "$bundle" "${@:4}" >"$answers" ||
        [ $? = 1 ] # some picture could not be read: its line says so
    "$CARGO_TARGET_DIR/debug/trainer" index --csv "$2" --root "$3" --out "$faces"
    "$CARGO_TARGET_DIR/debug/trainer" eval --bundle "$bundle" --detector embedded --faces "$faces" \
        --name "$1" --kiosk "$answers" >"$work/$1.md"
}

portraits=$root/device/assets/portraits
printf 'path\nastronaut.jpg\ngrace_hopper.jpg\n' >"$work/portraits-manifest.csv"
compare portraits "$work/portraits-manifest.csv" "$portraits" "$portraits/astronaut.jpg" "$portraits/grace_hopper.jpg"

test_set=${APPARENT_DATA:-/nowhere}/test
if [ -e "$test_set/manifest.csv" ]; then
    compare test "$test_set/manifest.csv" "$test_set" "$test_set"/{aaf,fairface,utkface}
else
    say "APPARENT_DATA holds no test/manifest.csv: only the portraits are compared"
fi
