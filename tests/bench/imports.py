"""tests/bench/imports.py: documents into a site: how fast, in what memory, and again.

The generator's documents go into three fresh nodes, committed; then once more, when all of it is
known. The command runs on the same cores as the nodes."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET_PER_SECOND = 20_000
BLOCKS_PER_EVENT = 16_000 / 101_418  # of the generator


def generate(directory, events):
    shutil.rmtree(directory, ignore_errors=True)
    subprocess.run([sys.executable, str(ROOT / "ops/samples/generate"), "--blocks",
                    str(max(36, round(events * BLOCKS_PER_EVENT))), str(directory)],
                   check=True, stdout=subprocess.DEVNULL)
    return sorted(directory.glob("*.jsonld"))


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(site, files):
    """The command's answer, with its memory and everybody's processor time."""
    before = {node.name: cpu_seconds(node.process) for node in site}
    began = time.monotonic()
    process = subprocess.Popen(
        [str(site.bin / "weft"), "import", "epcis", "-o", "json", "--endpoint", site.endpoints(),
         "--identity", str(site.identity), *map(str, files)], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    answer = json.loads(output)
    if process.returncode != 0 or answer["refused"]:
        raise RuntimeError(f"import: exit {process.returncode}: {output}")
    seconds = time.monotonic() - began
    nodes = sum(cpu_seconds(node.process) - before[node.name] for node in site)
    return {"events": answer["events"], "imported": answer["imported"],
            "per_second": answer["events"] / seconds, "rss_mb": usage.ru_maxrss / 1024,
            "us_weft": (usage.ru_utime + usage.ru_stime) / answer["events"] * 1e6,
            "us_nodes": nodes / answer["events"] * 1e6}


def measure(bench, report, events):
    files = generate(bench.directory / "events", events)
    first, again = [], []
    for _ in range(bench.rounds):
        site = bench.new_plant("imports")
        try:
            first.append(run(site, files))
            again.append(run(site, files))
        finally:
            site.stop()
            shutil.rmtree(site.directory, ignore_errors=True)
    rows = []
    for name, results in (("new", first), ("known already", again)):
        rate = statistics.median(result["per_second"] for result in results)
        rows.append((name, f"{results[0]['events']:,}",
                     report.target("import /s", rate, TARGET_PER_SECOND) if name == "new"
                     else f"{rate:,.0f}",
                     *(f"{statistics.median(result[key] for result in results):.1f}"
                       for key in ("us_weft", "us_nodes", "rss_mb"))))
    report.table("EPCIS events imported, committed on 3 nodes, one record each",
                 ("events", "number", "/s (target)", "µs CPU of weft per event",
                  "µs CPU of all nodes per event", "weft MB"), rows)
    shutil.rmtree(bench.directory / "events", ignore_errors=True)
