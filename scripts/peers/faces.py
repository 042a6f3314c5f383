"""Labelled faces as `trainer eval --found` writes them: pictures, labels, and what the detector found."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

POINTS = ("leye", "reye", "nose", "lmouth", "rmouth")


@dataclass
class Face:
    path: str
    age_lo: int
    age_hi: int
    gender: str
    race: str
    # Left, top, right, bottom in pixels; None where no face was found.
    box: tuple | None
    landmarks: np.ndarray | None
    # [height, width, 3], RGB; only while the nets are asked.
    picture: np.ndarray | None = None

    def load(self):
        picture = cv2.imread(self.path, cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{self.path}: expected a picture")
        self.picture = picture[:, :, ::-1].copy()


def read(path):
    with Path(path).open(newline="") as file:
        return [face(row) for row in csv.DictReader(file)]


def face(row):
    numbers = lambda names: tuple(float(row[name]) for name in names)
    found = bool(row["x1"])
    marks = [numbers((f"{point}_x", f"{point}_y")) for point in POINTS] if found else None
    return Face(
        path=row["path"],
        age_lo=int(row["age_lo"]),
        age_hi=int(row["age_hi"]),
        gender=row["gender"],
        race=row["race"],
        box=numbers(("x1", "y1", "x2", "y2")) if found else None,
        landmarks=np.array(marks) if found else None,
    )
