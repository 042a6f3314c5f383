#!/usr/bin/env bash
# Usage: scripts/bench-latency.sh [--bundle NAME|DIR/] [--detector NAME|DIR/] [--seconds N] [--threads N]
#
# How long a frame takes from its arrival to the screen with it while networks run: kiosk in release on its
# test picture at 30 frames a second, with --bundle (default compact) and --detector (default auto), on a display
# that is memory. Prints the run's summary as JSON, and fails where nine of ten frames take longer than two frame
# times (66.7 ms).
#
# With a large net, such as one of `trainer quantize --net vgg-face`, it shows that the picture does not wait for
# the network. Best on an otherwise idle machine.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

bundle=compact detector=auto seconds=20 threads=1
while [ $# -gt 0 ]; do
    case "$1" in
    --bundle) bundle=${2:?} && shift 2 ;;
    --detector) detector=${2:?} && shift 2 ;;
    --seconds) seconds=${2:?} && shift 2 ;;
    --threads) threads=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done

cd "$root"
scripts/setup.sh
cargo build --release --locked --package device --bin kiosk
summary=$("$CARGO_TARGET_DIR/release/kiosk" run --source pattern: --loop --fps 30 --display none --bundle "$bundle" \
    --detector "$detector" --threads "$threads" --seconds "$seconds" --json)
echo "$summary"
p90_ms=$(sed -E 's/.*"latency_p90_ms":([0-9.]+).*/\1/' <<<"$summary")
limit_ms=66.7
awk -v p90="$p90_ms" -v limit="$limit_ms" 'BEGIN { exit !(p90 <= limit) }' ||
    die "nine of ten frames take up to $p90_ms ms, expected $limit_ms"
say "nine of ten frames take up to $p90_ms ms, expected at most $limit_ms"
