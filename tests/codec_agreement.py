#!/usr/bin/env python3
"""Builds tests/codec_agreement.cpp with the kernels of the codecs by several compilers, at several levels of
optimisation and for two processors. What each kernel gives has to equal the scalar definition in all of
them. ./dev agree runs it. Exit status 0 only if all agree.

Usage: codec_agreement.py FOLDER   (for the programs)"""

import collections
import pathlib
import subprocess
import sys

from ledger_agreement import BUILDS, LEVELS, build

SOURCES = ["tests/codec_agreement.cpp", "optim/codec/kernels/*.cpp"]


def main(folder):
    digests = collections.defaultdict(set)
    for name, compiler, runner in BUILDS:
        for level in LEVELS:
            place = folder / f"codec {name} {level}".replace(" ", "_")
            place.mkdir(parents=True, exist_ok=True)
            program = build(compiler, level, place, SOURCES)
            run = subprocess.run([*runner, program], stdout=subprocess.PIPE, check=True, text=True)
            kernels = [line.split() for line in run.stdout.splitlines()]
            for kernel, digest in kernels:
                digests[kernel.split(":")[0]].add(digest)
            print(f"{name} {level}: {', '.join(kernel for kernel, _ in kernels)}", flush=True)
    wrong = [codec for codec, found in digests.items() if len(found) != 1]
    print(f"kernels differ: {', '.join(wrong)}" if wrong or not digests else "all kernels give the same")
    return 1 if wrong or not digests else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
