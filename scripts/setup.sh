#!/usr/bin/env bash
# Usage: scripts/setup.sh
#
# Checks what a build needs (Rust 1.91 or newer, a C and a C++ compiler, libclang for cameras). A missing
# system package is installed where this user may, else named with the command that installs it.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
usage_only "$@"

rust_min=1.91
if ! command -v cargo >/dev/null; then
    die "Rust is missing; run: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
fi
# In the repository, so that rustup reads rust-toolchain.toml (and fetches that version when it is missing).
rust=$(cd "$root" && rustc --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$rust_min" "$rust" | sort -V | head -n 1)" != "$rust_min" ]; then
    die "rustc is $rust, expected $rust_min or newer; run: rustup update"
fi
need cc gcc
need c++ g++

# libclang: prints where it is, wherever systems keep it.
libclang() {
    compgen -G '/usr/lib*/libclang.so*' || compgen -G '/usr/lib*/*/libclang.so*' ||
        compgen -G '/usr/lib*/*/libclang-[0-9]*.so*' || compgen -G '/usr/lib*/*/*/libclang.so*'
}

# Cameras are built from the kernel's headers, which libclang reads with the help of its own.
if [ -z "${LIBCLANG_PATH:-}" ]; then
    libclang >/dev/null || install_package libclang1 "libclang is missing"
    compgen -G '/usr/lib*/clang/*/include/stddef.h' >/dev/null ||
        compgen -G '/usr/lib*/llvm-*/lib/clang/*/include/stddef.h' >/dev/null || {
        version=$(libclang | grep -o 'libclang-[0-9]*' | grep -o '[0-9]*' | sort -n | tail -n 1)
        install_package "libclang-common-$version-dev" "libclang's headers are missing"
    }
fi
say "rustc $rust, $(cc --version | head -n 1)"
