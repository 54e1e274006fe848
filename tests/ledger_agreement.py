#!/usr/bin/env python3
"""Builds tests/ledger_agreement.cpp with the product's ledger by several compilers, at several levels
of optimisation and for two processors, and compares every model it prints with the digests of the
vectors. ./dev agree runs it. Exit status 0 only if all agree.

Usage: ledger_agreement.py FOLDER   (for the programs)"""

import collections
import hashlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests/vectors/ledger/votes.json"
SOURCES = ["tests/ledger_agreement.cpp", "optim/vote_replica.cpp", "optim/ledger/*.cpp"]
# As the product is built (cmake/StarlingOptions.cmake), but for the processor's baseline.
FLAGS = ["-std=c++23", "-ffp-contract=off", "-I", ROOT, "-I", ROOT / "include"]
ARM = ["-L", "/usr/aarch64-linux-gnu"]
LEVELS = ["-O0", "-O2", "-O3"]

# name, compiler, what runs the program
BUILDS = [
    ("x86-64 g++", ["g++"], []),
    ("x86-64 clang++", ["clang++-19"], []),
    # Headers without code of their own (JSON) are the host's, after those of the target.
    ("aarch64 g++", ["aarch64-linux-gnu-g++", "-idirafter", "/usr/include"], ["qemu-aarch64", *ARM]),
]


def build(compiler, level, folder, sources):
    """One object a source, through ccache: most sources stay as they are from run to run."""
    objects = []
    for source in (path for pattern in sources for path in sorted(ROOT.glob(pattern))):
        objects.append(folder / f"{source.stem}.o")
        command = ["ccache", *compiler, level, *FLAGS, "-c", source, "-o", objects[-1]]
        subprocess.run(command, check=True)
    subprocess.run([compiler[0], *objects, "-o", folder / "agreement"], check=True)
    return folder / "agreement"


def models(output):
    """Yields case number, way and digest of each model printed."""
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        number, way, size = output[at:end].split()
        at = end + 1 + int(size)
        yield int(number), way.decode(), hashlib.blake2b(output[end + 1 : at], digest_size=32).hexdigest()


def compare(name, output, cases):
    """Prints what a build agreed on; returns the number of models that differ."""
    agreed, wrong = collections.Counter(), 0
    for number, way, digest in models(output):
        agreed[way] += digest == cases[number]["digest"]
        if digest != cases[number]["digest"]:
            wrong += 1
            print(f"{name}: '{cases[number]['name']}' by {way} differs")
    print(f"{name}: {', '.join(f'{way} {count}' for way, count in agreed.items())}", flush=True)
    return wrong + (agreed["definition"] != len(cases))


def main(folder):
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
    wrong = 0
    for name, compiler, runner in BUILDS:
        for level in LEVELS:
            place = folder / f"{name} {level}".replace(" ", "_")
            place.mkdir(parents=True, exist_ok=True)
            program = build(compiler, level, place, SOURCES)
            run = subprocess.run([*runner, program, VECTORS], stdout=subprocess.PIPE, check=True)
            wrong += compare(f"{name} {level}", run.stdout, cases)
    print("all models are equal" if wrong == 0 else f"{wrong} models differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
