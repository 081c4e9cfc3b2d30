"""tests/cluster/test_models.py: models are registered at a running plant and hold its records: on
every node, after restarts, on a follower that was made from a checkpoint, with one digest."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402

MODELS = cluster.ROOT / "ops/models"
TRIM_SOON = {"limits": {"checkpoint_entries": 64, "trailing_entries": 0}}


def gauge(version, contents):
    """A model of kind `gauge`."""
    return {"@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1",
                         "dtmi:weft:context;1"],
            "@id": f"dtmi:example:gauge;{version}", "@type": "Interface", "weft:kind": "gauge",
            "contents": contents}


def choice(*values):
    return {"@type": "Property", "name": "state", "weft:required": True, "schema": {
        "@type": "Enum", "valueSchema": "string",
        "enumValues": [{"name": v, "enumValue": v} for v in values]}}


LENGTH = {"@type": ["Property", "Length"], "name": "depth", "schema": "double",
          "unit": "millimetre"}
GOOD = {"kind": "gauge", "asset": "gauge:1", "attrs": {"state": "ok"}}
BAD = {"kind": "gauge", "asset": "gauge:1", "attrs": {"state": "wrong"}}


class Models(cluster.PlantCase):
    plant_settings = TRIM_SOON

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()

    def put(self, *records, **options):
        return self.plant.weft("put", "-", text="".join(json.dumps(r) + "\n" for r in records),
                               **options)

    @staticmethod
    def offline(*arguments):
        return subprocess.run([str(cluster.options.bin / "weft"), *arguments], timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)

    def file(self, name, model):
        path = self.directory / name
        path.write_text(json.dumps(model, indent=2), encoding="utf-8")
        return str(path)

    def assert_held(self, nodes=None):
        """Each of the nodes, as leader or not, has a plant that knows the model."""
        done = self.put(BAD)
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("/records/0/attrs/state", done.stderr)
        self.assertEqual(0, self.put(GOOD).returncode)
        self.assert_same_digests(nodes)

    def test_1_the_models_that_are_shipped_are_registered_in_one_commit(self):
        files = sorted(MODELS.glob("*.json"))
        self.assertEqual(29, len(files))
        answer = self.plant.weft_json("model", "add", *map(str, files))
        self.assertEqual({"new"}, {m["change"] for m in answer["models"]})
        again = self.plant.weft_json("model", "add", *map(str, files))
        self.assertNotIn("index", again)
        self.assertEqual({"unchanged"}, {m["change"] for m in again["models"]})
        listed = self.plant.weft_json("model", "list")["models"]
        self.assertEqual(sorted(f.stem for f in files), [m["kind"] for m in listed])
        self.assertEqual({answer["index"]}, {m["index"] for m in listed})
        for file in files[::7]:
            shown = self.plant.weft("model", "show", file.stem, "-o", "json", check=True).stdout
            self.assertEqual(file.read_text(encoding="utf-8"), shown)
        table = self.plant.weft("model", "show", "inspection", "-o", "table", check=True).stdout
        self.assertIn("PASS|CONDITIONAL|FAIL|BLOCK", table)
        self.assertIn("> made_on", table)

    def test_2_records_that_do_not_fit_are_refused_with_a_pointer(self):
        good = {"kind": "part_revision", "asset": "part:box/rev/A", "attrs": {
            "status": "released", "mass": {"value": 1.5, "unit": "kg"}},
            "links": [{"rel": "revision_of", "to": "part:box"}]}
        self.assertEqual(0, self.put(good).returncode)
        for pointer, attrs in (("/records/1/attrs/mass/unit", {"mass": {"value": 1, "unit": "x"}}),
                               ("/records/1/attrs/mass", {"mass": 1.5}),
                               ("/records/1/attrs/status", {"status": "new"})):
            done = self.put(good, {**good, "attrs": attrs})
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn(pointer, done.stderr)
        done = self.put({**good, "links": []})
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("/records/0/links", done.stderr)
        self.assertEqual(0, self.put({"kind": "free", "asset": "a", "attrs": {"x": 1}}).returncode)

    def test_3_compatible_and_breaking_changes_are_told_apart(self):
        first = self.file("gauge.json", gauge(1, [choice("ok", "bad")]))
        self.plant.weft("model", "add", first, check=True)
        wider = self.file("gauge.json", gauge(2, [choice("ok", "bad", "unsure"), LENGTH]))
        answer = self.plant.weft_json("model", "add", wider, "--dry-run")
        self.assertNotIn("index", answer)
        answer = self.plant.weft_json("model", "add", wider)
        self.assertEqual(("compatible", 1, 2), tuple(
            answer["models"][0][key] for key in ("change", "before", "version")))
        self.assertEqual({("/attrs/depth", "new", False), ("/attrs/state", "value added: unsure",
                                                           False)},
                         {(r["where"], r["what"], r["breaking"])
                          for r in answer["models"][0]["reasons"]})
        narrower = self.file("gauge.json", gauge(3, [choice("ok")]))
        done = self.plant.weft("model", "add", narrower, "-o", "json")
        self.assertEqual(5, done.returncode, done.stderr)
        refused = json.loads(done.stdout)["models"][0]
        self.assertEqual("breaking", refused["change"])
        self.assertEqual(3, sum(r["breaking"] for r in refused["reasons"]))
        listed = self.plant.weft_json("model", "list")["models"]
        self.assertEqual(2, next(m["version"] for m in listed if m["kind"] == "gauge"))
        answer = self.plant.weft_json("model", "add", narrower, "--breaking")
        self.assertIn("index", answer)
        # A version that does not rise, and what the node itself says to one who does not ask.
        same = self.file("gauge.json", gauge(3, [choice("ok", "bad")]))
        self.assertEqual(5, self.plant.weft("model", "add", same).returncode)
        done = self.put({"kind": "model", "asset": "kind:gauge", "attrs": {
            "dtdl": json.dumps(gauge(4, [])), "version": 4}})
        self.assertEqual(5, done.returncode, done.stderr)
        self.assertIn("/records/0/attrs/dtdl", done.stderr)
        # All of them can still be read.
        for version, values in ((1, 2), (2, 3), (3, 1)):
            shown = self.plant.weft_json("model", "show", "gauge", "--version", str(version))
            self.assertEqual(values, len(shown["contents"][0]["schema"]["enumValues"]))
        self.assertEqual(1, self.plant.weft("model", "show", "gauge", "--version", "9").returncode)
        self.assertEqual(1, self.plant.weft("model", "show", "nothing").returncode)

    def test_4_bad_models_are_refused_with_line_and_pointer(self):
        bad = self.directory / "bad.json"
        bad.write_text(json.dumps(gauge(1, [{**LENGTH, "unit": "kilogram"}]), indent=2))
        for done in (self.offline("model", "check", str(bad)),
                     self.plant.weft("model", "add", str(bad))):
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn("bad.json: line 18, column 15 (/contents/0/unit): conflicting units",
                          done.stderr)
        done = self.put({"kind": "model", "asset": "kind:gauge", "attrs": {
            "dtdl": bad.read_text(), "version": 1}})
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("/records/0/attrs/dtdl", done.stderr)
        self.assertIn("line 18, column 15 (/contents/0/unit)", done.stderr)

    def test_5_records_are_checked_against_a_file_without_a_plant(self):
        model = self.file("free.json", gauge(1, [choice("ok")]))
        records = self.directory / "records.jsonl"
        records.write_text("\n".join(json.dumps(r) for r in (
            GOOD, BAD, {"kind": "x", "asset": "a"}, {**GOOD, "attrs": {}})) + "\n")
        done = self.offline("model", "check", model, str(records))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("records.jsonl: line 2 (/attrs/state): \"wrong\" is no Enum of ok",
                      done.stderr)
        self.assertIn("line 4 (/attrs/state): 'state' is missing", done.stderr)
        self.assertIn("3 records of that kind, of which 2 do not fit; 1 of other kinds",
                      done.stderr)
        self.assertEqual(0, self.offline("model", "check", model).returncode)

    def test_6_every_node_knows_them_after_a_restart(self):
        self.assert_held()
        for node in self.plant:
            self.assertEqual(0, node.stop())
            node.start()
            self.plant.wait_for_voters()
        self.assert_held()
        # By every node as leader in turn.
        for node in self.plant:
            if node is not self.plant.leader():
                self.plant.weft("member", "transfer", node.name, check=True)
                plant.wait_for("leadership", lambda n=node: self.plant.leader() is n)
            self.assert_held()

    def test_7_so_does_a_follower_that_was_made_from_a_checkpoint(self):
        follower = self.plant.followers()[0]
        follower.kill()
        at = self.plant.leader().status()["applied_index"]
        number = 0
        while self.plant.leader().status()["first_log_index"] <= at + 1:
            number += 1
            self.assertLess(number, 2000)
            self.put({**GOOD, "asset": f"gauge:{number}"})
        follower.wipe()
        follower.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters(seconds=90)
        self.assertGreaterEqual(follower.status()["checkpoint_index"], at)
        self.plant.weft("member", "transfer", follower.name, check=True)
        plant.wait_for("leadership", lambda: self.plant.leader() is follower)
        self.assert_held()

    def test_8_kinds_without_a_model_are_refused_if_the_site_says_so(self):
        setting = {"kind": "site_setting", "asset": "site:settings"}
        self.assertEqual(2, self.put({**setting, "attrs": {"unregistered_kinds": 1}}).returncode)
        self.assertEqual(0, self.put(
            {**setting, "attrs": {"unregistered_kinds": "refuse"}}).returncode)
        done = self.put({"kind": "free", "asset": "a"})
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("/records/0/kind", done.stderr)
        self.assertIn("weft model add", done.stderr)
        leader = self.plant.leader()
        leader.kill()
        self.assertEqual(2, self.put({"kind": "free", "asset": "a"}).returncode)
        self.assertEqual(0, self.put(GOOD).returncode)
        leader.start()
        self.plant.wait_for_voters()
        self.assertEqual(0, self.put(
            {**setting, "attrs": {"unregistered_kinds": "allow"}}).returncode)
        self.assertEqual(0, self.put({"kind": "free", "asset": "a"}).returncode)
        self.assert_held()

    def test_9_a_stopped_node_is_found_whole(self):
        node = self.plant.followers()[0]
        self.assertEqual(0, node.stop())
        done = self.offline("check-data", str(node.data))
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    cluster.main()
