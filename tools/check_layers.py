#!/usr/bin/env python3
"""Checks the table of includes in docs/ARCHITECTURE.md: who may include whom, and which third-party
headers and words belong to which folder. Prints `path:line: what is wrong` and exits with 1 if anything is."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ALL = {"include", "crypto", "optim", "model", "protocol", "node/core", "node/runtime", "sim", "node/cli", "node"}
ALLOWED = {
    "include": set(),
    "crypto": {"include"},
    "optim": {"include"},
    "model": {"include", "optim"},
    "protocol": {"include", "crypto"},
    "node/core": {"include", "crypto", "optim", "protocol"},
    "node/runtime": {"include", "crypto", "protocol", "node/core"},
    "sim": {"include", "crypto", "optim", "model", "protocol", "node/core"},
    "node/cli": ALL,
    "node": ALL,
    "examples": {"include"},
    "tests": ALL | {"tests"},
    "bench": ALL | {"tests", "bench"},
}

# Third-party headers: pattern of the include, and a pattern of the files that may have it.
THIRD_PARTY = [
    (r"sodium", r"crypto/"),
    (r"openssl/", r"crypto/bulk_aead\.cpp"),
    (r"capnp/|kj/|.*\.capnp\.h", r"protocol/wire/"),
    (r"Eigen/", r"(optim|model)/.*\.cpp|tests/|bench/"),
    (r"asio", r"node/runtime/|tests/unit/node_runtime/|tests/support/"),
    (r"zlib\.h", r"model/.*\.cpp|tests/"),
    (r"toml\+\+/", r"(optim/recipe.*|sim/.*|node/[a-z_/]*)\.cpp|optim/toml_fields\.h"),
    (r"nlohmann/", r"(bench|node/runtime|node/cli|model|tests)/.*\.cpp|tests/support/"),
    (r"CLI/", r"node/cli/|node/main\.cpp"),
    (r"miniupnpc/|natpmp\.h", r"node/runtime/.*_gateway\.cpp"),
    (r"spdlog/", r"node/runtime/.*\.cpp"),
    (r"qrencode\.h", r"node/cli/.*\.cpp"),
    (r"Random123/|gtest/|gmock/|rapidcheck", r"tests/|bench/"),
    (r"benchmark/", r"bench/"),
]

CORE = r"(include|crypto|protocol|optim|model|node/core|node/cli|sim|examples)/|node/embedded_node\.cpp"
WORDS = [
    (r"::now\(|random_device|std::thread|std::jthread|std::mutex|\bsleep|randombytes_", CORE,
     "clocks, entropy and threads belong to node/runtime"),
    (r"unordered_(map|set|multimap|multiset)", r"(protocol|node/core)/", "iteration order would leak into behaviour"),
    (r"std::\w+_distribution", r"(protocol|node/core|optim|model|sim)/", "results differ between libraries"),
]


def layer_of(path: str) -> str | None:
    """The folder of the table that a path from the root belongs to."""
    for layer in ("node/core", "node/runtime", "node/cli"):
        if path.startswith(layer + "/"):
            return layer
    first = path.split("/")[0]
    return first if first in ALLOWED else None


def include_target(name: str) -> str | None:
    return "include" if name.startswith("starling/") else layer_of(name)


def check(path: pathlib.Path) -> list[str]:
    relative = path.relative_to(ROOT).as_posix()
    layer = layer_of(relative)
    problems = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        place = f"{relative}:{number}: "
        found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if found:
            name = found.group(2)
            target = include_target(name)
            if target and target != layer and target not in ALLOWED[layer]:
                problems.append(f"{place}{layer} may not include {name}; it may include "
                                f"{', '.join(sorted(ALLOWED[layer])) or 'only the standard library'}")
            for header, home in THIRD_PARTY:
                if re.match(header, name) and not target and not re.match(home, relative):
                    problems.append(f"{place}{name} may only be included from {home}")
            if layer == "include" and not target and not re.fullmatch(r"[a-z_]+", name):
                problems.append(f"{place}public headers use the standard library only, not {name}")
        code = re.sub(r'//.*$|"(\\.|[^"\\])*"', "", line)
        for word, where, why in WORDS:
            seen = re.search(word, code)
            if seen and re.match(where, relative):
                problems.append(f"{place}'{seen.group(0)}' is not allowed here: {why}")
    return problems


def main() -> int:
    files = [path for layer in ALLOWED for path in (ROOT / layer).rglob("*") if path.suffix in (".h", ".cpp")]
    problems = [problem for path in sorted(set(files)) for problem in check(path)]
    print("\n".join(problems) if problems else f"layers: {len(set(files))} files keep to the table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
