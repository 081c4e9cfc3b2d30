"""tests/cluster/test_input.py: bad input of `weft` and `weftd`: exit 2 with line and place, and
nothing committed; and the exit codes that scripts rely on."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402

GOOD = {"kind": "inspection", "asset": "in/1", "at": "2017-07-28T08:16:42Z", "source": "qif:x#7",
        "attrs": {"verdict": "FAIL", "flatness": {"value": 0.014, "unit": "mm", "max": 0.010}},
        "links": [{"rel": "made_on", "to": "plant1/line2/mill-2"}]}

# name -> (text on stdin, what the message on stderr must name)
BAD = {
    "not JSON": ("hello\n", ["1"]),
    "JSON cut short": (json.dumps(GOOD)[:-1] + "\n", ["1"]),
    "second line": (json.dumps(GOOD) + "\n{\n", ["2"]),
    "an array": ("[]\n", ["1"]),
    "unknown field": (json.dumps({**GOOD, "colour": "red"}) + "\n", ["colour"]),
    "no asset": (json.dumps({"kind": "inspection"}) + "\n", ["asset"]),
    "no kind": (json.dumps({"asset": "in/1"}) + "\n", ["kind"]),
    "asset of a wrong type": (json.dumps({**GOOD, "asset": 7}) + "\n", ["asset"]),
    "links of a wrong type": (json.dumps({**GOOD, "links": {"a": 1}}) + "\n", ["links"]),
    "unknown field of a link": (json.dumps({**GOOD, "links": [{"rel": "a", "to": "b", "x": 1}]})
                                + "\n", ["links/0"]),
    "a key twice": ('{"kind":"a","kind":"b","asset":"in/1"}\n', ["kind"]),
    "an attribute twice": ('{"kind":"a","asset":"in/1","attrs":{"x":1,"x":2}}\n', ["x"]),
    "time without zone": (json.dumps({**GOOD, "at": "2017-07-28T08:16:42"}) + "\n", ["at"]),
    "no such day": (json.dumps({**GOOD, "at": "2017-02-30T08:16:42Z"}) + "\n", ["at"]),
    "NaN": ('{"kind":"a","asset":"in/1","attrs":{"x":NaN}}\n', ["1"]),
    "a number past double": ('{"kind":"a","asset":"in/1","attrs":{"x":1e999}}\n', ["x"]),
    "an integer past 64 bits": ('{"kind":"a","asset":"in/1","attrs":{"x":99999999999999999999}}\n',
                                ["x"]),
    "a lone surrogate": ('{"kind":"a","asset":"in/\\ud800"}\n', ["1"]),
    "an attribute of 10 MB": (json.dumps({**GOOD, "attrs": {"x": "y" * 10_000_000}}) + "\n",
                              ["1"]),
    "a million links": ('{"kind":"a","asset":"in/1","links":['
                        + ",".join(['{"rel":"a","to":"b"}'] * 1_000_000) + "]}\n", ["1"]),
    "nesting without end": ('{"kind":"a","asset":"in/1","attrs":' + '{"x":' * 5000 + "1"
                            + "}" * 5000 + "}\n", ["1"]),
    "a negative revision": (json.dumps({**GOOD, "expect": {"rev": -1}}) + "\n", ["expect/rev"]),
}


class Put(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()

    def applied(self):
        with self.plant.leader().connect() as client:
            return [r["asset"] for r in client.commits(1)]

    def test_bad_records_exit_2_with_their_place_and_commit_nothing(self):
        before = self.applied()
        for name, (text, words) in BAD.items():
            with self.subTest(name):
                done = self.plant.weft("put", "-", text=text)
                self.assertEqual(2, done.returncode, done.stderr[-500:] + done.stdout[-500:])
                for word in words:
                    self.assertIn(word, done.stderr)
                self.assertLess(len(done.stderr), 2000, "a message for people")
        self.assertEqual(before, self.applied())

    def test_invalid_utf_8_is_bad_input(self):
        done = subprocess.run(
            [str(cluster.options.bin / "weft"), "put", "--endpoint", self.plant.endpoints(),
             "--identity", str(self.plant.identity), "-"],
            input=b'{"kind":"a","asset":"in/\xff\xfe"}\n', capture_output=True, timeout=300,
            check=False)
        self.assertEqual(2, done.returncode, done.stderr)

    def test_an_atomic_put_is_all_or_nothing(self):
        text = "".join(json.dumps({"kind": "test.atomic", "asset": f"atomic/{i}"}) + "\n"
                       for i in range(5))
        self.assertEqual(2, self.plant.weft("put", "-", "--atomic", text=text + "{\n").returncode)
        done = self.plant.weft("put", "-", "--atomic", "-o", "json", text=text)
        self.assertEqual(0, done.returncode, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(5, len(answer["records"]))
        self.assertEqual({answer["index"]}, {r["rev"] for r in answer["records"]})

    def test_what_went_in_comes_out_byte_for_byte(self):
        numbers = '{"a":1.50,"b":-0.0,"c":1e3,"d":9223372036854775807,"e":0.1}'
        text = '{"kind":"test.numbers","asset":"numbers/1","attrs":' + numbers + "}\n"
        self.assertEqual(0, self.plant.weft("put", "-", text=text).returncode)
        out = self.plant.weft("find", "--kind", "test.numbers", "-o", "jsonl").stdout
        for literal in ("1.50", "-0.0", "1e3", "9223372036854775807", "0.1"):
            self.assertIn(literal, out)

    def test_exit_codes(self):
        weft = self.plant.weft
        put = weft("put", "-", "-o", "json", text=json.dumps(GOOD) + "\n")
        self.assertEqual(0, put.returncode, put.stderr)
        rev = json.loads(put.stdout.splitlines()[-1])["index"]
        self.assertEqual(0, weft("get", "in/1").returncode)
        self.assertEqual(1, weft("get", "in/nothing-here").returncode)
        self.assertEqual(2, weft("get").returncode)
        self.assertEqual(2, weft("no-such-command").returncode)
        wrong = weft("put", "-", text=json.dumps({**GOOD, "expect": {"rev": 0}}) + "\n")
        self.assertEqual(5, wrong.returncode, wrong.stderr)
        self.assertIn(str(rev), wrong.stderr)
        away = weft("get", "in/1", endpoints="tls+tcp://127.0.0.1:9")
        self.assertEqual(3, away.returncode, away.stderr)

    def test_an_identity_of_another_root_is_refused(self):
        other = pki.Authority(self.directory / "stranger", self.plant.org)
        home = other.issue(self.plant.site, "op", "tester")
        done = self.plant.weft("status", identity=home)
        self.assertIn(done.returncode, (3, 4), done.stderr)
        self.assertNotEqual("", done.stderr)


class Config(cluster.PlantCase):
    plant_nodes = ("n1",)
    plant_timers = None  # the cases add their own

    def check(self, text):
        path = self.directory / "try.yaml"
        path.write_text(text)
        return subprocess.run([str(cluster.options.bin / "weftd"), "--check-config", str(path)],
                              capture_output=True, text=True, timeout=300, check=False)

    def test_a_config_with_a_typo_is_refused_with_its_line(self):
        good = self.plant["n1"].config.read_text()
        self.assertEqual(0, self.check(good).returncode, self.check(good).stderr)
        lines = good.splitlines()
        bad = {
            "unknown key": [line.replace("listen_client", "listen_cleint") for line in lines],
            "unknown section": [line.replace("tls:", "tsl:") for line in lines],
            "no port": [line.replace(self.plant["n1"].peer, "127.0.0.1") for line in lines],
            "a key twice": lines + ["node:", "  name: n1"],
            "a word for a number": lines + ["timers:", "  election_ms: soon"],
            "out of range": lines + ["timers:", "  election_ms: 1"],
            "unknown unit": lines + ["limits:", "  log_bytes: 64 parsec"],
            "not YAML": lines + ["  - : ["],
        }
        for name, changed in bad.items():
            with self.subTest(name):
                done = self.check("\n".join(changed) + "\n")
                self.assertEqual(2, done.returncode, done.stderr)
                place = next((i + 1 for i, (a, b) in enumerate(zip(lines, changed)) if a != b),
                             None)
                self.assertRegex(done.stderr, rf"try\.yaml:{place if place else ''}")

    def test_a_key_that_others_may_read_is_refused(self):
        key = self.plant["n1"].tls / "tls.key"
        key.chmod(0o644)
        try:
            self.assertEqual(2, self.check(self.plant["n1"].config.read_text()).returncode)
        finally:
            key.chmod(0o600)


if __name__ == "__main__":
    cluster.main()
