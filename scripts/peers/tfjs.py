"""Reads the weights of TensorFlow.js models, and builds ONNX graphs that run them."""

import json

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def read_weights(manifest, folder):
    """Every tensor by name, as f32, of a weights manifest whose files lie in `folder`."""
    tensors = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            packed = entry.get("quantization", {})
            kind = np.dtype(packed.get("dtype", entry["dtype"]))
            count = int(np.prod(entry["shape"], dtype=int))
            values = np.frombuffer(data, kind, count, at).astype(np.float32)
            at += count * kind.itemsize
            if "scale" in packed:
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            tensors[entry["name"]] = values.reshape(entry["shape"])
    return tensors


def read_json(path):
    return json.loads(path.read_text())


class Graph:
    """A graph in the making; each step takes and gives names of values, pictures as [1, channels, h, w]."""

    def __init__(self, side_px):
        self.nodes, self.constants = [], []
        self.input = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, side_px, side_px])

    def add(self, kind, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def conv(self, x, kernel, stride=1):
        """A convolution by a kernel [h, w, in, out], padded as TensorFlow's "SAME"."""
        weight = self.constant(np.transpose(kernel, (3, 2, 0, 1)))
        return self.add("Conv", x, weight, strides=[stride] * 2, auto_pad="SAME_UPPER")

    def depthwise(self, x, kernel, stride=1):
        """A convolution of each channel by its own kernel of [h, w, channels, 1]."""
        weight = self.constant(np.transpose(kernel, (2, 3, 0, 1)))
        return self.add(
            "Conv", x, weight, strides=[stride] * 2, auto_pad="SAME_UPPER", group=kernel.shape[2]
        )

    def by_channel(self, kind, x, values):
        """Adds to, or multiplies, each channel by its own number; one number is for all."""
        values = np.reshape(values, (1, -1, 1, 1))
        return self.add(kind, x, self.constant(values))

    def linear(self, x, weights, bias):
        return self.add("Gemm", x, self.constant(weights), self.constant(bias))

    def session(self, outputs):
        """What runs the graph on one thread and gives `outputs`."""
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "peer", [self.input], outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options)
