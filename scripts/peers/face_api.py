"""The age and gender net of face-api 1.7.15 (MIT): a tiny Xception that regresses the age.

As the program feeds it: RGB at 112 px, the mean taken off, divided by 255; the picture is scaled to fit and
padded with black on both sides. It was trained on several public sets, probably UTKFace among them.
"""

import numpy as np

import align
import tfjs

SIDE_PX = 112
MEAN = np.array([122.782, 117.001, 104.298], np.float32)


class FaceApi:
    name = "face-api"
    licence = "MIT"

    def __init__(self, folder):
        models = folder / "package/model"
        manifest = tfjs.read_json(models / "age_gender_model-weights_manifest.json")
        self.session = build(tfjs.read_weights(manifest, models))

    def answer(self, faces):
        """Ages in years and probabilities of *female* of some faces: pictures with boxes."""
        chips = np.stack([chip(face) for face in faces]).astype(np.float32)
        chips = np.ascontiguousarray(((chips - MEAN) / 255).transpose(0, 3, 1, 2))
        years, genders = self.session.run(None, {"input": chips})
        return years[:, 0], genders[:, 1]


def chip(face):
    """The box alone, in the middle of a black square."""
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top)
    square = align.cut_around(face, 1, SIDE_PX)
    x, y = (round((side - length) / 2 * SIDE_PX / side) for length in (right - left, bottom - top))
    black = np.zeros_like(square)
    inside = slice(y, SIDE_PX - y), slice(x, SIDE_PX - x)
    black[inside] = square[inside]
    return black


def build(tensors):
    net = Net(tfjs.Graph(SIDE_PX), tensors)
    graph = net.graph
    x = graph.add("Relu", net.conv("input", "entry_flow/conv_in", 2))
    x = net.reduction(x, "entry_flow/reduction_block_0")
    x = net.reduction(graph.add("Relu", x), "entry_flow/reduction_block_1", x)
    for block in range(2):
        x = net.main(x, f"middle_flow/main_block_{block}")
    x = net.reduction(graph.add("Relu", x), "exit_flow/reduction_block", x)
    x = graph.add("Relu", net.separable(x, "exit_flow/separable_conv"))
    pooled = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    age = graph.linear(pooled, tensors["fc/age/weights"], tensors["fc/age/bias"])
    gender = graph.linear(pooled, tensors["fc/gender/weights"], tensors["fc/gender/bias"])
    return graph.session([age, graph.add("Softmax", gender)])


class Net:
    """Xception's blocks, by the names of their weights."""

    def __init__(self, graph, tensors):
        self.graph, self.tensors = graph, tensors

    def conv(self, x, name, stride):
        y = self.graph.conv(x, self.tensors[f"{name}/filters"], stride)
        return self.graph.by_channel("Add", y, self.tensors[f"{name}/bias"])

    def separable(self, x, name):
        y = self.graph.depthwise(x, self.tensors[f"{name}/depthwise_filter"])
        y = self.graph.conv(y, self.tensors[f"{name}/pointwise_filter"])
        return self.graph.by_channel("Add", y, self.tensors[f"{name}/bias"])

    def reduction(self, x, name, around=None):
        """Halves the picture; `around` is what goes past the convolutions, x where it is not said."""
        y = self.separable(x, f"{name}/separable_conv0")
        y = self.separable(self.graph.add("Relu", y), f"{name}/separable_conv1")
        y = self.graph.add("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
        return self.graph.add("Add", y, self.conv(around or x, f"{name}/expansion_conv", 2))

    def main(self, x, name):
        y = x
        for at in range(3):
            y = self.separable(self.graph.add("Relu", y), f"{name}/separable_conv{at}")
        return self.graph.add("Add", y, x)
