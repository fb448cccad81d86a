#!/usr/bin/env python3
"""The measuring of tests/lab/bench/capture: bench.py LAB SSH_CONFIG ROUNDS "LOAD…"."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import frames

HERE = Path(__file__).parent
LAB, SSH_CONFIG, ROUNDS, LOADS = sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(load) for load in sys.argv[4].split()]
NODE, INTERFACE, ADDRESS, PORT = "n2", "mlb", "10.88.64.12", 9999
FILTER = f"udp dst port {PORT}"
# libpcap takes a few packets before its filter is set, throws away what comes while it sets it, and only then says that it listens.
BEFORE_LISTENING = 200


def numbers(packets):
    """The stream's numbers, out of the payload behind 20 bytes of IP and 8 of UDP."""
    return [struct.unpack(">Q", data[32:40])[0] for _, _, data in packets if len(data) >= 40]


def shown(name, load, taken, seconds, size, counted):
    taken = taken[BEFORE_LISTENING:]
    first, last = min(taken), max(taken)
    sent = last - first + 1
    lost = sent - len(set(taken))
    return {"name": name, "load": load, "sent": sent, "lost": lost, "rate": len(taken) / seconds, "bytes": size / seconds, "counted": counted}


def by_pipe(folder, seconds, options):
    """What a person does: tcpdump over ssh, its packets through the pipe, stopped by a signal on the node."""
    path, errors = folder / "pipe.pcap", folder / "pipe.txt"
    command = f"echo $$ >&2; exec tcpdump -i {INTERFACE} -n -s 128 {options} -w - '{FILTER}'"
    with open(path, "wb") as out, open(errors, "wb") as said:
        ssh = subprocess.Popen([LAB, "in", "ops", "ssh", "-F", SSH_CONFIG, NODE, command], stdin=subprocess.DEVNULL, stdout=out, stderr=said)
        while b"listening on" not in errors.read_bytes():
            time.sleep(0.01)
        begun = time.monotonic()
        time.sleep(seconds)
        pid = errors.read_bytes().split()[0].decode()
        subprocess.run([LAB, "on", NODE, "kill", "-INT", pid], check=True)
        took = time.monotonic() - begun
        ssh.wait(timeout=30)
    text = errors.read_text()
    dropped = [line for line in text.splitlines() if "dropped by kernel" in line]
    return numbers(frames.pcap(path)), took, path.stat().st_size, dropped[-1].split()[0] if dropped else "?"


def by_lbdiag(folder):
    report = folder / "report.json"
    command = [LAB, "lbdiag", "run", str(HERE / "watch.rhai"), "-q", "--pcap", str(folder / "packets"), "--report", f"json={report}"]
    for name, value in {"filter": FILTER, "interface": INTERFACE, "node": NODE, "tries": 24}.items():
        command += ["--set", f"{name}={value}"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    seen = json.loads(report.read_text())["captures"][0]
    path = next((folder / "packets").glob("0*.pcapng"))
    packets, counters = frames.pcapng(path)
    took = (counters[3] - counters[2]) / 1e9
    dropped = seen["counters"]["dropped_by_kernel"]
    return numbers(packets), took, path.stat().st_size, f"{dropped}" + ("" if seen["complete"] else f" ({seen['end']}, told)")


def main():
    results = []
    for load in LOADS:
        for _ in range(ROUNDS):
            folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
            stream = subprocess.Popen(
                [LAB, "in", "c1", "python3", str(HERE / "stream.py"), ADDRESS, str(PORT), str(load), "60"], stdout=subprocess.DEVNULL
            )
            try:
                time.sleep(0.3)
                taken, took, size, counted = by_lbdiag(folder)
                results.append(shown("lbdiag", load, taken, took, size, counted))
                for name, options in (("ssh tcpdump -w -", "-U"), ("ssh tcpdump, --immediate-mode -B 32768", "-U --immediate-mode -B 32768")):
                    taken, _, size, counted = by_pipe(folder, took, options)
                    if len(taken) > BEFORE_LISTENING:
                        results.append(shown(name, load, taken, took, size, counted))
            finally:
                stream.send_signal(signal.SIGTERM)
                stream.wait()
                shutil.rmtree(folder, ignore_errors=True)
    worse = False
    print(f"{'load, packets a second':<24}{'road':<42}{'packets/s':>10}{'MB/s':>7}{'of':>10}{'lost':>8}   dropped by its own count")
    for load in LOADS:
        loss = {}
        for name in dict.fromkeys(result["name"] for result in results):
            mine = [result for result in results if result["load"] == load and result["name"] == name]
            if not mine:
                continue
            sent, lost = sum(one["sent"] for one in mine), sum(one["lost"] for one in mine)
            rate, size = (sum(one[what] for one in mine) / len(mine) for what in ("rate", "bytes"))
            loss[name] = lost / sent
            counted = ", ".join(str(one["counted"]) for one in mine)
            print(f"{load:<24}{name:<42}{rate:>10.0f}{size / 1e6:>7.1f}{sent:>10}{lost:>8}   {counted}")
        worse |= loss.get("lbdiag", 0) > loss.get("ssh tcpdump -w -", 1)
    if worse:
        print("lbdiag lost more than the plain pipe")
    sys.exit(worse)


os.environ.setdefault("LC_ALL", "C")
main()
