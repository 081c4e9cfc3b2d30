"""tests/cluster/test_audit.py: the audit log of a running plant: one tree on all nodes, signed by a
majority, exported and judged by our tools and others', whatever dies."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import plant  # noqa: E402
from plant import wait_for  # noqa: E402
from writers import Writers  # noqa: E402

FOREIGN_S = 600  # A shell script: seconds for each thousand leaves.
FOREIGN = cluster.ROOT / "tests/foreign"


class AuditCase(cluster.PlantCase):
    plant_nodes = None
    signing = ("n1", "n2", "n3")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster.need("weftd")
        try:
            cls.plant = plant.Plant(cls.directory, cluster.options.bin, ("n1", "n2", "n3"),
                                    {"timers": dict(cluster.PATIENT), **cls.plant_settings})
            origin = f"{cls.plant.org}/{cls.plant.site}/audit"
            keys = [pki.log_key(cls.plant[name].tls, origin) for name in cls.signing]
            cls.keys = cls.directory / "keys"
            cls.keys.write_text("".join(f"{key}\n" for key in keys))
            cls.plant.start()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    def heads(self):
        return [self.plant.weft_json("audit", "head", "--stale", endpoints=f"tls+tcp://{n.client}")
                for n in self.plant]

    def settled(self):
        """All nodes have one size, which the newest signed checkpoint has too."""
        def done():
            heads = {(h["size"], h["root"]) for h in self.heads()}
            note = self.plant.weft("audit", "prove", "0").stdout.split("\n")
            return len(heads) == 1 and str(next(iter(heads))[0]) in note and next(iter(heads))
        return wait_for("one signed tree on all nodes", done, every=0.3)

    def export(self, name):
        directory = self.directory / name
        self.plant.weft("audit", "export", str(directory), check=True)
        return directory

    def verify(self, directory, *arguments):
        return subprocess.run([str(self.plant.bin / "weft"), "audit", "verify", str(directory),
                               "--keys", str(self.keys), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=plant.WAIT_S, check=False)

    def leaves(self, size):
        numbers = [str(n) for n in range(size)]
        return self.plant.weft("audit", "show", *numbers, check=True).stdout.split(
            "weft-audit/v1\n")[1:]


class Audit(AuditCase):
    def test_an_export_verifies_and_a_flipped_bit_is_found(self):
        with Writers(self.plant, 4, prefix="flip") as writers:
            wait_for("commits", lambda: writers.count() > 300)
        size, _ = self.settled()
        log = self.export("log")
        done = self.verify(log)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f"{size} leaves", done.stdout)
        done = self.verify(log, "--threshold", "2")
        self.assertEqual(0, done.returncode, done.stderr)
        foreign = subprocess.run([str(FOREIGN / "verify-audit"), str(log), str(self.keys), "2"],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=FOREIGN_S, check=False)
        self.assertEqual(0, foreign.returncode, foreign.stderr)
        self.assertIn(f"{size} entries", foreign.stdout)
        files = sorted(p for p in log.rglob("*") if p.is_file() and p.name != "checkpoint")
        for path in files:
            good = path.read_bytes()
            bad = bytearray(good)
            at = self.random.randrange(len(bad))
            bad[at] ^= 1 << self.random.randrange(8)
            path.write_bytes(bad)
            done = self.verify(log)
            self.assertEqual(1, done.returncode, f"{path}, byte {at}: {done.stdout}{done.stderr}")
            self.assertIn("tile/", done.stderr)  # An entry and its hash differ: one of them.
            path.write_bytes(good)
        # Brought forward, and what was known is its beginning.
        older = self.directory / "older"
        shutil.copy(log / "checkpoint", older)
        with Writers(self.plant, 2, prefix="more") as writers:
            wait_for("commits", lambda: writers.count() > 30)
        self.settled()
        self.export("log")
        done = self.verify(log, "--known", str(older))
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_leaf_has_a_proof(self):
        with Writers(self.plant, 2, prefix="proof") as writers:
            wait_for("commits", lambda: writers.count() > 10)
        size, _ = self.settled()
        proof = self.plant.weft("audit", "prove", str(size - 1), check=True).stdout
        self.assertTrue(proof.startswith("c2sp.org/tlog-proof@v1\n"), proof[:80])
        self.assertNotEqual(0, self.plant.weft("audit", "prove", str(size + 5)).returncode)

    def test_roots_are_one_and_no_commit_lacks_its_leaf_when_leaders_die(self):
        with Writers(self.plant, 8, prefix="kill") as writers:
            for _ in range(3):
                before = writers.count()
                wait_for("commits", lambda b=before: writers.count() > b + 50)
                leader = self.plant.leader()
                leader.kill()
                time.sleep(0.5)
                leader.launch()
        self.plant.wait_for_voters()
        size, _ = self.settled()
        leaves = self.leaves(size)
        self.assertEqual(size, len(leaves))
        indexes = {}
        for leaf in leaves:
            lines = leaf.splitlines()
            if "act commit" in lines:
                index = int(lines[1].split()[2])
                indexes[index] = indexes.get(index, 0) + 1
        acked = {}
        for ack in writers.acks():
            acked[ack.index] = acked.get(ack.index, 0) + 1
        short = {i: n for i, n in acked.items() if indexes.get(i, 0) < n}
        self.assertEqual({}, short, "acknowledged commits without a leaf")
        self.assertEqual(0, self.verify(self.export("killed")).returncode)
        self.assert_same_digests()

    def test_a_node_that_signed_more_than_it_has_signs_nothing(self):
        node = self.plant.followers()[0]
        self.settled()
        node.stop()
        signed = node.data / "audit/signed"
        lines = signed.read_text().splitlines()
        good = signed.read_text()
        signed.write_text("\n".join([lines[0], str(int(lines[1]) + 10 ** 6), lines[2]]) + "\n")
        node.start()
        with Writers(self.plant, 2, prefix="behind") as writers:
            wait_for("commits", lambda: writers.count() > 20)
            wait_for("it says why", lambda: "audit_behind" in node.log.read_text())
        node.stop()
        signed.write_text("\n".join([lines[0], lines[1], "A" * 43 + "="]) + "\n")
        node.start()
        with Writers(self.plant, 2, prefix="other") as writers:
            wait_for("commits", lambda: writers.count() > 20)
            wait_for("it says why", lambda: "audit_other_tree" in node.log.read_text())
        node.stop()
        signed.write_text(good)
        node.start()
        self.settled()


def tree_root(leaves):
    """RFC 6962, 2.1."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_root(leaves[:left]) + tree_root(leaves[left:])).digest()


class Restored(AuditCase):
    """Backups, copies of disks, and what was signed since."""

    def signed(self, node):
        """(size, root) that the node has signed last."""
        return tuple((node.data / "audit/signed").read_text().split("\n")[1:3])

    def write(self, prefix, count=30):
        with Writers(self.plant, 2, prefix=prefix) as writers:
            wait_for("commits", lambda: writers.count() > count)

    def stop_all(self):
        for node in self.plant:
            node.stop()

    def published(self):
        """The newest signed checkpoint's size; 0: there is none."""
        proof = self.plant.weft("audit", "prove", "0")
        note = proof.stdout.partition("\n\n")[2]
        return int(note.split("\n")[1]) if proof.returncode == 0 else 0

    def test_1_an_older_memory_of_what_was_signed_changes_no_tree(self):
        node = self.plant.followers()[0]
        self.write("first")
        self.settled()
        older = (node.data / "audit/signed").read_text()
        self.write("second")
        before, _ = self.settled()
        node.stop()
        (node.data / "audit/signed").write_text(older)
        node.start()
        with Writers(self.plant, 1, prefix="third"):
            wait_for("it signs again", lambda: int(self.signed(node)[0]) > before)
        self.settled()
        node.stop()
        size, root = self.signed(node)
        leaves = [f"weft-audit/v1\n{leaf}".encode() for leaf in self.leaves(int(size))]
        self.assertEqual(tree_root(leaves), base64.b64decode(root))
        node.start()
        self.assertEqual(0, self.verify(self.export("older")).returncode)

    def test_2_a_disk_of_before_signs_nothing_new(self):
        """One node gets its whole directory of some time ago, the memory of its signatures too."""
        node = self.plant.followers()[0]
        self.write("fourth")
        self.settled()
        node.stop()
        shutil.copytree(node.data, self.directory / "copy")
        node.start()
        self.write("fifth")
        self.settled()
        node.stop()
        shutil.rmtree(node.data)
        shutil.copytree(self.directory / "copy", node.data)
        size, root = self.signed(node)
        leaves = self.leaves(int(size))
        node.launch()
        self.write("sixth")
        # It has lost what it acknowledged, and gets nothing more: so it can sign nothing more, and
        # what it has signed is the beginning of what the others have.
        wait_for("the others say so", lambda: any(
            "peer_message_refused" in n.log.read_text() for n in self.plant))
        self.assertEqual((size, root), self.signed(node))
        self.assertEqual(leaves, self.leaves(int(size)))
        node.kill()
        node.wipe()
        self.plant.weft("member", "remove", node.name, "--force", check=True)
        node.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters()
        self.write("seventh")
        self.settled()

    def test_3_a_site_that_goes_back_signs_no_second_tree(self):
        """All disks are put back to a time before, but for what the nodes have signed since."""
        self.write("eighth")
        self.settled()
        self.stop_all()
        for node in self.plant:
            shutil.copytree(node.data, self.directory / f"back-{node.name}")
        for node in self.plant:
            node.start()
        self.plant.wait_for_voters()
        self.write("ninth", 60)
        size, _ = self.settled()
        self.stop_all()
        for node in self.plant:
            signed = (node.data / "audit/signed").read_bytes()
            shutil.rmtree(node.data)
            shutil.copytree(self.directory / f"back-{node.name}", node.data)
            (node.data / "audit/signed").write_bytes(signed)
        before = [self.signed(node) for node in self.plant]
        for node in self.plant:
            node.start()
        self.plant.wait_for_voters()
        with Writers(self.plant, 2, prefix="other") as writers:
            # Whoever leads proposes what is to be signed, and does not.
            wait_for("it is refused", lambda: any(
                "audit_other_tree" in n.log.read_text() for n in self.plant))
            wait_for("the tree has grown past what was signed",
                     lambda: min(h["size"] for h in self.heads()) > size + 50)
        self.assertGreater(writers.count(), 0)
        self.assertEqual(before, [self.signed(node) for node in self.plant])
        self.assertEqual(0, self.published())

    def test_4_a_restored_backup_signs_nothing_that_it_may_have_signed(self):
        backup = self.directory / "backup"
        self.plant.weft("backup", str(backup), check=True)
        self.stop_all()
        node = self.plant["n1"]
        shutil.rmtree(node.data)
        done = subprocess.run([str(self.plant.bin / "weftd"), "--config", str(node.config),
                               "--restore", str(backup)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=plant.WAIT_S, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        node.start()
        self.plant.nodes = {"n1": node}
        with Writers(self.plant, 1, prefix="back") as writers:
            wait_for("it says why", lambda: "audit_past_unknown" in node.log.read_text())
            wait_for("commits", lambda: writers.count() > 10)
        self.assertEqual(0, self.published())
        # By a new key it begins anew.
        node.stop()
        (node.data / "audit/signed").unlink()
        origin = f"{self.plant.org}/{self.plant.site}/audit"
        self.keys.write_text(pki.log_key(node.tls, origin) + "\n")
        node.start()
        self.write("anew")
        wait_for("it signs", self.published)
        self.assertEqual(0, self.verify(self.export("anew")).returncode)


class WithoutKeys(AuditCase):
    signing = ("n2",)

    def test_nothing_is_signed_by_less_than_a_majority(self):
        with Writers(self.plant, 2, prefix="few") as writers:
            wait_for("commits", lambda: writers.count() > 20)
        heads = self.heads()
        self.assertTrue(all(h["size"] > 20 for h in heads), json.dumps(heads))
        done = self.plant.weft("audit", "export", str(self.directory / "none"))
        self.assertEqual(1, done.returncode)
        self.assertIn("log.key", done.stderr)
        self.assertIn("audit_no_key", self.plant["n1"].log.read_text())


if __name__ == "__main__":
    cluster.main()
