"""Hosts, switches, routers and firewalls, each a Linux network namespace of its own.

Nothing is made in the machine's own namespace: a switch is a bridge in a namespace, and removing the
namespaces removes every interface. Names begin with "slab", the process id of the lab and the number
of the scenario, so that what a crash left behind is found, and two labs do not meet.
"""

import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

NAMESPACE_FILES = pathlib.Path("/etc/netns")  # ip netns exec binds these over /etc
PREFIX = "slab"
# Linux takes interface names of at most 15 characters; ours are short and the same everywhere.
HOST_INTERFACE = "eth0"


class LabError(Exception):
    """The lab itself has failed: a command that sets up the network, a program that is missing."""


def command(*words: object) -> str:
    """Runs a command that has to succeed; returns its output."""
    argv = [str(word) for word in words]
    done = subprocess.run(argv, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """One network namespace, with loopback up."""

    def __init__(self, name: str):
        self.name = name
        command("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")
        # An address is usable at once: no other host of the lab could have it.
        self.write_sysctl("net/ipv6/conf/default/accept_dad", "0")
        self.write_sysctl("net/ipv6/conf/all/accept_dad", "0")

    def ip(self, *words: object) -> str:
        return command("ip", "-n", self.name, *words)

    def enter(self, *words: object) -> list[str]:
        """The argument list that runs a command inside; the process keeps its id through it."""
        return ["ip", "netns", "exec", self.name, *(str(word) for word in words)]

    def run(self, *words: object) -> str:
        return command(*self.enter(*words))

    def write_sysctl(self, path: str, value: str) -> None:
        self.run("sh", "-c", f"echo {value} > /proc/sys/{path}")

    def nft(self, rules: str) -> None:
        """Loads rules, all of them or none."""
        done = subprocess.run(self.enter("nft", "-f", "-"), input=rules, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise LabError(f"nft in {self.name}: {done.stderr.strip()}\n{rules}")

    def write_etc(self, file_name: str, text: str) -> None:
        """What programs started inside from now on see as /etc/FILE_NAME."""
        folder = NAMESPACE_FILES / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_text(text)


class Switch(Namespace):
    """A bridge: all hosts plugged into it share one segment."""

    def __init__(self, name: str):
        super().__init__(name)
        self.ports = itertools.count(1)
        self.ip("link", "add", "bridge", "type", "bridge")
        self.ip("link", "set", "bridge", "up")

    def plug(self, other: Namespace, interface: str) -> str:
        """Runs a cable to a new interface of `other`; returns the port's name."""
        port = f"port{next(self.ports)}"
        self.ip("link", "add", port, "type", "veth", "peer", "name", interface,
                "netns", other.name)
        self.ip("link", "set", port, "master", "bridge", "up")
        other.ip("link", "set", interface, "up")
        return port


class Host(Namespace):
    """A machine with one interface, and a firewall that can silence it or keep others from it."""

    def __init__(self, name: str, switch: Switch, addresses: list[str], gateway: str | None):
        """addresses: with prefix length, "10.0.0.2/24" or "fd00::2/64"."""
        super().__init__(name)
        self.switch = switch
        self.port = switch.plug(self, HOST_INTERFACE)
        self.addresses = list(addresses)
        self.gateway = gateway
        if not any(":" in address for address in addresses):
            # Or its link-local address would be a way around the firewalls of a scenario.
            self.write_sysctl("net/ipv6/conf/all/disable_ipv6", "1")
        for address in addresses:
            self.ip("addr", "add", address, "dev", HOST_INTERFACE)
        self._route()
        self._blocked: dict[str, str] = {}
        self._silent = False

    def _route(self) -> None:
        if self.gateway:
            self.ip("route", "replace", "default", "via", self.gateway)

    @property
    def address(self) -> str:
        """The first address, without its prefix length."""
        return self.addresses[0].partition("/")[0]

    def limit_rate(self, rate: str) -> None:
        """Of what the host sends, as tc writes rates: "2mbit"."""
        command(*self.enter("tc", "qdisc", "replace", "dev", HOST_INTERFACE, "root", "tbf", "rate",
                            rate, "burst", "8k", "latency", "500ms"))

    def unplug(self) -> None:
        """Pulls the cable: both ends lose the carrier."""
        self.switch.ip("link", "set", self.port, "down")

    def plug_in(self) -> None:
        self.switch.ip("link", "set", self.port, "up")

    def remove_address(self) -> None:
        """The connections of the address end without a word, as when Wi-Fi is left."""
        self.ip("addr", "del", self.addresses[0], "dev", HOST_INTERFACE)

    def add_address(self, address: str) -> None:
        """In the place of the one that was removed."""
        self.addresses[0] = address
        self.ip("addr", "add", address, "dev", HOST_INTERFACE)
        self._route()

    def change_address(self, address: str) -> None:
        self.remove_address()
        self.add_address(address)

    def silence(self, silent: bool = True) -> None:
        """No packet leaves or arrives, and nobody is told: a machine without power."""
        self._silent = silent
        self._write_firewall()

    def block(self, others: list["Host"], how: str = "drop") -> None:
        """how: "drop", or "reject with tcp reset" for firewalls that answer."""
        for other in others:
            for address in other.addresses:
                self._blocked[address.partition("/")[0]] = how
        self._write_firewall()

    def unblock(self) -> None:
        self._blocked.clear()
        self._write_firewall()

    def _write_firewall(self) -> None:
        rules = {"input": [], "output": []}
        for address, how in self._blocked.items():
            family = "ip6" if ":" in address else "ip"
            protocol = "meta l4proto tcp " if how != "drop" else ""
            rules["input"].append(f"{family} saddr {address} {protocol}{how}")
            rules["output"].append(f"{family} daddr {address} {protocol}{how}")
        if self._silent:
            rules = {"input": ["drop"], "output": ["drop"]}
        text = "table inet lab\ndelete table inet lab\ntable inet lab {\n"
        for hook, lines in rules.items():
            text += f"chain {hook} {{ type filter hook {hook} priority 0;\n"
            text += "".join(line + "\n" for line in lines) + "}\n"
        self.nft(text + "}\n")


class Router(Namespace):
    """Translates the addresses of an inner segment to its one outer address (NAT)."""

    def __init__(self, name: str, outer: Switch, outer_address: str):
        super().__init__(name)
        self.outer_address = outer_address
        outer.plug(self, "outer")
        self.ip("addr", "add", outer_address, "dev", "outer")
        self.write_sysctl("net/ipv4/ip_forward", "1")
        self.write_sysctl("net/ipv6/conf/all/forwarding", "1")
        # A router's own answer to a stray SYN would tell the peer to stop; home routers drop it.
        self.nft("table inet guard {\n"
                 "chain in { type filter hook input priority 0;\n"
                 "iifname outer tcp flags syn ct state new drop\n}\n}\n")

    def serve(self, inner: Switch, inner_address: str) -> None:
        inner.plug(self, "inner")
        self.ip("addr", "add", inner_address, "dev", "inner")

    def masquerade(self, symmetric: bool = False) -> None:
        """symmetric: every connection leaves from a port of its own, so that nobody can guess it."""
        option = " fully-random" if symmetric else ""
        self.nft("table ip nat {\nchain out { type nat hook postrouting priority 100;\n"
                 f"oifname outer masquerade{option}\n}}\n}}\n"
                 "table ip stateful {\nchain forward { type filter hook forward priority 0;\n"
                 "iifname outer ct state established,related accept\niifname outer drop\n}\n}\n")

    def rebind(self, outer_address: str) -> None:
        """The provider gives another address: every translation is forgotten."""
        self.ip("addr", "del", self.outer_address, "dev", "outer")
        self.outer_address = outer_address
        self.ip("addr", "add", outer_address, "dev", "outer")

    def route(self, destination: str, via: str) -> None:
        self.ip("route", "replace", destination, "via", via)


class Network:
    """All namespaces of one scenario."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.switches = itertools.count(0)

    def switch(self) -> Switch:
        return Switch(f"{self.prefix}-switch{next(self.switches)}")

    def host(self, name: str, switch: Switch, *addresses: str, gateway: str | None = None) -> Host:
        return Host(f"{self.prefix}-{name}", switch, list(addresses), gateway)

    def router(self, name: str, outer: Switch, outer_address: str) -> Router:
        return Router(f"{self.prefix}-{name}", outer, outer_address)

    def remove(self) -> None:
        remove_namespaces(self.prefix + "-")


def namespaces() -> list[str]:
    listed = subprocess.run(["ip", "netns", "list"], text=True, capture_output=True, check=False)
    return [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]


def remove_namespaces(prefix: str) -> None:
    """Ends every process inside, then removes the namespaces whose names begin with `prefix`."""
    for name in namespaces():
        if name.startswith(prefix):
            _end_processes(name)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
            shutil.rmtree(NAMESPACE_FILES / name, ignore_errors=True)


def _end_processes(name: str) -> None:
    """Also those that were stopped. Until none is left, for a process may have just forked."""
    for _ in range(50):
        inside = subprocess.run(["ip", "netns", "pids", name], text=True, capture_output=True,
                                check=False).stdout.split()
        if not inside:
            return
        for process in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.02)


def remove_leftovers() -> None:
    """Removes what labs have left that were killed: their process ids are in the names."""
    for name in namespaces():
        owner = re.match(rf"{PREFIX}(\d+)-", name)
        if owner and not pathlib.Path(f"/proc/{owner[1]}").exists():
            remove_namespaces(name)
