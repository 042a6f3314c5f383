"""Reads the face in a picture on request as a Python program would: YuNet and faceres in onnxruntime.

Usage: face_worker.py YUNET.onnx FACERES-FOLDER PICTURE

Says in a line of JSON what it found; then each line on standard input is a number of runs, answered by one line
with their milliseconds: by the wall, of the processor, and by the wall inside onnxruntime alone.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

import faces
from faceres import Faceres
from yunet import Yunet


class Timed:
    """A session that adds up how long its runs take."""

    def __init__(self, session):
        self.session, self.seconds = session, 0.0

    def run(self, *arguments):
        begun = time.perf_counter()
        outputs = self.session.run(*arguments)
        self.seconds += time.perf_counter() - begun
        return outputs


def main(yunet, faceres, picture):
    cv2.setNumThreads(1)
    detector, estimator = Yunet(yunet), Faceres(Path(faceres))
    timed = detector.session, estimator.session = Timed(detector.session), Timed(estimator.session)
    face = faces.Face(picture, 0, 0, "", "", None, None)
    face.load()
    read = lambda: answer(detector, estimator, face.picture)
    print(json.dumps({"version": onnxruntime.__version__, "faces": read()}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"runs": [run(read, timed) for _ in range(int(line))]}), flush=True)


def answer(detector, estimator, picture):
    """Years and probability of *female* of each face in a picture, [h, w, 3], RGB."""
    boxes, points = detector.faces(picture)
    found = [
        faces.Face("", 0, 0, "", "", tuple(box), marks, picture) for box, marks in zip(boxes.tolist(), points)
    ]
    if not found:
        return []
    years, female = estimator.answer(found)
    return np.stack([years, female], axis=1).tolist()


def run(read, timed):
    inside, begun = sum(one.seconds for one in timed), (time.perf_counter(), time.process_time())
    read()
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return [1e3 * seconds for seconds in (wall, cpu, sum(one.seconds for one in timed) - inside)]


main(*sys.argv[1:])
