#!/usr/bin/env python3
"""The published seed-replay update (MeZO: princeton-nlp/MeZO, large_models/trainer.py) in PyTorch.

For each vote the direction is drawn again from its seed and subtracted, scaled. One thread, as the
ledger's own figures, in processor time. Prints giga parameter-votes per second.

Usage: ledger_torch.py PARAMETERS"""

import sys
import time

import torch

PARAMETERS = int(sys.argv[1])
VOTES = 4

torch.set_num_threads(1)
model = torch.zeros(PARAMETERS)


def apply(seed: int, scalar: float) -> None:
    torch.manual_seed(seed)
    direction = torch.normal(mean=0.0, std=1.0, size=model.shape)
    model.data.sub_(1e-3 * scalar * direction)


apply(0, 0.5)  # warm-up
begin = time.process_time()
for vote in range(VOTES):
    apply(vote, 0.5)
print(PARAMETERS * VOTES / (time.process_time() - begin) / 1e9)
