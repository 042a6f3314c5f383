# shellcheck shell=bash
# Sourced after scripts/env.sh by the scripts that build for boards or run their programs here.

# Of Ubuntu 18.04 (JetPack 4) is 2.27, of 20.04 (JetPack 5) and Debian 11 is 2.31.
glibc_max=2.27
boards='aarch64, armv7 or x86-64'
# GLIBC's own parts; libgcc_s is on every system too.
libraries_of_every_system='^(lib(c|m|pthread|dl|rt|util|gcc_s)\.so\.[0-9]+|ld-linux-[a-z0-9-]+\.so\.[0-9]+)$'
program_bytes_max=20000000
# What reads and rewrites graphs, and command lines: compiled for size, which takes a fifth of the program. The inner
# loops are in tract-linalg and models.
small_crates=(tract-core tract-onnx rustfft clap_builder toml serde_json image image-webp png moxcms minisign-verify)
smallest_crates=(tract-hir tract-nnef tract-onnx-opl tract-transformers)
# Without f32-threads: see crate device.
board_features=(--no-default-features --features device/v4l2)

# shellcheck source=cross/apt.sh
source "$root/cross/apt.sh"
# shellcheck source=cross/rust.sh
source "$root/cross/rust.sh"
# shellcheck source=cross/zig.sh
source "$root/cross/zig.sh"
# shellcheck source=cross/qemu.sh
source "$root/cross/qemu.sh"

# choose_board NAME: what follows is for boards of that kind.
# shellcheck disable=SC2034 # read by the scripts that source this
choose_board() {
    board_bytes_max=$program_bytes_max
    case "$1" in
    aarch64) board_target=aarch64-unknown-linux-gnu board_machine=AArch64 board_debian=arm64 ;;
    armv7) board_target=armv7-unknown-linux-gnueabihf board_machine=ARM board_debian=armhf ;;
    x86-64)
        board_target=x86_64-unknown-linux-gnu board_machine='Advanced Micro Devices X86-64' board_debian=amd64
        # Its code is a quarter larger, in tract most of all, rustfft has it for AVX as well, and 0.5 MB more of
        # addresses are relocated. A PC has gigabytes for it.
        board_bytes_max=24000000
        ;;
    *) die "no board is called '$1', expected $boards" ;;
    esac
    board=$1
    cross_target_dir="${CROSS_TARGET_DIR:-$cache/target-$board}"
}
choose_board aarch64

# Whatever it takes to build for boards: Rust, a C compiler, and their libraries.
set_up_cross() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        die "this is $(uname -s) on $(uname -m), expected Linux on x86_64; on a board itself, use cargo"
    "$root/scripts/setup.sh"
    need readelf binutils
    set_up_rust
    set_up_zig
    claim_target_dir "$cross_target_dir"
}

# cross_cargo COMMAND ARGUMENTS…: cargo for boards, in a target directory of its own.
cross_cargo() {
    local as=(env CARGO_TARGET_DIR="$cross_target_dir" CARGO_ZIGBUILD_ZIG_PATH="$zig_fold")
    [ -z "$cross_rustc" ] || as+=(RUSTC="$cross_rustc")
    local command=("$1" --locked --target "$board_target.$glibc_max") crate
    for crate in "${small_crates[@]}"; do
        command+=(--config "profile.release.package.$crate.opt-level='s'")
    done
    for crate in "${smallest_crates[@]}"; do
        command+=(--config "profile.release.package.$crate.opt-level='z'")
    done
    # Fewer loops are unrolled than at 3, and the program is smaller by as much as was missing.
    command+=(--config 'profile.release.package.device.opt-level=2')
    (cd "$root" && "${as[@]}" "$zig_dir/bin/cargo-zigbuild" "${command[@]}" "${@:2}")
}

# build_for_boards PACKAGE PROGRAM: in release, and loadable with GLIBC 2.27. Sets $program.
build_for_boards() {
    local features=()
    [ "$1" != device ] || features=("${board_features[@]}")
    cross_cargo build --release --package "$1" --bin "$2" "${features[@]}"
    program=$cross_target_dir/$board_target/release/$2
    check_board_program "$program"
}

# check_board_program FILE: refuses what no board could load, and says what it needs.
check_board_program() {
    local machine glibc libraries bytes
    machine=$(readelf --file-header "$1" | sed -n 's/^ *Machine: *//p')
    [ "$machine" = "$board_machine" ] || die "$1 is for $machine, expected $board_machine"
    glibc=$(readelf --version-info --wide "$1" | grep -o 'GLIBC_2[0-9.]*' | sort -uV | tail -n 1)
    glibc=${glibc#GLIBC_}
    [ "$(printf '%s\n' "$glibc" $glibc_max | sort -V | tail -n 1)" = $glibc_max ] ||
        die "$1 needs GLIBC $glibc, expected at most $glibc_max"
    libraries=$(readelf --dynamic "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
    ! grep -vE "$libraries_of_every_system" <<<"$libraries" >&2 || die "$1 needs these libraries, expected none"
    bytes=$(stat --format %s "$1")
    [ "$bytes" -le "$board_bytes_max" ] || die "$1 has $bytes bytes, expected at most $board_bytes_max"
    say "$machine, $bytes bytes, needs GLIBC $glibc and $(paste -sd ' ' <<<"$libraries")"
}
