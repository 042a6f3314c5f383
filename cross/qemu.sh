# shellcheck shell=bash
# Sourced by cross/env.sh: QEMU's user-mode emulator, which runs a program of the boards as if it were here.

# The processors of common boards: Raspberry Pi 3 (and Zero 2 W), 4, and 5.
# shellcheck disable=SC2034 # read by the scripts that source this
board_cpus=(cortex-a53 cortex-a72 cortex-a76)
qemu_dir=$cache/cross/qemu
qemu=
# Where the C library of the boards lies.
# shellcheck disable=SC2034 # read by the scripts that source this
board_root=/usr/aarch64-linux-gnu

# Sets $qemu. Unpacked where none is installed: installing it would replace other parts of another QEMU.
set_up_qemu() {
    [ -e $board_root/lib/libc.so.6 ] ||
        install_package libc6-arm64-cross "the C library of the boards is missing"
    qemu=$(command -v qemu-aarch64) && return
    if [ ! -e "$qemu_dir" ]; then
        say "unpacking QEMU into $qemu_dir"
        local packages=$cache/cross/qemu-packages
        rm -rf "$packages"
        { set_up_private_apt && download_with_needs "$packages" qemu-user &&
            unpack "$packages" "$qemu_dir" qemu-aarch64; } ||
            die "qemu-aarch64 is missing; install what your system calls the Debian package 'qemu-user'"
    fi
    qemu=$qemu_dir/qemu-aarch64
}

# Sets $qemu_plugin: what counts instructions, compiled for this QEMU.
build_qemu_plugin() {
    "$qemu" -h | grep -- -plugin >/dev/null ||
        die "$("$qemu" --version | head -n 1) takes no plugins; Debian 12's qemu-user 7.2 does (13's does not)"
    # QEMU takes a range of versions of its plugin interface; what is used of it is the same in all.
    local interface=1
    [ "$("$qemu" --version | sed -n 's/.* version \([0-9]*\).*/\1/p')" -lt 9 ] || interface=2
    qemu_plugin=$cache/cross/insn-count.so
    mkdir -p "$cache/cross"
    cc -O2 -Wall -Wextra -Werror -DQEMU_PLUGIN_VERSION=$interface -shared -fPIC \
        -o "$qemu_plugin" "$root/cross/qemu-plugin/insn-count.c"
}
