#!/usr/bin/env bash
# Usage: scripts/check-onnxruntime.sh BUNDLE...
#
# Runs each bundle's network in onnxruntime (Python) on the bundle's stored crops, and compares the answers
# with the stored ones, which are tract's. Together with `trainer verify` (torch ↔ tract) that is
# torch ↔ tract ↔ onnxruntime. Fails where a probability differs by more than 1e-5.
#
# Only f32 bundles: onnxruntime has no ConvInteger on signed bytes, in which our int8 networks end.
#
# onnxruntime is installed once into ${XDG_CACHE_HOME:-~/.cache}/apparent/onnxruntime.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
case "${1:-}" in '' | -*) usage_only "${1:--}" ;; esac

venv=$cache/onnxruntime
if ! "$venv/bin/python" -c 'import onnxruntime, safetensors' 2>/dev/null; then
    say "installing onnxruntime into $venv"
    need python3 python3
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.23.2 numpy safetensors==0.8.0 >&2
fi

"$venv/bin/python" - "$@" <<'PY'
import sys, tomllib
from pathlib import Path
import numpy as np
import onnxruntime
from safetensors.numpy import load_file


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


failed = False
print("| bundle | crops | largest Δ logit | largest Δ probability | largest Δ apparent age |")
print("|---|---|---|---|---|")
for folder in map(Path, sys.argv[1:]):
    model = tomllib.loads((folder / "model.toml").read_text())
    files = {file["role"]: folder / file["path"] for file in model["files"]}
    spec = model["estimator"]
    if spec["precision"] != "f32":
        sys.exit(f"{folder} is {spec['precision']}, expected an f32 bundle")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(files["network"]), options, ["CPUExecutionProvider"])
    golden = load_file(str(files["golden"]))
    order = slice(None) if spec["input"]["order"] == "rgb" else slice(None, None, -1)
    far = np.zeros(3)
    for crop, age, gender in zip(golden["crops"], golden["age"], golden["gender"]):
        values = (crop[:, :, order] - np.float32(spec["input"]["mean"])) * np.float32(spec["input"]["scale"])
        found = session.run(["age", "gender"], {"input": values.astype(np.float32).transpose(2, 0, 1)[None]})
        stored = [age, gender]
        logit = max(np.abs(f[0] - s).max() for f, s in zip(found, stored))
        prob = max(np.abs(softmax(f[0]) - softmax(s)).max() for f, s in zip(found, stored))
        years = abs((softmax(found[0][0]) - softmax(age)) @ np.arange(age.size))
        far = np.maximum(far, [logit, prob, years])
    failed |= far[1] > 1e-5
    print(f"| {folder} | {len(golden['age'])} | {far[0]:.2e} | {far[1]:.2e} | {far[2]:.2e} |")
sys.exit("onnxruntime answers otherwise" if failed else 0)
PY
