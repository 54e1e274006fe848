#!/usr/bin/env python3
"""Writes tests/golden/mlp.json: loss and gradient of a small perceptron, worked out in float64 by
NumPy alone, for tests/unit/model/classifier_task_test.cpp. Run from the repository root.

The inputs are closed formulas, so that C++ makes the same ones without reading them.
"""

import json

import numpy as np

WIDTHS = [5, 4, 3]
BATCH = 6


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x: B x 5; labels: B; parameters: P, all of them wave-like so that ReLU cuts some."""
    x = np.sin(0.7 * np.arange(BATCH * WIDTHS[0])).reshape(BATCH, WIDTHS[0])
    labels = np.arange(BATCH) % WIDTHS[-1]
    count = sum(i * o + o for i, o in zip(WIDTHS, WIDTHS[1:]))
    return x, labels, 0.5 * np.cos(1.3 * np.arange(count))


def split(parameters: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    layers, at = [], 0
    for i, o in zip(WIDTHS, WIDTHS[1:]):
        weight = parameters[at : at + i * o].reshape(o, i)
        layers.append((weight, parameters[at + i * o : at + i * o + o]))
        at += i * o + o
    return layers


def loss_and_gradient(x: np.ndarray, labels: np.ndarray, parameters: np.ndarray):
    (w0, b0), (w1, b1) = split(parameters)
    h = np.maximum(x @ w0.T + b0, 0)
    z = h @ w1.T + b1
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(BATCH)
    loss = -np.log(p[rows, labels]).mean()
    d_z = p.copy()
    d_z[rows, labels] -= 1
    d_z /= BATCH
    d_h = (d_z @ w1) * (h > 0)
    parts = [d_h.T @ x, d_h.sum(axis=0), d_z.T @ h, d_z.sum(axis=0)]
    return loss, np.concatenate([part.ravel() for part in parts])


def main() -> None:
    loss, gradient = loss_and_gradient(*inputs())
    with open("tests/golden/mlp.json", "w", encoding="utf-8") as file:
        json.dump({"loss": loss, "gradient": gradient.tolist()}, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
