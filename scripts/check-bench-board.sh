#!/usr/bin/env bash
# Usage: scripts/check-bench-board.sh [KIOSK]
#
# Tries scripts/bench-board.sh over ssh against this machine: an ssh server of its own on a port of 127.0.0.1,
# with keys made for it alone, and the program KIOSK (default: a release build). Checks that the results and
# the row come back, that the governor (a made-up one) is set and put back, also after Ctrl-C, and that
# nothing is left behind. docs/boards.md is not changed. Takes about two minutes.
#
# Needs Debian's package openssh-server, which is installed where that is allowed; its service is not started.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
case "${1:-}" in -*) usage_only "$@" ;; esac
cd "$root"

kiosk=${1:-}
if [ -z "$kiosk" ]; then
    scripts/setup.sh
    cargo build --release --locked --package device --bin kiosk
    kiosk=$CARGO_TARGET_DIR/release/kiosk
fi

sshd=/usr/sbin/sshd
if [ ! -x "$sshd" ]; then
    # Debian asks this program before it starts a service.
    policy=/usr/sbin/policy-rc.d
    if [ "$(id -u)" = 0 ] && [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    install_package openssh-server "an ssh server is missing"
    # Nor is it to be started when this machine starts the next time.
    [ "$(id -u)" != 0 ] || systemctl disable --quiet ssh 2>/dev/null || true
    [ -z "$(trap -p EXIT)" ] || rm -f "$policy"
fi
need ssh-keygen openssh-client

work=$(mktemp -d)
server=''
clean_up() {
    [ -z "$server" ] || kill "$server"
    rm -rf "$work"
}
trap clean_up EXIT
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
ssh-keygen -q -t ed25519 -N '' -f "$work/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/user"
cp "$work/user.pub" "$work/authorized"
cpufreq=$work/cpufreq
mkdir -p "$cpufreq/policy0"
echo ondemand >"$cpufreq/policy0/scaling_governor"
cat >"$work/sshd_config" <<EOF
ListenAddress 127.0.0.1
Port $port
HostKey $work/host
AuthorizedKeysFile $work/authorized
PidFile $work/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
SetEnv APPARENT_CPUFREQ=$cpufreq
EOF
cat >"$work/ssh_config" <<EOF
Host board
    HostName 127.0.0.1
    Port $port
    User $(id -un)
    IdentityFile $work/user
    IdentitiesOnly yes
    UserKnownHostsFile $work/known
    StrictHostKeyChecking accept-new
EOF
"$sshd" -D -e -f "$work/sshd_config" 2>"$work/sshd.log" &
server=$!
ssh -F "$work/ssh_config" -o ConnectionAttempts=20 board true || die "cannot reach the server: $(cat "$work/sshd.log")"

folders() { find /tmp -maxdepth 1 -name 'apparent-bench.*' -user "$(id -un)" 2>/dev/null | sort; }
governor() { cat "$cpufreq/policy0/scaling_governor"; }
before=$(folders)
# measure MINUTES OPTIONS…
measure() {
    scripts/bench-board.sh board --ssh-config "$work/ssh_config" --kiosk "$kiosk" --table "$work/boards.md" \
        --out "$work/results" --minutes "$@"
}
nothing_left() {
    [ "$(folders)" = "$before" ] || die "$1: a folder is left on the board: $(folders)"
    [ "$(governor)" = ondemand ] || die "$1: the governor was not put back, it is $(governor)"
}

say "one whole run"
cp docs/boards.md "$work/boards.md"
measure 0.2
cores=$(nproc)
for threads in $(seq "$cores"); do
    for kind in kiosk network; do
        [ -s "$work/results/compact-$kind-$threads.json" ] || die "no result of $kind with $threads threads"
    done
done
rows=$(diff docs/boards.md "$work/boards.md" | grep -c '^> | ') || true
[ "$rows" = 1 ] || die "expected one new row, found $rows"
nothing_left "a whole run"

say "Ctrl-C in the middle"
set -m
measure 5 --no-peers >"$work/stopped.log" 2>&1 &
run=$!
for _ in $(seq 100); do
    [ "$(governor)" != performance ] || [ -z "$(pgrep -f 'apparent-bench[.].*/kiosk bench')" ] || break
    sleep 0.2
done
[ "$(governor)" = performance ] || die "the governor was never set: $(cat "$work/stopped.log")"
kill -INT -- "-$run"
status=0
wait "$run" || status=$?
[ "$status" = 130 ] || die "expected status 130 after Ctrl-C, found $status: $(cat "$work/stopped.log")"
nothing_left "Ctrl-C"
[ -z "$(pgrep -f 'apparent-bench[.].*/kiosk bench')" ] || die "kiosk still runs on the board after Ctrl-C"

say "a program that does not run there, and a bundle that is none"
printf 'no program' >"$work/none"
! measure 0.1 --kiosk "$work/none" 2>"$work/error" || die "a program that does not run was not refused"
grep -q 'does not run on board' "$work/error" || die "expected a word on the program: $(cat "$work/error")"
! measure 0.1 --bundle "$work" 2>"$work/error" || die "a folder without a bundle was not refused"
grep -q 'expected a bundle' "$work/error" || die "expected a word on the bundle: $(cat "$work/error")"
nothing_left "a refusal"
say "all is well"
