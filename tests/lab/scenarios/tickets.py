"""Members that go on without the ticket, and newcomers that a ticket lets in or not."""

import glob
import time

from node import Node, Process
from scenario import Lab, scenario
from network import LabError
from swarm import (PORT, Swarm, expect_one_model, expect_steps_go_on, expect_takes_part, lan,
                   standings, swarm_on_lan)

AFTER_EXPIRY_HOURS = 200  # tickets hold for a week


def clock_ahead(hours: int) -> dict[str, str]:
    """The environment of a process whose wall clock is wrong by so much, and runs on. Its monotonic
    clock is the machine's."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise LabError("libfaketime is missing; apt-get install libfaketime")
    return {"LD_PRELOAD": found[0], "FAKETIME": f"{hours:+d}h", "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@scenario("ticket-node-dead", seconds=150)
def ticket_node_dead(lab: Lab) -> None:
    """The node whose address is in the ticket is gone for good, and another member restarts.
    The member finds the others from its own address book, listens on the port that it had, and takes
    part within 15 s. The rest of the run ends with one model."""
    swarm = swarm_on_lan(lab, 4, seconds=40)
    owner, member, *others = swarm.nodes
    own_id = member.id
    before = others[0].neighbours()[own_id]["address"]
    owner.host.silence()
    owner.process.kill()
    member.process.kill()
    time.sleep(1)
    member.join_again()
    expect_takes_part(member, others, 15, "the member takes part again")
    after = others[0].neighbours().get(own_id, {}).get("address")
    lab.check("it is known by the address that it had", after == before, f"{before}, then {after}")
    expect_one_model([member, *others], 80, members=3)


@scenario("whole-run-restarts", seconds=150)
def whole_run_restarts(lab: Lab) -> None:
    """The power of the whole house fails: all members but the ticket's node come back.
    They find each other by their address books and the ports that they had, and go on."""
    swarm = swarm_on_lan(lab, 4, seconds=40)
    # Before its first checkpoint (checkpoint_every) a run would begin anew, and wait for all again.
    swarm.require_training(steps=30)
    owner, *others = swarm.nodes
    for node in swarm.nodes:
        node.process.kill()
    owner.host.silence()
    for node in others:
        node.join_again()
    lab.within(15, "each has a neighbour", lambda: all(node.neighbours() for node in others),
               lambda: standings(others))
    expect_steps_go_on(others, 10, "the others go on")
    expect_one_model(others, 80, members=3)


@scenario("owner-restarts-after-expiry", seconds=150)
def owner_restarts_after_expiry(lab: Lab) -> None:
    """The ticket has expired when the owner and a member are started again.
    Expiry binds newcomers only: both go on where they were and end with one model."""
    swarm = swarm_on_lan(lab, 2, seconds=40)
    for node in swarm.nodes:
        node.process.kill()
    for node in swarm.nodes:
        node.join_again(environment=clock_ahead(AFTER_EXPIRY_HOURS))
    lab.require_within(10, "both train again", lambda: all(node.neighbours() for node in swarm.nodes),
                       lambda: "; ".join(node.process.last_lines(2) for node in swarm.nodes))
    expect_steps_go_on(swarm.nodes, 5, "both go on")
    expect_one_model(swarm.nodes, 80)


@scenario("newcomer-after-expiry", seconds=150)
def newcomer_after_expiry(lab: Lab) -> None:
    """A newcomer comes with a ticket that has expired; then the owner renews it.
    The newcomer is refused at once with status 2, and told to ask for a new ticket. `starling renew`
    gives one for the same run, with which the newcomer takes part."""
    _, hosts = lan(lab, 3, "300kbit")
    late = clock_ahead(AFTER_EXPIRY_HOURS)
    swarm = Swarm(lab, hosts)
    swarm.create(steps=3000, nodes=2)
    owner, member, newcomer = swarm.nodes
    for node in (owner, member):
        swarm.join(swarm.nodes.index(node))
    lab.require_within(20, "the run is under way", lambda: owner.step() > 20)
    for node in (owner, member):
        node.process.kill()
        node.join_again(environment=late)
    refused = newcomer.join(swarm.ticket, events=False, environment=late)
    lab.require("the newcomer is refused within 5 s", refused.ended_within(5), refused.last_lines())
    lab.check("with status 2", refused.code == 2, refused.code)
    lab.check("it is told that the ticket has expired and what to do",
              refused.line_with("expired", "renew"), refused.last_lines())
    ticket = renewed_ticket(lab, owner, late)
    newcomer.join(ticket, "--shard", "2/3", environment=late)
    expect_takes_part(newcomer, [owner, member], 15, "the newcomer takes part")
    expect_one_model(swarm.nodes, 90)


def renewed_ticket(lab: Lab, owner: Node, environment: dict[str, str]) -> str:
    """Of `starling renew DIR`, which the owner runs beside the running node."""
    renewal = Process(lab, owner.host, "renew", ["renew", owner.directory], environment=environment)
    lab.require("starling renew ends well", renewal.ended_within(10) and renewal.code == 0,
                renewal.last_lines())
    words = renewal.out_path.read_text().split()
    lab.require("it prints a ticket", words and words[0].startswith("starling2"), words)
    return words[0]


@scenario("several-addresses", seconds=90)
def several_addresses(lab: Lab) -> None:
    """The ticket names three addresses: the owner's, which answers nobody now, another where nothing
    is, and that of a member.
    A newcomer is in within 5 s."""
    _, hosts = lan(lab, 3, "300kbit")
    swarm = Swarm(lab, hosts)
    swarm.create(steps=6000, nodes=2,
                 addresses=[f"10.0.0.1:{PORT}", f"10.0.0.200:{PORT}", f"10.0.0.2:{PORT}"])
    swarm.join(0)
    swarm.join(1, "--listen", f"10.0.0.2:{PORT}")
    owner, member, newcomer = swarm.nodes
    lab.require_within(20, "the run is under way", lambda: member.step() > 20)
    owner.host.silence()
    swarm.join(2)
    lab.within(5, "the newcomer has a neighbour", newcomer.neighbours,
               newcomer.process.last_lines)
    expect_takes_part(newcomer, [member], 15, "the newcomer takes part")


@scenario("offline-description", seconds=90)
def offline_description(lab: Lab) -> None:
    """A newcomer has the ticket and the run's description from a file (--offline-description); no
    member can be asked for it at the start.
    It begins without a question to anybody, and when the owner comes both end with one model."""
    _, hosts = lan(lab, 2, "300kbit")
    swarm = Swarm(lab, hosts)
    file = lab.folder / "description"
    swarm.create(steps=300, options=["--description", file])
    newcomer = swarm.join(1, "--offline-description", file)
    lab.require_within(5, "it has begun without the owner", newcomer.status,
                       newcomer.process.last_lines)
    swarm.join(0)
    expect_one_model(swarm.nodes, 60)
