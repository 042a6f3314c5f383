# shellcheck shell=bash
# Sourced by scripts/image.sh: a system of unpacked packages. What their scripts would do when they are installed is done
# here, as far as it matters: users, links, which services begin.

# make_system FOLDER PACKAGES KERNEL PACKAGE: the system in FOLDER, of the packages in PACKAGES, the unpacked KERNEL
# and the kiosk's own PACKAGE.
make_system() {
    local system=$1 package
    mkdir -p "$system"/usr/{bin,sbin,lib} "$system"/{dev,proc,sys,run,tmp,boot,data,mnt,var,etc,srv}
    local name
    for name in bin sbin lib; do
        ln -s "usr/$name" "$system/$name"
    done
    for package in "$2"/*.deb "$4"; do
        is_left_out "$(basename "$package")" ||
            dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$system"
    done
    add_users "$system"
    link_programs "$system"
    copy_modules "$3" "$system" "${modules_to_boot[@]}" "${modules_to_run[@]}"
    add_firmware "$system"
    cp -r "$root/cross/image/root/." "$system/"
    choose_services "$system"
    leave_out_files "$system"
}

is_left_out() {
    local name
    for name in "${board_without[@]}"; do
        [ "$name" != "${1%%_*}" ] || return 0
    done
    return 1
}

# Debian's fixed users, and those that systemd and the kiosk would make.
add_users() {
    local master=$1/usr/share/base-passwd id=990 name
    # No password fits anybody; root's home holds the key that may come in, if any.
    sed 's#^root:.*#root:x:0:0:root:/run/apparent/home:/bin/sh#' "$master/passwd.master" >"$1/etc/passwd"
    cp "$master/group.master" "$1/etc/group"
    for name in systemd-network systemd-journal input render kvm sgx spi i2c gpio netdev; do
        echo "$name:x:$id:" >>"$1/etc/group"
        id=$((id - 1))
    done
    echo "systemd-network:x:990:990::/:/usr/sbin/nologin" >>"$1/etc/passwd"
    sed 's/:.*/:*:19000::::::/' "$1/etc/passwd" >"$1/etc/shadow"
    echo /bin/sh >"$1/etc/shells"
}

link_programs() {
    local name
    for name in awk bunzip2 clear cpio free gunzip gzip less ping ps reset tar top uptime vi wget xz zcat; do
        [ -e "$1/usr/bin/$name" ] || ln -s busybox "$1/usr/bin/$name"
    done
    ln -sf dash "$1/usr/bin/sh"
    ln -sf ../proc/self/mounts "$1/etc/mtab"
    # Empty: systemd makes one up at each start and keeps it in memory.
    : >"$1/etc/machine-id"
}

# The wireless chips of the boards this image is for.
add_firmware() {
    local chip
    mkdir -p "$1/lib/firmware/brcm" "$1/lib/firmware/cypress"
    for chip in 43430 43436 43436s 43455; do
        (cd "$work/firmware/lib/firmware" && cp -P --parents -t "$1/lib/firmware" \
            brcm/brcmfmac$chip-sdio* cypress/cyfmac$chip-sdio* 2>/dev/null) || true
    done
}

# choose_services SYSTEM: ours begin; what needs a system bus or a writable /etc never does.
choose_services() {
    local units=$1/etc/systemd/system unit target
    for unit in "$units"/apparent*.service "$1"/lib/systemd/system/apparent*.service; do
        [ -e "$unit" ] || continue
        target=$(sed -n 's/^WantedBy=//p' "$unit")
        [ -n "$target" ] || continue
        mkdir -p "$units/$target.wants"
        ln -sf "${unit#"$1"}" "$units/$target.wants/"
    done
    mkdir -p "$units/multi-user.target.wants"
    ln -s /lib/systemd/system/systemd-networkd.service "$units/multi-user.target.wants/"
    ln -s /lib/systemd/system/multi-user.target "$units/default.target"
    for unit in ldconfig systemd-hwdb-update systemd-journal-catalog-update systemd-sysusers systemd-update-done \
        systemd-logind systemd-update-utmp systemd-update-utmp-runlevel systemd-firstboot systemd-pcrphase \
        systemd-pcrphase-sysinit systemd-journal-flush e2scrub_reap systemd-machine-id-commit; do
        ln -sf /dev/null "$units/$unit.service"
    done
    for unit in e2scrub_all.timer fstrim.timer systemd-networkd.socket proc-sys-fs-binfmt_misc.automount; do
        ln -sf /dev/null "$units/$unit"
    done
    # A network is waited for by nobody, and is off where the settings do not turn it on.
    mkdir -p "$units/systemd-networkd.service.d"
    printf '[Unit]\nConditionPathExists=/run/apparent/network\n' >"$units/systemd-networkd.service.d/apparent.conf"
}

# Licences stay; what only people at a terminal would read does not.
leave_out_files() {
    (
        cd "$1"
        find usr/share/doc -mindepth 2 ! -name copyright -type f -delete
        find usr/share/doc -type l -delete
        rm -rf usr/share/{man,info,locale,lintian,bash-completion,zsh,bug,initramfs-tools,debconf,menu,perl5,polkit-1} \
            usr/share/dbus-1 lib/udev/hwdb.d usr/lib/udev/hwdb.bin usr/lib/systemd/catalog \
            usr/lib/aarch64-linux-gnu/{gconv,perl*,e2initrd_helper} etc/{init.d,rc*.d,cron*,kernel} usr/include
    )
}
