"""tests/cluster/test_partner_offer.py: offers of agreements over the link: they come, are signed,
declined and withdrawn, and both sides are in force without a file, whoever was down between."""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from partners import is_even  # noqa: E402
from plant import wait_for  # noqa: E402

DRAFT = """party oem.example/plant1
party supplier.example/west
provider oem.example/plant1
  kind inspection disclosed
  depth any
  threshold 1
provider supplier.example/west
  kind inspection disclosed
  mask inspection hidden cost
  depth any
  threshold 1
"""


class Offers(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.west = cls.site("west", "supplier.example", "west", "oem.example")
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example")
        cls.start()
        cls.west.meet(cls.oem)
        cls.oem.meet(cls.west)

    # --- what is done -----------------------------------------------------------------------------

    def local(self, site, *arguments):
        done = subprocess.run([str(site.plant.bin / "weft"), "partner", *map(str, arguments)],
                              input="", capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def keys(self, site):
        return [word for root in site.roots() for word in ("--key", root)]

    def orgs(self):
        return [word for site in self.sites for word in ("--org", site.home / "org/org.note")]

    def propose(self, name, *options, site=None):
        """An offer of one side's, brought into its site."""
        site = site or self.west
        draft, offer = (site.home / f"{name}.{word}" for word in ("draft", "offer"))
        draft.write_text(DRAFT)
        offer.unlink(missing_ok=True)
        self.local(site, "propose", name, draft, *self.orgs(), *self.keys(site), "--yes",
                   "--out", offer, *options)
        site.run("partner", "apply", offer)
        return offer

    def amend(self, name, version, *options, site=None):
        site = site or self.west
        base, offer = (site.home / f"{name}.{word}{version}" for word in ("base", "amendment"))
        base.write_text(site.run("partner", "show", name, "--note"))
        self.local(site, "amend", name, "--base", base, *self.orgs(), *self.keys(site), "--yes",
                   "--out", offer, *options)
        site.run("partner", "apply", offer)

    def sign(self, site, name, code=0):
        return site.run("partner", "sign", name, "--offered", *self.keys(site), "--yes", code=code)

    # --- what is looked at ------------------------------------------------------------------------

    @staticmethod
    def line(site, name):
        """Of weft partner list; {} if it has none."""
        return next((line for line in site.told("partner", "list") if line["agreement"] == name),
                    {})

    def wait_offer(self, site, name, word):
        wait_for(f"{site.site}: the offer of {name} is {word}",
                 lambda: self.line(site, name).get("offer") == word)

    def wait_in_force(self, name, version):
        for site in self.sites:
            wait_for(f"{site.site}: version {version} of {name}", lambda site=site: (
                lambda line: (line.get("state"), line.get("version")) == (
                    "in-force", str(version)))(self.line(site, name)))

    def status(self, site, name):
        return site.told("partner", "status", name)

    def is_audited(self, site, act):
        with tempfile.TemporaryDirectory(dir=self.directory) as log:
            site.run("audit", "export", f"{log}/log")
            return any(f"act {act}\n".encode() in f.read_bytes() for f in pathlib.Path(
                log).rglob("tile/entries/**/*") if f.is_file())

    def wait_audited(self, site, act):
        wait_for(f"{site.site}: a leaf of {act}", lambda: self.is_audited(site, act), seconds=20)

    # --- the tests, in order ----------------------------------------------------------------------

    def test_1_an_offer_comes_is_signed_and_both_are_in_force(self):
        self.propose("box-2026")
        self.assertEqual("own", self.line(self.west, "box-2026")["offer"])
        self.wait_offer(self.oem, "box-2026", "partner")
        self.assertEqual("offered", self.line(self.oem, "box-2026")["state"])
        self.assertEqual(self.west.site, self.status(self.oem, "box-2026")["offer_by"])
        shown = self.oem.plant.weft("partner", "show", "box-2026", "--offer")
        self.assertIn("\nprovider supplier.example/west\n", shown.stdout)
        self.assertIn("widens   supplier.example/west: inspection: disclosed", shown.stderr)
        self.assertIn("offer.by supplier.example/west", shown.stderr)
        wait_for("the proposer hears that it waits", lambda: self.status(
            self.west, "box-2026").get("offer_answer") == "waits there")
        # Nothing is in force before the own roots have signed, and one of two is not enough.
        self.assertEqual([0, 0], [self.status(site, "box-2026")["version"] for site in self.sites])
        said = self.oem.run("partner", "sign", "box-2026", "--offered", "--key",
                            self.oem.roots()[0], "--yes")
        self.assertIn("it waits for more signatures", said)
        self.assertEqual(0, self.status(self.oem, "box-2026")["version"])
        said = self.oem.run("partner", "sign", "box-2026", "--offered", "--key",
                            self.oem.roots()[1], "--yes")
        self.assertIn("in force here", said)
        self.wait_in_force("box-2026", 1)
        self.assertEqual(["-", "-"], [self.line(s, "box-2026")["offer"] for s in self.sites])
        for site in self.sites:
            site.inspect(site.site.replace("/", "-"), 3)
        wait_for("what both state has come", lambda: is_even(*self.sites, "box-2026"))
        self.wait_audited(self.oem, "partner.offered")
        self.wait_audited(self.west, "partner.agreed")

    def test_2_an_amendment_too_by_either_side(self):
        self.amend("box-2026", 2, "--unset", "supplier.example/west: mask inspection hidden cost")
        self.wait_offer(self.oem, "box-2026", "partner")
        shown = self.oem.plant.weft("partner", "show", "box-2026", "--offer")
        self.assertIn("widens   supplier.example/west: inspection cost: disclosed, was hidden",
                      shown.stderr)
        # An own one under that name waits until that is settled.
        self.assertIn("in force here", self.sign(self.oem, "box-2026"))
        self.wait_in_force("box-2026", 2)
        self.amend("box-2026", 3, "--set", "oem.example/plant1: depth 3", site=self.oem)
        self.wait_offer(self.west, "box-2026", "partner")
        self.sign(self.west, "box-2026")
        self.wait_in_force("box-2026", 3)
        self.west.inspect("after", 2)
        wait_for("it flows on", lambda: is_even(*self.sites, "box-2026"))
        for site in self.sites:
            self.assertRegex(str(self.status(site, "box-2026")["received_version"]), "^3 ")

    def test_3_one_that_is_declined_is_told_with_its_reason(self):
        offer = self.propose("lid-2026")
        self.wait_offer(self.oem, "lid-2026", "partner")
        self.assertIn("declined, not withdrawn", self.oem.run(
            "partner", "withdraw", "lid-2026", "--reason", "no", code=5))
        self.oem.run("partner", "decline", "lid-2026", "--reason", "depth 2\nat most")
        for site in self.sites:
            self.wait_offer(site, "lid-2026", "declined")
            self.assertEqual("declined", self.line(site, "lid-2026")["state"])
            self.assertEqual("depth 2 at most", self.status(site, "lid-2026")["offer_reason"])
        self.wait_audited(self.west, "partner.declined")
        # Brought again it is declined again, and nobody is asked; signed after all it counts.
        self.west.run("partner", "apply", offer)
        self.wait_offer(self.west, "lid-2026", "declined")
        self.sign(self.oem, "lid-2026")
        self.wait_in_force("lid-2026", 1)

    def test_4_one_that_is_withdrawn_is_signed_by_nobody(self):
        offer = self.propose("cap-2026")
        self.wait_offer(self.oem, "cap-2026", "partner")
        copy = self.oem.home / "cap.offer"
        copy.write_text(self.oem.run("partner", "show", "cap-2026", "--offer", "--note"))
        self.assertIn("withdrawn, not declined", self.west.run(
            "partner", "decline", "cap-2026", "--reason", "no", code=5))
        self.west.run("partner", "withdraw", "cap-2026", "--reason", "wrong depth")
        self.wait_offer(self.oem, "cap-2026", "withdrawn")
        self.assertEqual("wrong depth", self.status(self.oem, "cap-2026")["offer_reason"])
        self.assertIn("took that offer back", self.sign(self.oem, "cap-2026", code=5))
        agreed = self.oem.home / "cap.agreement"
        self.local(self.oem, "sign", copy, *self.orgs(), *self.keys(self.oem), "--yes", "--out",
                   agreed)
        self.assertIn("took that offer back", self.oem.run("partner", "apply", agreed, code=5))
        self.assertIn("took that offer back", self.west.run("partner", "apply", offer, code=5))
        self.wait_audited(self.oem, "partner.withdrawn")
        # Proposed anew it is another one.
        self.propose("cap-2026", "--days", "3")
        self.wait_offer(self.oem, "cap-2026", "partner")
        self.sign(self.oem, "cap-2026")
        self.wait_in_force("cap-2026", 1)

    def test_5_whoever_is_down_between_hears_of_it_later(self):
        there, here = next(iter(self.oem.plant)), next(iter(self.west.plant))
        there.kill()
        self.propose("rim-2026")
        there.start()
        self.wait_offer(self.oem, "rim-2026", "partner")
        here.kill()
        self.assertIn("in force here", self.sign(self.oem, "rim-2026"))
        there.kill()
        here.start()
        there.start()
        self.wait_in_force("rim-2026", 1)
        self.propose("nut-2026")
        self.wait_offer(self.oem, "nut-2026", "partner")
        there.kill()
        self.west.run("partner", "withdraw", "nut-2026", "--reason", "too late")
        here.kill()
        here.start()
        there.start()
        self.wait_offer(self.oem, "nut-2026", "withdrawn")

    def test_6_two_that_cross_are_refused_by_name_until_one_is_withdrawn(self):
        for site in self.sites:
            site.block(True)
        self.amend("box-2026", 4, "--set", "oem.example/plant1: depth 4")
        self.amend("box-2026", 4, "--set", "oem.example/plant1: depth 5", site=self.oem)
        for site in self.sites:
            site.block(False)
        for site in self.sites:
            wait_for(f"{site.site} hears why", lambda site=site: "out-of-turn" in str(self.status(
                site, "box-2026").get("offer_answer", "")))
        self.west.run("partner", "withdraw", "box-2026", "--reason", "theirs is better")
        # It is said again with the next connection, or in time.
        for site in self.sites:
            site.block(True)
        for site in self.sites:
            site.block(False)
        self.wait_offer(self.west, "box-2026", "partner")
        self.sign(self.west, "box-2026")
        self.wait_in_force("box-2026", 4)


if __name__ == "__main__":
    cluster.main()
