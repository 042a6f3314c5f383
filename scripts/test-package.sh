#!/usr/bin/env bash
# Usage: scripts/test-package.sh [aarch64|x86-64] [--package FILE]
#
# Tests the Debian package for a kind of board on an x86-64 Linux machine: lintian finds no errors; in a small Debian of
# that kind it installs, systemd finds nothing wrong with its service, the service's command becomes ready, feeds the
# watchdog, stops, bundles that its maker did not sign are refused, and after a purge all is as it was. QEMU runs the
# programs of aarch64. systemd itself does not run there: that its unit's protections let the kiosk have its devices is
# not shown.
#
#   aarch64, x86-64  the board, as for scripts/package.sh [default: aarch64]
#   --package FILE   tests this one instead of making one by scripts/package.sh
#
# Needs root, and for aarch64 Linux 6.7 or newer; exit status 3: left out, since that is not so here. The small Debian is
# made once, of 110 packages (30 MB), and kept in ${XDG_CACHE_HOME:-~/.cache}/apparent/cross.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"
# shellcheck source=cross/binfmt.sh
source "$root/cross/binfmt.sh"

package=
while [ $# -gt 0 ]; do
    case "$1" in
    --package) package=$(realpath -m "${2:?}") && shift 2 ;;
    -*) usage_only "$@" ;;
    *) choose_board "$1" && shift ;;
    esac
done
[ "$board" != armv7 ] || die "there is no small Debian for armv7 here, expected aarch64 or x86-64"
if ! has_board_programs; then
    say "left out: needs root, and for aarch64 Linux 6.7; this is user $(id -u) and Linux $(uname -r)"
    exit 3
fi

[ -n "$package" ] || package=$("$root/scripts/package.sh" "$board")
need lintian lintian
lintian --fail-on error "$package" >&2
say "lintian finds no errors in $package"

is_native || set_up_qemu_static
set_up_board_debian
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf "$board_debian_tar" --exclude './dev/*'
with_board_programs "$root/scripts/package/life.sh" "$work" "$package"
