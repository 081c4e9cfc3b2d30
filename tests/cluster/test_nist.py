"""tests/cluster/test_nist.py: a thread across two organizations, from their own files.

20 boxes, covers and plates: machining logs and first-article inspection at NIST, incoming
inspection at the MTC (shared/data/nist-box). What is expected is counted by tests/lib/nist_box.py
straight from the files, and stated here once more as numbers."""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import nist_box  # noqa: E402

SAMPLES = cluster.ROOT / "ops/samples/nist-box"
RUNS, LINES, DAMAGED = 60, 1_206_738, 80
UNITS = {"first_article": 60, "incoming": 59}  # one of the 60, three of the 59 without a serial
UNSERIALIZED = {"first_article": 1, "incoming": 3}
MEASUREMENTS = {"first_article": 2_175, "incoming": 2_054}
DIFFERING = ["box/11", "box/2", "box/6", "box/7", "plate/12"]


class Nist(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        cls.box = nist_box.NistBox(cluster.data("nist-box"))
        super().setUpClass()
        cls.runs = cls.box.unpack_runs(cls.directory)

    def import_qif(self, name):
        files = getattr(self.box, f"{name}_files")
        return self.plant.weft_json("import", "qif", "--map",
                                    str(SAMPLES / f"{name.replace('_', '-')}.json"),
                                    *map(str, files))

    def import_runs(self, paths, **options):
        return self.plant.weft("import", "mtconnect", "-o", "json",
                               "--map", str(SAMPLES / "machining.json"), "--devices",
                               str(self.box.directory / "MTConnect/Devices.xml"),
                               *map(str, paths), **options)

    def records(self, kind):
        """{asset: [record, ...]}, numbers as they are written."""
        done = self.plant.weft("find", "--kind", kind, "--limit", "100000", "-o", "jsonl",
                               check=True)
        found = collections.defaultdict(list)
        for line in done.stdout.splitlines():
            record = json.loads(line, parse_int=str, parse_float=str)
            found[record["asset"]].append(record)
        return found

    def inspections(self, name):
        return {asset: record for asset, records in self.records("inspection").items()
                for record in records if record["attrs"]["inspection"] == name}

    def test_1_the_files_hold_what_is_stated_here(self):
        for name in UNITS:
            results = getattr(self.box, name)
            self.assertEqual(UNITS[name], len(results))
            self.assertEqual(UNSERIALIZED[name], sum(r.unit is None for r in results))
            self.assertEqual(MEASUREMENTS[name], sum(len(r.measured) for r in results))
        self.assertEqual(RUNS, len(self.runs))
        lines = [line for _, path in self.runs.values()
                 for line in path.read_text().splitlines()]
        self.assertEqual(LINES, len(lines))
        self.assertEqual(DAMAGED, sum(not nist_box.is_sound(line) for line in lines))
        self.assertEqual(DIFFERING, self.box.differing())

    def test_2_everything_is_imported(self):
        for name in UNITS:
            answer = self.import_qif(name)
            self.assertEqual((3, 0), (answer["files"], answer["refused"]), answer)
            self.assertEqual(59, answer["imported"], answer)
        answer = json.loads(self.import_runs(
            [path for _, path in self.runs.values()], check=True).stdout)
        self.assertEqual((RUNS, RUNS, 0),
                         (answer["files"], answer["imported"], answer["refused"]))
        self.assert_same_digests()

    def every_record(self):
        with self.plant.leader().connect() as client:
            return [(r["asset"], r["index"], r["ordinal"]) for r in client.commits(1)]

    def test_3_a_second_import_changes_nothing(self):
        before = self.every_record()
        for name in UNITS:
            answer = self.import_qif(name)
            self.assertEqual((0, 59), (answer["imported"], answer["unchanged"]), answer)
        answer = json.loads(self.import_runs(
            [path for _, path in self.runs.values()], check=True).stdout)
        self.assertEqual((0, RUNS), (answer["imported"], answer["unchanged"]), answer)
        self.assertEqual(before, self.every_record())

    def test_4_every_unit_and_measurement_is_there(self):
        for name in UNITS:
            found = self.inspections(name)
            self.assertEqual(UNITS[name], len(found))
            expected = {f"serial:{r.unit}": r for r in getattr(self.box, name) if r.unit}
            self.assertEqual(set(expected), {a for a in found if "/no-serial/" not in a})
            for asset, result in expected.items():
                attrs = found[asset]["attrs"]
                self.assertEqual(result.verdict, attrs["verdict"], asset)
                self.assert_same_measurements(asset, result, attrs)
            lost = [r for r in getattr(self.box, name) if not r.unit]
            kept = [found[a]["attrs"] for a in found if "/no-serial/" in a]
            self.assertEqual(sorted((r.verdict, len(r.measured)) for r in lost),
                             sorted((a["verdict"], len(a.get("characteristics", {})))
                                    for a in kept))
            self.assertTrue(all(a["identity"]["serial_missing"] for a in kept))

    def assert_same_measurements(self, asset, result, attrs):
        told = attrs["characteristics"]
        self.assertEqual(len(result.measured), len(told), asset)
        for measured, (label, values) in zip(result.measured, told.items()):
            self.assertTrue(label.startswith(measured.name), (asset, label, measured))
            self.assertEqual((measured.value, measured.status),
                             (values["value"], values["status"]), (asset, label))

    def test_5_the_story_of_box_7(self):
        story = self.plant.weft_json("story", "serial:box/7")["records"]
        self.assertEqual(["process_run", "inspection", "inspection"],
                         [r["kind"] for r in story])  # in the order of time
        run, incoming, first = story
        self.assertEqual("2017-02-14T19:37:02.718375Z", run["at"])
        self.assertIn({"rel": "made_on", "to": "machine:Hurco02"}, run["links"])
        self.assertIn({"rel": "output", "to": "serial:box/7"}, run["links"])
        self.assertEqual(("MTC", "incoming", "FAIL"), tuple(
            incoming["attrs"][k] for k in ("organization", "inspection", "verdict")))
        self.assertEqual(("NIST", "first_article", "PASS"), tuple(
            first["attrs"][k] for k in ("organization", "inspection", "verdict")))
        self.assertEqual("BOXRESULTS_A07_NIST_MTC_CRADA_BOX_ORIGIN_NIKON_TOUCH",
                         incoming["attrs"]["identity"]["serial"])
        self.assertTrue(incoming["attrs"]["identity"]["inferred"])
        self.assertEqual("2017-03-07T10:50:35Z", incoming["at"])
        self.assertEqual("2017-07-28T08:16:42Z", first["at"])

    def test_6_the_units_on_which_the_organizations_differ(self):
        wanted = self.box.differing()
        answer = self.plant.weft_json("find", "--kind", "inspection", "--differs", "verdict",
                                      "--by", "organization", "--limit", "1000")
        found = collections.defaultdict(dict)
        for record in answer["records"]:
            found[record["asset"]][record["attrs"]["organization"]] = record["attrs"]["verdict"]
        self.assertEqual([f"serial:{unit}" for unit in wanted], sorted(found))
        for unit in wanted:
            for name, organization in (("first_article", "NIST"), ("incoming", "MTC")):
                verdict = next(r.verdict for r in getattr(self.box, name) if r.unit == unit)
                self.assertEqual(verdict, found[f"serial:{unit}"][organization])
        # One asset at a time, by cursors; and nobody differs with himself.
        seen, cursor = [], []
        while True:
            page = self.plant.weft_json("find", "--kind", "inspection", "--differs", "verdict",
                                        "--by", "organization", "--limit", "1", *cursor)
            seen += [record["asset"] for record in page["records"]]
            if "cursor" not in page:
                break
            cursor = ["--cursor", page["cursor"]]
        self.assertEqual(sorted(2 * [f"serial:{unit}" for unit in wanted]), sorted(seen))
        alone = self.plant.weft_json("find", "--kind", "inspection", "--differs", "verdict")
        self.assertEqual([], alone["records"])  # one author

    def test_7_runs_say_what_their_lines_say(self):
        digests = self.box.raw_digests()
        runs = {link["to"]: record for records in self.records("process_run").values()
                for record in records for link in record["links"] if link["rel"] == "output"}
        self.assertEqual(RUNS, len(runs))
        for unit, (machine, path) in self.runs.items():
            attrs = runs[f"serial:{unit}"]["attrs"]
            self.assertEqual(machine, attrs["machine"])
            self.assertEqual(f"sha256:{digests[path.name]}", attrs["telemetry"]["raw_digest"])
            self.assertEqual(str(path.stat().st_size), attrs["telemetry"]["raw_bytes"])
            lines = path.read_text().splitlines()
            sound = [line.split("|") for line in lines if nist_box.is_sound(line)]
            self.assertEqual((str(len(lines)), str(len(lines) - len(sound))),
                             (attrs["lines"]["count"], attrs["lines"]["damaged"]))
            by_item = collections.defaultdict(list)
            for _, item, value in sound:
                by_item[item].append(value)
            self.assertEqual({i: str(len(v)) for i, v in by_item.items()},
                             {i: v["count"] for i, v in attrs["items"].items()})
            rates = [float(v) for v in by_item["Feed_Rate"]]
            told = attrs["items"]["Feed_Rate"]
            self.assertEqual("mm/s", told["unit"])
            self.assertEqual((min(rates), max(rates), by_item["Feed_Rate"][-1]),
                             (float(told["min"]), float(told["max"]), told["last"]))
            self.assertAlmostEqual(sum(rates) / len(rates), float(told["mean"]), 6)

    def blocks_of(self, unit):
        return [b["digest"] for b in
                self.plant.weft_json("telemetry", "list", f"serial:{unit}")]

    def block_path(self, node, digest):
        hexadecimal = digest.split(":")[1]
        return node.data / "telemetry" / hexadecimal[:2] / hexadecimal

    def test_8_any_node_gives_the_lines_back_byte_by_byte(self):
        blocks = self.blocks_of("box/7")
        raw = self.runs["box/7"][1].read_text()
        for node in self.plant:
            done = self.plant.weft("telemetry", "get", *blocks, endpoints=node.client, check=True)
            self.assertEqual(raw, done.stdout)
        node = self.plant.followers()[0]
        path = self.block_path(node, blocks[0])
        whole = path.read_bytes()
        # Lost, damaged, cut: it comes from another member and is whole again.
        for spoil in (path.unlink, lambda: path.write_bytes(whole[:-1] + b"x"),
                      lambda: path.write_bytes(whole[:100]), lambda: path.write_bytes(b"")):
            spoil()
            done = self.plant.weft("telemetry", "get", *blocks, endpoints=node.client, check=True)
            self.assertEqual(raw, done.stdout)
            cluster.plant.wait_for("the block is kept", lambda: path.exists() and
                                   path.read_bytes() == whole, 10)
        unknown = "sha256:" + 64 * "0"
        self.assertEqual(1, self.plant.weft("telemetry", "get", unknown).returncode)
        self.assertEqual(2, self.plant.weft("telemetry", "get", "sha256:12").returncode)

    def test_9_a_record_is_stated_only_after_a_majority_keeps_its_blocks(self):
        unit = self.directory / "Box-Hurco02-07of20.txt"  # the run of box 7, one line longer
        unit.write_text(self.runs["box/7"][1].read_text() +
                        "2017-02-15T00:00:00Z|Program_Status|ACTIVE\n")
        follower, other = self.plant.followers()
        follower.kill()
        done = self.import_runs([unit], check=True)
        self.assertEqual(1, json.loads(done.stdout)["imported"])
        blocks = self.blocks_of("box/7")
        self.assertEqual(2, len(blocks))
        follower.start()
        # It was away: what it lacks it fetches.
        self.assertFalse(self.block_path(follower, blocks[1]).exists())
        done = self.plant.weft("telemetry", "get", blocks[1], endpoints=follower.client, check=True)
        self.assertEqual(unit.read_text(), done.stdout)
        follower.kill()
        other.kill()
        unit.write_text(unit.read_text() + "2017-02-15T00:00:01Z|Program_Status|READY\n")
        done = self.import_runs([unit, "--timeout", "2"])
        self.assertEqual(3, done.returncode, done.stderr)
        follower.start()
        other.start()
        self.assertEqual(2, len(self.blocks_of("box/7")))
        answer = json.loads(self.import_runs([unit], check=True).stdout)
        self.assertEqual(1, answer["imported"])
        self.assertEqual(3, len(self.blocks_of("box/7")))
        self.assert_same_digests()


if __name__ == "__main__":
    cluster.main()
