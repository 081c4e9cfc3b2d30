"""tests/cluster/test_trace_across.py: what a vehicle is made of over three tiers of organizations:
what each stated to the next, and holes by name for what was not disclosed, is not agreed on, or has
not come yet."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
import web  # noqa: E402
from partners import POLICY, share  # noqa: E402
from plant import wait_for  # noqa: E402

KINDS = ("as_built", "shipment")
LOT = "urn:epc:class:lgtin:4012345.012345.77"
NOBODYS = "nobody has stated anything of it"
# Who may read builds alone, and nothing that has that label.
OEM_POLICY = POLICY.replace("  who  any\n  do   any\n", "  who  not op vic\n  do   any\n") + """
permit some
  who  op vic
  do   read
  on   kind as_built

forbid secret
  who  op vic
  do   read
  on   label secret
"""
CLOSED = "what is inside was not disclosed; the agreement answers no such question"


def part(i):
    return f"urn:epc:id:sgtin:4012345.011111.{i}"


def assembly(i):
    return f"urn:epc:id:sgtin:4099999.022222.{i}"


def vehicle(i):
    return f"urn:epc:id:sgtin:4088888.033333.{i}"


class TraceAcross(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.supplier = cls.site("supplier.example", "supplier.example", "west", "tierone.example")
        cls.tier1 = cls.site("tierone.example", "tierone.example", "mid",
                             "supplier.example partner oem.example")
        cls.oem = cls.site("oem.example", "oem.example", "plant1", "tierone.example",
                           policy=OEM_POLICY)
        cls.start()
        share("lots", cls.supplier, cls.tier1, KINDS, depth=1)
        share("axles", cls.tier1, cls.oem, KINDS, depth=1)

    @staticmethod
    def made(unit, *of):
        return {"kind": "as_built", "asset": unit, "attrs": {"line": "line1"},
                "links": [("consumes", component) for component in of]}

    @staticmethod
    def shipped(unit, to):
        return {"kind": "shipment", "asset": unit, "links": [("shipped_to", f"partner:{to.site}")]}

    @staticmethod
    def across(site, asset, *options, **who):
        """({thing: (in what, who says so)}, {(who, what, why)})"""
        done = site.plant.weft("trace", "back", asset, "--across", "-o", "json", *options, **who)
        if done.returncode != 0:
            return {}, set()
        told = json.loads(done.stdout)
        nodes = told["nodes"]
        return ({n["asset"]: (nodes[n["in"]]["asset"], n["by"]) for n in nodes[1:]},
                {(hole["who"], hole["what"], hole["why"]) for hole in told["holes"]})

    def wait_across(self, site, asset, tree, holes=()):
        try:
            wait_for(f"the tree of {asset}",
                     lambda: self.across(site, asset) == (tree, set(holes)))
        except TimeoutError as error:
            self.fail(f"{error}: {self.across(site, asset)}")

    def test_1_each_knows_what_was_stated_to_him_and_names_what_was_not(self):
        self.supplier.commit(self.made(part(0), LOT), self.made(part(1), LOT), self.made(LOT),
                             self.shipped(part(0), self.tier1), self.shipped(part(1), self.tier1))
        self.tier1.commit(self.made(assembly(0), part(0), part(1)),
                          self.shipped(assembly(0), self.oem))
        self.oem.commit(self.made(vehicle(0), assembly(0), "serial:glass/1"))
        # Tier 1 states to the OEM what is inside to depth 1, and nothing of what others made.
        self.wait_across(self.tier1, assembly(0), {
            part(0): (assembly(0), self.tier1.site), part(1): (assembly(0), self.tier1.site),
            LOT: (part(0), self.supplier.site)})
        self.wait_across(self.oem, vehicle(0), {
            assembly(0): (vehicle(0), self.oem.site),
            "serial:glass/1": (vehicle(0), self.oem.site),
            part(0): (assembly(0), self.tier1.site), part(1): (assembly(0), self.tier1.site)},
            [("-", "serial:glass/1", NOBODYS), (self.tier1.site, part(0), CLOSED),
             (self.tier1.site, part(1), CLOSED)])
        shown = self.oem.plant.weft("trace", "back", vehicle(0), "--across", "-o", "table",
                                    check=True).stdout
        self.assertRegex(shown, f"(?m)^    {part(1)} +- +{self.tier1.site} +agreed$")
        self.assertRegex(shown, f"(?m)^- +serial:glass/1 +{NOBODYS}$")

    def test_2_what_is_cut_off_is_a_hole_until_it_comes(self):
        self.tier1.block(True)
        self.tier1.commit(self.made(assembly(1)), self.shipped(assembly(1), self.oem))
        self.oem.commit(self.made(vehicle(1), assembly(1)))
        tree = {assembly(1): (vehicle(1), self.oem.site)}
        self.assertEqual((tree, {("-", assembly(1), NOBODYS)}), self.across(self.oem, vehicle(1)))
        self.tier1.block(False)
        self.wait_across(self.oem, vehicle(1), tree)

    def test_3_nothing_is_told_of_what_is_not_there(self):
        done = self.oem.plant.weft("trace", "back", "serial:none/1", "--across")
        self.assertEqual(1, done.returncode, done.stderr)
        done = self.oem.plant.weft("trace", "back", vehicle(0), "--across", "--depth", "1")
        self.assertEqual(2, done.returncode, done.stderr)

    def test_4_who_may_not_read_all_is_told_how_much_is_withheld(self):
        """NOD-280, by both doors, and of what partners answer."""
        plant = self.oem.plant
        vic, ann = (plant.authority.issue("plant1", "op", name, self.oem.home / name)
                    for name in ("vic", "ann"))
        whole = self.across(self.oem, vehicle(0))
        self.assertEqual(whole, self.across(self.oem, vehicle(0), identity=ann))
        self.assertEqual(whole, self.across(self.oem, vehicle(0), identity=vic))
        for asset in (part(1), "serial:glass/1"):
            self.oem.commit({"kind": "access_label", "asset": asset,
                             "attrs": {"labels/[0]": "secret"}})
        self.oem.commit({"kind": "note", "asset": vehicle(0), "links": [
            ("consumes", "serial:bribe/1")]})

        def withheld(count, kind):
            return f"the policy withholds more of what is in it: {count} by records of kind {kind}"
        seen = ({assembly(0): (vehicle(0), self.oem.site),
                 part(0): (assembly(0), self.tier1.site)},
                {(self.oem.site, vehicle(0), withheld(1, "as_built")),
                 (self.oem.site, vehicle(0), withheld(1, "note")),
                 (self.oem.site, assembly(0), withheld(1, "as_built")),
                 (self.tier1.site, part(0), CLOSED)})
        self.assertEqual(seen, self.across(self.oem, vehicle(0), identity=vic))
        self.assertEqual(seen, self.across(self.oem, vehicle(0), "--ask", identity=vic))
        self.assertEqual(5, len(self.across(self.oem, vehicle(0), identity=ann)[0]))
        door = {who: web.Web(plant["n1"].http, web.tls(identity))
                for who, identity in (("vic", vic), ("ann", ann))}
        for path in ("across", "ask"):
            told = {who: door[who].get(f"/v1/audit/{path}/{vehicle(0)}").body.decode()
                    for who in door}
            for secret in (part(1), "serial:glass/1", "serial:bribe/1"):
                self.assertIn(secret, told["ann"])
                self.assertNotIn(secret, told["vic"])
            self.assertIn(" 1 note\n", told["vic"])
        self.assertEqual(403, door["vic"].get("/v1/audit/across/serial:glass/1").status)
        self.assertEqual(403, door["vic"].get("/v1/audit/across/serial:none/1").status)
        self.assertEqual(404, door["ann"].get("/v1/audit/across/serial:none/1").status)


if __name__ == "__main__":
    cluster.main()
