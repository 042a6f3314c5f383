#!/usr/bin/env bash
# Usage: scripts/test-drm.sh [--gpu bochs|virtio-gpu]… [--kvm] [--kiosk FILE] [--out DIR]
#
# Shows screens by DRM on an emulated PC: builds kiosk, boots Debian's kernel with it under QEMU, and asserts that
# pages are flipped, that what is on the screen is the canvas byte for byte, that a kiosk waits for another program
# to let go of the card, that a pulled cable and a card taken away are survived, that the display sleeps and wakes,
# and that its mode is as it was at the end. Prints what was seen; exit status 3: left out, since there is no QEMU or
# kernel to be had here, which it says.
#
#   --gpu NAME    only on this graphics card [default: both, one after the other]
#   --kvm         runs the guest on this machine's processor, which is faster, but hangs on some machines
#   --kiosk FILE  tests this program instead of building one
#   --out DIR     keeps the pictures of the screen and the logs there [default: demo-out/drm]
#
# QEMU (where it is not installed) and the kernel are unpacked into ${XDG_CACHE_HOME:-~/.cache}/apparent/qemu, 90 MB
# to download; nothing is installed. Without --kvm the processor is emulated too. Rates say nothing about any board.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/apt.sh
source "$root/cross/apt.sh"
# shellcheck source=cross/guest.sh
source "$root/cross/guest.sh"

left_out=3
gpus=() accel=tcg,thread=multi kiosk='' out=$root/demo-out/drm
while [ $# -gt 0 ]; do
    case "$1" in
    --gpu) gpus+=("${2:?}") && shift 2 ;;
    --kvm) accel=kvm && shift ;;
    --kiosk) kiosk=$(realpath -m "${2:?}") && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done
[ ${#gpus[@]} -gt 0 ] || gpus=(bochs virtio-gpu)

need python3 python3
need cc gcc
if ! set_up_guest; then
    say "left out: displays by DRM are not tested here"
    exit $left_out
fi
if [ -z "$kiosk" ]; then
    "$root/scripts/setup.sh"
    say "building kiosk (minutes the first time)"
    (cd "$root" && cargo build --release --locked --package device --bin kiosk)
    kiosk=$CARGO_TARGET_DIR/release/kiosk
fi

# What the emulated PC finds when it boots.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
disk=$work/disk
add_program "$disk" "$kiosk" bin/kiosk
mkdir -p "$disk"/{pictures/idle,bundles}
cc -O2 -Wall -Wextra -Werror -static -o "$disk/bin/drop-master" "$root/scripts/drm/drop-master.c"
install -m 755 "$root/scripts/drm/init.sh" "$disk/init"
cp -r "$root"/models/bundles/{compact,finder} "$disk/bundles/"
portraits=$root/device/assets/portraits
cp "$portraits/group.jpg" "$disk/pictures/one.jpg"
cp "$portraits/grace_hopper.jpg" "$disk/pictures/two.jpg"
# Nobody for a while: 64 x 48 black pixels; then somebody.
for number in 1 2 3 4 5 6; do
    {
        printf 'BM\x36\x24\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x40\0\0\0\x30\0\0\0\x01\0\x18\0\0\0\0\0\0\x24\0\0'
        head -c $((16 + 64 * 48 * 3)) /dev/zero
    } >"$disk/pictures/idle/$number.bmp"
done
for number in 7 8 9 10; do
    cp "$portraits/astronaut.jpg" "$disk/pictures/idle/$number.jpg"
done
make_guest_disk "$disk" "$work/initrd"

status=0
for gpu in "${gpus[@]}"; do
    say "an emulated PC with $gpu"
    rm -rf "${out:?}/$gpu"
    mkdir -p "$out/$gpu"
    python3 "$root/scripts/drm/guest.py" --qemu "$qemu_system" --accel "$accel" --gpu "$gpu" \
        --kernel "$guest_kernel/vmlinuz" --initrd "$work/initrd" --out "$out/$gpu" || status=1
done
say "the pictures of the screen are in $out"
exit $status
