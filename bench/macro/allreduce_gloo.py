#!/usr/bin/env python3
"""Gloo's all-reduce of a float vector among processes of this machine: what a merge is measured against.

usage: allreduce_gloo.py PARAMETERS PROCESSES [ROUNDS]
Prints the median time in seconds of the slowest process, from a barrier to its sum.
"""
import datetime
import os
import socket
import statistics
import sys

import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def take_part(rank, parameters, processes, rounds, port, times):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes,
                                   timeout=datetime.timedelta(seconds=120))
    vector = torch.full((parameters,), float(rank))
    for i in range(rounds):
        distributed.barrier()
        start = torch.tensor([__import__("time").monotonic()], dtype=torch.float64)
        distributed.all_reduce(vector)
        end = torch.tensor([__import__("time").monotonic()], dtype=torch.float64)
        distributed.all_reduce(start, op=distributed.ReduceOp.MIN)
        distributed.all_reduce(end, op=distributed.ReduceOp.MAX)
        if rank == 0:
            times[i] = (end - start).item()
    distributed.destroy_process_group()


def main():
    parameters, processes = int(sys.argv[1]), int(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with multiprocessing.get_context("spawn").Manager() as manager:
        times = manager.dict()
        multiprocessing.spawn(take_part, (parameters, processes, rounds, free_port(), times), nprocs=processes)
        print(f"{statistics.median(times.values()):.4f}")


if __name__ == "__main__":
    main()
