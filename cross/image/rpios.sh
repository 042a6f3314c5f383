# shellcheck shell=bash
# Sourced by scripts/image.sh: puts the kiosk into somebody's image of Raspberry Pi OS, which is only a file here. debugfs
# writes to its ext4 and mtools to its FAT: no root, no loop device, and no program of the image is run.

# make_rpios_image BASE OUT PACKAGE: OUT, of the image BASE (.img or .img.xz).
make_rpios_image() {
    say "unpacking $1"
    case "$1" in
    *.img.xz) xz --decompress --stdout "$1" >"$2.part" ;;
    *.img) cp --sparse=always "$1" "$2.part" ;;
    *) die "$1 is no image, expected .img or .img.xz" ;;
    esac
    put_into_rpios "$2.part" "$3"
    mv "$2.part" "$2"
}

# put_into_rpios IMAGE PACKAGE: the package, as dpkg leaves it when it has unpacked it and not configured it yet, which
# the first start does; the services of our own image that serve here, too; and the settings, on the FAT partition.
put_into_rpios() {
    local image=$1 package=$2 tree=$work/tree boot_at root_at disk
    find_rpios "$image"
    mkdir -p "$tree" "$work/control"
    dpkg-deb --fsys-tarfile "$package" | tar -x --no-same-owner -C "$tree"
    dpkg-deb --control "$package" "$work/control"
    add_rpios_files "$tree"
    [ ${#keys[@]} = 0 ] || cp "${keys[@]}" "$tree/usr/share/apparent/keys/"
    write_dpkg_lists "$tree" "$work/control"
    # Where /lib is a link, what is in it lies in /usr/lib.
    cp -r "$tree/lib/." "$tree/usr/lib/"
    rm -r "$tree/lib"
    write_tree "$tree"
    mcopy -o -n -i "$image@@$boot_at" "$root/cross/image/rpios/boot/apparent.txt" ::/
    mmd -i "$image@@$boot_at" ::/keys 2>/dev/null || true
}

# find_rpios IMAGE: sets $boot_at, $root_at and $disk, the root as e2fsprogs call it; refuses what is no Raspberry Pi OS of 64 bits, 12 or newer.
find_rpios() {
    local parts release kinds version
    parts=$(python3 "$root/cross/image/partitions.py" "$1") || die "$1 is no image of Raspberry Pi OS"
    kinds=$(awk '{ printf "%s ", $1 }' <<<"$parts")
    [[ $kinds =~ ^0[bc]\ 83\ $ ]] || die "$1 has partitions of the types '$kinds', expected one FAT and one Linux"
    boot_at=$(awk 'NR == 1 { print $2 }' <<<"$parts") root_at=$(awk 'NR == 2 { print $2 }' <<<"$parts")
    disk="$1?offset=$root_at"
    release=$(ask_disk 'cat /usr/lib/os-release')
    version=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' <<<"$release")
    grep -qE '^ID(_LIKE)?=.*(debian|raspbian)' <<<"$release" || die "$1 holds no Raspberry Pi OS"
    [ "${version:-0}" -ge 12 ] || die "$1 is of Debian ${version:-unknown}, expected 12 or newer"
    [ "$(ask_disk 'cat /var/lib/dpkg/arch' | head -n 1)" != armhf ] &&
        ask_disk 'stat /usr/lib/aarch64-linux-gnu' | grep -q 'Type: directory' ||
        die "$1 is not the 64-bit Raspberry Pi OS"
    ask_disk 'stat /lib' | grep -q 'Type: symlink' || die "$1 has a /lib of its own, expected a link to /usr/lib"
    say "into $(sed -n 's/^PRETTY_NAME=//p' <<<"$release")"
}

# ask_disk COMMAND: what debugfs prints; nothing where there is none.
ask_disk() {
    debugfs -R "$1" "$disk" 2>/dev/null
}

# add_rpios_files TREE: what sees to settings and sticks, from our own image; and what configures the package.
add_rpios_files() {
    local own=$root/cross/image/root file units=$1/etc/systemd/system
    for file in usr/lib/apparent/{settings,stick} etc/systemd/system/{apparent-settings.service,apparent-stick@.service} \
        etc/udev/rules.d/70-apparent-stick.rules; do
        mkdir -p "$1/$(dirname "$file")"
        cp "$own/$file" "$1/$file"
    done
    cp -r "$root/cross/image/rpios/root/." "$1/"
    mkdir -p "$units"/{sysinit,multi-user}.target.wants "$units/apparent.service.d" "$1/usr/share/apparent/keys"
    ln -s ../apparent-settings.service "$units/sysinit.target.wants/"
    ln -s ../apparent-configure.service "$units/multi-user.target.wants/"
    printf '[Unit]\nAfter=apparent-settings.service\n' >"$units/apparent.service.d/image.conf"
    : >"$1/usr/share/apparent/unpacked"
}

# write_dpkg_lists TREE CONTROL: what dpkg itself notes of an unpacked package, and the status of all others with it.
write_dpkg_lists() {
    local info=$1/var/lib/dpkg/info file status=$1/var/lib/dpkg/status
    mkdir -p "$info"
    dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's#^\.##; s#^/$#/.#; s#\(.\)/$#\1#' >"$info/apparent.list"
    for file in conffiles md5sums postinst prerm postrm; do
        cp "$2/$file" "$info/apparent.$file"
    done
    while read -r file; do
        mv "$1$file" "$1$file.dpkg-new"
    done <"$2/conffiles"
    {
        # Paragraphs but ours, of an earlier time.
        ask_disk 'cat /var/lib/dpkg/status' | awk -v RS= -v ORS='\n\n' '!/(^|\n)Package: apparent(\n|$)/'
        sed -n '/^Package:/p' "$2/control"
        echo "Status: install ok unpacked"
        sed '/^Package:/d; /^Description:/,$d' "$2/control"
        echo "Conffiles:"
        sed 's/^\(.*\)$/ \1 newconffile/' "$2/conffiles"
        sed -n '/^Description:/,$p' "$2/control"
        echo
    } >"$status"
    [ "$(grep -c '^Package: ' "$status")" -gt 1 ] || die "the image's list of packages cannot be read"
}

# write_tree TREE: all of it into the image's root, owned by root.
write_tree() {
    local needed free
    needed=$(du --summarize --block-size=1 "$1" | cut -f1)
    free=$(dumpe2fs -h "$disk" 2>/dev/null |
        awk -F: '/^Free blocks/ { free = $2 } /^Block size/ { size = $2 } END { print free * size }')
    [ "$free" -gt $((needed + (8 << 20))) ] || die "the image has $free bytes free, the kiosk needs $needed and 8 MiB"
    (cd "$1" && find . -mindepth 1 -printf '%y %P\n') | LC_ALL=C sort -k 2 | debugfs_commands "$1" >"$work/commands"
    debugfs -w -f "$work/commands" "$disk" >"$work/debugfs.log" 2>&1 ||
        die "writing to the image failed: $(tail -n 3 "$work/debugfs.log")"
    repair_disk
    check_written "$1"
}

# Reads lines 'd FOLDER', 'f FILE', 'l LINK', and prints what has debugfs write them from the folder $1.
debugfs_commands() {
    local kind path folder
    while read -r kind path; do
        folder=/$(dirname "$path")
        echo "cd ${folder%/.}/"
        case $kind in
        d) echo "mkdir $(basename "$path")" ;;
        l) printf 'rm %s\nsymlink %s %s\n' "$(basename "$path")" "$(basename "$path")" "$(readlink "$1/$path")" ;;
        f) printf 'rm %s\nwrite %s %s\n' "$(basename "$path")" "$1/$path" "$(basename "$path")" ;;
        esac
    done
}

# debugfs leaves some of a file system's sums to e2fsck, which may say that it has mended something, once.
repair_disk() {
    local status=0
    e2fsck -f -p "$disk" >"$work/e2fsck.log" 2>&1 || status=$?
    [ $status -le 1 ] || die "the image's file system is broken: $(tail -n 3 "$work/e2fsck.log")"
    e2fsck -f -n "$disk" >"$work/e2fsck.log" 2>&1 ||
        die "the image's file system is broken: $(tail -n 3 "$work/e2fsck.log")"
}

# check_written TREE: reads back each file and compares.
check_written() {
    local kind path
    (cd "$1" && find . -type f -printf 'dump "/%P" "'"$work"'/read/%P"\n') >"$work/commands"
    (cd "$1" && find . -type d -print0 | (cd "$work" && mkdir -p read && cd read && xargs -0 mkdir -p))
    debugfs -f "$work/commands" "$disk" >/dev/null 2>&1
    find "$1" -type l -delete
    diff -r "$1" "$work/read" >"$work/diff" ||
        die "the image does not hold what was written to it: $(head -n 3 "$work/diff")"
}
