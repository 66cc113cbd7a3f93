#!/usr/bin/env python3
"""Logs of real training runs of recurrent networks, for `rooftree seqpoint`.

Two networks on generated data whose lengths are distributed like those of the data sets of SeqPoint (arXiv
2007.10459): a speech network like DeepSpeech2 (convolutions, bidirectional GRUs, CTC; lengths of LibriSpeech) and a
translation network like GNMT (LSTM encoder and decoder with attention, softmax over words; lengths of IWSLT15). Every
iteration is a whole one: forward, loss, backward, optimizer, with the host's launches; its time is that of the wall
clock between two synchronisations. Only the numbers in the samples are made up, no time is.

    measure-recurrent.py --network speech --precision tf32 --iterations 1500 --output speech-tf32.csv

Writes iteration, sequence_length, time_ms. Needs PyTorch; runs on a GPU where there is one, or with --device cpu.
"""
import argparse
import math
import random
import time

import torch
from torch import nn

BATCH = 64


class Speech(nn.Module):
    """DeepSpeech2's parts: two convolutions over time and frequency, bidirectional GRUs, CTC over characters."""

    bucket, shortest, longest = 16, 128, 1680  # frames of 20 ms: 2.6 s to 33.6 s

    def __init__(self, width):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 32, (41, 11), stride=(2, 2), padding=(20, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20),
            nn.Conv2d(32, 32, (21, 11), stride=(2, 1), padding=(10, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20))
        self.recurrent = nn.GRU(32 * 41, width, num_layers=5, bidirectional=True)
        self.head = nn.Linear(2 * width, 29)
        self.loss = nn.CTCLoss(zero_infinity=True)

    @staticmethod
    def length(generator):
        # LibriSpeech: most utterances of 12 to 16 s, a tail of short ones.
        seconds = generator.triangular(2.6, 16.5, 15.0) if generator.random() < 0.97 else generator.uniform(16.5, 33)
        return seconds / 0.020

    def step(self, length, device):
        spectrogram = torch.randn(BATCH, 1, 161, length, device=device)
        features = self.convolutions(spectrogram)
        steps = features.shape[3]
        output, _ = self.recurrent(features.permute(3, 0, 1, 2).reshape(steps, BATCH, -1))
        logits = self.head(output).float().log_softmax(-1)
        characters = max(1, steps // 8)
        targets = torch.randint(1, 29, (BATCH, characters), device=device)
        return self.loss(
            logits, targets, torch.full((BATCH,), steps, dtype=torch.long),
            torch.full((BATCH,), characters, dtype=torch.long))


class Translation(nn.Module):
    """GNMT's parts: LSTM encoder and decoder of four layers, attention over the source, softmax over 32,000 words."""

    bucket, shortest, longest = 1, 4, 120  # words

    def __init__(self, width):
        super().__init__()
        self.words = nn.Embedding(32000, width)
        self.first = nn.LSTM(width, width // 2, bidirectional=True)
        self.encoder = nn.LSTM(width, width, num_layers=3)
        self.decoder = nn.LSTM(width, width, num_layers=4)
        self.query = nn.Linear(width, width)
        self.head = nn.Linear(2 * width, 32000)
        self.loss = nn.CrossEntropyLoss()

    @staticmethod
    def length(generator):
        return generator.lognormvariate(math.log(20), 0.6)

    def step(self, length, device):
        source = torch.randint(0, 32000, (length, BATCH), device=device)
        target = torch.randint(0, 32000, (length, BATCH), device=device)
        encoded, _ = self.encoder(self.first(self.words(source))[0])
        decoded, _ = self.decoder(self.words(target))
        weights = torch.softmax(
            torch.einsum("tbw,sbw->bts", self.query(decoded), encoded) / encoded.shape[2] ** 0.5, -1)
        context = torch.einsum("bts,sbw->tbw", weights, encoded)
        logits = self.head(torch.cat([decoded, context], -1)).float()
        return self.loss(logits.reshape(-1, 32000), target.reshape(-1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["speech", "translation"], required=True)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="tf32")
    parser.add_argument("--width", type=int, help="hidden units; default 800 (speech), 1024 (translation)")
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = arguments.precision != "fp32"
    torch.backends.cudnn.allow_tf32 = arguments.precision != "fp32"
    torch.manual_seed(arguments.seed)
    kind = Speech if arguments.network == "speech" else Translation
    device = torch.device(arguments.device)
    network = kind(arguments.width or (800 if kind is Speech else 1024)).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    generator = random.Random(arguments.seed)

    def settle():
        if device.type == "cuda":
            torch.cuda.synchronize()

    def iterate(length):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=arguments.precision == "bf16"):
            loss = network.step(length, device)
        loss.backward()
        optimizer.step()
        settle()

    rows = []
    for iteration in range(arguments.iterations):
        length = min(kind.longest, max(kind.shortest, kind.length(generator)))
        length = math.ceil(length / kind.bucket) * kind.bucket
        start = time.perf_counter()
        iterate(length)
        rows.append((iteration, length, 1e3 * (time.perf_counter() - start)))
    with open(arguments.output, "w") as file:
        file.write("iteration,sequence_length,time_ms\n")
        for iteration, length, milliseconds in rows:
            file.write(f"{iteration},{length},{milliseconds:.4f}\n")
    total = sum(row[2] for row in rows)
    print(f"{arguments.output}: {len(rows)} iterations, {len({row[1] for row in rows})} lengths, {total / 1e3:.1f} s")


main()
