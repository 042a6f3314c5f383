#!/usr/bin/env bash
# Usage: scripts/check-flash.sh
#
# Tests scripts/flash.sh on files, and that it refuses this machine's own disk.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
usage_only "$@"
need xz xz-utils

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flash() {
    "$root/scripts/flash.sh" "$@" >"$work/log" 2>&1
}
# refuses WORDS ARGUMENTS…: it ends with an error that has these words in it.
refuses() {
    ! flash "${@:2}" || die "it takes ${*:2}"
    grep -q -- "$1" "$work/log" || die "it does not say '$1': $(cat "$work/log")"
    say "refuses, since: $(tail -n 1 "$work/log")"
}

head -c 5000000 /dev/urandom >"$work/a.img"
xz --keep "$work/a.img"
(cd "$work" && sha256sum a.img a.img.xz >a.sha256)

flash "$work/a.img" "$work/card" --yes || die "it fails: $(cat "$work/log")"
cmp "$work/a.img" "$work/card"
head -c 9000000 /dev/zero >"$work/card"
flash "$work/a.img.xz" "$work/card" --yes || die "it fails: $(cat "$work/log")"
cmp --bytes=5000000 "$work/a.img" "$work/card"
say "writes images, packed or not"

echo no | flash "$work/a.img" "$work/other" && die "it writes when the answer is no"
[ ! -e "$work/other" ] || die "it writes when the answer is no"
say "writes nothing when the answer is no"

refuses 'no image' "$work/none.img" "$work/card" --yes
refuses 'no disk' "$work/a.img" /dev/none --yes
refuses 'expected .img' "$work/a.sha256" "$work/card" --yes
cp "$work/a.img" "$work/whole.img"
printf x | dd of="$work/a.img" seek=1000 bs=1 conv=notrunc status=none
refuses 'is not what its checksum' "$work/a.img" "$work/card" --yes

own=$(findmnt --noheadings --output SOURCE / || true)
if [ -b "$own" ]; then
    disk=$(lsblk --noheadings --output PKNAME "$own" | head -n 1)
    # Without --yes and without an answer nothing would be written even if it were not refused.
    refuses 'mounted\|not removable' "$work/whole.img" "/dev/${disk:-$(basename "$own")}" </dev/null
    [ -z "$disk" ] || refuses 'not a whole disk' "$work/whole.img" "$own" </dev/null
else
    say "this system runs from no disk that could be tried"
fi
