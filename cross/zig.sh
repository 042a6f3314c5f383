# shellcheck shell=bash
# Sourced by cross/env.sh: zig's C compiler and linker, which knows the symbols of every GLIBC, so that programs
# load on older systems than this machine's; and cargo-zigbuild, which knows how to call it from cargo.

zig_dir=$cache/cross/zig
# Of PyPI. One version of the one is known to work with that of the other.
zigbuild_version=0.24.1 zig_version=0.17.1

# Sets $zig and $zig_fold, what cargo-zigbuild is to call instead. 100 MB to download, 440 MB unpacked.
set_up_zig() {
    local installed=$zig_dir/installed-$zigbuild_version-$zig_version
    if [ ! -e "$installed" ]; then
        need python3 python3
        python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv "python3 cannot make environments"
        say "downloading zig $zig_version and cargo-zigbuild $zigbuild_version into $zig_dir"
        python3 -m venv --clear "$zig_dir"
        "$zig_dir/bin/pip" install --quiet --disable-pip-version-check \
            "cargo-zigbuild==$zigbuild_version" "ziglang==$zig_version" >&2
        touch "$installed"
    fi
    zig=$(compgen -G "$zig_dir/lib/python3*/site-packages/ziglang/zig") ||
        die "zig $zig_version was installed into $zig_dir, but is not where it was expected"
    # Not where this checkout is: its path would be in what cargo-zigbuild writes for all checkouts.
    zig_fold=$zig_dir/zig-fold
    cmp --quiet "$root/cross/zig-fold.sh" "$zig_fold" || install "$root/cross/zig-fold.sh" "$zig_fold"
}
