#!/usr/bin/env python3
"""Prints the payloads of tests/golden/payload_test.cpp from the written layouts alone.

The format is specified in optim/payload.h and at the head of each codec; nothing of Starling runs here.
Values lie on the quantizer's grid, so that rounding noise cannot matter.
"""

import struct

VALUES = [3.0, -1.0, 0.0, 1.0, -3.0, 2.0, -2.0, 3.0]


def header(codec, lanes=1, flags=0, sequence=0, step=7):
    return b"SP" + bytes([1, lanes, codec, flags, 0, 0]) + struct.pack("<QQ", sequence, step)


def identity(values):
    return struct.pack(f"<{len(values)}f", *values)


def quantize(values, bits):
    """One block: scale, then levels q with value = scale (2 q / L - 1), eight to `bits` bytes."""
    scale = max(abs(v) for v in values)
    top = 2**bits - 2
    word = 0
    for i, value in enumerate(values):
        level = (value / scale + 1) * top / 2
        assert level == int(level), (value, level)
        word |= int(level) << (bits * i)
    return struct.pack("<f", scale) + word.to_bytes(bits, "little")


def top_k(values, kept):
    order = sorted(range(len(values)), key=lambda i: (-abs(values[i]), i))
    chosen = sorted(order[:kept])
    return struct.pack(f"<{kept}H", *chosen) + struct.pack(f"<{kept}f", *(values[i] for i in chosen))


def sign(values):
    bits = sum(1 << i for i, v in enumerate(values) if v < 0)
    return struct.pack("<f", sum(map(abs, values)) / len(values)) + bytes([bits])


if __name__ == "__main__":
    print("identity", (header(0) + identity(VALUES)).hex())
    grid = [6.0, -6.0, 4.0, -4.0, 2.0, -2.0, 0.0, 6.0]  # the levels of 3 bits, scale 6
    print("quantize_3", (header(1) + quantize(grid, 3)).hex())
    print("top_k_3", (header(2) + top_k(VALUES, 3)).hex())
    print("sign", (header(4) + sign(VALUES)).hex())
