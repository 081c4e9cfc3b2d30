"""tests/cluster/test_redact.py: what was redacted is gone from every file of every node once log
and checkpoints have moved on, and every proof stays good; an export has its evidence, and whoever
judges it finds what is wrong with it."""

import json
import os
import pathlib
import secrets
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import plant  # noqa: E402
from plant import wait_for  # noqa: E402
from test_audit import AuditCase  # noqa: E402

ROUNDS_MAX = 20
RECORDS = 64
FILLER_BYTES = 60000


class Redact(AuditCase):
    plant_settings = {"limits": {"checkpoint_entries": 64, "trailing_entries": 0}}

    def put(self, *records):
        text = "".join(json.dumps(record) + "\n" for record in records)
        return self.plant.weft("put", "-", "--batch", "1", text=text, check=True)

    def files_with(self, secret):
        found = []
        for node in self.plant:
            # os.walk: a checkpoint that is being taken goes away under the search.
            for path in sorted(pathlib.Path(parent) / name
                               for parent, _, names in os.walk(node.data) for name in names):
                try:
                    content = path.read_bytes()
                except FileNotFoundError:
                    continue  # Compacted, or given up, meanwhile.
                if secret in content:
                    found.append(f"{node.name}: {path.relative_to(node.data)}")
        return found

    def move_on(self, number):
        """Entries for a checkpoint, and bytes for a quarter of a segment of the log."""
        self.put(*({"kind": "test", "asset": f"filler:{number}/{i}",
                    "attrs": {"filler": self.random.randbytes(FILLER_BYTES // 2).hex()}}
                   for i in range(RECORDS)))

    def test_no_byte_of_it_stays_on_any_node(self):
        secret = secrets.token_hex(24)
        self.put({"kind": "inspection", "asset": "box:1",
                  "attrs": {"operator": {"name": secret, "shift": "night"}, "verdict": "PASS"}})
        index = self.plant.weft_json("get", "box:1")["rev"]
        self.move_on(0)  # It is in checkpoints too.
        wait_for("a checkpoint on every node", lambda: all(
            n.status()["checkpoint_index"] > index for n in self.plant), every=0.2)
        self.assertEqual({"n1", "n2", "n3"}, {f.split(":")[0] for f in
                                              self.files_with(secret.encode())})
        older = self.export("older")
        # A hold wins; then it is released.
        self.put({"kind": "retention_hold", "asset": "box:1", "attrs": {"name": "case-7"}})
        redact = ("audit", "redact", "box:1", "inspection", "operator/name", "--rev", str(index),
                  "--reason", "was asked to")
        done = self.plant.weft(*redact)
        self.assertEqual(4, done.returncode, done.stderr)
        self.assertIn("case-7", done.stderr)
        self.put({"kind": "retention_hold", "asset": "box:1",
                  "attrs": {"name": "case-7", "released": True}})
        done = self.plant.weft(*redact)
        self.assertEqual(0, done.returncode, done.stderr)
        said = self.plant.weft("find", "--asset", "box:1", "--kind", "inspection", "-o",
                               "json", check=True).stdout
        self.assertNotIn(secret, said)
        self.assertIn('"@redacted"', said)
        self.assertIn("night", said)
        found = None
        for number in range(1, ROUNDS_MAX):
            self.move_on(number)
            found = self.files_with(secret.encode())
            if not found:
                break
        self.assertEqual([], found)
        self.assert_same_digests()
        size, _ = self.settled()
        log = self.export("log")
        for done in (self.verify(log), self.verify(log, "--known", str(older / "checkpoint"))):
            self.assertEqual(0, done.returncode, done.stderr)
        self.assertFalse([f for f in log.rglob("*")
                          if f.is_file() and secret.encode() in f.read_bytes()])
        leaves = [leaf for leaf in self.leaves(size) if "act redact" in leaf.splitlines()]
        self.assertEqual(1, len(leaves))
        self.assertIn(f"subject index {index}\n", leaves[0])
        # A node that starts again, and the offline check, see the same.
        node = self.plant.followers()[0]
        self.assertEqual(0, node.stop())
        done = subprocess.run([str(self.plant.bin / "weft"), "check-data", str(node.data)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        node.start()
        self.assert_same_digests()
        self.assertEqual([], self.files_with(secret.encode()))


class Evidence(cluster.PlantCase):
    """One node, governed: what governs, and what did not, is kept beside the log."""

    plant_nodes = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster.need("weftd")
        try:
            site = cls.directory.resolve() / "site"
            governed = pki.site(cluster.options.bin, site, ("tester",))
            cls.plant = plant.Plant(cls.directory / "plant", cluster.options.bin, ("n1",),
                                    {"policy": governed})
            cls.keys = cls.directory / "keys"
            origin = f"{cls.plant.org}/{cls.plant.site}/audit"
            cls.keys.write_text(f"{pki.log_key(cls.plant['n1'].tls, origin)}\n")
            cls.plant.start()
            cls.log = cls.directory / "log"
            first = cls.plant.weft("policy", "show", "--note", check=True).stdout
            text = cls.plant.weft("policy", "show", "--next", check=True).stdout
            path = cls.directory.resolve() / "next.policy"
            path.write_text(text + "# changed\n")
            cls.plant.weft("policy", "apply", str(path), "--key",
                           str(site / "admins/tester.key"), check=True)
            done = cls.put("authority", "authority:policy", {"note": first})
            if done.returncode != 5:
                raise AssertionError(f"a rollback was taken: {done.stdout}{done.stderr}")
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def put(cls, kind, asset, attrs):
        record = {"kind": kind, "asset": asset, "attrs": attrs}
        return cls.plant.weft("put", "-", text=json.dumps(record) + "\n")

    def verify(self, *arguments):
        return subprocess.run([str(self.plant.bin / "weft"), "audit", "verify", str(self.log),
                               "--keys", str(self.keys), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)

    def exported(self, act):
        """The export, brought forward until it has a leaf of that act: its evidence."""
        def done():
            time.sleep(1.1)  # Refusals are counted by the second, and told by a later entry.
            self.assertEqual(0, self.put("test", "clock:1", {}).returncode)
            self.plant.weft("audit", "export", str(self.log), check=True)
            leaves = b"".join(sorted(p.read_bytes() for p in self.log.glob("tile/entries/*/*")) +
                              sorted(p.read_bytes() for p in self.log.glob("tile/entries/*")
                                     if p.is_file()))
            head, found, rest = leaves.partition(f"\nact {act}\n".encode())
            return found and rest.partition(b"\nevidence sha256:")[2][:64].decode()
        return wait_for(f"a signed leaf {act}", done)

    def assert_bad(self, *words):
        done = self.verify()
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_an_export_has_its_evidence_and_is_judged_with_it(self):
        refused = self.exported("authority.policy.rollback")
        done = self.verify()
        self.assertEqual(0, done.returncode, done.stderr)
        files = sorted((self.log / "evidence").iterdir())
        self.assertIn(f"evidence: {len(files)} blobs are what leaves commit to, 0 were redacted",
                      done.stdout)
        self.assertGreaterEqual(len(files), 3)  # The org document, two policies, what was refused.
        self.assertIn(refused, [f.name for f in files])
        for path in files:
            good = path.read_bytes()
            bad = bytearray(good)
            bad[self.random.randrange(len(bad))] ^= 1 << self.random.randrange(8)
            path.write_bytes(bad)
            self.assert_bad("leaf ", f"evidence/{path.name} is not what the leaf commits to")
            path.unlink()
            self.assert_bad("leaf ", f"evidence/{path.name} is missing")
            self.assertEqual(0, self.verify("--no-evidence").returncode)
            path.write_bytes(good)
        blob = self.log / "evidence" / refused
        content = blob.read_bytes()
        done = self.plant.weft("audit", "redact", "--evidence", f"sha256:{refused}", "--reason",
                               "was asked to")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(refused, self.exported("redact"))
        self.assertFalse(blob.exists())  # From an older export too, when it is brought forward.
        done = self.verify()
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f"{len(files) - 1} blobs are what leaves commit to, 1 were redacted",
                      done.stdout)
        blob.write_bytes(content)
        self.assert_bad("leaf ", f"evidence/{refused} is there, but was redacted")


if __name__ == "__main__":
    cluster.main()
