"""tests/cluster/test_partner_lost.py: a supplier comes back from a backup, and its customer knows
of a signed head of which neither has all leaves. Both operators say that it is lost; the stream
goes on from what is left."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

NAME = "box-2026"


class Lost(sites.PairCase):
    agreement = NAME
    rate = 2

    def lose(self, site, *words, code=0):
        return site.run("partner", "resume", NAME, "--reason", "the disk and its copy", *words,
                        code=code)

    def restore(self, backup):
        node = next(iter(self.west.plant))
        node.kill()
        self.west.restore(backup)
        node.start()
        self.west.client = None
        wait_for("the supplier leads", lambda: self.west.plant.leader_status())

    def test_1_the_supplier_comes_back_with_less_than_the_customer_knows_of(self):
        self.west.inspect("kept", 1)
        wait_for("one is there", lambda: self.status(self.oem)["received_statements"] == 1, 60)
        backup = self.directory / "backup"
        self.west.run("backup", backup)
        self.west.inspect("lost", 30)

        def knows_more():
            there = self.status(self.oem)
            return partners.size(there, "received_head") > 20 > partners.size(
                there, "received_size") > 2
        wait_for("the customer knows of more than it has", knows_more, 60)
        self.restore(backup)
        wait_for("the supplier was told", lambda: "sent_fence" in self.status(self.west), 60)
        self.assertEqual("yes", self.status(self.west)["sent_fenced"])

    def test_2_only_what_is_named_is_given_up(self):
        there = self.status(self.oem)
        head, base = there["received_head"], there["received_size"]
        self.assertEqual(head, self.status(self.west)["sent_fence"])
        self.assertIn("both", self.lose(self.oem, "--received", "--lost", head, code=2))
        self.assertIn("another one", self.lose(self.oem, "--received", "--lost", base, "--base",
                                               base, code=5))
        self.assertIn("fewer are left", self.lose(self.west, "--lost", head, "--base", head,
                                                  code=2))
        self.lose(self.west, "--lost", head, "--base", base)
        self.assertEqual("yes", self.status(self.west)["sent_fenced"])  # Until the other does.
        self.lose(self.oem, "--received", "--lost", head, "--base", base)
        self.assertEqual(head, self.status(self.oem)["received_lost"])
        self.assertEqual(head, self.status(self.west)["sent_lost"])

    def test_3_the_stream_goes_on_from_what_is_left(self):
        left = self.status(self.oem)["received_statements"]
        self.west.inspect("anew", 2)
        wait_for("both have the same", lambda: partners.is_even(self.west, self.oem, NAME), 120)
        there = self.status(self.oem)
        self.assertEqual(("takes", left + 2), (there["received_hold"],
                                               there["received_statements"]))
        self.assertEqual("no", self.status(self.west)["sent_fenced"])


if __name__ == "__main__":
    cluster.main()
