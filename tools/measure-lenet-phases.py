#!/usr/bin/env python3
"""Kernels of LeNet's convolutions on a GPU, by cuDNN's algorithm: the phases of each library call.

Runs the convolutions of tools/measure-lenet.py under PyTorch's profiler and writes, for each algorithm, the kernels that
one call starts with the mean time of each.

    measure-lenet-phases.py --output phases.csv

Writes layer, pass, algorithm, batch, phase, runs (of the kernel in a call), mean_us, kernel. Needs PyTorch with CUDA.
"""
import argparse
import ctypes
import importlib.util
import os
import re
import sys

import torch
from torch.profiler import ProfilerActivity, profile


def lenet():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure-lenet.py")
    source = open(path).read().rsplit("main()", 1)[0]
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lenet", loader=None))
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def phase(name, algorithm):
    name = name.lower()
    if any(word in name for word in ("fft2d_r2c", "forwarddata", "wgraddelta", "forwardfilter")):
        return "transform"
    if any(word in name for word in ("fft2d_c2r", "forwardoutput", "wgradoutput")):
        return "inverse"
    if "flip_filter" in name:
        return "flip"
    if "memset" in name or "scalepacked" in name:
        return "clear"
    return "product" if algorithm in ("fft", "fft_tiling", "winograd_nonfused") else "whole"


def kernels(run, calls=3):
    for _ in range(4):
        run()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        for _ in range(calls):
            run()
        torch.cuda.synchronize()
    found = {}
    for event in trace.events():
        if event.device_type.name == "CUDA":
            entry = found.setdefault(event.name, [0, 0.0])
            entry[0] += 1
            entry[1] += event.device_time_total
    return [(name, runs / calls, time / runs) for name, (runs, time) in found.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64, 1024])
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.zeros(1, device="cuda")
    base = lenet()
    cudnn = base.library()
    handle = ctypes.c_void_p()
    assert cudnn.cudnnCreate(ctypes.byref(handle)) == 0
    with open(arguments.output, "w") as file:
        file.write("layer,pass,algorithm,batch,phase,runs,mean_us,kernel\n")
        for batch in arguments.batches:
            for layer, inputs, size, outputs in [("conv1", 1, 28, 20), ("conv2", 20, 12, 50)]:
                convolution = base.Convolution(cudnn, handle, batch, inputs, size, outputs, 5)
                for direction, algorithms in [("forward", base.FORWARD), ("data", base.DATA), ("filter", base.FILTER)]:
                    for number, name in enumerate(algorithms):
                        made = convolution.runs(direction, number)
                        if not made:
                            continue
                        for kernel, runs, time in kernels(lambda: made[0](1)):
                            short = re.split(r"[<(]", kernel.replace("void ", ""))[0].split("::")[-1] or "kernel"
                            file.write(f"{layer},{direction},{name},{batch},{phase(kernel, name)},{runs:g},{time:.2f},"
                                       f"{short}\n")


if __name__ == "__main__":
    sys.exit(main())
