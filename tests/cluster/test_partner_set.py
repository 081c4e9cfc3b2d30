"""tests/cluster/test_partner_set.py: two partners have the same streams, and one of them has lost
what some of the statements came to. They find that out by themselves, file what is lacking, and
come to the same; an audit finds it at once."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

NAME = "box-2026"
FAULT = "statement_unfiled"


class Set(sites.PairCase):
    agreement = NAME

    @classmethod
    def begin(cls):
        if not (cluster.options.bin / "weftd_mutants").exists():
            raise unittest.SkipTest("weftd_mutants is not built with sanitizers")
        cls.west = cls.site("west", "supplier.example", "west", "oem.example")
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example")
        planted = cls.directory / "planted"
        planted.mkdir()
        for name, program in (("weftd", "weftd_mutants"), ("weft", "weft")):
            (planted / name).symlink_to((cluster.options.bin / program).resolve())
        cls.oem.plant.bin = planted
        cls.oem.plant.environment = {"WEFT_MUTANTS": FAULT}
        cls.start()
        partners.share(NAME, cls.west, cls.oem, ["inspection"])

    def streams_are_even(self):
        here, there = self.status(self.west), self.status(self.oem)
        return all(partners.size(a, "sent_size") == partners.size(b, "received_size") ==
                   partners.size(a, "sent_acknowledged") for a, b in ((here, there), (there, here)))

    def audit(self, site):
        return site.told("partner", "audit", NAME)

    def test_1_a_loss_is_found_and_mended_without_anybody(self):
        self.west.inspect("unit", 20)
        wait_for("both have the same streams", self.streams_are_even, 60)
        self.assertNotEqual(self.west.shared(NAME), self.oem.shared(NAME))
        wait_for("both have filed the same",
                 lambda: partners.is_even(self.west, self.oem, NAME), 90)
        there = self.status(self.oem)
        self.assertGreaterEqual(there["set_filed"], 2)
        self.assertEqual(there["set_lacking"], there["set_filed"])
        wait_for("each is told so", lambda: all(
            self.status(site)["set_state"] == "equal" for site in (self.west, self.oem)), 60)
        log = "".join(node.log.read_text(errors="replace") for node in self.oem.plant)
        self.assertIn("partner_set_mended", log)

    def test_2_an_audit_finds_it_now(self):
        before = self.status(self.oem)["received_statements"]
        self.west.inspect("more", 20)
        wait_for("both have the same streams", lambda: self.streams_are_even() and
                 self.status(self.oem)["received_statements"] == before + 20, 60)
        told = self.audit(self.oem)
        self.assertEqual("equal", told["state"])
        self.assertEqual(self.west.shared(NAME), self.oem.shared(NAME))
        again = self.audit(self.west)
        self.assertEqual(("equal", 0, before + 20),
                         (again["state"], again["lacking"], again["statements"]))


if __name__ == "__main__":
    cluster.main()
