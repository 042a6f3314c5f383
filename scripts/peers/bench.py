"""Compares our inference with other engines: same weights, same picture, same machine, in turns.

Called by scripts/bench-vs-peers.sh, which makes the networks and says what the options mean.
"""

import argparse
import datetime
import json
import os
import sys
import tomllib
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import graphs
import report
from turns import Worker, alternate

HERE = Path(__file__).parent
OURS = {"ours-int8": "best", "ours-f32": "best", "tract-int8": "tract"}
PEERS = ["onnxruntime-int8", "onnxruntime-f32", "openvino-int8", "openvino-f32", "ncnn-f32", "opencv-f32"]
# How far a probability may be from ours: rounding decides a byte here and there in int8, Winograd adds in
# another order in f32.
PROBABILITY_MAX = {"int8": 0.02, "f32": 1e-3}


def main():
    options = parse()
    found = {"date": datetime.date.today().isoformat(), "machine": machine(), "nets": []}
    for net in options.nets:
        found["nets"].append(measure(Net(options.folder, net), options))
    found["figures"] = report.figures(found["nets"])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(report.markdown(found))
    broken = report.broken_bounds(found["figures"])
    if options.check and broken:
        sys.exit("\n".join(broken))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--worker", type=Path, required=True)
    parser.add_argument("--nets", nargs="+", required=True)
    parser.add_argument("--engines", nargs="*", default=[*OURS, *PEERS], choices=[*OURS, *PEERS])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--loads", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--assert", dest="check", action="store_true")
    return parser.parse_args()


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
    }


class Net:
    """A network's files: two bundles, the forms that other engines want, and a picture."""

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.int8, self.f32 = self.folder / "int8" / name, self.folder / "f32" / name
        self.twin, self.ncnn = self.folder / "int8-u8.onnx", self.folder / "ncnn"
        self.input = self.folder / "input.f32"

    def prepare(self):
        """Derives what the trainer does not write."""
        int8, f32 = network_of(self.int8), network_of(self.f32)
        derive(int8, [self.twin], lambda twin: graphs.write_unsigned_twin(int8, twin))
        files = [self.ncnn.with_suffix(".param"), self.ncnn.with_suffix(".bin")]
        derive(f32, files, lambda param, data: graphs.write_ncnn(f32, param, data))
        derive(int8, [self.input], lambda path: first_picture(self.int8).tofile(path))

    def file_for(self, engine):
        """What an engine is given to load."""
        if engine in OURS:
            return self.f32 if engine.endswith("f32") else self.int8
        if engine.endswith("int8"):
            return self.twin
        return self.ncnn if engine.startswith("ncnn") else network_of(self.f32)


def network_of(bundle):
    """The path of a bundle's graph."""
    model = tomllib.loads((bundle / "model.toml").read_text())
    return bundle / next(file["path"] for file in model["files"] if file["role"] == "network")


def first_picture(bundle):
    """A bundle's first stored crop as its network reads it: [3, side, side], f32."""
    spec = tomllib.loads((bundle / "model.toml").read_text())["estimator"]["input"]
    crop = load_file(bundle / "golden.safetensors")["crops"][0]
    crop = crop[:, :, :: 1 if spec["order"] == "rgb" else -1]
    values = (crop - np.float32(spec["mean"])) * np.float32(spec["scale"])
    return np.ascontiguousarray(values.transpose(2, 0, 1), "<f4")


def derive(source, files, write):
    """Writes files that are not there or older than their source; whole or not at all."""
    made_s = source.stat().st_mtime
    if all(file.exists() and file.stat().st_mtime > made_s for file in files):
        return
    parts = [file.with_name(f"{file.name}.part") for file in files]
    write(*parts)
    for part, file in zip(parts, files):
        part.rename(file)


def measure(net, options):
    """All engines at one thread, then all at two, beside ours at one."""
    net.prepare()
    engines = ["ours-int8", "ours-f32"]
    engines += [engine for engine in options.engines if engine not in engines]
    start = Starter(net, options.worker)
    phases, others_share = [], []
    for threads in (1, 2):
        print(f"{net.name}, threads: {threads}", file=sys.stderr)
        cells = [(engine, threads) for engine in engines]
        if threads > 1:
            cells.insert(0, ("ours-int8", 1))
        loads = options.loads if threads == 1 else 1
        workers = [start(engine, threads, loads) for engine, threads in cells]
        distances = compare(net, workers)
        others_share.append(alternate(workers, options.rounds))
        phases.append([worker.cell() | {"probability_distance": far} for worker, far in zip(workers, distances)])
        for worker in workers:
            worker.close()
    int8_bytes = os.path.getsize(network_of(net.int8))
    return {"net": net.name, "int8_bytes": int8_bytes, "others_share": max(others_share), "phases": phases}


class Starter:
    """Starts the worker of an engine."""

    def __init__(self, net, ours):
        self.net, self.ours = net, ours

    def __call__(self, engine, threads, loads):
        """Starts it some times; the last goes on, and tells the median time of loading."""
        begun = []
        for _ in range(loads):
            if begun:
                begun[-1].close()
            begun.append(Worker(engine, threads, self.command(engine, threads)))
        by_wall = sorted(worker.ready["load_to_answer"] for worker in begun)
        begun[-1].ready["load_to_answer"] = by_wall[len(by_wall) // 2]
        return begun[-1]

    def command(self, engine, threads):
        file, picture = self.net.file_for(engine), self.net.input
        if engine in OURS:
            return [self.ours, file, OURS[engine], threads, picture]
        return [sys.executable, HERE / "worker.py", engine.split("-")[0], file, threads, picture]


def compare(net, workers):
    """The largest difference of a probability from ours of the same precision, by worker."""
    answers = [[softmax(output) for output in worker.ready["outputs"]] for worker in workers]
    ours = {worker.engine: answer for worker, answer in zip(workers, answers)}
    distances = []
    for worker, answer in zip(workers, answers):
        precision = worker.engine.split("-")[1]
        pairs = zip(answer, ours[f"ours-{precision}"], strict=True)
        far = max(float(np.abs(theirs - own).max()) for theirs, own in pairs)
        if not far <= PROBABILITY_MAX[precision]:
            sys.exit(
                f"{worker.engine} is {far:.2g} from our probabilities of {net.name}, "
                f"expected at most {PROBABILITY_MAX[precision]}: it computes another network"
            )
        distances.append(far)
    return distances


def softmax(logits):
    powers = np.exp(np.array(logits) - max(logits))
    return powers / powers.sum()


main()
