#!/usr/bin/env python3
"""Votes beside first-order recipes at slow uplinks, in the simulator (docs/COMPARISON.md).

    compare_votes.py STARLING RESULTS.json [--only TEXT]   run what RESULTS.json lacks
    compare_votes.py --page RESULTS.json FOLDER            tables on standard output, plots into FOLDER

Standard library only. A run is eight nodes for a fixed virtual time; what counts is the mean accuracy
of the nodes' own models on the test set, and the bytes that all of them have sent.
"""
import json
import subprocess
import sys
import tempfile

# Uplink in kbit/s -> virtual seconds, scale of the protocol's intervals.
UPLINKS = {1: (1200, 100.0), 10: (300, 10.0), 1000: (120, 1.0)}
SKEWS = ["iid", "dirichlet:0.1"]

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
bits = {bits}
block = 256
"""
CHOCO = """
mixer = "metropolis"
clock = "rounds"
memory = "hat_copy"
local_steps = {local_steps}
consensus_step = {gamma}
[recipe.inner]
step_size = {step_size}
schedule = "linear"
[recipe.codec]
kind = "top_k"
density = {density}
"""
VOTES = """
oracle = "votes"
mixer = "vote_sum"
batch = 128
[recipe.votes]
probes = {probes}
probe_size = 0.01
step_size = {step_size}
schedule = "linear"
directions = "{directions}"
"""
SECONDS_PER_VOTE_STEP = {1: 11.5, 10: 2.2, 1000: 1.05}  # upload of a packet to 7 neighbours, measured


def methods(uplink, skew):
    """Name -> (recipe text, topology, seconds per step)."""
    weighting = 0 if skew == "iid" else 0.5
    directions = "own" if skew == "iid" else "shared"
    text = VOTES.format(probes=64, step_size=2, directions=directions)
    yield f"votes, {directions} directions", text, "full", SECONDS_PER_VOTE_STEP[uplink]
    local_steps = {1: 10, 10: 3, 1000: 1}[uplink]
    for bits in (4, 2):
        text = FIRST_ORDER.format(weighting=weighting, local_steps=local_steps, step_size=0.03,
                                  bits=bits)
        yield f"gossip, {bits} bits", text, "full", 1.0
    text = CHOCO.format(local_steps=local_steps, gamma=0.02, step_size=0.05, density=0.01)
    yield "choco, 1 %", text, "ring", 1.0
    alone = FIRST_ORDER.format(weighting=0, local_steps=1_000_000, step_size=0.03, bits=4)
    yield "alone", alone, "full", 1.0


def scenario(uplink, skew, recipe, topology, seconds_per_step):
    seconds, interval_scale = UPLINKS[uplink]
    return f"""nodes = 8
task = "fashion-mnist-softmax"
skew = "{skew}"
topology = "{topology}"
steps = {int(seconds / seconds_per_step)}
step_ms = 1000
interval_scale = {interval_scale}
duration_max_s = {seconds}
curve_every_s = {seconds / 12}
checkpoint_every = 0
[link]
uplink_mbit_s = {uplink / 1000}
[recipe]
name = "compare"
{recipe}"""


def run_missing(starling, path, only):
    try:
        results = json.load(open(path))
    except FileNotFoundError:
        results = {}
    for uplink in UPLINKS:
        for skew in SKEWS:
            for name, recipe, topology, pace in methods(uplink, skew):
                key = f"{uplink} kbit/s, {skew}, {name}"
                if key in results or only not in key:
                    continue
                with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                    file.write(scenario(uplink, skew, recipe, topology, pace))
                    file.flush()
                    # Cut off by duration_max_s: the exit status says so and is of no interest.
                    run = subprocess.run([starling, "sim", file.name, "--json"],
                                         capture_output=True, text=True)
                if not run.stdout:
                    sys.exit(f"{key}: {run.stderr}")
                report = json.loads(run.stdout.splitlines()[-1])
                results[key] = {k: report[k] for k in ("curve", "traffic", "votes", "wall_s")}
                last = report["curve"][-1]
                print(f"{key}: {last['accuracy_mean']:.3f} after {last['bytes_sent']} B", flush=True)
                json.dump(results, open(path, "w"), indent=1)


if __name__ == "__main__":
    if sys.argv[1] == "--page":
        from compare_page import write_page
        write_page(json.load(open(sys.argv[2])), sys.argv[3])
    else:
        run_missing(sys.argv[1], sys.argv[2], sys.argv[4] if len(sys.argv) > 4 else "")
