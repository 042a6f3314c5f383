"""Asks other people's age and gender nets about the faces that our detector found, and compares.

Called by scripts/eval-vs-peers.sh, which says what the options mean.
"""

import argparse
import csv
import os
import sys
from pathlib import Path

import cv2
import numpy as np

import faces
import table
from cydral import Cydral
from face_api import FaceApi
from faceres import Faceres

NETS = {"cydral": Cydral, "faceres": Faceres, "face-api": FaceApi}
BATCH = 32
COLUMNS = "path age_lo age_hi gender race source apparent_mean apparent_std found years dominant label_prob female"


def main():
    options = parse()
    cv2.setNumThreads(1)
    sets = [measure(name, Path(folder), options) for name, folder in options.set]
    text = table.markdown(sets)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")
    behind = table.behind(sets)
    if options.check and behind:
        sys.exit("\n".join(behind))


def parse():
    parser = argparse.ArgumentParser()
    # A set's name and the folder with found.csv and ours.csv.
    parser.add_argument("--set", nargs=2, action="append", required=True)
    parser.add_argument("--net", nargs=2, action="append", default=[], metavar=("NAME", "FOLDER"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--assert", dest="check", action="store_true")
    return parser.parse_args()


def measure(name, folder, options):
    """What ours and each peer said of one set."""
    labelled = faces.read(folder / "found.csv")
    answers = [("ours", "", ours(folder / "ours.csv", labelled))]
    for net, models in options.net:
        path = folder / f"{net}.csv"
        if not path.exists():
            ask(NETS[net](Path(models)), labelled, path)
        answers.append((NETS[net].name, NETS[net].licence, read(path)))
    return table.Set(name, labelled, answers)


def ours(path, labelled):
    answers = read(path)
    if len(answers) != len(labelled):
        raise SystemExit(f"{path} holds {len(answers)} faces, found.csv {len(labelled)}")
    return answers


def ask(net, labelled, path):
    """Writes what a net says of every face that was found, as `trainer report` reads it."""
    found = [face for face in labelled if face.box]
    said = {}
    for begin in range(0, len(found), BATCH):
        batch = found[begin : begin + BATCH]
        for face in batch:
            face.load()
        years, female = net.answer(batch)
        for face, age, share in zip(batch, years, female):
            said[face.path] = (float(np.clip(age, 0, 100)), float(np.clip(share, 0, 1)))
            face.picture = None
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS.split())
        rows.writerows(row(face, said.get(face.path)) for face in labelled)
    os.replace(part, path)


def row(face, said):
    labels = [face.path, face.age_lo, face.age_hi, face.gender, face.race, "", "", ""]
    if said is None:
        return [*labels, 0, "", "", "", ""]
    return [*labels, 1, f"{said[0]:.3f}", round(said[0]), "", f"{said[1]:.5f}"]


def read(path):
    """Years and probability of *female* of each face, in the order of the file; None where none was found."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(float(r["years"]), float(r["female"])) if r["years"] else None for r in rows]


main()
