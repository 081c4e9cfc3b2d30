"""tests/bench/large.py: a site with a million records: memory, restart, the cost of a checkpoint,
throughput against that of a small site. And how `weft bench` is called."""

import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import plant

RSS_MAX_MB, RESTART_MAX_S = 300, 5
CHECKPOINT_COST_MAX, RATE_KEPT_MIN = 0.30, 0.80


def start_bench(site, op, outstanding, seconds, size_bytes, extra=(), endpoints=None):
    """`outstanding` in all, over a square number of connections."""
    connections = max(1, math.isqrt(outstanding))
    command = [str(site.bin / "weft"), "bench", op, "--clients", str(connections),
               "--outstanding", str(outstanding // connections), "--seconds", str(seconds),
               "--size", str(size_bytes), "-o", "json", "-q", *extra,
               "--endpoint", endpoints or site.endpoints(), "--identity", str(site.identity)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "HOME": str(site.directory)})


def finish_bench(process):
    output, errors = process.communicate(timeout=900)
    if process.returncode != 0:
        raise RuntimeError(f"weft bench: exit {process.returncode}\n{errors[-2000:]}")
    return json.loads(output)


def bench(site, op, outstanding, seconds, size_bytes, extra=(), endpoints=None):
    return finish_bench(start_bench(site, op, outstanding, seconds, size_bytes, extra, endpoints))


def records_of(site):
    return site.leader_status()["gauges"].get("records", 0)


def checkpoint_cost(b, site):
    """Throughput while checkpoints are taken one after another, against that around it."""
    quiet, busy = [], []
    for _ in range(2 if b.args.quick else 4):
        quiet.append(b.weft_load(site, "write", 256)["per_second"])
        load = start_bench(site, "write", 256, b.seconds, 300)
        time.sleep(1.2)
        before = site.leader_status()["gauges"]["checkpoints_taken_total"]
        take_checkpoint(site)
        busy.append(finish_bench(load)["per_second"])
        taken = site.leader_status()["gauges"]["checkpoints_taken_total"] - before
        if taken < 1:
            raise RuntimeError("no checkpoint was taken under load: nothing was measured")
    return 1 - statistics.median(busy) / statistics.median(quiet)


def take_checkpoint(site):
    """On every node at once: the worst that a schedule can do."""
    for node in site:
        directory = pathlib.Path(site.directory) / f"backup-{node.name}"
        shutil.rmtree(directory, ignore_errors=True)
        site.weft("backup", str(directory), check=True, endpoints=f"tls+tcp://{node.client}",
                  seconds=300)
        shutil.rmtree(directory, ignore_errors=True)


def measure(b, report, records):
    site = b.new_plant("large", settings={"limits": {"log_bytes": "128 MiB"}})
    try:
        small = statistics.median(
            b.weft_load(site, "write", 256)["per_second"] for _ in range(1 if b.args.quick else 2))
        started = time.monotonic()
        bench(site, "write", 256, 3600, 300, ("--count", str(records)))
        loaded = time.monotonic() - started
        full = statistics.median(
            b.weft_load(site, "write", 256)["per_second"] for _ in range(1 if b.args.quick else 2))
        cost = checkpoint_cost(b, site)
        time.sleep(2)
        memory = max(node.rss_bytes() for node in site) / (1 << 20)
        log_mb = max(node.status()["gauges"]["log_disk_bytes"] for node in site) / (1 << 20)
        disk_mb = max(node.status()["gauges"]["disk_used_bytes"] for node in site) / (1 << 20)
        restarts = []
        for node in list(site):
            node.kill()
            at = time.monotonic()
            node.launch()
            plant.wait_for("it serves", node.serves, 120, 0.02)
            restarts.append(time.monotonic() - at)
        site.wait_for_voters()
        digests = set(site.digests().values())
        if len(digests) != 1:
            raise RuntimeError(f"digests differ: {digests}")
        report.table(
            f"A site of {records:,} records and more (loaded in {loaded:.0f} s)",
            ("figure", "value (target)"),
            [("memory per node, MB", report.target("memory MB", memory, RSS_MAX_MB, False)),
             ("Raft log on disk, MB", f"{log_mb:.0f}"),
             ("all of a node's disk, MB", f"{disk_mb:.0f}"),
             ("restart after SIGKILL until it serves, s",
              report.target("restart s", max(restarts), RESTART_MAX_S, False)),
             ("throughput lost while every node takes a checkpoint and serves a backup",
              report.target("checkpoint cost", cost, CHECKPOINT_COST_MAX, False)),
             ("throughput against that of a small site",
              report.target("rate kept", full / small, RATE_KEPT_MIN))])
    finally:
        site.stop()
        shutil.rmtree(site.directory, ignore_errors=True)
