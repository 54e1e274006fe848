"""Strangers that knock at a node's door: run on a host of the lab as

    stranger.py HOST:PORT silent COUNT      connections that say nothing, opened again when closed
    stranger.py HOST:PORT trickle COUNT     connections that send one byte of a frame each second
    stranger.py HOST:PORT garbage PER_S     bad handshakes, so many a second
    stranger.py HOST:PORT listen 0          a listener that is another program, an SSH server say
    stranger.py HOST:PORT listen VERSION    a node of that version of the protocol, which refuses others

docs/WIRE.md has the bytes, under Stream and Handshake.
"""

import asyncio
import contextlib
import os
import random
import sys

from proxy import host_port

VERSION = 2
RUN_TAG_BYTES = 32
MESSAGE = b"\x00\x60" + bytes(96)  # the length of a first handshake message, and a wrong one


def opening() -> bytes:
    """What a dialer begins with, for a run that nobody has."""
    return b"STAR" + bytes([VERSION, 1]) + os.urandom(RUN_TAG_BYTES) + MESSAGE


async def hold(target: tuple[str, int], trickles: bool) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*target)
            feeding = asyncio.ensure_future(feed(writer)) if trickles else None
            await reader.read(-1)
            if feeding:
                feeding.cancel()
            writer.close()
        await asyncio.sleep(0.05)


async def feed(writer: asyncio.StreamWriter) -> None:
    for byte in opening():
        writer.write(bytes([byte]))
        await asyncio.sleep(1)


async def knock(target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        reader, writer = await asyncio.open_connection(*target)
        writer.write(opening() if random.random() < 0.5 else os.urandom(len(MESSAGE)))
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(-1), 2)
        writer.close()


async def knock_often(target: tuple[str, int], per_second: int) -> None:
    batch = max(1, per_second // 100)
    knocks: set[asyncio.Task] = set()
    while True:
        for _ in range(batch):
            task = asyncio.ensure_future(knock(target))
            knocks.add(task)
            task.add_done_callback(knocks.discard)
        await asyncio.sleep(batch / per_second)


async def listen(place: tuple[str, int], version: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = await reader.read(64)
        if version == 0:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif begun.startswith(b"STAR"):
            writer.write(bytes([0, 2, 1, version]))  # a frame of two bytes: other version, and ours
        await writer.drain()
        writer.close()
    async with await asyncio.start_server(answer, *place) as server:
        await server.serve_forever()


async def main() -> None:
    target, manner, *count = sys.argv[1:]
    place = host_port(target)
    if manner == "listen":
        await listen(place, int(count[0]))
    elif manner == "garbage":
        await knock_often(place, int(count[0]))
    else:
        await asyncio.gather(*(hold(place, manner == "trickle") for _ in range(int(count[0]))))


if __name__ == "__main__":
    asyncio.run(main())
