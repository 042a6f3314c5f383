#!/usr/bin/env bash
# Usage: scripts/bench-vs-pytorch.sh [--batch N] [--steps N] [--rounds N] [--device cpu|cuda]
#
# Times one training step of the full-width age head (fc6, fc7, 101 classes; 120 million weights) on kept
# features, in the trainer and in Python's PyTorch of the same version, turn by turn on this machine:
# forward, dropout, cross-entropy, backward, Adam, in f32. PyTorch is timed with its default Adam and with
# the fused one. Prints a Markdown table; ratio = PyTorch's seconds ÷ the trainer's.
#
# PyTorch is that of scripts/setup-torch.sh --cuda (4.7 GB on disk, installed once).
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

batch=256 steps=5 rounds=3 device=cpu
while [ $# -gt 0 ]; do
    case "$1" in
    --batch) batch=${2:?} && shift 2 ;;
    --steps) steps=${2:?} && shift 2 ;;
    --rounds) rounds=${2:?} && shift 2 ;;
    --device) device=${2:?} && shift 2 ;;
    *) usage_only "$@" ;;
    esac
done

cd "$root"
scripts/setup.sh
LIBTORCH=$(scripts/setup-torch.sh)
export LIBTORCH
cargo build --workspace --locked --features host/torch
env -u LIBTORCH scripts/setup-torch.sh --cuda >/dev/null
pytorch=$cache/torch-cuda/bin/python

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/step.py" <<'PY'
import json, sys, time, torch
from torch import nn

batch, steps, device, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
head = nn.Sequential(
    nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(0.5),
    nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 101),
).to(device)
features = torch.randn(batch, 512, 7, 7, device=device).relu()
labels = torch.zeros(batch, dtype=torch.long, device=device)
loss_of = nn.CrossEntropyLoss()
wait = torch.cuda.synchronize if device == "cuda" else lambda: None
found = {}
for name, fused in (("default", None), ("fused", True)):
    adam = torch.optim.Adam(head.parameters(), lr=1e-3, fused=fused)
    seconds = []
    for _ in range(steps + 1):
        wait()
        begun = time.perf_counter()
        adam.zero_grad()
        loss_of(head(features), labels).backward()
        adam.step()
        wait()
        seconds.append(time.perf_counter() - begun)
    found[name] = sorted(seconds[1:])[steps // 2]
    del adam
json.dump(found, open(out, "w"))
PY

for round in $(seq "$rounds"); do
    "$CARGO_TARGET_DIR/debug/trainer" bench --batch "$batch" --steps "$steps" --trunk-passes 0 \
        --device "$device" --json "$work/ours.$round" >/dev/null
    "$pytorch" "$work/step.py" "$batch" "$steps" "$device" "$work/theirs.$round"
done
python3 - "$work" "$rounds" "$batch" "$device" <<'PY'
import json, statistics, sys

work, rounds, batch, device = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
read = lambda name, k: json.load(open(f"{work}/{name}.{k + 1}"))
ours = statistics.median(read("ours", k)["head_step_s"] for k in range(rounds))
print(f"| a step of the age head, batch {batch}, f32, {device} | seconds (median of {rounds}) | ratio |")
print("|---|---|---|")
print(f"| trainer | {ours:.3f} | |")
for name in ("default", "fused"):
    theirs = statistics.median(read("theirs", k)[name] for k in range(rounds))
    print(f"| PyTorch 2.11.0, {name} Adam | {theirs:.3f} | {theirs / ours:.2f} |")
PY
