#!/usr/bin/env python3
"""Usage: scripts/convert-weights.py FILE.pth|FILE.pt|FILE.t7|FILE.mat OUT.safetensors

Puts the weights of a PyTorch state dict, a Torch 7 net or a MatConvNet net into a safetensors file that
`trainer convert --safetensors OUT.safetensors` takes: LAYER.weight and LAYER.bias, 32-bit floats, kernels as
[out, in, height, width]. Keras's .h5 and ONNX need no such step.

Needs numpy, and for .pth and .pt torch, for .t7 torchfile, for .mat scipy:
    python3 -m venv venv && venv/bin/pip install numpy scipy torchfile torch
    venv/bin/python scripts/convert-weights.py vgg_face.mat vgg_face.safetensors
"""

import json
import os
import pickle
import sys
from pathlib import Path

try:
    import numpy as np
except ImportError:
    np = None


def fail(message):
    sys.exit(f"convert-weights: {message}")


def from_torch(path):
    """A state dict, plain or under the key state_dict; nothing in the file is run."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        fail(f"{path} holds more than tensors, or is broken; expected a state dict")
    while isinstance(state, dict) and "state_dict" in state:
        state = state["state_dict"]
    if not isinstance(state, dict):
        fail(f"{path} holds {type(state).__name__}, expected a state dict")
    tensors = {name: value for name, value in state.items() if torch.is_tensor(value)}
    return {name.removeprefix("module."): value.float().numpy() for name, value in tensors.items()}


def from_torch7(path):
    """The modules of a Torch 7 net that have weights, in order, as 00, 01, ..."""
    import torchfile

    tensors, queue = {}, [torchfile.load(str(path))]
    while queue:
        module = queue.pop(0)
        inner = get(module, "modules")
        if inner is not None:
            queue = list(inner) + queue
            continue
        weight, bias = get(module, "weight"), get(module, "bias")
        if weight is None:
            continue
        kernel = [get(module, part) for part in ("nOutputPlane", "nInputPlane", "kH", "kW")]
        if None not in kernel:  # SpatialConvolutionMM keeps its kernel as a matrix.
            weight = np.reshape(weight, [int(size) for size in kernel])
        name = f"{sum(name.endswith('.weight') for name in tensors):02}"
        tensors[f"{name}.weight"] = weight
        if bias is not None:
            tensors[f"{name}.bias"] = bias
    return tensors


def get(module, name):
    """A field of a Torch 7 object, whose keys torchfile reads as bytes."""
    fields = getattr(module, "_obj", module)
    if not hasattr(fields, "get"):
        return None
    return fields.get(name.encode(), fields.get(name))


def from_matconvnet(path):
    """The layers of a MatConvNet net (simplenn), by their names; kernels are [height, width, in, out]."""
    from scipy.io import loadmat

    file = loadmat(path, struct_as_record=False, squeeze_me=False)
    net = file["net"][0, 0] if "net" in file else None
    layers = file.get("layers", getattr(net, "layers", None))
    if layers is None:
        fail(f"{path} has no layers, expected a MatConvNet net of the simplenn kind")
    tensors = {}
    for layer in (cell[0, 0] for cell in layers.ravel()):
        if hasattr(layer, "weights"):
            parts = list(layer.weights.ravel())
        elif hasattr(layer, "filters"):
            parts = [layer.filters, layer.biases]
        else:
            continue
        if not parts:
            continue
        name = str(layer.name.ravel()[0])
        kernel = np.asarray(parts[0])
        # MATLAB drops axes of length 1 at the end: one output is no axis.
        kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))
        tensors[f"{name}.weight"] = kernel.transpose(3, 2, 0, 1)
        if len(parts) > 1:
            tensors[f"{name}.bias"] = np.ravel(parts[1])
    return tensors


def write(tensors, path):
    """A safetensors file: the header's length, the header, the values. Whole or not at all."""
    about, offset = {}, 0
    for name, value in tensors.items():
        about[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    header = json.dumps(about).encode()
    header += b" " * (-len(header) % 8)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for value in tensors.values():
            file.write(value.tobytes())
    os.replace(part, path)


READERS = {".pth": from_torch, ".pt": from_torch, ".t7": from_torch7, ".mat": from_matconvnet}


def read(source):
    try:
        return READERS[source.suffix](source)
    except ImportError as error:
        fail(f"{error.name} is missing, expected it with: pip install {error.name}")
    except Exception as error:  # whatever a broken file makes the libraries raise
        first = next(iter(str(error).splitlines()), "")
        fail(f"{source} cannot be read as {source.suffix}: {type(error).__name__}: {first}")


def main(arguments):
    if len(arguments) != 2 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        sys.exit(0 if arguments[:1] in (["-h"], ["--help"]) else 2)
    if np is None:
        fail("numpy is missing, expected it with: pip install numpy")
    source, target = map(Path, arguments)
    if source.suffix not in READERS:
        fail(f"{source} ends in {source.suffix!r}, expected one of {', '.join(READERS)}")
    if not source.is_file():
        fail(f"{source}: expected a file, found none")
    tensors = read(source)
    if not tensors:
        fail(f"{source} holds no weights")
    tensors = {name: np.ascontiguousarray(value, dtype="<f4") for name, value in tensors.items()}
    write(tensors, target)
    for name, value in tensors.items():
        print(name, list(value.shape))


if __name__ == "__main__":
    main(sys.argv[1:])
