#!/usr/bin/env bash
# Usage: scripts/test-image.sh [--image FILE] [--full] [--cuts N] [--out DIR] [PART…]
#
# Starts the image that scripts/image.sh makes as a whole machine under QEMU (-M virt with UEFI, 1 GB) and asserts: the
# kiosk comes up by itself and shows a face that an emulated camera sees; its answer to a picture is this machine's; a
# camera may be pulled out and plugged in; the data grow; settings hold, and nonsense in them does no harm; systems that
# nobody trusted has signed are refused; one whose kiosk is broken is given up after three tries; one on a USB stick is
# taken. Prints what was seen. Exit status 3: left out, since there is no QEMU to be had here, which it says.
#
#   --image FILE  tests this one, with FILE's .system beside it, instead of making one
#   --cuts N      cuts the power N times each at random moments of a first start, a system's update and a bundle's
#                 installation, and looks whether it comes back (minutes for each)
#   --kiosk FILE  compares with the answer of this kiosk of this machine, instead of building one
#   --full        everything, with ten cuts each: hours
#   --out DIR     keeps pictures of the screen and logs there [default: demo-out/image]
#   PART          only this: first, settings, updates, cuts-first, cuts-update or cuts-install
#
# Without QEMU's arm64 machine, it is unpacked into ${XDG_CACHE_HOME:-~/.cache}/apparent/cross (340 MB). Processor and
# camera are emulated: times say nothing about any board. A power cut ends QEMU: what the system had written by then is
# there, in the order that it was written; what a card itself may lose is not tried.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/apt.sh
source "$root/cross/apt.sh"
# shellcheck source=cross/image/packages.sh
source "$root/cross/image/packages.sh"
# shellcheck source=cross/image/modules.sh
source "$root/cross/image/modules.sh"
# shellcheck source=cross/image/qemu.sh
source "$root/cross/image/qemu.sh"
# shellcheck source=scripts/image/disk.sh
source "$root/scripts/image/disk.sh"
# shellcheck source=scripts/image/updates.sh
source "$root/scripts/image/updates.sh"

left_out=3
image='' cuts=0 out=$root/demo-out/image parts=() kiosk=''
while [ $# -gt 0 ]; do
    case "$1" in
    --image) image=$(realpath -m "${2:?}") && shift 2 ;;
    --kiosk) kiosk=$(realpath -m "${2:?}") && shift 2 ;;
    --full) cuts=10 && shift ;;
    --cuts) cuts=${2:?} && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    first | settings | updates | cuts-first | cuts-update | cuts-install) parts+=("$1") && shift ;;
    *) usage_only "$@" ;;
    esac
done

need python3 python3
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ] || ! set_up_qemu_arm; then
    say "left out: the image is not started here"
    exit $left_out
fi
set_up_image_tools
set_up_board_apt
[ -n "$image" ] || image=$("$root/scripts/image.sh" rpi --no-xz)
if [ -z "$kiosk" ]; then
    "$root/scripts/setup.sh"
    say "building kiosk for this machine (minutes the first time)"
    (cd "$root" && cargo build --release --locked --package device --bin kiosk)
    kiosk=$CARGO_TARGET_DIR/release/kiosk
fi

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/disk"
make_pictures "$work/disk" "$root/device/assets/portraits/astronaut.jpg"
make_test_disk "$work/disk.squashfs" "$work/disk"
say "making updates, good and bad"
make_updates "$work/updates" "${image%.img}.system" "$root/models/bundles/compact"

# The cards take two gigabytes each, most of them holes.
mkdir -p "$work/out"
status=0
python3 "$root/scripts/image/test.py" --qemu "$qemu_arm" --uefi "$uefi" --out "$work/out" --image "$image" \
    --disk "$work/disk.squashfs" --updates "$work/updates" --kiosk "$kiosk" --cuts "$cuts" "${parts[@]}" || status=$?
cp "$work/out"/*.{png,log,json,journal} "$out/" 2>/dev/null || true
say "pictures and logs are in $out"
exit $status
