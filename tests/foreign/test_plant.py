"""tests/foreign/test_plant.py: the audit log, proofs and notes of a running, governed plant, judged
by openssl and coreutils, and by Go's sumdb packages, alone.

usage: test_plant.py --bin DIR --work DIR [--keep] [unittest options]"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import plant  # noqa: E402
import web  # noqa: E402
from foreign import Go, Shell  # noqa: E402
from plant import wait_for  # noqa: E402
from writers import Writers  # noqa: E402

LEAVES = 300  # More than one full tile.
MAJORITY = 2


class Plant(cluster.PlantCase):
    plant_nodes = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster.need("weftd")
        try:
            cls.site = cls.directory.resolve() / "site"
            cls.governed = pki.site(cluster.options.bin, cls.site, ("tester", "ann"))
            cls.plant = plant.Plant(cls.directory / "plant", cluster.options.bin,
                                    ("n1", "n2", "n3"), {"timers": dict(cluster.PATIENT),
                                                         "policy": cls.governed})
            origin = f"{cls.plant.org}/{cls.plant.site}/audit"
            cls.export = cls.directory / "export"
            cls.export.mkdir()
            (cls.export / "keys").write_text("".join(
                f"{pki.log_key(node.tls, origin)}\n" for node in cls.plant))
            cls.plant.start()
            cls.make_a_history()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def head(cls):
        """(size, root) that all nodes have, and that the newest signed checkpoint speaks of."""
        def signed():
            heads = {(h["size"], h["root"]) for h in (
                cls.plant.weft_json("audit", "head", "--stale", endpoints=f"tls+tcp://{n.client}")
                for n in cls.plant)}
            # Its checkpoint's size: behind "origin", first below the empty line of the proof.
            note = cls.plant.weft("audit", "prove", "0").stdout.partition("\n\n")[2].split("\n")
            size, root = next(iter(heads))
            return len(heads) == 1 and len(note) > 1 and note[1] == str(size) and (size, root)
        return wait_for("one signed tree on all nodes", signed, every=0.3)

    @classmethod
    def leaves(cls):
        size = cls.plant.weft_json("audit", "head")["size"]
        text = cls.plant.weft("audit", "show", *(str(n) for n in range(size)), check=True).stdout
        return text.split("weft-audit/v1\n")[1:]

    @classmethod
    def put(cls, **options):
        record = json.dumps({"kind": "test.foreign", "asset": "foreign/1"})
        return cls.plant.weft("put", "-", text=record + "\n", **options)

    @classmethod
    def has_denial(cls):
        cls.put(check=True)
        return any("\nact commit.create\n" in leaf for leaf in cls.leaves())

    @classmethod
    def make_a_history(cls):
        """Commits, of which some are refused, a change of the policy, and two exports."""
        refused = cls.plant.authority.issue("plant1", "op", "vic", cls.plant.directory / "vic")
        with Writers(cls.plant, 4, prefix="foreign") as writers:
            wait_for("commits", lambda: writers.count() > LEAVES)
        denied = cls.put(identity=refused)
        if denied.returncode != 4:
            raise AssertionError(denied.stderr)
        cls.head()
        cls.plant.weft("audit", "export", str(cls.directory / "old"), check=True)
        (cls.directory / "old/checkpoint").rename(cls.export / "old-checkpoint")
        text = cls.plant.weft("policy", "show", "--next", check=True).stdout
        (cls.directory / "next.policy").write_text(text + "# changed\n")
        cls.plant.weft("policy", "apply", str((cls.directory / "next.policy").resolve()), "--key",
                       str(cls.site / "admins/ann.key"), check=True)
        with Writers(cls.plant, 2, prefix="more") as writers:
            wait_for("more", lambda: writers.count() > 20)
        # Refusals become a leaf with the first entry of a later second.
        wait_for("the refusal's leaf", cls.has_denial, every=0.3)
        cls.size, _ = cls.head()
        cls.plant.weft("audit", "export", str(cls.export / "log"), check=True)
        for leaf in (0, 255, 256, cls.size - 1):
            (cls.export / f"proof-{leaf}").write_text(
                cls.plant.weft("audit", "prove", str(leaf), check=True).stdout)

    def assert_agrees(self, done, words):
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(words, done.stdout)

    def assert_found(self, done, what):
        self.assertEqual(1, done.returncode, f"{what}: {done.stdout}{done.stderr}")
        self.assertNotEqual("", done.stderr)

    def spoil(self, verifier, path, judge):
        """One bit of a file flipped: found, if the bit is of anything that was judged."""
        good = path.read_bytes()
        bad = bytearray(good)
        at = self.random.randrange(len(bad))
        bad[at] ^= 1 << self.random.randrange(8)
        path.write_bytes(bad)
        self.assert_found(judge(), f"{type(verifier).__name__}: {path}, byte {at}")
        path.write_bytes(good)

    def judge(self, verifier):
        def whole():
            # All three have signed, once they are asked to: no line can be spoilt unseen.
            return verifier.verify(self.export, MAJORITY)
        self.assert_agrees(whole(), f"{self.size} entries")
        tiles = sorted(p for p in (self.export / "log/tile").rglob("*") if p.is_file())
        self.assertGreaterEqual(len(tiles), 5)
        for path in self.random.sample(tiles, 3):
            self.spoil(verifier, path, whole)
        proof = self.export / "proof-256"
        good = proof.read_text()
        lines = good.split("\n")
        lines[2] = lines[3]  # Of the wrong hash.
        proof.write_text("\n".join(lines))
        self.assert_found(whole(), "another proof")
        proof.write_text(good)
        self.assert_agrees(whole(), "4 proofs")

    def notes(self):
        """(note, whose signatures, how many): documents in force, as the plant gives them out."""
        roots, admins, ann = (self.directory / name for name in ("roots", "admins", "ann"))
        for path, keys in ((roots, "roots/*.vkey"), (admins, "admins/*.vkey"),
                           (ann, "admins/ann.vkey")):
            path.write_text("".join(p.read_text() for p in sorted(self.site.glob(keys))))
        policy, org = self.directory / "policy.note", self.directory / "org.note"
        policy.write_text(self.plant.weft("policy", "show", "--note", check=True).stdout)
        org.write_text(self.plant.weft("policy", "show", "--org", "--note", check=True).stdout)
        enrolment = self.site / "keys/op-ann.note"
        return [(policy, ann, 1), (org, roots, 3), (self.site / "policy.note", admins, 2),
                (enrolment, ann, 1), (enrolment, roots, 3)]

    def judge_notes(self, verifier):
        for note, keys, threshold in self.notes():
            words = f"{note.name}: {threshold} keys"
            self.assert_agrees(verifier.note(note, keys, threshold), words)
            self.assert_found(verifier.note(note, keys, threshold + 1), f"too few: {words}")
            copy = self.directory / f"copy-{note.name}"
            copy.write_bytes(note.read_bytes())
            for _ in range(2):
                # In the text: a line of somebody who is not asked after may be anything.
                text = copy.read_bytes()
                bad = bytearray(text)
                bad[self.random.randrange(text.index(b"\n\n") if b"\n\n" in text else 1)] ^= 1
                copy.write_bytes(bad)
                self.assert_found(verifier.note(copy, keys, threshold), f"another text: {words}")
                copy.write_bytes(text)

    def test_openssl_and_coreutils_agree_and_find_what_is_spoilt(self):
        self.judge(Shell())

    def test_openssl_and_coreutils_agree_with_notes(self):
        self.judge_notes(Shell())

    def test_go_agrees_and_finds_what_is_spoilt(self):
        self.judge(Go(self.directory))

    def test_go_agrees_with_notes(self):
        self.judge_notes(Go(self.directory))

    def test_the_http_door_serves_what_was_exported(self):
        node = self.plant.leader()
        door = web.Web(node.http, web.tls(self.plant.identity))
        for path in sorted((self.export / "log").rglob("*")):
            if path.is_file():
                answer = door.get(f"/v1/audit/{path.relative_to(self.export / 'log')}")
                self.assertEqual(200, answer.status, str(path))
                if path.name != "checkpoint":
                    self.assertEqual(path.read_bytes(), answer.body, str(path))

    def test_every_leaf_has_its_decision(self):
        """Nothing was refused or changed without a leaf."""
        leaves = self.leaves()
        self.assertEqual(self.size, len(leaves))
        denied = [leaf for leaf in leaves if "\nact commit.create\n" in leaf]
        self.assertEqual(1, len(denied), denied)
        self.assertIn("\ndecision deny\n", denied[0])
        self.assertNotIn("\ncount ", denied[0])


if __name__ == "__main__":
    cluster.main()
