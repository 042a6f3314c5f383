#!/usr/bin/env bash
# Called by scripts/test-package.sh where programs of the boards run: ROOT PACKAGE. Installs, runs and purges the package
# in the root file system in the folder ROOT, and asserts what it leaves behind.
set -euo pipefail

root=$1 package=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
step() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
fail() {
    step "FAILED: $*"
    exit 1
}
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
# What there is, without what dpkg notes of packages and what is only there while it runs.
files() {
    (cd "$root" && find . -path ./proc -prune -o -path ./dev -prune -o -path ./run -prune -o -path ./tmp -prune -o \
        -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -print | LC_ALL=C sort)
}

mount -t tmpfs tmpfs "$root/dev"
for device in null zero full urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp "$package" "$root/tmp/apparent.deb"
files >"$root/tmp/before"

step "installs"
inside dpkg --install /tmp/apparent.deb
# shellcheck disable=SC2016 # dpkg fills it in
[ "$(inside dpkg-query --show --showformat '${Status}' apparent)" = 'install ok installed' ] || fail "not installed"
for group in video render gpio spi i2c; do
    inside getent group $group >/dev/null || fail "there is no group $group"
done
[ -d "$root/var/lib/apparent/bundles" ] || fail "no place for bundles"
[ -L "$root/etc/systemd/system/multi-user.target.wants/apparent.service" ] || fail "the service is not enabled"
[ -z "$(inside dpkg --verify apparent)" ] || fail "files differ from the package's: $(inside dpkg --verify apparent)"
inside kiosk --version
inside kiosk config --check
inside kiosk bundle verify compact

step "what systemd thinks of the service"
inside systemd-analyze verify --man=no /lib/systemd/system/apparent.service
inside systemd-analyze security --offline=yes --threshold=25 --no-pager /lib/systemd/system/apparent.service | tail -n 1

# As the service's user would be, without a camera and a display first, then with what stands for them.
step "runs"
IFS=' ' read -r -a command <<<"$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/apparent.service")"
watchdog_s=$(sed -n 's/^WatchdogSec=//p' "$root/lib/systemd/system/apparent.service")
as_service() {
    chroot "$root" /usr/bin/setpriv --reuid 64999 --regid 64999 --clear-groups --no-new-privs \
        /usr/bin/env -i PATH=/usr/bin:/bin "$@"
}
status=0
as_service "${command[@]}" || status=$?
[ $status = 1 ] || fail "exit status $status without a display, expected 1"
python3 "$here/serve.py" "$root/run/notify" /run/notify "$watchdog_s" \
    chroot "$root" /usr/bin/setpriv --reuid 64999 --regid 64999 --clear-groups --no-new-privs /usr/bin/env \
    APPARENT_CAMERA_SOURCE=pattern: APPARENT_SCREEN_DISPLAY=none "${command[@]}"

step "takes bundles of its maker only"
bundles=$root/usr/share/apparent/bundles
cp -r "$bundles/compact" "$root/tmp/signed"
cp -r "$bundles/compact" "$root/tmp/unsigned"
rm "$root/tmp/unsigned/SHA256SUMS.minisig"
! inside kiosk bundle install /tmp/unsigned 2>"$root/tmp/said" || fail "an unsigned bundle was installed"
grep -q 'expected a signature, found none' "$root/tmp/said" || fail "$(cat "$root/tmp/said")"
inside kiosk bundle install /tmp/signed
inside kiosk bundle list | grep -q '^compact .* in use .*/var/lib/apparent/bundles/compact .*signed by package' ||
    fail "the installed bundle is not in use"
truncate --size 1000 "$root/var/lib/apparent/bundles/compact/compact.onnx"
as_service /usr/bin/kiosk bundle verify compact 2>"$root/tmp/said" || fail "a damaged bundle stops the kiosk"
grep -q '/usr/share/apparent/bundles/compact stands in' "$root/tmp/said" || fail "$(cat "$root/tmp/said")"
inside kiosk bundle rollback compact

step "is installed again, and keeps what was configured"
sed -i 's/^language = "en"/language = "de"/' "$root/etc/apparent/kiosk.toml"
touch "$root/etc/apparent/keys/maker.pub" "$root/var/lib/apparent/bundles/later"
inside dpkg --install /tmp/apparent.deb
grep -q '^language = "de"' "$root/etc/apparent/kiosk.toml" || fail "the configuration is lost"

step "is removed, and keeps that still"
inside dpkg --remove apparent
[ ! -e "$root/usr/bin/kiosk" ] || fail "the program is still there"
[ -e "$root/etc/apparent/kiosk.toml" ] || fail "the configuration is lost"
[ -e "$root/var/lib/apparent/bundles/later" ] || fail "an installed bundle is lost"

step "is purged"
inside dpkg --purge apparent
files >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" >&2 || fail "these files are left or gone"
! inside dpkg-query --show apparent 2>/dev/null || fail "dpkg still knows it"
step "all is as it was"
