"""The same records as bench/micro/vote_log.cpp in SQLite, as a node would keep them: one transaction a
packet, write-ahead log, not synced at every packet. Prints records/s and votes/s."""

import os
import sqlite3
import tempfile
import time

PACKETS, PACKET_BYTES, VOTES_PER_PACKET = 100_000, 170, 64

with tempfile.TemporaryDirectory() as folder:
    database = sqlite3.connect(os.path.join(folder, "votes.db"), isolation_level=None)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = off")
    database.execute("create table packets (author blob, number integer, bytes blob, primary key (author, number)) without rowid")
    packet = bytes(PACKET_BYTES)
    begin = time.perf_counter()
    for number in range(PACKETS):
        author = (number % 100).to_bytes(32, "little")
        database.execute("insert into packets values (?, ?, ?)", (author, number // 100, packet))
    rate = PACKETS / (time.perf_counter() - begin)
print(f"sqlite append: {rate:.0f} records/s, {rate * VOTES_PER_PACKET:.0f} votes/s")
