"""Counts the instructions of one inference on ARM processors: the part of bench-arm.sh that runs and tells.

Each run is one program under qemu-user with the counting plugin, whose n-th count belongs to the n-th line that
the program printed.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Which have dot products of bytes; the others multiply them at most eight at a time.
DOT_PRODUCTS = {"cortex-a53": False, "cortex-a72": False, "cortex-a76": True}
# tract rounds with factors of 31 bits, ours in single precision: now and then a byte differs by one.
ANSWER_MAX = 0.1
WAYS = {"f32": "tract f32", "stock": "stock tract int8", "ours": "ours int8"}


def parse():
    parser = argparse.ArgumentParser()
    for name in ("qemu", "board-root", "plugin", "infer", "f32", "int8", "net", "json"):
        parser.add_argument(f"--{name}", required=name != "json")
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--cpu", action="append", required=True, choices=list(DOT_PRODUCTS))
    parser.add_argument("--max-to-f32", type=float, default=0.8)
    parser.add_argument("--max-to-f32-dot", type=float, default=0.35)
    parser.add_argument("--max-to-stock", type=float, default=1.0)
    return parser.parse_args()


def count(options, cpu, way):
    """Instructions of loading and of the second run, of each of its steps where they are asked for, and what
    the program said."""
    graph = options.f32 if way == "f32" else options.int8
    program = [options.infer, graph, "--runs", "2", *(["--kernel", "tract"] if way == "stock" else [])]
    program += ["--steps"] if options.steps else []
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts")
        plugin = f"{options.plugin},out={counts}"
        emulator = [options.qemu, "-L", options.board_root, "-cpu", cpu, "-plugin", plugin]
        ran = subprocess.run(emulator + program, stdout=subprocess.PIPE, text=True)
        if ran.returncode:
            sys.exit(f"bench-arm: {way} on {cpu} ended with status {ran.returncode}")
        at = [int(line) for line in counts.read_text().split()]
    lines = ran.stdout.splitlines()
    begun, ended = ([at for at, line in enumerate(lines) if line.startswith(f"run {run} ")] for run in (1, 2))
    if len(at) != len(lines) or not (begun and ended):
        sys.exit(f"bench-arm: {len(at)} counts for the lines {lines}")
    begun, ended = begun[0], ended[0]
    steps = [[lines[k], at[k] - at[k - 1]] for k in range(begun + 1, ended)]
    kernel = re.search(r"kernel (\S+),", lines[0])[1]
    outputs = [line.split(": ")[1].strip("[]") for line in lines if line.startswith("output ")]
    answer = [float(logit) for output in outputs for logit in output.split(", ")]
    inference = at[ended] - at[begun]
    print(f"bench-arm: {cpu}, {WAYS[way]}: {inference:,}", file=sys.stderr)
    return {"kernel": kernel, "load": at[0], "inference": inference, "steps": steps, "answer": answer}


def judge(options, cpu, ways):
    """What is wrong with one processor's figures."""
    to_f32, to_stock = ratios(ways)
    bound = options.max_to_f32_dot if DOT_PRODUCTS[cpu] else options.max_to_f32
    if to_f32 > bound:
        yield f"{cpu}: ours is {to_f32:.3f} of tract f32, expected at most {bound}"
    if to_stock > options.max_to_stock:
        yield f"{cpu}: ours is {to_stock:.3f} of stock tract int8, expected at most {options.max_to_stock}"
    far = max(abs(a - b) for a, b in zip(ways["ours"]["answer"], ways["stock"]["answer"], strict=True))
    if far > ANSWER_MAX:
        yield f"{cpu}: logits of ours and of stock tract differ by {far:.3f}, expected at most {ANSWER_MAX}"


def ratios(ways):
    ours = ways["ours"]["inference"]
    return ours / ways["f32"]["inference"], ours / ways["stock"]["inference"]


def table(net, found):
    yield f"| {net}: 10⁶ instructions | " + " | ".join(WAYS.values()) + " | ours ÷ f32 | ours ÷ stock |"
    yield "|---|---|---|---|---|---|"
    for cpu, ways in found.items():
        millions = [f"{ways[way]['inference'] / 1e6:,.1f}" for way in WAYS]
        to_f32, to_stock = ratios(ways)
        kernel = ways["ours"]["kernel"]
        yield f"| {cpu} | {' | '.join(millions)} ({kernel}) | {to_f32:.3f} | {to_stock:.3f} |"


def step_tables(found):
    for cpu, way in ((cpu, way) for cpu in found for way in WAYS):
        yield f"\n| {cpu}, {WAYS[way]} | 10⁶ instructions |\n|---|---|"
        yield from (f"| {step} | {count / 1e6:,.2f} |" for step, count in found[cpu][way]["steps"])


def main():
    options = parse()
    runs = [(cpu, way) for cpu in options.cpu for way in WAYS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda run: count(options, *run), runs))
    found = {cpu: {} for cpu in options.cpu}
    for (cpu, way), counted in zip(runs, counts):
        found[cpu][way] = counted
    print("\n".join([*table(options.net, found), *(step_tables(found) if options.steps else [])]))
    if options.json:
        version = subprocess.run([options.qemu, "--version"], stdout=subprocess.PIPE, text=True).stdout
        record = {
            "net": options.net,
            "date": datetime.date.today().isoformat(),
            "qemu": version.splitlines()[0],
            "instructions": found,
            "ours_to_f32": {cpu: ratios(ways)[0] for cpu, ways in found.items()},
            "ours_to_stock": {cpu: ratios(ways)[1] for cpu, ways in found.items()},
        }
        Path(options.json).write_text(json.dumps(record, indent=2) + "\n")
    wrong = [fault for cpu, ways in found.items() for fault in judge(options, cpu, ways)]
    sys.exit("\n".join(f"bench-arm: {fault}" for fault in wrong) if wrong else 0)


main()
