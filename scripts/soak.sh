#!/usr/bin/env bash
# Usage: scripts/soak.sh [MINUTES] [--json FILE]
#
# Runs the kiosk for MINUTES (default 30) with a camera at 30 pictures a second and a framebuffer, both
# emulated, and faces in front of it, and watches whether it stays as it is: its resident memory, its open
# descriptors and its log. Prints what was found; --json writes it, with all samples, into FILE.
#
# Fails where, after a warm-up of a tenth of the time, memory grows by 1 MB or more over the run (slope by
# least squares of the least of each hundred samples), descriptors come or go, the log grows by more than
# 1 kB, the camera had to be opened again, or the kiosk does not end well. Needs no device and no rights, but
# a kernel with seccomp user notification.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

minutes=30 json=
while [ $# -gt 0 ]; do
    case "$1" in
    --json) json=$(realpath -m "${2:?}") && shift 2 ;;
    [0-9]*) minutes=$1 && shift ;;
    *) usage_only "$@" ;;
    esac
done

"$root/scripts/setup.sh"
cd "$root"
say "building (minutes the first time)"
export APPARENT_SOAK_MINUTES=$minutes APPARENT_SOAK_JSON=$json
cargo test --release --locked --package device --test it -- --exact --nocapture board::soak::nothing_grows
