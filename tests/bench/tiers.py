"""tests/bench/tiers.py: a tree of 14 parts over five organizations in a chain, a governed site of
one node each, with agreements between neighbours alone: asked for at the first, it travels to the
last, and nothing of an answer is kept."""

import resource
import shutil
import statistics
import time
import urllib.parse

import partners
import plant

KINDS = ("as_built", "shipment")
TREE_TARGET_MS = 1000
ASKED, BY_COMMAND = 200, 20
PACE_S = 0.1  # the last tier is asked of five parts for each, and answers 100 questions a second
# Of what each part is made, and by which tier: 14 parts.
VEHICLE = {(0, 0): [(1, 0), (1, 1)], (1, 0): [(2, 0), (2, 1)], (1, 1): [(2, 2)],
           (2, 0): [(3, 0), (3, 1)], (2, 1): [(3, 2)], (2, 2): [], (3, 0): [(4, 0), (4, 1)],
           (3, 1): [(4, 2)], (3, 2): [(4, 3), (4, 4)], (4, 0): [], (4, 1): [], (4, 2): [],
           (4, 3): [], (4, 4): []}
TIERS = 5
EDGES = {(whole, part) for whole in VEHICLE for part in VEHICLE[whole]}


def name(part):
    return f"urn:epc:id:sgtin:40{part[0]}0000.0{part[0]}1111.{part[1]}"


def build(sites):
    """Each tier says what it makes of what, and to whom it has shipped it."""
    for part in sorted(VEHICLE, reverse=True):
        records = [{"kind": "as_built", "asset": name(part), "attrs": {"line": "line1"},
                    "links": [("consumes", name(of)) for of in VEHICLE[part]]}]
        if part[0] > 0:
            records.append({"kind": "shipment", "asset": name(part), "links": [
                ("shipped_to", f"partner:{sites[part[0] - 1].site}")]})
        sites[part[0]].commit(*records)


def read(text):
    """({(in what, what)}, number of holes, {who answered: when, ms since 1970})"""
    lines = [line.split(" ") for line in text.splitlines()]
    names = {words[1]: urllib.parse.unquote(words[8]) for words in lines if words[0] == "node"}
    return ({(names[words[2]], names[words[1]]) for words in lines
             if words[0] == "node" and words[1] != "0"},
            sum(words[0] == "hole" for words in lines),
            {words[1]: int(words[3]) for words in lines if words[0] == "told"})


def is_whole(text):
    edges, holes, told = read(text)
    return edges == {(name(whole), name(part)) for whole, part in EDGES} and holes == 0 and \
        len(told) == TIERS - 1


def used_s(sites):
    return sum(node.processor_s() for site in sites for node in site.plant)


def ask(client, count):
    """Seconds of each question, sorted. RuntimeError: one did not come to the whole tree, or
    somebody had answered before it was asked: all clocks are one machine's."""
    times = []
    for _ in range(count):
        before_ms = int(time.time() * 1000)
        began = time.monotonic()
        text = client.file(f"ask/{name((0, 0))}")
        times.append(time.monotonic() - began)
        if not is_whole(text) or min(read(text)[2].values()) < before_ms:
            raise RuntimeError(f"not the whole tree, or not of now ({before_ms}):\n{text}")
        time.sleep(max(0, began + PACE_S - time.monotonic()))
    return sorted(times)


def look(client, count):
    """The same of what the first tier knows by itself: nobody is asked."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        client.file(f"across/{name((0, 0))}")
        times.append(time.monotonic() - began)
    return sorted(times)


def command(site, *words):
    """(s, s of the the client's processor time) of a process for each question: medians."""
    took, used = [], []
    for _ in range(BY_COMMAND):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        site.run(*words)
        took.append(time.monotonic() - began)
        time.sleep(max(0, began + PACE_S - time.monotonic()))
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(took), statistics.median(used)


def at(times, part):
    return times[int(part * (len(times) - 1))] * 1e3


def make(home):
    orgs = [f"tier{i}.example" for i in range(TIERS)]
    return [partners.Site(home / org, org, "main",
                          " partner ".join(orgs[max(i - 1, 0):i] + orgs[i + 1:i + 2]), ("n1",))
            for i, org in enumerate(orgs)]


def run(sites, asked):
    """What was measured of sites that are started."""
    for i in range(1, TIERS):
        partners.share(f"tier-{i}", sites[i], sites[i - 1], KINDS, depth=1,
                       templates=(f"inside {TIERS - 1}",))
    build(sites)
    path, top = f"ask/{name((0, 0))}", sites[0]
    with top.plant.leader().connect() as client:
        plant.wait_for("the tree is whole", lambda: is_whole(client.file(path)))
        used = used_s(sites)
        times = ask(client, asked)
        used = used_s(sites) - used
        own = look(client, asked)
    words = "trace", "back", name((0, 0)), "--across"
    return times, used / asked, own, command(top, *words, "--ask"), command(top, *words)


def measure(bench, report):
    home = bench.directory / "tiers"
    shutil.rmtree(home, ignore_errors=True)
    sites = make(home)
    try:
        for site in sites:
            site.plant.start()
        times, used, own, by_asking, by_looking = run(sites, 20 if bench.args.quick else ASKED)
    finally:
        for site in sites:
            site.plant.stop()
        shutil.rmtree(home, ignore_errors=True)
    report.table("A tree of 14 parts, asked for over five tiers of organizations", (
        "figure", "value (target)"), [
            ("asked for over one connection, ms, p50", report.target(
                "tree over five tiers, ms", at(times, 0.5), TREE_TARGET_MS, False)),
            ("p99", report.target("its p99, ms", at(times, 0.99), TREE_TARGET_MS, False)),
            ("slowest", f"{times[-1] * 1e3:.1f}"),
            ("processor time of all five nodes for each, ms", f"{used * 1e3:.1f}"),
            ("what the first knows by itself, nobody asked, ms, p50", f"{at(own, 0.5):.1f}"),
            ("`weft trace back --across --ask`, a process, ms, p50; its processor time",
             f"{by_asking[0] * 1e3:.0f}; {by_asking[1] * 1e3:.0f}"),
            ("`weft trace back --across`, the same, nobody asked",
             f"{by_looking[0] * 1e3:.0f}; {by_looking[1] * 1e3:.0f}")])
    report.say("\nRecorded runs of the reference implementation: none among ../shared/data, so "
               "they are not compared here.")
