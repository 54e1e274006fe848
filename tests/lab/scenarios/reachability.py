"""Members that cannot reach each other directly, or not by the first address."""

import dataclasses
import signal
import subprocess
import sys
import time

import network
from network import Host, Router, Switch
from node import Node, beside
from scenario import Lab, scenario
from swarm import (PORT, RECIPES, UPLINKS, Swarm, create, expect_one_model, expect_steps_go_on,
                   expect_takes_part, lan, run_text, standings, steps_of)

UPLINK = "300kbit"
PUBLIC = "203.0.113.10"


def paths(nodes: list[Node]) -> dict[tuple[str, str], str]:
    """(name of the node, name of its neighbour) -> by which path, as `status --json` says."""
    statuses = {node.name: node.status() for node in nodes}
    names = {status.get("self"): name for name, status in statuses.items()}
    return {(name, names.get(entry["id"], entry["id"])): entry.get("path", "unknown")
            for name, status in statuses.items() for entry in status.get("neighbours", [])}


def expect_path(one: Node, other: Node, allowed: set[str], nodes: list[Node],
                seconds: float = 20) -> None:
    """The two become neighbours by one of these paths, as both see it."""
    def found() -> set[str]:
        seen = paths(nodes)
        return {seen.get((one.name, other.name), ""), seen.get((other.name, one.name), "")}
    one.lab.within(seconds, f"{one.name} and {other.name} are linked, {' or '.join(sorted(allowed))}",
                   lambda: found() <= allowed, lambda: paths(nodes))


def relayed_bytes(nodes: list[Node]) -> dict[str, int]:
    return {node.name: node.status().get("relayed_bytes", 0) for node in nodes}


def firewall_pair(lab: Lab, how: str) -> None:
    _, hosts = lan(lab, 3, UPLINK)
    hosts[1].block([hosts[2]], how)
    hosts[2].block([hosts[1]], how)
    swarm = Swarm(lab, hosts)
    swarm.create(steps=steps_of("gossip", 30, 3))
    swarm.start()
    middle, one, other = swarm.nodes
    lab.require_within(20, "all train", lambda: all(node.step() > 20 for node in swarm.nodes),
                       lambda: standings(swarm.nodes))
    expect_path(one, other, {"relayed"}, swarm.nodes)
    lab.check("the one between them counts what it relays", relayed_bytes(swarm.nodes)[middle.name] > 0,
              relayed_bytes(swarm.nodes))
    expect_one_model(swarm.nodes, 70)


@scenario("firewall-pair-drop", seconds=120)
def firewall_pair_drop(lab: Lab) -> None:
    """Two members cannot reach each other: a firewall between them drops packets. A third reaches both.
    The pair is linked over the third, which counts the bytes; all three end with one model."""
    firewall_pair(lab, "drop")


@scenario("firewall-pair-reset", seconds=120)
def firewall_pair_reset(lab: Lab) -> None:
    """As firewall-pair-drop, but the firewall answers with resets.
    The pair is linked over the third; all three end with one model."""
    firewall_pair(lab, "reject with tcp reset")


@dataclasses.dataclass
class Home:
    """A household behind a router that translates addresses."""
    router: Router
    hosts: list[Host]


def internet(lab: Lab) -> tuple[Switch, Host]:
    """The outer segment and one public host on it."""
    outer = lab.network.switch()
    public = lab.network.host("public", outer, f"{PUBLIC}/24")
    public.limit_rate("2mbit")
    return outer, public


def home(lab: Lab, outer: Switch, number: int, hosts: int = 1, symmetric: bool = False,
         rate: str = UPLINK) -> Home:
    """10.0.NUMBER.2, .3, ... behind 203.0.113.NUMBER. rate: of each host's uplink."""
    router = lab.network.router(f"router{number}", outer, f"203.0.113.{number}/24")
    inner = lab.network.switch()
    router.serve(inner, f"10.0.{number}.1/24")
    router.masquerade(symmetric)
    made = []
    for index in range(hosts):
        host = lab.network.host(f"home{number}-{index}", inner, f"10.0.{number}.{index + 2}/24",
                                gateway=f"10.0.{number}.1")
        host.limit_rate(rate)
        made.append(host)
    return Home(router, made)


def start_behind_nat(lab: Lab, hosts: list[Host], recipe: str = "gossip", seconds: float = 40) -> Swarm:
    """The first host is public and owns the run."""
    swarm = Swarm(lab, hosts)
    swarm.create(recipe, steps=steps_of(recipe, seconds, len(hosts)))
    swarm.start()
    lab.require_within(30, "all train with others",
                       lambda: all(node.step() > 3 and node.neighbours() for node in swarm.nodes),
                       lambda: standings(swarm.nodes))
    return swarm


@scenario("nat-one-public-two-behind", seconds=150, recipe=RECIPES)
def nat_one_public_two_behind(lab: Lab, recipe: str) -> None:
    """One public node, and two behind a router each that nobody can punch through (symmetric).
    The two are linked over the public one, and all three end with one model."""
    outer, public = internet(lab)
    homes = [home(lab, outer, number, symmetric=True, rate=UPLINKS[recipe]) for number in (1, 2)]
    # A relay passes 32 KiB/s for a pair, which is one or two rounds a second of this model.
    swarm = start_behind_nat(lab, [public, homes[0].hosts[0], homes[1].hosts[0]], recipe,
                             seconds=8 if recipe == "dsgd" else 40)
    _, one, other = swarm.nodes
    expect_path(one, other, {"relayed"}, swarm.nodes, 30)
    expect_one_model(swarm.nodes, 90)


@scenario("nat-punch", seconds=150)
def nat_punch(lab: Lab) -> None:
    """One public node, and two behind ordinary routers that drop stray packets.
    The two punch through and are linked without a relay; all three end with one model."""
    outer, public = internet(lab)
    homes = [home(lab, outer, number) for number in (1, 2)]
    swarm = start_behind_nat(lab, [public, homes[0].hosts[0], homes[1].hosts[0]])
    _, one, other = swarm.nodes
    expect_path(one, other, {"punched"}, swarm.nodes, 30)
    expect_one_model(swarm.nodes, 90)


@scenario("nat-reversal", seconds=120)
def nat_reversal(lab: Lab) -> None:
    """Two public nodes, and one behind a symmetric router that knows the first of them only.
    The second asks over the first to be dialled: the two are linked, and not by a relay."""
    outer, public = internet(lab)
    second = lab.network.host("public2", outer, "203.0.113.11/24")
    second.limit_rate("2mbit")
    behind = home(lab, outer, 1, symmetric=True)
    swarm = start_behind_nat(lab, [public, second, behind.hosts[0]])
    _, one, other = swarm.nodes
    # A punch that the public one is asked for first is a dial of the other's, too.
    expect_path(one, other, {"reversed", "direct", "punched"}, swarm.nodes, 20)
    lab.within(40, f"{one.name} and {other.name} know whether they can be dialled",
               lambda: (one.status().get("reach"), other.status().get("reach"))
               == ("public", "behind_nat"),
               lambda: [node.status().get("reach") for node in swarm.nodes])
    expect_one_model(swarm.nodes, 90)


@scenario("relay-dies", seconds=150)
def relay_dies(lab: Lab) -> None:
    """A firewall keeps two of four members apart. The member over which they are linked loses power.
    Within 15 s they are linked over the fourth, and the three that are left end with one model."""
    _, hosts = lan(lab, 4, UPLINK)
    hosts[2].block([hosts[3]])
    hosts[3].block([hosts[2]])
    swarm = Swarm(lab, hosts)
    swarm.create(steps=steps_of("gossip", 28))
    swarm.start().require_training()
    *between, one, other = swarm.nodes
    expect_path(one, other, {"relayed"}, swarm.nodes)
    before = relayed_bytes(between)
    time.sleep(2)
    after = relayed_bytes(between)
    relay = max(between, key=lambda node: after[node.name] - before[node.name])
    spare = between[1 - between.index(relay)]
    relay.host.silence()
    left = [spare, one, other]
    carried = relayed_bytes([spare])[spare.name]
    lab.within(15, f"{spare.name} relays now",
               lambda: relayed_bytes([spare])[spare.name] > carried + 1000 and
               paths(left).get((one.name, other.name)) == "relayed", lambda: paths(left))
    relay.process.kill()
    expect_one_model(left, 100, members=3)


@scenario("nat-mapped", seconds=180)
def nat_mapped(lab: Lab) -> None:
    """Two public nodes, one behind a router that opens ports on request (NAT-PMP), and later one
    behind a symmetric router.
    Within 60 s the third has asked for a port and its address is tested. The last dials it there."""
    outer, public = internet(lab)
    second = lab.network.host("public2", outer, "203.0.113.11/24")
    second.limit_rate("2mbit")
    willing, closed = home(lab, outer, 1), home(lab, outer, 2, symmetric=True)
    subprocess.Popen(willing.router.enter(sys.executable, beside("natpmp.py"), "10.0.1.1",
                                          "203.0.113.1"))
    swarm = Swarm(lab, [public, second, willing.hosts[0], closed.hosts[0]])
    swarm.create(steps=steps_of("gossip", 80), nodes=3)
    for index in range(3):
        swarm.join(index)
    *_, mapped, other = swarm.nodes
    lab.within(60, f"{mapped.name} is reachable by a mapped port",
               lambda: mapped.status().get("reach") == "mapped",
               lambda: {key: mapped.status().get(key) for key in ("reach", "address")})
    swarm.join(3)

    def seen() -> set[str]:
        """As both ends call it: the one that was asked to dial calls the same link reversed."""
        found = paths(swarm.nodes)
        return {found.get((other.name, mapped.name), ""), found.get((mapped.name, other.name), "")}
    lab.within(20, f"{other.name} dials {mapped.name} at the mapped port",
               lambda: any(event["path"] == "mapped" and event["peer"] == mapped.id
                           for event in other.process.events("peer_joined")),
               lambda: paths(swarm.nodes))
    lab.within(5, "their link needs no relay", lambda: seen() <= {"mapped", "reversed", "direct"},
               lambda: paths(swarm.nodes))
    expect_one_model(swarm.nodes, 90)


@scenario("port-mapping", seconds=90)
def port_mapping(lab: Lab) -> None:
    """Two nodes in a household whose router opens ports on request (NAT-PMP); one of them is not to
    ask (--no-port-mapping).
    Within 10 s the other says where the router leads to it, and a public host gets through to it
    there. The port is closed when the node leaves."""
    outer, public = internet(lab)
    willing = home(lab, outer, 1, hosts=2)
    subprocess.Popen(willing.router.enter(sys.executable, beside("natpmp.py"), "10.0.1.1",
                                          "203.0.113.1"))
    lab.require_within(5, "the router listens",
                       lambda: ":5351" in willing.router.run("ss", "-Huln"))
    swarm = Swarm(lab, willing.hosts)
    swarm.create(steps=3000, addresses=[f"10.0.1.2:{PORT}"])
    asking = swarm.join(0, events=False)
    silent = swarm.join(1, "--no-port-mapping", events=False)
    lab.require_within(10, "one says where the router leads to it",
                       lambda: asking.process.line_with("router leads 203.0.113.1:61000"),
                       asking.process.last_lines)

    def gets_through() -> bool:
        """A listener of the protocol says nothing before it is spoken to, but takes the connection."""
        connect = "import socket, sys; socket.create_connection(('203.0.113.1', 61000), 2)"
        return subprocess.run(public.enter(sys.executable, "-c", connect), check=False,
                              capture_output=True).returncode == 0
    lab.check("a public host gets through", gets_through())
    lab.check("the other has not asked", not silent.process.line_with("router"),
              silent.process.last_lines())
    asking.process.signal(signal.SIGINT)
    lab.require("it leaves", asking.process.ended_within(12), asking.process.last_lines())
    lab.check("the port is closed", not gets_through())


@scenario("nat-six", seconds=240, share=2)
def nat_six(lab: Lab) -> None:
    """Six hosts: one public, three behind an ordinary router, two behind a symmetric one. In the middle
    the ordinary router gets another address, and a cable is out for 20 s.
    Members of one household are linked directly, all with the public one, the households over it.
    The others go on meanwhile, and all six end with one model."""
    outer, public = internet(lab)
    ordinary, symmetric = home(lab, outer, 1, hosts=3), home(lab, outer, 2, 2, symmetric=True)
    swarm = start_behind_nat(lab, [public, *ordinary.hosts, *symmetric.hosts], seconds=48)
    first, second = swarm.nodes[1:4], swarm.nodes[4:]
    expect_path(first[0], first[1], {"direct", "lan"}, swarm.nodes)
    expect_path(second[0], second[1], {"direct", "lan"}, swarm.nodes)
    for node in swarm.nodes[1:]:
        expect_path(node, swarm.owner, {"direct", "reversed"}, swarm.nodes)

    def between() -> list[str]:
        seen = paths(swarm.nodes)
        return [seen[pair] for pair in seen if (pair[0] in names(first)) == (pair[1] in names(second))
                and swarm.owner.name not in pair]
    lab.within(30, "households are linked by relay", lambda: "relayed" in between(),
               lambda: paths(swarm.nodes))
    lab.check("households are linked by nothing but relay or punch",
              set(between()) <= {"relayed", "punched"}, paths(swarm.nodes))
    ordinary.router.rebind("203.0.113.77/24")
    expect_steps_go_on([swarm.owner, *second], 5, "the others go on when the router has another address")
    expect_steps_go_on(first, 15, "those behind it are back")
    for node in first:
        lab.within(15, f"{node.name} is linked with the public node again",
                   lambda node=node: (node.name, swarm.owner.name) in paths(swarm.nodes),
                   lambda: paths(swarm.nodes))
    pulled = second[0]
    pulled.host.unplug()
    started = time.monotonic()
    expect_steps_go_on([node for node in swarm.nodes if node is not pulled], 5,
                       "the others go on without the pulled one")
    time.sleep(max(0.0, started + 20 - time.monotonic()))
    pulled.host.plug_in()
    expect_takes_part(pulled, [node for node in swarm.nodes if node is not pulled], 15,
                      "the pulled one takes part again")
    expect_one_model(swarm.nodes, 120)


def names(nodes: list[Node]) -> set[str]:
    return {node.name for node in nodes}


@scenario("ipv6-ticket")
def ipv6_ticket(lab: Lab) -> None:
    """The hosts have IPv6 addresses only, and so has the ticket.
    A newcomer is in within 5 s, and both end with one model."""
    switch = lab.network.switch()
    hosts = [lab.network.host(f"host{i}", switch, f"fd00::{i + 1}/64") for i in range(2)]
    swarm = Swarm(lab, hosts)
    swarm.create(steps=300, addresses=[f"[fd00::1]:{PORT}"])
    swarm.join(0)
    newcomer = swarm.join(1)
    lab.within(5, "the newcomer has a neighbour", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 40)


@scenario("dual-stack-owner")
def dual_stack_owner(lab: Lab) -> None:
    """The ticket's name has an A and an AAAA record. One newcomer has IPv4 only, another IPv6 only.
    The owner listens on both: each newcomer is in within 5 s, and all three end with one model."""
    switch = lab.network.switch()
    hosts = [lab.network.host("owner", switch, "10.0.0.1/24", "fd00::1/64"),
             lab.network.host("four", switch, "10.0.0.2/24"),
             lab.network.host("six", switch, "fd00::3/64")]
    for host in hosts:
        host.limit_rate(UPLINK)
        host.write_etc("hosts", "127.0.0.1 localhost\n10.0.0.1 owner.lab.test\n"
                                "fd00::1 owner.lab.test\n")
    swarm = Swarm(lab, hosts)
    # The two newcomers have no address family in common: the owner relays between them.
    swarm.create(steps=700, addresses=[f"owner.lab.test:{PORT}"])
    swarm.join(0)
    for index in (1, 2):
        newcomer = swarm.join(index)
        lab.within(5, f"newcomer {index} has a neighbour", newcomer.neighbours,
                   newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 60)


@scenario("black-holed-ipv6")
def black_holed_ipv6(lab: Lab) -> None:
    """The ticket's name has an A and an AAAA record, and IPv6 packets vanish on the way.
    Both addresses are raced: the newcomer is in within 3 s."""
    switch = lab.network.switch()
    hosts = [lab.network.host(f"host{i}", switch, f"10.0.0.{i + 1}/24", f"fd00::{i + 1}/64")
             for i in range(2)]
    for host in hosts:
        host.write_etc("hosts", "127.0.0.1 localhost\n10.0.0.1 owner.lab.test\n"
                                "fd00::1 owner.lab.test\n")
    hosts[1].nft("table ip6 hole {\nchain out { type filter hook output priority 0;\n"
                 "ip6 daddr fd00::1 drop\n}\n}\n")
    swarm = Swarm(lab, hosts)
    swarm.create(steps=300, addresses=[f"owner.lab.test:{PORT}"])
    swarm.join(0)
    lab.require_within(5, "the owner runs", swarm.owner.status)
    newcomer = swarm.join(1)
    lab.within(3, "the newcomer has a neighbour", newcomer.neighbours, newcomer.process.last_lines)
    expect_one_model(swarm.nodes, 40)


@scenario("lan-without-address")
def lan_without_address(lab: Lab) -> None:
    """The ticket's address is one that nobody has, and two newcomers on the owner's segment have the
    ticket.
    They find each other by the beacon within 15 s, and all three end with one model."""
    _, hosts = lan(lab, 3, UPLINK)
    for host in hosts:  # multicast needs a route, as any machine with a gateway has one
        host.ip("route", "replace", "default", "dev", network.HOST_INTERFACE)
    swarm = Swarm(lab, hosts)
    swarm.create(steps=1500, addresses=[f"192.0.2.7:{PORT}"])
    swarm.start()
    lab.within(15, "all have neighbours", lambda: all(node.neighbours() for node in swarm.nodes),
               lambda: standings(swarm.nodes))
    expect_path(swarm.nodes[1], swarm.nodes[2], {"lan", "direct"}, swarm.nodes, 10)
    expect_one_model(swarm.nodes, 60)


@scenario("lan-ticket-names-nobody")
def lan_ticket_names_nobody(lab: Lab) -> None:
    """The ticket has no address at all (create --no-address), and another run's node is in the same
    room.
    A newcomer has the run's description and a neighbour within 3 s, by the beacon; the nodes of the
    two runs do not meet. With --no-lan a newcomer is told what it lacks."""
    _, hosts = lan(lab, 4, UPLINK)
    swarm = Swarm(lab, hosts[:2])
    swarm.create(steps=1000, addresses=[], options=["--no-address"])
    other = Node(lab, hosts[2], "other")
    create(lab, other, run_text(), [], ["--no-address"])
    other.join()
    swarm.join(0)
    lab.require_within(10, "both owners run", lambda: other.status() and swarm.owner.status())
    refused = Node(lab, hosts[3], "refused")
    refused.join(swarm.ticket, "--no-lan", events=False)
    lab.within(5, "without the beacon there is nobody to ask, and it says so",
               lambda: refused.process.code == 2 and refused.process.line_with("no address"),
               refused.process.last_lines)
    newcomer = swarm.join(1)
    lab.within(3, "the newcomer has a neighbour", newcomer.neighbours, newcomer.process.last_lines)
    expect_path(swarm.owner, newcomer, {"lan", "direct"}, swarm.nodes)
    lab.check("somebody names the path", "lan" in paths(swarm.nodes).values(), paths(swarm.nodes))
    expect_one_model(swarm.nodes, 60)
    lab.check("the other run's node has met nobody", not other.neighbours(), other.neighbours())
