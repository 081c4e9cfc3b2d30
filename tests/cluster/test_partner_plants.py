"""tests/cluster/test_partner_plants.py: two plants of one organization share all that they agreed
on under a wide contract, each authoritative for its own, by the same means as partners do."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from partners import sign  # noqa: E402
from plant import wait_for  # noqa: E402

KINDS = ("inspection", "part_revision", "process_run")
ORG = "oem.example"
BOTH = "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e"


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


def provider(site):
    return (f"provider {site}\nthreshold 1\n"
            + "".join(f"kind {kind} disclosed\n" for kind in KINDS)
            + "depth any\nforward no\nretain 3650\nrate 100000\nbytes 50000000\n"
              "queue 100000\nquarantine 1000\n")


class Plants(sites.SitesCase):
    @classmethod
    def begin(cls):
        for name in ("plant1", "plant2"):
            cls.site(name, ORG, name, ORG).plant.start()
        for site, other in (cls.sites, cls.sites[::-1]):
            site.pin_partner(other)
        note = cls.agreement(*cls.sites)
        for site in cls.sites:
            site.commit({"kind": "agreement", "asset": "agreement:plants",
                         "attrs": {"note": note}})

    @classmethod
    def agreement(cls, one, other):
        """Each is the authority for what it makes; of verdicts the stricter one holds, whoever says
        it."""
        text = ("weft-agreement/v1\nagreement plants\nversion 1\nprev none\n"
                f"issued {utc(-60)}\nexpires {utc(86400)}\n"
                f"party {one.site} sha256:{one.pin()}\n"
                f"party {other.site} sha256:{other.pin()}\n"
                f"authority inspection {one.site} *\n"
                f"authority part_revision {one.site} *\n"
                f"authority process_run {other.site} *\n"
                "cell inspection JOIN verdict\n"
                + provider(one.site) + provider(other.site))
        return sign(text, *one.roots(), *other.roots())

    def at(self, site, *arguments):
        return site.plant.weft(*map(str, arguments), check=True).stdout

    def wait_even(self):
        def is_even():
            figures = [site.figures() for site in self.sites]
            return all(one and other and
                       one["sent", "leaves"] == other["received", "leaves"] and
                       one["sent", "lag_statements"] == 0
                       for one, other in (figures, figures[::-1])) and [
                           one["sent", "leaves"] for one in figures]
        return wait_for("both have all", is_even)

    def test_1_each_has_what_the_other_states(self):
        for n, site in enumerate(self.sites):
            for i in range(4):
                site.commit({"kind": "inspection", "asset": f"serial:box/{n}-{i}",
                             "attrs": {"verdict": "PASS", "operator": f"op/{n}"}})
            site.commit({"kind": "process_run", "asset": f"serial:box/{n}-0",
                         "attrs": {"spindle": "12000"}})
        self.assertEqual([6, 6], self.wait_even())
        for n, site in enumerate(self.sites):
            self.assertEqual("", self.at(site, "partner", "quarantine", "plants", "-o", "jsonl"))
            out = self.directory / f"received-{n}"
            self.at(site, "partner", "export", "plants", out, "--received")
            told = b"".join(file.read_bytes() for file in (out / "statement").iterdir())
            for text in (f"serial:box/{1 - n}-3", f"op/{1 - n}", "12000"):
                self.assertIn(text.encode(), told)

    def test_2_where_they_differ_both_say_the_same(self):
        west, east = self.sites
        for site, verdict in ((west, "PASS"), (east, "FAIL")):  # A name that is nobody's.
            site.commit({"kind": "inspection", "asset": BOTH, "attrs": {"verdict": verdict}})
        self.wait_even()
        said = [self.at(site, "partner", "disputes", "plants", "-o", "json")
                for site in self.sites]
        self.assertEqual(said[0], said[1])
        self.assertIn("FAIL", said[0])
        sums = [self.at(site, "partner", "disputes", "plants", "--sum") for site in self.sites]
        self.assertEqual(sums[0], sums[1])


if __name__ == "__main__":
    cluster.main()
