"""What a scenario is, where scenarios are kept, and what one is given: a network and its verdicts."""

import dataclasses
import inspect
import pathlib
import time
import typing

from network import Network

POLL_S = 0.1


class Failed(Exception):
    """Something that must hold did not, and nothing after it would mean anything."""


@dataclasses.dataclass
class Check:
    what: str
    passed: bool
    seen: str
    seconds: float  # since the scenario's start


@dataclasses.dataclass
class Scenario:
    name: str
    run: typing.Callable[["Lab"], None]
    text: str       # its docstring: the situation, and what must happen
    seconds: int    # after which it has failed
    share: int      # of the runner's capacity that it takes: 1, or more for those that load the machine


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, seconds: int = 90, share: int = 1, **variants: list):
    """Registers a function of (lab) under `name`; with one keyword, NAME=[VALUE...], a function of
    (lab, VALUE) under "name-VALUE" for each value."""
    def register(function):
        text = inspect.cleandoc(function.__doc__)
        if not variants:
            _add(Scenario(name, function, text, seconds, share))
            return function
        (parameter, values), = variants.items()
        for value in values:
            def run(lab, value=value):
                function(lab, **{parameter: value})
            _add(Scenario(f"{name}-{value}", run, text, seconds, share))
        return function
    return register


def _add(new: Scenario) -> None:
    assert new.name not in SCENARIOS, new.name
    SCENARIOS[new.name] = new


class Lab:
    """One scenario under way."""

    def __init__(self, network: Network, folder: pathlib.Path, program: pathlib.Path):
        self.network = network
        self.folder = folder
        self.program = program
        self.checks: list[Check] = []
        self.started = time.monotonic()

    def check(self, what: str, passed: bool, seen: object = "") -> bool:
        """Keeps a verdict; the scenario goes on."""
        since_start = time.monotonic() - self.started
        self.checks.append(Check(what, bool(passed), shortened(str(seen)), round(since_start, 1)))
        return bool(passed)

    def require(self, what: str, passed: bool, seen: object = "") -> None:
        """Keeps a verdict; the scenario ends if it is a bad one."""
        if not self.check(what, passed, seen):
            raise Failed(what)

    def within(self, seconds: float, what: str, question: typing.Callable[[], typing.Any],
               seen: typing.Callable[[], object] = lambda: "") -> bool:
        """Asks until the answer is true; keeps the verdict, and how long it took or what was there
        instead."""
        started = time.monotonic()
        answer = wait_until(question, seconds)
        took = f"after {time.monotonic() - started:.1f} s; {seen()}"
        return self.check(f"{what} within {seconds:g} s", bool(answer), took)

    def require_within(self, seconds: float, what: str, question: typing.Callable[[], typing.Any],
                       seen: typing.Callable[[], object] = lambda: "") -> None:
        if not self.within(seconds, what, question, seen):
            raise Failed(what)


def wait_until(question: typing.Callable[[], typing.Any], seconds: float):
    """The first true answer, or the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() >= deadline:
            return answer
        time.sleep(POLL_S)


def shortened(text: str, characters_max: int = 1200) -> str:
    return text if len(text) <= characters_max else text[:characters_max] + " [...]"
