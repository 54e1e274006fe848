"""A TCP proxy in user space that spoils what it carries. Run as a program it is the proxy, told by
lines of JSON on standard input what to do from then on; `Proxy` starts one on a host and tells it.

The kernel has no netem here, and what matters to the program is what the socket shows: bytes that
come late, slowly, not at all, or a connection that ends.
"""

import asyncio
import contextlib
import json
import pathlib
import socket
import struct
import subprocess
import sys
import typing

CHUNK_BYTES = 16 * 1024


class Manner:
    """How bytes are carried now."""

    def __init__(self) -> None:
        self.delay_s = 0.0           # each way
        self.bytes_per_second = 0.0  # each way and connection; 0: as fast as it goes
        self.hangs = False           # bytes are taken and kept; connections stay open


class Relay:
    def __init__(self, target: tuple[str, int]):
        self.target = target
        self.manner = Manner()
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        ends = (writer, onward_writer)
        self.writers.update(ends)
        await asyncio.gather(self.carry(reader, onward_writer), self.carry(onward_reader, writer))
        for end in ends:
            self.writers.discard(end)
            end.close()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keeps order: bytes wait in a queue until they are due."""
        queue: asyncio.Queue = asyncio.Queue(maxsize=64)
        deliverer = asyncio.ensure_future(self.deliver(queue, writer))
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await queue.put((loop.time() + self.manner.delay_s, data))
        await queue.put((0.0, b""))
        await deliverer

    async def deliver(self, queue: asyncio.Queue, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, due - loop.time()))
            while self.manner.hangs:
                await asyncio.sleep(0.05)
            if self.manner.bytes_per_second > 0:
                await asyncio.sleep(len(data) / self.manner.bytes_per_second)
            if writer.is_closing():
                continue  # what comes has nowhere to go any more
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    def reset(self) -> None:
        """Ends every connection by RST: SO_LINGER of 0 throws away what is unsent."""
        for writer in self.writers:
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def obey(self, order: dict) -> None:
        if order.pop("reset", False):
            self.reset()
        for name, value in order.items():
            setattr(self.manner, name, value)


async def run(listen: tuple[str, int], target: tuple[str, int]) -> None:
    relay = Relay(target)
    server = await asyncio.start_server(relay.serve, *listen)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("ready", flush=True)
    async with server:
        while line := await orders.readline():
            relay.obey(json.loads(line))
            print("done", flush=True)


class Proxy:
    """A proxy that runs on a host of the lab and ends with it."""

    def __init__(self, folder: pathlib.Path, host, port: int, target: str):
        """target: "host:port". Others dial `self.address`. What it complains of is in FOLDER."""
        self.address = f"{host.address}:{port}"
        argv = host.enter(sys.executable, pathlib.Path(__file__).resolve(), f"0.0.0.0:{port}", target)
        with open(folder / f"proxy{port}.err", "wb") as errors:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, text=True)
        self._expect("ready")

    def tell(self, **manner: typing.Any) -> None:
        """delay_s, bytes_per_second, hangs: as in Manner; reset=True: ends all connections by RST."""
        self.process.stdin.write(json.dumps(manner) + "\n")
        self.process.stdin.flush()
        self._expect("done")

    def _expect(self, word: str) -> None:
        said = self.process.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"the proxy on {self.address} said '{said}', expected '{word}'")


def host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(run(host_port(sys.argv[1]), host_port(sys.argv[2])))
