#!/usr/bin/env python3
"""Captures of lbdiag against a reference, many times: soak.py PART RUNS, with PART one of

  idle      the Service's own few packets: none may be missing at start or stop
  load      the same, and a stream of 20,000 packets a second that the capture takes too: none may be missing
  overload  a stream that is too much for a small buffer: every loss must be told, and nothing told that is none
  flood     bounds at their largest under 50,000 packets a second: memory stays below 64 MiB
  busy      metallb-flow where 50,000 connections a second begin at the Service and one client's packets are dropped, with
            everything recorded: memory stays below 64 MiB, nothing wrong is said, and the replay says the same

The reference is a tcpdump on the same node that began before and ends after, with a buffer that holds everything.
Prints one line a part, and more for whatever is wrong; exits 1 then. Started by tests/lab/soak."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import frames

HERE = Path(__file__).parent
LAB = str(HERE.parent / "lab")
NODE, ADDRESS, PORT, VIP, CLIENT = "n2", "10.88.64.12", 9999, "10.88.64.100", "10.88.64.50"
STREAM = f"(udp dst port {PORT})"
SERVICE = f"(host {VIP} and tcp port 443)"
MOST_STOP_MS, MOST_MEMORY_KIB = int(os.environ.get("MOST_STOP_MS", "100")), int(os.environ.get("MOST_MEMORY_MIB", "64")) * 1024

PARTS = {
    # filter, packets a second, buffer in KiB, packets at most, tries
    "idle": (SERVICE, 0, 32768, 200_000, 4),
    "load": (f"{SERVICE} or {STREAM}", int(os.environ.get("LOAD", "20000")), 32768, 200_000, 4),
    "overload": (STREAM, int(os.environ.get("OVERLOAD", "120000")), 64, 1_000_000, 4),
    "flood": (STREAM, int(os.environ.get("FLOOD", "50000")), 32768, 1_000_000, 200),
}


def reference(filter_, folder):
    """A tcpdump on the node that loses nothing, listening already."""
    path = folder / "reference.pcap"
    errors = open(folder / "reference.txt", "w+")
    command = [LAB, "in", NODE, "tcpdump", "-i", "any", "-n", "-U", "-w", str(path), "--immediate-mode", "-s", "128", "-B", "524288"]
    command += ["--time-stamp-precision=nano", "-Z", "root", filter_]
    process = subprocess.Popen(command, stderr=errors, stdin=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while "listening on" not in (folder / "reference.txt").read_text():
        if time.monotonic() > until or process.poll() is not None:
            raise SystemExit(f"soak: the reference does not listen: {(folder / 'reference.txt').read_text()}")
        time.sleep(0.01)
    return process, path


def ended(process, folder):
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    text = (folder / "reference.txt").read_text()
    numbers = dict((what, int(number)) for number, what in re.findall(r"(\d+) packets? (captured|received by filter|dropped by kernel)", text))
    if numbers.get("dropped by kernel") or numbers.get("captured") != numbers.get("received by filter"):
        return None
    return numbers


def watched(folder, filter_, buffer, packets, tries):
    """One run of watch.rhai: its report, exit status and peak of memory in KiB."""
    params = {"filter": filter_, "buffer": buffer, "packets": packets, "tries": tries, "node": NODE}
    return lbdiag(folder, [str(HERE / "watch.rhai"), "--pcap", str(folder / "packets")], params)


def lbdiag(folder, arguments, params):
    """One run: its report, exit status and peak of memory in KiB. The kernel counts what a process had before it became
    lbdiag, too; so nothing large is ever held here (see `apart`)."""
    report = folder / "report.json"
    command = [LAB, "lbdiag", "run", "-q", *arguments, "--report", f"json={report}"]
    for name, value in params.items():
        command += ["--set", f"{name}={value}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(process.pid, 0)
    if not report.exists():
        raise SystemExit(f"soak: lbdiag gave no report: {said}")
    return json.loads(report.read_text()), os.waitstatus_to_exitcode(status), usage.ru_maxrss


def key(packet):
    return packet[1], headers(packet[2])[:64]


def headers(packet):
    """The packet without what it carries: of that lbdiag keeps nothing."""
    if not packet or packet[0] >> 4 != 4:
        return packet
    length = (packet[0] & 15) * 4
    if packet[9] == 6 and len(packet) > length + 12:
        length += (packet[length + 12] >> 4) * 4
    elif packet[9] == 17:
        length += 8
    return packet[:length]


def compare(folder, path):
    """Packets of the reference that lbdiag's capture lacks: within its time, and until the kernel closed it."""
    files = sorted((folder / "packets").glob("0*.pcapng"))
    if len(files) != 1:
        return None
    ours, counters = frames.pcapng(files[0])
    listening, stopped = counters.get(2, 0), counters.get(3, 0)
    have = Counter(key(packet) for packet in ours)
    missing, checked = [], 0
    for packet in frames.pcap(path):
        if have[key(packet)] > 0:
            have[key(packet)] -= 1
            checked += listening <= packet[0] <= stopped
        elif listening <= packet[0] <= stopped:
            missing.append(packet[0])
            checked += 1
    invented = sum(have.values())
    return {"checked": checked, "missing": missing, "invented": invented, "listening": listening, "stopped": stopped}


def apart(function, *arguments):
    """Calls a function in a process of its own, whose memory is gone with it."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)


def busy(runs):
    rate = os.environ.get("SEGMENTS", "50000")
    drop = ["iptables", "-t", "raw", "PREROUTING", "-s", "10.88.192.0/24", "-j", "DROP"]
    memory, packets, verdicts, problems = 0, 0, Counter(), []
    params = {"namespace": "stacklight", "service": "iam-proxy-alertmanager", "from": "ssh:c1,ssh:c2"}
    for number in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="soak-", dir="/var/tmp"))
        stream = None
        subprocess.run([LAB, "node", NODE, *drop[:3], "-I", *drop[3:]], check=True)
        try:
            stream = subprocess.Popen(
                [LAB, "in", "c1", "python3", str(HERE / "segments.py"), CLIENT, VIP, "443", rate, "120"], stdout=subprocess.DEVNULL
            )
            time.sleep(0.5)
            report, status, peak = lbdiag(folder, ["metallb-flow", "--record", str(folder / "run.lbdiag")], params)
            stream.terminate()
            stream.wait()
            memory, packets = max(memory, peak), packets + sum(seen["counters"]["arrived"] for seen in report["captures"])
            verdicts[report["verdict"]] += 1
            if peak > MOST_MEMORY_KIB:
                problems.append(f"run {number}: {peak} KiB of memory")
            first = report["findings"][0]["name"] if report["findings"] else None
            if report["verdict"] != "inconclusive" and (report["verdict"], first) != ("fail", "node/firewall-drop"):
                problems.append(f"run {number}: {report['verdict']}, {first}")
            if not report["cleanup"].startswith("proven"):
                problems.append(f"run {number}: cleanup {report['cleanup']}")
            again = subprocess.run(
                [os.environ["LBDIAG"], "run", "metallb-flow", "-q", "--replay", str(folder / "run.lbdiag")], stdout=subprocess.DEVNULL
            )
            if again.returncode != status:
                problems.append(f"run {number}: the run ended with {status}, its replay with {again.returncode}")
        finally:
            if stream and stream.poll() is None:
                stream.terminate()
                stream.wait()
            subprocess.run([LAB, "node", NODE, *drop[:3], "-D", *drop[3:]], check=True)
            if problems and os.environ.get("SOAK_KEEP"):
                print(f"kept {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    print(f"busy: {runs} runs, {packets} packets arrived, {said}; {memory // 1024} MiB of memory at most", flush=True)
    for problem in problems:
        print(f"  {problem}", flush=True)
    return not problems


def part(name, runs):
    if name == "busy":
        return busy(runs)
    filter_, rate, buffer, packets, tries = PARTS[name]
    stream = None
    total = Counter()
    stops, memory, problems, lossy, skipped = [], 0, [], 0, 0
    for number in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="soak-", dir="/var/tmp"))
        try:
            if rate:
                seconds = "60" if name == "flood" else "20"
                stream = subprocess.Popen(
                    [LAB, "in", "c1", "python3", str(HERE / "stream.py"), ADDRESS, str(PORT), str(rate), seconds], stdout=subprocess.PIPE
                )
                time.sleep(0.2)
            watching = reference(filter_, folder) if name != "flood" else None
            report, status, peak = watched(folder, filter_, buffer, packets, tries)
            counts = ended(watching[0], folder) if watching else {}
            if stream:
                stream.terminate()
                stream.wait()
            memory = max(memory, peak)
            if peak > MOST_MEMORY_KIB:
                problems.append(f"run {number}: {peak} KiB of memory")
            seen = report.get("captures", [])
            if len(seen) != 1:
                problems.append(f"run {number}: no capture: {report.get('gaps')}")
                continue
            seen = seen[0]
            if not report["cleanup"].startswith("proven"):
                problems.append(f"run {number}: cleanup {report['cleanup']}")
            if seen["end"] == "stopped":
                stops.append(seen["stop_ms"])
            gaps = {gap["name"] for gap in report["gaps"]}
            told = bool(gaps & {"evidence/capture-lost-packets", "evidence/bounded"})
            if told == seen["complete"]:
                problems.append(f"run {number}: complete is {seen['complete']}, and the gaps are {sorted(gaps)}")
            if name == "flood":
                total["arrived"] += seen["counters"]["arrived"]
                lossy += not seen["complete"]
                continue
            if counts is None:
                # A reference that lost packets itself proves nothing.
                skipped += 1
                continue
            found = apart(compare, folder, watching[1])
            if found is None:
                problems.append(f"run {number}: there is not one file of packets")
                continue
            total["checked"] += found["checked"]
            total["missing"] += len(found["missing"])
            total["invented"] += found["invented"]
            lossy += not seen["complete"]
            if found["missing"] and seen["complete"]:
                first = (found["missing"][0] - found["listening"]) / 1e6
                last = (found["stopped"] - found["missing"][-1]) / 1e6
                problems.append(f"run {number}: {len(found['missing'])} packets are missing untold, the first {first:.1f} ms after the start, the last {last:.1f} ms before the stop")
            if name in ("idle", "load") and not seen["complete"]:
                problems.append(f"run {number}: a loss is told where there should be none: {seen['end']}, {seen['counters']}")
            counters = seen["counters"]
            lost = (counters["dropped_by_kernel"] or 0) > 0 or counters["received_by_filter"] != counters["arrived"]
            if seen["end"] == "stopped" and not seen["complete"] and not lost:
                problems.append(f"run {number}: incomplete without a loss: {counters}")
            if name == "overload" and seen["end"] == "stopped" and not seen["complete"] and not found["missing"]:
                # What was lost after the stop is no packet of the run, and is told all the same.
                total["only after the stop"] += 1
        finally:
            if stream and stream.poll() is None:
                stream.terminate()
                stream.wait()
            if problems and os.environ.get("SOAK_KEEP"):
                print(f"kept {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)
    stops.sort()
    middle = stops[len(stops) // 2] if stops else None
    most = stops[-1] if stops else None
    line = f"{name}: {runs} runs"
    if name == "flood":
        line += f", {total['arrived']} packets arrived, {lossy} ended by a bound or with a loss that was told"
    else:
        line += f", {total['checked']} packets looked for, {total['missing']} missing, {total['invented']} too many, {lossy} runs told a loss"
        if total["only after the stop"]:
            line += f" ({total['only after the stop']} of them of packets after the stop)"
    line += f"; stop to result {middle} ms in the middle, {most} ms at most; {memory // 1024} MiB of memory at most"
    if skipped:
        line += f"; {skipped} runs not compared, because the reference lost packets itself"
    print(line, flush=True)
    late = [stop for stop in stops if stop > MOST_STOP_MS]
    if late and name in ("idle", "load"):
        problems.append(f"{len(late)} of {len(stops)} stops took longer than {MOST_STOP_MS} ms: {late[-5:]}")
    if name in ("idle", "load") and total["checked"] == 0:
        problems.append("nothing was compared")
    if name == "overload" and lossy == 0:
        problems.append("the load was not enough to lose a packet: set OVERLOAD higher")
    for problem in problems:
        print(f"  {problem}", flush=True)
    return not problems


if __name__ == "__main__":
    sys.exit(0 if part(sys.argv[1], int(sys.argv[2])) else 1)
