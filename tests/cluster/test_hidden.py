"""tests/cluster/test_hidden.py: what a policy hides leaves a site by no door: native and HTTP."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import web  # noqa: E402

SECRET, OTHER = "Kx7markedsecret4Q", "Zw2markedsecret9P"
POLICY = """policy plant1 1
permit admin
  who op ann op bo
  do admin-policy admin-keys
permit all
  who op ann
  do any
permit some
  who op vic
  do read subscribe
  on kind inspection
  hide price
"""


def weft(*arguments, text=None):
    return subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)], timeout=60,
                          input=text or "", capture_output=True, text=True, check=False)


class Hidden(cluster.PlantCase):
    plant_nodes = ("n1",)

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        pathlib.Path(cluster.options.work).mkdir(parents=True, exist_ok=True)
        cls.home = pathlib.Path(cluster.tempfile.mkdtemp(prefix="org-", dir=cluster.options.work))
        rules = cls.home / "rules"
        rules.write_text(POLICY)
        directory = (cls.home / "org").resolve()
        done = weft("pki", "org", "--org", "oem.example", "--site", "plant1", "--admin", "ann",
                    "--admin", "bo", "--clear", "--out", directory, "--policy", rules)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        cls.plant_settings = {"policy": {"org": directory / "org.note",
                                         "file": directory / "policy.note",
                                         "keys": directory / "keys"}}
        super().setUpClass()
        cls.who = {name: cls.plant.authority.issue("plant1", "op", name, cls.plant.directory / name)
                   for name in ("ann", "vic")}
        for record in ({"kind": "inspection", "asset": "box:1", "attrs": {
                "verdict": "PASS", "price": SECRET}, "links": [{"rel": "consumes", "to": "lot:1"}]},
                       {"kind": "cost", "asset": "box:1", "attrs": {"note": OTHER}},
                       {"kind": "cost", "asset": "box:2", "attrs": {"note": OTHER}}):
            done = cls.plant.weft("put", "-", text=json.dumps(record) + "\n",
                                  identity=cls.who["ann"])
            if done.returncode != 0:
                raise RuntimeError(done.stderr)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cluster.shutil.rmtree(cls.home, ignore_errors=True)

    def assert_hidden(self, said, where):
        self.assertNotIn(SECRET, said, where)
        self.assertNotIn(OTHER, said, where)

    def test_by_the_native_door(self):
        vic, ann = self.who["vic"], self.who["ann"]
        for arguments in (("get", "box:1"), ("get", "box:1", "-o", "json"), ("get", "box:2"),
                          ("story", "box:1"), ("story", "lot:1"), ("find",),
                          ("find", "--kind", "cost"), ("find", "--where", f"price != {OTHER}"),
                          ("trace", "forward", "lot:1"), ("trace", "back", "box:1"),
                          ("recall", "--lot", "lot:1"), ("diff", "box:1", "--at", "2020-01-01"),
                          ("find", "--kind", "inspection", "--differs", "price")):
            told = self.plant.weft(*arguments, identity=vic)
            self.assert_hidden(told.stdout + told.stderr, arguments)
        whole = self.plant.weft("find", "-o", "json", identity=ann).stdout
        self.assertIn(SECRET, whole)
        self.assertIn(OTHER, whole)
        part = self.plant.weft("find", "-o", "json", identity=vic).stdout
        self.assertRegex(part, r'"@hidden":\s*"sha256:[0-9a-f]{64}"')
        for asset in ("box:2", "box:77"):
            refused = self.plant.weft("get", asset, identity=vic)
            self.assertNotEqual(0, refused.returncode)
            self.assertRegex(refused.stderr, r"not permitted \(correlation [0-9a-f]{16}\)")

    def test_by_the_http_door(self):
        door = {name: web.Web(self.plant["n1"].http, web.tls(self.who[name]))
                for name in ("ann", "vic")}
        for target in ("/v1/assets/box:1", "/v1/assets/box:1/story", "/v1/assets/lot:1/story",
                       "/v1/assets/box:1/records", "/v1/assets/box:2", "/v1/records",
                       "/v1/records?kind=cost", "/v1/trace/forward/lot:1", "/v1/trace/back/box:1",
                       "/v1/recall?lot=lot:1", "/v1/commits?from=1"):
            told = door["vic"].get(target, check=False)
            self.assert_hidden(told.body.decode(), target)
        self.assertIn(SECRET, door["ann"].get("/v1/assets/box:1", check=False).body.decode())
        self.assertIn(OTHER, door["ann"].get("/v1/assets/box:2", check=False).body.decode())
        part = door["vic"].get("/v1/assets/box:1/records", check=False)
        self.assertEqual(200, part.status)
        self.assertIn('"@hidden"', part.body.decode())
        self.assertEqual(403, door["vic"].get("/v1/assets/box:2", check=False).status)
        self.assertEqual(403, door["vic"].get("/v1/assets/box:77", check=False).status)


if __name__ == "__main__":
    cluster.main()
