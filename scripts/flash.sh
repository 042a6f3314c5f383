#!/usr/bin/env bash
# Usage: scripts/flash.sh IMAGE DEVICE [--yes]
#
# Writes an image (.img or .img.xz) to an SD card and reads it back to see that it is there. Refuses disks that are in
# use or not removable; shows what will be erased, and asks. The image's checksum is looked at first, where
# scripts/image.sh has left one beside it.
#
#   DEVICE  a whole disk such as /dev/sdb or /dev/mmcblk0, not a partition; or a file, which is overwritten
#   --yes   does not ask
#
# As a user who may not write to disks, run it with sudo.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

image='' device='' yes=''
while [ $# -gt 0 ]; do
    case "$1" in
    --yes) yes=1 && shift ;;
    -*) usage_only "$@" ;;
    *)
        if [ -z "$image" ]; then image=$1; elif [ -z "$device" ]; then device=$1; else usage_only "$@"; fi
        shift
        ;;
    esac
done
[ -n "$device" ] || {
    usage >&2
    exit 2
}

# refuse_unless_card DISK: dies where DISK, a name in /sys/block, is not something one may erase.
refuse_unless_card() {
    local sys=/sys/block/$1 name
    [ -d "$sys" ] || die "$device is not a whole disk; give the disk, such as /dev/sdb rather than /dev/sdb1"
    [ "$(cat "$sys/ro")" = 0 ] || die "$device is write-protected"
    case "$1" in
    # Card readers on a bus of their own do not call their cards removable; what is soldered in has boot partitions.
    mmcblk*) [ ! -d "/sys/block/${1}boot0" ] || die "$device is soldered in, expected a card" ;;
    *) [ "$(cat "$sys/removable")" = 1 ] || [[ $(readlink -f "$sys") == */usb[0-9]* ]] ||
        die "$device is not removable, expected a card or a stick" ;;
    esac
    for name in "$1" $(cd "$sys" && find . -maxdepth 1 -name "$1*" -printf '%f\n'); do
        refuse_used "$name"
    done
}

# refuse_used NAME: dies where this disk or partition is mounted, swapped to, or part of another disk.
refuse_used() {
    local number mounted
    number=$(cat "/sys/class/block/$1/dev")
    mounted=$(awk -v number="$number" '$3 == number { print $5; exit }' /proc/self/mountinfo)
    [ -z "$mounted" ] || die "/dev/$1 is mounted on $mounted; unmount it first: umount /dev/$1"
    ! grep -q "^/dev/$1[[:space:]]" /proc/swaps || die "/dev/$1 is used as swap"
    [ -z "$(ls "/sys/class/block/$1/holders" 2>/dev/null)" ] || die "/dev/$1 is part of another disk"
}

# The image's bytes, unpacked.
bytes() {
    case "$image" in
    *.xz) xz --decompress --stdout "$image" ;;
    *) cat "$image" ;;
    esac
}

check_image() {
    local sums name wanted
    [ -f "$image" ] || die "there is no image $image; scripts/image.sh makes one"
    case "$image" in
    *.img) ;;
    *.img.xz) need xz xz-utils ;;
    *) die "$image is no image, expected .img or .img.xz" ;;
    esac
    name=$(basename "$image") sums=$(dirname "$image")/$(basename "${image%.img*}").sha256
    wanted=$(awk -v name="$name" '$2 == name { print $1 }' "$sums" 2>/dev/null) || true
    if [ -z "$wanted" ]; then
        say "no checksum of $name is beside it: whether it is whole is not known"
    elif [ "$(sha256sum <"$image" | cut -d' ' -f1)" != "$wanted" ]; then
        die "$image is not what its checksum in $sums says: get it again"
    fi
}

check_image
if [ -b "$device" ]; then
    disk=$(basename "$(readlink -f "$device")")
    refuse_unless_card "$disk"
    size=$(($(cat "/sys/block/$disk/size") * 512))
elif [ -f "$device" ] || { [ ! -e "$device" ] && [ -d "$(dirname "$device")" ] && [[ $device != /dev/* ]]; }; then
    disk='' size=''
else
    die "there is no disk $device; 'lsblk' lists what there is"
fi
case "$image" in
*.xz) length=$(xz --robot --list "$image" | awk '$1 == "totals" { print $5 }') ;;
*) length=$(stat --format %s "$image") ;;
esac
if [ -n "$disk" ]; then
    [ "$size" -ge "$length" ] || die "$device has $size bytes, the image $length"
    [ -w "$device" ] || die "you may not write to $device; run this with sudo"
    say "all of this will be erased:"
    lsblk --output NAME,SIZE,MODEL,TRAN,FSTYPE,LABEL "$device" >&2
elif [ -e "$device" ]; then
    say "all of the file $device ($(stat --format %s "$device") bytes) will be overwritten"
fi
if [ -z "$yes" ]; then
    read -r -p "Type yes to erase $device: " answer || true
    [ "${answer:-}" = yes ] || die "nothing was written"
fi

sum_file=$(mktemp)
trap 'rm -f "$sum_file"' EXIT
say "writing $length bytes"
bytes | tee >(sha256sum >"$sum_file") |
    dd of="$device" bs=4M iflag=fullblock conv=fsync${disk:+,nocreat} status="$([ -t 2 ] && echo progress || echo none)"
# What is read back comes from the card, not from memory.
[ -z "$disk" ] || blockdev --flushbufs "$device"
say "reading it back"
written=$(head -c "$length" "$device" | sha256sum)
# Closed by now: dd has come to the end of it.
while [ ! -s "$sum_file" ]; do sleep 0.1; done
[ "$written" = "$(cat "$sum_file")" ] || die "$device does not hold what was written to it: try another card"
say "$device holds the image"
