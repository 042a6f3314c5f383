# shellcheck shell=bash
# Sourced by scripts/test-image.sh after scripts/image.sh's parts: what stands in for an image of Raspberry Pi OS, which is
# not Debian's to give: the same two partitions (FAT at /boot/firmware, ext4), of Debian 12's packages, with dpkg and
# what it has noted of them. Kernel, RAM disk and command line lie on the FAT as a Raspberry Pi's firmware reads them. It
# has none of what makes Raspberry Pi OS special: its kernel, rpicam-apps, its first start.

rpios_packages=(init-system-helpers perl-base)

# make_rpios_base FILE: needs the kernel and the packages that scripts/image.sh rpi has unpacked and fetched.
make_rpios_base() {
    local work=$1.work kernel=$cache/cross/board-kernel-tree system=$1.work/root packages=$cache/cross/board-packages
    local more=$cache/cross/board-rpios-packages id=b1505041
    [ -d "$kernel/lib/modules" ] || die "'scripts/image.sh rpi' comes first: it fetches what this is made of"
    fetch_exactly "$more" "$(printf '%s\n' "${rpios_packages[@]}")"
    mkdir -p "$work/fat" "$work/ram"/{bin,dev,proc,sys,root}
    unpack_base "$system" "$packages" "$more"
    cp "$root/cross/image/root/etc/systemd/system/apparent-serial-shell.service" "$system/etc/systemd/system/"
    sed -i '/^Condition/d; /^After/d; s#HOME=/data#HOME=/root#' "$system/etc/systemd/system/apparent-serial-shell.service"
    mkdir -p "$system/etc/systemd/system/multi-user.target.wants" "$system/boot/firmware"
    ln -s ../apparent-serial-shell.service "$system/etc/systemd/system/multi-user.target.wants/"
    ln -sf /lib/systemd/system/multi-user.target "$system/etc/systemd/system/default.target"
    printf 'PARTUUID=%s-01 /boot/firmware vfat defaults 0 2\nPARTUUID=%s-02 / ext4 defaults,noatime 0 1\n' $id $id \
        >"$system/etc/fstab"
    echo raspberrypi >"$system/etc/hostname"

    dpkg -x "$cache"/cross/board-kernel/busybox-static_*.deb "$work/busybox"
    cp "$work/busybox/bin/busybox" "$work/ram/bin/"
    copy_modules "$kernel" "$work/ram" "${modules_to_boot[@]}" ext4 crc32c_generic
    printf '%s\n' "${modules_to_boot[@]}" ext4 crc32c_generic >"$work/ram/modules-to-boot"
    install -m 755 "$root/scripts/image/rpios-init" "$work/ram/init"
    python3 "$root/cross/image/cpio.py" "$work/ram" | gzip -1n >"$work/fat/initramfs8"
    cp "$kernel"/boot/vmlinuz-* "$work/fat/kernel8.img"
    echo "console=ttyAMA0,115200 root=PARTUUID=$id-02 rootfstype=ext4 fsck.repair=yes rootwait quiet loglevel=3 systemd.getty_auto=false" \
        >"$work/fat/cmdline.txt"
    truncate -s 96M "$work/boot.fat"
    mkfs.vfat -F 32 -n bootfs "$work/boot.fat" >/dev/null
    mcopy -s -i "$work/boot.fat" "$work/fat"/* ::/
    # As root in a namespace of its own, where this is run by somebody else: the files are root's then.
    truncate -s 400M "$work/root.ext4"
    local as=()
    [ "$(id -u)" = 0 ] || as=(unshare --map-root-user)
    "${as[@]}" mke2fs -q -t ext4 -L rootfs -d "$system" "$work/root.ext4"
    SIGNATURE=0x$id python3 "$root/cross/image/assemble.py" "$1" c:96:"$work/boot.fat" 83:400:"$work/root.ext4"
    rm -rf "$work"
}

# unpack_base FOLDER PACKAGES…: with dpkg's lists of them, as far as it looks at them.
unpack_base() {
    local system=$1 folder package name fields
    mkdir -p "$system"/usr/{bin,sbin,lib} "$system"/{dev,proc,sys,run,tmp,boot,mnt,root,var/lib/dpkg/info,var/tmp,etc,srv}
    for name in bin sbin lib; do
        ln -s "usr/$name" "$system/$name"
    done
    for folder in "${@:2}"; do
        for package in "$folder"/*.deb; do
            dpkg-deb --fsys-tarfile "$package" >"$1.tar"
            tar -x --keep-directory-symlink --no-same-owner -C "$system" -f "$1.tar"
            fields=$(dpkg-deb --field "$package" Package Version Architecture Maintainer Multi-Arch Provides Description)
            printf '%s\n\n' "$(sed '1a Status: install ok installed' <<<"$fields")"
            name=$(basename "${package%%_*}")
            ! grep -qx 'Multi-Arch: same' <<<"$fields" || name+=:arm64
            tar -t -f "$1.tar" | sed 's#^\.##; s#^/$#/.#; s#\(.\)/$#\1#' >"$system/var/lib/dpkg/info/$name.list"
        done
    done >"$system/var/lib/dpkg/status"
    rm "$1.tar"
    echo arm64 >"$system/var/lib/dpkg/arch"
    add_users "$system"
    sed -i 's#^root:.*#root:x:0:0:root:/root:/bin/sh#' "$system/etc/passwd"
    link_programs "$system"
    copy_modules "$cache/cross/board-kernel-tree" "$system" "${modules_to_boot[@]}" "${modules_to_run[@]}"
    rm -rf "$system"/usr/share/{doc,man,info,locale}
}
