"""tests/cluster/test_partner_site.py: `weft partner` at running sites: a supplier and two customers
under different masks. What the agreement hides is in no byte that crosses; what is disclosed later
is the statement that there was; a stranger verifies what was exported."""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import partners  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

SECRET = "SECRET-12.50"
STRANGER = cluster.ROOT / "federation/stranger.sh"
DRAFT = """
party {customer}
party supplier.example/west
provider {customer}
  threshold 1
  kind inspection disclosed
  depth any
provider supplier.example/west
  threshold 1
  kind inspection disclosed
  depth any
"""


class AtSites(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.west = cls.site("west", "supplier.example", "west",
                            "oem.example partner other.example", relay=partners.ReadingRelay)
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example",
                           relay=partners.ReadingRelay)
        cls.other = cls.site("other", "other.example", "hall", "supplier.example")
        partners.read_along(cls.west, cls.oem)
        partners.read_along(cls.oem, cls.west)
        cls.start()

    # --- what is run ------------------------------------------------------------------------------

    def at(self, site, *arguments, code=0):
        done = site.plant.weft(*map(str, arguments))
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def local(self, *arguments):
        """Without a connection."""
        done = subprocess.run([str(cluster.options.bin.resolve() / "weft"), *map(str, arguments)],
                              input="", capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def meet(self, site, other, has_endpoints=True):
        """`site` is told of itself and of the other."""
        for one in (site, other):
            (one.home / "vkeys").write_text("".join(f"{key}\n" for key in one.keys))
        doors = [word for relay in (other.relays_for(site) if has_endpoints else ())
                 for word in ("--partner-endpoint", relay.address)]
        self.at(site, "partner", "add", site.site, "--keys", site.home / "vkeys")
        self.at(site, "partner", "add", other.site, "--keys", other.home / "vkeys", "--org",
                other.home / "org/org.note", "--ca", other.plant.authority.ca, *doors)

    def keys(self, site):
        return [word for root in site.roots() for word in ("--key", root)]

    def agree(self, name, customer, *lines):
        """Both sign, and both are told."""
        draft, offer, agreed = (self.directory / f"{name}.{w}" for w in ("draft", "offer", "note"))
        draft.write_text(DRAFT.format(customer=customer.site))
        orgs = ["--org", self.west.home / "org/org.note", "--org", customer.home / "org/org.note"]
        edits = [word for line in lines for word in ("--set", f"{self.west.site}: {line}")]
        self.local("partner", "propose", name, draft, *orgs, *edits, *self.keys(self.west), "--yes",
                   "--out", offer)
        self.local("partner", "sign", offer, *orgs, *self.keys(customer), "--yes", "--out", agreed)
        for site in (self.west, customer):
            self.assertIn(f"agreement:{name} version 1", self.at(site, "partner", "apply", agreed))
        return agreed

    def status(self, site, name):
        return json.loads(self.at(site, "partner", "status", name, "-o", "json"))

    @staticmethod
    def size(head):
        return int(str(head).split(" ", maxsplit=1)[0])

    def wait_even(self, name, customer, statements):
        """So many statements of the supplier's are there, taken and acknowledged."""
        def is_even():
            here, there = self.status(self.west, name), self.status(customer, name)
            return (here["sent_statements"] == there["received_statements"] == statements and
                    self.size(here["sent_size"]) == self.size(here["sent_acknowledged"]))
        wait_for(f"{statements} statements under {name}", is_even, 60)

    def leaves(self, site, name):
        """The statements that the site received, by place."""
        size = self.size(self.status(site, name)["received_head"])
        found = {}
        for n in range(size):
            line = self.at(site, "partner", "prove", name, n, "--received", "--leaf")
            word, _, digest = line.strip().partition(" ")
            if word == "statement":
                found[n] = digest
        return found

    def stranger(self, site, name, n, *keys, code=0):
        """Verified by openssl alone, from what `site` has of the supplier's stream."""
        statement, proof = (self.directory / f"{name}-{n}.{w}" for w in ("statement", "proof"))
        statement.write_text(self.at(site, "partner", "prove", name, n, "--received",
                                     "--statement"))
        proof.write_text(self.at(site, "partner", "prove", name, n, "--received"))
        done = subprocess.run([str(STRANGER), str(statement), str(proof), *keys],
                              capture_output=True, text=True, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return statement.read_text(), done.stdout

    # --- the tests, in order ----------------------------------------------------------------------

    def test_1_two_sites_agree_by_commands(self):
        self.meet(self.west, self.oem)
        self.meet(self.oem, self.west)
        self.assertIn("no agreement", self.at(self.west, "partner", "status", "box", code=1))
        self.agree("box", self.oem, "mask inspection hidden cost",
                   "mask inspection committed operator")
        for i in range(5):
            self.west.commit({"kind": "inspection", "asset": f"serial:box/{i}",
                              "attrs": {"verdict": "PASS", "cost": SECRET,
                                        "operator": f"SECRET-op/{i}"}})
        self.wait_even("box", self.oem, 5)
        listed = json.loads(self.at(self.oem, "partner", "list", "-o", "json"))
        self.assertEqual([("box", "in-force", "supplier.example/west")],
                         [(a["agreement"], a["state"], a["partner"]) for a in listed])
        self.assertIn("mask inspection hidden cost\n", self.at(self.oem, "partner", "show", "box"))

    def test_1b_what_only_a_partner_speaks_of_is_shown(self):
        """The customer has said nothing of it himself."""
        asset = "serial:box/3"
        for word in ("get", "story"):
            shown = self.at(self.oem, word, asset, "-o", "table")
            head, _, rows = shown.partition("\nShared\n")
            self.assertEqual("", head)
            row = next(row for row in rows.splitlines() if row.startswith("inspection "))
            self.assertIn(f" {self.west.site} ", row)
            self.assertIn(" verdict=PASS ", row)
            self.assertNotIn("SECRET", shown)
            told = json.loads(self.at(self.oem, word, asset, "-o", "json"))
            self.assertEqual(asset, told["asset"])
            row = next(row for row in told["shared"] if row["kind"] == "inspection")
            self.assertEqual(self.west.site, row["author"])
            self.assertIn({"path": "verdict", "value": "PASS"}, row["fields"])
        self.at(self.oem, "get", asset, "--as-of", "5", code=1)  # Of now alone.
        self.assertIn("not-found", self.at(self.oem, "get", "serial:box/none", code=1))
        self.assertIn("not-found", self.at(self.oem, "story", "serial:box/none", code=1))
        # With a record of one's own the twin stands above.
        self.assertIn("health", self.at(self.west, "get", asset, "-o", "table"))

    def test_1c_what_is_mistyped_is_told_by_its_name(self):
        readme, note = cluster.ROOT / "README.md", self.oem.home / "org/org.note"
        for code, said, *words in (
                (1, "nosuch: there is no agreement", "suspend", "nosuch", "--reason", "x"),
                (1, "nosuch: there is no agreement", "disputes", "nosuch"),
                (1, "nosuch: there is no agreement", "status", "nosuch"),
                (1, "nosuch: there is no agreement", "export", "nosuch", self.directory / "never"),
                (2, "9..3: the place", "release", "box", "9..3", "--reason", "x"),
                (2, "a partner is ORG/SITE", "add", "oem.example", "--keys", readme),
                (2, f"--keys {readme}: ", "add", self.oem.site, "--keys", readme),
                (2, f"--ca {readme}: ", "add", self.oem.site, "--ca", readme),
                (2, "a door is HOST:PORT", "add", self.oem.site, "--partner-endpoint", "here"),
                (4, f"--org {note}: it is of oem.example", "add", self.west.site, "--org", note)):
            with self.subTest(words=words):
                self.assertIn(said, self.at(self.west, "partner", *words, code=code))

    def test_1d_a_partner_is_told_of_anew_whatever_else_stands_on_his_asset(self):
        self.west.commit({"kind": "note", "asset": f"partner:{self.oem.site}",
                          "attrs": {"text": "recalls are told here, too"}})
        self.meet(self.west, self.oem)

    def test_2_nothing_that_is_hidden_crosses(self):
        heard = bytes(self.west.relays[0].heard + self.oem.relays[0].heard)
        # The counter-check: what is disclosed was heard, so the rest would have been.
        for shown in (b"serial:box/3", b"verdict", b"PASS", b"operator"):
            self.assertIn(shown, heard)
        self.assertNotIn(SECRET.encode(), heard)
        self.assertNotIn(b"SECRET-op/", heard)
        self.assertNotIn(b"cost", heard.replace(b"mask inspection hidden cost", b""))

    def test_3_different_masks_confirm_one_revision(self):
        self.meet(self.west, self.other)
        # What stands before the supplier's door speaks as the first customer: this one is called.
        self.meet(self.other, self.west, has_endpoints=False)
        self.agree("hall", self.other, "mask inspection committed verdict")
        self.wait_even("hall", self.other, 5)
        here, there = self.leaves(self.oem, "box"), self.leaves(self.other, "hall")
        self.assertEqual(sorted(here.values()), sorted(there.values()))
        n = next(iter(there))
        text, _ = self.stranger(self.other, "hall", n, *self.west.keys)
        self.assertIn(SECRET.encode().hex(), text)
        self.assertNotIn(b"PASS".hex(), text)

    def test_4_later_disclosure_is_the_old_statement(self):
        before = self.leaves(self.oem, "box")
        n, digest = next(iter(before.items()))
        hidden, said = self.stranger(self.oem, "box", n, *self.west.keys)
        self.assertIn(digest, said)
        self.assertNotIn(SECRET.encode().hex(), hidden)
        self.agree("box-disclosed", self.oem)
        self.wait_even("box-disclosed", self.oem, 5)
        after = self.leaves(self.oem, "box-disclosed")
        m = next(m for m, found in after.items() if found == digest)
        shown, said = self.stranger(self.oem, "box-disclosed", m, *self.west.keys)
        self.assertIn(digest, said)
        self.assertIn(SECRET.encode().hex(), shown)
        # Another value would not be that statement.
        place = self.directory / f"box-disclosed-{m}.statement"
        place.write_text(shown.replace(SECRET.encode().hex(), b"SECRET-99.99".hex()))
        done = subprocess.run(
            [str(STRANGER), str(place), str(place.with_suffix(".proof")), *self.west.keys],
            capture_output=True, text=True, check=False)
        self.assertEqual(1, done.returncode, done.stdout)

    def test_5_stranger_verifies_an_exported_stream(self):
        out = self.directory / "exported"
        self.assertIn("leaves in", self.at(self.oem, "partner", "export", "box", out,
                                           "--received"))
        again = self.directory / "sent"
        self.at(self.west, "partner", "export", "box", again)
        for one in out.rglob("*"):
            if one.is_file() and one.name != "checkpoint":
                self.assertEqual(one.read_bytes(), (again / one.relative_to(out)).read_bytes())
        self.assertEqual(5, len(list((out / "statement").iterdir())))
        self.assertTrue((out / "contract/1").exists())
        self.assertIn("take another directory",
                      self.at(self.oem, "partner", "export", "box", out, code=5))
        # Keys of somebody else do not do.
        self.stranger(self.oem, "box", 1, *self.oem.keys, code=1)
        # From the directory alone: each statement, and none that was changed.
        keys = self.west.home / "vkeys"
        for n, digest in self.leaves(self.oem, "box").items():
            self.assertIn(f"statement {digest} of serial:box/", self.judged(0, out, n, keys))
        self.assertIn("leaf 0 is no statement", self.judged(1, out, 0, keys))
        self.assertIn("none of the keys", self.judged(1, out, n, self.oem.home / "vkeys"))
        self.assertIn("nor a file of keys", self.judged(1, out, n, STRANGER))
        self.assertIn("no file that can be read", self.judged(1, self.directory / "no", n, keys))
        place = out / "statement" / digest.partition(":")[2]
        place.write_bytes(place.read_bytes().replace(b"PASS", b"FAIL"))
        self.assertIn("another root", self.judged(1, out, n, keys))

    def judged(self, code, *words):
        done = subprocess.run([str(STRANGER), *map(str, words)], capture_output=True, text=True,
                              check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def audited(self, site, act):
        """Leaves of that act in the site's audit log, as far as it is signed."""
        with tempfile.TemporaryDirectory(dir=self.directory) as log:
            self.at(site, "audit", "export", f"{log}/log")
            return b"".join(
                f.read_bytes() for f in pathlib.Path(log).rglob("tile/entries/**/*") if f.is_file()
            ).count(f"act {act}\n".encode())

    def wait_audited(self, site, act, count):
        wait_for(f"{count} leaves of {act}", lambda: self.audited(site, act) >= count)
        self.assertEqual(count, self.audited(site, act))

    def test_5b_a_field_is_disclosed_and_another_erased(self):
        n, digest = next(iter(self.leaves(self.oem, "box").items()))
        self.assertIn("hides cost", self.at(self.west, "partner", "disclose", "box", n, "cost",
                                            "--reason", "no", code=4))
        # The partner takes nothing meanwhile, and the supplier starts anew: it is owed still.
        self.at(self.oem, "partner", "suspend", "box", "--received", "--reason", "away")
        self.at(self.west, "partner", "disclose", "box", n, "operator", "--reason", "complaint")
        self.west.plant.stop()
        self.west.plant.start()
        self.assertEqual(5, self.status(self.oem, "box")["received_statements"])
        self.at(self.oem, "partner", "resume", "box", "--received", "--reason", "back")
        self.wait_even("box", self.oem, 6)
        places = [m for m, found in self.leaves(self.oem, "box").items() if found == digest]
        self.assertEqual(2, len(places))
        text, said = self.stranger(self.oem, "box", places[1], *self.west.keys)
        self.assertIn(digest, said)
        self.assertIn(b"SECRET-op/".hex(), text)
        self.assertNotIn(SECRET.encode().hex(), text)
        # What is redacted at its origin goes at the partner too, wherever it was told.
        asset = text.split("\nasset ")[1].split("\n")[0]
        found = json.loads(self.at(self.west, "get", asset, "-o", "json"))  # One record.
        self.at(self.west, "audit", "redact", asset, "inspection", "operator", "--rev",
                found["rev"], "--reason", "GDPR 17")
        self.wait_even("box", self.oem, 7)
        self.wait_even("box-disclosed", self.oem, 6)
        self.wait_even("hall", self.other, 6)
        for m, at in self.leaves(self.oem, "box").items():
            if at == digest:
                text = self.at(self.oem, "partner", "prove", "box", m, "--received", "--statement")
                self.assertNotIn(b"SECRET-op/".hex(), text)
                self.assertIn("erased ", text)
        for site in (self.west, self.oem):
            self.wait_audited(site, "partner.disclosed", 1)
            # Of each agreement that had shown it: the supplier has one more, with the other site.
            self.wait_audited(site, "partner.erased", 3 if site is self.west else 2)

    def test_5c_own_policy_refuses_and_takes_later(self):
        label = {"kind": "access_label", "asset": "serial:sealed"}
        self.oem.commit(label | {"attrs": {"labels/[0]": "sealed"}})
        self.west.commit({"kind": "inspection", "asset": "serial:sealed",
                          "attrs": {"verdict": "PASS", "cost": SECRET, "operator": "op"}})
        self.wait_even("box", self.oem, 8)
        said = self.at(self.oem, "partner", "quarantine", "box")
        self.assertIn("policy", said)
        place = self.size(self.status(self.oem, "box")["received_head"]) - 1
        self.assertIn(str(place), said)
        wait_for("the supplier has a signed refusal",
                 lambda: int(self.status(self.west, "box")["sent_refused"]) == 1)
        self.wait_audited(self.oem, "partner.refused", 2)  # Under both agreements.
        before = self.oem.shared("box")
        self.oem.commit(label | {"attrs": {"labels/[0]": "open"}})
        self.at(self.oem, "partner", "release", "box", place, "--reason", "it may be known now")
        self.assertNotEqual(before, self.oem.shared("box"))
        self.assertEqual(self.west.shared("box"), self.oem.shared("box"))

    def test_6_suspended_resumed_and_ended(self):
        for word in ("suspend", "resume"):
            self.at(self.west, "partner", word, "box", "--reason", "an audit")
            if word == "suspend":
                self.west.inspect("meanwhile", 2)
                wait_for("the customer knows", lambda: self.status(
                    self.oem, "box")["received_phase"] == "suspended")
        self.wait_even("box", self.oem, 10)
        self.at(self.oem, "partner", "suspend", "box", "--received", "--reason", "looking")
        self.assertEqual("held", self.status(self.oem, "box")["received_hold"])
        self.at(self.oem, "partner", "resume", "box", "--received", "--reason", "looked")
        self.assertIn("--yes says", self.at(self.west, "partner", "terminate", "box", "--reason",
                                            "delivered", code=2))
        self.at(self.west, "partner", "terminate", "box", "--reason", "delivered", "--yes")
        wait_for("the end is acknowledged", lambda: self.status(
            self.oem, "box")["received_phase"] == "closed")
        self.assertEqual("ended", self.status(self.west, "box")["state"])
        self.at(self.west, "partner", "resume", "box", "--reason", "no way back", code=5)


if __name__ == "__main__":
    cluster.main()
