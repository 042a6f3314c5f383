"""How long one face takes from pixels to age and gender: ours beside YuNet and faceres in onnxruntime, in turns.

Called by scripts/bench-faces-vs-peers.sh, which says what the options mean.
"""

import argparse
import collections
import datetime
import functools
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import turns

HERE = Path(__file__).parent
SIZE_PX = 640, 480
CLOCKS = {"wall": "wall", "cpu": "CPU"}
PEER = "YuNet 320 + faceres, onnxruntime"
# Of p90 by the processor's clock, ours with the first detector ÷ theirs.
RATIO_MAX = 0.7
# Of the machine, while they took turns.
OTHERS_SHARE_MAX = 0.05


def main():
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        cv2.imwrite(str(picture), camera_picture(cv2.imread(str(options.portrait))))
        found = measure(options, picture)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(markdown(found))
    figure = ratios(found["rounds"], ours_of(found)[0], PEER, "cpu_p90_ms")[0]
    if options.check and figure > RATIO_MAX:
        sys.exit(f"p90 by the processor's clock is {figure:.2f} of theirs, expected at most {RATIO_MAX}")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kiosk", type=Path, required=True)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--portrait", type=Path, required=True)
    # YuNet as our bundle, faceres's package, and what ours finds faces with.
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--faceres", type=Path, required=True)
    parser.add_argument("--detectors", nargs="+", required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--assert", dest="check", action="store_true")
    return parser.parse_args()


def camera_picture(portrait):
    """A portrait as a camera of 640×480 has it: as wide as the picture, cut off below."""
    width, height = SIZE_PX
    part = portrait[: portrait.shape[1] * height // width]
    return cv2.resize(part, SIZE_PX, interpolation=cv2.INTER_LINEAR)


def measure(options, picture):
    yunet = options.yunet / "yunet.onnx"
    peer = turns.Worker(PEER, 1, [sys.executable, HERE / "face_worker.py", yunet, options.faceres, picture])
    if len(peer.ready["faces"]) != 1:
        sys.exit(f"{PEER} finds {len(peer.ready['faces'])} faces in the picture, expected one")
    ask = {name_of(name): functools.partial(ours, options, picture, name) for name in options.detectors}
    ask[PEER] = lambda: theirs(peer, options.runs)
    theirs(peer, options.runs)
    rounds, begun_s, busy_s, own_s = [], time.monotonic(), turns.busy(), own(peer)
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        names = list(ask) if number % 2 == 0 else reversed(list(ask))
        rounds.append({name: ask[name]() for name in names})
    others_s = turns.busy() - busy_s - (own(peer) - own_s)
    others_share = max(others_s, 0) / (time.monotonic() - begun_s) / os.cpu_count()
    peer.close()
    about = {"date": datetime.date.today().isoformat(), "onnxruntime": peer.ready["version"]}
    return about | {"runs": options.runs, "others_share": others_share, "rounds": rounds}


def name_of(detector):
    """Ours, as the table calls it: `yunet` is the peer's own file."""
    return f"ours, {'YuNet 320' if detector == 'yunet' else Path(detector).name}"


def ours_of(found):
    return [name for name in found["rounds"][0] if name != PEER]


def own(peer):
    """Seconds that the peer and all of ours that have ended computed."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return turns.own([peer]) + children.ru_utime + children.ru_stime


def ours(options, picture, detector):
    """What `kiosk bench` says of its stage *answer*: from RGB to the answer, without decoding and drawing."""
    report = picture.with_name("kiosk.json")
    detector = f"{options.yunet}/" if detector == "yunet" else detector
    models = ["--bundle", options.bundle, "--detector", detector, "--threads", "1"]
    times = ["--warm-up", "10", "--count", str(options.runs), "--json", report]
    subprocess.run([options.kiosk, "bench", picture, *models, *times], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(report.read_text())
    stages = {stage["stage"]: stage for stage in found["stages"]}
    answer = stages["answer"]
    if stages.get("crop", {"wall": {"count": 0}})["wall"]["count"] != answer["wall"]["count"]:
        sys.exit(f"{detector} does not find one face in the picture")
    figures = {f"{clock}_{p}_ms": answer[clock][f"{p}_ms"] for clock in CLOCKS for p in ("p50", "p90")}
    about = {"machine": found["machine"]["cpu"], "kernel": found["models"]["kernel"]}
    return figures | {"doubts": found["doubts"]} | about


def theirs(peer, runs):
    print(runs, file=peer.process.stdin, flush=True)
    wall, cpu, inside = np.array(peer.read()["runs"]).T
    rank = lambda times, share: float(np.sort(times)[int(np.ceil(share * len(times))) - 1])
    figures = {"inside_p50_ms": rank(inside, 0.5), "inside_p90_ms": rank(inside, 0.9)}
    for clock, times in (("wall", wall), ("cpu", cpu)):
        figures |= {f"{clock}_p50_ms": rank(times, 0.5), f"{clock}_p90_ms": rank(times, 0.9)}
    return figures


def ratios(rounds, first, second, figure, of=None):
    """The median of the rounds' ratios, the least and the largest."""
    each = [one[first][figure] / one[second][of or figure] for one in rounds]
    return statistics.median(each), min(each), max(each)


def markdown(found):
    rounds = found["rounds"]
    columns = {f"{name} {p}": f"{clock}_{p}_ms" for clock, name in CLOCKS.items() for p in ("p50", "p90")}
    lines = [f"| detect + estimate, ms | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    median = lambda name, figure: statistics.median(one[name][figure] for one in rounds)
    for name in (*ours_of(found), PEER):
        cells = [f"{median(name, figure):.2f}" for figure in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", *ratio_lines(found), "", about(found, median(PEER, "inside_p50_ms")), *doubts(found)]
    return "\n".join(lines)


def ratio_lines(found):
    rounds = found["rounds"]
    told = lambda name, triple: "| {} | {:.2f} | {:.2f}–{:.2f} |".format(name, *triple)
    lines = ["| ratio of p90, below 1: ours is faster | median | of all rounds |", "|---|---|---|"]
    for clock, name in CLOCKS.items():
        for mine in ours_of(found):
            lines.append(told(f"{name}: {mine} ÷ {PEER}", ratios(rounds, mine, PEER, f"{clock}_p90_ms")))
    for mine in ours_of(found):
        inside = ratios(rounds, mine, PEER, "wall_p90_ms", "inside_p90_ms")
        lines.append(told(f"wall: {mine} ÷ what they spend inside onnxruntime alone", inside))
    return lines


def about(found, inside_ms):
    ours = found["rounds"][0][ours_of(found)[0]]
    return (
        f"{ours['machine']['name']}, {found['date']}; one thread, one face in "
        f"{SIZE_PX[0]}×{SIZE_PX[1]} pixels, {len(found['rounds'])} rounds of {found['runs']} pictures each; kernel "
        f"{ours['kernel']}, onnxruntime {found['onnxruntime']} ({inside_ms:.2f} ms of theirs are inside it). Others "
        f"took {found['others_share']:.0%} of the machine."
    )


def doubts(found):
    """What speaks against the figures, with the number of our runs that say so; their numbers are theirs alone."""
    runs = [one[name]["doubts"] for one in found["rounds"] for name in ours_of(found)]
    said = collections.Counter(re.sub(r"[0-9.]+", "…", doubt) for one in runs for doubt in one)
    lines = [f"DOUBT ({count} of {len(runs)} runs): {doubt}" for doubt, count in said.items()]
    if found["others_share"] > OTHERS_SHARE_MAX:
        lines.append("DOUBT: the machine was not quiet: these figures are not to be trusted")
    return ["", *lines] if lines else []


main()
