# Asks by ARP who has an address, on every Ethernet interface of this host whose network holds it.
# $1 address (IPv4)  $2 seconds to listen
# Prints: ask INTERFACE OWN-MAC   for each interface that was asked on
#         reply INTERFACE MAC     for each answer
#         error WHY               when it could not ask
command -v python3 >/dev/null 2>&1 || { echo 'error	asking by ARP needs python3 on the host'; exit 0; }
exec python3 -I -c '
import sys, socket, struct, select, subprocess, time, ipaddress
target, limit = ipaddress.ip_address(sys.argv[1]), float(sys.argv[2])
if target.version != 4:
    print("error\tonly IPv4 addresses can be asked for by ARP"); sys.exit(0)
socks = []
text = subprocess.run(["ip", "-o", "-4", "addr", "show", "up"], stdout=subprocess.PIPE, timeout=5).stdout.decode(errors="replace")
for line in text.splitlines():
    words = line.split()
    name, net = words[1], words[3]
    try:
        if target not in ipaddress.ip_interface(net).network or int(net.split("/")[1]) > 30:
            continue
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        s.bind((name, 0x0806))
    except PermissionError:
        print("error\tasking by ARP needs root on the host"); sys.exit(0)
    except (OSError, ValueError) as e:
        continue
    mac = s.getsockname()[4]
    if len(mac) != 6 or s.getsockname()[3] != 1:
        s.close(); continue
    # The sender address is zero (an ARP probe, RFC 5227): no neighbour table changes by the question.
    s.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + b"\0" * 4 + b"\0" * 6 + target.packed)
    print("ask\t%s\t%s" % (name, ":".join("%02x" % b for b in mac)))
    socks.append((s, name))
seen, end = set(), time.monotonic() + limit
while socks:
    left = end - time.monotonic()
    if left <= 0: break
    ready, _, _ = select.select([s for s, _ in socks], [], [], left)
    for s in ready:
        frame = s.recv(128)
        if len(frame) >= 42 and frame[20:22] == b"\0\x02" and frame[28:32] == target.packed:
            found = (dict(socks)[s], ":".join("%02x" % b for b in frame[22:28]))
            if found not in seen:
                seen.add(found); print("reply\t%s\t%s" % found, flush=True)
' "$@"
