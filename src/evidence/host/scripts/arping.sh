# Asks who has an address, by ARP or for IPv6 by neighbour solicitation, on every Ethernet interface of this host whose network holds it.
# $1 address  $2 seconds to listen
# Prints: ask INTERFACE OWN-MAC   for each interface that was asked on
#         reply INTERFACE MAC     for each answer
#         error WHY               when it could not ask
command -v python3 >/dev/null 2>&1 || { echo 'error	asking on the wire needs python3 on the host'; exit 0; }
exec python3 -I -c '
import sys, socket, struct, select, subprocess, time, ipaddress
target, limit = ipaddress.ip_address(sys.argv[1]), float(sys.argv[2])
six = target.version == 6
kind, longest = (0x86DD, 126) if six else (0x0806, 30)
text = subprocess.run(["ip", "-o", "-6" if six else "-4", "addr", "show", "up"], stdout=subprocess.PIPE, timeout=5).stdout.decode(errors="replace")
nets, linklocal = [], {}
for line in text.splitlines():
    words = line.split()
    try:
        net = ipaddress.ip_interface(words[3])
    except ValueError:
        continue
    if six and net.ip.is_link_local and "tentative" not in words:
        linklocal[words[1]] = net.ip
    elif target in net.network and net.network.prefixlen <= longest and words[1] not in nets:
        nets.append(words[1])
def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def question(name, mac):
    if not six:
        # The sender address is zero (an ARP probe, RFC 5227): no neighbour table changes by the question.
        return b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + b"\0" * 4 + b"\0" * 6 + target.packed
    # MetalLB answers no solicitation without the asker s own MAC in it (RFC 4861, 4.3), which in turn needs an address.
    source, group = linklocal[name], b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + target.packed[13:]
    body = target.packed + b"\x01\x01" + mac
    pseudo = source.packed + group + struct.pack("!II", 8 + len(body), 58)
    head = lambda check: struct.pack("!BBHI", 135, 0, check, 0)
    icmp = head(checksum(pseudo + head(0) + body)) + body
    return b"\x33\x33" + group[12:] + mac + struct.pack("!H", 0x86DD) + struct.pack("!IHBB", 6 << 28, len(icmp), 58, 255) + source.packed + group + icmp
def answer(frame):
    if not six:
        return frame[22:28] if len(frame) >= 42 and frame[20:22] == b"\0\x02" and frame[28:32] == target.packed else None
    if len(frame) < 78 or frame[20] != 58 or frame[54] != 136 or frame[62:78] != target.packed:
        return None
    # The MAC of the target option, when there is one; otherwise that of the frame.
    return frame[80:86] if len(frame) >= 86 and frame[78:80] == b"\x02\x01" else frame[6:12]
socks = []
for name in nets:
    try:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        s.bind((name, kind))
    except PermissionError:
        print("error\tasking on the wire needs root on the host"); sys.exit(0)
    except OSError:
        continue
    mac = s.getsockname()[4]
    if len(mac) != 6 or s.getsockname()[3] != 1 or (six and name not in linklocal):
        s.close(); continue
    try:
        s.send(question(name, mac))
    except OSError as e:
        print("error\tasking on %s: %s" % (name, e.strerror)); continue
    print("ask\t%s\t%s" % (name, ":".join("%02x" % b for b in mac)))
    socks.append((s, name))
seen, end = set(), time.monotonic() + limit
while socks:
    left = end - time.monotonic()
    if left <= 0: break
    ready, _, _ = select.select([s for s, _ in socks], [], [], left)
    for s in ready:
        mac = answer(s.recv(256))
        if mac:
            found = (dict(socks)[s], ":".join("%02x" % b for b in mac))
            if found not in seen:
                seen.add(found); print("reply\t%s\t%s" % found, flush=True)
' "$@"
