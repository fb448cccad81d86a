# Asks who has some addresses, by ARP or for IPv6 by neighbour solicitation, on every Ethernet interface of this host whose network holds them.
# $1 addresses, by comma  $2 seconds to listen, where nobody answers; whoever else has an address answers beside the first one
# Prints: ask INTERFACE OWN-MAC ADDRESS   for each interface that was asked on
#         reply INTERFACE MAC ADDRESS     for each answer
#         error WHY                       when it could not ask
command -v python3 >/dev/null 2>&1 || { echo 'error	asking on the wire needs python3 on the host'; exit 0; }
exec python3 -I -c '
import sys, socket, struct, select, subprocess, time, ipaddress
targets, limit = [ipaddress.ip_address(one) for one in sys.argv[1].split(",")], float(sys.argv[2])
def networks(six):
    # For each interface the targets that lie in one of its networks, and its link-local address.
    text = subprocess.run(["ip", "-o", "-6" if six else "-4", "addr", "show", "up"], stdout=subprocess.PIPE, timeout=5).stdout.decode(errors="replace")
    wanted, linklocal = {}, {}
    for line in text.splitlines():
        words = line.split()
        try:
            net = ipaddress.ip_interface(words[3])
        except ValueError:
            continue
        if six and net.ip.is_link_local and "tentative" not in words:
            linklocal[words[1]] = net.ip
        elif net.network.prefixlen <= (126 if six else 30):
            for target in targets:
                if target.version == net.version and target in net.network and target not in wanted.setdefault(words[1], []):
                    wanted[words[1]].append(target)
    return wanted, linklocal
def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def question(target, mac, source):
    if target.version == 4:
        # The sender address is zero (an ARP probe, RFC 5227): no neighbour table changes by the question.
        return b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + b"\0" * 4 + b"\0" * 6 + target.packed
    # MetalLB answers no solicitation without the asker s own MAC in it (RFC 4861, 4.3), which in turn needs an address.
    group = b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + target.packed[13:]
    body = target.packed + b"\x01\x01" + mac
    pseudo = source.packed + group + struct.pack("!II", 8 + len(body), 58)
    head = lambda check: struct.pack("!BBHI", 135, 0, check, 0)
    icmp = head(checksum(pseudo + head(0) + body)) + body
    return b"\x33\x33" + group[12:] + mac + struct.pack("!H", 0x86DD) + struct.pack("!IHBB", 6 << 28, len(icmp), 58, 255) + source.packed + group + icmp
def answer(frame, six):
    # The address that is told of, and its MAC.
    if not six:
        return (frame[28:32], frame[22:28]) if len(frame) >= 42 and frame[20:22] == b"\0\x02" else None
    if len(frame) < 78 or frame[20] != 58 or frame[54] != 136:
        return None
    # The MAC of the target option, when there is one; otherwise that of the frame.
    return frame[62:78], frame[80:86] if len(frame) >= 86 and frame[78:80] == b"\x02\x01" else frame[6:12]
socks = {}
for six in sorted({target.version == 6 for target in targets}):
    kind, (wanted, linklocal) = 0x86DD if six else 0x0806, networks(six)
    for name, asked in wanted.items():
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
        for target in asked:
            try:
                s.send(question(target, mac, linklocal.get(name)))
            except OSError as e:
                print("error\tasking on %s: %s" % (name, e.strerror)); continue
            print("ask\t%s\t%s\t%s" % (name, ":".join("%02x" % b for b in mac), target))
        socks[s] = (name, six, {target.packed: target for target in asked})
seen, end = set(), time.monotonic() + limit
while socks:
    left = end - time.monotonic()
    if left <= 0: break
    ready, _, _ = select.select(list(socks), [], [], left)
    for s in ready:
        name, six, asked = socks[s]
        told = answer(s.recv(256), six)
        if told and told[0] in asked:
            found = (name, ":".join("%02x" % b for b in told[1]), asked[told[0]])
            if found not in seen:
                seen.add(found); print("reply\t%s\t%s\t%s" % found, flush=True)
                if {one[2] for one in seen} == {one for _, _, asked in socks.values() for one in asked.values()}:
                    end = min(end, time.monotonic() + 0.1)
' "$@"
