# shellcheck shell=bash
# Sourced by scripts/test-image.sh after cross/apt.sh: a machine of the boards' kind, emulated as a whole.

# Sets $qemu_arm, and $uefi, its firmware. Says what is missing, and fails, where they cannot be had.
set_up_qemu_arm() {
    local folder=$cache/cross/qemu-system-arm packages=$cache/cross/qemu-system-arm-packages
    qemu_arm=$(command -v qemu-system-aarch64) && uefi=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd && [ -e "$uefi" ] && return
    qemu_arm=$folder/qemu-system-aarch64 uefi=$folder/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
    [ -e "$qemu_arm" ] && return
    say "unpacking QEMU into $folder"
    rm -rf "$packages"
    { set_up_private_apt && download_with_needs "$packages" qemu-system-arm qemu-efi-aarch64 &&
        unpack "$packages" "$folder" qemu-system-aarch64; } && return
    say "qemu-system-aarch64 is missing; install what your system calls qemu-system-arm and qemu-efi-aarch64"
    return 1
}
