# shellcheck shell=bash
# Sourced by cross/env.sh: a Rust compiler with the standard library of the boards.

debian_rust=$cache/cross/rust
# Set where another compiler than the project's is to be used.
cross_rustc=

# By rustup where that can download; else Debian's compiler, which then crosses from there on.
# CROSS_RUST=debian asks for that one.
set_up_rust() {
    if [ "${CROSS_RUST:-}" != debian ]; then
        has_board_std && return
        if { [ "$board" != aarch64 ] || [ ! -e "$debian_rust" ]; } && command -v rustup >/dev/null; then
            say "adding Rust's standard library for $board_target"
            (cd "$root" && RUSTUP_MAX_RETRIES=1 timeout 300 rustup target add "$board_target" >&2) && return
            say "rustup could not"
        fi
    fi
    # Debian's are those of its own machines; only that of 64-bit ARM is unpacked.
    { [ "$board" = aarch64 ] && { [ -e "$debian_rust" ] || unpack_debian_rust; }; } ||
        die "Rust's standard library for $board_target is missing; run: rustup target add $board_target"
    cross_rustc=$debian_rust/rustc
}

has_board_std() {
    compgen -G "$(cd "$root" && rustc --print target-libdir --target "$board_target")/libstd-*.rlib" >/dev/null
}

# For browsers Debian carries a newer compiler than its own, rustc-web: 126 MB, 562 MB unpacked. Compiler and
# libraries must be of one version to the letter.
unpack_debian_rust() {
    local version std llvm packages=$cache/cross/rust-packages
    set_up_private_apt || return
    version=$(private_apt apt-cache madison rustc-web | awk 'NR == 1 { print $3 }')
    [ -n "$version" ] || return
    say "unpacking Debian's Rust $version into $debian_rust"
    std=libstd-rust-web-$(cut -d. -f1,2 <<<"$version")
    llvm=$(private_apt apt-cache depends "$std=$version" | grep -o 'libllvm[0-9]*' | head -n 1)
    rm -rf "$packages"
    download_with_needs "$packages" "$llvm" || return
    download "$packages" {rustc-web,"$std",libstd-rust-web-dev,libstd-rust-web-dev:arm64}="$version" || return
    unpack "$packages" "$debian_rust" rustc
}
