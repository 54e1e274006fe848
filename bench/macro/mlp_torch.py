#!/usr/bin/env python3
"""The reference of bench/micro/model.cpp: the same training step in PyTorch on one thread.

Prints one line a batch size. Needs Debian's python3-torch, and libopenblas0-pthread: without it
that package multiplies with the reference BLAS, five times slower.
"""

import time

import torch

WIDTHS = [784, 256, 128, 10]
SAMPLES = 4096
SECONDS = 3.0


def perceptron() -> torch.nn.Module:
    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def samples_per_second(batch: int) -> float:
    images, labels = torch.rand(SAMPLES, WIDTHS[0]), torch.randint(WIDTHS[-1], (SAMPLES,))
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    rows = torch.randperm(SAMPLES).split(batch)

    def step(i: int) -> None:
        chosen = rows[i % len(rows)]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()

    for i in range(50):
        step(i)
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        step(steps)
        steps += 1
    return steps * batch / (time.perf_counter() - start)


def main() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for batch in (32, 128):
        speed = samples_per_second(batch)
        print(f"torch {torch.__version__} mlp_step/batch/{batch}: {speed:.0f} samples/s")


if __name__ == "__main__":
    main()
