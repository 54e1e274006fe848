#!/usr/bin/env python3
"""The final merge beside Gloo's all-reduce of the same vector, in turns on the same machine.

usage: merge.py SIZE_PROGRAM [--json]
10 million parameters on 8 nodes three times, each beside Gloo with 8 processes; then 150 million on 4 nodes.
What is printed last is one JSON object (docs/TESTING.md, Benchmarks); with --json nothing else goes to standard output.
"""
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 3
# 10 million x 8 with the recipe gossip on an idle machine: at most so many times Gloo's time.
RATIO_MAX = 4


def swarm(program, parameters, nodes, steps):
    command = [program, "--parameters", str(parameters), "--nodes", str(nodes), "--steps", str(steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout)
    if told["error"] or told["merge_contributors"] != nodes:
        sys.exit(f"merge: {' '.join(command)} did not merge all nodes: {done.stdout.strip()}")
    return told


def gloo(parameters, processes):
    script = Path(__file__).with_name("allreduce_gloo.py")
    # Debian's package, so Debian's interpreter.
    done = subprocess.run(["/usr/bin/python3", str(script), str(parameters), str(processes)], stdout=subprocess.PIPE,
                          text=True, check=True)
    return float(done.stdout)


def main():
    program, *flags = sys.argv[1:]
    out = sys.stderr if "--json" in flags else sys.stdout
    merges, reductions = [], []
    for _ in range(ROUNDS):
        reductions.append(gloo(10_000_000, 8))
        merges.append(swarm(program, 10_000_000, 8, 10))
        print(f"10 M x 8: merge {merges[-1]['merge_s']:.3f} s, Gloo {reductions[-1]:.3f} s, "
              f"{merges[-1]['peak_model_multiples']:.1f} models of memory a node", file=out)
    large = swarm(program, 150_000_000, 4, 10)
    print(f"150 M x 4: merge {large['merge_s']:.2f} s of {large['merge_contributors']} nodes, "
          f"{large['peak_model_multiples']:.2f} models of memory a node", file=out)
    merge_s = statistics.median(merge["merge_s"] for merge in merges)
    gloo_s = statistics.median(reductions)
    print(f"merge / Gloo: {merge_s / gloo_s:.2f}, at most {RATIO_MAX}", file=out)
    print(json.dumps({"merge_s": merge_s, "gloo_s": gloo_s, "merge_150m_x4_s": large["merge_s"],
                      "contributors_150m_x4": large["merge_contributors"],
                      "peak_model_multiples": large["peak_model_multiples"]}))


if __name__ == "__main__":
    main()
