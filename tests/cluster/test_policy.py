"""tests/cluster/test_policy.py: a site that is governed from its first commit on: what its policy
refuses and permits, how the policy is changed, and that every node decides alike."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import plant  # noqa: E402

GOOD = {"kind": "inspection", "asset": "box:1", "attrs": {"verdict": "PASS"}}


def weft(*arguments, text=None):
    return subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)], timeout=60,
                          input=text or "", capture_output=True, text=True, check=False)


class Bootstrap(cluster.PlantCase):
    plant_nodes = None

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()
        cls.org = pki.site(cluster.options.bin, cls.directory / "org", ("ann", "bo"))

    def refused(self, name, policy, *arguments):
        """The end of what weftd says that does not start."""
        home = plant.Plant(self.directory / name, cluster.options.bin, ("n1",), policy)
        node = home["n1"]
        node.launch("--bootstrap", *arguments)
        self.assertNotEqual(0, node.process.wait(60))
        self.assertFalse(any((node.data / "raft").glob("*")) if node.data.exists() else False)
        return node.tail()

    def test_a_site_says_what_governs_it_or_that_nothing_does(self):
        said = self.refused("none", {"policy": {"mode": "governed"}})
        self.assertIn("policy.org and policy.file are missing", said)
        said = self.refused("flag", {"policy": {"mode": "governed"}}, "--ungoverned")
        self.assertIn("--ungoverned is refused unless", said)
        said = self.refused("file", {"policy": {"mode": "ungoverned"}})
        self.assertIn("then --bootstrap --ungoverned says", said)

    def test_what_apply_would_refuse_is_refused_before_anything_is_begun(self):
        none = self.org["org"].parent / "admins"  # keys, not enrolments
        said = self.refused("no-keys", {"policy": {**self.org, "keys": none}})
        self.assertIn("threshold: 0 admins have signed, 1 have to", said)
        text = self.org["org"].read_text().replace("root-threshold 2", "root-threshold 1")
        other = self.org["org"].parent / "forged.note"
        other.write_text(text)
        said = self.refused("forged", {"policy": {**self.org, "org": other}})
        self.assertIn("forged.note: ", said)


class Governed(cluster.GovernedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.who = {name: cls.plant.authority.issue("plant1", "op", name, cls.plant.directory / name)
                   for name in ("ann", "vic")}

    def put(self, who, record=None):
        return self.plant.weft("put", "-", text=json.dumps(record or GOOD) + "\n",
                               identity=self.who[who])

    def statuses(self):
        return [node.status()["policy"] for node in self.plant]

    def test_1_the_first_commit_governs(self):
        self.assertEqual(["plant1 1"] * 3, self.statuses())
        self.assertIn("policy plant1 1", self.plant.weft("status", "-o", "table").stdout)
        self.assertEqual(0, self.put("ann").returncode)
        done = self.put("vic")
        self.assertEqual(4, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"not permitted \(correlation [0-9a-f]{16}\)")
        gauges = self.plant.leader().status()["gauges"]
        self.assertGreaterEqual(gauges["denials_total"], 1)

    def next_policy(self, edit, name="next.policy"):
        """A file with the text of the next version, edited."""
        text = self.plant.weft("policy", "show", "--next", check=True).stdout
        path = self.plant.directory / name
        path.write_text(edit(text), encoding="utf-8")
        return path

    def key(self, name):
        return str(self.home / "org/admins" / f"{name}.key")

    def apply(self, path, *arguments, who="vic"):
        return self.plant.weft("policy", "apply", str(path), *arguments, identity=self.who[who])

    def assert_refused(self, code, word, done):
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)

    @staticmethod
    def let_vic(text):
        return text + "\npermit vic\n  who  op vic\n  do   write create\n  on   asset box:*\n"

    def test_2_an_admin_changes_the_policy_and_it_is_in_force(self):
        path = self.next_policy(lambda text: text.replace("do   read subscribe",
                                                          "do   read subscribe write create"))
        self.assertEqual(0, weft("policy", "check", path).returncode)
        why = ("policy", "why", "oem.example/plant1/op/vic", "write", "box:1")
        self.assertEqual(1, self.plant.weft(*why).returncode)
        # Who brings it does not matter: the signature of an admin does.
        done = self.apply(path, "--key", self.key("ann"))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("policy plant1 2 is in force", done.stdout)
        self.assertIn("widens", done.stderr)
        self.assertEqual(0, self.put("vic").returncode)
        self.assertEqual(0, self.plant.weft(*why).returncode)
        plant.wait_for("all have it", lambda: self.statuses() == ["plant1 2"] * 3)

    def test_3_what_does_not_follow_is_refused(self):
        first = self.home / "org/policy.note"
        self.assert_refused(5, "rollback: version 1, and 2 is in force", self.apply(first))
        again = self.plant.directory / "again.note"
        again.write_text(self.plant.weft("policy", "show", "--note", check=True).stdout)
        self.assert_refused(5, "repeated: version 2 is in force", self.apply(again))
        fork = self.plant.directory / "fork.policy"
        fork.write_text(self.plant.weft("policy", "show", check=True).stdout + "# other\n")
        done = self.apply(fork, "--key", self.key("ann"))
        self.assert_refused(5, "fork: another version 2", done)
        gone = self.next_policy(lambda text: text.replace("permit admins\n  who  admins",
                                                          "permit admins\n  who  op vic"))
        self.assert_refused(4, "lock-out: ", self.apply(gone, "--key", self.key("bo")))
        nobody = self.next_policy(lambda text: text)
        root = str(self.home / "org/roots/a.key")
        self.assert_refused(4, "threshold: 0 admins", self.apply(nobody, "--key", root))
        self.assert_refused(2, "nobody has signed it", self.apply(nobody))
        self.assertEqual(["plant1 2"] * len(self.statuses()), self.statuses())

    def test_4_a_signature_is_made_elsewhere_and_joined(self):
        path = self.next_policy(lambda text: text.replace("read subscribe write create",
                                                          "read subscribe"))
        lines = self.plant.directory / "bo.sig"
        lines.write_text(weft("policy", "sign", path, "--key", self.key("bo")).stdout)
        done = self.apply(path, "--signature", str(lines))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(4, self.put("vic").returncode)
        self.assertEqual(0, self.put("ann").returncode)

    def test_5_nodes_that_come_later_decide_alike(self):
        follower = self.plant.followers()[0]
        follower.stop()
        path = self.next_policy(self.let_vic)
        self.assertEqual(0, self.apply(path, "--key", self.key("ann")).returncode)
        self.assertEqual(0, self.put("vic").returncode)
        self.assertEqual(4, self.put("vic", {**GOOD, "asset": "pump:1"}).returncode)
        follower.start()
        late = self.plant.add("n4")
        late.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters()
        index = self.plant.leader().status()["applied_index"]
        self.plant.wait_for_applied(index)
        self.assertEqual(["plant1 4"] * 4, self.statuses())
        statuses = [node.status() for node in self.plant]  # a node may go on between two
        self.assertEqual(1, len({status["chain"] for status in statuses
                                 if status["applied_index"] == index}))
        self.assert_same_digests()
        for node in self.plant:
            node.stop()
            done = weft("check-data", node.data)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    cluster.main()
