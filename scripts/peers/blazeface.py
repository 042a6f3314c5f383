"""The faces that BlazeFace finds, in the JSON of `kiosk analyze`.

Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs"; anchors, threshold and
blending as MediaPipe uses the nets: the front one reads 128 x 128 px, the back one 256 x 256.
"""

import argparse
import json
import sys

import cv2
import numpy as np
import onnxruntime

SCORE_MIN, IOU_MIN = 0.5, 0.3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", required=True)
    parser.add_argument("--pictures", required=True)
    args = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.net, options, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[1]
    anchors = anchor_centres(side)
    for path in open(args.pictures).read().splitlines():
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if picture is None:
            print(f"{path}: cannot be read", file=sys.stderr)
        faces = [] if picture is None else find(session, side, anchors, picture)
        print(json.dumps({"source": path, "faces": faces}))


def anchor_centres(side):
    """[896, 2], shares of the side: two a cell of 16 x 16, six a cell of 8 x 8."""
    grids = []
    for cells, each in ((16, 2), (8, 6)):
        at = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(at, at)
        grids.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), each, axis=0))
    return np.concatenate(grids).astype(np.float32) * side


def find(session, side, anchors, picture):
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    left, top = (side - width * scale) / 2, (side - height * scale) / 2
    place = np.float32([[scale, 0, left], [0, scale, top]])
    # As models::detect does, what shrinks is averaged before.
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        place = np.float32([[1, 0, left], [0, 1, top]])
    canvas = cv2.warpAffine(picture, place, (side, side), flags=cv2.INTER_LINEAR)
    tensor = canvas[None, :, :, ::-1].astype(np.float32) / 127.5 - 1
    outputs = session.run(None, {session.get_inputs()[0].name: tensor})
    scores = 1 / (1 + np.exp(-np.concatenate([outputs[0][0], outputs[1][0]])[:, 0].clip(-80, 80)))
    boxes = np.concatenate([outputs[2][0], outputs[3][0]])[:, :4]
    centres, sizes = boxes[:, :2] + anchors, boxes[:, 2:]
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    kept = scores >= SCORE_MIN
    shift = np.float32([left, top, left, top])
    return [
        face((box - shift) / scale, score) for box, score in blended(corners[kept], scores[kept])
    ]


def blended(boxes, scores):
    """Boxes that overlap the best one are averaged with it, weighed by their scores."""
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    while len(boxes):
        same = overlap(boxes[0], boxes) >= IOU_MIN
        same[0] = True
        yield np.average(boxes[same], axis=0, weights=scores[same]), scores[0]
        boxes, scores = boxes[~same], scores[~same]


def overlap(box, boxes):
    shared = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = shared.clip(0).prod(axis=1)
    area = lambda b: (b[..., 2:] - b[..., :2]).clip(0).prod(axis=-1)
    return shared / np.maximum(area(box) + area(boxes) - shared, 1e-9)


def face(box, score):
    left, top, right, bottom = (round(float(value), 2) for value in box)
    size = [round(right - left, 2), round(bottom - top, 2)]
    return {"box_px": [left, top, *size], "score": round(float(score), 4), "landmarks_px": None}


if __name__ == "__main__":
    main()
