"""Twenty load-balanced Services in a lab that is up, and what the wire says of each: who answers ARP, asked from c1.

For the programs beside `lab`. It knows nothing of how lbdiag reads a cluster: it sees lbdiag's report only.
"""

import json, os, pathlib, subprocess, sys, tempfile, time

LAB_DIRECTORY = pathlib.Path(__file__).resolve().parent.parent
ROOT = LAB_DIRECTORY.parent.parent
LAB = str(LAB_DIRECTORY / "lab")
PLAYBOOK = str(ROOT / "examples/who-announces.rhai")
NAMESPACE, ADDRESSES = "elections", [f"10.88.64.{number}" for number in range(130, 150)]
# Those of the same Services when they are announced over BGP: in no network of anybody, and in no pool of the lab.
BGP_ADDRESSES = [f"10.88.101.{number}" for number in range(130, 150)]
NODES = ["n0", "n1", "n2", "n3"]
# Labels that the pods of some nodes carry: the Services select by them in turn, so that policy Local has other choices for each.
GROUPS = {"every": NODES, "first": ["n1", "n2"], "second": ["n1", "n3"], "third": ["n2", "n3"], "fourth": ["n0", "n1"]}
# The last Service has its one pod on n0, which the lab's label keeps from announcing.
ONLY_N0, LAST = "only", ADDRESSES[-1]
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"

# Asks by ARP for every address of its arguments, and prints each answer: ADDRESS MAC.
ASK = """
import ipaddress, socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)); s.bind(("eth0", 0x0806)); s.settimeout(0.2)
mac = s.getsockname()[4]; wanted = {ipaddress.ip_address(a).packed: a for a in sys.argv[1:]}
for packed in wanted:
    s.send(b"\\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + b"\\0" * 10 + packed)
end, seen = time.monotonic() + 1, set()
while time.monotonic() < end:
    try: frame = s.recv(128)
    except socket.timeout: continue
    if frame[20:22] == b"\\0\\2" and frame[28:32] in wanted: seen.add((wanted[frame[28:32]], frame[22:28].hex(":")))
for address, mac in sorted(seen): print(address, mac)
"""


def stop(why):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {why}")


def lab(*words, check=True, feed=None, with_errors=False, **environment):
    # Files, not pipes: a node that is started keeps its output open for as long as it lives.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        try:
            status = subprocess.run([LAB, *words], input=feed, stdout=output, stderr=errors, text=True, timeout=300,
                                    env={**os.environ, **environment}).returncode
        except subprocess.TimeoutExpired:
            status = "no status within five minutes"
        output.seek(0), errors.seek(0)
        if check and status != 0:
            stop(f"lab {' '.join(words[:8])} ended with {status}: {errors.read().strip()[-500:]}")
        return output.read() + (errors.read() if with_errors else "")


def kubectl(*words, **more):
    return lab("kubectl", *words, **more)


def setting(name):
    settings = dict(line.strip().split("=", 1) for line in lab("status", check=False).splitlines() if "=" in line)
    return settings.get(name) or stop(f"no lab {os.environ.get('LAB', 'lab')} is up")


def metallb_version():
    return setting("LAB_METALLB")


def candidates(version):
    """The nodes that announce while all is well: n0 carries the label that excludes it, of which 0.13 knows nothing."""
    return [node for node in NODES if node != "n0" or version.startswith("v0.13.")]


def until(seconds, what, ready):
    """What `ready` gives, once it gives something. It may say as a string why not."""
    end, said = time.monotonic() + seconds, ""
    while time.monotonic() < end:
        found = ready()
        if found and not isinstance(found, str):
            return found
        said = found or said
        time.sleep(0.5)
    stop(f"gave up waiting for {what}{': ' if said else ''}{said}")


def objects(addresses):
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for kind, spec in [
        ("IPAddressPool", {"addresses": [f"{addresses[0]}-{addresses[-1]}"], "autoAssign": False}),
        ("BGPAdvertisement", {"ipAddressPools": ["elections"]})
        if addresses is BGP_ADDRESSES
        else ("L2Advertisement", {"ipAddressPools": ["elections"], "interfaces": ["mlb"]}),
    ]:
        yield {"apiVersion": "metallb.io/v1beta1", "kind": kind, "metadata": {"name": "elections", "namespace": "metallb-system"}, "spec": spec}
    for node in NODES:
        labels = {"pod": node, **{group: "yes" for group, nodes in GROUPS.items() if node in nodes}, **({ONLY_N0: "yes"} if node == "n0" else {})}
        container = {"name": "web", "image": "lab.local/app:1", "imagePullPolicy": "IfNotPresent", "args": ["-listen", ":4180"],
                     "ports": [{"name": "https", "containerPort": 4180}]}
        pod = {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container], "terminationGracePeriodSeconds": 1}
        yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"web-{node}", "namespace": NAMESPACE},
               "spec": {"selector": {"matchLabels": {"pod": node}}, "template": {"metadata": {"labels": labels}, "spec": pod}}}
    # Over BGP every other one has the policy Local: with Cluster all nodes announce, wherever the pods are.
    yield from services("Cluster", addresses, "Local" if addresses is BGP_ADDRESSES else "Cluster")


def services(policy, addresses=ADDRESSES, every_other=None):
    for number, address in enumerate(addresses):
        group = ONLY_N0 if address == addresses[-1] else list(GROUPS)[number % len(GROUPS)]
        # The old name of the annotation is the one that every version knows.
        metadata = {"name": f"s{number + 1:02}", "namespace": NAMESPACE, "annotations": {"metallb.universe.tf/loadBalancerIPs": address}}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "type": "LoadBalancer", "externalTrafficPolicy": every_other or policy if number % 2 else policy, "selector": {group: "yes"}, "ports": [{"name": "https", "port": 443, "targetPort": "https"}]}}


def apply(items):
    kubectl("apply", "-f", "-", feed=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))


def make(wanted=ADDRESSES):
    apply(objects(wanted))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Available", "deploy", "--all", "--timeout=90s")
    until(60, "twenty addresses", lambda: [*addresses()] == wanted)


def addresses():
    for service in json.loads(kubectl("-n", NAMESPACE, "get", "services", "-o", "json"))["items"]:
        yield from (entry["ip"] for entry in service["status"].get("loadBalancer", {}).get("ingress", []))


def unmake():
    """Removes the twenty Services, and waits until the lab is as `lab up` left it."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s", check=False)
    for kind in ["l2advertisement", "bgpadvertisement", "ipaddresspool"]:
        kubectl("-n", "metallb-system", "delete", kind, "elections", "--ignore-not-found", check=False)
    healthy()
    until(60, "an answer of the lab's own Service", lambda: "saw" in lab("in", "c1", "curl", "-skm2", "https://10.88.64.100/", check=False))


def healthy():
    """Waits until all nodes and all that the lab runs are ready, with the application's pods where they belong."""
    until(60, "all nodes to register", lambda: kubectl("get", "nodes", "-o", "name").split() == [f"node/{node}" for node in NODES])
    kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
    application = ["-n", "stacklight", "rollout"]
    rolled = lambda: kubectl(*application, "status", "deploy/iam-proxy-alertmanager", "--timeout=120s")
    rolled()
    if len(set(kubectl("-n", "stacklight", "get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}").split())) < 2:
        # While a node was unknown, both went to the other.
        kubectl(*application, "restart", "deploy/iam-proxy-alertmanager")
        rolled()
    for name in ["ds/speaker", "deploy/controller"]:
        kubectl("-n", "metallb-system", "rollout", "status", name, "--timeout=120s")


class Routes:
    """The router's table, in a lab that speaks BGP."""

    NODES = {f"10.88.64.{10 + number}": node for number, node in enumerate(NODES)}

    def ask(self):
        """Over which nodes the router has a route to each address, sorted; an address where no node has it."""
        table = json.loads(lab("vtysh", "-c", "show bgp ipv4 unicast json")).get("routes", {})
        said = {}
        for address in BGP_ADDRESSES:
            paths = [path for path in table.get(f"{address}/32", []) if path.get("valid")]
            hops = {hop["ip"] for path in paths for hop in path.get("nexthops", [])}
            said[address] = sorted(self.NODES.get(hop, hop) for hop in hops)
        return said


class Wire:
    """The service network, as a client on it sees it."""

    def __init__(self):
        # Read while all nodes are on.
        self.macs = {lab("node", node, "cat", "/sys/class/net/mlb/address").strip(): node for node in NODES}

    def ask(self):
        """Who answers for each address: nodes, sorted; a MAC where no node has it."""
        said = {address: [] for address in ADDRESSES}
        for line in lab("in", "c1", "python3", "-c", ASK, *ADDRESSES).splitlines():
            address, mac = line.split()
            said[address].append(self.macs.get(mac, mac))
        return {address: sorted(nodes) for address, nodes in said.items()}

    def settled(self, answering, silent=()):
        """The wire, once it has said the same for five seconds: all these nodes answer and no others, one for each address, none for the silent ones."""
        last, since = None, 0.0

        def steady():
            nonlocal last, since
            now = self.ask()
            if now != last:
                last, since = now, time.monotonic()
            as_many = all(len(nodes) == (0 if address in silent else 1) for address, nodes in now.items())
            if not as_many or {node for nodes in now.values() for node in nodes} != set(answering):
                return f"wanted are one answer each of {', '.join(answering)}, seen are {shown(now)}"
            return now if time.monotonic() - since >= 5 else "it moves"

        return until(120, "a steady wire", steady)


def shown(wire):
    return " ".join(f".{address.rsplit('.', 1)[1]}={'+'.join(nodes) or '-'}" for address, nodes in wire.items())


def ask_lbdiag(*words, record=None, **environment):
    """lbdiag's outcome for the twenty Services, and its rows by address."""
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.json"
        begun = time.monotonic()
        command = ["run", PLAYBOOK, "--quiet", "--set", f"namespace={NAMESPACE}", *words, "--report", f"json={report}", *(["--record", str(record)] if record else [])]
        said = lab(*(["lbdiag"] if not environment else ["in", "ops", "env", *(f"{name}={value}" for name, value in environment.items()), program()]), *command, check=False)
        took = time.monotonic() - begun
        if not report.exists():
            stop(f"lbdiag wrote no report: {said[-500:]}")
        outcome = json.loads(report.read_text())
    table = outcome["tables"][0]
    rows = {row[table["columns"].index("address")]: dict(zip(table["columns"], row)) for row in table["rows"]}
    return outcome, rows, took


def program():
    return os.environ.get("LBDIAG") or str(ROOT / "target/release/lbdiag")


def status_nodes():
    """The nodes that each address's ServiceL2Status name; 0.13 has none."""
    said = {}
    listed = kubectl("get", "servicel2statuses", "-A", "-o", "json", check=False)
    for item in json.loads(listed)["items"] if listed else []:
        status = item.get("status", {})
        if status.get("serviceNamespace") == NAMESPACE:
            said.setdefault(ADDRESSES[int(status["serviceName"][1:]) - 1], set()).add(status["node"])
    return {address: sorted(nodes) for address, nodes in said.items()}
