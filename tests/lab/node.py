"""Processes of the starling program: started on a host, signalled, and observed as a person or a
script would, by what they print, by `starling status` and by the files they leave."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing

import scenario
from network import Host

COMMAND_SECONDS_MAX = 30


class Process:
    """`starling ARGUMENTS...` on a host. Its output goes to files that can be read at any time."""

    def __init__(self, lab: scenario.Lab, host: Host, name: str, arguments: list[object],
                 before: list[str] | None = None, environment: dict[str, str] | None = None):
        """before: words in front of the program, such as a shell that sets limits first.
        The files are lab.folder/NAME.out and .err."""
        self.name = name
        self.out_path = lab.folder / f"{name}.out"
        self.err_path = lab.folder / f"{name}.err"
        argv = host.enter(*(before or []), lab.program, *arguments)
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          env={**os.environ, **(environment or {})},
                                          start_new_session=True)
        self.started = time.monotonic()
        self._parsed_bytes = 0
        self._events: list[dict] = []

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def code(self) -> int | None:
        """The exit status; -N after signal N; None while it runs."""
        return self.popen.poll()

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        """kill -9, also of a stopped process."""
        self.popen.kill()
        self.popen.wait()

    def ended_within(self, seconds: float) -> bool:
        return scenario.wait_until(lambda: self.code is not None, seconds)

    def text(self) -> str:
        """All it has printed so far, errors included."""
        return (self.out_path.read_text(errors="replace") +
                self.err_path.read_text(errors="replace"))

    def line_with(self, *parts: str) -> str:
        """The first printed line that holds all `parts`, whatever the case of letters; empty if none
        does. A part may name alternatives: "refused|nothing listens"."""
        for line in self.text().splitlines():
            low = line.lower()
            if all(any(word in low for word in part.lower().split("|")) for part in parts):
                return line
        return ""

    def last_lines(self, count: int = 6) -> str:
        lines = [line[:160] for line in self.text().splitlines() if line.strip()]
        return f"{self.name} (status {self.code}): " + " | ".join(lines[-count:])

    def events(self, kind: str | None = None) -> list[dict]:
        """What --json-events printed, in order; of one kind, if given."""
        data = self.out_path.read_bytes()
        end = data.rfind(b"\n") + 1
        for line in data[self._parsed_bytes:end].splitlines():
            if line.startswith(b"{"):
                self._events.append(json.loads(line))
        self._parsed_bytes = max(self._parsed_bytes, end)
        return [event for event in self._events if kind in (None, event["event"])]

    def resident_bytes(self) -> int:
        pages = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Node:
    """A node directory and the host it is on, whatever process runs there at the moment."""

    def __init__(self, lab: scenario.Lab, host: Host, name: str):
        self.lab = lab
        self.host = host
        self.name = name
        self.directory = lab.folder / name
        self.starts = 0
        self.process: Process | None = None
        self.options: list[object] = []

    def join(self, *arguments: object, events: bool = True, **how: typing.Any) -> Process:
        """`starling join` in this directory. how: as Process takes it."""
        self.starts += 1
        self.options = list(arguments)
        words = ["join", *arguments, "--dir", self.directory]
        words += ["--json-events"] if events else []
        self.process = Process(self.lab, self.host, f"{self.name}.{self.starts}", words, **how)
        return self.process

    def join_again(self, *more: object, events: bool = True, **how: typing.Any) -> Process:
        """As the program itself tells the user: `starling join --dir DIR`, without the ticket."""
        options = [word for word in self.options if not str(word).startswith("starling")]
        return self.join(*options, *more, events=events, **how)

    def command(self, *words: object) -> subprocess.CompletedProcess:
        """A starling command that ends by itself, on this host."""
        return run_program(self.lab, self.host, *words)

    def status(self) -> dict:
        """`starling status DIR --json`; empty if it gave none."""
        return parsed(self.command("status", self.directory, "--json").stdout)

    def step(self) -> int:
        return self.status().get("step", 0)

    @property
    def id(self) -> str:
        return self.status().get("self", "")

    def neighbours(self) -> dict[str, dict]:
        """By node id."""
        return {entry["id"]: entry for entry in self.status().get("neighbours", [])}

    def manifest(self) -> dict:
        return self._read("manifest.json")

    def written_status(self) -> dict:
        """The file that the running node writes, without asking it."""
        return self._read("status.json")

    def _read(self, file_name: str) -> dict:
        path = self.directory / file_name
        return parsed(path.read_text()) if path.exists() else {}


def beside(file_name: str) -> pathlib.Path:
    """A program of the lab that runs on its hosts."""
    return pathlib.Path(__file__).resolve().parent / file_name


def stranger(lab: scenario.Lab, host: Host, target: str, manner: str, count: int) -> None:
    """Starts stranger.py; it ends with its host. Its own trouble is in FOLDER/stranger.err."""
    argv = host.enter(sys.executable, beside("stranger.py"), target, manner, count)
    with open(lab.folder / "stranger.err", "ab") as errors:
        subprocess.Popen(argv, stderr=errors)


def run_program(lab: scenario.Lab, host: Host, *words: object,
                seconds: float = COMMAND_SECONDS_MAX) -> subprocess.CompletedProcess:
    """Status 124, as of timeout(1), if it does not end by itself."""
    argv = host.enter(lab.program, *words)
    try:
        return subprocess.run(argv, text=True, capture_output=True, check=False,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no end in {seconds:g} s")


def parsed(text: str) -> dict:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
