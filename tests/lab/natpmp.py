"""What a home router does for programs that ask it to open a port: NAT-PMP (RFC 6886), on a router of
the lab. Run on it as

    natpmp.py INNER_ADDRESS OUTER_ADDRESS

Only what clients need: the outer address (opcode 0) and mappings (1: UDP, refused; 2: TCP).
"""

import itertools
import socket
import struct
import subprocess
import sys
import time

PORT = 5351
EXTERNAL_ADDRESS, MAP_UDP, MAP_TCP = 0, 1, 2
SUCCESS, NOT_AUTHORISED = 0, 2


def open_port(outer_port: int, inner_host: str, inner_port: int) -> None:
    rule = (f"add rule ip nat in iifname outer tcp dport {outer_port} "
            f"dnat to {inner_host}:{inner_port}\n"
            f"insert rule ip stateful forward iifname outer ip daddr {inner_host} "
            f"tcp dport {inner_port} accept\n"
            f"insert rule inet guard in iifname outer tcp dport {outer_port} accept\n")
    subprocess.run(["nft", "-f", "-"], input=rule, text=True, check=True)


def close_port(outer_port: int) -> None:
    """Takes the translation away, and with it the way in."""
    listed = subprocess.run(["nft", "-a", "list", "chain", "ip", "nat", "in"], text=True,
                            capture_output=True, check=True).stdout
    for line in listed.splitlines():
        if f"dport {outer_port} " in line:
            handle = line.rpartition("handle ")[2]
            subprocess.run(["nft", "delete", "rule", "ip", "nat", "in", "handle", handle], check=True)


def main() -> None:
    inner, outer = sys.argv[1:]
    subprocess.run(["nft", "-f", "-"], text=True, check=True,
                   input="add chain ip nat in { type nat hook prerouting priority -100; }\n")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((inner, PORT))
    started = time.monotonic()
    outer_ports = itertools.count(61000)
    mappings: dict[tuple[str, int], int] = {}
    while True:
        request, client = server.recvfrom(64)
        age = int(time.monotonic() - started)
        operation = request[1]
        if request[0] != 0:  # PCP, which we do not speak: RFC 6887, appendix A
            answer = struct.pack("!BBHI", 0, 128 + operation % 128, 1, age)
        elif operation == EXTERNAL_ADDRESS:
            answer = struct.pack("!BBHI", 0, 128, SUCCESS, age) + socket.inet_aton(outer)
        else:
            wanted, _, seconds = struct.unpack("!HHI", request[4:12])
            place = (client[0], wanted)
            if operation == MAP_TCP and seconds > 0 and place not in mappings:
                mappings[place] = next(outer_ports)
                open_port(mappings[place], *place)
            if operation == MAP_TCP and seconds == 0 and place in mappings:
                close_port(mappings.pop(place))
            code = SUCCESS if operation == MAP_TCP else NOT_AUTHORISED
            answer = struct.pack("!BBHIHHI", 0, 128 + operation, code, age, wanted,
                                 mappings.get(place, 0), seconds)
        server.sendto(answer, client)


if __name__ == "__main__":
    main()
