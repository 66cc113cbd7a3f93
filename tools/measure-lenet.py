#!/usr/bin/env python3
"""Times of LeNet's layers on a GPU, by cuDNN's convolution algorithms.

LeNet as in NVIDIA's mnistCUDNN sample, which GPGPU-Sim runs (arXiv 1811.08933): conv1 20 x 1 x 5 x 5 on 28 x 28,
pool, conv2 50 x 20 x 5 x 5, pool, ip1 500 x 800, ReLU, ip2 10 x 500, softmax. Each convolution is run forward, for its
data gradient and for its filter gradient with every algorithm of cuDNN's own enumeration that accepts it, through the
library's C interface; pooling and products through PyTorch. Kernel times are device times of CUDA-graph replays over
rotating buffers, median of `--samples`.

    measure-lenet.py --output lenet.csv

Writes layer, pass, algorithm, batch, workspace_bytes, median_us, min_us, max_us. Needs PyTorch with CUDA.
"""
import argparse
import ctypes
import glob
import os
import statistics

import torch

FORWARD = ["implicit_gemm", "implicit_precomp_gemm", "gemm", "direct", "fft", "fft_tiling", "winograd",
           "winograd_nonfused"]
DATA = ["algo_0", "algo_1", "fft", "fft_tiling", "winograd", "winograd_nonfused"]
FILTER = ["algo_0", "algo_1", "fft", "algo_3", "winograd", "winograd_nonfused", "fft_tiling"]


def library():
    import nvidia.cudnn
    folder = os.path.join(list(nvidia.cudnn.__path__)[0], "lib")
    return ctypes.CDLL(glob.glob(os.path.join(folder, "libcudnn.so.*"))[0], mode=ctypes.RTLD_GLOBAL)


class Convolution:
    """Descriptors of a convolution without padding, FP32, NCHW."""

    def __init__(self, cudnn, handle, batch, inputs, size, outputs, kernel):
        self.cudnn, self.handle = cudnn, handle
        made = []
        for create in ["cudnnCreateTensorDescriptor"] * 2 + ["cudnnCreateFilterDescriptor",
                                                             "cudnnCreateConvolutionDescriptor"]:
            pointer = ctypes.c_void_p()
            assert getattr(cudnn, create)(ctypes.byref(pointer)) == 0
            made.append(pointer)
        self.x, self.y, self.w, self.convolution = made
        out = size - kernel + 1
        assert cudnn.cudnnSetTensor4dDescriptor(self.x, 0, 0, batch, inputs, size, size) == 0
        assert cudnn.cudnnSetTensor4dDescriptor(self.y, 0, 0, batch, outputs, out, out) == 0
        assert cudnn.cudnnSetFilter4dDescriptor(self.w, 0, 0, outputs, inputs, kernel, kernel) == 0
        assert cudnn.cudnnSetConvolution2dDescriptor(self.convolution, 0, 0, 1, 1, 1, 1, 1, 0) == 0
        # 3: FMA only, no TF32, as on the GPUs of the paper.
        assert cudnn.cudnnSetConvolutionMathType(self.convolution, 3) == 0
        shape = lambda *s: [torch.randn(*s, device="cuda") for _ in range(4)]
        self.xs, self.ys = shape(batch, inputs, size, size), shape(batch, outputs, out, out)
        self.ws = shape(outputs, inputs, kernel, kernel)

    def runs(self, direction, algorithm):
        """A function that runs once on the i-th buffers, and the workspace in bytes; None if not accepted."""
        names = {"forward": "Forward", "data": "BackwardData", "filter": "BackwardFilter"}
        order = {"forward": (self.x, self.w, self.convolution, self.y),
                 "data": (self.w, self.y, self.convolution, self.x),
                 "filter": (self.x, self.y, self.convolution, self.w)}[direction]
        size = ctypes.c_size_t()
        query = getattr(self.cudnn, f"cudnnGetConvolution{names[direction]}WorkspaceSize")
        if query(self.handle, *order, algorithm, ctypes.byref(size)) != 0 or size.value > 8 << 30:
            return None
        space = torch.empty(max(1, size.value), dtype=torch.uint8, device="cuda")
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        call = getattr(self.cudnn, f"cudnnConvolution{names[direction]}")
        pointer = lambda tensor: ctypes.c_void_p(tensor.data_ptr())

        def run(i):
            x, y, w = (pointer(group[i % 4]) for group in (self.xs, self.ys, self.ws))
            workspace = (algorithm, pointer(space), ctypes.c_size_t(size.value))
            tail = {"forward": (self.x, x, self.w, w, self.convolution, *workspace, ctypes.byref(zero), self.y, y),
                    "data": (self.w, w, self.y, y, self.convolution, *workspace, ctypes.byref(zero), self.x, x),
                    "filter": (self.x, x, self.y, y, self.convolution, *workspace, ctypes.byref(zero), self.w, w),
                    }[direction]
            return call(self.handle, ctypes.byref(one), *tail)

        if run(0) != 0:
            return None
        torch.cuda.synchronize()
        return run, size.value


def timed(run, samples, attach=None, repeats=16):
    """Median, least and largest time of one run, in microseconds."""
    stream = torch.cuda.Stream()
    if attach:
        attach(stream)
    with torch.cuda.stream(stream):
        for i in range(4):
            run(i)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for i in range(repeats):
            run(i)
    times = []
    for sample in range(samples + 2):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        if sample >= 2:
            times.append(1e3 * begin.elapsed_time(end) / repeats)
    return statistics.median(times), min(times), max(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True)
    parser.add_argument("--samples", type=int, default=15)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64, 256, 1024])
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.zeros(1, device="cuda")
    cudnn = library()
    handle = ctypes.c_void_p()
    assert cudnn.cudnnCreate(ctypes.byref(handle)) == 0
    attach = lambda stream: cudnn.cudnnSetStream(handle, ctypes.c_void_p(stream.cuda_stream))
    rows = []

    def add(layer, direction, algorithm, batch, workspace, times):
        rows.append((layer, direction, algorithm, batch, workspace, *(f"{t:.3f}" for t in times)))
        print(*rows[-1], flush=True)

    for batch in arguments.batches:
        for layer, inputs, size, outputs in [("conv1", 1, 28, 20), ("conv2", 20, 12, 50)]:
            convolution = Convolution(cudnn, handle, batch, inputs, size, outputs, 5)
            for direction, algorithms in [("forward", FORWARD), ("data", DATA), ("filter", FILTER)]:
                for number, name in enumerate(algorithms):
                    try:
                        made = convolution.runs(direction, number)
                        if made:
                            add(layer, direction, name, batch, made[1], timed(made[0], arguments.samples, attach))
                    except Exception as error:
                        print(layer, direction, name, batch, "failed:", error, flush=True)
        rand = lambda *shape: [torch.randn(*shape, device="cuda") for _ in range(4)]
        for layer, channels, size in [("pool1", 20, 24), ("pool2", 50, 8)]:
            x = rand(batch, channels, size, size)
            add(layer, "forward", "max_pool", batch, 0,
                timed(lambda i: torch.nn.functional.max_pool2d(x[i % 4], 2), arguments.samples))
        for layer, inputs, outputs in [("ip1", 800, 500), ("ip2", 500, 10)]:
            x, w, y = rand(batch, inputs), rand(outputs, inputs), rand(batch, outputs)
            add(layer, "forward", "gemm", batch, 0, timed(lambda i: x[i % 4] @ w[i % 4].T, arguments.samples))
            add(layer, "data", "gemm", batch, 0, timed(lambda i: y[i % 4] @ w[i % 4], arguments.samples))
            add(layer, "filter", "gemm", batch, 0, timed(lambda i: y[i % 4].T @ x[i % 4], arguments.samples))
        h = rand(batch, 500)
        add("relu", "forward", "relu", batch, 0, timed(lambda i: torch.relu(h[i % 4]), arguments.samples))
        s = rand(batch, 10)
        add("softmax", "forward", "softmax", batch, 0, timed(lambda i: torch.softmax(s[i % 4], 1), arguments.samples))
    with open(arguments.output, "w") as file:
        file.write("layer,pass,algorithm,batch,workspace_bytes,median_us,min_us,max_us\n")
        for row in rows:
            file.write(",".join(str(field) for field in row) + "\n")


main()
