"""Runs scenarios, several at a time, each in a process of its own with a time limit."""

import ctypes
import dataclasses
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import time
import traceback

import network
import scenario
from network import Network

# prctl(2): the kernel ends a scenario whose runner is gone.
PR_SET_PDEATHSIG = 1


@dataclasses.dataclass
class Result:
    name: str
    passed: bool
    seconds: float
    expected: str        # the scenario's docstring
    seen: list[dict]     # its checks
    error: str           # why it ended early; empty if it did not
    files: str           # where the output of its processes is

    def why(self) -> str:
        bad = [f"{check['what']} -- seen: {check['seen']}" for check in self.seen
               if not check["passed"]]
        return "\n".join(bad + ([self.error] if self.error else []))


class Job:
    """One scenario under way."""

    def __init__(self, number: int, what: scenario.Scenario, folder: pathlib.Path,
                 program: pathlib.Path):
        self.what = what
        self.folder = folder / what.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.prefix = f"{network.PREFIX}{os.getpid()}-{number}"
        self.started = time.monotonic()
        self.process = multiprocessing.Process(
            target=_perform, args=(what, self.prefix, self.folder, program))
        self.process.start()

    def is_over(self) -> bool:
        late = time.monotonic() - self.started > self.what.seconds
        if self.process.is_alive() and not late:
            return False
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        return True

    def result(self) -> Result:
        """Cleans up as well."""
        seconds = round(time.monotonic() - self.started, 1)
        clean_up(self.prefix, self.folder)
        record = self.folder / "verdict.json"
        kept = json.loads(record.read_text()) if record.exists() else {}
        checks = kept.get("checks", [])
        error = kept.get("error", f"no end in {self.what.seconds} s")
        if not checks and not error:
            error = "the scenario has checked nothing"
        passed = not error and all(check["passed"] for check in checks)
        return Result(self.what.name, passed, seconds, self.what.text, checks, error,
                      str(self.folder))

    def abort(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        clean_up(self.prefix, self.folder)


def clean_up(prefix: str, folder: pathlib.Path) -> None:
    """Processes first, for they hold files of the disks that a scenario has mounted."""
    network.remove_namespaces(prefix + "-")
    unmount_below(folder)


def unmount_below(folder: pathlib.Path) -> None:
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        place = line.split()[1]
        if pathlib.Path(place).is_relative_to(folder):
            subprocess.run(["umount", place], check=False)


def _perform(what: scenario.Scenario, prefix: str, folder: pathlib.Path,
             program: pathlib.Path) -> None:
    """In the scenario's own process. The verdict is kept as it grows: a time limit may end us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which ends us
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    lab = RecordingLab(Network(prefix), folder, program)
    error = ""
    try:
        what.run(lab)
    except scenario.Failed:
        pass
    except Exception:  # of any kind: the lab's own fault, told with its place
        error = traceback.format_exc()
    lab.record(error)


class RecordingLab(scenario.Lab):
    def check(self, what: str, passed: bool, seen: object = "") -> bool:
        verdict = super().check(what, passed, seen)
        self.record(None)
        return verdict

    def record(self, error: str | None) -> None:
        """error: None while the scenario goes on."""
        kept = {"checks": [dataclasses.asdict(check) for check in self.checks]}
        if error is not None:
            kept["error"] = error
        fresh = self.folder / "verdict.json.fresh"
        fresh.write_text(json.dumps(kept))
        fresh.rename(self.folder / "verdict.json")


def run_all(chosen: list[scenario.Scenario], capacity: int, folder: pathlib.Path,
            program: pathlib.Path, report) -> list[Result]:
    """The longest first, so that none of them is left over at the end. report: told each result."""
    waiting = sorted(chosen, key=lambda one: (-one.share, -one.seconds))
    running: list[Job] = []
    results = []
    number = 0
    try:
        while waiting or running:
            used = sum(job.what.share for job in running)
            fits = next((one for one in waiting
                         if used + min(one.share, capacity) <= capacity), None)
            if fits is not None:
                waiting.remove(fits)
                number += 1
                running.append(Job(number, fits, folder, program))
                continue
            time.sleep(scenario.POLL_S)
            for job in [job for job in running if job.is_over()]:
                running.remove(job)
                results.append(job.result())
                report(results[-1])
    finally:
        for job in running:
            job.abort()
    return results
