#!/usr/bin/env python3
"""Checks what clang-format does not: lengths, words that mark unfinished work, names of tests, and that
nothing in the tree speaks of a machine's own paths. Exits with 1 if anything is found."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented|placeholder")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")
SLEEPING_TEST = re.compile(r"sleep_for|sleep_until|\busleep\(|GTEST_SKIP|DISABLED_|EXPECT_TRUE\(true\)")


def tracked_files() -> list[pathlib.Path]:
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
                           capture_output=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def long_functions(lines: list[str]):
    """Yields (line number, length) of functions that are too long; relies on clang-format's layout."""
    start = None
    for number, line in enumerate(lines, 1):
        opens = line.endswith("{") and line[:1] not in ("", " ", "}", "#")
        if opens and not re.match(r"(namespace|class|struct|enum|union|extern|template.*struct)\b", line):
            start = number
        if line == "}" and start is not None:
            if number - start + 1 > FUNCTION_LINES_MAX:
                yield start, number - start + 1
            start = None


def check_code(name: str, lines: list[str]) -> list[str]:
    problems = []
    if len(lines) > FILE_LINES_MAX:
        problems.append(f"{name}: {len(lines)} lines, at most {FILE_LINES_MAX}")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and "http" not in line and 'R"' not in line:
            problems.append(f"{name}:{number}: {len(line)} columns, at most {COLUMNS_MAX}")
        if name.startswith("tests/") and SLEEPING_TEST.search(line):
            problems.append(f"{name}:{number}: a test neither waits for the clock nor skips itself")
    for number, length in long_functions(lines):
        problems.append(f"{name}:{number}: a function of {length} lines, at most {FUNCTION_LINES_MAX}")
    if name.endswith(".h") and not any(line == "#pragma once" for line in lines[:3]):
        problems.append(f"{name}:1: a header begins with #pragma once")
    return problems


def check(path: pathlib.Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    if path.suffix not in (".h", ".cpp", ".py", ".sh", ".md", ".toml", ".cmake", ".txt", ""):
        return []
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return []
    problems = []
    for number, line in enumerate(lines, 1):
        if name != "tools/check_style.py" and name != "LICENSE":
            if UNFINISHED.search(line):
                problems.append(f"{name}:{number}: marks unfinished work: {line.strip()[:60]}")
            if MACHINE_PATHS.search(line):
                problems.append(f"{name}:{number}: a path of one machine: {line.strip()[:60]}")
    if path.suffix in (".h", ".cpp"):
        problems += check_code(name, lines)
    return problems


def main() -> int:
    files = tracked_files()
    problems = [problem for path in sorted(files) for problem in check(path)]
    print("\n".join(problems) if problems else f"style: {len(files)} files are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
