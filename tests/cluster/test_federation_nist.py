"""tests/cluster/test_federation_nist.py: two organizations judge the same boxes, by their files.

NIST's plant is the supplier, the MTC's the customer (shared/data/nist-box). Each imports its own
inspections with the product's importers, with the line between them cut after the first; in one
class the supplier's are first, in the other the customer's. What either side should come to is
worked out here from the QIF files (tests/lib/nist_box.py) and from rules written once more."""

import collections
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import nist_box  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

SAMPLES = cluster.ROOT / "ops/samples/nist-box"
WORDS = ["PASS", "CONDITIONAL", "FAIL", "BLOCK"]
SIDES = ("supplier", "customer")
FILES = {"supplier": "first_article", "customer": "incoming"}
UNITS, BOTH, DISPUTED, RUNS = {"supplier": 60, "customer": 59}, 56, 5, 60
NAMELESS = {"supplier": 1, "customer": 3}


class Inspections:
    """Two sites with an agreement."""
    order = SIDES
    nodes = {"supplier": ("n1",), "customer": ("n1",)}

    @classmethod
    def setUpClass(cls):
        cls.box = nist_box.NistBox(cluster.data("nist-box"))
        cluster.need("weft")
        super().setUpClass()

    @classmethod
    def begin(cls):
        cls.supplier = cls.site("supplier", "supplier.example", "west", "oem.example",
                                cls.nodes["supplier"])
        cls.customer = cls.site("customer", "oem.example", "plant1", "supplier.example",
                                cls.nodes["customer"])
        cls.sides = dict(zip(SIDES, cls.sites))
        cls.start()
        cls.supplier.meet(cls.customer)
        cls.customer.meet(cls.supplier)
        cls.agree("box")

    @classmethod
    def agree(cls, name):
        edits = [f"{site.site}: {line}" for site in cls.sites for line in (
            "kind alias disclosed", f"threshold {len(site.keys) // 2 + 1}")]
        note = partners.agree(cls.supplier, cls.customer, name, SAMPLES / "agreement.draft", edits)
        for site in cls.sites:
            site.run("partner", "apply", note)

    # --- what is done -----------------------------------------------------------------------------

    def block(self, is_blocked):
        for site in self.sites:
            site.block(is_blocked)

    def wait_even(self, *names):
        for name in names:
            wait_for(f"both come to the same under {name}", lambda name=name: partners.is_even(
                self.supplier, self.customer, name), every=0.2)

    def import_inspections(self, side):
        answer = self.sides[side].told(
            "import", "qif", "--map", SAMPLES / f"{FILES[side].replace('_', '-')}.json",
            *getattr(self.box, f"{FILES[side]}_files"))
        self.assertEqual((3, 59, 0), (answer["files"], answer["imported"], answer["refused"]))

    def import_runs(self):
        runs = self.box.unpack_runs(self.directory)
        answer = self.supplier.told(
            "import", "mtconnect", "--map", SAMPLES / "machining.json", "--devices",
            self.box.directory / "MTConnect/Devices.xml", *(path for _, path in runs.values()))
        self.assertEqual((RUNS, 0), (answer["imported"], answer["refused"]))

    def alias(self, side, *pairs):
        """One side's word: what the customer calls so is what the supplier calls so."""
        self.sides[side].commit(*(
            {"kind": "alias", "asset": f"alias:{theirs}",
             "attrs": {"a/authority": self.customer.site, "a/kind": "serial", "a/key": theirs,
                       "b/authority": self.supplier.site, "b/kind": "serial", "b/key": ours,
                       "same": ("bool", "true")}} for theirs, ours in pairs))

    # --- what is expected -------------------------------------------------------------------------

    def verdicts(self, side):
        return {r.unit: r.verdict for r in getattr(self.box, FILES[side]) if r.unit}

    @staticmethod
    def asset(unit):
        return f"serial:{unit}"

    def nameless(self, side):
        """Names of units without a serial, as the site has them."""
        found = self.sides[side].told("find", "--kind", "inspection", "--limit", "1000")["records"]
        return sorted(r["asset"] for r in found if "/no-serial/" in r["asset"])

    @staticmethod
    def verdict_of(site, name, asset):
        return site.cells(name, asset)["inspection", "verdict"]

    @staticmethod
    def said(cell):
        return {claim.author: claim.value for claim in cell.claims}

    # --- the tests, in order ----------------------------------------------------------------------

    def test_1_parted_between_the_two_inspections(self):
        first, second = self.order
        self.wait_even("box")
        self.import_inspections(first)
        if first == "supplier":
            self.import_runs()
        self.wait_even("box")
        before = {side: int(site.shared("box")["statements"])
                  for side, site in self.sides.items()}
        self.block(True)
        self.import_inspections(second)
        # The customer's map infers which unit is which; the supplier looks at it, and agrees.
        units = sorted(self.verdicts("customer"))
        pairs = [(self.asset(unit), self.asset(unit)) for unit in units]
        self.alias("customer", *pairs)
        self.alias("supplier", *pairs)
        parted = {side: site.shared("box") for side, site in self.sides.items()}
        self.assertEqual(
            {first: before[first] + len(pairs),
             second: before[second] + UNITS[second] + len(pairs)},
            {side: int(shared["statements"]) for side, shared in parted.items()})
        self.assertNotEqual(*(shared["shared"] for shared in parted.values()))
        self.assertEqual({"0"}, {shared["disputes"] for shared in parted.values()})
        self.block(False)
        self.wait_even("box")
        statements = sum(UNITS.values()) + 2 * len(pairs) + (RUNS if first == "supplier" else 0)
        shared = self.supplier.shared("box")
        self.assertEqual(str(statements), shared["statements"])
        self.assertEqual(("0", "0"), (shared["left-over"], shared["aliases"]))

    def test_2_both_have_the_disputes_of_the_files(self):
        expected = self.box.differing()
        self.assertEqual(DISPUTED, len(expected))
        here, there = (site.told("partner", "disputes", "box") for site in self.sites)
        self.assertEqual(here, there)
        self.assertEqual(sorted(map(self.asset, expected)),
                         sorted(cell["claims"][0]["asset"] for cell in here))
        for cell in here:
            self.assertEqual("JOIN", cell["rule"])
            digests = sorted(bytes.fromhex(c["statement"].removeprefix("sha256:"))
                             for c in cell["claims"])
            name = hashlib.sha256(b"weft-dispute/v1\n" + b"".join(digests)).hexdigest()
            self.assertEqual(f"sha256:{name}", cell["dispute"])
            unit = cell["claims"][0]["asset"].removeprefix("serial:")
            said = {c["author"]: c["value"] for c in cell["claims"]}
            self.assertEqual({self.sides[side].site: self.verdicts(side)[unit] for side in SIDES},
                             said)
            self.assertEqual(max(said.values(), key=WORDS.index), cell["value"])

    def test_3_the_stricter_verdict_counts_and_both_claims_stay(self):
        given = {self.sides[side].site: self.verdicts(side) for side in SIDES}
        units = set.union(*map(set, given.values()))
        self.assertEqual(BOTH, len(set.intersection(*map(set, given.values()))))
        for unit in sorted(units):
            expected = {site: said[unit] for site, said in given.items() if unit in said}
            cells = [self.verdict_of(site, "box", self.asset(unit))
                     for site in self.sites]
            self.assertEqual(cells[0], cells[1])
            self.assertEqual(expected, self.said(cells[0]), unit)
            self.assertEqual(max(expected.values(), key=WORDS.index), cells[0].value, unit)
            self.assertEqual(unit in self.box.differing(), cells[0].state == "disputed", unit)
        # And as people see it.
        for unit in self.box.differing():
            shown = [site.run("get", self.asset(unit), "-o", "table").partition("\nShared\n")[2]
                     for site in self.sites]
            self.assertEqual(*shown)
            rows = [row.split() for row in shown[0].splitlines()]
            rows = {row[5]: row[2:5] + row[6:7] for row in rows if row[:2] == [
                "inspection", "verdict"]}
            for site, said in given.items():
                self.assertEqual(["JOIN", "disputed", max(
                    (v[unit] for v in given.values()), key=WORDS.index), said[unit]], rows[site])

    def test_4_every_unit_is_accounted_for(self):
        """With a serial in a cell of its name, without one in a cell that waits for a name."""
        listed = [site.lines("cells/box/unnamed") for site in self.sites]
        self.assertEqual(*listed)
        waiting = collections.Counter()
        for what, *words in listed[0]:
            if what == "unnamed":
                waiting[words[1]] += 1
        self.assertEqual({self.sides[side].site: NAMELESS[side] for side in SIDES}, waiting)
        for side, site in self.sides.items():
            nameless = self.nameless(side)
            self.assertEqual(NAMELESS[side], len(nameless))
            self.assertEqual(NAMELESS[side],
                             sum(r.unit is None for r in getattr(self.box, FILES[side])))
            self.assertEqual(UNITS[side], len(nameless) + len(self.verdicts(side)))
            lost = sorted(r.verdict for r in getattr(self.box, FILES[side]) if not r.unit)
            for other in self.sites:
                kept = [self.said(self.verdict_of(other, "box", name))[site.site]
                        for name in nameless]
                self.assertEqual(lost, sorted(kept))
        for site in self.sites:
            self.assertEqual("[]", site.run("partner", "quarantine", "box", "-o", "json").strip())

    def test_5_what_is_told_in_another_order_comes_to_the_same(self):
        """All of it once more, under an agreement that begins when all is there."""
        self.agree("late")
        self.wait_even("late")
        there = [site.shared(name) for site in self.sites for name in ("box", "late")]
        self.assertEqual(1, len({sum["shared"] for sum in there}), there)
        self.assertEqual(*(site.told("partner", "disputes", "late")
                           for site in self.sites))
        self.assertEqual(self.supplier.told("partner", "disputes", "box"),
                         self.supplier.told("partner", "disputes", "late"))

    def test_6_a_unit_without_a_serial_gets_its_name_when_both_say_so(self):
        """Of each part the customer lacks one number: that is what the unit without one is."""
        ours, theirs = self.verdicts("supplier"), self.verdicts("customer")
        missing = {unit.split("/")[0]: unit for unit in sorted(ours.keys() - theirs.keys())}
        nameless = {name.removeprefix("serial:").split("/")[0]: name
                    for name in self.nameless("customer")}
        parts = sorted(missing.keys() & nameless.keys())
        self.assertGreater(len(parts), 1)
        pairs = [(nameless[part], self.asset(missing[part])) for part in parts]
        self.block(True)
        self.alias("customer", *pairs)
        self.block(False)
        self.wait_even("box", "late")
        for site in self.sites:
            proposed = site.lines("cells/box/aliases")
            self.assertEqual(sorted(pairs), sorted(
                tuple(sorted((one[4], other[4]), key=lambda name: "/no-serial/" not in name))
                for one, other in zip(proposed[::2], proposed[1::2])))
            self.assertEqual(str(sum(NAMELESS.values())), site.shared("box")["unnamed"])
        self.alias("supplier", *pairs)
        self.wait_even("box", "late")
        for name in ("box", "late"):
            for site in self.sites:
                shared = site.shared(name)
                self.assertEqual(("0", str(sum(NAMELESS.values()) - len(parts))),
                                 (shared["aliases"], shared["unnamed"]))
                for theirs_name, ours_name in pairs:
                    cell = self.verdict_of(site, name, ours_name)
                    self.assertEqual({self.supplier.site, self.customer.site}, set(self.said(cell)))
                    self.assertEqual(cell, self.verdict_of(site, name, theirs_name))
                    self.assertEqual(max(self.said(cell).values(), key=WORDS.index), cell.value)
        self.assertEqual(self.supplier.shared("box")["shared"],
                         self.customer.shared("late")["shared"])


class SupplierFirst(Inspections, sites.SitesCase):
    nodes = {"supplier": ("n1", "n2", "n3"), "customer": ("n1",)}


class CustomerFirst(Inspections, sites.SitesCase):
    order = ("customer", "supplier")


if __name__ == "__main__":
    cluster.main()
