"""tests/cluster/test_partner_both_restored.py: two partners come back from backups of different
times, with other keys, by section 6 of ops/runbooks/partners.md: what either backup has both have
again, what is behind both is nowhere, and the former keys end at positions. And where a head is
left of which neither has all leaves, operators of both give it up, and nobody takes it again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
import pki  # noqa: E402
from plant import wait_for  # noqa: E402

NAME = "box-2026"


class BothCase(sites.PairCase):
    agreement = NAME

    def even(self):
        wait_for("both have the same", lambda: partners.is_even(self.west, self.oem, NAME), 60)

    def restore(self, site, backup):
        node = next(iter(site.plant))
        site.restore(backup)
        site.keys.insert(0, pki.log_key(node.tls, f"{site.site}/audit"))
        self.assertNotEqual(site.keys[0], site.keys[1])
        node.start()
        site.client = None
        wait_for("it leads", site.plant.leader_status)

    def tell_keys(self, lines):
        """Both sites are told the keys of both: of himself and of the partner."""
        for whose in self.sites:
            keys = whose.home / "keys-now"
            keys.write_text("".join(f"{line}\n" for line in lines(whose)), encoding="utf-8")
            for site in (self.oem, self.west) if whose is self.west else (self.west, self.oem):
                site.run("partner", "add", whose.site, "--keys", keys)

    def come_back(self, backups):
        """Both disks are lost at once."""
        for site in self.sites:
            next(iter(site.plant)).kill()
        for site in self.sites:
            self.restore(site, backups[site])

    def end_former_keys(self):
        """Where both streams are now. {site: (size of what it sends, of what it receives)}"""
        ends = {}
        for site in self.sites:
            status = self.status(site)
            ends[site] = (partners.size(status, "sent_size"),
                          partners.size(status, "received_size"))
        self.tell_keys(lambda site: (
            site.keys[0], f"{site.keys[1]} until {NAME} {ends[site][0]} {ends[site][1]}"))
        return ends


class Both(BothCase):
    def test_1_both_come_back(self):
        self.west.inspect("first", 3)
        self.oem.inspect("first-there", 2)
        self.even()
        backups = {}
        backups[self.oem] = self.directory / "backup-oem"
        self.oem.run("backup", backups[self.oem])
        self.west.inspect("between", 4)
        self.oem.inspect("between-there", 3)  # Its partner alone can give it back.
        self.even()
        backups[self.west] = self.directory / "backup-west"
        self.west.run("backup", backups[self.west])
        self.west.inspect("behind", 2)
        self.oem.inspect("behind-there", 5)
        self.even()
        self.__class__.before = {s: partners.size(self.status(s), "sent_size") for s in self.sites}
        self.come_back(backups)

    def test_2_what_either_backup_has_both_have_again(self):
        self.tell_keys(lambda site: site.keys)
        self.even()
        have = {s: partners.size(self.status(s), "sent_size") for s in self.sites}
        self.assertEqual(self.before[self.west] - 2, have[self.west])  # "between" is there.
        self.assertEqual(self.before[self.oem] - 5, have[self.oem])

    def test_3_the_former_keys_end_and_the_streams_go_on(self):
        wrong = self.oem.home / "wrong"
        wrong.write_text(f"{self.west.keys[0]}\n{self.west.keys[1]} until {NAME} 3\n",
                         encoding="utf-8")
        self.oem.run("partner", "add", self.west.site, "--keys", wrong, code=2)
        ends = self.end_former_keys()
        self.west.inspect("anew", 2)
        self.oem.inspect("anew-there", 3)
        self.even()
        for site, count in ((self.west, 2), (self.oem, 3)):
            status = self.status(site)
            self.assertEqual(ends[site][0] + count, partners.size(status, "sent_acknowledged"))
            self.assertEqual(("no", "takes"), (status["sent_fenced"], status["received_hold"]))


class BothLost(BothCase):
    """The supplier's backup is older than a head that the customer's has, and not all of it."""
    rate = 2  # So the customer knows for a while of more than it has.

    def lose(self, site, *words, code=0):
        return site.run("partner", "resume", NAME, *words, "--lost", self.head, "--base",
                        self.base, "--reason", "both disks", code=code)

    def refuse_what_was_kept(self, why):
        had = self.status(self.oem)
        told = self.oem.run("partner", "import", self.directory / "kept.bundle", code=4)
        self.assertIn(why, told)
        self.assertEqual(had, self.status(self.oem))

    def test_1_both_come_back_with_less_than_one_of_them_knows_of(self):
        self.west.inspect("kept", 1)
        self.even()
        backups = {site: self.directory / f"backup-{site.home.name}" for site in self.sites}
        self.west.run("backup", backups[self.west])
        self.west.inspect("lost", 30)

        def knows_more():
            there = self.status(self.oem)
            return partners.size(there, "received_head") > 25 > partners.size(
                there, "received_size") > 4
        wait_for("the customer knows of more than it has", knows_more, 60)
        self.oem.run("backup", backups[self.oem])
        # All of it, signed: in a file that somebody kept. Nobody imports it in time.
        self.west.run("partner", "export", NAME, self.directory / "kept.bundle", "--bundle")
        self.come_back(backups)

    def test_2_a_head_that_neither_has_is_given_up_by_both(self):
        self.tell_keys(lambda site: site.keys)
        wait_for("the supplier was told", lambda: self.status(self.west).get(
            "sent_fence") == self.status(self.oem)["received_head"], 60)
        there = self.status(self.oem)
        self.__class__.head = there["received_head"]
        self.__class__.base = there["received_size"]
        self.assertGreater(partners.size(there, "received_head"), 25)
        self.assertLess(4, partners.size(there, "received_size"))
        self.assertLess(partners.size(self.status(self.west), "sent_size"),
                        partners.size(there, "received_size"))
        self.assertEqual("yes", self.status(self.west)["sent_fenced"])
        self.assertEqual("no", self.status(self.oem)["sent_fenced"])
        # Who received says it first. Neither word alone is enough.
        self.lose(self.oem, "--received")
        self.assertEqual("yes", self.status(self.west)["sent_fenced"])
        self.lose(self.west)
        self.even()
        self.assertEqual(self.head, self.status(self.oem)["received_lost"])
        self.assertEqual(self.head, self.status(self.west)["sent_lost"])
        # What the customer had the supplier has again, and nothing behind it.
        size = partners.size({"base": self.base}, "base")
        self.assertEqual(size, partners.size(self.status(self.west), "sent_size"))
        self.refuse_what_was_kept("rolled-back")

    def test_3_nobody_takes_it_again_and_the_streams_go_on(self):
        ends = self.end_former_keys()
        self.assertEqual(partners.size({"base": self.base}, "base"), ends[self.west][0])
        self.refuse_what_was_kept("unsigned")
        self.west.inspect("anew", 2)
        self.oem.inspect("anew-there", 1)
        self.even()
        for site, count in ((self.west, 2), (self.oem, 1)):
            status = self.status(site)
            self.assertEqual(ends[site][0] + count, partners.size(status, "sent_acknowledged"))
            self.assertEqual(("no", "takes"), (status["sent_fenced"], status["received_hold"]))
        self.assertEqual(self.head, self.status(self.oem)["received_lost"])


if __name__ == "__main__":
    cluster.main()
