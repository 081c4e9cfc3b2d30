"""tests/cluster/test_policy.py: a site that is governed from its first commit on: what its policy
refuses and permits, how the policy is changed, and that every node decides alike."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402

GOOD = {"kind": "inspection", "asset": "box:1", "attrs": {"verdict": "PASS"}}


def weft(*arguments, text=None):
    return subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)], timeout=60,
                          input=text or "", capture_output=True, text=True, check=False)


def make_org(directory, *more):
    directory = directory.resolve()
    done = weft("pki", "org", "--org", "oem.example", "--site", "plant1", "--admin", "ann",
                "--admin", "bo", "--clear", "--out", directory, *more)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return {"org": directory / "org.note", "file": directory / "policy.note",
            "keys": directory / "keys"}


class Bootstrap(cluster.PlantCase):
    plant_nodes = None

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()
        cls.org = make_org(cls.directory / "org")

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


class Governed(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        # The plant's settings name files that are made first.
        cls.home = pathlib.Path(cluster.tempfile.mkdtemp(prefix="org-", dir=cluster.options.work))
        cls.plant_settings = {"policy": make_org(cls.home / "org")}
        super().setUpClass()
        cls.who = {name: cls.plant.authority.issue("plant1", "op", name, cls.plant.directory / name)
                   for name in ("ann", "vic")}

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cluster.shutil.rmtree(cls.home, ignore_errors=True)

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


if __name__ == "__main__":
    cluster.main()
