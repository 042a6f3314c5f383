#!/usr/bin/env bash
# Usage: scripts/image.sh rpi [--deb FILE] [--key FILE.pub]… [--out DIR]
#        scripts/image.sh rpios --base FILE.img.xz [--deb FILE] [--key FILE.pub]… [--out DIR]
#
# rpi makes an image of a whole kiosk for an SD card: dist/apparent-rpi.img, with its checksum and its list of parts beside
# it, and packed as .img.xz. One image is for Raspberry Pi 3, 4 and Zero 2 W.
#
# rpios puts the kiosk into an image of Raspberry Pi OS (64 bits, 12 or newer) that you have: dist/apparent-rpios.img.xz.
# That is for what needs the maker's kernel and rpicam-apps: Raspberry Pi 5, and cameras on the ribbon cable.
#
# docs/flash-a-kiosk.md tells what to do with either. No root, no loop device; no program of the boards is run.
#
#   --base FILE     the image of Raspberry Pi OS, .img.xz or .img; it is not changed
#   --deb FILE      this package of the kiosk, instead of making one by scripts/package.sh
#   --key FILE.pub  whose bundles and systems the kiosk takes: a public key of minisign; may be repeated
#   --out DIR       where the image goes [default: dist]
#   --no-xz         leaves the packed one out, which takes most of the time
#
# Debian's packages of the boards are unpacked; they, and the tools of this machine that are missing, are fetched into
# ${XDG_CACHE_HOME:-~/.cache}/apparent/cross (about 130 MB).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/apt.sh
source "$root/cross/apt.sh"
# shellcheck source=cross/image/packages.sh
source "$root/cross/image/packages.sh"
# shellcheck source=cross/image/modules.sh
source "$root/cross/image/modules.sh"
# shellcheck source=cross/image/rootfs.sh
source "$root/cross/image/rootfs.sh"
# shellcheck source=cross/image/rpios.sh
source "$root/cross/image/rpios.sh"

board='' base='' deb='' keys=() out=$root/dist xz=1
while [ $# -gt 0 ]; do
    case "$1" in
    rpi | rpios) board=$1 && shift ;;
    --base) base=$(realpath -m "${2:?}") && shift 2 ;;
    --deb) deb=$(realpath -m "${2:?}") && shift 2 ;;
    --key) keys+=("$(realpath -m "${2:?}")") && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    --no-xz) xz='' && shift ;;
    *) usage_only "$@" ;;
    esac
done
case "$board-${base:+base}" in
rpi- | rpios-base) ;;
*)
    usage >&2
    exit 2
    ;;
esac

# Of the partitions, in MiB. A slot has room for a system twice as large; the data grow to the card's end.
boot_mib=48 slot_mib=128 data_mib=32
kernel_packages=$cache/cross/board-kernel packages=$cache/cross/board-packages

need mke2fs e2fsprogs
need xz xz-utils
need python3 python3
set_up_image_tools
[ "$board" = rpios ] || set_up_board_apt
[ -n "$deb" ] || deb=$("$root/scripts/package.sh" aarch64)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
image=$out/apparent-$board.img

# pack_image FILE…: beside the image, its packed form and checksums, of FILE… as well.
pack_image() {
    if [ -n "$xz" ]; then
        say "packing the image (minutes)"
        xz --threads=0 -6 --keep --force "$image"
    fi
    local files=("$@" "$(basename "$image")" ${xz:+"$(basename "$image").xz"})
    (cd "$out" && sha256sum "${files[@]}" >"apparent-$board.sha256" && stat --format '%n: %s bytes' "${files[@]}" >&2)
    echo "$image"
}

if [ "$board" = rpios ]; then
    make_rpios_image "$base" "$image" "$deb"
    pack_image
    exit
fi

say "fetching the boards' packages"
fetch_board_packages "$packages" "${board_packages[@]}"
kernel_name=$(of_boards apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
fetch_exactly "$kernel_packages" "$(printf '%s\n' "${kernel_name%%$'\n'*}" firmware-brcm80211 raspi-firmware u-boot-rpi \
    grub-efi-arm64-bin busybox-static)"

# What is in the kiosk, one NAME VERSION|LICENCE a line; nothing where there is no cargo.
crates_of_kiosk() {
    (cd "$root" && cargo tree --locked --package device --edges normal --prefix none \
        --target aarch64-unknown-linux-gnu --format '{p}|{l}') || say "without cargo, the list of parts has no crates"
}

unpack_one() {
    mkdir -p "$2"
    local package
    for package in "$kernel_packages"/"$1"[_-]*.deb; do
        dpkg -x "$package" "$2"
    done
}

# The kernel stays unpacked from one time to the next: its modules' needs take a while to find out.
kernel=$cache/cross/board-kernel-tree
if [ "$(cat "$kernel/package" 2>/dev/null)" != "$(basename "$kernel_packages"/linux-image-*.deb)" ]; then
    say "unpacking the kernel"
    rm -rf "$kernel"
    unpack_one linux-image "$kernel"
    depmod -b "$kernel" "$(basename "$kernel"/lib/modules/*)"
    basename "$kernel_packages"/linux-image-*.deb >"$kernel/package"
fi
for name in firmware-brcm80211=firmware raspi-firmware=pi u-boot-rpi=u-boot grub-efi-arm64-bin=grub busybox-static=busybox; do
    unpack_one "${name%=*}" "$work/${name#*=}"
done

say "putting the system together"
system=$work/system
make_system "$system" "$packages" "$kernel" "$deb"
mkdir -p "$system/usr/share/apparent/keys"
cp "$system"/etc/apparent/keys/*.pub "${keys[@]}" "$system/usr/share/apparent/keys/"
# What the settings say, and whose keys hold, is put there at each start.
rm -rf "$system/etc/apparent"
ln -s /run/apparent/etc "$system/etc/apparent"

# The RAM disk: busybox and the card's drivers.
ram=$work/ram
mkdir -p "$ram"/{bin,dev,proc,sys,root}
cp "$work/busybox/bin/busybox" "$ram/bin/"
install -m 755 "$root/cross/image/init" "$ram/init"
copy_modules "$kernel" "$ram" "${modules_to_boot[@]}"
printf '%s\n' "${modules_to_boot[@]}" >"$ram/modules-to-boot"
mkdir -p "$system/boot"
python3 "$root/cross/image/cpio.py" "$ram" | gzip -9n >"$work/initrd"

cp "$work/initrd" "$system/boot/initrd"
cp "$kernel"/boot/vmlinuz-* "$system/boot/vmlinuz"
cp "$root/cross/image/boot/slot.cfg" "$system/boot/slot.cfg"

version=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
printf 'apparent-rpi %s\n' "$version" >"$system/usr/share/apparent/system"
say "packing the system"
# GRUB reads the kernel from it, and of squashfs only what gzip has packed.
mksquashfs "$system" "$work/system.squashfs" -comp gzip -all-root -no-progress -quiet -noappend \
    -action 'uncompressed@name(vmlinuz)' >&2

# What a Raspberry Pi, or a machine with UEFI, begins with, and the settings.
fat=$work/fat
mkdir -p "$fat"/{EFI/BOOT,grub,keys}
cp "$work"/pi/usr/lib/raspi-firmware/{bootcode.bin,start.elf,start_x.elf,fixup.dat,fixup_x.dat,start4.elf,start4x.elf,fixup4.dat,fixup4x.dat} "$fat/"
cp "$work/u-boot/usr/lib/u-boot/rpi_arm64/u-boot.bin" "$fat/"
cp "$kernel"/usr/lib/linux-image-*/broadcom/bcm2{837-rpi-3-b,837-rpi-3-b-plus,837-rpi-3-a-plus,837-rpi-zero-2-w,711-rpi-4-b}.dtb "$fat/"
cp "$root"/cross/image/boot/{config.txt,apparent.txt} "$fat/"
cp "$root/cross/image/boot/grub.cfg" "$fat/grub/"
printf '# GRUB Environment Block\ngood=a\ntrial=\ntries=0\n%01024d' 0 | sed '$s/0/#/g' | head -c 1024 >"$fat/grub/grubenv"
grub-mkimage --format arm64-efi --directory "$work/grub/usr/lib/grub/arm64-efi" --prefix /grub \
    --output "$fat/EFI/BOOT/BOOTAA64.EFI" part_msdos fat squash4 normal linux regexp loadenv test echo sleep reboot configfile
truncate -s ${boot_mib}M "$work/boot.fat"
mkfs.vfat -F 32 -s 1 -n APPARENT "$work/boot.fat" >/dev/null
mcopy -s -i "$work/boot.fat" "$fat"/* ::/

truncate -s ${data_mib}M "$work/data.ext4"
mke2fs -q -t ext4 -b 4096 -m 0 -L data -E root_owner=0:0 "$work/data.ext4"

python3 "$root/cross/image/assemble.py" "$image.part" c:$boot_mib:"$work/boot.fat" 83:$slot_mib:"$work/system.squashfs" \
    83:$slot_mib: 83:$data_mib:"$work/data.ext4"
mv "$image.part" "$image"
cp "$work/system.squashfs" "$out/apparent-$board.system"
mkdir "$work/own"
cp "$deb" "$work/own/"
crates_of_kiosk |
    python3 "$root/cross/image/sbom.py" "apparent-$board" "$version" "$packages" "$kernel_packages" "$work/own" >"$image.cdx.json"
pack_image "apparent-$board.system"
