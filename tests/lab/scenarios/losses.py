"""Nodes that vanish and come back while a run is under way."""

import random
import signal
import time

from node import Node
from scenario import Lab, scenario
from swarm import (RECIPES, Swarm, expect_one_model, expect_steps_go_on, expect_takes_part,
                   standings, swarm_on_lan)


@scenario("power-loss", seconds=180, recipe=RECIPES)
def power_loss(lab: Lab, recipe: str) -> None:
    """One of four machines loses power for 12 s: no FIN, no answer; then the same command again.
    The others go on within 5 s. The lost node takes part again within 15 s of its return, and all
    four end with one model."""
    swarm = swarm_on_lan(lab, 4, recipe, seconds=45)
    *others, lost = swarm.nodes
    lost.host.silence()
    lost.process.kill()
    expect_steps_go_on(others, 5, "the others go on")
    time.sleep(7)
    lost.host.silence(False)
    lost.join_again()
    expect_takes_part(lost, others, 15, "the lost node takes part again")
    expect_one_model(swarm.nodes, 90)


@scenario("power-loss-full-intervals", seconds=200)
def power_loss_full_intervals(lab: Lab) -> None:
    """As power-loss, with the protocol's intervals at full length (interval_scale = 1).
    The others go on within 15 s. The lost node takes part again within 15 s of its return, and all
    four end with one model."""
    swarm = swarm_on_lan(lab, 4, seconds=60, interval_scale=1.0)
    *others, lost = swarm.nodes
    lost.host.silence()
    lost.process.kill()
    expect_steps_go_on(others, 15, "the others go on")
    time.sleep(5)
    lost.host.silence(False)
    lost.join_again()
    expect_takes_part(lost, others, 15, "the lost node takes part again")
    expect_one_model(swarm.nodes, 110)


@scenario("partition-heals", seconds=180, recipe=RECIPES)
def partition_heals(lab: Lab, recipe: str) -> None:
    """Four nodes are cut in two pairs for 20 s.
    Both pairs go on within 5 s. Within 15 s of the end of the partition pairs are linked again, and
    within 15 s more all go on; all four end with one model. Votes go on while what the other pair has
    cast is fetched: it fills the uplinks for 20 s and more."""
    # A pair is up to three times as fast as four, who send to three neighbours each.
    swarm = swarm_on_lan(lab, 4, recipe, seconds={"gossip": 55, "dsgd": 100, "votes": 70}[recipe])
    left, right = swarm.nodes[:2], swarm.nodes[2:]
    cut(left, right)
    started = time.monotonic()
    expect_steps_go_on(swarm.nodes, 5, "both pairs go on")
    time.sleep(max(0.0, started + 20 - time.monotonic()))
    lab.check("nobody has ended during the partition",
              all(node.process.code is None for node in swarm.nodes), standings(swarm.nodes))
    heal(swarm)
    ids = {node.name: node.id for node in swarm.nodes}
    for one, others in ((left, right), (right, left)):
        other_ids = {ids[node.name] for node in others}
        lab.within(15, f"{one[0].name} or {one[1].name} has a neighbour of the other pair",
                   lambda one=one, other_ids=other_ids: any(
                       other_ids & set(node.neighbours()) for node in one),
                   lambda: standings(swarm.nodes))
    expect_steps_go_on(swarm.nodes, 15, "all go on after the partition")
    expect_one_model(swarm.nodes, 90)


def cut(left: list[Node], right: list[Node]) -> None:
    """Packets between the two sides vanish."""
    for one, others in ((left, right), (right, left)):
        for node in one:
            node.host.block([other.host for other in others])


def heal(swarm: Swarm) -> None:
    for node in swarm.nodes:
        node.host.unblock()


@scenario("sleep", seconds=180, recipe=RECIPES)
def sleep(lab: Lab, recipe: str) -> None:
    """The process of one of four nodes is stopped for 30 s, as a laptop that sleeps (SIGSTOP).
    The others go on within 5 s. The sleeper takes part again within 15 s of waking, and all four end
    with one model."""
    swarm = swarm_on_lan(lab, 4, recipe, seconds=65)
    *others, sleeper = swarm.nodes
    own_id = sleeper.id
    sleeper.process.signal(signal.SIGSTOP)
    expect_steps_go_on(others, 5, "the others go on")
    time.sleep(25)
    lab.check("a sleeper is nobody's neighbour",
              not any(own_id in node.neighbours() for node in others), standings(others))
    sleeper.process.signal(signal.SIGCONT)
    expect_takes_part(sleeper, others, 15, "the sleeper takes part again")
    expect_one_model(swarm.nodes, 90)


@scenario("unplugged", seconds=240, recipe=RECIPES)
def unplugged(lab: Lab, recipe: str) -> None:
    """The cable of one of four nodes is out for 60 s; the process notices only that nobody answers.
    The others go on within 5 s. The node takes part again within 15 s, and all end with one model."""
    swarm = swarm_on_lan(lab, 4, recipe, seconds=100)
    *others, lost = swarm.nodes
    lost.host.unplug()
    expect_steps_go_on(others, 5, "the others go on")
    time.sleep(55)
    lost.host.plug_in()
    expect_takes_part(lost, others, 15, "the unplugged node takes part again")
    expect_one_model(swarm.nodes, 110)


@scenario("address-change", seconds=180, recipe=RECIPES)
def address_change(lab: Lab, recipe: str) -> None:
    """One of four nodes gets another address in the middle (DHCP, another Wi-Fi), without restart.
    The others go on within 5 s. Within 15 s they reach it at the new address, and all end with one
    model."""
    swarm = swarm_on_lan(lab, 4, recipe, seconds=45)
    *others, moved = swarm.nodes
    own_id = moved.id
    moved.host.change_address("10.0.0.77/24")
    expect_steps_go_on(others, 5, "the others go on")

    def is_known_anew() -> bool:
        return any(node.neighbours().get(own_id, {}).get("address", "").startswith("10.0.0.77:")
                   for node in others)
    lab.within(15, "a neighbour names the new address", is_known_anew, lambda: standings(swarm.nodes))
    expect_takes_part(moved, others, 15, "the moved node takes part again")
    expect_one_model(swarm.nodes, 90)


@scenario("kill-9-anywhere", seconds=200, recipe=RECIPES)
def kill_9_anywhere(lab: Lab, recipe: str) -> None:
    """Ten times, at random moments, a random one of three nodes is killed (kill -9) and started
    again at once; once more as soon as the merge has begun.
    No start fails, and all three end with one model. Its contributors are three, or two if the last
    kill came before the killed node had given its vector: a majority merges without waiting."""
    swarm = swarm_on_lan(lab, 3, recipe, seconds=45)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for _ in range(10):
        time.sleep(chance.uniform(0.2, 2.5))
        kill_and_restart(chance.choice(swarm.nodes))
    lab.require_within(90, "the merge begins", lambda: merge_began(swarm),
                       lambda: f"seed {seed}; {standings(swarm.nodes)}")
    last = chance.choice(swarm.nodes)
    last.process.kill()
    if not last.manifest():  # whoever has the model already is not started again
        last.join_again()
        return expect_one_model(swarm.nodes, 60, members=(2, 3))
    others = [node for node in swarm.nodes if node is not last]
    expect_one_model(others, 60, members=3)
    lab.check("the killed one has the same model",
              last.manifest().get("model") == others[0].manifest().get("model"), last.manifest())


def kill_and_restart(node: Node) -> None:
    node.process.kill()
    node.join_again()


def merge_began(swarm: Swarm) -> bool:
    return any(node.process.events("merge_started") for node in swarm.nodes)
