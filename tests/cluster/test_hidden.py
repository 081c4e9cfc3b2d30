"""tests/cluster/test_hidden.py: what a policy hides leaves a site by no door: native and HTTP.

NOD-176: each resource of the HTTP door is asked here, and each command that reads."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import web  # noqa: E402

# What each resource of HTTP is asked; those below it tell nothing of any record.
WAYS = {
    "/v1/assets/{id}": ("/v1/assets/box:1", "/v1/assets/box:2", "/v1/assets/box:1?at=2030-01-01"),
    "/v1/assets/{id}/records": ("/v1/assets/box:1/records", "/v1/assets/box:2/records"),
    "/v1/assets/{id}/story": ("/v1/assets/box:1/story", "/v1/assets/lot:1/story?limit=1"),
    "/v1/records": ("/v1/records", "/v1/records?kind=cost", "/v1/records?kind=inspection"),
    "/v1/trace/forward/{id}": ("/v1/trace/forward/lot:1", "/v1/trace/forward/lot:1?records=true",
                               "/v1/trace/forward/lot:1?ids=true"),
    "/v1/trace/back/{id}": ("/v1/trace/back/box:1", "/v1/trace/back/box:1?records=true"),
    "/v1/recall": ("/v1/recall?lot=lot:1", "/v1/recall?lot=lot:1&records=true"),
    "/v1/commits": ("/v1/commits?from=1",),
    "/v1/audit/{path}": ("/v1/audit/checkpoint", "/v1/audit/tile/entries/000.p/1",
                         "/v1/audit/across/box:1", "/v1/audit/across/box:2",
                         "/v1/audit/ask/box:1", "/v1/audit/cells/*/asset/box:1"),
    "/add-checkpoint": ("/add-checkpoint",),
    "/v1/status": ("/v1/status",),
    "/v1/import/{job}": ("/v1/import/1",),
    "/v1/import/epcis": (),
    "/metrics": ("/metrics",),
    "/healthz": ("/healthz",),
    "/readyz": ("/readyz",),
    "/openapi.json": ("/openapi.json",),
}
# Those that read; others commit, look at files or keep a site.
COMMANDS = (("get", "box:1"), ("get", "box:1", "-o", "json"), ("get", "box:2"),
            ("get", "box:1", "--at", "2030-01-01"), ("claims", "box:1"),
            ("diff", "box:1", "--at", "2020-01-01"), ("story", "box:1"), ("story", "lot:1"),
            ("find",), ("find", "-o", "json"), ("find", "--kind", "cost"),
            ("find", "--where", "price != zero"), ("find", "--kind", "inspection",
                                                   "--differs", "price"),
            ("trace", "forward", "lot:1"), ("trace", "forward", "lot:1", "-o", "json"),
            ("trace", "back", "box:1"), ("trace", "back", "box:1", "-o", "json"),
            ("trace", "back", "box:1", "--across"), ("trace", "back", "box:2", "--across"),
            ("trace", "back", "box:1", "--across", "--ask"),
            ("recall", "--lot", "lot:1"), ("recall", "--lot", "lot:1", "-o", "json"),
            ("watch", "--from", "1", "--idle", "1"),
            ("watch", "--from", "1", "--idle", "1", "-o", "jsonl"),
            ("model", "list"), ("policy", "show"), ("telemetry", "list", "box:1"),
            ("audit", "head"), ("audit", "show"), ("audit", "tail", "--once"),
            ("status",), ("member", "list"))
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


class Hidden(cluster.GovernedCase):
    policy = POLICY
    plant_nodes = ("n1",)

    @classmethod
    def setUpClass(cls):
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

    def assert_hidden(self, said, where):
        self.assertNotIn(SECRET, said, where)
        self.assertNotIn(OTHER, said, where)

    def test_by_the_native_door(self):
        vic, ann = self.who["vic"], self.who["ann"]
        for arguments in COMMANDS + (("find", "--where", f"price != {OTHER}x"),):
            told = self.plant.weft(*arguments, identity=vic)
            self.assert_hidden(told.stdout + told.stderr, arguments)
        for value in (SECRET, OTHER):
            for comparison in ("=", "!="):
                found = self.plant.weft("find", "--where", f"price {comparison} {value}", "-o",
                                        "json", identity=vic)
                self.assertNotIn("box:1", found.stdout)
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
        document = door["vic"].get("/openapi.json", check=False).json
        self.assertEqual(sorted(document["paths"]), sorted(WAYS))
        for target in (target for targets in WAYS.values() for target in targets):
            told = door["vic"].get(target, check=False)
            self.assert_hidden(told.body.decode(errors="replace") + str(told.headers), target)
        self.assertIn(SECRET, door["ann"].get("/v1/assets/box:1", check=False).body.decode())
        self.assertIn(OTHER, door["ann"].get("/v1/assets/box:2", check=False).body.decode())
        part = door["vic"].get("/v1/assets/box:1/records", check=False)
        self.assertEqual(200, part.status)
        self.assertIn('"@hidden"', part.body.decode())
        self.assertEqual(403, door["vic"].get("/v1/assets/box:2", check=False).status)
        self.assertEqual(403, door["vic"].get("/v1/assets/box:77", check=False).status)

    def test_an_import_is_reported_to_whoever_started_it(self):
        door = {name: web.Web(self.plant["n1"].http, web.tls(self.who[name]))
                for name in ("ann", "vic")}
        document = {"@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                    "type": "EPCISDocument", "schemaVersion": "2.0",
                    "creationDate": "2026-01-01T00:00:00Z",
                    "epcisBody": {"eventList": [{"type": SECRET}]}}
        started = door["ann"].request("POST", "/v1/import/epcis?name=x.jsonld",
                                      body=document, check=False)
        self.assertEqual(202, started.status, started.body)
        target = started.headers["location"]
        report = cluster.plant.wait_for("the import ends", lambda: (
            lambda job: None if job["running"] else job)(
                door["ann"].get(target, check=False).json))
        self.assertEqual(1, report["refused"])
        self.assertEqual(404, door["vic"].get(target, check=False).status)

    def test_by_event_streams(self):
        streams = {name: web.Stream([self.plant["n1"].http], web.tls(self.who[name]), start=1)
                   for name in ("ann", "vic")}
        for stream in streams.values():
            stream.start()
        # Both at one place of the feed: a page is shared only by streams of one principal.
        cluster.plant.wait_for("all is told", lambda: len(streams["ann"].events) >= 3
                         and len(streams["vic"].events) >= 1)
        for stream in streams.values():
            stream.stop()
        self.assertIn(OTHER, json.dumps(streams["ann"].events))
        told = json.dumps(streams["vic"].events)
        self.assertIn("box:1", told)
        self.assert_hidden(told, "events")


if __name__ == "__main__":
    cluster.main()
