"""The networks of a bundle in the forms that other engines run fastest."""

import struct

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

NCNN_MAGIC = 7767517
NCNN_RELU = "9=1"


def write_unsigned_twin(source, target):
    """Writes an int8 graph with activations of unsigned bytes (value + 128); weights and answers stay.

    onnxruntime multiplies signed weights by unsigned activations several times faster than by signed ones.
    """
    model = onnx.load(source)
    constants = {constant.name: constant for constant in model.graph.initializer}
    for name in {name for node in model.graph.node for name in activation_zeros(node)}:
        zero = numpy_helper.to_array(constants[name])
        unsigned = (zero.astype(np.int16) + 128).astype(np.uint8)
        constants[name].CopyFrom(numpy_helper.from_array(unsigned, name))
    onnx.save(model, target)


def activation_zeros(node):
    """The names of the zero points by which a node reads and writes activations."""
    places = {"QuantizeLinear": [2], "QLinearConv": [2, 7], "ConvInteger": [2]}
    return [node.input[place] for place in places.get(node.op_type, [])]


def write_ncnn(source, param, weights):
    """Writes a plain f32 graph (Conv, Gemm, Relu, MaxPool, Flatten) as ncnn's two files."""
    graph = onnx.load(source).graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    layers = [Layer("Input", "input", [], graph.input[0].name, [])]
    for node in graph.node:
        if node.op_type in ("Relu", "Identity"):
            merge(layers, node)
        else:
            layers.append(LAYERS[node.op_type](node, constants))
    layers = with_splits(layers)
    blobs = sum(len(layer.tops) for layer in layers)
    with open(param, "w", encoding="ascii") as text, open(weights, "wb") as data:
        text.write(f"{NCNN_MAGIC}\n{len(layers)} {blobs}\n")
        for layer in layers:
            text.write(f"{layer}\n")
            if layer.weight is not None:
                data.write(struct.pack("<I", 0))  # f32, not packed
                data.write(layer.weight.tobytes())
                data.write(layer.bias.tobytes())


class Layer:
    """A line of ncnn's .param, and what it adds to .bin."""

    def __init__(self, kind, name, bottoms, top, settings, weight=None, bias=None):
        self.kind, self.name, self.bottoms, self.tops = kind, name, list(bottoms), [top]
        self.settings, self.weight, self.bias = settings, weight, bias

    def __str__(self):
        counts = [str(len(self.bottoms)), str(len(self.tops))]
        return " ".join([self.kind, self.name, *counts, *self.bottoms, *self.tops, *self.settings])


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def convolution(node, constants):
    weight, bias = (constants[name] for name in node.input[1:])
    found = attributes(node)
    outputs, _, kernel, _ = weight.shape
    stride, pad = found.get("strides", [1])[0], found.get("pads", [0])[0]
    settings = [f"0={outputs}", f"1={kernel}", f"3={stride}", f"4={pad}", "5=1", f"6={weight.size}"]
    return Layer("Convolution", node.name, node.input[:1], node.output[0], settings, weight, bias)


def inner_product(node, constants):
    weight, bias = (constants[name] for name in node.input[1:])
    settings = [f"0={weight.shape[0]}", "1=1", f"2={weight.size}"]
    return Layer("InnerProduct", node.name, node.input[:1], node.output[0], settings, weight, bias)


def max_pool(node, _):
    found = attributes(node)
    # 5=1: an odd last row is dropped.
    settings = ["0=0", f"1={found['kernel_shape'][0]}", f"2={found['strides'][0]}", "5=1"]
    return Layer("Pooling", node.name, node.input[:1], node.output[0], settings)


def flatten(node, _):
    return Layer("Flatten", node.name, node.input[:1], node.output[0], [])


LAYERS = {"Conv": convolution, "Gemm": inner_product, "MaxPool": max_pool, "Flatten": flatten}


def merge(layers, node):
    """Lets the layer before a ReLU or an identity write what the node writes."""
    before = next(layer for layer in layers if node.input[0] in layer.tops)
    before.tops = list(node.output)
    if node.op_type == "Relu":
        before.settings.append(NCNN_RELU)


def with_splits(layers):
    """ncnn wants a value that several layers read to be split by a layer of its own."""
    found = []
    for layer in layers:
        found.append(layer)
        (top,) = layer.tops
        readers = [reader for reader in layers if top in reader.bottoms]
        if len(readers) > 1:
            split = Layer("Split", f"{top}.split", [top], top, [])
            split.tops = [f"{top}.{number}" for number in range(len(readers))]
            for reader, part in zip(readers, split.tops):
                reader.bottoms[reader.bottoms.index(top)] = part
            found.append(split)
    return found
