"""tests/cluster/test_http_thread.py: the thread by HTTP: traces, recalls, twins, both times.

Each answer is held against what the `weft` command says to the same question on the native door,
and against the OpenAPI document. What the answers must be stands in test_trace.py."""

import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
from genealogy import LOT, MILLS, OTHER_LOT, SMALL, day, hour, link, record  # noqa: E402
from web_case import HttpCase, inspection  # noqa: E402

DESIGN = [
    record("part_type", "part:bracket", day(1)),
    {**record("part_revision", "part:bracket/rev/B", day(2), link("revision_of", "part:bracket")),
     "attrs": {"status": "released"}},
]
ORDER = {**record("change_order", "change:CO-1", day(10), link("about", "part:bracket"),
                  link("introduces", "part:bracket/rev/B"), link("replaces", "part:bracket/rev/A")),
         "attrs": {"status": "released", "effectivity": [{"serial_from": "3", "serial_to": "4"}]}}


def options(parameters):
    """The command's options for parameters of the door."""
    out = []
    for name, value in parameters.items():
        if name == "sections":
            out += [part for section in value.split(",") for part in ("--section", section)]
        elif value == "true":
            out.append("--" + name)
        else:
            out += ["--" + name.replace("_", "-"), str(value)]
    return out


class Thread(HttpCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()
        cls.first = cls.put([*SMALL, record("process_run", "plant1/line2/mill-1/run-1", day(4))])
        cls.put([{**SMALL[0], "attrs": {"status": "released"}}, *DESIGN])
        cls.late = cls.put([record("as_built", "serial:late/1", day(1), link("uses_lot", LOT)),
                            record("release", "event:2", day(10), link("parent", "pallet:9"),
                                   link("releases", "serial:box/1"))])

    @classmethod
    def put(cls, records):
        answer = cls.web().commit(records)
        assert answer.status == 201, answer.body
        return answer

    def ask(self, path, node=None, headers=None, **parameters):
        query = urllib.parse.urlencode(parameters)
        answer = self.web(node).get(f"{path}?{query}" if query else path, headers=headers)
        self.assertEqual(200, answer.status, (path, parameters, answer.body))
        return answer

    def whole(self, path, node=None, limit=1000, **parameters):
        """All pages as one answer, and how many there were."""
        page = self.ask(path, node, limit=limit, **parameters).json
        whole, pages = page, 1
        while "cursor" in page:
            cursor = page["cursor"]
            page = self.ask(path, node, limit=limit, cursor=cursor, **parameters).json
            pages += 1
            for key in ("index", "steps_total", "answers_total", "depth_reached"):
                self.assertEqual(whole[key], page[key])
            for key in ("steps", "records", "assets"):
                if key in page:
                    whole[key] = whole.get(key, []) + page[key]
        whole.pop("cursor", None)
        return whole, pages

    def same(self, command, path, **parameters):
        """The command and the door say the same, in one page and in many."""
        said = self.plant.weft_json(*command, *options(parameters))
        told, _ = self.whole(path, **parameters)
        self.assertEqual(said, told, (path, parameters))
        steps = len(told.get("steps", told.get("assets")))
        paged, pages = self.whole(path, self.plant.followers()[0], limit=2, **parameters)
        self.assertGreaterEqual(pages, (steps + 1) // 2)
        records = {json.dumps(r) for r in told.pop("records", [])}
        self.assertEqual(records, {json.dumps(r) for r in paged.pop("records", [])})
        self.assertEqual(told, paged)
        return told

    # --- traces and recalls

    def test_a_trace_is_what_the_command_says(self):
        answer = self.same(["trace", "forward", LOT], f"/v1/trace/forward/{LOT}")
        self.assertGreater(answer["answers_total"], 9)
        for path, command in ((f"/v1/trace/forward/{LOT}", ["trace", "forward", LOT]),
                              ("/v1/trace/back/serial:box/5", ["trace", "back", "serial:box/5"])):
            for parameters in ({"depth": 1}, {"ids": "true"}, {"records": "true"},
                               {"to": "shipment"}, {"to": "nothing"}, {"via": "uses_lot"},
                               {"via": "instance_of,made_on", "records": "true"},
                               {"at": day(8)}, {"as_of": self.first.index},
                               {"as_of": self.first.json["time"]},
                               {"at": day(6), "as_of": self.first.index, "ids": "true"}):
                with self.subTest(path=path, **parameters):
                    self.same(command, path, **parameters)

    def test_an_id_with_odd_letters_is_traced(self):
        odd = "serial:box/ä+b%2F c?d#e/story"
        self.put([record("as_built", odd, day(3), link("consumes", LOT + "/odd"))])
        told = self.same(["trace", "back", odd],
                         "/v1/trace/back/" + urllib.parse.quote(odd, safe=""))
        self.assertEqual([odd, LOT + "/odd"], [s["asset"] for s in told["steps"]])

    def test_a_recall_is_what_the_command_says(self):
        window = {"from": hour(9), "to": hour(17)}
        for parameters in ({"lot": LOT}, {"lot": LOT, "ids": "true"},
                           {"lot": LOT, "machine": MILLS[0]},
                           {"lot": LOT, "machine": MILLS[0], **window},
                           {"machine": MILLS[0], "to": hour(16)}, {"machine": MILLS[1], **window},
                           {"part": "part:bracket"}, {"part": "part:bracket", "rev": "A"},
                           {"part": "part:bracket/rev/A", "records": "true"},
                           {"lot": OTHER_LOT, "part": "part:bracket", "rev": "A"},
                           {"lot": LOT, "at": day(9)}, {"lot": LOT, "as_of": self.first.index},
                           {"lot": LOT, "as_of": self.first.json["time"]},
                           {"machine": MILLS[0], "from": day(20)}):
            with self.subTest(**parameters):
                self.same(["recall"], "/v1/recall", **parameters)
        units = self.ask("/v1/recall", lot=LOT, limit=1000).json["steps"]
        self.assertEqual({"pallet:9", "serial:box/1", "serial:box/4", "serial:box/5",
                          "serial:late/1"}, {s["asset"] for s in units if s.get("answer")})
        none = self.ask("/v1/recall", machine=MILLS[0], **{"from": day(20)}).json
        self.assertEqual((0, []), (none["answers_total"], none["steps"]))

    def test_pages_have_the_default_size_and_speak_for_the_index_of_the_first(self):
        wide = [record("as_built", f"wide:{i:03}", day(3), link("consumes", "lot:wide"))
                for i in range(60)]
        self.put(wide)
        first = self.ask("/v1/trace/forward/lot:wide", ids="true").json
        self.assertEqual((25, 60), (len(first["assets"]), first["answers_total"]))
        self.put([record("as_built", "wide:late", day(3), link("consumes", "lot:wide"))])
        got, page = first["assets"], first
        for node in (*self.plant, *self.plant):
            if "cursor" in page:
                page = self.ask("/v1/trace/forward/lot:wide", node, ids="true",
                                cursor=page["cursor"]).json
                self.assertEqual(first["index"], page["index"])
                got = got + page["assets"]
        self.assertEqual([f"wide:{i:03}" for i in range(60)], sorted(got))
        self.assertNotIn("cursor", page)
        other = self.web().get("/v1/trace/back/lot:wide?ids=true&cursor=" + first["cursor"])
        self.assertIn("cursor", self.assert_problem(other, 400, "invalid")["detail"])

    def test_what_the_path_or_a_parameter_gets_wrong_is_named(self):
        cases = [
            ("/v1/trace/sideways/serial:box/5", 404, "/v1/trace/forward/{id}"),
            ("/v1/trace/back/", 400, "no asset id"),
            ("/v1/trace/back/%0a", 400, "no asset id"),
            (f"/v1/trace/back/{LOT}?depth=0", 400, "parameter depth: a number from 1"),
            (f"/v1/trace/back/{LOT}?depth=two", 400, "parameter depth"),
            (f"/v1/trace/back/{LOT}?ids=1", 400, "parameter ids: true or false"),
            (f"/v1/trace/back/{LOT}?ids=true&records=true", 400, "exclude each other"),
            (f"/v1/trace/back/{LOT}?at=yesterday", 400, "parameter at"),
            (f"/v1/trace/back/{LOT}?at=2024-03-01T00:00:00", 400, "parameter at"),
            (f"/v1/trace/back/{LOT}?as_of=yesterday", 400, "neither an index nor a time"),
            (f"/v1/trace/back/{LOT}?limit=1001", 400, "from 1 to 1000"),
            (f"/v1/trace/back/{LOT}?machine=x", 400, "there are: at as_of"),
            (f"/v1/trace/back/{LOT}?via=A,b", 400, "A"),
            (f"/v1/trace/back/{LOT}?via=releases", 400, "releases"),
            (f"/v1/trace/back/{LOT}?cursor=00", 400, "cursor"),
            ("/v1/recall", 400, "what is to be recalled"),
            (f"/v1/recall?lot={LOT}&from={day(1)}", 400, "belong to machine"),
            (f"/v1/recall?machine={MILLS[0]}&from={day(2)}&to={day(1)}", 400, "before it begins"),
            ("/v1/recall?rev=A", 400, "parameters part and rev"),
            ("/v1/recall?part=" + "x" * 250 + "&rev=ABCDE", 400, "one id"),
            ("/v1/assets/serial:box/5?sections=value", 400, "parameter sections: 'value'"),
            ("/v1/assets/serial:box/5?limit=5", 400, "unknown parameter"),
        ]
        for target, status, detail in cases:
            with self.subTest(target=target[:60]):
                problem = self.assert_problem(self.web().get(target), status)
                self.assertIn(detail, problem["detail"])

    def test_what_nobody_has_heard_of_is_told_as_on_the_native_door(self):
        for target, command in (
                ("/v1/trace/forward/lot:none", ["trace", "forward", "lot:none"]),
                ("/v1/recall?lot=lot:none", ["recall", "--lot", "lot:none"]),
                ("/v1/recall?machine=m:none", ["recall", "--machine", "m:none"]),
                ("/v1/assets/lot:none", ["get", "lot:none"]),
                (f"/v1/trace/forward/{LOT}?as_of=2001-01-01T00:00:00Z",
                 ["trace", "forward", LOT, "--as-of", "2001-01-01T00:00:00Z"])):
            problem = self.assert_problem(self.web().get(target), 404, "not-found")
            done = self.plant.weft(*command)
            self.assertEqual(1, done.returncode)
            self.assertIn(problem["detail"], done.stderr)
        ahead = self.web().get(f"/v1/trace/forward/{LOT}?as_of={2**40}")
        self.assert_problem(ahead, 503, "unavailable")

    # --- twins

    def test_a_twin_is_what_the_command_says(self):
        every = ({}, {"at": day(8)}, {"sections": "values,below"})
        known = ({"as_of": self.first.index, "at": day(8)}, {"as_of": self.first.json["time"]},
                 {"sections": "configuration,issues"})
        for asset, more in (("serial:box/5", known), ("serial:bracket/3", known),
                            ("part:bracket", ()), ("plant1/line2", known[:2])):
            for parameters in (*every, *more):
                with self.subTest(asset=asset, **parameters):
                    told = self.ask(f"/v1/assets/{asset}", **parameters).json
                    said = self.plant.weft_json("get", asset, *options(parameters))
                    if not {"at", "as_of"} & set(parameters):  # Ages go on meanwhile.
                        said.pop("time"), told.pop("time")
                    self.assertEqual(said, told)

    def test_a_twin_shows_what_is_stated_of_other_assets_and_is_never_304(self):
        target = "/v1/assets/serial:bracket/3"
        before = self.ask(target)
        index = self.put([ORDER]).index
        after = self.ask(target, headers={"If-None-Match": before.headers["etag"]})
        self.assertEqual(before.headers["etag"], after.headers["etag"])
        self.assertEqual("no-store", after.headers["cache-control"])
        designed = after.json["configuration"]["designed"]
        self.assertEqual(("part:bracket/rev/B", "change:CO-1", index),
                         tuple(designed[k] for k in ("revision", "change_order", "since_index")))
        then = self.ask(target, as_of=index - 1)
        self.assertEqual("part:bracket/rev/A",
                         then.json["configuration"]["designed"]["revision"])
        self.assertNotIn("etag", then.headers)
        records = self.ask(target + "/records")
        self.assertEqual(before.headers["etag"], records.headers["etag"])
        self.assertEqual("no-cache", records.headers["cache-control"])
        good = self.web().commit([inspection("../bracket/3") | {"asset": "serial:bracket/3"}],
                                 headers={"If-Match": before.headers["etag"]})
        self.assertEqual(201, good.status, good.body)

    # --- as it was known by a time

    def test_what_was_known_by_a_time_is_what_was_known_at_the_last_index_then(self):
        commits = [self.put([inspection("known", verdict)]) for verdict in ("PASS", "FAIL", "PASS")]
        for commit, following in zip(commits, commits[1:]):
            for path in ("/v1/assets/serial:box/known", "/v1/assets/serial:box/known/records",
                         "/v1/assets/serial:box/known/story", "/v1/records",
                         f"/v1/trace/forward/{LOT}", "/v1/recall?part=part:bracket"):
                mark = "&" if "?" in path else "?"
                by_index = self.ask(f"{path}{mark}as_of={commit.index}")
                self.assertEqual(commit.index, by_index.index)
                expected = {k: v for k, v in by_index.json.items() if k != "cursor"}
                for node in self.plant:
                    told = self.ask(f"{path}{mark}as_of={commit.json['time']}", node).json
                    told.pop("cursor", None)  # It says what was asked.
                    self.assertEqual(expected, told, path)
            self.assertLess(commit.json["time"], following.json["time"])
        now = self.ask("/v1/assets/serial:box/known/records", as_of="2200-01-01T00:00:00Z")
        self.assertEqual(commits[-1].index, now.json["rev"])
        zone = self.ask("/v1/records", as_of="2200-01-01T00:00:00+01:00", limit=3)
        self.put([inspection("later")])  # The pages speak for the index of the first.
        more = self.ask("/v1/records", as_of="2200-01-01T00:00:00+01:00", limit=3,
                        cursor=zone.json["cursor"])
        self.assertEqual(zone.index, more.index)
        other = self.web().get("/v1/records?limit=3&as_of=2199-01-01T00:00:00Z&cursor="
                               + zone.json["cursor"])
        self.assert_problem(other, 400, "invalid")


if __name__ == "__main__":
    cluster.main()
