"""tests/bench/across.py: what a vehicle of 14 parts is made of across organizations, where partners
have stated it: two governed sites of one node each, partner doors and all."""

import shutil
import statistics
import time

import partners
import plant

KINDS = ("as_built", "shipment")
TREE_TARGET_MS = 50
BRANCHES, ASKED = 6, 300
CAR, AXLE = "urn:epc:id:sgtin:4088888.033333.1", "urn:epc:id:sgtin:4099999.022222.1"


def part(i):
    return f"urn:epc:id:sgtin:4012345.011111.{i}"


def made(unit, *of):
    return {"kind": "as_built", "asset": unit, "attrs": {"line": "line1"},
            "links": [("consumes", component) for component in of]}


def is_whole(oem):
    try:
        return oem.lines(f"across/{CAR}")[0] == ["tree", str(2 + 2 * BRANCHES), "0"]
    except RuntimeError:
        return False


def measure(bench, report):
    home = bench.directory / "across"
    shutil.rmtree(home, ignore_errors=True)
    west = partners.Site(home / "west", "supplier.example", "west", "oem.example", ("n1",))
    oem = partners.Site(home / "oem", "oem.example", "plant1", "supplier.example", ("n1",))
    times = []
    try:
        for site in (west, oem):
            site.plant.start()
        partners.share("axles", west, oem, KINDS)
        oem.commit(made(CAR, AXLE))
        began = time.monotonic()
        west.commit(made(AXLE, *(part(2 * i) for i in range(BRANCHES))),
                    *(made(part(2 * i), part(2 * i + 1)) for i in range(BRANCHES)),
                    *(made(part(2 * i + 1)) for i in range(BRANCHES)))
        plant.wait_for("the tree is whole", lambda: is_whole(oem))
        came = time.monotonic() - began
        with oem.plant.leader().connect() as client:
            for _ in range(ASKED):
                began = time.monotonic()
                client.file(f"across/{CAR}")
                times.append(time.monotonic() - began)
        began = time.monotonic()
        oem.run("trace", "back", CAR, "--across")
        command = time.monotonic() - began
    finally:
        for site in (west, oem):
            site.plant.stop()
        shutil.rmtree(home, ignore_errors=True)
    times.sort()
    report.table("A tree of 14 parts that a partner has stated", ("figure", "value (target)"), [
        ("asked for, ms, median", report.target(
            "tree of 14 parts, ms", statistics.median(times) * 1e3, TREE_TARGET_MS, False)),
        ("p99", f"{times[int(0.99 * len(times))] * 1e3:.1f}"),
        ("by `weft trace back --across`, a process, ms", f"{command * 1e3:.0f}"),
        ("from the supplier's commit to the whole tree there, ms", f"{came * 1e3:.0f}")])
