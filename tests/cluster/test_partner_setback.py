"""tests/cluster/test_partner_setback.py: a supplier's disk is set back and nobody says so. It signs
past a head that its customer holds with another root: it stops there, says so by name, and goes
on once operators of both sides give that head up."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

NAME = "box-2026"


class SetBack(sites.PairCase):
    agreement = NAME
    rate = 1

    def while_it_is_down(self, act):
        node = next(iter(self.west.plant))
        node.kill()
        act(node)
        node.start()
        self.west.client = None
        wait_for("the supplier leads", lambda: self.west.plant.leader_status())

    def test_1_it_is_set_back_and_signs_on(self):
        copy = self.directory / "copy"
        self.west.inspect("kept", 30)
        self.while_it_is_down(lambda node: shutil.copytree(node.data, copy))
        kept = partners.size(self.status(self.west), "sent_size")
        self.west.inspect("lost", 5)
        wait_for("the customer knows of more than the copy has", lambda: partners.size(
            self.status(self.oem), "received_head") > kept, 60)

        def set_back(node):
            self.oem.block(True)
            shutil.rmtree(node.data)
            shutil.copytree(copy, node.data)
        self.while_it_is_down(set_back)
        there = self.status(self.oem)
        self.assertLess(partners.size(there, "received_size"), kept)
        self.west.inspect("anew", 10)
        wait_for("it signs, as nobody contradicts it", lambda: partners.size(
            self.status(self.west), "sent_signed") > partners.size(there, "received_head"), 60)
        self.assertNotIn("sent_split", self.status(self.west))

    def test_2_what_the_customer_holds_stops_it_by_name(self):
        self.oem.block(False)
        wait_for("it is told", lambda: "sent_split" in self.status(self.west), 60)
        here, there = self.status(self.west), self.status(self.oem)
        self.assertEqual(there["received_head"], here["sent_split"])
        self.assertEqual(("yes", "takes"), (here["sent_fenced"], there["received_hold"]))
        self.assertEqual(1, self.west.figures()["sent", "split"])
        self.assertEqual(1, self.west.figures()["sent", "fenced"])
        self.assertIn("partner_own_split", self.west.plant.tails(400))
        self.west.inspect("silent", 2)
        self.assertEqual((here["sent_size"], here["sent_signed"]), tuple(
            self.status(self.west)[key] for key in ("sent_size", "sent_signed")))
        self.assertEqual(there["received_head"], self.status(self.oem)["received_head"])

    def test_3_both_give_the_head_up_and_it_goes_on(self):
        there = self.status(self.oem)
        words = ("--lost", there["received_head"], "--base", there["received_size"],
                 "--reason", "the disk was an older one")
        self.west.run("partner", "resume", NAME, *words)
        self.assertNotIn("sent_split", self.status(self.west))
        self.assertEqual("yes", self.status(self.west)["sent_fenced"])  # Until the other does.
        self.oem.run("partner", "resume", NAME, "--received", *words)
        wait_for("both have the same",
                 lambda: partners.is_even(self.west, self.oem, NAME), 240)
        there = self.status(self.oem)
        self.assertEqual(("takes", 42), (there["received_hold"], there["received_statements"]))
        self.assertEqual(0, self.west.figures()["sent", "split"])


if __name__ == "__main__":
    cluster.main()
