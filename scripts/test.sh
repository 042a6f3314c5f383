#!/usr/bin/env bash
# Usage: scripts/test.sh
#
# Sets up what is missing (libtorch too), then runs scripts/check.sh and every test; last, one start of the image for SD
# cards under QEMU, where a kiosk was built for boards before (scripts/test-image.sh --quick).
#
# APPARENT_DATA=DIR names a folder of labelled faces; without it the tests that need one say so and pass.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
usage_only "$@"
cd "$root"

scripts/setup.sh
features=()
status=0
LIBTORCH=$(scripts/setup-torch.sh) || status=$?
case $status in
0)
    export LIBTORCH
    features=(--features host/torch)
    ;;
3)
    unset LIBTORCH
    say "without libtorch: what needs it is not tested"
    ;;
*) exit "$status" ;;
esac
scripts/check.sh
cargo test --workspace --locked "${features[@]}"
scripts/check-parity.sh
# With this machine's kiosk, which the tests have built.
status=0
scripts/test-image.sh --quick --kiosk "$CARGO_TARGET_DIR/debug/kiosk" || status=$?
[ $status = 0 ] || [ $status = 3 ]
