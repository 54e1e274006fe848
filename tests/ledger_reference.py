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
    (k0, k1), low, half = key, np.uint64(MASK32), np.uint64(32)
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return c0, c1, c2, c3


def mac(message, key):
    """CBC-MAC of bytes over blocks of four words."""
    state = [0, 0, 0, 0]
    for block in np.frombuffer(message, "<u4").reshape(-1, 4):
        state = [int(out) for out in philox(state ^ block, key)]
    return state


def step_signs(key, count):
    """s_t as booleans, true for -1."""
    blocks = np.arange((count + 127) // 128, dtype=np.uint64)
    out = philox((blocks & np.uint64(MASK32), blocks >> np.uint64(32), 0 * blocks, 0 * blocks), key)
    bits = np.stack(out, axis=1).astype("<u4").view(np.uint8)
    return np.unpackbits(bits, bitorder="little")[:count] == 1


def moving(case, step):
    """The parameters that a step moves, their factors, and d, their mean number over the steps."""
    segments, parts = case.get("segments", [(case["parameters"], 1)]), case.get("parts", 1)
    factors = np.repeat(*np.array(segments, dtype=np.uint32).T[::-1])
    all_places = np.flatnonzero(factors)
    places = all_places[np.arange(len(all_places)) // 128 % parts == step % parts]
    return places, factors[places], len(all_places) / parts


def scheduled(rule, step, d):
    """The unit step of a rule: IEEE double precision throughout."""
    x = min(step / rule["steps"], 1.0)
    term = sine = angle = x * (np.pi / 2)
    for n in range(2, 22, 2):
        term *= -angle * angle / (n * (n + 1))
        sine += term
    falling = {"constant": 1, "linear": 1 - x, "cosine": 1 - sine * sine}[rule["schedule"]]
    share = rule["floor"] + (1 - rule["floor"]) * falling
    return min(1 << 56, round(rule["step_size"] * rule["scale"] * 2.0**58 / d * share))


def vote_step(code, unit_step, rounding):
    octave, place = divmod(code % 128 - 1, 6)
    magnitude = 0 if octave < 0 else (unit_step * OCTAVE[place] << octave) + rounding >> 64
    return -magnitude if code >= 128 else magnitude


def replay(case):
    grid = np.arange(case["parameters"], dtype=np.uint32) * np.uint32(case["start"])
    for packet in case["packets"]:
        step, author = packet["step"], bytes.fromhex(packet["author"])
        if step - packet.get("replica_step", step) > case.get("window_steps", 64):
            continue  # void
        places, factors, d = moving(case, step)
        unit_step = scheduled(case["rule"], step, d) if "rule" in case else packet["unit_step"]
        keys = mac(bytes.fromhex(case["run"]) + step.to_bytes(16, "little"), (0, 0))
        signs, rounding_key = step_signs(keys[:2], len(places)), mac(author, keys[2:])[2:]
        is_shared = case.get("directions") == "shared"
        stride, start = mac(bytes(32) if is_shared else author, keys[2:])[:2]
        for i, code in enumerate(bytes.fromhex(packet["codes"])):
            probe = (packet["first_probe"] + i) & MASK32
            row = ((stride | 1) * probe + start) % case["rows"]
            common = np.arange(len(places), dtype="<u4") & np.uint32(row)
            parity = np.unpackbits(common.view(np.uint8)).reshape(-1, 32).sum(axis=1) % 2 == 1
            out = philox((probe, 0, 0, 0), rounding_key)
            change = vote_step(code, unit_step, int(out[0]) | int(out[1]) << 32)
            grid[places] += factors * np.where(signs ^ parity, change, -change).astype(np.uint32)
    return hashlib.blake2b(grid.astype("<u4").tobytes(), digest_size=32).hexdigest()


if __name__ == "__main__":
    files = [json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]]
    cases = [case for file in files for case in file["cases"]]
    wrong = [case["name"] for case in cases if replay(case) != case["digest"]]
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed", *wrong)
    sys.exit(1 if wrong or not cases else 0)
