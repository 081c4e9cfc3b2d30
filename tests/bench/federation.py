"""tests/bench/federation.py: what two organizations share, and how fast.

Two governed sites of three nodes each, partner doors and all, on loopback. The supplier commits,
the OEM takes; what is under an agreement there is a statement each. Rates and times are those of
both sites on one machine; processor time is all nodes' of a side, for each statement. How long one
takes is never too low: from before the last look at the supplier's leader that did not have it to
behind the first look at the OEM's that has it, a few milliseconds more than it is."""

import os
import shutil
import socket
import statistics
import subprocess
import threading
import time

import cluster
import imports
import large
import partners
import plant
import wire

RATE_TARGET, VISIBLE_TARGET_MS = 10_000, 1000
LOAD_PER_SECOND = 10_500  # what is committed while the rate is measured
RECORDS = 100  # in a commit, as importers have them
BACKLOG, BACKLOG_TARGET_BYTES = 200_000, 1024
REPAIR_TARGET_BYTES, REPAIR_TARGET_ROUNDS = 3 * 1024, 6
CONTRACTS, FLAT_TARGET = (2, 10, 50), 1.25
LOOK_S = 0.01  # between two looks at a leader
PREFIX = "serial:box"
AGREEMENT = """weft-agreement/v1
agreement {name}
version 1
prev none
issued {issued}
expires {expires}
party {oem.site} sha256:{oem_pin}
party {west.site} sha256:{west_pin}
authority {kind} {west.site} *
cell {kind} UNION load
{providers}"""
PROVIDER = """provider {site}
threshold 2
kind {kind} disclosed
mask {kind} hidden load/unit
depth any
forward no
retain 3650
rate 1000000
bytes 1000000000
queue 1000000
quarantine 100
"""


class Counting(partners.Relay):
    """Counts the bytes that it carries, TLS and all."""

    def __init__(self, target):
        self.count = {}
        super().__init__(target)

    def _carry(self, near, far):
        back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
        back.start()
        self._copy(near, far)
        back.join()
        near.close()
        far.close()

    def _copy(self, one, other):
        count = 0
        try:
            while data := one.recv(1 << 18):
                other.sendall(data)
                count += len(data)
                self.count[one] = count
        except OSError:
            pass
        for s in (one, other):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def carried(self):
        return sum(self.count.values())


class Watch(threading.Thread):
    """Looks at a figure of a site's leader: [(before, after, value)]."""

    def __init__(self, site, key):
        super().__init__(daemon=True)
        self.site, self.key, self.looks, self.is_over = site, key, [], False

    def run(self):
        with self.site.plant.leader().connect() as client:
            while not self.is_over:
                before = time.monotonic()
                try:
                    value = client.gauge(self.key)
                except (OSError, wire.Refusal):
                    return
                self.looks.append((before, time.monotonic(), value))
                time.sleep(LOOK_S)

    def end(self):
        self.is_over = True
        self.join()
        return self.looks


def delays(sent, received):
    """[(s, how many statements)]: how long each took, at the most."""
    found, j = [], 0
    for (before, _, old), (_, _, new) in zip(sent, sent[1:]):
        while old < new:
            while j < len(received) and received[j][2] <= old:
                j += 1
            if j == len(received):
                return found
            step = min(new, received[j][2])
            found.append((received[j][1] - before, step - old))
            old = step
    return found


def quantile(found, part):
    ordered, wanted = sorted(found), part * sum(count for _, count in found)
    for value, count in ordered:
        wanted -= count
        if wanted <= 0:
            return value
    raise RuntimeError("nothing arrived")


def rate(looks, began, ended):
    """A second, between two moments."""
    within = [(after, value) for _, after, value in looks if began <= after <= ended]
    return (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0])


class Two:
    """A supplier, an OEM, and the agreements between them."""

    def __init__(self, bench):
        cluster.options.bin = bench.args.bin
        self.bench, self.agreements = bench, 0
        self.home = bench.directory / "federation"
        shutil.rmtree(self.home, ignore_errors=True)
        nodes = ("n1", "n2", "n3")
        self.west = partners.Site(self.home / "west", "supplier.example", "west", "oem.example",
                                  nodes, Counting)
        self.oem = partners.Site(self.home / "oem", "oem.example", "plant1", "supplier.example",
                                 nodes, Counting)
        self.sites = (self.west, self.oem)

    def start(self):
        for site in self.sites:
            site.plant.start()
        self.west.pin_partner(self.oem)
        self.oem.pin_partner(self.west)
        return self

    def stop(self):
        for site in self.sites:
            site.plant.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def agree(self, name, kind):
        def utc(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
        text = AGREEMENT.format(
            name=name, kind=kind, oem=self.oem, west=self.west, issued=utc(-60),
            expires=utc(86400), oem_pin=self.oem.pin(), west_pin=self.west.pin(),
            providers="".join(PROVIDER.format(site=site.site, kind=kind)
                              for site in (self.oem, self.west)))
        note = partners.sign(text, *self.oem.roots(), *self.west.roots())
        for site in self.sites:
            site.commit({"kind": "agreement", "asset": f"agreement:{name}",
                         "attrs": {"note": note}})

    def agree_until(self, count):
        """So many agreements, each of a kind of its own."""
        for i in range(self.agreements, count):
            self.agree(f"a{i}", f"bench.load.{i}")
        self.agreements = max(count, self.agreements)

    def gauges(self, site):
        return plant.wait_for("somebody leads", site.plant.leader_status)["gauges"]

    def sums(self, figure, direction):
        """Of all agreements: at the supplier sent, at the OEM received."""
        site = self.west if direction == "sent" else self.oem
        return sum(value for name, value in self.gauges(site).items()
                   if name.startswith("partner/") and name.endswith(f"/{direction}/{figure}"))

    def said_beside(self):
        """Bytes of all that both say to each other but for the records."""
        return sum(value for site in self.sites for name, value in self.gauges(site).items()
                   if name.endswith("/both/beside_bytes_total"))

    def is_even(self, least=0):
        leaves = self.sums("leaves", "sent")
        return leaves >= least and self.sums("lag_statements", "sent") == 0 and \
            leaves == self.sums("leaves", "received")

    def wait_even(self, seconds=600, every=0.05, least=0):
        plant.wait_for("the OEM has all, and has said so", lambda: self.is_even(least), seconds,
                       every)
        if any(value for name, value in self.gauges(self.oem).items()
               if name.endswith("/received/quarantined")):
            raise RuntimeError("statements are in quarantine")

    def cpu_s(self):
        return [sum(imports.cpu_seconds(node.process) for node in site.plant)
                for site in self.sites]

    def load(self, kinds, *extra):
        """Commits of the supplier, of so many kinds; a process."""
        return large.start_bench(self.west.plant, "write", 4 * max(4, kinds), 600, 300, (
            "--records", str(RECORDS), "--kinds", str(kinds), "--clients", str(max(4, kinds)),
            "--outstanding", "4", "--prefix", PREFIX, "--warmup", "0", *extra))

    def write(self, records, kinds=1):
        """At least so many records, as many in each kind but for what does not divide."""
        result = large.finish_bench(
            self.load(kinds, "--count", str(-(-records // RECORDS))))
        if result["errors"]:
            raise RuntimeError(f"{result['errors']} commits failed")

    def carried(self):
        return sum(relay.carried() for site in self.sites for relay in site.relays)

    def block(self, is_blocked):
        for site in self.sites:
            site.block(is_blocked)


def spent_us(two, before, statements):
    return [(b - a) / statements * 1e6 for a, b in zip(before, two.cpu_s())]


def sustain(two, seconds):
    """(statements a second at the OEM, their delays, what one takes of each side, us)"""
    two.wait_even()
    leaves, before = two.sums("leaves", "sent"), two.cpu_s()
    watches = [Watch(two.west, "partner/a0/sent/leaves"),
               Watch(two.oem, "partner/a0/received/leaves")]
    for watch in watches:
        watch.start()
    load = two.load(1, "--rate", str(LOAD_PER_SECOND // RECORDS), "--seconds", str(seconds))
    large.finish_bench(load)
    at_end = time.monotonic()
    two.wait_even()
    us = spent_us(two, before, two.sums("leaves", "sent") - leaves)
    sent, received = (watch.end() for watch in watches)
    # The command takes a while to start and to end: from the first statement on, while it writes.
    began = next(before for before, _, value in sent if value > sent[0][2])
    return rate(received, began, min(at_end, began + seconds)), delays(sent, received), us


def partition(two, count):
    """{figure: value} of so many statements that wait while nobody can be reached."""
    two.wait_even()
    two.block(True)
    try:
        leaves, bytes_before = two.sums("leaves", "sent"), two.sums("bytes_total", "sent")
        two.write(count)
    finally:
        carried, beside, before = two.carried(), two.said_beside(), two.cpu_s()
        two.block(False)
    began = time.monotonic()
    two.wait_even(least=leaves + count)
    took = time.monotonic() - began
    us = spent_us(two, before, two.sums("leaves", "sent") - leaves)
    records = two.sums("bytes_total", "sent") - bytes_before
    return {"statements": two.sums("leaves", "sent") - leaves, "s": took, "us": us,
            "records": records, "beside": two.said_beside() - beside,
            "carried": two.carried() - carried}


def flat(two, counts, statements):
    """[(contracts, us of each side for a statement, us of a second in which nothing is said)]"""
    rows = []
    for count in counts:
        two.agree_until(count)
        two.wait_even()
        two.write(statements // 10, count)
        two.wait_even()
        before, at = two.cpu_s(), time.monotonic()
        time.sleep(2)
        idle = [us / (time.monotonic() - at) for us in spent_us(two, before, 1)]
        leaves, before, at = two.sums("leaves", "sent"), two.cpu_s(), time.monotonic()
        two.write(statements, count)
        two.wait_even()
        said = two.sums("leaves", "sent") - leaves
        rows.append((count, said, time.monotonic() - at, spent_us(two, before, said), idle))
    return rows


def repair(bench, members):
    """{what: (bytes, messages)}: bench_repair."""
    said = subprocess.run([str(bench.args.bin / "bench_repair"), str(members)], check=True,
                          capture_output=True, text=True).stdout
    found = {}
    for line in said.splitlines():
        word, size, _, messages = line.split()[:4]
        found[word] = int(size), int(messages)
    return found


def measure(bench, report):
    quick = bench.args.quick
    two = Two(bench)
    try:
        two.start()
        two.agree_until(1)
        two.write(2_000)
        runs = [sustain(two, 4 if quick else max(10, bench.seconds)) for _ in range(bench.rounds)]
        healed = partition(two, 4_000 if quick else BACKLOG)
        rows = flat(two, CONTRACTS[:2] if quick else CONTRACTS, 4_000 if quick else 100_000)
    finally:
        two.stop()
    found = [delay for run in runs for delay in run[1]]
    per_second = statistics.median(run[0] for run in runs)
    report.table(f"Statements to a partner, {LOAD_PER_SECOND:,} records/s committed in hundreds, "
                 "3 nodes each side", ("figure", "value (target)"), [
        ("taken by the partner, /s", report.target(
            "statements /s to a partner", per_second, RATE_TARGET)),
        ("committed to visible there, ms, median", report.target(
            "visible at the partner, ms", quantile(found, 0.5) * 1e3, VISIBLE_TARGET_MS, False)),
        ("p99", f"{quantile(found, 0.99) * 1e3:.0f}"),
        ("us of processor time of all nodes for each, supplier and partner", ", ".join(
            f"{statistics.median(run[2][side] for run in runs):.0f}" for side in (0, 1)))])
    report.table(f"{healed['statements']:,} statements after a partition",
                 ("figure", "value (target)"), [
        ("until all are taken and acknowledged, s", f"{healed['s']:.1f}"),
        ("/s", f"{healed['statements'] / healed['s']:,.0f}"),
        ("us of processor time for each, supplier and partner",
         ", ".join(f"{us:.0f}" for us in healed["us"])),
        ("bytes of records", f"{healed['records']:,}"),
        ("bytes of all else that both say of them", report.target(
            "bytes beside the records after a partition", healed["beside"],
            BACKLOG_TARGET_BYTES, False)),
        ("of that for each statement", f"{healed['beside'] / healed['statements']:.2f}"),
        ("bytes on the link, with TLS, handshakes, heartbeats", f"{healed['carried']:,}")])
    repaired = repair(bench, 100_000 if quick else 1_000_000)
    report.table("One difference in 1,000,000", ("how", "bytes (target)", "round trips (target)"), [
        (what, report.target(f"{what}, bytes", size, REPAIR_TARGET_BYTES, False),
         report.target(f"{what}, round trips", (messages + 1) // 2, REPAIR_TARGET_ROUNDS, False))
        for what, (size, messages) in repaired.items()])
    base = sum(rows[0][3])
    report.table("Contracts at once, as many statements in all", (
        "contracts", "statements", "/s", "us for each, supplier", "partner",
        f"of {rows[0][0]} contracts' (target)", "us of an idle second, supplier", "partner"), [
        (count, f"{said:,}", f"{said / took:,.0f}", f"{us[0]:.0f}", f"{us[1]:.0f}",
         report.target(f"us of a statement with {count} contracts", sum(us) / base, FLAT_TARGET,
                       False), f"{idle[0]:,.0f}", f"{idle[1]:,.0f}")
        for count, said, took, us, idle in rows])
    report.say(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}.")
