"""A join that cannot succeed, or not yet, says why within seconds, and what to do."""

import base64
import hashlib
import time

from node import Node, stranger
from scenario import Lab, scenario
from scenarios.tickets import clock_ahead
from swarm import PORT, Swarm, create, expect_one_model, lan, run_text, swarm_on_lan

# What a name server that answers nobody costs the resolver must not count against the program.
RESOLVER = "nameserver 10.0.0.250\noptions timeout:1 attempts:1\n"
ADDRESS = f"10.0.0.1:{PORT}"
# After the number of bytes, flags, run id and expiry.
TICKET_SECRET_AT = 1 + 1 + 32 + 4
TICKET_CHECKSUM_BYTES = 4


def expect_told(node: Node, seconds: float, what: str, *parts: str) -> None:
    """One line within the time, which names all parts; the node keeps trying."""
    node.lab.within(seconds, f"{node.name} is told {what}",
                    lambda: node.process.line_with(*parts), node.process.last_lines)


def owner_and_newcomer(lab: Lab, **keys: object) -> Swarm:
    """A run of two, created but not started. The second is a newcomer."""
    _, hosts = lan(lab, 2, "300kbit")
    swarm = Swarm(lab, hosts)
    swarm.create(**{"steps": 600, **keys})
    return swarm


def wait_for_listener(node: Node) -> None:
    node.lab.require_within(10, "the other program listens",
                            lambda: f":{PORT}" in node.host.run("ss", "-ltn"))


@scenario("nothing-listens")
def nothing_listens(lab: Lab) -> None:
    """At the ticket's address nothing listens: the owner has not started.
    Within 5 s a line names the address and says so; the newcomer keeps trying, and is in within 10 s
    of the owner's start."""
    swarm = owner_and_newcomer(lab)
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 5, "that nothing listens", ADDRESS, "refused|nothing listens")
    time.sleep(5)
    swarm.join(0)
    lab.within(10, "it is in", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 60)


@scenario("nobody-at-address")
def nobody_at_address(lab: Lab) -> None:
    """The machine of the ticket's address is off: packets vanish.
    Within 10 s a line names the address and says that nobody answers; the newcomer is in within 10 s
    of the machine's return."""
    swarm = owner_and_newcomer(lab)
    swarm.owner.host.silence()
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 10, "that nobody answers", ADDRESS,
                "no answer|does not answer|nobody answers|not reach|unreachable|timed out|no route")
    swarm.owner.host.silence(False)
    swarm.join(0)
    lab.within(10, "it is in", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 60)


@scenario("other-run")
def other_run(lab: Lab) -> None:
    """At the ticket's address a node of another run listens.
    Within 5 s a line says that it is another run."""
    swarm = owner_and_newcomer(lab)
    stranger_node = Node(lab, swarm.owner.host, "other")
    create(lab, stranger_node, run_text(nodes=2, name="other"), [ADDRESS])
    stranger_node.join()
    lab.require_within(5, "the other run's node listens", lambda: stranger_node.status())
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 5, "that it is another run", ADDRESS, "another run|other run")


def with_another_secret(ticket: str) -> str:
    """The ticket of a private run with another key; docs/WIRE.md, Ticket, has the bytes. Nobody can
    check its signature before a member has been asked what the run is."""
    word = "starling2"
    text = ticket.removeprefix(word)
    data = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data[TICKET_SECRET_AT] ^= 1
    body = bytes(data[:-TICKET_CHECKSUM_BYTES])
    check = hashlib.blake2b(body, digest_size=32, person=b"starling ticket").digest()
    data[-TICKET_CHECKSUM_BYTES:] = check[:TICKET_CHECKSUM_BYTES]
    return word + base64.urlsafe_b64encode(data).decode().rstrip("=")


@scenario("wrong-key")
def wrong_key(lab: Lab) -> None:
    """The newcomer's ticket is of this private run, but has another key.
    Within 5 s a line says that the key is not the run's; the member is not disturbed."""
    swarm = owner_and_newcomer(lab, private=True)
    lab.require("the ticket is of the form that this scenario knows",
                swarm.ticket.startswith("starling2"), swarm.ticket[:12])
    swarm.join(0)
    lab.require_within(5, "the owner listens", swarm.owner.status)
    swarm.ticket = with_another_secret(swarm.ticket)
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 5, "that the key is wrong", ADDRESS, "key|secret",
                "not the|not take|wrong|other|another")
    lab.check("the owner runs on", swarm.owner.process.code is None)


@scenario("not-starling")
def not_starling(lab: Lab) -> None:
    """At the ticket's address another program listens (an SSH server, say).
    Within 5 s a line says that what answers there is no Starling node."""
    swarm = owner_and_newcomer(lab)
    stranger(lab, swarm.owner.host, f"0.0.0.0:{PORT}", "listen", 0)
    wait_for_listener(swarm.owner)
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 5, "that it is something else", ADDRESS,
                "not a starling|no starling|no node of this|another program|other program")


@scenario("other-version")
def other_version(lab: Lab) -> None:
    """At the ticket's address a node of another version of the protocol listens.
    Within 5 s a line names that version, and says what to do."""
    swarm = owner_and_newcomer(lab)
    stranger(lab, swarm.owner.host, f"0.0.0.0:{PORT}", "listen", 77)
    wait_for_listener(swarm.owner)
    newcomer = swarm.join(1, events=False)
    expect_told(newcomer, 5, "that the version is another", ADDRESS, "version", "77")


def expect_clock_named(lab: Lab, hours: int) -> None:
    swarm = owner_and_newcomer(lab, steps=100000)
    swarm.join(0)
    # libfaketime moves absolute timers too, so a dial that is refused would never be tried again.
    lab.require_within(5, "the owner runs", swarm.owner.status)
    newcomer = swarm.join(1, events=False, environment=clock_ahead(hours))
    expect_told(newcomer, 10, "that the clocks differ", "clock")


@scenario("clock-ahead")
def clock_ahead_25_hours(lab: Lab) -> None:
    """The newcomer's clock is 25 h ahead.
    Within 10 s a line says that the clocks differ."""
    expect_clock_named(lab, 25)


@scenario("clock-behind")
def clock_behind_25_hours(lab: Lab) -> None:
    """The newcomer's clock is 25 h behind.
    Within 10 s a line says that the clocks differ."""
    expect_clock_named(lab, -25)


@scenario("offline-at-start")
def offline_at_start(lab: Lab) -> None:
    """A node is started on a machine without any network address or route.
    It waits, and within 5 s says that the network is not there. It is in within 15 s of getting an
    address."""
    swarm = owner_and_newcomer(lab, steps=1500)
    newcomer = swarm.nodes[1]
    newcomer.host.remove_address()
    newcomer.host.unplug()
    swarm.join(0)
    swarm.join(1, events=False)
    expect_told(newcomer, 5, "that there is no network", "network|route|offline", "unreach|no |off")
    time.sleep(3)
    lab.require("it waits", newcomer.process.code is None, newcomer.process.last_lines())
    newcomer.host.plug_in()
    newcomer.host.add_address("10.0.0.2/24")
    lab.within(15, "it is in", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 60)


@scenario("no-dns-at-start")
def no_dns_at_start(lab: Lab) -> None:
    """The ticket's address is a name, and the name server does not answer at the start.
    The node waits, and within 10 s says that the name cannot be resolved. It is in within 15 s of
    the name being known."""
    _, hosts = lan(lab, 2, "300kbit")
    swarm = Swarm(lab, hosts)
    hosts[0].write_etc("hosts", "127.0.0.1 localhost\n10.0.0.1 owner.lab.test\n")
    hosts[1].write_etc("hosts", "127.0.0.1 localhost\n")
    hosts[1].write_etc("resolv.conf", RESOLVER)
    swarm.create(steps=1500, addresses=[f"owner.lab.test:{PORT}"])
    swarm.join(0, "--no-lan")  # or its beacon would answer
    newcomer = swarm.join(1, "--no-lan", events=False)
    expect_told(newcomer, 10, "that the name cannot be resolved", "owner.lab.test",
                "resolve|name|dns")
    time.sleep(3)
    lab.require("it waits", newcomer.process.code is None, newcomer.process.last_lines())
    hosts[1].write_etc("hosts", "127.0.0.1 localhost\n10.0.0.1 owner.lab.test\n")
    lab.within(15, "it is in", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 60)


@scenario("left-alone")
def left_alone(lab: Lab) -> None:
    """Of two nodes the other loses power.
    The one that is left says within 10 s that it has no neighbour any more, and when it has one
    again."""
    swarm = swarm_on_lan(lab, 2, seconds=40, events=False)
    node, other = swarm.nodes
    printed = len(node.process.text())
    other.host.silence()
    other.process.kill()
    lab.within(10, "it says so",
               lambda: "no neighbour" in node.process.text()[printed:], node.process.last_lines)
    printed = len(node.process.text())
    other.host.silence(False)
    other.join_again()
    lab.within(15, "it names the neighbour when it is back",
               lambda: "neighbour " in node.process.text()[printed:], node.process.last_lines)
