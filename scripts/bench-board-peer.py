"""Times a network in onnxruntime on the board: python3 bench-board-peer.py --threads N --seconds S --json OUT NETWORK

Writes name, version, threads and the figures of one inference in milliseconds, by the wall's clock and by
the process's. The input is made up: the time does not depend on it.
"""

import argparse
import json
import math
import time

import numpy as np
import onnxruntime

WARM_UP = 5


def figures(times):
    times = sorted(times)
    rank = lambda percent: times[max(math.ceil(len(times) * percent / 100), 1) - 1]
    return {"min_ms": times[0], "p50_ms": rank(50), "p90_ms": rank(90), "max_ms": times[-1]}


parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--seconds", type=float, required=True)
parser.add_argument("--json", required=True)
parser.add_argument("network")
args = parser.parse_args()

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
options.log_severity_level = 3
begun = time.perf_counter()
session = onnxruntime.InferenceSession(args.network, options, ["CPUExecutionProvider"])
load_ms = (time.perf_counter() - begun) * 1e3
(given,) = session.get_inputs()
pixels = np.random.default_rng(0).integers(0, 256, given.shape)
kinds = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}
kind = kinds[given.type]
values = ((pixels - 128) / 64).astype(kind) if kind is np.float32 else pixels.astype(kind)
feed = {given.name: values}

for _ in range(WARM_UP):
    session.run(None, feed)
wall, cpu, end = [], [], time.perf_counter() + args.seconds
while not wall or time.perf_counter() < end:
    before, cpu_before = time.perf_counter(), time.process_time()
    session.run(None, feed)
    wall.append((time.perf_counter() - before) * 1e3)
    cpu.append((time.process_time() - cpu_before) * 1e3)
result = {
    "name": "onnxruntime",
    "version": onnxruntime.__version__,
    "threads": args.threads,
    "count": len(wall),
    "load_ms": load_ms,
    "wall": figures(wall),
    "cpu": figures(cpu),
}
with open(args.json, "w") as file:
    json.dump(result, file, indent=2)
