#!/usr/bin/env python3
"""An independent implementation of docs/LEDGER.md: recomputes every digest of vector files.
Usage: ledger_reference.py VECTORS...   Exit status 0 only if all digests agree."""

import hashlib
import json
import sys

import numpy as np

OCTAVE = [65536, 73562, 82570, 92682, 104032, 116772]  # round(2^(16 + k/6))
MASK32 = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10. counter: four uint64 arrays (or integers) below 2^32."""
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = key
    low, half = np.uint64(MASK32), np.uint64(32)
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return c0, c1, c2, c3


def words(digits):
    return [int(word) for word in np.frombuffer(bytes.fromhex(digits), "<u4")]


def absorb(message, key):
    """CBC-MAC over blocks of four words."""
    state = [0, 0, 0, 0]
    for at in range(0, len(message), 4):
        state = [int(out) for out in philox([state[i] ^ message[at + i] for i in range(4)], key)]
    return state


def step_signs(key, count):
    """s_t as booleans, true for -1."""
    blocks = np.arange((count + 127) // 128, dtype=np.uint64)
    out = philox((blocks & np.uint64(MASK32), blocks >> np.uint64(32), 0 * blocks, 0 * blocks), key)
    bits = np.stack(out, axis=1).astype("<u4").view(np.uint8)
    return np.unpackbits(bits, bitorder="little")[:count] == 1


def row_signs(row, count):
    """Row of the Hadamard matrix as booleans, true for -1."""
    common = np.arange(count, dtype="<u4") & np.uint32(row)
    return np.unpackbits(common.view(np.uint8)).reshape(-1, 32).sum(axis=1) % 2 == 1


def moving(case, step):
    """The parameters that a step moves, and their factors."""
    segments, parts = case.get("segments", [(case["parameters"], 1)]), case.get("parts", 1)
    factors = np.repeat(*np.array(segments, dtype=np.uint32).T[::-1])
    places = np.flatnonzero(factors)
    places = places[np.arange(len(places)) // 128 % parts == step % parts]
    return places, factors[places]


def vote_step(code, unit_step, rounding):
    if code & 0x7F == 0:
        return 0
    octave, place = divmod((code & 0x7F) - 1, 6)
    magnitude = ((unit_step * OCTAVE[place] << octave) + rounding) >> 64
    return -magnitude if code & 0x80 else magnitude


def replay(case):
    grid = np.arange(case["parameters"], dtype=np.uint32) * np.uint32(case["start"])
    for packet in case["packets"]:
        step = packet["step"]
        message = [*words(case["run"]), step & MASK32, step >> 32, 0, 0]
        keys, (places, factors) = absorb(message, (0, 0)), moving(case, step)
        signs = step_signs(keys[:2], len(places))
        author = words(packet["author"])
        rounding_key = absorb(author, keys[2:])[2:]
        is_shared = case.get("directions") == "shared"
        stride, start = absorb([0] * 8 if is_shared else author, keys[2:])[:2]
        for i, code in enumerate(bytes.fromhex(packet["codes"])):
            probe = (packet["first_probe"] + i) & MASK32
            row = ((stride | 1) * probe + start) % case["rows"]
            out = philox((probe, 0, 0, 0), rounding_key)
            change = vote_step(code, packet["unit_step"], int(out[0]) | int(out[1]) << 32)
            negative = signs ^ row_signs(row, len(places))
            grid[places] += factors * np.where(negative, change, -change).astype(np.uint32)
    return hashlib.blake2b(grid.astype("<u4").tobytes(), digest_size=32).hexdigest()


def main(paths):
    cases = [case for path in paths for case in json.load(open(path, encoding="utf-8"))["cases"]]
    wrong = [case["name"] for case in cases if replay(case) != case["digest"]]
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed", *wrong)
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
