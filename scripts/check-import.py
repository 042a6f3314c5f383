"""What scripts/check-import.sh runs: `make FOLDER` writes Keras's files, `compare FOLDER KIND` computes them.

The net is the seed's: ZeroPadding2D and Conv2D 3×3 without padding, max pools, then Conv2D 7×7 to 4096,
1×1 to 4096, 1×1 to the classes, Flatten, softmax. All arrays are [height, width, channels].
"""

import json
import sys
from pathlib import Path

import h5py
import numpy as np

BLOCKS = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
CLASSES = {"age": 101, "gender": 2}
LOGITS_MAX = PROBABILITIES_MAX = 1e-4


def shapes(classes):
    inputs = 3
    for outputs in (outputs for block in BLOCKS for outputs in block):
        yield 3, 3, inputs, outputs
        inputs = outputs
    yield from [(7, 7, 512, 4096), (1, 1, 4096, 4096), (1, 1, 4096, classes)]


def layer(rng, shape):
    """He's spread, so that values neither grow nor vanish on their way."""
    fan_in = np.prod(shape[:3])
    kernel = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / fan_in))
    return kernel, rng.standard_normal(shape[3], np.float32) * np.float32(0.05)


def write(path, layers):
    with h5py.File(path, "w") as file:
        names = []
        for at, (kernel, bias) in enumerate(layers, 1):
            name = f"conv2d_{at}"
            for padding in [f"zero_padding2d_{at}"] if kernel.shape[0] == 3 else []:
                names.append(padding.encode())
                file.create_group(padding).attrs["weight_names"] = []
            names.append(name.encode())
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/{part}:0".encode() for part in ("kernel", "bias")])
            group.create_dataset(f"{name}/kernel:0", data=kernel)
            group.create_dataset(f"{name}/bias:0", data=bias)
        names.append(b"flatten_1")
        file.create_group("flatten_1").attrs["weight_names"] = []
        file.attrs["layer_names"] = np.array(names)
        file.attrs["backend"] = b"tensorflow"


def make(folder):
    rng = np.random.default_rng(0)
    trunk = [layer(rng, shape) for shape in list(shapes(1))[:13]]
    for task, classes in CLASSES.items():
        head = [layer(rng, shape) for shape in list(shapes(classes))[13:]]
        if task == "age":
            write(folder / "age.h5", trunk + head)
            continue
        write(folder / "gender-shared.h5", trunk + head)
        other = [layer(rng, kernel.shape) for kernel, _ in trunk]
        write(folder / "gender-apart.h5", other + head)


def read(path):
    with h5py.File(path) as file:
        groups = [file[name] for name in file.attrs["layer_names"]]
        return [
            tuple(group[name][()] for name in group.attrs["weight_names"])
            for group in groups
            if len(group.attrs["weight_names"])
        ]


def conv(x, kernel, bias):
    """Without padding: one product of matrices for each place in the kernel."""
    rows, columns, inputs, outputs = kernel.shape
    height, width = x.shape[0] - rows + 1, x.shape[1] - columns + 1
    y = np.tile(bias, (height * width, 1))
    for row in range(rows):
        for column in range(columns):
            window = x[row : row + height, column : column + width].reshape(-1, inputs)
            y += window @ kernel[row, column]
    return y.reshape(height, width, outputs)


def logits(layers, crop):
    x, layers = crop.astype(np.float32) / np.float32(255), iter(layers)
    for block in BLOCKS:
        for _ in block:
            x = np.maximum(conv(np.pad(x, ((1, 1), (1, 1), (0, 0))), *next(layers)), 0)
        height, width, channels = x.shape
        x = x.reshape(height // 2, 2, width // 2, 2, channels).max((1, 3))
    for last in (False, False, True):
        x = conv(x, *next(layers))
        x = x if last else np.maximum(x, 0)
    return x.ravel()


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def goldens(path):
    """Tensors of a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    about, data = json.loads(data[8 : 8 + length]), data[8 + length :]
    types = {"U8": np.uint8, "F32": np.float32}
    tensors = {}
    for name, entry in about.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(data[start:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def compare(folder, kind):
    ours = goldens(folder / f"{kind}-f32" / "golden.safetensors")
    failed = False
    for task in CLASSES:
        layers = read(folder / ("age.h5" if task == "age" else f"gender-{kind}.h5"))
        theirs = np.array([logits(layers, crop) for crop in ours["crops"]])
        far = np.abs(theirs - ours[task]).max()
        pairs = zip(theirs, ours[task])
        probable = max(np.abs(softmax(a) - softmax(b)).max() for a, b in pairs)
        failed |= not (far <= LOGITS_MAX and probable <= PROBABILITIES_MAX)
        print(
            f"{kind} {task}: {len(theirs)} faces, logits {theirs.min():.3f} to {theirs.max():.3f}, "
            f"at most {far:.1e} apart, probabilities {probable:.1e}"
        )
    sys.exit("check-import: further apart than allowed" if failed else 0)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        compare(Path(sys.argv[2]), sys.argv[3])
