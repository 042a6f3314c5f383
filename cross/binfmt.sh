# shellcheck shell=bash
# Sourced after cross/env.sh: runs a command where the kernel starts programs of the chosen board, those of ARM by QEMU.
# That is so for this command alone: nothing of this machine changes, and nothing is left of it at the end.

# What an ELF file of 64-bit ARM begins with, and which of these bits count; as QEMU's scripts/qemu-binfmt-conf.sh.
elf_aarch64='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
elf_mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
qemu_static_dir=$cache/cross/qemu-static

# Whether this machine's own processor runs the board's programs.
is_native() {
    [ "$board" = x86-64 ]
}

# Sets $qemu_static, which needs no libraries and so serves inside of another root file system too.
set_up_qemu_static() {
    qemu_static=$(command -v qemu-aarch64-static) && return
    qemu_static=$qemu_static_dir/usr/bin/qemu-aarch64-static
    [ -e "$qemu_static" ] && return
    say "unpacking QEMU into $qemu_static_dir"
    local packages=$cache/cross/qemu-static-packages
    rm -rf "$packages"
    { set_up_private_apt && download "$packages" qemu-user-static &&
        unpack "$packages" "$qemu_static_dir" qemu-aarch64-static; } ||
        die "qemu-aarch64-static is missing; install what your system calls the Debian package 'qemu-user-static'"
}

# Whether that can be had here: by root, and for programs of ARM with Linux 6.7 or newer.
has_board_programs() {
    [ "$(id -u)" = 0 ] && { is_native || [ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" = 6.7 ]; }
}

# with_board_programs COMMAND…: in namespaces of its own, as root there.
with_board_programs() {
    local entered outer registration='' status=0
    is_native || registration=":aarch64:M::$elf_aarch64:$elf_mask:$qemu_static:F"
    entered=$(mktemp -d)
    mkfifo "$entered/yes" "$entered/go"
    unshare --user --mount --pid --ipc --fork --kill-child "$root/cross/binfmt-enter.sh" "$entered" \
        "$registration" "$@" <&0 &
    outer=$!
    read -r _ <"$entered/yes"
    # The same users inside as outside.
    echo 0 0 65536 | tee "/proc/$(pgrep --parent $outer)/"{uid,gid}_map >/dev/null
    echo >"$entered/go"
    wait $outer || status=$?
    rm -rf "$entered"
    return $status
}

# Sets $board_debian_tar, and makes it once: the board's smallest Debian with systemd, of this machine's own release.
set_up_board_debian() {
    board_debian_tar=$cache/cross/debian-$board_debian.tar
    [ ! -e "$board_debian_tar" ] || return 0
    need mmdebstrap mmdebstrap
    set_up_private_apt || die "no Debian to make a root file system from"
    say "making a small Debian for $board in $board_debian_tar (minutes)"
    local suite
    suite=$(awk '$4 !~ /-/ { print $4; exit }' "$apt_root/sources.list")
    with_board_programs mmdebstrap --mode=root --architectures="$board_debian" --variant=essential \
        --skip=check/qemu,chroot/mount/sys --include=systemd,udev,init-system-helpers,passwd \
        "$suite" "$board_debian_tar.part.tar" "$apt_root/sources.list" >&2 ||
        die "mmdebstrap could not make it"
    mv "$board_debian_tar.part.tar" "$board_debian_tar"
}
