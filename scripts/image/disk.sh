# shellcheck shell=bash
# Sourced by scripts/test-image.sh after scripts/image.sh's parts: a disk beside the card, with what only a test needs:
# vivid, a camera that gives what is put in at its other end, and v4l2-ctl, which does that.

test_packages=(libjpeg62-turbo libstdc++6 libv4l-0 libv4l2rds0 libv4lconvert0 v4l-utils)

# make_test_disk FILE FOLDER: FILE, a squashfs, has those and what is in FOLDER already.
make_test_disk() {
    local packages=$cache/cross/board-test-packages tree=$cache/cross/board-kernel-tree unpacked=$2.unpacked package
    fetch_exactly "$packages" "$(printf '%s\n' "${test_packages[@]}")"
    for package in "$packages"/*.deb; do
        dpkg -x "$package" "$unpacked"
    done
    mkdir -p "$2/libraries"
    cp "$unpacked/usr/bin/v4l2-ctl" "$2/v4l2-ctl.real"
    find "$unpacked" -name 'lib*.so.*' -exec cp -P -t "$2/libraries" {} +
    # shellcheck disable=SC2016 # expanded in the machine
    printf '#!/bin/sh\nLD_LIBRARY_PATH=/mnt/libraries exec /mnt/v4l2-ctl.real "$@"\n' >"$2/v4l2-ctl"
    install -m 755 "$root/scripts/image/camera.sh" "$2/camera"
    chmod +x "$2/v4l2-ctl"
    copy_modules "$tree" "$2" vivid
    mksquashfs "$2" "$1" -comp gzip -all-root -no-progress -quiet -noappend >&2
}

# make_pictures FOLDER PICTURE.jpg: what somebody in front of the camera would look like, as face.png and as the bytes of
# a camera's frame, 1280 x 720 in YUYV: face.yuyv; and nobody, in grey: nobody.yuyv.
make_pictures() {
    djpeg -rgb -ppm "$2" >"$1/face.ppm"
    python3 "$root/scripts/image/pictures.py" "$1"
    rm "$1/face.ppm"
}
