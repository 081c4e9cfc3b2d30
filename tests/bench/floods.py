"""tests/bench/floods.py: how long honest commits take while strangers and the refused come in
crowds.

Commits at a rate that leaves room, alone and beside a flood, in turn: TLS handshakes with a
certificate of nobody, and commits that the policy refuses. The floods are held to a rate, since
their own processes take as much of the machine as they cost the node; the table says what came
through."""

import statistics
import time

import audit
import pki
from flood import Flood

HONEST_PER_SECOND = 1000
RATES = {"handshakes": 200, "denials": 2000}  # a second
TARGET = 2.0  # p99 beside, against p99 alone
GROWTH_MB = 32
# What fills up to its bound first: the log's cache (32 MiB, raft/log), memtables, the block cache.
LIMITS = {"memtable_bytes": "8 MiB", "cache_bytes": "8 MiB"}
WARM_ROUNDS, WARM_MB, LOG_CACHE_BYTES = 20, 4, 31 << 20


def honest(bench, site):
    """From when a commit was due to its answer, in us."""
    return bench.weft_load(site, "write", 16, ("--rate", str(HONEST_PER_SECOND)))["p99_us"]


def floods_of(bench, site):
    viewer = site.authority.issue(site.site, "op", "vic", site.directory / "vic")
    fake = pki.Authority(site.directory / "fake", site.org)
    stranger = fake.issue(site.site, "node", "n2")
    leader = site.leader()
    return {"handshakes": (("handshakes", leader.client, stranger),),
            "denials": (("denials", leader.client, viewer),),
            "both": (("handshakes", leader.client, stranger), ("denials", leader.client, viewer))}


def beside(bench, site, kinds):
    """(p99 in us, how many of the flood a second)"""
    running = [Flood(*kind, rate=RATES[kind[0]]).__enter__() for kind in kinds]
    began = time.monotonic()
    try:
        time.sleep(1)  # Python starts.
        p99 = honest(bench, site)
    finally:
        for flood in running:
            flood.__exit__(None)
    return p99, sum(flood.done for flood in running) / (time.monotonic() - began)


def largest(site):
    return max(node.rss_bytes() for node in site)


def is_full(site):
    """Has every node as much of the log in memory as it keeps?"""
    return all(node.status()["gauges"]["log_cached_bytes"] >= LOG_CACHE_BYTES for node in site)


def warm(bench, site):
    """Honest commits, as many as there can be, until memory stands still; how much that is."""
    before = 0
    for _ in range(WARM_ROUNDS):
        bench.weft_load(site, "write", 64)
        now = largest(site)
        if now - before < WARM_MB * 1e6 and is_full(site):
            return now
        before = now
    return before


def measure(bench, report):
    site = audit.governed(bench, LIMITS)
    rows = []
    try:
        before = warm(bench, site)
        for name, kinds in floods_of(bench, site).items():
            alone, crowded, rates = [], [], []
            for _ in range(bench.rounds):
                alone.append(honest(bench, site))
                p99, rate = beside(bench, site, kinds)
                crowded.append(p99)
                rates.append(rate)
            a, b = statistics.median(alone), statistics.median(crowded)
            rows.append((name, f"{statistics.median(rates):,.0f}", f"{a / 1e3:.1f}",
                         f"{b / 1e3:.1f}", report.target(f"floods, {name}", b / a, TARGET, False)))
        grown = (largest(site) - before) / 1e6
    finally:
        site.stop()
    report.table(f"{HONEST_PER_SECOND:,} commits a second beside floods, 3 nodes",
                 ("flood", "/s", "p99 alone, ms", "p99 beside, ms", "ratio (target)"), rows)
    report.say("\nMemory of the largest node grew by "
               + report.target("floods, MB", grown, GROWTH_MB, False) + " MB meanwhile.")
