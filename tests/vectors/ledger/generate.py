#!/usr/bin/env python3
"""Writes votes.json: random votes, with digests from tests/ledger_reference.py, so that the
product's implementation has no part in the numbers it is tested against."""

import json
import pathlib
import random
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent.parent))
from ledger_reference import moving, replay, scheduled  # noqa: E402


def rule(schedule, step_size, scale=1.0, floor=0.0):
    """A recipe's schedule, over 100 steps."""
    numbers = {"step_size": step_size, "scale": scale, "floor": floor, "steps": 100}
    return {"rule": {"schedule": schedule, **numbers}}


# Lengths and factors: whole groups of 2048, boundaries within one, and parameters that stay.
SEGMENTS = [[2300, 1], [10, 4], [1000, 0], [4500, 2], [90, 1], [100, 1024], [1000, 0]]

# name, d, B, packets, steps from, unit step, what else the recipe says. A rule decides the unit step.
CASES = [
    ("one parameter", 1, 1, 3, 0, 1 << 50, {}),
    ("fewer parameters than a block", 10, 16, 4, 0, 1 << 48, {}),
    ("one whole block", 128, 128, 4, 5, 1 << 47, {}),
    ("softmax", 7850, 8192, 12, 90, 73_295_114_404_954, {}),
    ("rows below parameters", 50_000, 1024, 6, 1000, 1 << 45, {}),
    ("steps below a grid unit", 5000, 8192, 6, 0, 1 << 31, {}),
    ("wrapping", 3000, 4096, 6, 0, 1 << 56, {}),
    ("late step, most rows", 100_000, 65_536, 2, (1 << 40) + 3, 1 << 46, {}),
    ("shared directions", 7850, 8192, 12, 0, 1 << 46, {"directions": "shared"}),
    ("frozen and scaled segments", 9000, 8192, 6, 0, 1 << 46, {"segments": SEGMENTS}),
    ("three parts", 20_000, 8192, 9, 0, 1 << 46, {"parts": 3}),
    ("parts of segments", 9000, 1024, 9, 4, 1 << 46, {"segments": SEGMENTS, "parts": 7}),
    ("constant schedule", 5000, 8192, 4, 97, None, rule("constant", 0.3, 10)),
    ("linear schedule", 7850, 8192, 8, 49, None, rule("linear", 0.1, 0.7, 0.05)),
    ("linear schedule beyond its end", 100, 128, 6, 99, None, rule("linear", 1e-3, 1.0, 0.3)),
    ("cosine schedule", 7850, 8192, 8, 31, None, rule("cosine", 0.02, 3.3, 0.1)),
    ("cosine schedule near its end", 2049, 4096, 6, 98, None, rule("cosine", 0.7)),
    ("schedule of parts", 9000, 1024, 9, 4, None,
     {"segments": SEGMENTS, "parts": 7, **rule("cosine", 0.02)}),
    ("step size beyond its bound", 1000, 1024, 4, 0, None, rule("constant", 1e9)),
    ("late and void", 3000, 4096, 24, 40, 1 << 46, {"window_steps": 2}),
]


def case(source, name, parameters, rows, packets, first_step, unit_step, recipe):
    authors = [source.randbytes(32).hex() for _ in range(3)]
    made = {
        "name": name,
        "run": source.randbytes(32).hex(),
        "parameters": parameters,
        "rows": rows,
        **recipe,
        "start": source.getrandbits(32),
        "packets": [
            {
                "author": source.choice(authors),
                "step": first_step + source.randrange(3),
                **({"replica_step": 36 + source.randrange(8)} if "window_steps" in recipe else {}),
                "first_probe": 64 * number if number else (1 << 32) - 2,
                "unit_step": unit_step,
                "codes": source.randbytes(source.randint(1, 40)).hex(),
            }
            for number in range(packets)
        ],
    }
    if "rule" in recipe:  # in the packets too, for sums without a schedule
        for packet in made["packets"]:
            step = packet["step"]
            packet["unit_step"] = scheduled(made["rule"], step, moving(made, step)[2])
    return {**made, "digest": replay(made)}


source = random.Random(1)
vectors = {"format": "docs/LEDGER.md", "cases": [case(source, *row) for row in CASES]}
(FOLDER / "votes.json").write_text(json.dumps(vectors, indent=1) + "\n", encoding="utf-8")
