"""Members whose only way to each other is slow, breaks, or hangs."""

import dataclasses
import time

from node import Node
from proxy import Proxy
from scenario import Lab, scenario
from swarm import (PORT, RECIPES, UPLINKS, Swarm, expect_one_model, expect_steps_go_on, is_finished,
                   lan, standings, steps_of)


@dataclasses.dataclass
class ProxiedSwarm:
    swarm: Swarm
    proxies: list[Proxy]

    def tell(self, **manner) -> None:
        for proxy in self.proxies:
            proxy.tell(**manner)


def proxied(lab: Lab, count: int, recipe: str, seconds: float) -> ProxiedSwarm:
    """Nodes that know each other by the addresses of a proxy each, and have no other way."""
    switch, hosts = lan(lab, count, UPLINKS[recipe])
    middle = lab.network.host("proxy", switch, "10.0.0.250/24")
    for host in hosts:
        host.block([other for other in hosts if other is not host])
    proxies = [Proxy(lab.folder, middle, 5000 + i, f"{host.address}:{PORT}") for i, host in enumerate(hosts)]
    swarm = Swarm(lab, hosts)
    swarm.create(recipe, steps=steps_of(recipe, seconds, count), addresses=[proxies[0].address])
    for index in range(count):
        swarm.join(index, "--listen", f"0.0.0.0:{PORT}", "--address", proxies[index].address)
    return ProxiedSwarm(swarm.require_training(), proxies)


@scenario("slow-link", seconds=150, recipe=RECIPES)
def slow_link(lab: Lab, recipe: str) -> None:
    """All bytes between three nodes take 200 ms each way, at 30 kB/s.
    Nobody is taken for dead, and all three end with one model."""
    lines = proxied(lab, 3, recipe, seconds=10)
    lines.tell(delay_s=0.2, bytes_per_second=30_000)
    time.sleep(5)
    expect_steps_go_on(lines.swarm.nodes, 10, "all go on")
    expect_one_model(lines.swarm.nodes, 100)
    timed_out = [event for node in lines.swarm.nodes for event in node.process.events("peer_lost")
                 if event["reason"] in ("timed_out", "connection_lost")]
    lab.check("no link is given up", not timed_out, timed_out[:3])


@scenario("reset-link", seconds=150, recipe=RECIPES)
def reset_link(lab: Lab, recipe: str) -> None:
    """Every 4 s all connections between three nodes are reset.
    All go on, and end with one model."""
    lines = proxied(lab, 3, recipe, seconds=40)
    resets = 0
    while resets < 5 and not any(map(is_finished, map(Node.status, lines.swarm.nodes))):
        lines.tell(reset=True)
        resets += 1
        time.sleep(4)
    lab.check("there were resets during the run", resets > 0, resets)
    lab.check("no node has ended by them",
              all(node.process.code in (None, 0) for node in lines.swarm.nodes),
              standings(lines.swarm.nodes))
    expect_one_model(lines.swarm.nodes, 90)


@scenario("hanging-link", seconds=150, recipe=RECIPES)
def hanging_link(lab: Lab, recipe: str) -> None:
    """For 20 s no byte passes between three nodes, though the connections stay open.
    Each notices that it is alone. Within 15 s of the end all are linked again, and all end with one
    model."""
    lines = proxied(lab, 3, recipe, seconds=30)
    nodes = lines.swarm.nodes
    lines.tell(hangs=True)
    lab.within(15, "each notices that it is alone",
               lambda: all(node.process.events("isolated") for node in nodes),
               lambda: standings(nodes))
    time.sleep(5)
    lines.tell(hangs=False)
    lab.within(15, "all have neighbours", lambda: all(len(node.neighbours()) == 2 for node in nodes),
               lambda: standings(nodes))
    expect_one_model(nodes, 90)
