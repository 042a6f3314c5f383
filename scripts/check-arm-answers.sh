#!/usr/bin/env bash
# Usage: scripts/check-arm-answers.sh [--bundle NAME|DIR/] [--max-years N] [--cpu NAME]… [--kiosk FILE] [--board-kiosk FILE]
#        [PATH…]
#
# Whether kiosk gives the same answers on this x86-64 Linux machine and on boards, whose processors QEMU stands for:
# reads the same pictures with both and compares faces, ages and genders.
#
#   --bundle …          reads with this bundle [default: compact]
#   --max-years N       how far apparent ages may differ [default: 0, as int8 must; of floating point say 0.001]
#   --cpu NAME          only this processor; may be repeated [default: cortex-a53 and cortex-a76]
#   --kiosk FILE        the program for this machine, instead of building it
#   --board-kiosk FILE  the program for boards, instead of building it
#   PATH…               pictures or folders of pictures [default: the portraits, and as PNG the screens drawn of them]
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=cross/env.sh
source "$root/cross/env.sh"

bundle=compact max_years=0 kiosk='' board_kiosk='' cpus=() pictures=()
while [ $# -gt 0 ]; do
    case "$1" in
    --bundle) bundle=${2:?} && shift 2 ;;
    --max-years) max_years=${2:?} && shift 2 ;;
    --cpu) cpus+=("${2:?}") && shift 2 ;;
    --kiosk) kiosk=$(realpath "${2:?}") && shift 2 ;;
    --board-kiosk) board_kiosk=$(realpath "${2:?}") && shift 2 ;;
    -*) usage_only "$@" ;;
    *) pictures+=("$1") && shift ;;
    esac
done
[ ${#cpus[@]} -gt 0 ] || cpus=(cortex-a53 cortex-a76)

need python3 python3
if [ -z "$kiosk" ]; then
    "$root/scripts/setup.sh"
    say "building kiosk for this machine (minutes the first time)"
    (cd "$root" && cargo build --release --locked --package device --bin kiosk)
    kiosk=$CARGO_TARGET_DIR/release/kiosk
fi
[ -n "$board_kiosk" ] || board_kiosk=$("$root/scripts/cross-build.sh" aarch64)
set_up_qemu
export APPARENT_BUNDLES=$root/models/bundles${APPARENT_BUNDLES:+:$APPARENT_BUNDLES}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ${#pictures[@]} = 0 ]; then
    "$kiosk" analyze --out "$work/png" "$root"/device/assets/portraits/*.jpg >/dev/null
    pictures=("$root"/device/assets/portraits/*.jpg "$work"/png/*.png)
fi
# read_with NAME COMMAND…
read_with() {
    "${@:2}" analyze --json --distribution --bundle "$bundle" "${pictures[@]}" >"$work/$1.json"
}
read_with here "$kiosk"
for cpu in "${cpus[@]}"; do
    read_with "$cpu" "$qemu" -L "$board_root" -cpu "$cpu" "$board_kiosk"
    echo "$cpu, $bundle: $(python3 "$root/scripts/check-arm-answers.py" "$work/here.json" "$work/$cpu.json" "$max_years")"
done
