"""tests/bench/thread.py: the thread of a generated plant beside PostgreSQL: stories, traces,
questions as of an index, commits while ten clients trace, and what all of it takes on the disk.

Both hold the same records under the same indexes, and both are asked by a client in C that fetches
the whole answer over one connection. Every answer is compared, names and records with their
texts; one that differs ends the run."""

import json
import shutil
import statistics
import subprocess

import beside
import postgres

UNIT_PARTS = 100
CACHE = "512 MiB"  # of each node; the peer has 2 GB (postgres.py)
SEED = 1
# label: (what is asked, times per round, whom, as of, ratio wanted)
QUESTIONS = {
    "story-unit": ("story", 3, "@unit:200", "now", 4),
    "story-part": ("story", 3, "@part:200", "now", 4),
    "paths-mid": ("paths", 20, "lot:mid", "now", 15),
    "paths-big": ("paths", 5, "lot:big", "now", 15),
    "records-mid": ("records", 20, "lot:mid", "now", None),
    "records-big": ("records", 5, "lot:big", "now", None),
    "ids-mid": ("ids", 40, "lot:mid", "now", None),
    "ids-big": ("ids", 20, "lot:big", "now", 500),
    "story-unit-past": ("story", 3, "@unit:200", "late", None),
    "paths-mid-past": ("paths", 20, "lot:mid", "late", None),
    "paths-big-past": ("paths", 5, "lot:big", "late", None),
    "ids-big-past": ("ids", 20, "lot:big", "late", None),
    "ids-big-half": ("ids", 20, "lot:big", "half", None),
}
TEXTS = {
    "story-unit": "story of a finished unit of 100 parts",
    "story-part": "story of a part of any level",
    "paths-mid": "forward trace, paths and records",
    "paths-big": "forward trace, paths and records",
    "records-mid": "the same, but records alone of postgres",
    "records-big": "the same, but records alone of postgres",
    "ids-mid": "forward trace, names",
    "ids-big": "forward trace, names",
    "ids-big-half": "forward trace, names, as of 40 % of the log",
}
# Of all records: both traced lots were used up before `late`; at `half` one was half used.
MARKS = {"late": 0.75, "half": 0.40}
PAST_MAX = 2.0
TRACERS = 10
OUTSTANDING = 64
# Types of keys, node/state/README.md.
TYPES = {"R": "records", "N": "asset names, heads", "I": "asset ids", "V": "versions by kind",
         "T": "records late in time", "K": "records by kind", "L": "links of a record",
         "M": "links by target", "Q": "request ids", "D": "words", "E": "words",
         "S": "identity", "P": "position", "C": "configuration"}


class Side:
    """A client program with its connection."""

    def __init__(self, program, *arguments):
        self.command = [str(program), *arguments]

    def run(self, operation, *arguments, text=""):
        done = subprocess.run(
            [self.command[0], operation, *self.command[1:], *arguments], input=text,
            capture_output=True, text=True, check=False, timeout=3600)
        if done.returncode != 0:
            raise RuntimeError(f"{self.command[0]}: exit {done.returncode}\n{done.stderr[-2000:]}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ask(self, indexes, labels=QUESTIONS, rounds=None):
        lines = []
        for label in labels:
            what, times, whom, as_of, _ = QUESTIONS[label]
            lines.append(f"{label} {what} {times if rounds is None else rounds} "
                         f"{indexes[as_of]} {whom}\n")
        return {answer["label"]: answer for answer in self.run("ask", text="".join(lines))}


def compare(ours, theirs):
    for label, answer in ours.items():
        other = theirs[label]
        if (answer["count"], answer["sum"]) != (other["count"], other["sum"]):
            raise RuntimeError(f"{label}: answers differ: {answer} and {other}")


def expect_counts(answers, units):
    """What the generator's lots reach, by its design."""
    for label, share in (("ids-mid", 100), ("ids-big", 10), ("paths-mid", 100),
                         ("paths-big", 10), ("records-mid", 100), ("records-big", 10),
                         ("ids-big-past", 10), ("paths-big-past", 10)):
        wanted = units // share * UNIT_PARTS
        if answers[label]["count"] != wanted:
            raise RuntimeError(f"{label}: {answers[label]['count']} instead of {wanted}")


def indexes_of(path):
    """The index at each mark, from the load's file of "RECORD INDEX"."""
    with open(path, encoding="ascii") as file:
        rows = [tuple(map(int, line.split())) for line in file]
    total = rows[-1][0]
    result = {"now": 0}
    for name, share in MARKS.items():
        result[name] = next(index for record, index in rows if record >= total * share)
    return result


def check_that_it_can_fail(ours, peer, database, indexes):
    """Spoil one text, then one link, in the peer: both must be found."""
    labels = ("paths-mid",)
    right = ours.ask(indexes, labels, rounds=0)
    for fault in (
            "UPDATE record SET body = replace(body::text, 'torque', 'torqve')::json WHERE id = "
            "(SELECT max(record) FROM link WHERE to_asset = "
            "(SELECT id FROM asset WHERE name = 'lot:mid'))",
            "DELETE FROM link WHERE is_material AND to_asset = (SELECT from_asset FROM link WHERE "
            "to_asset = (SELECT id FROM asset WHERE name = 'lot:mid') LIMIT 1)"):
        before = peer.ask(indexes, labels, rounds=0)
        database.sql(fault)
        after = peer.ask(indexes, labels, rounds=0)
        if before == after or after[labels[0]]["sum"] == right[labels[0]]["sum"]:
            raise RuntimeError(f"a planted fault was not found: {fault}")


# --- tables -----------------------------------------------------------------------------------

def median(rounds, label, key="p50_us"):
    return statistics.median(answers[label][key] for answers in rounds)


def ms(us):
    return f"{us / 1000:,.2f}"


def speed_table(report, ours, theirs):
    rows = []
    for label, text in TEXTS.items():
        wanted = QUESTIONS[label][4]
        here, there = median(ours, label), median(theirs, label)
        answer = ours[0][label]
        asked = int(QUESTIONS[label][2].split(":")[1]) if QUESTIONS[label][2][0] == "@" else 1
        rows.append((text, f"{answer['count'] / asked:,.0f}",
                     f"{answer['bytes'] / asked / 1000:,.0f}", ms(there), ms(here),
                     report.target(label, there / here, wanted) if wanted
                     else f"{there / here:.2f}",
                     ms(median(theirs, label, "client_cpu_us")),
                     ms(median(ours, label, "client_cpu_us"))))
    report.table("The thread beside PostgreSQL, warm, the whole answer at the client, median",
                 ("question", "items", "kB", "postgres ms", "weft ms", "ratio (target)",
                  "CPU of its client ms", "CPU of ours"), rows)


def past_table(report, ours, theirs):
    rows = []
    for label in QUESTIONS:
        if label.endswith("-past"):
            now = label.removesuffix("-past")
            here = median(ours, label) / median(ours, now)
            rows.append((TEXTS[now], ms(median(ours, now)), ms(median(ours, label)),
                         report.target(label, here, PAST_MAX, False),
                         f"{median(theirs, label) / median(theirs, now):.2f}"))
    report.table("As of an index behind which a quarter of the log lies, against now",
                 ("question", "now ms", "as of ms", "ratio (target)", "postgres' ratio"), rows)


def disk_table(report, records, ours, theirs):
    rows = [(f"weft {TYPES.get(letter, letter)}", f"{size / 1e6:,.1f}", f"{size / records:,.1f}")
            for letter, size in sorted(ours["types"].items(), key=lambda item: -item[1])
            if size >= records]  # A byte per record: less is nothing.
    rows.append(("weft, the state in all", f"{ours['state'] / 1e6:,.1f}",
                 f"{ours['state'] / records:,.1f}"))
    rows.append(("weft, Raft log", f"{ours['log'] / 1e6:,.1f}", f"{ours['log'] / records:,.1f}"))
    rows += [(f"postgres {name}", f"{size / 1e6:,.1f}", f"{size / records:,.1f}")
             for name, size in theirs.items()]
    rows.append(("postgres in all", f"{sum(theirs.values()) / 1e6:,.1f}",
                 f"{sum(theirs.values()) / records:,.1f}"))
    report.table(f"On disk, {records:,} records", ("what", "MB", "bytes per record"), rows)


# --- disk -------------------------------------------------------------------------------------

def size_of(directory, suffix=""):
    return sum(path.stat().st_size for path in directory.rglob(f"*{suffix}") if path.is_file())


def our_disk(bench, site):
    """Of a follower, which is stopped for it."""
    node = site.followers()[0]
    node.stop()
    state = node.data / "state"
    done = subprocess.run([str(bench.args.bin / "thread_disk"), str(state)], capture_output=True,
                          text=True, check=True)
    types = json.loads(done.stdout)
    types["R"] = types.get("R", 0) + size_of(state, ".blob")
    sizes = {"types": types, "state": size_of(state), "log": size_of(node.data / "raft")}
    node.launch()
    site.wait_for_voters()
    return sizes


def their_disk(database):
    return {name: int(size) for name, size in database.sql(
        "SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) "
        "END FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace "
        "AND pg_relation_size(oid) > 65536 ORDER BY relkind DESC, relname")}


# --- commits while others trace ---------------------------------------------------------------

def commits_table(bench, report, site, units):
    rows = []
    for lot, share in (("lot:mid", 100), ("lot:big", 10)):
        found = beside.measure(site, lot, TRACERS, OUTSTANDING, rounds=3 * bench.rounds + 1)
        lost = report.target(f"commits beside {lot}", found["loss"], beside.LOSS_MAX, False)
        rows.append(beside.row(units // share * UNIT_PARTS, found, lost))
    report.table(f"Commits, {OUTSTANDING} outstanding, while {TRACERS} clients trace back to back",
                 beside.HEAD, rows)


# --- all of it --------------------------------------------------------------------------------

def load(ours, peer, database, path):
    mine = ours.run("load", "--indexes", str(path))[0]
    database.file("postgres_tables.sql")
    theirs = peer.run("load", "--indexes", str(path))[0]
    database.file("postgres_indexes.sql")
    return mine, theirs


def measure(bench, report, units):
    site = bench.new_plant("thread", settings={"limits": {"cache_bytes": CACHE}})
    database = postgres.Postgres(bench.directory / "postgres")
    path = bench.directory / "thread.indexes"
    common = ("--units", str(units), "--seed", str(SEED))
    try:
        database.start()
        ours = Side(bench.args.bin / "thread_weft", "--connect", site.endpoints(), "--identity",
                    str(site.identity), *common)
        peer = Side(bench.args.bin / "thread_postgres", "--connect", database.connect(), *common)
        loaded, copied = load(ours, peer, database, path)
        indexes = indexes_of(path)
        report.say(f"\n{loaded['records']:,} records on {copied['assets']:,} assets; loaded in "
                   f"{loaded['seconds']:.0f} s by commits of 500, in {copied['seconds']:.0f} s by "
                   f"COPY before its indexes; PostgreSQL {database.version()}.")
        here, there = [], []
        for _ in range(bench.rounds):
            here.append(ours.ask(indexes))
            there.append(peer.ask(indexes))
            compare(here[-1], there[-1])
        expect_counts(here[0], units)
        speed_table(report, here, there)
        past_table(report, here, there)
        disk = their_disk(database)
        check_that_it_can_fail(ours, peer, database, indexes)
        database.stop()
        disk_table(report, loaded["records"], our_disk(bench, site), disk)
        commits_table(bench, report, site, units)
    finally:
        database.stop()
        site.stop()
        shutil.rmtree(site.directory, ignore_errors=True)
        path.unlink(missing_ok=True)
