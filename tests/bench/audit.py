"""tests/bench/audit.py: what policy and audit log cost a site, and how fast an auditor is.

Commits into a governed site whose nodes sign its audit log, beside those into a site without a
policy and without keys (in turn). `--without DIR` takes that one's programs from another build: one
of before there was an audit log has no leaves either. Then the governed site goes on until its log
has a million leaves, which is exported and verified whole."""

import pathlib
import resource
import shutil
import statistics
import subprocess
import time

import imports
import large
import pki
import plant

WRITES = (64, 256)  # outstanding
KEPT_TARGET = 0.8
AUDITED_TARGET = 20_000
VERIFY_TARGET_S, PROOF_TARGET_MS = 10, 1
SUSTAINED_S = 30
# (outstanding, records in each): importers have up to 500, of which one leaf speaks.
SINGLE, BATCH = (256, 1), (64, 100)
VERIFIED = 1_000_000  # leaves that the target speaks of


def governed(bench, limits=None):
    directory = bench.directory / "governed"
    shutil.rmtree(directory, ignore_errors=True)
    # The plant's own client, "tester", may write.
    settings = {"policy": pki.site(bench.args.bin, directory / "site", ("tester",))}
    if limits:
        settings["limits"] = limits
    site = plant.Plant(directory, bench.args.bin, settings=settings)
    keys = [pki.log_key(node.tls, f"{site.org}/{site.site}/audit") for node in site]
    (directory / "keys").write_text("".join(f"{key}\n" for key in keys))
    return site.start()


def ungoverned(bench):
    directory = bench.directory / "ungoverned"
    shutil.rmtree(directory, ignore_errors=True)
    return plant.Plant(directory, bench.args.without or bench.args.bin).start()


def load(bench, site, outstanding):
    """What the command says, and the processor time of all nodes for each commit, in us."""
    before, index = nodes_cpu_s(site), records_of(site)
    result = bench.weft_load(site, "write", outstanding)
    commits = records_of(site) - index  # Those of the warm-up too.
    return {**result, "cpu_us": (nodes_cpu_s(site) - before) / commits * 1e6}


def records_of(site):
    return plant.wait_for("somebody leads", site.leader_status)["gauges"]["records"]


def nodes_cpu_s(site):
    return sum(imports.cpu_seconds(node.process) for node in site)


def side_by_side(bench, report):
    results = {n: ([], []) for n in WRITES}
    for _ in range(bench.rounds):
        for side, make in enumerate((ungoverned, governed)):
            site = make(bench)
            try:
                for n in WRITES:
                    results[n][side].append(load(bench, site, n))
            finally:
                site.stop()
                shutil.rmtree(site.directory, ignore_errors=True)
    rows = []
    for n, (without, with_both) in results.items():
        a, b = (statistics.median(r["per_second"] for r in side) for side in (without, with_both))
        us = [statistics.median(r["cpu_us"] for r in side) for side in (without, with_both)]
        rows.append((n, f"{a:,.0f}", f"{b:,.0f}",
                     report.target(f"audit, kept at {n}", b / a, KEPT_TARGET),
                     f"{us[0]:.1f}", f"{us[1]:.1f}"))
    report.table("Commits with policy and audit log, and without, 3 nodes",
                 ("outstanding", "without /s", "with /s", "ratio (target)",
                  "us of processor time of all nodes each, without", "with"), rows)


def head(site):
    return site.weft_json("audit", "head")["size"]


def sustain(bench, site, outstanding, records):
    """(leaves a second over a longer time, records a second, us of processor time of all nodes for
    each record), `records` in each commit."""
    def now():
        return head(site), records_of(site), nodes_cpu_s(site), time.monotonic()
    seconds = bench.seconds if bench.args.quick else SUSTAINED_S
    before = now()
    large.bench(site, "write", outstanding, seconds, 300, ("--records", str(records)))
    leaves, made, cpu_s, took = (b - a for a, b in zip(before, now()))
    return leaves / took, made / took, cpu_s / made * 1e6


def grow(bench, site, leaves):
    while head(site) < leaves:
        large.bench(site, "write", 256, bench.seconds, 300)


def signed(site, size):
    return site.leader_status()["gauges"]["audit_signed_leaves"] >= size


def timed(*command):
    """(s, s of a processor, what it said)"""
    def cpu_s():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    began, before = time.monotonic(), cpu_s()
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True)
    return time.monotonic() - began, cpu_s() - before, done.stdout


def proofs(site, size, count):
    """ms of a command that proves a leaf, and of one that only asks for the head: both start, dial
    and are answered, the first asks for a checkpoint and tiles, one after another."""
    def median(*arguments):
        times = []
        for i in range(count):
            began = time.monotonic()
            site.weft("audit", *arguments, *([str(size * i // count)] * (arguments == ("prove",))),
                      check=True)
            times.append(time.monotonic() - began)
        return statistics.median(times) * 1e3
    return median("prove"), median("head")


def proof_ms(said):
    line = next(line for line in said.splitlines() if line.startswith("inclusion proofs"))
    return float(line.split()[2]) / 1e3


def measure(bench, report, leaves):
    side_by_side(bench, report)
    site = governed(bench)
    try:
        _, batched, batched_us = sustain(bench, site, *BATCH)
        rate, _, us = sustain(bench, site, *SINGLE)
        grow(bench, site, leaves)
        size = head(site)
        plant.wait_for("it is signed", lambda: signed(site, size))
        log = pathlib.Path(site.directory) / "log"
        began = time.monotonic()
        site.weft("audit", "export", str(log), check=True, seconds=600)
        export_s = time.monotonic() - began
        verify_s, verify_cpu_s, _ = timed(
            bench.args.bin / "weft", "audit", "verify", log, "--keys",
            pathlib.Path(site.directory) / "keys", "--threshold", "2")
        prove_ms, head_ms = proofs(site, size, 5 if bench.args.quick else 40)
        _, _, alone = timed(bench.args.bin / "bench_audit", str(leaves))
        node_mb = statistics.median(node.rss_bytes() for node in site) / 1e6
    finally:
        site.stop()
        shutil.rmtree(site.directory, ignore_errors=True)
    report.table(f"The audit log of a site of three nodes, {size:,} leaves", ("figure", "value"), [
        ("audited commits of one record, a leaf each, sustained, /s",
         report.target("audited commits /s", rate, AUDITED_TARGET)),
        (f"audited records in commits of {BATCH[1]}, sustained, /s",
         report.target("audited records /s", batched, AUDITED_TARGET)),
        ("us of processor time of all nodes for each record of these two",
         f"{us:.1f}, {batched_us:.1f}"),
        ("export, s", f"{export_s:.1f}"),
        (f"full verification of the export, s for {VERIFIED:,} leaves", report.target(
            "verification of a million, s", verify_s * VERIFIED / size, VERIFY_TARGET_S, False)),
        ("the same, s of a processor", f"{verify_cpu_s * VERIFIED / size:.2f}"),
        ("inclusion proof made of tiles, ms of processor time (bench_audit)", report.target(
            "inclusion proof, ms", proof_ms(alone), PROOF_TARGET_MS, False)),
        ("a command that proves a leaf, one that asks for the head, ms",
         f"{prove_ms:.1f}, {head_ms:.1f}"),
        ("memory per node, MB", f"{node_mb:.0f}"),
    ])
    report.say("\n`bench_audit`, in one process and in memory:\n\n```\n" + alone.rstrip() + "\n```")
