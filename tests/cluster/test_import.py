"""tests/cluster/test_import.py: imports that are broken off, repeated, and partly refused.

The events are the sample generator's; what has to be there is counted from the documents."""

import collections
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402


def generate(directory, blocks, seed):
    """Documents of the generator, with event ids that are the seed's own."""
    subprocess.run([sys.executable, str(cluster.ROOT / "ops/samples/generate"), "--blocks",
                    str(blocks), "--seed", str(seed), str(directory)], check=True,
                   stdout=subprocess.DEVNULL)
    files = sorted(directory.glob("*.jsonld"))
    for path in files:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub('"urn:uuid:..', f'"urn:uuid:{seed:02x}', text), encoding="utf-8")
    return files


def events_of(files):
    for path in files:
        yield from json.loads(path.read_text(encoding="utf-8"))["epcisBody"]["eventList"]


class Import(cluster.PlantCase):
    def event_ids(self):
        """The ids of the imported events, as often as there are records of them."""
        with self.plant.leader().connect() as client:
            return sorted(r["attrs"]["eventID"][1] for r in client.commits(1)
                          if r["kind"].startswith("epcis."))

    def record_count(self):
        status = self.plant.leader_status()
        return status["gauges"]["records"] if status else 0

    def start(self, *arguments):
        return subprocess.Popen(
            [str(self.plant.bin / "weft"), "import", "epcis", *map(str, arguments), "-o", "json",
             "--endpoint", self.plant.endpoints(), "--identity", str(self.plant.identity)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True)

    def test_1_an_import_that_was_killed_goes_on_when_it_is_run_again(self):
        files = generate(self.directory / "killed", 300, 1)
        wanted = sorted(event["eventID"] for event in events_of(files))
        before, rounds = self.record_count(), 0
        for _ in range(3):
            process = self.start("--batch", "16", "--outstanding", "2", *files)
            plant.wait_for("something new is there",
                           lambda n=before: self.record_count() > n or process.poll() is not None)
            rounds += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
            found = self.event_ids()
            # An event and its error declaration have one id: none is there too often.
            self.assertLessEqual(collections.Counter(found), collections.Counter(wanted))
            before = self.record_count()
        self.assertGreater(rounds, 0, "it was never killed half-way")
        answer = self.plant.weft_json("import", "epcis", *map(str, files))
        self.assertEqual(len(wanted), answer["events"])
        self.assertEqual(len(wanted), answer["imported"] + answer["unchanged"])
        self.assertGreaterEqual(answer["unchanged"], before)
        self.assertEqual(wanted, self.event_ids())
        self.assert_same_digests()

    def test_2_each_event_counts_once_though_the_leader_is_killed(self):
        files = generate(self.directory / "leader", 200, 2)
        wanted = sorted(event["eventID"] for event in events_of(files))
        before, count = set(self.event_ids()), self.record_count()
        process = self.start("--timeout", "60", *files)
        plant.wait_for("something new is there", lambda: self.record_count() > count)
        leader = self.plant.leader()
        leader.kill()
        output, errors = process.communicate(timeout=120)
        self.assertEqual(0, process.returncode, errors)
        answer = json.loads(output)
        self.assertEqual((len(wanted), 0, 0), (answer["imported"], answer["unchanged"],
                                               answer["refused"]))
        self.assertEqual(wanted, [name for name in self.event_ids() if name not in before])
        leader.start()
        self.plant.wait_for_voters()
        self.assert_same_digests()

    def test_3_what_is_known_refused_or_repeated_does_not_fail_its_batch(self):
        files = generate(self.directory / "mixed", 36, 3)
        events = list(events_of(files))
        known, fresh = events[::3], [e for i, e in enumerate(events) if i % 3]
        path = self.directory / "known.json"
        path.write_text(json.dumps(known))
        answer = self.plant.weft_json("import", "epcis", str(path))
        self.assertEqual(len(known), answer["imported"])
        bad = [{**event, "eventTime": "yesterday"} for event in fresh[:2]]
        path.write_text(json.dumps(events[:50] + bad + events + fresh[:5]))
        done = self.plant.weft("import", "epcis", "--batch", "100", "-o", "json", str(path))
        self.assertEqual(2, done.returncode)
        answer = json.loads(done.stdout)
        self.assertEqual(len(fresh), answer["imported"])
        self.assertEqual(2, answer["refused"])
        self.assertEqual(50 + len(events) + 5 - len(fresh), answer["unchanged"])
        for place in ("(/50/eventTime)", "(/51/eventTime)"):
            self.assertIn(place, done.stderr)
        names = [event["eventID"] for event in events]
        self.assertEqual(sorted(names), [n for n in self.event_ids() if n in set(names)])

    def test_4_what_comes_slowly_is_committed_as_it_comes(self):
        files = generate(self.directory / "slow", 36, 4)
        events = list(events_of(files))
        before = self.record_count()
        process = self.start("-")
        process.stdin.write("[" + json.dumps(events[0]) + "," + json.dumps(events[1]) + ",")
        process.stdin.flush()
        plant.wait_for("two events are there", lambda: self.record_count() == before + 2)
        time.sleep(2)  # longer than a node waits for a silent client
        process.stdin.write(json.dumps(events[2]) + "]")
        output, errors = process.communicate(timeout=30)
        self.assertEqual(0, process.returncode, errors)
        self.assertEqual(3, json.loads(output)["imported"])

    def test_5_memory_does_not_grow_with_the_document(self):
        files = generate(self.directory / "long", 36, 5)
        event = json.dumps(next(events_of(files)))
        sink = subprocess.Popen(
            [str(self.plant.bin / "weft"), "import", "epcis", "--dry-run", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        peaks = []
        sink.stdin.write("[" + event)
        for _ in range(2):
            for _ in range(20_000):
                sink.stdin.write("," + event)
            sink.stdin.flush()
            with open(f"/proc/{sink.pid}/status", encoding="ascii") as f:
                peaks.append(next(int(line.split()[1]) for line in f if "VmHWM" in line))
        sink.stdin.write("]")
        sink.stdin.close()
        self.assertEqual(0, sink.wait(60))
        self.assertLess(peaks[1], 64 * 1024)
        self.assertLess(peaks[1] - peaks[0], 1024)


if __name__ == "__main__":
    cluster.main()
