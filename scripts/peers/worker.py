"""Runs one network in one engine on request, as models/examples/bench_worker.rs does for ours.

Usage: worker.py ENGINE NETWORK THREADS INPUT

Says what loading cost in one line of JSON; then each line on standard input is a number of runs, answered
by one line with what they took. The engines compute on as many threads as asked and do not spin while they
wait, so that processor time counts work alone.
"""

import os

# Read by the engines when they are loaded.
os.environ |= {
    "OMP_WAIT_POLICY": "passive",
    "KMP_BLOCKTIME": "0",
    "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN": "0",
    "OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER": "0",
}

import importlib
import json
import sys
import time

import numpy as np

MODULES = {"onnxruntime": "onnxruntime", "ncnn": "ncnn", "openvino": "openvino", "opencv": "cv2"}


def onnxruntime(module, path, threads):
    options = module.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = module.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["age", "gender"], {"input": x})


def ncnn(module, path, threads):
    net = module.Net()
    net.opt.num_threads = threads
    net.opt.openmp_blocktime = 0
    net.opt.use_vulkan_compute = False
    # f32 throughout, as the others: halves would be another net.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(f"{path}.param") or net.load_model(f"{path}.bin"):
        raise OSError(f"ncnn does not read {path}.param and .bin")

    def run(x):
        extractor = net.create_extractor()
        extractor.input("input", module.Mat(x[0]))
        return [np.array(extractor.extract(name)[1]) for name in ("age", "gender")]

    return run


def openvino(module, path, threads):
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "ENABLE_HYPER_THREADING": True,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    core = module.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    check_bytes(compiled, path)
    request = compiled.create_infer_request()

    def run(x):
        found = request.infer({0: x})
        return [found["age"], found["gender"]]

    return run


def check_bytes(compiled, path):
    """Refuses an int8 network of which OpenVINO would compute a QLinearConv in f32.

    It does so with the few logits' ConvInteger, which costs it nothing.
    """
    if not os.path.basename(path).startswith("int8"):
        return
    for operator in compiled.get_runtime_model().get_ops():
        info, name = operator.get_rt_info(), operator.get_friendly_name()
        if info["layerType"].astype(str) == "Convolution" and not name.endswith(".products"):
            kernel = info["primitiveType"].astype(str)
            if not kernel.lower().endswith("i8"):
                sys.exit(f"OpenVINO computes {name} of {path} by {kernel}, expected one for bytes")


def opencv(module, path, threads):
    module.setNumThreads(threads)
    net = module.dnn.readNetFromONNX(path)

    def run(x):
        net.setInput(x)
        return net.forward(["age", "gender"])

    return run


def clocks():
    return np.array([time.perf_counter(), time.process_time()]) * 1e3


def memory_kib():
    """Resident memory: now and at its peak."""
    fields = dict(line.split(":") for line in open("/proc/self/status", encoding="ascii"))
    return [int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM")]


def main(engine, path, threads, input_path):
    module = importlib.import_module(MODULES[engine])
    side = round((os.path.getsize(input_path) / 12) ** 0.5)
    x = np.fromfile(input_path, "<f4").reshape(1, 3, side, side)
    before, begun = memory_kib(), clocks()
    run = globals()[engine](module, path, int(threads))
    loaded, memory_loaded = clocks(), memory_kib()
    outputs = run(x)
    answered = clocks()
    ready = {
        "version": module.__version__.split("-")[0],
        "load": list(loaded - begun),
        "load_to_answer": list(answered - begun),
        "before": before,
        "loaded": memory_loaded,
        "answered": memory_kib(),
        "outputs": [np.ravel(output).astype(float).tolist() for output in outputs],
    }
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        runs = []
        for _ in range(int(line)):
            begun = clocks()
            run(x)
            runs.append(list(clocks() - begun))
        print(json.dumps({"runs": runs, "memory": memory_kib()}), flush=True)


main(*sys.argv[1:])
