# shellcheck shell=bash
# Sourced after scripts/env.sh and cross/apt.sh: a small emulated PC with Debian's kernel and a RAM disk of ours.
# Nothing of this machine is changed; all lies in $guest_dir.

guest_dir=$cache/qemu
# What the guest's kernel needs for its displays and its disk.
guest_modules=(bochs virtio-gpu virtio_pci virtio_blk)

# Sets $qemu_system, $busybox and $guest_kernel. Says what is missing, and fails, where one cannot be had.
set_up_guest() {
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        say "this is $(uname -s) on $(uname -m), expected Linux on x86_64"
        return 1
    fi
    set_up_qemu_system && set_up_guest_kernel
}

# Installed where it is; else unpacked, since installing it would replace other parts of another QEMU.
set_up_qemu_system() {
    qemu_system=$(command -v qemu-system-x86_64) && return
    qemu_system=$guest_dir/system/qemu-system-x86_64
    [ -e "$qemu_system" ] && return
    say "unpacking QEMU into $guest_dir/system"
    local packages=$guest_dir/packages
    rm -rf "$packages"
    { set_up_private_apt && download_with_needs "$packages" qemu-system-x86 &&
        unpack "$packages" "$guest_dir/system" qemu-system-x86_64; } && return
    say "qemu-system-x86_64 is missing; install what your system calls the Debian package 'qemu-system-x86'"
    return 1
}

# Debian's newest kernel of this release, and a busybox without libraries.
set_up_guest_kernel() {
    guest_kernel=$guest_dir/kernel busybox=$guest_dir/kernel/busybox
    [ -e "$guest_kernel" ] && return
    say "unpacking Debian's kernel into $guest_kernel"
    local packages=$guest_dir/packages
    rm -rf "$packages"
    { set_up_private_apt && download_guest_kernel "$packages" && unpack_guest_kernel "$packages"; } && return
    say "no kernel for the emulated PC: Debian's packages linux-image-amd64 and busybox-static cannot be had"
    return 1
}

download_guest_kernel() {
    local image
    image=$(private_apt apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
    download "$1" "${image%%$'\n'*}" busybox-static
}

# unpack_guest_kernel FROM: what is needed of the packages there: vmlinuz, busybox, and modules with what they need.
unpack_guest_kernel() {
    local all=$guest_dir/kernel.all part=$guest_dir/kernel.part package
    rm -rf "$all" "$part"
    mkdir -p "$part"
    for package in "$1"/*.deb; do
        dpkg -x "$package" "$all" || return
    done
    cp "$all"/bin/busybox "$part/busybox" && cp "$all"/boot/vmlinuz-* "$part/vmlinuz" || return
    local version
    version=$(basename "$all"/lib/modules/*)
    "$part/busybox" depmod -b "$all" "$version" || return
    local from=$all/lib/modules/$version to=$part/lib/modules/$version
    mkdir -p "$to"
    local module
    for module in "${guest_modules[@]}"; do
        grep "/$module\.ko:" "$from/modules.dep"
    done | tr -d : | tr ' ' '\n' | (cd "$from" && sort -u | xargs cp --parents -t "$to") || return
    "$part/busybox" depmod -b "$part" "$version" || return
    rm -rf "$1" "$all"
    mv "$part" "$guest_kernel"
}

# make_guest_disk FOLDER FILE: packs the RAM disk FILE of what is in FOLDER, of busybox and the modules.
make_guest_disk() {
    mkdir -p "$1"/{bin,dev,proc,sys,tmp,etc}
    cp "$busybox" "$1/bin/busybox"
    cp -r "$guest_kernel/lib" "$1/"
    (cd "$1" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$2"
}

# add_program FOLDER PROGRAM PATH: PROGRAM as PATH in FOLDER, without symbols, and the libraries that it loads.
add_program() {
    mkdir -p "$(dirname "$1/$3")"
    cp "$2" "$1/$3"
    ! command -v strip >/dev/null || strip "$1/$3"
    local library
    ldd "$2" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$1/$(dirname "$library")"
        cp -L "$library" "$1/$library"
    done
}
