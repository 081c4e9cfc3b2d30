"""tests/cluster/test_epcis.py: the GS1 example documents in a running plant.

What is expected is read from the documents by this file, not by the importer: which events there
are, which of them are the same event, which identifiers each one names, and when."""

import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

LISTS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")


def events_of(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    body = document["epcisBody"]
    if document["type"] == "EPCISQueryDocument":
        return body["queryResults"]["resultsBody"]["eventList"]
    return body["eventList"] if "eventList" in body else [body["event"]]


def epcs_of(event):
    """Identifiers of single things that the event names."""
    named = [epc for key in LISTS for epc in event.get(key, ())]
    return set(named + ([event["parentID"]] if "parentID" in event else []))


def time_of(event):
    """ns since 1970, as the standard's own field says it."""
    when = datetime.datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00"))
    return round(when.timestamp() * 1000) * 1_000_000


class Epcis(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        cls.files = sorted(cluster.data("epcis/examples").rglob("*.jsonld"))
        cls.events = [event for path in cls.files for event in events_of(path)]
        super().setUpClass()

    def imported(self):
        with self.plant.leader().connect() as client:
            return [r for r in client.commits(1) if r["kind"].startswith("epcis.")]

    def test_1_every_example_document_imports_and_the_counts_are_equal(self):
        self.assertGreaterEqual(len(self.files), 47)
        self.assertGreaterEqual(len(self.events), 56)
        answer = self.plant.weft_json("import", "epcis", *map(str, self.files))
        self.assertEqual(len(self.files), answer["files"])
        self.assertEqual(len(self.events), answer["events"])
        self.assertEqual(0, answer["refused"])
        # Some examples repeat an event of another file word for word: that is one event.
        distinct = {json.dumps(event, sort_keys=True) for event in self.events}
        self.assertEqual(len(distinct), answer["imported"])
        self.assertEqual(len(self.events) - len(distinct), answer["unchanged"])
        records = self.imported()
        self.assertEqual(len(distinct), len(records))
        times = sorted(time_of(json.loads(event)) for event in distinct)
        self.assertEqual(times, sorted(r["at_ns"] for r in records))
        self.assert_same_digests()

    def test_2_a_second_import_changes_nothing(self):
        before = self.imported()
        answer = self.plant.weft_json("import", "epcis", *map(str, self.files))
        self.assertEqual(0, answer["imported"])
        self.assertEqual(len(self.events), answer["unchanged"])
        self.assertEqual(before, self.imported())

    def test_3_the_story_of_an_epc_names_its_events_in_order(self):
        wanted = {}
        for event in self.events:
            for epc in epcs_of(event):
                wanted.setdefault(epc, set()).add((time_of(event), event["type"]))
        self.assertGreater(len(wanted), 20)
        with self.plant.followers()[0].connect() as client:
            for epc, happened in wanted.items():
                story = list(client.pages("story", asset=epc))
                times = [r["at_ns"] for r in story]
                self.assertEqual(sorted(times), times, epc)
                told = {(r["at_ns"], r["kind"].removeprefix("epcis.").capitalize() + "Event")
                        for r in story}
                self.assertEqual(set(), happened - told, f"{epc}: not told")

    def test_4_the_command_tells_the_same_story(self):
        epc = max((epc for event in self.events for epc in epcs_of(event)),
                  key=lambda e: sum(e in epcs_of(event) for event in self.events))
        answer = self.plant.weft_json("story", epc, "--limit", "1000")
        with self.plant.leader().connect() as client:
            expected = [r["asset"] for r in client.pages("story", asset=epc)]
        self.assertEqual(expected, [r["asset"] for r in answer["records"]])
        self.assertGreater(len(expected), 1)
        self.assertEqual(1, self.plant.weft("story", "urn:epc:id:sgtin:0.0.0").returncode)

    def test_5_what_is_refused_is_named_by_file_and_pointer(self):
        event = dict(next(e for e in self.events if e["type"] == "ObjectEvent"))
        bad = {"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0",
               "creationDate": "2020-01-01T00:00:00Z", "epcisBody": {"eventList": [
                   {**event, "eventID": "urn:uuid:1", "eventTime": "yesterday"},
                   {**event, "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001"}]}}
        path = self.directory / "half-bad.jsonld"
        path.write_text(json.dumps(bad))
        done = self.plant.weft("import", "epcis", str(path), "-o", "json")
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("half-bad.jsonld", done.stderr)
        self.assertIn("/epcisBody/eventList/0", done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((2, 1, 1), (answer["events"], answer["imported"], answer["refused"]))


if __name__ == "__main__":
    cluster.main()
