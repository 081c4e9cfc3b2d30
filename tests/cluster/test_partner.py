"""tests/cluster/test_partner.py: agreements between organizations: how they are written, read and
signed, on machines without a connection."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

DRAFT = cluster.ROOT / "ops/samples/nist-box/agreement.draft"
SITES = {"oem": ("oem.example", "plant1", "ann"), "supplier": ("supplier.example", "west", "bea")}


class Notes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        if cluster.options.work:
            pathlib.Path(cluster.options.work).mkdir(parents=True, exist_ok=True)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="partner-", dir=cluster.options.work))
        for name, (org, site, admin) in SITES.items():
            done = cls.weft("pki", "org", "--org", org, "--site", site, "--admin", admin,
                            "--clear", "--out", name)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
        cls.orgs = ["--org", "oem/org.note", "--org", "supplier/org.note"]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home, ignore_errors=True)

    @classmethod
    def weft(cls, *arguments):
        return subprocess.run([str(cluster.options.bin.resolve() / "weft"), *map(str, arguments)],
                              cwd=cls.home, timeout=60, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def taken(self, *arguments):
        done = self.weft(*arguments)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def refused(self, code, word, *arguments):
        done = self.weft(*arguments)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)
        return done

    def roots(self, name, *labels):
        return [word for label in labels for word in ("--key", f"{name}/roots/{label}.key")]

    def checked(self, path, *options):
        return json.loads(self.taken("partner", "check", path, *self.orgs, *options).stdout)

    def agree(self, out, *options):
        """An agreement that both have signed."""
        self.taken("partner", "propose", "box-2026", DRAFT, *self.orgs, *options,
                   *self.roots("supplier", "a", "b"), "--yes", "--out", out + ".offer")
        self.taken("partner", "sign", out + ".offer", *self.orgs, *self.roots("oem", "a", "c"),
                   "--yes", "--out", out)

    def test_1_two_messages_agree(self):
        text = self.taken("partner", "propose", "box-2026", DRAFT, *self.orgs).stdout
        self.assertIn("\ncell inspection JOIN verdict\n", text)
        self.assertIn("\nquarantine 1000\n", text)
        (self.home / "plain").write_text(text)
        self.assertEqual([0, 0], [p["roots_signed"] for p in self.checked("plain")["parties"]])

        offer = self.taken("partner", "propose", "box-2026", DRAFT, *self.orgs,
                           *self.roots("supplier", "a", "b"), "--yes")
        # OPS-9: byte for byte what is signed, and before it what it comes to.
        signed = (self.home / "box-2026.offer").read_text().split("\n\n")[0] + "\n"
        shown = offer.stderr.split("--- the agreement ---\n")[1].split("--- end ---")[0]
        self.assertEqual(signed, shown)
        self.assertIn("widens   supplier.example/west: inspection: disclosed, was not shared",
                      offer.stderr.split("--- the agreement ---")[0])
        self.assertIn("oem.example/plant1: 0 of its roots signed, of at least 2", offer.stderr)
        done = self.taken("partner", "sign", "box-2026.offer", *self.orgs,
                          *self.roots("oem", "a", "c"), "--yes", "--out", "first")
        self.assertIn("first: both have signed", done.stderr)
        self.assertEqual([2, 2], [p["roots_signed"] for p in self.checked("first")["parties"]])
        self.assertEqual((self.home / "first").read_text().count("\n\N{EM DASH} "), 4)

    def test_2_amendment_says_what_it_widens_and_narrows(self):
        self.agree("base")
        amend = ["partner", "amend", "box-2026", "--base", "base"]
        done = self.taken(*amend, "--set", "supplier.example/west: mask process_run disclosed "
                          "spindle", "--unset", "supplier.example/west: depth any", "--yes",
                          *self.roots("oem", "a", "b"))
        self.assertIn("widens   supplier.example/west: process_run spindle: disclosed, was "
                      "committed\nnarrows  supplier.example/west: depth 0, was any\nchanges\n",
                      done.stderr)
        made = self.checked("box-2026.amendment", "--base", "base")
        self.assertEqual((2, ["widens", "narrows"]),
                         (made["version"], [c["direction"] for c in made["changes"]]))
        self.assertEqual([2, 0], [p["roots_signed"] for p in made["parties"]])
        # A whole text in its place, as an editor leaves it.
        text = (self.home / "base").read_text().split("\n\n")[0].replace("depth any", "depth 3")
        (self.home / "edited").write_text(text + "\n")
        done = self.taken("partner", "amend", "box-2026", "edited", "--base", "base")
        self.assertIn("narrows  oem.example/plant1: depth 3, was any", done.stderr)
        self.assertIn("\nversion 2\nprev sha256:", done.stdout)
        # Without the version before nothing is said of it.
        done = self.taken("partner", "check", "box-2026.amendment", *self.orgs, "-o", "table")
        self.assertIn("what it changes is not known: --base FILE", done.stdout)

    def test_3_what_would_be_refused_is_told_before_it_is_signed(self):
        self.agree("good")
        self.taken("partner", "propose", "box-2026", DRAFT, *self.orgs, "--yes", "--out", "offer",
                   *self.roots("supplier", "a", "b"))
        sign = ["partner", "sign", "offer", *self.orgs, "--yes", "--out", "never"]
        self.refused(2, "no terminal to ask", *sign[:-3], "--out", "never",
                     *self.roots("oem", "a"))
        self.refused(2, "--key FILE is missing", *sign)
        self.refused(2, "--out FILE is missing", *sign[:-2], *self.roots("oem", "a"))
        self.refused(5, "good exists already", *sign[:-1], "good", *self.roots("oem", "a"))
        self.refused(4, "signs no such agreement", *sign, "--key", "oem/admins/ann.key")
        self.taken("pki", "org", "--org", "oem.example", "--site", "plant1", "--admin", "ann",
                   "--clear", "--out", "fake")
        self.refused(4, "is no root of oem.example", *sign, *self.roots("fake", "a"))
        self.refused(4, "judged by its org document", "partner", "check", "offer", "--org",
                     "fake/org.note")
        self.refused(5, "repeated", "partner", "check", "good", "--base", "good")
        self.refused(2, "--base FILE is missing", "partner", "amend", "box-2026", DRAFT)
        self.refused(2, f"{DRAFT}:", "partner", "propose", "box-2026", DRAFT)
        self.refused(2, "two parties", "partner", "propose", "box-2026", DRAFT, *self.orgs,
                     "--org", "fake/org.note")
        self.refused(2, "--set", "partner", "propose", "--set")
        self.refused(2, "depth 65: ", "partner", "propose", "box-2026", DRAFT, *self.orgs,
                     "--set", "oem.example/plant1: depth 65")
        self.refused(2, "line 1: ", "partner", "check", "oem/org.note")
        damaged = (self.home / "good").read_bytes()
        (self.home / "damaged").write_bytes(damaged[:-20] + b"AAAA" + damaged[-16:])
        self.refused(1, "does not verify", "partner", "check", "damaged", *self.orgs)
        self.assertFalse((self.home / "never").exists())

    def test_4_whoever_has_no_draft_is_shown_one(self):
        for words in ([], ["box-2026"]):
            self.refused(2, "weft partner propose --sample >box.draft", "partner", "propose",
                         *words)
        sample = self.taken("partner", "propose", "--sample").stdout
        (self.home / "sample.draft").write_text(sample)
        made = self.taken("partner", "propose", "box-2026", "sample.draft", *self.orgs)
        self.assertIn("\nprovider supplier.example/west\nthreshold 2\n", made.stdout)

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not here: ops/dev/setup --test")
    def test_5_offer_runs_out(self):
        self.taken("partner", "propose", "box-2026", DRAFT, *self.orgs, "--yes", "--days", "3",
                   "--out", "late", *self.roots("supplier", "a", "b"))
        done = subprocess.run(
            ["faketime", "-f", "+4d", str(cluster.options.bin.resolve() / "weft"), "partner",
             "sign", "late", *self.roots("oem", "a"), "--yes", "--out", "never"], cwd=self.home,
            timeout=60, capture_output=True, text=True, check=False)
        self.assertEqual(4, done.returncode, done.stderr)
        self.assertIn("freeze", done.stderr)


if __name__ == "__main__":
    cluster.main()
