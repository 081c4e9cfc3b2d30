"""tests/cluster/test_federation.py: two governed sites of real processes that agree on a contract,
state to each other, are parted, change leaders, and heal: nothing is lost and nothing is twice."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from partners import PROVIDER, sign  # noqa: E402
from plant import wait_for  # noqa: E402


class Partner(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.west = cls.site("west", "supplier.example", "west", "oem.example",
                            ("n1", "n2", "n3"))
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example")
        cls.start()
        cls.west.pin_partner(cls.oem)
        cls.oem.pin_partner(cls.west)
        note = cls.agreement()
        for site in cls.sites:
            site.commit({"kind": "agreement", "asset": "agreement:box",
                         "attrs": {"note": note}})

    @classmethod
    def agreement(cls):
        def utc(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
        text = ("weft-agreement/v1\nagreement box\nversion 1\nprev none\n"
                f"issued {utc(-60)}\nexpires {utc(86400)}\n"
                f"party {cls.oem.site} sha256:{cls.oem.pin()}\n"
                f"party {cls.west.site} sha256:{cls.west.pin()}\n"
                f"authority inspection {cls.west.site} *\n"
                + PROVIDER.format(site=cls.oem.site, threshold=1)
                + PROVIDER.format(site=cls.west.site, threshold=2))
        return sign(text, *cls.oem.roots(), *cls.west.roots())

    def wait_even(self, what):
        """Each has all that the other states, and has acknowledged it."""
        def even():
            west, oem = self.west.figures(), self.oem.figures()
            is_even = west and oem and all(
                one["sent", "leaves"] == other["received", "leaves"] and
                one["sent", "lag_statements"] == 0 for one, other in ((west, oem), (oem, west)))
            return (west["sent", "leaves"], oem["sent", "leaves"]) if is_even else None
        try:
            return wait_for(what, even)
        except TimeoutError as error:
            self.fail(f"{error}: {self.west.figures()} {self.oem.figures()}")

    def test_1_what_one_states_the_other_takes(self):
        self.assertEqual((1, 1), self.wait_even("the agreement is in both streams"))
        self.west.inspect("a", 20)
        self.oem.inspect("b", 5)
        self.assertEqual((21, 6), self.wait_even("both have all"))
        began = time.monotonic()
        self.west.inspect("quick", 1)
        self.wait_even("one more")
        print(f"one statement, committed, taken and acknowledged: "
              f"{time.monotonic() - began:.2f} s, with polling", file=sys.stderr)
        shown = self.west.plant.weft("status", check=True).stdout
        self.assertIn("box/sent", shown)

    def test_2_parted_and_healed(self):
        before = self.wait_even("as before")
        self.west.block(True)
        self.oem.block(True)
        self.west.inspect("parted", 15)
        self.oem.inspect("alone", 7)
        parted = wait_for("the leader tells", self.west.figures)
        self.assertEqual(15, parted["sent", "lag_statements"])
        self.west.block(False)
        self.oem.block(False)
        after = self.wait_even("healed")
        self.assertEqual((before[0] + 15, before[1] + 7), after)

    def test_3_another_leader_goes_on(self):
        before = self.wait_even("as before")
        self.west.plant.leader().kill()
        self.west.inspect("led-anew", 10)
        after = self.wait_even("the next leader speaks")
        self.assertEqual((before[0] + 10, before[1]), after)
        for node in self.west.plant:
            if not node.is_alive():
                node.start()
        self.oem.plant["n1"].stop()
        self.west.inspect("away", 10)
        self.oem.plant["n1"].start()
        after = self.wait_even("who was away has it")
        self.assertEqual(before[0] + 20, after[0])


if __name__ == "__main__":
    cluster.main()
