#!/usr/bin/env python3
"""Measures the layers of LeNet on a GPU, its convolutions by cuDNN's algorithms, and writes one table.

  tools/measure-lenet.py --output FILE.csv

LeNet for MNIST as the cuDNN example has it: conv 20 of 5x5, pool, conv 50 of 5x5, pool, 500 and 10 outputs. Each row is one
layer, one pass (forward, backward_data, backward_weight), one batch and one algorithm; `algorithm` is cuDNN's name for
convolutions and `library` elsewhere. Also 3x3 convolutions of the same sizes, which Winograd needs. FP32 without TF32. Times are
of CUDA-graph replays, median of 21 after three; workspace_bytes is what the algorithm asked for. Convolutions go through
libcudnn's C interface, because PyTorch does not let one choose; an algorithm that cuDNN refuses for a shape has no row.
"""
import argparse, ctypes, glob, os, statistics

import torch
import torch.nn.functional as F

FORWARD = ["implicit_gemm", "implicit_precomp_gemm", "gemm", "direct", "fft", "fft_tiling", "winograd", "winograd_nonfused"]
DATA = ["atomic", "deterministic", "fft", "fft_tiling", "winograd", "winograd_nonfused"]
WEIGHT = ["atomic", "deterministic", "fft", "atomic_tiles", "winograd", "winograd_nonfused", "fft_tiling"]


def timed(call):
    """Median and minimum microseconds of a call in a graph of 20."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    inner = 20
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        for _ in range(inner):
            call()
    times = []
    for index in range(24):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        if index >= 3:
            times.append(1e3 * start.elapsed_time(end) / inner)
    return statistics.median(times), min(times)


class CuDNN:
    """The few functions of libcudnn's C interface that run a convolution by a named algorithm."""

    def __init__(self):
        names = []
        try:
            import nvidia.cudnn
            names = glob.glob(os.path.join(list(nvidia.cudnn.__path__)[0], "lib", "libcudnn.so.*"))
        except ImportError:
            pass
        for name in names + ["libcudnn.so.9", "libcudnn.so.8", "libcudnn.so"]:
            try:
                self.library = ctypes.CDLL(name)
                break
            except OSError:
                continue
        else:
            raise RuntimeError("no libcudnn found")
        self.handle = ctypes.c_void_p()
        self.check(self.library.cudnnCreate(ctypes.byref(self.handle)))
        self.library.cudnnGetVersion.restype = ctypes.c_size_t

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"cuDNN status {status}")

    def descriptor(self, kind, shape):
        item = ctypes.c_void_p()
        self.check(getattr(self.library, f"cudnnCreate{kind}Descriptor")(ctypes.byref(item)))
        # Layout NCHW and type float are both 0, in whatever order.
        self.check(getattr(self.library, f"cudnnSet{kind}4dDescriptor")(item, 0, 0, *shape))
        return item

    def convolution(self, what, algorithm, x, w, y, padding):
        """A call that computes `what` with an algorithm, and its workspace; raises where cuDNN refuses."""
        lib = self.library
        dx, dw, dy = self.descriptor("Tensor", x.shape), self.descriptor("Filter", w.shape), self.descriptor("Tensor", y.shape)
        conv = ctypes.c_void_p()
        self.check(lib.cudnnCreateConvolutionDescriptor(ctypes.byref(conv)))
        self.check(lib.cudnnSetConvolution2dDescriptor(conv, padding, padding, 1, 1, 1, 1, 1, 0))  # cross-correlation, float
        self.check(lib.cudnnSetConvolutionMathType(conv, 3))  # CUDNN_FMA_MATH: no tensor cores
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        p = lambda t: ctypes.c_void_p(t.data_ptr())
        parts = {"forward": ("Forward", (dx, dw, conv, dy), (dx, p(x), dw, p(w)), (dy, p(y))),
                 "backward_data": ("BackwardData", (dw, dy, conv, dx), (dw, p(w), dy, p(y)), (dx, p(x))),
                 "backward_weight": ("BackwardFilter", (dx, dy, conv, dw), (dx, p(x), dy, p(y)), (dw, p(w)))}[what]
        name, shapes, inputs, output = parts
        size = ctypes.c_size_t()
        self.check(getattr(lib, f"cudnnGetConvolution{name}WorkspaceSize")(self.handle, *shapes, algorithm, ctypes.byref(size)))
        if size.value > 8 << 30:
            raise RuntimeError("workspace")
        space = torch.empty(max(size.value, 1), dtype=torch.uint8, device="cuda")
        run = getattr(lib, f"cudnnConvolution{name}")

        def call():
            self.check(lib.cudnnSetStream(self.handle, ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)))
            self.check(run(self.handle, ctypes.byref(one), *inputs, conv, algorithm, p(space),
                           ctypes.c_size_t(size.value), ctypes.byref(zero), *output))
        call.keep = (space, x, w, y)
        return call, size.value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--batches", default="1,16,64,256,1024", metavar="N,N")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.cuda.set_stream(torch.cuda.Stream())  # the default stream cannot be captured
    cudnn = CuDNN()
    print(torch.cuda.get_device_name(), "cuDNN", cudnn.library.cudnnGetVersion(), "PyTorch", torch.__version__)
    file = open(options.output, "w")
    print("layer,pass,batch,algorithm,params,median_us,min_us,flops,bytes,workspace_bytes", file=file, flush=True)

    def add(layer, what, batch, algorithm, params, call, flops, moved, workspace=0):
        median, least = timed(call)
        print(f"{layer},{what},{batch},{algorithm},{params},{median:.4f},{least:.4f},{flops},{moved},{workspace}",
              file=file, flush=True)

    for batch in map(int, options.batches.split(",")):
        for layer, c, k, size, r, pad in [("conv1", 1, 20, 28, 5, 0), ("conv2", 20, 50, 12, 5, 0),
                                          ("conv1_3x3", 1, 20, 28, 3, 1), ("conv2_3x3", 20, 50, 12, 3, 1)]:
            out = size + 2 * pad - r + 1
            x = torch.randn(batch, c, size, size, device="cuda")
            w = torch.randn(k, c, r, r, device="cuda")
            y = F.conv2d(x, w, padding=pad)
            reference = {"forward": y.clone(),
                         "backward_data": torch.nn.grad.conv2d_input(x.shape, w, y, padding=pad),
                         "backward_weight": torch.nn.grad.conv2d_weight(x, w.shape, y, padding=pad)}
            flops, moved = 2 * batch * k * out * out * c * r * r, 4 * (x.numel() + w.numel() + y.numel())
            params = f"c={c};k={k};size={size};r={r};pad={pad}"
            for what, names in [("forward", FORWARD), ("backward_data", DATA), ("backward_weight", WEIGHT)]:
                for number, algorithm in enumerate(names):
                    tensors = {"x": x.clone(), "w": w.clone(), "y": reference["forward"].clone()}
                    target = {"forward": "y", "backward_data": "x", "backward_weight": "w"}[what]
                    tensors[target].fill_(float("nan"))
                    try:
                        call, workspace = cudnn.convolution(what, number, tensors["x"], tensors["w"], tensors["y"], pad)
                        call()
                        torch.cuda.synchronize()
                        want = reference[what]
                        error = ((tensors[target] - want).norm() / want.norm()).item()
                        if not error < 1e-3:
                            print(f"{layer} {what} {algorithm} batch {batch}: wrong by {error:.1e}, no row")
                            continue
                        add(layer, what, batch, algorithm, params, call, flops, moved, workspace)
                    except RuntimeError as refusal:
                        torch.cuda.synchronize()
                        if "cuDNN status" not in str(refusal):
                            print(f"{layer} {what} {algorithm} batch {batch}: {str(refusal).splitlines()[0]}")
        for layer, channels, size in [("pool1", 20, 24), ("pool2", 50, 8)]:
            x = torch.randn(batch, channels, size, size, device="cuda")
            y, where = F.max_pool2d(x, 2, return_indices=True)
            g = torch.randn_like(y)
            params = f"c={channels};size={size}"
            add(layer, "forward", batch, "library", params, lambda: F.max_pool2d(x, 2), 4 * y.numel(), 5 * x.numel())
            add(layer, "backward_data", batch, "library", params,
                lambda: torch.ops.aten.max_pool2d_with_indices_backward(
                    g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, where), y.numel(), 5 * x.numel() + 8 * y.numel())
        for layer, inputs, outputs in [("fc1", 800, 500), ("fc2", 500, 10)]:
            x, w = torch.randn(batch, inputs, device="cuda"), torch.randn(outputs, inputs, device="cuda")
            b, g = torch.randn(outputs, device="cuda"), torch.randn(batch, outputs, device="cuda")
            flops, moved = 2 * batch * inputs * outputs, 4 * (x.numel() + w.numel() + g.numel())
            params = f"m={batch};n={outputs};k={inputs}"
            add(layer, "forward", batch, "library", params, lambda: F.linear(x, w, b), flops, moved)
            add(layer, "backward_data", batch, "library", params, lambda: g @ w, flops, moved)
            add(layer, "backward_weight", batch, "library", params, lambda: g.t() @ x, flops, moved)
        x = torch.randn(batch, 500, device="cuda")
        add("relu", "forward", batch, "library", "n=500", lambda: torch.relu(x), x.numel(), 8 * x.numel())
        s = torch.randn(batch, 10, device="cuda")
        add("softmax", "forward", batch, "library", "n=10", lambda: torch.softmax(s, 1), 5 * s.numel(), 8 * s.numel())


if __name__ == "__main__":
    main()
