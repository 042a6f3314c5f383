"""YuNet as a Python program runs it: the network in onnxruntime, the rest in OpenCV and NumPy."""

import cv2
import numpy as np
import onnxruntime

STRIDES = (8, 16, 32)
# As our bundle of the same file has them.
SCORE_MIN, IOU_MAX = 0.6, 0.3


class Yunet:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.height, self.width = self.session.get_inputs()[0].shape[2:]
        self.outputs = [f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps")]
        # Column, line and stride of every cell of the three grids.
        self.cells = np.concatenate([self.grid(stride) for stride in STRIDES]).astype(np.float32)

    def grid(self, stride):
        width = self.width // stride
        lines, columns = np.divmod(np.arange(self.height // stride * width), width)
        return np.stack([columns, lines, np.full_like(lines, stride)], axis=1)

    def faces(self, picture):
        """Boxes [n, 4] (left, top, right, bottom) and landmarks [n, 5, 2] in a picture [h, w, 3], RGB; best first."""
        factor = min(self.width / picture.shape[1], self.height / picture.shape[0])
        found = self.session.run(self.outputs, {"input": self.fit(picture, factor)})
        kinds = [np.concatenate([found[at + kind][0] for at in range(0, len(found), 4)]) for kind in range(4)]
        scores = np.sqrt(np.clip(kinds[0], 0, 1) * np.clip(kinds[1], 0, 1))[:, 0]
        sure = scores >= SCORE_MIN
        boxes, points = self.decode(kinds[2][sure], kinds[3][sure], self.cells[sure])
        kept = suppress(boxes, scores[sure])
        return boxes[kept] / factor, points[kept] / factor

    def fit(self, picture, factor):
        """The picture in the left top corner of the network's input: [1, 3, height, width], BGR."""
        size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
        canvas = np.zeros((self.height, self.width, 3), np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return cv2.dnn.blobFromImage(canvas, swapRB=True)

    def decode(self, boxes, points, cells):
        places, stride = cells[:, :2], cells[:, 2:]
        center, size = (places + boxes[:, :2]) * stride, np.exp(boxes[:, 2:]) * stride
        points = (points.reshape(-1, 5, 2) + places[:, None]) * stride[:, None]
        return np.hstack([center - size / 2, center + size / 2]), points


def suppress(boxes, scores):
    """The places of the boxes that no better one overlaps, best first."""
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return np.array(cv2.dnn.NMSBoxes(sides, scores, SCORE_MIN, IOU_MAX), int).reshape(-1)
