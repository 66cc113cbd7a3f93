#!/usr/bin/env python3
"""Trains two recurrent networks on a GPU (or a CPU) and logs every iteration, for `rooftree seqpoint`.

  tools/measure-recurrent.py --output FOLDER [--iterations 2000] [--device cuda]

speech.csv: like DeepSpeech2 but smaller, two convolutions, three bidirectional GRU layers, a connectionist temporal
classification loss.
translation.csv: like GNMT, LSTM encoder and decoder with attention and a softmax over the vocabulary. One row an iteration:
iteration, sequence_length (frames, or source tokens), time_s. An iteration is forward, backward and update of one batch whose
sequences are padded to the longest; time_s is wall time between two synchronised points. Data are random: times of these
networks do not depend on them. Lengths are drawn, seeded, from distributions like those of LibriSpeech's training set (1 to
17 s at 50 frames a second, most of them 12 to 16 s) and of IWSLT15's (1 to 100 tokens, most about 20), in batches of sequences
of like length; speech lengths are rounded up to whole 4 frames. The first 30 iterations, in which libraries load, are not logged.
"""
import argparse, os, random, time

import torch
from torch import nn


class Speech(nn.Module):
    def __init__(self, features=160, hidden=800, layers=3, symbols=29):
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv2d(1, 32, (41, 11), (2, 2), (20, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20),
            nn.Conv2d(32, 32, (21, 11), (2, 2), (10, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20))
        self.recurrent = nn.GRU(32 * features // 4, hidden, layers, bidirectional=True)
        self.head = nn.Linear(2 * hidden, symbols)

    def forward(self, spectrogram):  # batch, features, frames
        x = self.front(spectrogram.unsqueeze(1))
        x = x.flatten(1, 2).permute(2, 0, 1).contiguous()
        return self.head(self.recurrent(x)[0]).log_softmax(-1)

    def loss(self, batch, length, device):
        scores = self(torch.randn(batch, 160, length, device=device))
        symbols = max(1, min(scores.shape[0] // 2, length // 8))
        targets = torch.randint(1, 29, (batch, symbols), device=device)
        frames = torch.full((batch,), scores.shape[0], dtype=torch.long)
        return nn.functional.ctc_loss(scores, targets, frames, torch.full((batch,), symbols, dtype=torch.long))


class Translation(nn.Module):
    def __init__(self, vocabulary=32000, hidden=1024, layers=4):
        super().__init__()
        self.source, self.target = nn.Embedding(vocabulary, hidden), nn.Embedding(vocabulary, hidden)
        self.first = nn.LSTM(hidden, hidden // 2, bidirectional=True)
        self.encoder = nn.LSTM(hidden, hidden, layers - 1)
        self.decoder = nn.LSTM(hidden, hidden, layers)
        self.query = nn.Linear(hidden, hidden)
        self.head = nn.Linear(2 * hidden, vocabulary)

    def loss(self, batch, length, device):
        source = torch.randint(32000, (length, batch), device=device)
        target = torch.randint(32000, (length + 1, batch), device=device)
        keys = self.encoder(self.first(self.source(source))[0])[0]
        states = self.decoder(self.target(target[:-1]))[0]
        scores = torch.einsum("tbh,sbh->bts", self.query(states), keys).softmax(-1)
        context = torch.einsum("bts,sbh->tbh", scores, keys)
        logits = self.head(torch.cat([states, context], -1))
        return nn.functional.cross_entropy(logits.flatten(0, 1), target[1:].flatten())


def lengths(kind, count, batch, seed):
    """The padded length of each iteration: batches of like length, in random order, until there are enough."""
    chance = random.Random(seed)
    def one():
        if kind == "speech":  # most sentences are long, cut at about 16 s
            seconds = min(17, max(1, chance.gauss(14, 1.6) if chance.random() < 0.7 else chance.uniform(1.5, 14)))
            return -(-int(50 * seconds) // 4) * 4
        return max(1, min(100, round(chance.lognormvariate(2.9, 0.6))))
    pool = sorted(one() for _ in range(count * batch))
    result = [max(pool[i:i + batch]) for i in range(0, len(pool), batch)]
    chance.shuffle(result)
    return result


def train(network, kind, iterations, batch, device, path, limit):
    torch.manual_seed(1)
    network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    sizes = lengths(kind, iterations, batch, seed=2007)
    start = time.time()
    with open(path, "w") as file:
        file.write("iteration,sequence_length,time_s\n")
        for index, size in enumerate(sizes[:30] + sizes):
            wait()
            begin = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            network.loss(batch, size, device).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 100)
            optimizer.step()
            wait()
            if index >= 30:
                file.write(f"{index - 29},{size},{time.perf_counter() - begin:.7f}\n")
            if time.time() - start > limit:
                break
    print(f"{kind}: {index - 29} iterations, {len(set(sizes))} lengths, {time.time() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, metavar="FOLDER")
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--hidden", type=int, metavar="N", help="width of the networks (default: 800 and 1024)")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--limit", type=float, default=1e9, metavar="SECONDS", help="stop each network after so long")
    options = parser.parse_args()
    os.makedirs(options.output, exist_ok=True)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    train(Translation(hidden=options.hidden or 1024), "translation", options.iterations, options.batch, options.device,
          f"{options.output}/translation.csv", options.limit)
    train(Speech(hidden=options.hidden or 800), "speech", options.iterations, options.batch, options.device,
          f"{options.output}/speech.csv", options.limit)


if __name__ == "__main__":
    main()
