"""The lab: scenarios in network namespaces with the real program. `./dev lab` runs it; docs/LAB.md
says what each scenario shows and how to write one."""

import argparse
import dataclasses
import fnmatch
import json
import os
import pathlib
import signal
import sys
import time

import network
import runner
import scenario
import scenarios

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Scenarios spend their time waiting; this many keep two cores about busy.
CAPACITY = 12


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev lab", description="Scenarios in network namespaces with the release program.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="a scenario, or a pattern such as 'power-loss-*'; default: all")
    parser.add_argument("--list", action="store_true", help="names, and what must happen in each")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--jobs", type=int, default=CAPACITY, metavar="N",
                        help=f"scenarios at a time (default: {CAPACITY})")
    parser.add_argument("--again", action="store_true",
                        help="run those that fail once more, two at a time: the verdict is the second"
                             " one, and `again` names them")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/starling")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/lab",
                        help="what the processes printed and left (default: build/lab)")
    return parser.parse_args()


def refuse(line: str):
    print(f"lab: {line}", file=sys.stderr)
    sys.exit(2)


def choose(names: list[str]) -> list[scenario.Scenario]:
    known = scenario.SCENARIOS
    chosen = {}
    for name in names or ["*"]:
        found = fnmatch.filter(known, name)
        if not found:
            refuse(f"no scenario is named '{name}'; ./dev lab --list names them all")
        chosen.update({one: known[one] for one in found})
    return list(chosen.values())


def show_list(chosen: list[scenario.Scenario]) -> None:
    for one in chosen:
        print(one.name)
        for line in one.text.splitlines():
            print(f"    {line}")


def show(result: runner.Result, out) -> None:
    word = "passed" if result.passed else "FAILED"
    print(f"{word}  {result.name} ({result.seconds:.0f} s)", file=out, flush=True)
    if not result.passed:
        for line in result.why().splitlines():
            print(f"        {line}", file=out)
        print(f"        output of its processes: {result.files}", file=out, flush=True)


def run_again(results: list[runner.Result], run, out) -> tuple[list[runner.Result], list[str]]:
    """Scenarios have times to keep, and eleven others beside them. One that fails twice, the second
    time almost alone, fails. Returns the results that count, and who was run again."""
    names = sorted(result.name for result in results if not result.passed)
    if not names:
        return results, []
    print(f"once more: {' '.join(names)}", file=out, flush=True)
    second = run(choose(names), 2)
    return [result for result in results if result.passed] + second, names


def summary(results: list[runner.Result], again: list[str], seconds: float) -> dict:
    return {"scenarios": len(results),
            "passed": sum(result.passed for result in results),
            "failed": sorted(result.name for result in results if not result.passed),
            "again": again,
            "seconds": round(seconds, 1),
            "results": [dataclasses.asdict(result) for result in results]}


def raise_interrupt(number: int, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    asked = options()
    chosen = choose(asked.names)
    if asked.list:
        show_list(chosen)
        return 0
    if os.geteuid() != 0:
        refuse("network namespaces need root; run it as root, or with sudo")
    if not asked.program.exists():
        refuse(f"{asked.program} does not exist; ./dev build makes it")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_interrupt)
    network.remove_leftovers()
    runner.unmount_below(asked.out.resolve())
    started = time.monotonic()
    out = sys.stderr if asked.json else sys.stdout
    try:
        def run(some: list[scenario.Scenario], jobs: int) -> list[runner.Result]:
            return runner.run_all(some, jobs, asked.out.resolve(), asked.program.resolve(),
                                  lambda result: show(result, out))
        results, again = run(chosen, asked.jobs), []
        if asked.again:
            results, again = run_again(results, run, out)
    except KeyboardInterrupt as interrupt:
        print(f"lab: ended by {interrupt}; its processes and namespaces are removed",
              file=sys.stderr)
        return 130
    total = summary(results, again, time.monotonic() - started)
    print(f"{total['passed']} of {total['scenarios']} scenarios passed in {total['seconds']:.0f} s",
          file=out)
    if asked.json:
        print(json.dumps(total))
    return 0 if not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
