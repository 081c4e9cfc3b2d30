"""tests/cluster/test_command.py: the `weft` command against a plant: what it prints, keeps and
gives back."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402


def lines(kind, assets):
    return "".join(json.dumps({"kind": kind, "asset": asset, "attrs": {"n": number}}) + "\n"
                   for number, asset in enumerate(assets))


class Command(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()

    def start(self, *arguments, **options):
        """`weft` beside the test; ends with it."""
        process = subprocess.Popen(
            [str(cluster.options.bin / "weft"), *arguments, "--endpoint", self.plant.endpoints(),
             "--identity", str(self.plant.identity)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.__exit__, None, None, None)  # Closes its pipes, waits.
        self.addCleanup(process.kill)
        return process


class Reading(Command):
    def test_find_goes_on_from_its_cursor_until_all_was_seen(self):
        self.plant.weft("put", "-", text=lines("test.page", [f"page/{i}" for i in range(95)]),
                        check=True)
        seen, cursor = [], []
        for _ in range(20):
            answer = self.plant.weft_json("find", "--kind", "test.page", "--limit", "10", *cursor)
            seen += [record["asset"] for record in answer["records"]]
            if "cursor" not in answer:
                break
            cursor = ["--cursor", answer["cursor"]]
        self.assertEqual([f"page/{i}" for i in range(95)], seen)
        whole = self.plant.weft_json("find", "--kind", "test.page", "--limit", "1000")
        self.assertEqual(seen, [record["asset"] for record in whole["records"]])

    def test_conditions_and_patterns_choose_records(self):
        self.plant.weft("put", "-", text=lines("test.where", [f"where/{i}" for i in range(12)]),
                        check=True)
        for arguments, count in ((("--where", "n >= 10"), 2), (("--where", "n = 3"), 1),
                                 (("--asset", "where/1?"), 2), (("--where", "n != 0"), 11)):
            answer = self.plant.weft_json("find", "--kind", "test.where", *arguments)
            self.assertEqual(count, len(answer["records"]), arguments)

    def test_as_of_takes_an_index_or_a_time(self):
        put = [self.plant.weft_json("put", "-", text=json.dumps(
            {"kind": "test.asof", "asset": "asof/1", "attrs": {"n": n}}) + "\n") for n in range(3)]
        for n, commit in enumerate(put):
            for moment in (str(commit["index"]), commit["time"]):
                twin = self.plant.weft_json("get", "asof/1", "--as-of", moment)
                self.assertEqual(n, twin["values"][0]["value"], moment)
        past = self.plant.weft("get", "asof/1", "--as-of", "1999-01-01T00:00:00Z")
        self.assertEqual(1, past.returncode)

    def test_numbers_of_a_twin_are_those_that_were_given(self):
        self.plant.weft("put", "-", check=True, text='{"kind":"a","asset":"twin/1","attrs":'
                        '{"flatness":{"value":1.50,"unit":"mm"},"ok":true,"none":null}}\n')
        text = self.plant.weft("get", "twin/1", "-o", "json").stdout
        self.assertIn('"value":1.50', text)
        values = {value["path"]: value["value"] for value in json.loads(text)["values"]}
        self.assertEqual({"flatness/value": 1.5, "flatness/unit": "mm", "ok": True, "none": None},
                         values)


class Writing(Command):
    def test_a_put_under_one_request_id_counts_once(self):
        text = lines("test.once", [f"once/{i}" for i in range(25)])
        name = "00112233-4455-6677-8899-aabbccddeeff"
        first = self.plant.weft("put", "-", "--batch", "10", "--request-id", name, "-o", "jsonl",
                                text=text, check=True)
        again = self.plant.weft("put", "-", "--batch", "10", "--request-id", name, "-o", "jsonl",
                                text=text, check=True)
        first, again = ([json.loads(line) for line in out.stdout.splitlines()]
                        for out in (first, again))
        self.assertEqual([10, 10, 5], [len(commit["records"]) for commit in first])
        self.assertEqual([c["index"] for c in first], [c["index"] for c in again])
        self.assertEqual([True] * 3, [commit.get("repeated") for commit in again])
        found = self.plant.weft_json("find", "--kind", "test.once", "--limit", "100")
        self.assertEqual(25, len(found["records"]))

    def test_a_file_with_a_bad_line_commits_nothing_even_in_batches(self):
        path = self.directory / "bad.jsonl"
        path.write_text(lines("test.bad", [f"bad/{i}" for i in range(30)]) + '{"kind":"x"}\n')
        done = self.plant.weft("put", str(path), "--batch", "5")
        self.assertEqual(2, done.returncode)
        self.assertIn("line 31", done.stderr)
        self.assertEqual([], self.plant.weft_json("find", "--kind", "test.bad")["records"])

    def test_input_that_pauses_is_committed_meanwhile(self):
        process = self.start("put", "-", "--batch", "100", "-o", "jsonl", stdin=subprocess.PIPE)
        process.stdin.write('{"kind":"a","asset":"slow/1"}\n')
        process.stdin.flush()
        self.assertEqual("slow/1", json.loads(process.stdout.readline())["records"][0]["asset"])
        time.sleep(3)  # Longer than nodes bear silence: heartbeats go on.
        process.stdin.write('{"kind":"a","asset":"slow/2"}\n')
        process.stdin.close()
        self.assertEqual("slow/2", json.loads(process.stdout.readline())["records"][0]["asset"])
        self.assertEqual(0, process.wait(plant.WAIT_S), process.stderr.read())

    def test_bench_reports_what_it_did(self):
        for operation in ("write", "read"):
            result = self.plant.weft_json("bench", operation, "--count", "500", "--seconds", "240",
                                          "--clients", "4", "--outstanding", "4")
            self.assertEqual((500, 0), (result["count"], result["errors"]), result)
            self.assertLess(0, result["p50_us"])
            self.assertLessEqual(result["p50_us"], result["max_us"])
        self.assertEqual(0, self.plant.weft("status", "--digest").returncode)


class Watching(Command):
    def test_bench_keeps_its_rate(self):
        begun = time.monotonic()
        result = self.plant.weft_json("bench", "write", "--rate", "100", "--count", "150",
                                      "--seconds", "240", "--clients", "4", "--prefix", "rate")
        took = time.monotonic() - begun
        self.assertEqual((150, 0), (result["count"], result["errors"]))
        self.assertGreaterEqual(took, 149 / 100, "the last is due after so many seconds")

    def test_watch_leaves_no_gap_and_repeats_nothing_across_a_dead_leader(self):
        watcher = self.start("watch", "--asset", "watch/*", "--from", "1", "--count", "400",
                             "-o", "jsonl")
        writer = self.start("put", "-", "--batch", "1", "--timeout", "240", "-o", "jsonl",
                            stdin=subprocess.PIPE)
        leader = None
        for number in range(400):
            writer.stdin.write(json.dumps({"kind": "a", "asset": f"watch/{number}"}) + "\n")
            writer.stdin.flush()
            time.sleep(0.005)
            if number == 150:
                leader = self.plant.leader()
                leader.kill()
        output, errors = writer.communicate(timeout=300)
        self.assertEqual(0, writer.returncode, errors)
        committed = [json.loads(line)["records"][0] for line in output.splitlines()]
        seen = [json.loads(line) for line in watcher.communicate(timeout=300)[0].splitlines()]
        self.assertEqual([f"watch/{n}" for n in range(400)], [r["asset"] for r in committed])
        self.assertEqual([(r["asset"], r["digest"]) for r in committed],
                         [(r["asset"], r["digest"]) for r in seen])
        leader.start()

    def test_watch_goes_on_from_where_it_says(self):
        start = self.plant.weft_json("put", "-", text='{"kind":"a","asset":"go/0"}\n')["index"]
        for number in range(1, 10):
            self.plant.weft("put", "-", text=f'{{"kind":"a","asset":"go/{number}"}}\n', check=True)
        # Cut off after 3 records: whatever was told twice has one digest.
        cut = self.plant.weft("watch", "--asset", "go/*", "--from", str(start), "--count", "3",
                              "-o", "jsonl", check=True)
        index = cut.stderr.rsplit("--from ", 1)[1].strip()
        rest = self.plant.weft("watch", "--asset", "go/*", "--from", index, "--idle", "5", "-o",
                               "jsonl", check=True)
        told = [json.loads(line)["digest"]
                for line in cut.stdout.splitlines() + rest.stdout.splitlines()]
        self.assertEqual(3, len(cut.stdout.splitlines()))
        self.assertEqual(10, len(set(told)))
        end = self.plant.weft("watch", "--from", rest.stderr.rsplit("--from ", 1)[1].strip(),
                              "--idle", "5", "-o", "jsonl", check=True)
        self.assertEqual("", end.stdout)


class Backup(Command):
    def weft_offline(self, *arguments):
        return subprocess.run([str(cluster.options.bin / "weft"), *arguments],
                              capture_output=True, text=True, timeout=300, check=False)

    def test_a_backup_is_incremental_checked_and_restored(self):
        directory = self.directory / "backup"
        self.plant.weft("put", "-", "--batch", "500", check=True,
                        text=lines("test.backup", [f"backup/{i}" for i in range(2000)]))
        first = self.plant.weft_json("backup", str(directory))
        self.assertEqual((first["files"], 0), (first["files_read"], first["files_kept"]))
        self.plant.weft("put", "-", text=lines("test.later", ["later/1"]), check=True)
        second = self.plant.weft_json("backup", str(directory))
        self.assertGreater(second["files_kept"], 0)
        self.assertGreater(second["index"], first["index"])
        stored = sorted(path.name for path in (directory / "files").iterdir())
        self.assertEqual(second["files"], len(stored), "no file that the manifest does not name")
        self.assertEqual(0, self.weft_offline("check-data", str(directory)).returncode)

        # One byte of one file: noticed, and the next backup mends it.
        path = directory / "files" / stored[0]
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
        done = self.weft_offline("check-data", str(directory))
        self.assertEqual(1, done.returncode)
        self.assertIn(stored[0], done.stderr)
        self.plant.weft("backup", str(directory), check=True)
        self.assertEqual(0, self.weft_offline("check-data", str(directory)).returncode)
        self.check_restore(directory)

    def check_restore(self, directory):
        found = self.plant.weft_json("find", "--limit", "5000")["records"]
        node = self.plant["n1"]
        for other in self.plant:
            other.stop()
        shutil.rmtree(node.data)
        done = self.weft_offline("restore", str(directory), "--config", str(node.config))
        self.assertEqual(0, done.returncode, done.stderr)
        again = self.weft_offline("restore", str(directory), "--config", str(node.config))
        self.assertNotEqual(0, again.returncode, "a directory in use is not overwritten")
        node.start()
        plant.wait_for("it leads", lambda: node.status()["state"] == "leader")
        endpoint = f"tls+tcp://{node.client}"
        restored = self.plant.weft_json("find", "--limit", "5000", endpoints=endpoint)["records"]
        self.assertEqual(found, restored)
        self.plant.weft("put", "-", text='{"kind":"a","asset":"after/1"}\n', check=True,
                        endpoints=endpoint)


if __name__ == "__main__":
    cluster.main()
