# shellcheck shell=bash
# Sourced after scripts/env.sh by the scripts that build for boards or run their programs here.

board_target=aarch64-unknown-linux-gnu
# Of Debian 12 and Raspberry Pi OS "bookworm" is 2.36, of Ubuntu 22.04 is 2.35.
glibc_max=2.34
# Where the C library of the boards lies, for programs run by qemu-user.
# shellcheck disable=SC2034 # read by the scripts that source this
board_root=/usr/aarch64-linux-gnu
cross_target_dir="${CROSS_TARGET_DIR:-$cache/target-aarch64}"

# shellcheck source=cross/apt.sh
source "$root/cross/apt.sh"
# shellcheck source=cross/rust.sh
source "$root/cross/rust.sh"
# shellcheck source=cross/qemu.sh
source "$root/cross/qemu.sh"

# Whatever it takes to build for boards: Rust, a C compiler, and their libraries.
set_up_cross() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        die "this is $(uname -s) on $(uname -m), expected Linux on x86_64; on a board itself, use cargo"
    "$root/scripts/setup.sh"
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    [ -e $board_root/include/stdio.h ] ||
        install_package libc6-dev-arm64-cross "the C library of the boards is missing"
    set_up_rust
    claim_target_dir "$cross_target_dir"
}

# cross_cargo COMMAND ARGUMENTS…: cargo for boards, in a target directory of its own.
cross_cargo() {
    local as=(env CARGO_TARGET_DIR="$cross_target_dir")
    as+=(CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc)
    # The kernel's structs for cameras are read from the boards' headers, not from this machine's.
    as+=(BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="-isystem $board_root/include")
    [ -z "$cross_rustc" ] || as+=(RUSTC="$cross_rustc")
    (cd "$root" && "${as[@]}" cargo "$1" --locked --target "$board_target" "${@:2}")
}

# build_for_boards PACKAGE PROGRAM: in release, and loadable with GLIBC 2.34. Sets $program.
build_for_boards() {
    local first_versions=$cross_target_dir/glibc-2.34.o
    aarch64-linux-gnu-gcc -c -o "$first_versions" "$root/cross/glibc-2.34.s"
    cross_cargo rustc --release --package "$1" --bin "$2" -- -C link-arg="$first_versions" \
        -C link-arg=-Wl,--wrap=hypot,--wrap=hypotf
    program=$cross_target_dir/$board_target/release/$2
    check_board_program "$program"
}

# check_board_program FILE: refuses what no board could load, and says what it needs.
check_board_program() {
    local machine glibc libraries
    machine=$(aarch64-linux-gnu-readelf --file-header "$1" | sed -n 's/^ *Machine: *//p')
    [ "$machine" = AArch64 ] || die "$1 is for $machine, expected AArch64"
    glibc=$(aarch64-linux-gnu-readelf --version-info --wide "$1" | grep -o 'GLIBC_2[0-9.]*' | sort -uV | tail -n 1)
    glibc=${glibc#GLIBC_}
    [ "$(printf '%s\n' "$glibc" $glibc_max | sort -V | tail -n 1)" = $glibc_max ] ||
        die "$1 needs GLIBC $glibc, expected at most $glibc_max"
    libraries=$(aarch64-linux-gnu-readelf --dynamic "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | paste -sd ' ')
    say "AArch64, $(stat --format %s "$1") bytes, needs GLIBC $glibc and $libraries"
}
