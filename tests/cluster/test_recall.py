"""tests/cluster/test_recall.py: a recall that starts at a supplier's lot and ends in what an OEM
has shipped, over three sites of real processes that know each other pairwise alone; what was
counted comes back, and who is silent is named."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from partners import share  # noqa: E402
from plant import wait_for  # noqa: E402

KINDS = ("acknowledgement", "as_built", "impact", "recall", "shipment")
LOT = "urn:epc:class:lgtin:4012345.012345.77"


def part(i):
    return f"urn:epc:id:sgtin:4012345.011111.{i}"


def assembly(i):
    return f"urn:epc:id:sgtin:4099999.022222.{i}"


def vehicle(i):
    return f"urn:epc:id:sgtin:4088888.033333.{i}"


class Recall(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.supplier = cls.site("supplier.example", "supplier.example", "west", "tierone.example")
        cls.tier1 = cls.site("tierone.example", "tierone.example", "mid",
                             "supplier.example partner oem.example")
        cls.oem = cls.site("oem.example", "oem.example", "plant1", "tierone.example")
        cls.start()
        share("lots", cls.supplier, cls.tier1, KINDS, depth=1)
        share("axles", cls.tier1, cls.oem, KINDS, depth=1)
        share("spares", cls.tier1, cls.oem, KINDS, depth=1)  # An impact goes by both: NOD-274.
        cls.build()

    @staticmethod
    def made(unit, *of):
        return {"kind": "as_built", "asset": unit,
                "links": [("consumes", component) for component in of]}

    @staticmethod
    def shipped(unit, to):
        return {"kind": "shipment", "asset": unit, "links": [("shipped_to", to)]}

    @classmethod
    def build(cls):
        """Six parts of the lot, four of them delivered; two assemblies with two parts each; the
        OEM builds one of them into a vehicle, which a fleet has."""
        to_tier1, to_oem = (f"partner:{site.site}" for site in (cls.tier1, cls.oem))
        cls.supplier.commit(*(cls.made(part(i), LOT) for i in range(6)),
                            *(cls.shipped(part(i), to_tier1) for i in range(4)))
        cls.tier1.commit(*(cls.made(assembly(i), part(2 * i), part(2 * i + 1)) for i in range(2)),
                         *(cls.shipped(assembly(i), to_oem) for i in range(2)))
        cls.oem.commit(cls.made(vehicle(1), assembly(0)),
                       cls.shipped(vehicle(1), "customer:fleet-9"))

    @staticmethod
    def across(site):
        recalls = site.plant.weft_json("recall", "--across", "-o", "json")
        return recalls[0] if recalls else None

    def wait_across(self, site, what, holds):
        try:
            return wait_for(what, lambda: (lambda r: r if r and holds(r) else None)(
                self.across(site)))
        except TimeoutError as error:
            self.fail(f"{error}: {[self.across(s) for s in self.sites]}")

    def test_1_from_the_lot_to_what_was_shipped_and_back(self):
        self.oem.block(True)
        began = time.monotonic()
        told = self.supplier.plant.weft("recall", "--lot", LOT, "--tell", "stop", "--reason",
                                        "cracks at the weld", check=True).stdout.strip()
        self.assertRegex(told, "^sha256:[0-9a-f]{64}$")
        cut = self.wait_across(self.supplier, "tier 1 has answered, the OEM cannot",
                               lambda r: r["affected"] == 8)
        self.assertEqual(told, cut["recall"])
        self.assertEqual(1, cut["silent"])
        self.assertEqual([{"tier": 0, "affected": 6, "silent": 0},
                          {"tier": 1, "affected": 2, "silent": 1}], cut["tiers"])
        self.assertIn({"who": self.tier1.site, "units": 1, "why": "sites below it are silent"},
                      cut["holes"])
        silent = self.across(self.tier1)
        self.assertIn({"who": self.oem.site, "units": 2, "why": "told, and silent"},
                      silent["holes"])
        self.assertIsNone(self.across(self.oem))
        self.oem.block(False)
        whole = self.wait_across(self.supplier, "all have answered", lambda r: r["silent"] == 0)
        print(f"three tiers, one of them cut off for a while: {time.monotonic() - began:.2f} s",
              file=sys.stderr)
        self.assertEqual([6, 2, 2], [tier["affected"] for tier in whole["tiers"]])
        self.assertEqual(10, whole["affected"])
        self.assertEqual(["answered"], [c["state"] for c in whole["customers"]])
        self.assertNotIn("holes", whole)
        oem = self.across(self.oem)
        self.assertEqual(self.tier1.site, oem["from"])
        self.assertEqual([(2, 1)], [(u["subjects"], u["unknown"]) for u in oem["upstreams"]])
        self.assertIn("customer:fleet-9", [hole["who"] for hole in oem["holes"]])


if __name__ == "__main__":
    cluster.main()
