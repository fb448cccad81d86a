#!/usr/bin/env python3
"""A bounded stream of a TCP port's first segments: segments.py SOURCE ADDRESS PORT PACKETS_PER_SECOND SECONDS

What a busy Service, or one under a flood of SYNs, looks like to captures on its road: each segment is a connection of its own
to everybody who counts connections. Sends within the lab's namespaces only (it is started with `lab in PLACE`), by a raw
socket and from the place's own address. Ends by itself."""

import socket
import struct
import sys
import time

source, address, port, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
MOST_RATE, MOST_SECONDS, PORTS = 400_000, 1800, 60_000
if not 1 <= rate <= MOST_RATE or not 0 < seconds <= MOST_SECONDS:
    sys.exit(f"segments.py: at most {MOST_RATE} packets a second, for at most {MOST_SECONDS} s")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def segment(number):
    header = struct.pack("!HHIIBBHHH", 1024 + number, port, number * 7919 & 0xFFFFFFFF, 0, 0x50, 2, 512, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(address) + struct.pack("!BBH", 0, 6, len(header))
    return header[:16] + struct.pack("!H", checksum(pseudo + header)) + header[18:]


segments = [segment(number) for number in range(PORTS)]
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
out.connect((address, 0))
began = time.monotonic()
number = 0
while True:
    passed = time.monotonic() - began
    if passed >= seconds:
        break
    due = int(passed * rate)
    while number < due:
        try:
            out.send(segments[number % PORTS])
        except OSError:
            pass  # The queue is full for a moment; the segment is one of those that a network loses.
        number += 1
    time.sleep(0.001)
print(f"sent {number} segments in {passed:.1f} s, {number / passed:.0f} a second")
