# shellcheck shell=bash
# Sourced by scripts/test-image.sh: what comes to a kiosk from outside, good and bad.

# make_updates FOLDER BUNDLE [SYSTEM]: of BUNDLE several versions, signed by keys made here, unsigned and signed by a
# stranger; of an image's SYSTEM another version, good and broken, and changed after it was signed; and sticks with some.
make_updates() {
    local to=$1 name
    mkdir -p "$to/files"
    for name in test stranger; do
        minisign -G -W -f -p "$to/$name.pub" -s "$to/$name.key" >/dev/null
    done
    for name in 2 3 4 5; do
        make_bundle "$2" "$name" "$to/files/compact-$name" "$to/test.key"
    done
    make_bundle "$2" 9 "$to/files/compact-strange" "$to/stranger.key"
    make_bundle "$2" 9 "$to/files/compact-unsigned"
    make_stick "$to/bundles.img" 64 "$to"/files/compact-{5,unsigned}
    if [ -n "${3:-}" ]; then
        make_systems "$to" "$3"
        make_stick "$to/stick.img" 192 "$to"/files/{good.system,good.system.minisig,compact-4}
    fi
    mksquashfs "$to/files" "$to/updates.squashfs" -noI -noD -noF -all-root -no-progress -quiet -noappend >&2
}

make_systems() {
    local to=$1 name
    unsquashfs -no-progress -quiet -no-xattrs -dest "$to/system" "$2" >/dev/null
    echo "apparent-rpi test" >"$to/system/usr/share/apparent/system"
    pack_system "$to/system" "$to/files/good.system"
    printf '#!/bin/sh\necho broken >&2\nexit 1\n' >"$to/system/usr/bin/kiosk"
    echo "apparent-rpi broken" >"$to/system/usr/share/apparent/system"
    pack_system "$to/system" "$to/files/broken.system"
    rm -rf "$to/system"
    for name in good broken; do
        minisign -S -s "$to/test.key" -m "$to/files/$name.system" >/dev/null
    done
    for name in unsigned strange; do
        ln -sf good.system "$to/files/$name.system"
    done
    minisign -S -s "$to/stranger.key" -m "$to/files/strange.system" -x "$to/files/strange.system.minisig" >/dev/null
    ln -sf broken.system "$to/files/tampered.system"
    cp "$to/files/good.system.minisig" "$to/files/tampered.system.minisig"
}

# pack_system FOLDER FILE, as scripts/image.sh packs it, but sooner.
pack_system() {
    mksquashfs "$1" "$2" -comp gzip -Xcompression-level 1 -all-root -no-progress -quiet -noappend -action 'uncompressed@name(vmlinuz)' >&2
}

# make_bundle FROM VERSION TO [KEY]: another version of a bundle, signed by KEY.
make_bundle() {
    mkdir -p "$3"
    cp "$1"/* "$3/"
    rm -f "$3"/SHA256SUMS*
    sed -i "0,/^\[/s//version = $2\n\n[/" "$3/model.toml"
    (cd "$3" && files=(*) && sha256sum -- "${files[@]}" >SHA256SUMS)
    [ -z "${4:-}" ] || minisign -S -s "$4" -m "$3/SHA256SUMS" >/dev/null
}

# make_stick FILE MIB FILE…: a stick with these in its folder apparent.
make_stick() {
    truncate -s "$2M" "$1"
    mkfs.vfat -F 32 -n STICK "$1" >/dev/null
    mmd -i "$1" ::/apparent
    mcopy -s -i "$1" "${@:3}" ::/apparent/
}

# make_pair_stick FOLDER [BUNDLE]: FOLDER/pair.img, a stick with the pair of full-size nets, signed by the key of make_updates.
make_pair_stick() {
    local pair=$1/pair/vgg-face
    mkdir -p "$1/pair"
    if [ -n "${2:-}" ]; then
        cp -r "$2" "$pair"
    else
        build_trainer
        say "making the pair of full-size nets, with random weights (minutes)"
        "$trainer" quantize --net vgg-face --init he --pictures 8 --out "$pair" >&2
    fi
    rm -f "$pair/SHA256SUMS.minisig"
    minisign -S -s "$1/test.key" -m "$pair/SHA256SUMS" >/dev/null
    make_stick "$1/pair.img" $(($(du -sm "$pair" | cut -f1) + 64)) "$pair"
    rm -rf "$1/pair"
}
