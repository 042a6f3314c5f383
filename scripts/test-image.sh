#!/usr/bin/env bash
# Usage: scripts/test-image.sh [--image FILE] [--full] [--quick] [--cuts N] [--out DIR] [PART…]
#
# Starts the image that scripts/image.sh makes as a whole machine under QEMU (-M virt with UEFI, 1 GB) and asserts: the
# kiosk comes up by itself and shows a face that an emulated camera sees; its answer to a picture is this machine's; a
# camera may be pulled out and plugged in; the data grow; settings hold, and nonsense in them does no harm; systems and
# bundles that nobody trusted has signed are refused; a system whose kiosk is broken is given up after three tries, a bundle
# that is damaged is stood in for by the one before; either is taken from a USB stick. Prints what was seen. Exit status 3:
# left out, since there is no QEMU to be had here, which it says.
#
#   --image FILE  tests this one, with FILE's .system beside it, instead of making one
#   --deb FILE    makes images of this package, instead of building one
#   --kiosk FILE  compares with the answer of this kiosk of this machine, instead of building one
#   --pair DIR    takes this bundle as the pair of full-size nets, instead of making one with random weights
#   --cuts N      cuts the power N times each while a card starts for the first time, a system is put into the other slot
#                 and a bundle is installed, and looks whether it comes back (a minute or two for each)
#   --seed N      another seed for the moments of the cuts [default: 1]
#   --full        everything, with ten cuts each: hours
#   --quick       only that it comes up, shows a face and answers right, with an image that is kept for the next time and
#                 made again when what it is made of has changed; left out where no kiosk was ever built for boards here,
#                 which takes a quarter of an hour
#   --out DIR     keeps pictures of the screen and logs there [default: demo-out/image]
#   PART          only this: quick, first, settings, updates, bundles, pair, rpios (the kiosk in what stands in for an image
#                 of Raspberry Pi OS), raspi3b (QEMU's Raspberry Pi 3), cuts-first, cuts-update or cuts-install
#
# Without QEMU's arm64 machine, it is unpacked into ${XDG_CACHE_HOME:-~/.cache}/apparent/cross (340 MB). Processor and
# camera are emulated: times say nothing about any board. A power cut ends QEMU: what the card had taken by then is there, in
# the order that it was written; what a card itself may lose of that is not tried.
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
# shellcheck source=cross/image/rootfs.sh
source "$root/cross/image/rootfs.sh"
# shellcheck source=scripts/image/disk.sh
source "$root/scripts/image/disk.sh"
# shellcheck source=scripts/image/updates.sh
source "$root/scripts/image/updates.sh"
# shellcheck source=scripts/image/rpios-base.sh
source "$root/scripts/image/rpios-base.sh"

image='' deb='' cuts='' seed=1 out=$root/demo-out/image parts=() kiosk='' pair='' quick=''
parts_of_all=(first settings updates bundles) parts_of_cuts=(cuts-first cuts-update cuts-install)
while [ $# -gt 0 ]; do
    case "$1" in
    --image) image=$(realpath -m "${2:?}") && shift 2 ;;
    --deb) deb=$(realpath -m "${2:?}") && shift 2 ;;
    --kiosk) kiosk=$(realpath -m "${2:?}") && shift 2 ;;
    --pair) pair=$(realpath -m "${2:?}") && shift 2 ;;
    --full) parts=("${parts_of_all[@]}" pair rpios raspi3b "${parts_of_cuts[@]}") && shift ;;
    --quick) quick=1 parts=(quick) && shift ;;
    --cuts) cuts=${2:?} && shift 2 ;;
    --seed) seed=${2:?} && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    quick | first | settings | updates | bundles | pair | rpios | raspi3b | cuts-first | cuts-update | cuts-install)
        parts+=("$1") && shift
        ;;
    *) usage_only "$@" ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=("${parts_of_all[@]}" ${cuts:+"${parts_of_cuts[@]}"})

leave_out() {
    say "left out: $*"
    exit 3
}

# Prints a sum of what an image is made of.
sources_sum() {
    (cd "$root" && git ls-files -z --cached --others --exclude-standard -- Cargo.toml Cargo.lock rust-toolchain.toml models \
        device cross docs scripts/image.sh scripts/package.sh scripts/cross-build.sh | xargs -0 sha256sum | sha256sum)
}

# Sets $image to the one that is kept, made anew where it is not of these very sources.
find_quick_image() {
    local kept=$cache/cross/quick-image sum
    image=$kept/apparent-rpi.img sum=$(sources_sum)
    [ "$(cat "$kept/sources" 2>/dev/null)" != "$sum" ] || return 0
    [ -e "${CROSS_TARGET_DIR:-$cache/target-aarch64}/aarch64-unknown-linux-gnu/release/kiosk" ] ||
        leave_out "no kiosk was built for boards here yet; 'scripts/cross-build.sh' does it"
    rm -f "$kept/sources"
    "$root/scripts/image.sh" rpi --no-xz --out "$kept" >/dev/null
    echo "$sum" >"$kept/sources"
}

need python3 python3
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ] || ! set_up_qemu_arm; then
    leave_out "the image is not started here"
fi
# With the word of each why they cannot be had.
(set_up_image_tools && set_up_board_apt) || leave_out "without these packages no image is made"
set_up_image_tools
set_up_board_apt
[ -n "$image$deb" ] || [ -z "$quick" ] || find_quick_image
[ -n "$image" ] || image=$("$root/scripts/image.sh" rpi --no-xz ${deb:+--deb "$deb"})
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
if [ "${parts[*]}" != quick ]; then
    say "making updates, good and bad"
    system=''
    [[ " ${parts[*]} " != *update* ]] || system=${image%.img}.system
    make_updates "$work/updates" "$root/models/bundles/compact" "$system"
fi
options=()
for part in "${parts[@]}"; do
    case "$part" in
    pair) make_pair_stick "$work/updates" "$pair" ;;
    rpios)
        make_rpios_base "$work/base.img"
        options+=(--rpios "$("$root/scripts/image.sh" rpios --base "$work/base.img" --no-xz --out "$work" ${deb:+--deb "$deb"})")
        ;;
    raspi3b)
        dpkg -x "$cache"/cross/board-kernel/u-boot-rpi_*.deb "$work/u-boot"
        options+=(--u-boot "$work/u-boot/usr/lib/u-boot/rpi_3/u-boot.bin"
            --device-tree "$(echo "$cache"/cross/board-kernel-tree/usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb)")
        ;;
    esac
done

# The cards take two gigabytes each, most of them holes.
mkdir -p "$work/out"
status=0
python3 -B "$root/scripts/image/test.py" --qemu "$qemu_arm" --uefi "$uefi" --out "$work/out" --image "$image" \
    --disk "$work/disk.squashfs" --updates "$work/updates" --kiosk "$kiosk" --cuts "${cuts:-10}" --seed "$seed" \
    "${options[@]}" "${parts[@]}" || status=$?
cp "$work/out"/*.{png,log,json,journal} "$out/" 2>/dev/null || true
say "pictures and logs are in $out"
exit $status
