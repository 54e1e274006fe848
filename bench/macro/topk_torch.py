#!/usr/bin/env python3
"""topk_torch.py CHUNKS VALUES DENSITY: prints how many values torch.topk treats a second, in 1e9: the
largest of each chunk by itself, or as large a share of all at once, whichever is faster. One thread, the
magnitudes given, the result unsorted, time of the processor, the fastest of three."""
import sys
import time

import torch

chunks, values, density = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
torch.set_num_threads(1)
magnitudes = torch.randn(chunks, values).abs_()


def rate(of, kept):
    """of: the last dimension is selected from."""
    seconds = []
    for _ in range(3):
        start = time.thread_time()
        torch.topk(of, kept, sorted=False)
        seconds.append(time.thread_time() - start)
    return of.numel() / min(seconds) / 1e9


print(max(rate(magnitudes, round(density * values)),
          rate(magnitudes.flatten(), round(density * chunks * values))))
