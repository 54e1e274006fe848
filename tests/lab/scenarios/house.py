"""Signals, terminals, descriptors and disks: what a process owes the machine that it runs on."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time

import network
from node import run_program, stranger
from scenario import Lab, scenario, wait_until
from swarm import PORT, Swarm, expect_one_model, expect_steps_go_on, lan, standings, swarm_on_lan

ESCAPE = b"\x1b"


@scenario("status-after-kill")
def status_after_kill(lab: Lab) -> None:
    """A node was killed (kill -9).
    `starling status` says that it is not running, since when, and what it last did; not that it
    trains."""
    swarm = swarm_on_lan(lab, 2)
    node = swarm.nodes[1]
    running = node.status()
    lab.check("a running node is said to run", running.get("running") is True, running)
    node.process.kill()
    killed_at = time.time()
    dead = node.status()
    lab.check("a killed node is said not to run", dead.get("running") is False, dead)
    lab.check("since says when", since_is_about(dead.get("since"), killed_at), dead.get("since"))
    shown = node.command("status", node.directory).stdout
    lab.check("the page for people says so", "not running" in shown, shown)


def since_is_about(since: object, seconds: float) -> bool:
    """since: seconds since 1970, or a date in ISO 8601."""
    import datetime
    if isinstance(since, str):
        with contextlib.suppress(ValueError):
            since = datetime.datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp()
    return isinstance(since, (int, float)) and abs(since - seconds) < 10


@scenario("sighup")
def sighup(lab: Lab) -> None:
    """The terminal window is closed (SIGHUP).
    The node leaves politely, with its state on disk: started again it goes on where it was."""
    swarm = swarm_on_lan(lab, 2, checkpoint_every=0)
    other, node = swarm.nodes
    wait_until(lambda: node.step() >= 200, 20)
    step = node.step()
    node.process.signal(signal.SIGHUP)
    lab.require("the node ends within 5 s", node.process.ended_within(5), standings([node]))
    lab.check("its status says that it left before the merge", node.process.code == 4,
              node.process.last_lines(2))
    lab.check("a checkpoint is on disk", (node.directory / "checkpoint").exists())
    lab.within(2, "the other is told", lambda: other.process.events("peer_lost"))
    node.join_again()
    lab.within(10, "it goes on from the step where it was",
               lambda: any(event["step"] >= step for event in node.process.events("steps_done")[:1]),
               lambda: node.process.events("steps_done")[:1])
    expect_one_model(swarm.nodes, 60)


@scenario("two-signals")
def two_signals(lab: Lab) -> None:
    """Ctrl-C twice, where leaving politely takes its time: the network swallows every farewell.
    The first lets the node leave; the second ends it within a second, and not with success."""
    swarm = swarm_on_lan(lab, 2)
    node = swarm.nodes[1]
    node.host.silence()
    time.sleep(2)  # what it sends meanwhile stays in its queues
    node.process.signal(signal.SIGINT)
    lab.require("it is still leaving half a second later", not node.process.ended_within(0.5),
                node.process.last_lines(2))
    node.process.signal(signal.SIGINT)
    lab.require("the second signal ends it within a second", node.process.ended_within(1),
                standings([node]))
    lab.check("not by a signal that nobody handled, and not with success",
              node.process.code is not None and node.process.code > 0, node.process.code)


@scenario("stdout-closed")
def stdout_closed(lab: Lab) -> None:
    """A node is started with standard output closed (`starling join ... >&-`).
    It runs to its end, and no progress text gets into a file of the node directory."""
    _, hosts = lan(lab, 2)
    swarm = Swarm(lab, hosts)
    swarm.create(steps=300)
    swarm.join(0)
    node = swarm.join(1, events=False, before=["sh", "-c", 'exec "$@" >&-', "sh"])
    expect_one_model(swarm.nodes, 40)
    spoiled = [path.name for path in node.directory.iterdir() if path.is_file()
               and any(word in path.read_bytes() for word in (b"neighbour ", b"training begins"))]
    lab.check("no progress text in any file", not spoiled, spoiled)
    lab.check("the lock file is empty", (node.directory / "lock").stat().st_size == 0)


class Terminal:
    """A pseudo terminal that keeps what is written to it."""

    def __init__(self, columns: int):
        self.outside, self.inside = pty.openpty()
        fcntl.ioctl(self.inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.written = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self.outside, 65536):
                self.written += data

    def run(self, lab: Lab, node, term: str) -> None:
        """`starling join` of node 1 of a run, with this as its terminal, to its end."""
        argv = node.host.enter(lab.program, "join", "--dir", node.directory, "--shard", "1/2",
                               (lab.folder / "ticket").read_text())
        done = subprocess.Popen(argv, stdin=self.inside, stdout=self.inside, stderr=self.inside,
                                env={**os.environ, "TERM": term}, start_new_session=True)
        lab.require("it ends well", done.wait(40) == 0, self.written[-500:])
        time.sleep(0.2)  # for the reader to catch up


def written_on_terminal(lab: Lab, columns: int, term: str) -> bytes:
    _, hosts = lan(lab, 2)
    swarm = Swarm(lab, hosts)
    (lab.folder / "ticket").write_text(swarm.create(steps=300, evaluate_every=50))
    swarm.join(0)
    terminal = Terminal(columns)
    terminal.run(lab, swarm.nodes[1], term)
    lab.require("it has shown progress", b"step" in terminal.written, terminal.written)
    return terminal.written


@scenario("dumb-terminal")
def dumb_terminal(lab: Lab) -> None:
    """The terminal cannot move its cursor (TERM=dumb).
    No escape sequence is written to it."""
    written = written_on_terminal(lab, 80, "dumb")
    lab.check("no escape character", ESCAPE not in written, written[-300:])
    lab.check("no line is written over", b"\r" not in written.replace(b"\r\n", b"\n"),
              written[-300:])


@scenario("narrow-terminal")
def narrow_terminal(lab: Lab) -> None:
    """The terminal has 40 columns.
    The line of progress fits it, so that writing it again leaves no remains of the last one."""
    written = written_on_terminal(lab, 40, "xterm")
    rewritten = [part.split(b"\r\n")[0].split(b"\n")[0] for part in written.split(b"\r\x1b[2K")[1:]
                 if b"/300" in part.split(b"\n")[0]]
    lab.require("the line of progress was rewritten", len(rewritten) > 1, written[-300:])
    longest = max(rewritten, key=len)
    lab.check("it fits 40 columns", len(longest.decode(errors="replace")) <= 40, longest)


@scenario("few-descriptors", seconds=120)
def few_descriptors(lab: Lab) -> None:
    """A node may open 32 files (`ulimit -n 32`), and 60 idle strangers call it.
    It goes on, saves its state, and the run ends with one model."""
    switch, hosts = lan(lab, 2, "300kbit")
    swarm = Swarm(lab, hosts)
    swarm.create(steps=1500, checkpoint_every=100)
    swarm.join(0, before=["sh", "-c", 'ulimit -n 32; exec "$@"', "sh"])
    swarm.join(1)
    swarm.require_training()
    attacker = lab.network.host("attacker", switch, "10.0.0.99/24")
    stranger(lab, attacker, f"10.0.0.1:{PORT}", "silent", 60)
    time.sleep(8)
    lab.require("the node still runs", swarm.owner.process.code is None,
                swarm.owner.process.last_lines())
    before = (swarm.owner.directory / "checkpoint").stat().st_mtime
    expect_steps_go_on(swarm.nodes, 5, "both go on")
    lab.within(15, "a checkpoint is saved",
               lambda: (swarm.owner.directory / "checkpoint").stat().st_mtime > before)
    expect_one_model(swarm.nodes, 80)


@scenario("disk-full", seconds=120)
def disk_full(lab: Lab) -> None:
    """The disk of a node directory is full from the middle of the run on.
    The node says so in one line and does not crash; the other goes on. When there is space again the
    same command goes on, and both end with one model."""
    _, hosts = lan(lab, 2, "300kbit")
    swarm = Swarm(lab, hosts)
    disk = lab.folder / "node1"
    disk.mkdir()
    network.command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk)
    swarm.create(steps=4000)
    swarm.start().require_training()
    node = swarm.nodes[1]
    filler = disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    lab.within(15, "a line says that there is no space",
               lambda: node.process.line_with("no space|disk is full|disk full"),
               lambda: node.process.last_lines())
    expect_steps_go_on([swarm.owner], 5, "the other goes on")
    code = node.process.code
    lab.check("it has not crashed", code is None or code > 0, node.process.last_lines())
    filler.unlink()
    if node.process.code is not None:
        node.join_again()
    expect_one_model(swarm.nodes, 80)


@scenario("short-ticket")
def short_ticket(lab: Lab) -> None:
    """A private run is created with three addresses.
    Its ticket has at most 256 characters, and its QR code fits a terminal of 80 columns."""
    _, (host,) = lan(lab, 1)
    file = lab.folder / "run.toml"
    file.write_text('name = "lab"\ntask = "clusters"\nrecipe = "gossip"\nsteps = 10\n')
    words = [word for address in ("192.0.2.7:4747", "[2001:db8::7]:4747", "node.example.org:4747")
             for word in ("--address", address)]
    done = run_program(lab, host, "create", file, "--dir", lab.folder / "a", "--qr", *words)
    lab.require("a run is created", done.returncode == 0, done.stderr)
    ticket, *code = done.stdout.splitlines()
    lab.check("the ticket has at most 256 characters", len(ticket) <= 256, len(ticket))
    lab.check("it begins with starling2", ticket.startswith("starling2"), ticket[:12])
    lab.require("a QR code is drawn", len(code) > 10, len(code))
    width = max(len(line) for line in code)
    lab.check("the QR code fits 80 columns", width <= 80, width)
