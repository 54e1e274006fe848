#!/usr/bin/env python3
"""Votes beside first-order recipes at slow uplinks, in the simulator (docs/COMPARISON.md).

    compare_votes.py STARLING RESULTS.json [--only TEXT]   run what RESULTS.json lacks
    compare_votes.py --page RESULTS.json FOLDER            tables on standard output, plots into FOLDER

Standard library only. A run is eight nodes that have a fixed virtual time for everything, the final
merge included: the number of steps is sought that ends within it. What counts is the accuracy of the
merged model on the test set, and the bytes that all nodes have sent. Every setting of a method runs
with seed 1; the one that ends best also with seeds 2 and 3.
"""
import json
import subprocess
import sys
import tempfile

# Uplink in kbit/s -> virtual seconds, scale of the protocol's intervals.
UPLINKS = {1: (7200, 100.0), 3: (2400, 33.0), 10: (1200, 10.0), 100: (300, 1.0),
           1000: (120, 1.0)}
SKEWS = ["dirichlet:0.1"]  # i.i.d. shares need no network: one node's reach 82 % alone
SEEDS = [1, 2, 3]
VOTES_MAX = 24_000  # of one node: more than that no longer helps, and takes long to simulate

FIRST_ORDER = """
mixer = "pair"
clock = "pairs"
memory = "reference"
lead_steps = 0
sample_weighting = {weighting}
local_steps = {local_steps}
[recipe.inner]
kind = "momentum"
step_size = {step_size}
momentum = 0.9
schedule = "linear"
[recipe.codec]
kind = "quantize"
bits = 4
block = 256
"""
VOTES = """
oracle = "votes"
batch = 128
[recipe.votes]
probes = {probes}
probe_size = 0.01
step_size = 2
schedule = "linear"
directions = "{directions}"
"""


def vote_step_seconds(uplink, probes):
    """The upload of a packet to 7 neighbours, with a tenth for the protocol; at least 0.1 s of work
    for 64 probes."""
    packet_bytes = probes + 195  # on a socket (docs/WIRE.md)
    return max(1.1 * 7 * packet_bytes * 8 / (1000 * uplink), probes / 640)


def methods(uplink, skew):
    """Method -> its settings, each (name, recipe text, seconds of work per step)."""
    weighting = 0 if skew == "iid" else 0.5
    directions = "own" if skew == "iid" else "shared"
    probes = 256 if uplink <= 10 else 64
    budget = UPLINKS[uplink][0]
    pace = max(vote_step_seconds(uplink, probes), budget * probes / VOTES_MAX)
    text = VOTES.format(probes=probes, directions=directions)
    votes = [(f"{probes} votes a packet", text, pace)]
    # Pair exchanges overlap with training: the local steps take as long as one upload.
    upload = 7850 * 4 / (1000 * uplink)
    first_order = []
    for local_steps in (1, 10):
        text = FIRST_ORDER.format(weighting=weighting, local_steps=local_steps, step_size=0.03)
        pace = max(0.05, upload / local_steps)
        first_order.append((f"{local_steps} local steps an exchange", text, pace))
    return {"votes": votes, "gossip": first_order}


def scenario(uplink, skew, recipe, seconds_per_step, steps):
    seconds, interval_scale = UPLINKS[uplink]
    return f"""nodes = 8
task = "fashion-mnist-softmax"
skew = "{skew}"
topology = "full"
steps = {steps}
step_ms = {int(1000 * seconds_per_step)}
interval_scale = {interval_scale}
duration_max_s = {6 * seconds}
curve_every_s = {seconds / 24}
checkpoint_every = 0
[link]
uplink_mbit_s = {uplink / 1000}
[recipe]
name = "compare"
{recipe}"""


def simulate(starling, text, seed):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        run = subprocess.run([starling, "sim", file.name, "--json", "--seed", str(seed)],
                             capture_output=True, text=True)
    if not run.stdout:
        sys.exit(f"{run.stderr}\n{text}")
    report = json.loads(run.stdout.splitlines()[-1])
    return {k: report[k] for k in ("curve", "virtual_s", "accuracy_merged", "bytes_sent", "votes")}


def run_within_budget(starling, uplink, skew, setting, seed):
    """Fewer steps until all is over in time; what a step takes depends on the traffic."""
    _, recipe, pace = setting
    budget = UPLINKS[uplink][0]
    steps = int(budget / pace)
    while True:
        result = simulate(starling, scenario(uplink, skew, recipe, pace, steps), seed)
        if result["virtual_s"] <= budget or steps < 8:
            return result | {"steps": steps}
        steps = int(0.97 * steps * budget / result["virtual_s"])


def run_missing(starling, path, only):
    try:
        results = json.load(open(path))
    except FileNotFoundError:
        results = {}

    def run(key, seed, setting, uplink, skew):
        if f"{key}|{seed}" in results:
            return
        result = run_within_budget(starling, uplink, skew, setting, seed)
        results[f"{key}|{seed}"] = result
        print(f"{key}|{seed}: {result['accuracy_merged']:.3f} after {result['steps']} steps and "
              f"{result['virtual_s']:.0f} s", flush=True)
        json.dump(results, open(path, "w"))

    for skew in SKEWS:
        for uplink in UPLINKS:
            for method, settings in methods(uplink, skew).items():
                keys = {f"{uplink}|{skew}|{method}|{s[0]}": s for s in settings}
                if only not in f"{uplink}|{skew}|{method}|":
                    continue
                for key, setting in keys.items():
                    run(key, 1, setting, uplink, skew)
                best = max(keys, key=lambda key: results[f"{key}|1"]["accuracy_merged"])
                for seed in SEEDS[1:]:
                    run(best, seed, keys[best], uplink, skew)


if __name__ == "__main__":
    if sys.argv[1] == "--page":
        from compare_page import write_page
        write_page(json.load(open(sys.argv[2])), sys.argv[3])
    else:
        run_missing(sys.argv[1], sys.argv[2], sys.argv[4] if len(sys.argv) > 4 else "")
