#!/usr/bin/env python3
"""Takes one defence after the other out of the program and runs the tests that must notice.

    tools/mutate.py [NAME...]      those mutations, or all; exit status 1 if one survives
    tools/mutate.py --list         names them, and what of the documents and the files does not fit

A mutation is an entry of tests/mutations/*.toml: `guards` (a row of docs/THREAT_MODEL.md, or a law
of sim/checkers.h by the name of its function), the `file`, the text to `find` in it exactly once
and to `replace`, the `program` of tests and the `filter` of those of which one at least must fail.

The tree is copied to build/mutate, built and tested there; ccache makes the copy cheap.
"""

import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build/mutate"
BUILD = COPY / "build/release"
# What a defence needed may be of no use to anybody else; the release build calls that an error.
UNUSED_IS_FINE = "".join(f'#pragma GCC diagnostic ignored "-Wunused-{kind}"\n'
                         for kind in ("variable", "parameter", "function", "but-set-variable"))
TEST_SECONDS_MAX = 300  # a mutation may well make a program run for ever


@dataclass(frozen=True)
class Mutation:
    name: str
    guards: str
    file: str
    find: str
    replace: str
    program: str
    filter: str


def read_mutations():
    mutations = []
    for path in sorted((ROOT / "tests/mutations").glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["mutation"]:
            try:
                mutations.append(Mutation(**entry))
            except TypeError as error:
                sys.exit(f"mutate: {path}: entry '{entry.get('name')}': {error}")
    return mutations


def guarded_by_documents():
    """The rows of the threat model's table of attacks, and the laws of the checkers."""
    text = (ROOT / "docs/THREAT_MODEL.md").read_text()
    table = text.split("| attack | answer | tested in |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()]
    laws = re.findall(r"\bcheck_\w+(?=\()", (ROOT / "sim/checkers.h").read_text())
    return rows + [law for law in laws if law != "check_all"]


def names_of_tests():
    found = set()
    for path in (ROOT / "tests").rglob("*_test.cpp"):
        found |= {f"{suite}.{name}" for suite, name in
                  re.findall(r"^(?:TYPED_)?TEST(?:_[FP])?\((\w+),\s*(\w+)\)", path.read_text(), re.MULTILINE)}
    return found


def matches_a_test(filters, tests):
    """As googletest reads a filter; tests with parameters have a prefix and an end of their own."""
    positive = filters.split("-")[0].split(":")
    return any(fnmatch.filter(tests, re.sub(r"^[^/.]*/|/[^/]*$", "", pattern)) for pattern in positive)


def misfits(mutations):
    """What keeps the list from doing its work, one line each."""
    guarded = guarded_by_documents()
    tests = names_of_tests()
    found = []
    for mutation in mutations:
        count = (ROOT / mutation.file).read_text().count(mutation.find)
        if count != 1:
            found.append(f"{mutation.name}: {mutation.file} has its text {count} times, not once")
        if mutation.find == mutation.replace:
            found.append(f"{mutation.name}: changes nothing")
        if not matches_a_test(mutation.filter, tests):
            found.append(f"{mutation.name}: no test is called {mutation.filter}")
        if mutation.guards not in guarded:
            found.append(f"{mutation.name}: no row or law is called '{mutation.guards}'")
    names = [mutation.name for mutation in mutations]
    found += [f"{name}: two mutations have this name" for name in {n for n in names if names.count(n) > 1}]
    named = {mutation.guards for mutation in mutations}
    return found + [f"no mutation takes out: {row}" for row in guarded if row not in named]


def copy_tree():
    """What git knows and does not ignore. Only what differs is written, so that little is built."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for name in wanted:
        source, target = ROOT / name, COPY / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for target in COPY.rglob("*"):
        name = str(target.relative_to(COPY))
        if target.is_file() and not name.startswith("build/") and name not in wanted:
            target.unlink()


def build(program):
    # Names inside the copy are hashed relative to it, as those inside the tree are relative to that:
    # what the tree has compiled need not be compiled again.
    environment = {**os.environ, "CCACHE_BASEDIR": str(COPY)}
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=COPY, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["nice", "ninja", "-C", str(BUILD), "--quiet", program],
                          capture_output=True, text=True, env=environment)
    return done.returncode == 0, done.stdout + done.stderr


def run(mutation):
    """True if the tests passed; how many ran. None: they ran longer than allowed."""
    command = [str(BUILD / "tests" / mutation.program), f"--gtest_filter={mutation.filter}", "--gtest_color=no"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None, 0
    ran = re.search(r"Running (\d+) test", done.stdout)
    return done.returncode == 0, int(ran[1]) if ran else 0


def check_unchanged(mutations):
    """The tests have to exist and to pass, or their failure would prove nothing."""
    for program in sorted({mutation.program for mutation in mutations}):
        built, output = build(program)
        if not built:
            sys.exit(f"mutate: {program} does not build without any mutation:\n{output[-2000:]}")
    for mutation in mutations:
        passed, ran = run(mutation)
        if not passed or ran == 0:
            sys.exit(f"mutate: {mutation.name}: {ran} tests match {mutation.filter} of {mutation.program} "
                     "and they must be at least one, and pass, without any mutation")


def verdict_of(mutation):
    path = COPY / mutation.file
    original = path.read_text()
    path.write_text(UNUSED_IS_FINE + original.replace(mutation.find, mutation.replace))
    try:
        built, output = build(mutation.program)
        if not built:
            return f"DOES NOT BUILD\n{output[-2000:]}"
        passed, _ = run(mutation)
        return "NOT CAUGHT" if passed else "caught"
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    mutations = read_mutations()
    if options.list:
        for mutation in mutations:
            print(f"{mutation.name:34} {mutation.file:38} {mutation.program} {mutation.filter}")
        found = misfits(mutations)
        print("\n".join(f"mutate: {line}" for line in found), file=sys.stderr, end="\n" if found else "")
        return 1 if found else 0
    unknown = set(options.names) - {mutation.name for mutation in mutations}
    if unknown:
        sys.exit(f"mutate: no mutation is called {', '.join(sorted(unknown))}; --list names all")
    chosen = [m for m in mutations if not options.names or m.name in options.names]
    copy_tree()
    check_unchanged(chosen)
    survived = 0
    for mutation in chosen:
        began = time.monotonic()
        verdict = verdict_of(mutation)
        survived += verdict != "caught"
        print(f"{verdict:12} {mutation.name} ({mutation.program} {mutation.filter}, "
              f"{time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
