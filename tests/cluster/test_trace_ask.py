"""tests/cluster/test_trace_ask.py: five organizations in a chain, each with agreements with its
neighbours alone: the tree of a vehicle of 14 parts is asked for through them, and what is not known
is a hole by name: a tier that answers no questions, one that is cut off, a ring."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import hostile  # noqa: E402
import sites  # noqa: E402
from partners import share  # noqa: E402
from plant import wait_for  # noqa: E402

KINDS = ("as_built", "shipment")
TIERS = 5
SILENT = "asked: not answered in time"
APART = "not asked: not connected"
CLOSED = "asked: what is inside is not disclosed"
DEEP = "asked: the agreement lets the question go no tier further"
LOOP = "asked: answered already, to this question"
# What is made of what, and by which tier: 14 parts.
VEHICLE = {(0, 0): [(1, 0), (1, 1)], (1, 0): [(2, 0), (2, 1)], (1, 1): [(2, 2)],
           (2, 0): [(3, 0), (3, 1)], (2, 1): [(3, 2)], (2, 2): [], (3, 0): [(4, 0), (4, 1)],
           (3, 1): [(4, 2)], (3, 2): [(4, 3), (4, 4)], (4, 0): [], (4, 1): [], (4, 2): [],
           (4, 3): [], (4, 4): []}


def name(vehicle, part):
    return f"urn:epc:id:sgtin:40{part[0]}0000.0{part[0]}1111.{vehicle}{part[1]}"


class TraceAsk(sites.SitesCase):
    @classmethod
    def begin(cls):
        orgs = [f"tier{i}.example" for i in range(TIERS)]
        for i, org in enumerate(orgs):
            near = orgs[max(i - 1, 0):i] + orgs[i + 1:i + 2] + orgs[2:3] * (i == 0)
            near += orgs[:1] * (i == 2)  # Of these two there is a ring of three.
            cls.site(org, org, "main", " partner ".join(near))
        cls.start()
        cls.texts = {i: cls.share(i, ("inside 4",)) for i in range(1, TIERS)}

    @classmethod
    def share(cls, i, templates, before=None):
        return share(f"tier-{i}", cls.sites[i], cls.sites[i - 1], KINDS, depth=1,
                     templates=templates, before=before)

    @classmethod
    def build(cls, vehicle, parts=None):
        """From the raw material up: who makes it says of what, and whom he has shipped it to."""
        parts = VEHICLE if parts is None else parts
        for part in sorted(parts, reverse=True):
            site = cls.sites[part[0]]
            records = [{"kind": "as_built", "asset": name(vehicle, part),
                        "attrs": {"line": "line1"},
                        "links": [("consumes", name(vehicle, of)) for of in parts[part]]}]
            if part[0] > 0:
                records.append({"kind": "shipment", "asset": name(vehicle, part), "links": [
                    ("shipped_to", f"partner:{cls.sites[part[0] - 1].site}")]})
            site.commit(*records)

    def ask(self, vehicle, wait=5, tier=0):
        """({thing: (in what, who says so)}, {(who, what, why)}, {who answered}, seconds)"""
        began = time.monotonic()
        done = self.sites[tier].plant.weft("trace", "back", name(vehicle, (tier, 0)), "--across",
                                           "--ask", "--wait", str(wait), "-o", "json")
        took = time.monotonic() - began
        self.assertEqual(0, done.returncode, done.stderr)
        told = json.loads(done.stdout)
        nodes = told["nodes"]
        return ({n["asset"]: (nodes[n["in"]]["asset"], n["by"]) for n in nodes[1:]},
                {(hole["who"], hole["what"], hole["why"]) for hole in told["holes"]},
                {t["who"] for t in told["told"]}, took)

    def tree(self, vehicle, without=()):
        """As VEHICLE has it, but for what is in those."""
        found, todo = {}, [(0, 0)]
        while todo:
            part = todo.pop()
            for of in [] if part in without else VEHICLE[part]:
                found[name(vehicle, of)] = (name(vehicle, part), self.sites[part[0]].site)
                todo.append(of)
        return found

    def wait_ask(self, vehicle, tree, holes, wait=5):
        try:
            wait_for("the tree", lambda: self.ask(vehicle, wait)[:2] == (tree, set(holes)))
        except TimeoutError as error:
            self.fail(f"{error}: {self.ask(vehicle, wait)} and not {tree}, {holes}")

    def test_1_a_tree_over_five_tiers_is_asked_for_through_neighbours(self):
        self.build(0)
        tree = self.tree(0)
        self.assertEqual(13, len(tree))
        self.wait_ask(0, tree, [])
        _, _, told, took = self.ask(0)
        print(f"14 parts over five tiers: {took * 1000:.0f} ms", file=sys.stderr)
        self.assertEqual({site.site for site in self.sites[1:]}, told)
        shown = self.sites[0].plant.weft("trace", "back", name(0, (0, 0)), "--across", "--ask",
                                         "-o", "table", check=True).stdout
        self.assertRegex(shown, r"(?m)^tier4.example/main +\d+ +20\d\d-")

    def test_2_nothing_is_told_of_what_was_not_stated(self):
        self.sites[2].commit({"kind": "as_built", "asset": name(7, (2, 0)), "links": [
            ("consumes", name(7, (3, 0)))]})
        self.sites[1].commit({"kind": "as_built", "asset": name(7, (1, 0)), "links": [
            ("consumes", name(7, (2, 0)))]}, {"kind": "shipment", "asset": name(7, (1, 0)),
                                              "links": [("shipped_to",
                                                         f"partner:{self.sites[0].site}")]})
        self.sites[0].commit({"kind": "as_built", "asset": name(7, (0, 0)), "links": [
            ("consumes", name(7, (1, 0)))]})
        tree = {name(7, (1, 0)): (name(7, (0, 0)), self.sites[0].site),
                name(7, (2, 0)): (name(7, (1, 0)), self.sites[1].site)}
        self.wait_ask(7, tree, [("-", name(7, (2, 0)),
                                 "asked: nobody has stated anything of it")])

    def test_3_a_ring_ends(self):
        ring = {(0, 0): [(1, 0)], (1, 0): [(2, 0)], (2, 0): [(3, 0)], (3, 0): [(2, 0)]}
        self.build(3, ring)
        tree = {name(3, (1, 0)): (name(3, (0, 0)), self.sites[0].site),
                name(3, (2, 0)): (name(3, (1, 0)), self.sites[1].site),
                name(3, (3, 0)): (name(3, (2, 0)), self.sites[2].site)}
        self.wait_ask(3, tree, [(self.sites[3].site, name(3, (3, 0)), LOOP)])

    def test_3_a_ring_through_who_asks_loses_nothing(self):
        share("tier-ring", self.sites[2], self.sites[0], KINDS, depth=1, templates=("inside 4",))
        cast = name(6, (0, 1))
        self.build(6, {(0, 0): [(1, 0)], (1, 0): [(2, 0)], (2, 0): [(0, 1)], (0, 1): []})
        self.sites[0].commit({"kind": "shipment", "asset": cast, "links": [
            ("shipped_to", f"partner:{self.sites[2].site}")]})
        # Who is asked of the cast is who asked, and what he says is not brought back to him.
        wait_for("his word", lambda: any(
            words[:1] == ["claim"] and words[2] == self.sites[0].site
            for words in self.sites[2].lines(f"cells/tier-ring/asset/{cast}")))
        tree = {name(6, (1, 0)): (name(6, (0, 0)), self.sites[0].site),
                name(6, (2, 0)): (name(6, (1, 0)), self.sites[1].site),
                cast: (name(6, (2, 0)), self.sites[2].site)}
        self.wait_ask(6, tree, [])

    def test_4_a_tier_that_is_cut_off_is_a_hole_in_time(self):
        self.build(4)
        self.wait_ask(4, self.tree(4), [])
        self.sites[3].block(True)
        holes = {(2, 0): [(3, 0), (3, 1)], (2, 1): [(3, 2)]}
        cut = [of for part in holes for of in holes[part]]
        tree = self.tree(4, cut)
        deadline = time.monotonic() + 30
        while True:
            found, left, _, took = self.ask(4, wait=2)
            self.assertLess(took, 6)
            whys = {why for _, _, why in left}
            if found == tree and whys <= {APART, SILENT} and len(left) == len(cut):
                break
            self.assertLess(time.monotonic(), deadline, (found, left))
        self.assertEqual({(self.sites[3].site, name(4, part)) for part in cut},
                         {(who, what) for who, what, _ in left})
        self.sites[3].block(False)
        self.wait_ask(4, self.tree(4), [])

    def test_5_a_tier_that_answers_no_questions_is_a_hole_by_name(self):
        last = TIERS - 1
        self.share(last, (), self.texts[last])
        self.build(5)
        material = [part for part in VEHICLE if part[0] == last]
        self.wait_ask(5, self.tree(5), [(self.sites[last].site, name(5, part), CLOSED)
                                        for part in material])
        self.share(2, ("inside 1",), self.texts[2])  # Him who is asked alone.
        self.wait_ask(5, self.tree(5, [(3, 0), (3, 1), (3, 2)]),
                      [(self.sites[3].site, name(5, (3, i)), DEEP) for i in range(3)])

    def test_6_what_is_not_there_or_not_understood(self):
        plant = self.sites[0].plant
        done = plant.weft("trace", "back", "serial:none/1", "--across", "--ask")
        self.assertEqual(1, done.returncode, done.stderr)
        done = plant.weft("trace", "back", name(0, (0, 0)), "--ask")
        self.assertEqual(2, done.returncode, done.stderr)
        done = plant.weft("trace", "back", name(0, (0, 0)), "--across", "--wait", "3")
        self.assertEqual(2, done.returncode, done.stderr)

    def test_7_what_a_client_says_was_told_is_not(self):
        """NOD-300: beside the path of a tree stands what partners answered; no client says it."""
        said = (hostile.varint(1) + hostile.text("evil.example/lair") + b"s" * 32 + b"\1\7\1"
                + hostile.text("at\t1\nmade\n"))  # As tiers.h has it, without a zero.
        path = f"across/{name(0, (0, 0))}"
        with self.sites[0].plant.leader().connect() as client:
            told = client.file(path)
            self.assertIn("tree ", told)
            self.assertNotIn("evil.example", told)
            for value in (said.decode(), "garbage", "told evil.example/lair 7 1\n"):
                self.assertEqual(told, client.file(path, where_value=value))
                asked = client.file(f"ask/{name(0, (0, 0))}", where_value=value)
                self.assertIn("told ", asked)
                self.assertNotIn("evil.example", asked)
                for kept in ("", "/sent/checkpoint", "/received/receipt"):
                    kept = client.file(f"partner/tier-1{kept}", where_value=value)
                    self.assertNotIn(value, kept)


if __name__ == "__main__":
    cluster.main()
