#!/usr/bin/env bash
# Usage: scripts/demo.sh [OPTIONS OF kiosk analyze, but --out]
#
# Builds kiosk, reads the apparent ages of two portraits and a group picture, prints them and writes the
# labelled screens into demo-out/; then runs for 6 seconds on a moving test picture as on a camera, with screens
# in demo-out/run/. Needs no camera, display or GPU, and no network once the crates are
# fetched. For example: scripts/demo.sh --size 1280x720
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
case "${1:-}" in
-h | --help)
    usage
    exit 0
    ;;
esac

"$root/scripts/setup.sh"
cd "$root"
say "building kiosk (minutes the first time)"
cargo build --release --locked --package device --bin kiosk
portraits=device/assets/portraits
"$CARGO_TARGET_DIR/release/kiosk" analyze --out "$root/demo-out" "$@" \
    "$portraits/astronaut.jpg" "$portraits/grace_hopper.jpg" "$portraits/group.jpg"
say "running for 6 seconds on a moving test picture, in place of camera and panel"
"$CARGO_TARGET_DIR/release/kiosk" run --source pattern: --fps 4 --seconds 6 --display "png:$root/demo-out/run"
