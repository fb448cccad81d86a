"""Reads what tcpdump and lbdiag write: pcap with nanoseconds, and lbdiag's own pcapng (big-endian, one section)."""

import struct


def pcap(path):
    """Every whole packet as (time in ns, interface, bytes from the network header on)."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24:
        return
    magic = struct.unpack("<I", data[:4])[0]
    if magic not in (0xA1B23C4D, 0xA1B2C3D4):
        raise ValueError(f"{path}: no little-endian pcap file")
    scale = 1 if magic == 0xA1B23C4D else 1000
    link = struct.unpack("<I", data[20:24])[0]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack("<IIII", data[at : at + 16])
        at += 16
        if at + length > len(data):
            break
        yield (seconds * 1_000_000_000 + fraction * scale, *plain(link, data[at : at + length]))
        at += length


def pcapng(path):
    """The packets as above, and the last block of counters: a dictionary of its options by their code."""
    packets, counters, link = [], {}, 0
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack(">II", data[at : at + 8])
        if length < 12 or at + length > len(data):
            break
        body = data[at + 8 : at + length - 4]
        if kind == 1:
            link = struct.unpack(">H", body[:2])[0]
        elif kind == 6:
            _, high, low, kept, _ = struct.unpack(">IIIII", body[:20])
            packets.append((high << 32 | low, *plain(link, body[20 : 20 + kept])))
        elif kind == 5:
            counters = options(body[12:])
        at += length
    return packets, counters


def options(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        code, length = struct.unpack(">HH", data[at : at + 4])
        if code == 0:
            break
        value = data[at + 4 : at + 4 + length]
        found[code] = value.decode("utf-8", "replace") if code == 1 else int.from_bytes(value, "big")
        at += 4 + (length + 3) // 4 * 4
    return found


def plain(link, frame):
    """The interface's index (0 where the link does not tell) with the way it passed, and the packet."""
    if link == 276:
        return (struct.unpack(">I", frame[4:8])[0], frame[10]), frame[20:]
    if link == 1:
        return (0, 0), frame[14:]
    raise ValueError(f"link type {link}")
