# shellcheck shell=bash
# Sourced by scripts/test-image.sh: what comes to a kiosk from outside, good and bad.

# make_updates FOLDER SYSTEM BUNDLE: of an image's SYSTEM another version, good and broken, signed by keys made here,
# unsigned, signed by a stranger and changed after it was signed; a stick with the good one; and the folder BUNDLE.
make_updates() {
    local to=$1 name
    mkdir -p "$to/files"
    for name in test stranger; do
        minisign -G -W -f -p "$to/$name.pub" -s "$to/$name.key" >/dev/null
    done
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
    cp -r "$3" "$to/files/bundle"
    mksquashfs "$to/files" "$to/updates.squashfs" -noI -noD -noF -all-root -no-progress -quiet -noappend >&2
    truncate -s 160M "$to/stick.img"
    mkfs.vfat -F 32 -n STICK "$to/stick.img" >/dev/null
    mmd -i "$to/stick.img" ::/apparent
    mcopy -i "$to/stick.img" "$to/files/good.system" "$to/files/good.system.minisig" ::/apparent/
}

# pack_system FOLDER FILE, as scripts/image.sh packs it.
pack_system() {
    mksquashfs "$1" "$2" -comp gzip -all-root -no-progress -quiet -noappend -action 'uncompressed@name(vmlinuz)' >&2
}
