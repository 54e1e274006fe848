"""The final merge when not everybody is there, or comes later."""

import signal
import time

from node import Node
from scenario import Lab, scenario
from scenarios.losses import cut, heal
from swarm import (RECIPES, Swarm, expect_one_model, lan, standings, steps_of,
                   swarm_on_lan)


def has_finished(node: Node) -> bool:
    status = node.status()
    return status.get("step", 0) >= status.get("steps_total", 1) > 0


def expect_waits(nodes: list[Node], missing: list[Node], seconds: float) -> None:
    """Nodes that have done their steps stay below the quorum: none calls anything merged, and each
    says for whom it waits. To be called when they print lines for people."""
    lab = nodes[0].lab
    ids = [node.written_status().get("self", "?")[:8] for node in missing]
    for node in nodes:
        # A node looks for others for 20 s from its start before it calls them missing.
        lab.within(25, f"{node.name} says for whom it waits",
                   lambda node=node: node.process.line_with("wait", "|".join(ids)),
                   node.process.last_lines)
    time.sleep(seconds)
    lab.check("none has ended or merged",
              all(node.process.code is None and not node.manifest() for node in nodes),
              "; ".join(node.process.last_lines(2) for node in nodes))


@scenario("partition-at-end", seconds=200, recipe=RECIPES)
def partition_at_end(lab: Lab, recipe: str) -> None:
    """Four nodes are cut in two pairs before the end, and both pairs finish their steps.
    No pair calls a merge final: each node waits and says for whom. When the partition is over all
    four end with one model."""
    swarm = swarm_on_lan(lab, 4, recipe, seconds=20, events=False)
    left, right = swarm.nodes[:2], swarm.nodes[2:]
    cut(left, right)
    lab.require_within(90, "all finish their steps",
                       lambda: all(map(has_finished, swarm.nodes)), lambda: standings(swarm.nodes))
    expect_waits(left, right, 5)
    expect_waits(right, left, 5)
    heal(swarm)
    expect_one_model(swarm.nodes, 60)


@scenario("accept-partial", seconds=150)
def accept_partial(lab: Lab) -> None:
    """Two of four nodes are gone for good before the end.
    The other two wait. Started again with --accept-partial they end with status 0 and one model; its
    manifest and the screen say that it is partial, of 2 contributors and 4 nodes seen."""
    swarm = swarm_on_lan(lab, 4, seconds=20, events=False)
    left, right = swarm.nodes[:2], swarm.nodes[2:]
    for node in right:
        node.host.silence()
        node.process.kill()
    lab.require_within(60, "two finish their steps", lambda: all(map(has_finished, left)),
                       lambda: standings(left))
    expect_waits(left, right, 5)
    for node in left:
        node.process.signal(signal.SIGINT)
        lab.require("it leaves", node.process.ended_within(12), node.process.last_lines())
        lab.check("the status says that there was no merge", node.process.code in (3, 4),
                  node.process.code)
    for node in left:
        node.join_again("--accept-partial", events=False)
    expect_one_model(left, 60, members=2)
    for node in left:
        manifest = node.manifest()
        lab.check("the manifest says partial, and of how many",
                  manifest.get("partial") is True and manifest.get("nodes_seen") == 4,
                  {key: manifest.get(key) for key in ("partial", "nodes_seen", "contributors")})
        lab.check("the screen says partial", node.process.line_with("partial", "2"),
                  node.process.last_lines())


@scenario("two-leave-third-finishes", seconds=150)
def two_leave_third_finishes(lab: Lab) -> None:
    """Two of three leave politely in the middle, and the third finishes its steps.
    The third does not merge alone: it waits and says for whom. When the two come back, all three end
    with one model."""
    swarm = swarm_on_lan(lab, 3, seconds=20, events=False)
    third, *leavers = swarm.nodes
    for node in leavers:
        node.process.signal(signal.SIGINT)
    for node in leavers:
        lab.require("it leaves", node.process.ended_within(12), node.process.last_lines())
        lab.check("its status says that it left before the merge", node.process.code == 4,
                  node.process.code)
    lab.require_within(60, "the third finishes its steps", lambda: has_finished(third),
                       lambda: standings([third]))
    expect_waits([third], leavers, 10)
    for node in leavers:
        node.join_again(events=False)
    expect_one_model(swarm.nodes, 60)


@scenario("third-gives-up-waiting", seconds=90)
def third_gives_up_waiting(lab: Lab) -> None:
    """As two-leave-third-finishes, but the third's owner presses Ctrl-C while it waits.
    It ends with status 3 (no quorum), without a manifest, and says how to go on."""
    swarm = swarm_on_lan(lab, 3, seconds=10, events=False)
    third, *leavers = swarm.nodes
    for node in leavers:
        node.process.signal(signal.SIGINT)
    lab.require_within(60, "the third finishes its steps", lambda: has_finished(third),
                       lambda: standings([third]))
    lab.within(25, "it says that it waits", lambda: third.process.line_with("waiting for", "merge needs"),
               third.process.last_lines)
    third.process.signal(signal.SIGINT)
    lab.require("it ends", third.process.ended_within(12), standings([third]))
    lab.check("with status 3", third.process.code == 3, third.process.code)
    lab.check("without a manifest", not third.manifest(), third.manifest())
    lab.check("it says how to go on", third.process.line_with("starling join --dir"),
              third.process.last_lines())


@scenario("minority-lost", seconds=120)
def minority_lost(lab: Lab) -> None:
    """One of four nodes is gone before the end, and comes back when all others have merged and left.
    More than half were there: the three merge without it, with status 0, and their manifests count 3
    contributors of 4 nodes seen. The one that comes back does not merge alone, and says that it
    waits, or that nobody answers."""
    swarm = swarm_on_lan(lab, 4, seconds=20)
    *others, lost = swarm.nodes
    lost.host.silence()
    lost.process.kill()
    expect_one_model(others, 80, members=3)
    seen = [node.manifest().get("nodes_seen") for node in others]
    lab.check("every manifest counts 4 nodes seen", seen == [4, 4, 4], seen)
    lost.host.silence(False)
    lost.join_again(events=False)
    lab.within(15, "the one that comes back says that it waits, or that nobody answers",
               lambda: lost.process.line_with("wait|nobody|refused|nothing listens|no neighbour"),
               lost.process.last_lines)
    time.sleep(15)
    lab.check("it has not merged alone", not lost.manifest(), lost.process.last_lines())


@scenario("merge-over", seconds=180)
def merge_over(lab: Lab) -> None:
    """One of four nodes is cut off while the others merge; its network comes back as they finish,
    and a newcomer asks at the same time.
    Both are told that the run was merged, by how many, and take the model that the others have.
    Neither merges alone."""
    _, hosts = lan(lab, 5, "300kbit")
    # Nodes that have merged stay for 3 s times this scale.
    swarm = Swarm(lab, hosts[:4])
    swarm.create(steps=steps_of("gossip", 10), interval_scale=2.0)
    swarm.start().require_training()
    *others, late = swarm.nodes
    cut(others, [late])
    late.process.kill()
    lab.require_within(120, "the others merge", lambda: others[0].process.events("merged"),
                       lambda: standings(others))
    heal(swarm)
    late.join_again(events=False)
    newcomer = Node(lab, hosts[4], "newcomer")
    newcomer.join(swarm.ticket, events=False)
    for node in (late, newcomer):
        lab.within(20, f"{node.name} is told that three nodes have merged",
                   lambda node=node: node.process.line_with("merged|merge is over", "3 "),
                   node.process.last_lines)
        lab.within(20, f"{node.name} ends", lambda node=node: node.process.code is not None,
                   node.process.last_lines)
        lab.check(f"{node.name} has the model of the others",
                  node.manifest().get("model") == others[0].manifest().get("model") is not None,
                  node.manifest().get("model"))


@scenario("comes-after-all-have-left", seconds=90)
def comes_after_all_have_left(lab: Lab) -> None:
    """A newcomer asks minutes after the merge, when nobody runs any more.
    It is told that nobody answers, and does not train and merge alone."""
    _, hosts = lan(lab, 3, "300kbit")
    swarm = Swarm(lab, hosts[:2])
    swarm.create(steps=200)
    swarm.start()
    expect_one_model(swarm.nodes, 40)
    newcomer = Node(lab, hosts[2], "newcomer")
    newcomer.join(swarm.ticket, events=False)
    lab.within(10, "the newcomer is told that nobody answers",
               lambda: newcomer.process.line_with("10.0.0.1:4747", "refused|nothing listens|nobody"),
               newcomer.process.last_lines)
    time.sleep(20)
    lab.check("it has not merged alone", not newcomer.manifest(), newcomer.process.last_lines())
