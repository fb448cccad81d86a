#!/usr/bin/env python3
"""A bounded stream of small numbered UDP packets: stream.py ADDRESS PORT PACKETS_PER_SECOND SECONDS

Sends within the lab's namespaces only (it is started with `lab in PLACE`). Each packet carries its number, so that a loss
is known without anybody's counters. Ends by itself; prints how many were sent and how fast."""

import socket
import struct
import sys
import time

address, port, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
MOST_RATE, MOST_SECONDS = 400_000, 1800
if not 1 <= rate <= MOST_RATE or not 0 < seconds <= MOST_SECONDS:
    sys.exit(f"stream.py: at most {MOST_RATE} packets a second, for at most {MOST_SECONDS} s")

out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
out.connect((address, port))
began = time.monotonic()
number = 0
while True:
    passed = time.monotonic() - began
    if passed >= seconds:
        break
    due = int(passed * rate)
    while number < due:
        try:
            out.send(struct.pack(">IQ", number & 0xFFFFFFFF, number))
        except ConnectionRefusedError:
            continue  # The refusal of an earlier packet comes back here, and this one was not sent: it would look lost to everybody.
        except OSError:
            pass
        number += 1
    time.sleep(0.001)
print(f"sent {number} packets in {passed:.1f} s, {number / passed:.0f} a second")
