"""faceres of human-models 3.0.4 (Apache-2.0): MobileNet-V1 with heads for age and gender.

Fed as its authors trained it (HSE_FaceRec_tf): BGR less ImageNet's mean, at 224 px; gender above 0.5 is male. The
program Human feeds RGB and takes the likeliest age: on 300 faces of FairFace's val part that was worse (age bin
0.45 against 0.49), so what is compared is the better way. The width of the square was chosen there too.
"""

import numpy as np

import align
import tfjs

SIDE_PX = 224
# The square's side as a multiple of the box's longer side.
WIDTH = 1.2
# Of ImageNet, BGR.
MEAN = np.array([103.939, 116.779, 123.68], np.float32)


class Faceres:
    name = "faceres"
    licence = "Apache-2.0"

    def __init__(self, folder):
        about = tfjs.read_json(folder / "package/models/faceres.json")
        tensors = tfjs.read_weights(about["weightsManifest"], folder / "package/models")
        self.session = build(about["modelTopology"]["node"], tensors)

    def answer(self, faces):
        """Ages in years and probabilities of *female* of some faces: pictures with boxes."""
        chips = np.stack([align.cut_around(face, WIDTH, SIDE_PX) for face in faces])[..., ::-1] - MEAN
        chips = np.ascontiguousarray(chips.transpose(0, 3, 1, 2))
        probs, male = self.session.run(None, {"input": chips})
        return probs @ np.arange(probs.shape[1], dtype=np.float32), 1 - male[:, 0]


def build(nodes, tensors):
    """The graph's nodes, one by one: they come in an order that can be run."""
    graph = tfjs.Graph(SIDE_PX)
    values = {"input_1": "input"}
    for node in nodes:
        if node["op"] not in ("Const", "Placeholder"):
            values[node["name"]] = step(graph, node, [values.get(n, tensors.get(n)) for n in node["input"]])
    return graph.session([values["age_pred/Softmax"], values["gender_pred/Sigmoid"]])


def step(graph, node, inputs):
    kind, x = node["op"], inputs[0]
    stride = int(node["attr"].get("strides", {"list": {"i": [1, 1]}})["list"]["i"][1])
    match kind:
        case "Conv2D":
            return graph.conv(x, inputs[1], stride)
        case "DepthwiseConv2dNative":
            return graph.depthwise(x, inputs[1], stride)
        case "Add" | "Mul":
            return graph.by_channel(kind, x, inputs[1])
        case "Minimum":
            # Of what a Relu made; as one Clip, onnxruntime takes both into the convolution before.
            return graph.add("Clip", x, graph.constant(0), graph.constant(inputs[1].item()))
        case "Maximum":
            # With 0, of what was clipped already.
            return x
        case "Relu" | "Sigmoid" | "Softmax":
            return graph.add(kind, x)
        case "Mean":
            return graph.add("Flatten", graph.add("GlobalAveragePool", x))
        case "_FusedMatMul":
            y = graph.linear(x, inputs[1], inputs[2])
            return graph.add("Relu", y) if len(node["attr"]["fused_ops"]["list"]["s"]) > 1 else y
    raise ValueError(f"{node['name']} is a {kind}, which no faceres has")
