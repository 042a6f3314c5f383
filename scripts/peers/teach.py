"""What Cydral's age net says of every crop, as `trainer train --teacher` reads it.

Called by scripts/teach-ages.sh.
"""

import argparse
import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import save_file

import align
import cydral

CLASSES = 101
BATCH = 64


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    table = (options.crops / "crops.csv").read_bytes()
    count = len(list(csv.DictReader(table.decode().splitlines())))
    crops = stored(options.crops / "crops.u8", count)
    teacher = cydral.Cydral(options.models)
    ages = np.zeros((count, CLASSES), np.float32)
    for begin in range(0, count, BATCH):
        said = ask(teacher, crops[begin : begin + BATCH])
        ages[begin : begin + BATCH, : said.shape[1]] = said
    ages /= ages.sum(axis=1, keepdims=True)
    about = {"crops": hashlib.sha256(table).hexdigest(), "teacher": cydral.Cydral.name}
    part = options.out.with_suffix(".part")
    save_file({"age": ages}, part, about)
    part.rename(options.out)


def stored(path, count):
    """The crops [count, side, side, 3] that `trainer crop` wrote."""
    values = np.memmap(path, np.uint8, "r")
    side = round((values.size / count / 3) ** 0.5)
    return values.reshape(count, side, side, 3)


def ask(teacher, crops):
    """The mean of what the teacher says of some crops and of their mirror images: [n, 81]."""
    side = crops.shape[1]
    net = side / align.OUR_MARGIN
    ours = align.OUR_TEMPLATE * net + (side - net) / 2
    place = align.similarity(ours, cydral.TEMPLATE)
    chips = np.stack([align.cut(crop, place, cydral.AGE_PX) for crop in crops])
    return (teacher.ages(chips) + teacher.ages(chips[:, :, ::-1])) / 2


main()
