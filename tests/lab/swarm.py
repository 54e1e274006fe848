"""A run and its nodes: the run file, the ticket, one host for each node, and the questions that most
scenarios ask of them."""

import scenario
from network import Host, LabError, Switch
from node import Node, run_program

PORT = 4747
# Scenarios state their times for this; an interval of the protocol takes a quarter of its length.
INTERVAL_SCALE = 0.25
TASKS = {"gossip": "clusters", "dsgd": "clusters", "votes": "clusters-softmax"}
RECIPES = list(TASKS)
# A step takes as long as an exchange does, and an exchange as long as the host's uplink makes it:
# so the length of a run depends neither on the processor nor on what else runs beside it.
UPLINKS = {"gossip": "300kbit", "dsgd": "2mbit", "votes": "300kbit"}
# Steps a second of four nodes with these uplinks, as measured.
SPEEDS = {"gossip": 50, "dsgd": 6, "votes": 50}
# A node whose steps go on has done this many within the time that is asked for.
STEPS_THAT_COUNT = 3


def run_text(recipe: str = "gossip", **keys: object) -> str:
    """A run file. keys: more of it, or other values."""
    values = {"name": "lab", "task": TASKS[recipe], "recipe": recipe, "steps": 300, "nodes": 2,
              "evaluate_every": 0, "checkpoint_every": 20, "interval_scale": INTERVAL_SCALE, **keys}
    lines = []
    for key, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else value
        lines.append(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {text}")
    return "\n".join(lines) + "\n"


def steps_of(recipe: str, seconds: float, nodes: int = 4) -> int:
    """For a run that takes about this long. Rounds and votes go to every neighbour, so the fewer there
    are the faster they are."""
    neighbours = 3 if recipe == "gossip" else max(1, nodes - 1)
    return round(SPEEDS[recipe] * seconds * 3 / neighbours)


def create(lab: scenario.Lab, owner: Node, text: str, addresses: list[str],
           options: tuple | list = ()) -> str:
    """`starling create` in the owner's directory; returns the ticket."""
    file = lab.folder / f"{owner.name}.toml"
    file.write_text(text)
    words = [word for address in addresses for word in ("--address", address)] + list(options)
    done = run_program(lab, owner.host, "create", file, "--dir", owner.directory, *words)
    if done.returncode != 0:
        raise LabError(f"starling create: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout.split()[0]


class Swarm:
    """Nodes of one run. The first owns it."""

    def __init__(self, lab: scenario.Lab, hosts: list[Host]):
        self.lab = lab
        self.nodes = [Node(lab, host, f"node{i}") for i, host in enumerate(hosts)]
        self.ticket = ""

    @property
    def owner(self) -> Node:
        return self.nodes[0]

    def create(self, recipe: str = "gossip", addresses: list[str] | None = None,
               options: tuple | list = (), **keys: object) -> str:
        """addresses: of the ticket; by default the owner's own. options: more of the command."""
        keys = {"nodes": len(self.nodes), **keys}
        text = run_text(recipe, **keys)
        where = [f"{self.owner.host.address}:{PORT}"] if addresses is None else addresses
        self.ticket = create(self.lab, self.owner, text, where, options)
        return self.ticket

    def join(self, index: int, *more: object, **how) -> Node:
        """Starts node `index` for the first time. how: as Node.join() takes it."""
        node = self.nodes[index]
        words = [] if index == 0 else [self.ticket]
        node.join(*words, "--shard", f"{index}/{len(self.nodes)}", *more, **how)
        return node

    def start(self, **how) -> "Swarm":
        """All nodes; waits until all train with all others known."""
        for index in range(len(self.nodes)):
            self.join(index, **how)
        return self

    def require_training(self, seconds: float = 30, steps: int = 5) -> "Swarm":
        """The scenario means nothing unless the run was under way."""
        self.lab.require_within(
            seconds, f"all {len(self.nodes)} nodes train and are linked",
            lambda: all(entry.get("step", 0) >= steps and
                        len(entry.get("neighbours", [])) == len(self.nodes) - 1
                        for entry in map(Node.status, self.nodes)),
            lambda: standings(self.nodes))
        return self


def lan(lab: scenario.Lab, count: int, rate: str | None = None) -> tuple[Switch, list[Host]]:
    """Hosts 10.0.0.1, .2, ... on one switch. rate: of each host's uplink."""
    switch = lab.network.switch()
    hosts = []
    for index in range(count):
        host = lab.network.host(f"host{index}", switch, f"10.0.0.{index + 1}/24")
        if rate:
            host.limit_rate(rate)
        hosts.append(host)
    return switch, hosts


def swarm_on_lan(lab: scenario.Lab, count: int, recipe: str = "gossip", seconds: float = 30,
                 events: bool = True, **keys: object) -> Swarm:
    """A run under way on one segment, which takes about `seconds` if nothing disturbs it.
    events: the processes print events; otherwise lines for people."""
    _, hosts = lan(lab, count, UPLINKS[recipe])
    swarm = Swarm(lab, hosts)
    swarm.create(recipe, **{"steps": steps_of(recipe, seconds, count), **keys})
    return swarm.start(events=events).require_training()


def standings(nodes: list[Node]) -> str:
    """Where each node stands, for a verdict that is not the wanted one."""
    lines = []
    for node in nodes:
        status = node.status()
        known = ",".join(f"{entry['id'][:6]}:{entry['step']}"
                         for entry in status.get("neighbours", []))
        code = node.process.code if node.process else None
        lines.append(f"{node.name}={status.get('self', '')[:6]} {status.get('phase')}"
                     f" step {status.get('step')} exit {code} neighbours [{known}]")
    return "; ".join(lines)


def is_finished(status: dict) -> bool:
    return status.get("step", 0) >= status.get("steps_total", 1)


def expect_steps_go_on(nodes: list[Node], seconds: float, what: str) -> None:
    """Each of `nodes` takes several steps more than it had, or its last ones."""
    lab = nodes[0].lab
    before = {node.name: node.status() for node in nodes}
    lab.check("the run is not over yet", not any(map(is_finished, before.values())), standings(nodes))

    def goes_on(node: Node) -> bool:
        now = node.status()
        return is_finished(now) or now["step"] >= before[node.name]["step"] + STEPS_THAT_COUNT
    lab.within(seconds, what, lambda: all(map(goes_on, nodes)),
               lambda: f"before: {[status['step'] for status in before.values()]}; {standings(nodes)}")


def expect_takes_part(lost: Node, others: list[Node], seconds: float, what: str) -> None:
    """Another node has the lost one as its neighbour and sees its steps go on; or sees it ahead of
    itself, for a node that was alone may have gone on, and then waits for the others."""
    lab = lost.lab
    lab.within(seconds, f"{lost.name} runs", lambda: lost.id, lambda: standings([lost]))
    own_id = lost.id
    base = max([lost.step(), *(step_seen(node, own_id) for node in others)])

    def takes_part() -> bool:
        step = lost.step()
        return step > 0 and any(
            step_seen(node, own_id) >= min(base + STEPS_THAT_COUNT, step)
            and (step >= base + STEPS_THAT_COUNT or step > node.step()) for node in others)
    lab.within(seconds, what, takes_part, lambda: f"step {base} before; {standings([lost, *others])}")


def step_seen(node: Node, other_id: str) -> int:
    """As far as `node` knows of its neighbour; -1 if they are not linked."""
    return node.neighbours().get(other_id, {}).get("step", -1)


def expect_one_model(nodes: list[Node], seconds: float,
                     members: int | tuple[int, ...] | None = None) -> None:
    """All processes end with status 0, and all manifests name one model, made of all nodes.
    members: of so many instead; of several numbers, one of them."""
    lab = nodes[0].lab
    members = len(nodes) if members is None else members
    allowed = (members,) if isinstance(members, int) else members
    lab.within(seconds, "all processes end",
               lambda: all(node.process.code is not None for node in nodes),
               lambda: standings(nodes))
    codes = [node.process.code for node in nodes]
    lab.check("all end with status 0", codes == [0] * len(nodes),
              f"{codes}; {'; '.join(node.process.last_lines(2) for node in nodes)}")
    manifests = [node.manifest() for node in nodes]
    models = {manifest.get("model") for manifest in manifests}
    lab.check("one model in all manifests", len(models) == 1 and None not in models, models)
    counts = [len(manifest.get("contributors", [])) for manifest in manifests]
    lab.check(f"{' or '.join(map(str, allowed))} contributors in every manifest",
              len(set(counts)) == 1 and counts[0] in allowed, counts)
