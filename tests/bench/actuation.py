"""tests/bench/actuation.py: commands to machines, from the last approval to the machine.

Three governed nodes that sign their audit log, a `weft-gateway` with a hundred simulated machines,
all on loopback. One command after another, approved by two people; then every channel at once, at
rates that rise to the target and, if the target is reached, beyond it. `actuation_load` says what
it asks for and how it counts; that a machine was told is what the machine itself wrote down."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import time

import imports
import pki
import plant

MEDIAN_TARGET_MS = 50
CHANNELS, RATE_TARGET = 100, 10  # at once; commands a second on each
RATES = (2, 3, 4, 5, 10)  # a second on each channel
ONE_BY_ONE = 20  # commands in a round
SITE = "oem.example/plant1"
POLICY = """
group approvers = op plant1/bo, op plant1/cy

permit commanders
  who  op plant1/ann
  do   propose cancel read

permit approvers
  who  approvers
  do   approve read

permit gateways
  who  gw plant1/gw1
  do   read subscribe
  on   kind command

permit load
  who  op plant1/tester
  do   read subscribe
  on   kind command

require two
  do   propose
  on   tier >= 2
  need 2 of approvers not proposer distinct-persons
"""
ENVELOPE = """weft-envelope/v1
name presses
party site
version 1
prev none
issued 2026-01-01T00:00:00.000Z
expires 2099-01-01T00:00:00.000Z
target oem.example/plant1/line2/...
verb set-speed
hard speed 0 .. 60 rpm
normal speed 10 .. 50 rpm
interlock guard/closed = true fresh 2s
finish 10s
safe hold
"""
CONFIG = """gateway:
  org: oem.example
  site: plant1
  name: gw1
  data: data
  key: gw1.key
plant:
  endpoints: [{endpoints}]
  identity: identity
trust:
  logs: [{logs}]
  needed: 2
  keys: persons
  approvals: [0, 0, 2]
channels:
"""
CHANNEL = """  - machine: m{number}
    sim:
      kind: press
      directory: m{number}
"""


class Factory:
    """A plant, its gateway and its machines."""

    def __init__(self, bench):
        self.bin, self.bench = bench.args.bin, bench
        self.home = pathlib.Path(bench.directory).resolve() / "actuation"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.gateway = None
        settings = {"policy": pki.site(self.bin, self.home / "site", ("ann", "bo"))}
        self.site = plant.Plant(self.home / "plant", self.bin, settings=settings)
        self.logs = [pki.log_key(node.tls, f"{SITE}/audit") for node in self.site]

    def start(self):
        self.site.start()
        self.govern()
        self.make_gateway()
        with open(self.home / "gw1/log", "ab") as log:
            self.gateway = subprocess.Popen(
                [str(self.bin / "weft-gateway"), "--config", str(self.home / "gw1/config.yaml")],
                stdin=subprocess.DEVNULL, stderr=log)
        plant.wait_for("the gateway is up", lambda: "plant-up" in self.logged())
        return self

    def stop(self):
        if self.gateway is not None:
            self.gateway.send_signal(signal.SIGTERM)
            self.gateway.wait(timeout=60)
        self.site.stop()

    def logged(self):
        return (self.home / "gw1/log").read_text(encoding="utf-8")

    def local(self, *arguments):
        subprocess.run([str(self.bin / "weft"), *map(str, arguments)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def must(self, *arguments):
        return self.site.weft(*map(str, arguments), check=True).stdout

    def govern(self):
        """Policy, people and an envelope; and the file `law` by which commands name them."""
        admins = self.home / "site/admins"
        text = self.must("policy", "show", "--next") + POLICY
        (self.home / "next.policy").write_text(text, encoding="utf-8")
        self.must("policy", "apply", self.home / "next.policy", "--key", admins / "ann.key")
        self.local("pki", "person", "cy", "--org", "oem.example", "--site", "plant1", "--only",
                   "note", "--clear", "--out", self.home / "cy")
        self.must("pki", "enroll", self.home / "cy/note.key", "--key", admins / "ann.key")
        (self.home / "envelope").write_text(ENVELOPE, encoding="utf-8")
        self.must("envelope", "apply", self.home / "envelope", "--key", admins / "ann.key", "--yes")
        machines = self.home / "gw1"
        machines.mkdir()
        for name, stem in (("ann", admins / "ann"), ("bo", admins / "bo"),
                           ("cy", self.home / "cy/note")):
            for end in (".key", ".vkey"):
                shutil.copy(f"{stem}{end}", machines / f"{name}{end}")
        version = re.search(r"^policy \S+ (\d+)$", text, re.MULTILINE).group(1)
        digests = [hashlib.sha256(t.encode()).hexdigest() for t in (text, ENVELOPE)]
        (machines / "law").write_text(f"policy {version} sha256:{digests[0]}\n"
                                      f"envelope presses 1 sha256:{digests[1]}\n")

    def make_gateway(self):
        gw = self.home / "gw1"
        vkey = pki.log_key(gw, f"{SITE}/gw/gw1")
        (gw / "log.key").rename(gw / "gw1.key")
        (gw / "gw1.vkey").write_text(vkey + "\n", encoding="utf-8")
        self.must("pki", "enroll", gw / "gw1.key", "--key", self.home / "site/admins/ann.key")
        self.site.authority.issue("plant1", "gw", "gw1", gw / "identity")
        (gw / "persons").write_text("".join(
            f"key 1 - {SITE}/op/{name} {(gw / f'{name}.vkey').read_text().strip()}\n"
            for name in ("ann", "bo", "cy")), encoding="utf-8")
        (gw / "config.yaml").write_text(CONFIG.format(
            endpoints=", ".join(f'"{node.client}"' for node in self.site),
            logs=", ".join(f'"{key}"' for key in self.logs))
            + "".join(CHANNEL.format(number=i) for i in range(CHANNELS)), encoding="utf-8")
        for i in range(CHANNELS):
            (gw / f"m{i}").mkdir()
            (gw / f"m{i}/inputs").write_text("guard/closed = true\n")

    def processes(self):
        return [node.process for node in self.site] + [self.gateway]

    def load(self, mode, channels, rate, seconds):
        """What actuation_load says, and processor time of nodes and of the gateway, in us for each
        command."""
        before = [imports.cpu_seconds(p) for p in self.processes()]
        done = subprocess.run(
            [str(self.bin / "actuation_load"), str(self.site.identity), ",".join(
                node.client for node in self.site), str(self.home / "gw1"), mode, str(channels),
             str(rate), str(seconds)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        if not done.stdout.startswith("{"):
            raise RuntimeError(done.stderr)
        result = json.loads(done.stdout)
        spent = [b - a for a, b in zip(before, map(imports.cpu_seconds, self.processes()))]
        result["nodes_us"] = sum(spent[:-1]) / result["commands"] * 1e6
        result["gateway_us"] = spent[-1] / result["commands"] * 1e6
        return result


def carried(result):
    return result.get("told_ms", {"count": 0})["count"]


def row(rate, result):
    times, ends = (result.get(key, {"p50": 0, "p99": 0}) for key in ("told_ms", "ended_ms"))
    return (f"{rate}", f"{result['asked_per_second']:,.0f}", f"{result['ended_per_second']:,.0f}",
            f"{carried(result):,} of {result['commands']:,}",
            f"{times['p50']:.1f}", f"{times['p99']:.1f}", f"{ends['p50']:.1f}",
            f"{result['nodes_us']:.0f}", f"{result['gateway_us']:.0f}",
            f"{os.getloadavg()[0]:.1f}")


def measure(bench, report):
    factory = Factory(bench)
    try:
        factory.start()
        factory.load("one", 4, 1, 5)  # Connections, and the leader, are found.
        ones = [factory.load("one", 10, 1, 5 if bench.args.quick else ONE_BY_ONE)
                for _ in range(bench.rounds)]
        report.table("From the last approval to the machine, 3 nodes, ms", (
            "commands", "p50 (target)", "p90", "p99", "approval to VERIFIED, p50", "load"), [(
                sum(carried(r) for r in ones),
                report.target("approval to machine, median ms", statistics.median(
                    r["told_ms"]["p50"] for r in ones), MEDIAN_TARGET_MS, False),
                *(f"{statistics.median(r['told_ms'][key] for r in ones):.1f}"
                  for key in ("p90", "p99")),
                f"{statistics.median(r['ended_ms']['p50'] for r in ones):.1f}",
                f"{os.getloadavg()[0]:.1f}")])
        rows, stages, best = [], [], 0
        for rate in RATES:
            result = factory.load("many", CHANNELS, rate, round(bench.seconds))
            rows.append(row(rate, result))
            stages.append((rate, *(f"{ms:.1f}" for ms in result["stages_ms"].values())))
            # Sustained: all are carried out, and they end as fast as they come.
            if carried(result) == result["commands"] and \
                    result["ended_per_second"] >= 0.9 * rate * CHANNELS:
                best = rate
            time.sleep(1)
        report.table(f"{CHANNELS} channels at once", (
            "commands/s on each", "asked for /s", "VERIFIED /s", "carried out",
            "due to machine, ms p50", "p99", "due to VERIFIED, ms p50",
            "us of processor time for each, nodes", "gateway", "load"), rows)
        report.table("From one to the next, ms, medians", (
            "commands/s on each", *result["stages_ms"]), stages)
        report.say("\nSustained on each channel, commands/s: "
                   + report.target("commands/s on each of 100 channels", best, RATE_TARGET) + ".")
    finally:
        factory.stop()
    shutil.rmtree(factory.home, ignore_errors=True)
