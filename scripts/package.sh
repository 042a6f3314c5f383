#!/usr/bin/env bash
# Usage: scripts/package.sh [aarch64|armv7|x86-64] [--kiosk FILE] [--sign KEY] [--out DIR]
#
# Makes a Debian package of kiosk with the bundles in the repository, its service and its configuration, for Debian
# and Raspberry Pi OS from 11 on and Ubuntu from 18.04 on (JetPack 4, 5, 6), and prints where it is. The
# same commit and KEY give the same bytes where compiler and dpkg are the same.
#
#   aarch64 …     the board, as for scripts/cross-build.sh, which builds the program [default: aarch64]
#   --kiosk FILE  packs this program instead
#   --sign KEY    signs the bundles with this secret key of minisign; its public key, KEY.pub, lies beside it and
#                 goes into the package, so that the kiosk takes what is signed with it later. Without, they are
#                 signed with a key that nobody keeps: the kiosk takes these, and others once it has their makers' keys
#   --out DIR     puts the package there [default: dist]
#
# scripts/test-package.sh tests it.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"

kiosk='' key='' out=$root/dist
while [ $# -gt 0 ]; do
    case "$1" in
    --kiosk) kiosk=$(realpath -m "${2:?}") && shift 2 ;;
    --sign) key=$(realpath -m "${2:?}") && shift 2 ;;
    --out) out=$(realpath -m "${2:?}") && shift 2 ;;
    -*) usage_only "$@" ;;
    *) choose_board "$1" && shift ;;
    esac
done

need dpkg-deb dpkg
need python3 python3
need minisign minisign
[ -z "$key" ] || [ -e "${key%.key}.pub" ] || die "--sign: expected the public key in ${key%.key}.pub, found none"
[ -n "$kiosk" ] || kiosk=$("$root/scripts/cross-build.sh" "$board")
need readelf binutils
check_board_program "$kiosk"

# The commit's time, so that the same commit gives the same package. Later ones are newer to dpkg.
committed() {
    git -C "$root" log -1 --date=unix --format="$1"
}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
version=$version~git$(date --utc --date="@$(committed %cd)" +%Y%m%d.%H%M%S)
SOURCE_DATE_EPOCH=$(committed %cd)
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
from=$root/cross/package to=$work/package
doc=$to/usr/share/doc/apparent
umask 022

# put FILE PATH: as PATH in the package.
put() {
    install -D --mode 644 "$1" "$to/$2"
}
compress() {
    gzip --no-name -9 "$@"
}

install -D --mode 755 "$kiosk" "$to/usr/bin/kiosk"
for bundle in compact finder; do
    for file in "$root/models/bundles/$bundle"/*; do
        put "$file" "usr/share/apparent/bundles/$bundle/$(basename "$file")"
    done
done
if [ -z "$key" ]; then
    key=$work/package.key
    minisign -G -W -p "${key%.key}.pub" -s "$key" >/dev/null
fi
for bundle in "$to"/usr/share/apparent/bundles/*; do
    minisign -S -s "$key" -m "$bundle/SHA256SUMS" -t "bundle $(basename "$bundle") of apparent $version" >&2
    chmod 644 "$bundle/SHA256SUMS.minisig"
done
put "${key%.key}.pub" etc/apparent/keys/package.pub
sed 's/^signatures_required = false$/signatures_required = true/' "$root/device/assets/kiosk.toml" >"$work/kiosk.toml"
put "$work/kiosk.toml" etc/apparent/kiosk.toml
put "$from/apparent.service" lib/systemd/system/apparent.service
put "$from/apparent.sysusers" usr/lib/sysusers.d/apparent.conf
put "$from/apparent.tmpfiles" usr/lib/tmpfiles.d/apparent.conf
put "$from/apparent.udev" lib/udev/rules.d/60-apparent.rules
put "$from/kiosk.1" usr/share/man/man1/kiosk.1
compress "$to/usr/share/man/man1/kiosk.1"
for example in "$from"/examples/*; do
    put "$example" "usr/share/doc/apparent/examples/$(basename "$example")"
done
for page in kiosk bundles cameras displays raspberry-pi jetson; do
    put "$root/docs/$page.md" "usr/share/doc/apparent/$page.md"
    compress "$doc/$page.md"
done

# What it is made of, and who may do what with it.
{
    cat "$from/copyright"
    printf '\nLicense: Bitstream-Vera\n'
    sed 's/[[:space:]]*$//; s/^$/./; s/^/ /' "$root/device/assets/fonts/LICENSE-DejaVu.txt"
} >"$doc/copyright"
(cd "$root" && cargo metadata --format-version 1 --locked --filter-platform "$board_target") |
    python3 "$from/licences.py" >"$doc/crates.txt"
cat >"$doc/changelog" <<CHANGELOG
apparent ($version) unstable; urgency=medium

  * CHANGELOG.md of the sources tells what is new.

 -- $(committed '%cn <%ce>')  $(date --utc --date="@$SOURCE_DATE_EPOCH" --rfc-email)
CHANGELOG
compress "$doc/crates.txt" "$doc/changelog"

# What dpkg is told.
mkdir "$to/DEBIAN"
for script in postinst prerm postrm; do
    install --mode 755 "$from/$script" "$to/DEBIAN/$script"
done
printf '/etc/apparent/%s\n' kiosk.toml keys/package.pub >"$to/DEBIAN/conffiles"
(cd "$to" && find usr lib -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$to/DEBIAN/md5sums"
cat >"$to/DEBIAN/control" <<CONTROL
Package: apparent
Version: $version
Architecture: $board_debian
Maintainer: $(committed '%cn <%ce>')
Installed-Size: $(du --summarize --apparent-size --block-size=1K "$to" | cut -f1)
Depends: libc6 (>= $glibc_max), systemd (>= 235)
Section: graphics
Priority: optional
Description: kiosk that shows the apparent age and predicted gender of faces
 Reads a camera, finds faces in its pictures, and shows the pictures on a
 display with an apparent age and a predicted gender beside each face. Both are
 guesses from looks, not facts about a person. No picture is kept or sent.
 .
 Made for small boards: it needs neither a graphics processor nor a desktop, and
 draws on HDMI and DSI displays, framebuffers and panels on SPI and I2C.
CONTROL

mkdir -p "$out"
package=$out/apparent_${version}_$board_debian.deb
# As old a format as old systems read.
dpkg-deb --root-owner-group -Zxz --build "$to" "$package" >&2
echo "$package"
