"""tests/cluster/test_partner_bundle.py: two sites that nothing connects: what they state to each
other travels as files, is judged as if it came by a link, and is acknowledged the same way."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from partners import PROVIDER, sign  # noqa: E402
from plant import wait_for  # noqa: E402

POLICY = """policy {site} 1

permit everybody
  who  op tester op ann
  do   any

permit machines
  who  svc robot
  do   read write create export

permit partners
  who  partner {partner}
  do   share
"""


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


class Bundles(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.west = cls.site("west", "supplier.example", "west", "oem.example", policy=POLICY)
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example", policy=POLICY)
        cls.start()
        note = cls.agreement()
        for site, other in ((cls.west, cls.oem), (cls.oem, cls.west)):
            site.pin_partner(other, has_endpoints=False)
            site.commit({"kind": "agreement", "asset": "agreement:box",
                         "attrs": {"note": note}})

    @classmethod
    def agreement(cls):
        text = ("weft-agreement/v1\nagreement box\nversion 1\nprev none\n"
                f"issued {utc(-60)}\nexpires {utc(86400)}\n"
                f"party {cls.oem.site} sha256:{cls.oem.pin()}\n"
                f"party {cls.west.site} sha256:{cls.west.pin()}\n"
                f"authority inspection {cls.west.site} *\n"
                + PROVIDER.format(site=cls.oem.site, threshold=1)
                + PROVIDER.format(site=cls.west.site, threshold=1))
        return sign(text, *cls.oem.roots(), *cls.west.roots())

    def at(self, site, *arguments, code=0, **options):
        done = site.plant.weft(*map(str, arguments), **options)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def status(self, site):
        return json.loads(self.at(site, "partner", "status", "box", "-o", "json"))

    def size(self, site, key):
        return int(str(self.status(site)[key]).split(" ", maxsplit=1)[0])

    def export(self, site, name, *options):
        """A file with all that the site has stated, signed, by now."""
        out = self.directory / name
        if "--received" not in options:
            wait_for("it is signed", lambda: self.size(site, "sent_signed") == self.size(
                site, "sent_size"))
        self.at(site, "partner", "export", "box", out, "--bundle", *options)
        return out

    def answer(self, site, name, taken):
        """The same of what it took: signed a moment later."""
        out = self.directory / name

        def is_there():
            out.unlink(missing_ok=True)
            said = self.at(site, "partner", "export", "box", out, "--bundle", "--received")
            return "receipt" in said and f"/received/box\n{taken}\n".encode() in out.read_bytes()
        wait_for("a receipt", is_there)
        return out

    def test_1_stream_travels_as_a_file_and_so_does_its_receipt(self):
        self.west.inspect("a", 5)
        self.oem.inspect("b", 2)
        bundle = self.export(self.west, "first")
        said = self.at(self.oem, "partner", "import", bundle)
        self.assertIn("received 6, in quarantine 0", said)
        self.assertNotIn(b"SECRET", bundle.read_bytes())
        self.assertEqual(0, self.size(self.west, "sent_acknowledged"))
        said = self.at(self.west, "partner", "import", self.answer(self.oem, "answer", 6))
        self.assertIn("acknowledged 6", said)
        self.assertEqual(6, self.size(self.west, "sent_acknowledged"))
        # And the other way.
        self.at(self.west, "partner", "import", self.export(self.oem, "back"))
        self.at(self.oem, "partner", "import", self.answer(self.west, "back-answer", 3))
        self.assertEqual(3, self.size(self.oem, "sent_acknowledged"))
        for key in ("partner_accepted_total", "partner/box/received/up"):
            self.assertEqual(0, self.oem.plant.leader_status()["gauges"].get(key, 0))

    def test_2_next_file_goes_on_and_comes_once(self):
        self.west.inspect("c", 40)
        before = self.directory / "first"
        bundle = self.export(self.west, "second")
        self.assertLess(bundle.stat().st_size, 40 * 1500)
        said = self.at(self.oem, "partner", "import", bundle)
        self.assertIn("2 messages taken, 0 were known; received 46", said)
        said = self.at(self.oem, "partner", "import", bundle)  # Again: nothing is twice.
        self.assertIn("1 were known; received 46", said)
        # An older one is not gone back to.
        self.assertIn("rolled-back", self.at(self.oem, "partner", "import", before, code=4))
        self.assertEqual(46, self.size(self.oem, "received_size"))

    def test_3_file_is_made_for_where_the_partner_says_he_stands(self):
        self.west.inspect("d", 3)
        # Nobody brought the receipt, so this site does not know how far the other one is.
        self.assertEqual(6, self.size(self.west, "sent_acknowledged"))
        far = self.export(self.west, "far")
        self.assertIn("wrong-sequence", self.at(self.oem, "partner", "import", far, code=4))
        hello = self.answer(self.oem, "hello", 46)
        near = self.export(self.west, "near", "--hello", hello)
        self.assertLess(near.stat().st_size, far.stat().st_size // 3)
        self.assertIn("received 49", self.at(self.oem, "partner", "import", near))

    def test_4_whoever_carries_it_is_not_believed(self):
        self.west.inspect("e", 6)
        hello = self.answer(self.oem, "hello-2", 49)
        good = self.export(self.west, "good", "--hello", hello)
        data, bad = good.read_bytes(), self.directory / "bad"
        place = data.index(b"PASS")
        for what, changed in (("wrong-digest: statement 49 ",
                               data[:place] + b"FAIL" + data[place + 4:]),
                              ("wrong-proof|unsigned|BADSIG|does not verify|malformed",
                               data.replace(b"supplier.example/west/sent/box\n55\n",
                                            b"supplier.example/west/sent/box\n56\n")),
                              ("cut short", data[:-100]), ("weft-stream/v1", b"x" + data)):
            bad.write_bytes(changed)
            done = self.oem.plant.weft("partner", "import", str(bad))
            self.assertNotEqual(0, done.returncode, what)
            self.assertRegex(done.stderr, what)
        self.assertIn("is a directory, as weft partner export NAME DIR makes one",
                      self.at(self.oem, "partner", "import", self.directory, code=2))
        self.assertIn("exists already", self.at(self.west, "partner", "export", "box", good,
                                                "--bundle", code=5))
        # Nor may anybody bring one.
        robot = self.oem.plant.authority.issue("plant1", "svc", "robot", self.directory / "robot")
        self.assertIn("not permitted", self.at(self.oem, "partner", "import", good, code=4,
                                               identity=robot))
        self.at(self.oem, "partner", "import", good)
        self.assertEqual(55, self.size(self.oem, "received_size"))

    def test_5_both_come_to_the_same(self):
        self.at(self.west, "partner", "import", self.answer(self.oem, "last", 55))
        self.assertEqual(55, self.size(self.west, "sent_acknowledged"))
        digests = [self.at(site, "partner", "disputes", "box", "--sum").splitlines()[0]
                   for site in self.sites]
        self.assertEqual(digests[0], digests[1])

    def test_6_what_is_damaged_is_taken_if_somebody_vouches_for_it(self):
        self.oem.inspect("f", 2)
        data = self.export(self.oem, "vouched").read_bytes()
        bad, place = self.directory / "bad", data.index(b"PASS")
        bad.write_bytes(data[:place] + b"FAIL" + data[place + 4:])
        self.assertIn("--vouch", self.at(self.west, "partner", "import", bad, code=4))
        self.assertIn("received 5, in quarantine 1",
                      self.at(self.west, "partner", "import", bad, "--vouch"))


if __name__ == "__main__":
    cluster.main()
