# shellcheck shell=bash
# Sourced by scripts/image.sh after cross/apt.sh: which Debian packages the image and its making take, and from
# where. All are unpacked, none is installed: nothing of this machine changes and no program of the boards is run.

# The boards' Debian. Its kernel, its systemd and what is masked of it belong together: change them together.
board_suite=bookworm
board_apt=$cache/cross/apt-board

# What the image is made of; what these need comes along.
board_packages=(base-files base-passwd busybox coreutils dash diffutils dosfstools dropbear-bin e2fsprogs fdisk grep iproute2
    kmod libc-bin minisign mount netbase sed systemd systemd-sysv udev util-linux wpasupplicant)
# What they ask for only in scripts that run when a package is installed, or for logins, which the image has none of.
# shellcheck disable=SC2034 # read by scripts/image.sh
board_without=(adduser debconf debianutils dpkg gcc-12-base libaudit-common libcap2-bin libdb5.3 libdebconfclient0
    libpam-modules libpam-modules-bin libsemanage-common libsemanage2 libsepol2 logsave mawk passwd
    readline-common tar util-linux-extra)
# What makes images here.
image_tools=(device-tree-compiler dosfstools grub-common kmod libjpeg-turbo-progs minisign mtools squashfs-tools)

# set_up_board_apt: lists of the boards' packages, fetched once a day.
set_up_board_apt() {
    command -v apt-get >/dev/null || die "apt-get is missing: images are made on Debian and its relatives"
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror security
    [ -e $keys ] || install_package debian-archive-keyring "the keys of Debian's packages are missing"
    mirror=$(debian_sources | awk '$3 !~ /security/ { print $3; exit }')
    security=$(debian_sources | awk '$4 ~ /security/ { print $3; exit }')
    : "${mirror:=http://deb.debian.org/debian}" "${security:=http://deb.debian.org/debian-security}"
    mkdir -p "$board_apt"/{lists/partial,archives/partial,parts}
    : >"$board_apt/status"
    cat >"$board_apt/apt.conf" <<CONF
APT::Architecture "arm64"; APT::Architectures { "arm64"; };
APT::Sandbox::User ""; APT::Install-Recommends "0"; Acquire::Languages "none"; Debug::NoLocking "1";
Acquire::Retries "1"; Acquire::http::Timeout "30"; Acquire::https::Timeout "30";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "0";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "0";
Dir::State::status "$board_apt/status"; Dir::State::lists "$board_apt/lists"; Dir::Cache "$board_apt";
Dir::Cache::archives "$board_apt/archives"; Dir::Etc::sourcelist "$board_apt/sources.list";
Dir::Etc::sourceparts "$board_apt/parts"; Dir::Etc::preferencesparts "$board_apt/parts";
CONF
    local components="main non-free-firmware"
    cat >"$board_apt/sources.list" <<SOURCES
deb [signed-by=$keys] $mirror $board_suite $components
deb [signed-by=$keys] $mirror $board_suite-updates $components
deb [signed-by=$keys] $security $board_suite-security $components
SOURCES
    if [ -z "$(find "$board_apt/updated" -mtime -1 2>/dev/null)" ]; then
        of_boards apt-get update >&2 && touch "$board_apt/updated"
    fi
}

# of_boards PROGRAM…: apt-get or apt-cache with the boards' packages.
of_boards() {
    APT_CONFIG=$board_apt/apt.conf "$1" -q "${@:2}"
}

# fetch_board_packages FOLDER PACKAGE…: these and all that they need, into FOLDER, which holds nothing else then.
fetch_board_packages() {
    local names
    names=$(of_boards apt-get --simulate install "${@:2}" | awk '$1 == "Inst" { print $2 }')
    fetch_exactly "$1" "$names"
}

# fetch_exactly FOLDER NAMES: the packages NAMES, one a line. What is in FOLDER in this version stays.
fetch_exactly() {
    local wanted name file
    mkdir -p "$1/partial"
    # In a folder without packages, since apt-get passes over those that are there.
    # shellcheck disable=SC2086 # these are words
    wanted=$(cd "$1/partial" && of_boards apt-get download --print-uris $2 | awk '{ print $2 }')
    for file in "$1"/*.deb; do
        grep -qxF "$(basename "$file")" <<<"$wanted" || rm -f "$file"
    done
    for file in $wanted; do
        [ -e "$1/$file" ] || name+=" ${file%%_*}"
    done
    # shellcheck disable=SC2086 # these are words
    [ -z "${name:-}" ] || (cd "$1" && of_boards apt-get download $name >&2)
}

# set_up_image_tools: puts what makes images first in PATH.
set_up_image_tools() {
    local folder=$cache/cross/image-tools packages=$cache/cross/image-tools-packages
    if [ "$(cat "$folder/holds" 2>/dev/null)" != "${image_tools[*]}" ]; then
        say "unpacking tools into $folder"
        rm -rf "$packages"
        { set_up_private_apt && download_with_needs "$packages" "${image_tools[@]}"; } ||
            die "these Debian packages cannot be had: ${image_tools[*]}"
        unpack_tools "$packages" "$folder"
    fi
    PATH=$folder/run:$PATH
}

# unpack_tools FROM FOLDER: FOLDER/run has each program of the packages in FROM, with the libraries beside it.
unpack_tools() {
    local package program
    rm -rf "$2.part"
    mkdir -p "$2.part/run"
    for package in "$1"/*.deb; do
        dpkg -x "$package" "$2.part"
    done
    # The package's link leads to this machine's /bin.
    ln -sf "$2/bin/kmod" "$2.part/sbin/depmod"
    for program in mmd mcopy mdel mdir mtype mattrib mkfs.vfat mksquashfs unsquashfs grub-mkimage depmod fdtput djpeg minisign; do
        program=$(find "$2.part"/{bin,sbin,usr/bin,usr/sbin} -name "$program" 2>/dev/null | head -n 1)
        [ -n "$program" ] || continue
        cat >"$2.part/run/$(basename "$program")" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH=$2/usr/lib/x86_64-linux-gnu:$2/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
exec $2${program#"$2.part"} "\$@"
WRAPPER
        chmod +x "$2.part/run/$(basename "$program")"
    done
    echo "${image_tools[*]}" >"$2.part/holds"
    rm -rf "$1" "$2"
    mv "$2.part" "$2"
}
