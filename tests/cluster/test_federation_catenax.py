r"""tests/cluster/test_federation_catenax.py: nine organizations, one assembly.

    WEFT_FEDERATION_SEEDS=20 WEFT_FEDERATION_RESTORES=5 \
        /usr/bin/python3 tests/cluster/test_federation_catenax.py

A Catena-X container (shared/data/catenax) is split over the nine owners of its parts: a plant each,
which imports what is its own, and an agreement wherever one builds in what another has made. While
they import, lines are cut and nodes are killed, as drawn from a seed, and as many plants as
WEFT_FEDERATION_RESTORES says (1), and one more, are restored from backups that lack the newest of
it, perhaps from the same one several times. What both ends of each agreement, and the tree of each
vehicle, put together from all plants' answers and asked for at one plant, should come to is worked
out here from the JSON. A cycle takes a quarter of a minute; WEFT_FEDERATION_SEEDS runs so many,
from the seed on."""

import collections
import json
import os
import pathlib
import random
import shutil
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import plant  # noqa: E402
import wire  # noqa: E402
from plant import wait_for  # noqa: E402

OWNERS, VEHICLES, EDGES, BETWEEN, AGREEMENTS = 9, 4, 283, 162, 14
TIERS = 3  # that a question goes: so far a part of a vehicle is from who builds that
LOST_S = 20  # a stream that is fenced so long, with nobody down, gets nothing back
RESTORES = int(os.environ.get("WEFT_FEDERATION_RESTORES", "1"))
CHUNKS = 3  # files that an owner imports one after the other
SIDE = """provider {site}
  threshold 1
  kind as_built disclosed
  kind genealogy disclosed
{parts}  depth any
"""


def payloads(twin, *names):
    """The payloads of the aspects of these names, whatever their version."""
    return [payload for key, value in twin.items() if key.split("#")[-1] in names
            for payload in value]


class Container:
    """What the JSON says, read without the importer."""

    def __init__(self, path):
        (twins,) = json.loads(path.read_text(encoding="utf-8")).values()
        self.owners, self.types, self.inside = {}, {}, collections.defaultdict(list)
        self.twins, self.vehicles = collections.defaultdict(list), []
        for twin in twins:
            name = twin["catenaXId"]
            for payload in payloads(twin, "SerialPartTypization", "Batch"):
                local = {i["key"]: i["value"] for i in payload["localIdentifiers"]}
                self.owners[name] = local["manufacturerId"]
                # The type is named by its own part id, which is not always the part's.
                self.types[name] = f"part:{local['manufacturerId']}/" \
                                   f"{payload['partTypeInformation']['manufacturerPartId']}"
                if payload["partTypeInformation"].get("classification") == "product":
                    self.vehicles.append(name)
            for payload in payloads(twin, "AssemblyPartRelationship"):
                self.inside[name] += [c["childCatenaXId"] for c in payload.get("childParts", ())]
        for twin in twins:
            if twin["catenaXId"] in self.owners:
                self.twins[self.owners[twin["catenaXId"]]].append(twin)
        self.edges = [(whole, part) for whole, parts in self.inside.items() for part in parts]
        self.pairs = sorted({tuple(sorted((self.owners[w], self.owners[p])))
                             for w, p in self.edges if self.owners[w] != self.owners[p]})

    def between(self, *owners):
        return [(w, p) for w, p in self.edges
                if self.owners[w] != self.owners[p] and {self.owners[w], self.owners[p]}
                == set(owners)]

    def shared_types(self, owner, other):
        """Of what one lets the other have: what they build from or into each other's."""
        return sorted({self.types[end] for edge in self.between(owner, other) for end in edge
                       if self.owners[end] == owner})


def tree(root, below):
    """Every path from the root, as a multiset of (depth, whole, part)."""
    found, queue = collections.Counter(), [(0, root)]
    while queue:
        depth, whole = queue.pop()
        for part in below(whole):
            found[depth + 1, whole, part] += 1
            queue.append((depth + 1, part))
    return found


class Owner:
    """A plant of one node, what it has to import, and a backup of it."""

    def __init__(self, directory, container, bpn, confirms):
        org = f"{bpn.lower()}.example"
        others = [b if a == bpn else a for a, b in container.pairs if bpn in (a, b)]
        names = " partner ".join(f"{other.lower()}.example" for other in others)
        self.bpn = bpn
        self.site = partners.Site(directory / bpn.lower(), org, "p1", names, ("n1",))
        (self.node,) = self.site.plant
        twins = [self.with_usage(container, twin) if confirms else twin
                 for twin in container.twins[bpn]]
        self.files = []
        for i in range(CHUNKS):
            self.files.append(self.site.home / f"{i}.json")
            self.files[i].write_text(json.dumps({"x/TestDataContainer/1.0.0": twins[i::CHUNKS]}))
        self.statements = len(twins)
        self.others, self.notes = [], {}  # Owners it meets; agreements: files that it was told of.
        self.imported, self.backup, self.backups = [], None, 0

    @staticmethod
    def with_usage(container, twin):
        """Who made it says, too, what it went into."""
        wholes = [w for w, p in container.edges if p == twin["catenaXId"] and
                  container.owners[w] != container.owners[p]]
        return {**twin, "u#SingleLevelUsageAsBuilt": [
            {"parentItems": [{"catenaXId": w} for w in wholes]}]} if wholes else twin

    def meet(self):
        self.site.meet(*(other.site for other in self.others))

    def apply(self, note):
        self.site.run("partner", "apply", note)

    def send(self, path):
        """Imports a file; False: it was broken off."""
        done = self.site.plant.weft("import", "catenax", str(path), "-o", "json", "--timeout", "5")
        if done.returncode not in (0, 3):
            raise AssertionError(f"{self.bpn}: {done.stdout}{done.stderr}")
        return done.returncode == 0

    def wait(self):
        wait_for(f"{self.bpn} leads", lambda: self.site.plant.leader_status())

    def kill(self):
        self.node.kill()

    def start(self):
        self.node.start()
        self.wait()

    def back_up(self):
        backup = self.site.home / f"backup{self.backups}"
        self.backups += 1
        self.site.run("backup", backup)
        self.backup = backup, list(self.notes), len(self.imported)

    def restore(self):
        """The disk is lost. Who runs the plant brings in anew what the backup does not have."""
        backup, known, _ = self.backup
        self.kill()
        self.site.restore(backup)
        self.start()
        self.meet()
        for pair in self.notes.keys() - set(known):
            self.apply(self.notes[pair])
        for path in self.imported:
            if not self.send(path):
                raise AssertionError(f"{self.bpn}: {path} is not imported again")


class Cycle:
    """Nine plants from nothing to the end, by one seed."""

    def __init__(self, directory, container, seed):
        self.container, self.random = container, random.Random(seed)
        self.done = collections.Counter()
        owners = sorted(container.twins)
        confirming = set(self.random.sample(owners, len(owners) // 2))
        self.confirming = confirming
        self.owners = {bpn: Owner(directory, container, bpn, bpn in confirming) for bpn in owners}
        self.notes, self.renewed = {}, collections.Counter()

    def stop(self):
        for owner in self.owners.values():
            owner.site.plant.stop()

    def log(self, *words):
        print(f"{time.monotonic() - self.began:6.2f}", *words, file=sys.stderr, flush=True)

    def name(self, pair):
        again = f"-{self.renewed[pair]}" if self.renewed[pair] else ""
        return f"parts-{pair[0][-4:]}-{pair[1][-4:]}{again}".lower()

    def begin(self):
        self.began = time.monotonic()
        for owner in self.owners.values():
            owner.node.launch("--bootstrap")
        for owner in self.owners.values():
            owner.wait()
        self.log("nine plants lead")
        for a, b in self.container.pairs:
            self.owners[a].others.append(self.owners[b])
            self.owners[b].others.append(self.owners[a])
        for owner in self.owners.values():
            owner.meet()
        for pair in self.container.pairs:
            self.sign(pair)
        self.log("agreements are signed")

    def sign(self, pair):
        a, b = (self.owners[bpn] for bpn in pair)
        draft = f"party {a.site.site}\nparty {b.site.site}\ntemplate inside {TIERS}\n" \
                "cell as_built MATCH @link/contains\ncell genealogy MATCH @link/part_of\n" \
                "cell as_built UNION *\ncell genealogy UNION *\n"
        for one, other in ((a, b), (b, a)):
            parts = self.container.shared_types(one.bpn, other.bpn)
            draft += SIDE.format(site=one.site.site,
                                 parts="".join(f"  part {part}\n" for part in parts))
        self.notes[pair] = partners.agree(a.site, b.site, self.name(pair), draft)

    # --- what happens -----------------------------------------------------------------------------

    def agree(self, owner, pair):
        owner.notes[pair] = self.notes[pair]
        owner.apply(self.notes[pair])

    def bring_in(self, owner, path):
        """One in three imports is broken off by the node's death, and repeated."""
        if self.random.random() < 1 / 3:
            after = self.random.uniform(0, 0.15)
            thread = threading.Thread(target=owner.send, args=(path,))
            thread.start()
            time.sleep(after)
            owner.kill()
            owner.start()
            thread.join()
            self.done["killed while importing"] += 1
        while not owner.send(path):
            pass
        owner.imported.append(path)

    def part(self, owner):
        is_cut = not owner.site.is_blocked
        owner.site.block(is_cut)
        self.done["cut" if is_cut else "joined"] += 1

    def kill(self, owner):
        owner.kill()
        owner.start()
        self.done["killed"] += 1

    def back_up(self, owner):
        if owner is self.oldest and owner.backup:
            return
        owner.back_up()
        self.done["backed up"] += 1

    def restore(self, owner):
        if owner is not self.oldest:
            backed = [o for o in self.owners.values() if o.backup and o is not self.oldest]
            if not backed:
                return
            owner = self.random.choice(backed)
        self.log("          ", owner.bpn, owner.backup[0].name)
        _, notes, files = owner.backup
        self.done["restored"] += 1
        self.done["of it from before an agreement"] += len(notes) < len(owner.notes)
        self.done["of it from before an import"] += files < len(owner.imported)
        owner.restore()

    def run(self):
        steps = []
        for pair in self.container.pairs:
            steps += [(self.agree, self.owners[bpn], pair) for bpn in pair]
        steps += [(self.bring_in, owner, None) for owner in self.owners.values()
                  for _ in range(CHUNKS)]
        everybody = list(self.owners.values())
        for act, count in ((self.part, 8), (self.kill, 4), (self.back_up, 8),
                           (self.restore, RESTORES)):
            steps += [(act, self.random.choice(everybody), None) for _ in range(count)]
        self.random.shuffle(steps)
        self.oldest = self.random.choice(everybody)
        if RESTORES > 0:
            # One is restored, last of all, from what it was before anything had happened.
            steps = [(self.back_up, self.oldest, None)] + [
                step for step in steps if step[:2] != (self.restore, self.oldest)] + [
                (self.restore, self.oldest, None)]
        left = {bpn: list(owner.files) for bpn, owner in self.owners.items()}
        for act, owner, what in steps:
            if act == self.bring_in:
                what = left[owner.bpn].pop(0)
            arguments = (owner,) if what is None else (owner, what)
            self.log(act.__name__, owner.bpn, *([] if what is None else [
                what.name if act == self.bring_in else self.name(what)]))
            act(*arguments)
        for owner in self.owners.values():
            owner.site.block(False)
        self.log("all is told, all lines are up")

    def is_lost(self, pair):
        """A site told of a head that it had signed, and lost what is below it before that was
        told: neither has it any more, and the stream stays fenced."""
        told = [self.owners[bpn].site.told("partner", "status", self.name(pair)) for bpn in pair]
        return any(one["sent_fenced"] == "yes" and partners.size(other, "received_head") >
                   max(partners.size(one, "sent_size"), partners.size(other, "received_size"))
                   for one, other in (told, told[::-1]))

    def wait_even(self):
        """What is lost to both takes a new agreement (ops/runbooks/partners.md, 6)."""
        for pair in self.container.pairs:
            since = time.monotonic()
            a, b = (self.owners[bpn].site for bpn in pair)
            while not partners.is_even(a, b, self.name(pair)):
                waited = time.monotonic() - since
                if waited > LOST_S and self.is_lost(pair):
                    self.renewed[pair] += 1
                    self.done["renewed"] += 1
                    self.log("agree anew", self.name(pair))
                    self.sign(pair)
                    for bpn in pair:
                        self.agree(self.owners[bpn], pair)
                    since = time.monotonic()
                elif waited > plant.WAIT_S:
                    told = [site.run("partner", "status", self.name(pair), "-o", "table") +
                            str(site.shared(self.name(pair))) + site.plant.tails(30)
                            for site in (a, b)]
                    raise AssertionError("\n".join([f"not even under {self.name(pair)}", *told]))
                time.sleep(0.2)
        self.log("even:", dict(self.done))


class Catenax(cluster.PlantCase):
    plant_nodes = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.container = Container(cluster.data("catenax") / "smallTestdata.json")
        cluster.need("weft")
        cluster.need("weftd")
        super().setUpClass()
        cls.directory = cls.directory.resolve()

    def test_1_the_container_is_what_is_stated_here(self):
        c = self.container
        self.assertEqual((OWNERS, VEHICLES, EDGES, BETWEEN, AGREEMENTS), (
            len(c.twins), len(c.vehicles), len(c.edges),
            sum(c.owners[w] != c.owners[p] for w, p in c.edges), len(c.pairs)))

    def test_2_one_assembly_of_nine_organizations(self):
        first, count = cluster.options.seed, int(os.environ.get("WEFT_FEDERATION_SEEDS", "1"))
        done = collections.Counter()
        for seed in range(first, first + count):
            done.update(self.cycle(seed))
        # What is to be survived has happened.
        for what in ("cut", "killed", "killed while importing"):
            self.assertGreater(done[what], 0, what)
        if RESTORES > 0:
            for what in ("restored", "of it from before an agreement",
                         "of it from before an import"):
                self.assertGreater(done[what], 0, what)

    def cycle(self, seed):
        print(f"cycle of seed {seed}", file=sys.stderr)
        cycle = Cycle(self.directory / f"seed{seed}", self.container, seed)
        try:
            cycle.begin()
            cycle.run()
            cycle.wait_even()
            self.check_edges(cycle)
            self.check_trees(cycle)
            self.check_asked(cycle)
        finally:
            cycle.stop()
        shutil.rmtree(self.directory / f"seed{seed}", ignore_errors=True)
        return cycle.done

    def check_edges(self, cycle):
        """Each edge between two stands in the cells of both, with what either says of it."""
        count = 0
        for pair in self.container.pairs:
            cells = [self.edges_of(cycle.owners[bpn].site, cycle.name(pair), pair) for bpn in pair]
            self.assertEqual(cells[0], cells[1])
            expected = {}
            for whole, part in self.container.between(*pair):
                builder, maker = (self.container.owners[end] for end in (whole, part))
                says = {builder: {"in"}, **({maker: {"in"}} if maker in cycle.confirming else {})}
                expected[whole, part] = ("agreed" if len(says) == 2 else "awaited", {
                    cycle.owners[bpn].site.site: said for bpn, said in says.items()})
            self.assertEqual(expected, cells[0])
            count += len(expected)
            whole, part = next(iter(expected))
            builder = cycle.owners[self.container.owners[whole]].site
            shown = builder.run("get", whole, "-o", "table").partition("\nShared\n")[2]
            self.assertIn(f"{whole} > {part}", shown)
        self.assertEqual(BETWEEN, count)

    def edges_of(self, site, name, pair):
        found = {}
        for whole in {w for w, _ in self.container.between(*pair)}:
            for (kind, group), cell in site.cells(name, whole).items():
                if isinstance(group, tuple) and group in self.container.between(*pair):
                    said = collections.defaultdict(set)
                    for claim in cell.claims:
                        said[claim.author].add(claim.value)
                    found[group] = cell.state, dict(said)
        return found

    def check_trees(self, cycle):
        """Put together from what each plant says of its own, and whom it names of the rest."""
        sites = {owner.site.site: owner.site for owner in cycle.owners.values()}
        where, asked = {}, collections.Counter()

        def below(whole):
            site = where[whole]
            asked[site.site] += 1
            with site.plant.leader().connect() as client:
                (record,) = self.as_built(client, whole)
                parts = [target for rel, target in record["links"] if rel == "contains"]
                for part in parts:
                    where[part] = site if self.as_built(client, part) else sites[
                        self.author(site, part)]
            return parts
        for vehicle in self.container.vehicles:
            where[vehicle] = cycle.owners[self.container.owners[vehicle]].site
            expected = tree(vehicle, lambda whole: self.container.inside[whole])
            self.assertGreater(len(expected), 20)
            self.assertEqual(expected, tree(vehicle, below), vehicle)
        self.assertEqual({cycle.owners[bpn].site.site for bpn in self.container.twins},
                         {where[part].site for part in where})

    def check_asked(self, cycle):
        """The same, asked at the one plant that builds the vehicle: partners ask on, for him."""
        sites = {bpn: cycle.owners[bpn].site.site for bpn in self.container.twins}
        for vehicle in self.container.vehicles:
            site = cycle.owners[self.container.owners[vehicle]].site
            answer = site.told("trace", "back", vehicle, "--across", "--ask")
            self.assertEqual([], answer["holes"])
            below, nodes = collections.defaultdict(list), answer["nodes"]
            for node in nodes[1:] + answer["ways"]:
                whole = nodes[node["in"]]["asset"]
                self.assertEqual(sites[self.container.owners[whole]], node["by"], node)
                below[whole].append(node["asset"])
            expected = tree(vehicle, lambda whole: self.container.inside[whole])
            self.assertEqual(expected, tree(vehicle, lambda whole: below[whole]), vehicle)
            self.assertEqual(sum(map(len, below.values())),
                             len({(whole, part) for _, whole, part in expected}))
            makers = {sites[self.container.owners[part]] for _, _, part in expected}
            self.assertEqual(makers - {site.site}, {told["who"] for told in answer["told"]})
        cycle.log("one plant has it, asked")

    @staticmethod
    def as_built(client, asset):
        try:
            return [r for r in client.pages("asset", asset=asset) if r["kind"] == "as_built"]
        except wire.Refusal as refusal:
            if refusal.outcome != "not_found":
                raise
            return []

    @staticmethod
    def author(site, part):
        """Who of its partners speaks of the part as of what it has made."""
        authors = {claim.author for (kind, group), cell in site.cells("*", part).items()
                   if not isinstance(group, tuple) for claim in cell.claims}
        (author,) = authors - {site.site}
        return author


if __name__ == "__main__":
    cluster.main()
