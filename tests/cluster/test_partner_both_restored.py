"""tests/cluster/test_partner_both_restored.py: two partners come back from backups of different
times, with other keys, by section 6 of ops/runbooks/partners.md: what either backup has both have
again, what is behind both is nowhere, and the former keys end at positions."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
import pki  # noqa: E402
from plant import wait_for  # noqa: E402

NAME = "box-2026"


class Both(sites.PairCase):
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
        for site in self.sites:
            next(iter(site.plant)).kill()
        for site in self.sites:
            self.restore(site, backups[site])

    def test_2_what_either_backup_has_both_have_again(self):
        self.tell_keys(lambda site: site.keys)
        self.even()
        have = {s: partners.size(self.status(s), "sent_size") for s in self.sites}
        self.assertEqual(self.before[self.west] - 2, have[self.west])  # "between" is there.
        self.assertEqual(self.before[self.oem] - 5, have[self.oem])

    def test_3_the_former_keys_end_and_the_streams_go_on(self):
        ends = {}
        for site in self.sites:
            status = self.status(site)
            ends[site] = (partners.size(status, "sent_size"),
                          partners.size(status, "received_size"))
        wrong = self.oem.home / "wrong"
        wrong.write_text(f"{self.west.keys[0]}\n{self.west.keys[1]} until {NAME} 3\n",
                         encoding="utf-8")
        self.oem.run("partner", "add", self.west.site, "--keys", wrong, code=2)
        self.tell_keys(lambda site: (
            site.keys[0], f"{site.keys[1]} until {NAME} {ends[site][0]} {ends[site][1]}"))
        self.west.inspect("anew", 2)
        self.oem.inspect("anew-there", 3)
        self.even()
        for site, count in ((self.west, 2), (self.oem, 3)):
            status = self.status(site)
            self.assertEqual(ends[site][0] + count, partners.size(status, "sent_acknowledged"))
            self.assertEqual(("no", "takes"), (status["sent_fenced"], status["received_hold"]))


if __name__ == "__main__":
    cluster.main()
