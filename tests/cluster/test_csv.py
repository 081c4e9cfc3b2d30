"""tests/cluster/test_csv.py: tables with a mapping file in a running plant.

What is expected is read from the sample table by Python's own csv module."""

import csv
import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

SAMPLES = cluster.ROOT / "ops/samples"


def time_of(text):
    when = datetime.datetime.strptime(text + " +0100", "%d.%m.%Y %H:%M:%S %z")
    return round(when.timestamp()) * 1_000_000_000


class Csv(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        with open(SAMPLES / "inspections.csv", encoding="utf-8", newline="") as f:
            cls.rows = list(csv.DictReader(f, delimiter=";"))
        super().setUpClass()

    def records(self):
        with self.plant.leader().connect() as client:
            return list(client.commits(1))

    def load(self, *arguments, **options):
        return self.plant.weft("import", "csv", "--map", str(SAMPLES / "inspection.map.json"),
                               *arguments, "-o", "json", **options)

    def test_1_every_row_becomes_a_record(self):
        answer = json.loads(self.load(str(SAMPLES / "inspections.csv"), check=True).stdout)
        self.assertEqual((len(self.rows),) * 2, (answer["rows"], answer["imported"]))
        found = {r["asset"]: r for r in self.records() if r["kind"] == "inspection"}
        self.assertEqual({"serial:valve/" + row["Serial"] for row in self.rows}, set(found))
        for row in self.rows:
            record = found["serial:valve/" + row["Serial"]]
            self.assertEqual(time_of(row["Measured"]), record["at_ns"])
            self.assertEqual(("text", row["Result"]), record["attrs"]["verdict"])
            self.assertEqual(("real", row["Bore diameter"].replace(",", ".")),
                             record["attrs"]["bore/value"])
            self.assertEqual(("int", row["Attempts"]), record["attrs"]["attempts"])
            self.assertEqual(row["Remark"] or None,
                             record["attrs"].get("remark", (None, None))[1])
            self.assertEqual(row["Leak rate"] != "n/a", "leak_rate/value" in record["attrs"])
            links = [("made_on", "plant-b/" + row["Gauge"])]
            if row["Grease lot"] != "-":
                links.append(("uses_lot", "lot:grease/" + row["Grease lot"]))
            self.assertEqual(links, record["links"])

    def test_2_again_under_another_name_and_from_a_pipe_changes_nothing(self):
        before = self.records()
        text = (SAMPLES / "inspections.csv").read_text(encoding="utf-8")
        answer = json.loads(self.load("-", text=text, check=True).stdout)
        self.assertEqual((0, len(self.rows)), (answer["imported"], answer["unchanged"]))
        self.assertEqual(before, self.records())

    def test_3_what_is_refused_is_named_and_the_rest_is_imported(self):
        lines = (SAMPLES / "inspections.csv").read_text(encoding="utf-8").splitlines()
        path = self.directory / "bad.csv"
        path.write_bytes("\r\n".join([
            lines[0], lines[1].replace("1001", "2001").replace("12,006", "wide"),
            lines[1].replace("1001", "2002"), "2003;short",
            lines[1].replace("1001", "2004").replace("PASS", "")]).encode() +
            b"\r\n" + lines[1].replace("1001", "2005").encode() + b"\xe4\r\n")
        done = self.load(str(path))
        self.assertEqual(2, done.returncode, done.stderr)
        for place in ("bad.csv: line 2, column 31 (Bore diameter): 'wide' is not a number",
                      "bad.csv: line 4, column 6: the row has 2 cells, the header 10",
                      "bad.csv: line 5, column 26 (Result): is empty, but required",
                      "bad.csv: line 6, column 59: not UTF-8"):
            self.assertIn(place, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((5, 1, 4), (answer["rows"], answer["imported"], answer["refused"]))

    def test_4_a_mapping_that_does_not_fit_imports_nothing(self):
        before = self.records()
        path = self.directory / "other.csv"
        path.write_text("a,b\n1,2\n")
        done = self.load(str(path))
        self.assertEqual(2, done.returncode)
        self.assertIn("the header has no 'Serial'", done.stderr)
        done = self.plant.weft("import", "csv", str(path))
        self.assertEqual(2, done.returncode)
        self.assertIn("--map FILE", done.stderr)
        self.assertEqual(before, self.records())


if __name__ == "__main__":
    cluster.main()
