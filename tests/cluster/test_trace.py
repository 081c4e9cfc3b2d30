"""tests/cluster/test_trace.py: traces and recalls in a running plant.

The genealogy of tests/lib/genealogy.py, with its answers. Then one of thousands of parts, whose
answers this file computes from its own links."""

import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
from genealogy import LOT, MILLS, OTHER_LOT, SMALL, day, hour, link, record  # noqa: E402

class Trace(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()
        cls.before = cls.put(SMALL)

    @classmethod
    def put(cls, records):
        lines = "\n".join(json.dumps(r) for r in records)
        done = cls.plant.weft("put", "--batch", "500", "-", "-o", "json", text=lines)
        assert done.returncode == 0, done.stderr
        return cls.plant.weft_json("find", "--limit", "1")["index"]

    def trace(self, *arguments, node=None):
        endpoints = f"tls+tcp://{node.client}" if node else None
        return self.plant.weft_json("trace", *arguments, endpoints=endpoints)

    def reached(self, *arguments, node=None):
        answer = self.trace(*arguments, node=node)
        return [s["asset"] for s in answer["steps"] if s.get("answer")]

    def test_1_a_lot_is_followed_to_what_contains_it(self):
        answer = self.trace("forward", LOT)
        steps = answer["steps"]
        self.assertEqual(LOT, steps[0]["asset"])
        found = {s["asset"]: s for s in steps}
        units = {f"serial:{what}/{n}" for n in (1, 2, 4, 5) for what in ("bracket", "box")}
        self.assertEqual(units | {LOT, "pallet:9"}, set(found))
        bracket = found["serial:bracket/4"]
        self.assertEqual(("uses_lot", 0.4, "kg", hour(16)),
                         tuple(bracket[key] for key in ("rel", "quantity", "unit", "at")))
        self.assertEqual("as_built", bracket["kind"])
        self.assertEqual(LOT, steps[bracket["from"]]["asset"])
        self.assertEqual("contains", found["pallet:9"]["rel"])
        self.assertEqual("epcis.aggregation", found["pallet:9"]["kind"])
        self.assertEqual(len(units) + 1, answer["answers_total"])
        self.assertEqual(3, answer["depth_reached"])
        self.assertFalse(answer["has_cycles"])

    def test_2_a_unit_is_followed_to_what_it_is_made_of_at_any_time(self):
        inside = ["serial:bracket/5", "serial:lid/5"]
        self.assertEqual([*inside, "serial:motor/2", LOT], self.reached("back", "serial:box/5"))
        self.assertEqual([*inside, "serial:motor/1", LOT],
                         self.reached("back", "serial:box/5", "--at", day(8)))
        self.assertEqual([*inside, LOT], self.reached("back", "serial:box/5", "--at", day(6)))
        self.assertEqual([], self.reached("back", "serial:box/5", "--at", day(2)))
        steps = self.trace("back", "serial:box/5")["steps"]
        dangling = {s["asset"] for s in steps if s.get("dangling")}
        self.assertEqual({"serial:lid/5", "serial:motor/2", LOT}, dangling)

    def test_3_depth_kind_and_rels_narrow_a_trace(self):
        self.assertEqual(4, len(self.reached("forward", LOT, "--depth", "1")))
        self.assertEqual(["serial:box/4"], self.reached("forward", LOT, "--to", "shipment"))
        self.assertEqual([], self.reached("back", "serial:box/5", "--via", "uses_lot"))
        self.assertEqual([f"serial:bracket/{n}" for n in range(1, 6)],
                         self.reached("forward", "part:bracket/rev/A", "--via", "instance_of"))
        names = self.plant.weft("trace", "forward", LOT, "--to", "shipment", "--ids", "-o", "table")
        self.assertEqual("serial:box/4\n", names.stdout)
        self.assertEqual(1, self.plant.weft("trace", "forward", "lot:none").returncode)
        for wrong in (["--via", "releases"], ["--via", "A,b"], ["--ids", "--records"]):
            self.assertEqual(2, self.plant.weft("trace", "forward", LOT, *wrong).returncode, wrong)

    def test_4_records_come_with_the_steps_that_they_prove(self):
        answer = self.trace("back", "serial:box/5", "--records")
        held = {(r["index"], r["asset"]) for r in answer["records"]}
        for step in answer["steps"][1:]:
            self.assertTrue(any(step["index"] == index for index, _ in held))
        self.assertIn("serial:box/5", {asset for _, asset in held})
        lines = self.plant.weft("trace", "back", "serial:box/5", "--records", "-o", "jsonl").stdout
        parsed = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual(len(answer["steps"]), sum("step" in p for p in parsed))
        self.assertEqual(len(answer["records"]), sum("record" in p for p in parsed))

    def units(self, *arguments):
        steps = self.plant.weft_json("recall", *arguments)["steps"]
        return {s["asset"]: s for s in steps if s.get("answer")}

    def test_5_a_recall_names_the_finished_units_and_where_they_are(self):
        units = self.units("--lot", LOT)
        self.assertEqual({"pallet:9", "serial:box/4", "serial:box/5"}, set(units))
        where = units["serial:box/4"]["location"]
        self.assertEqual(("customer:north", "shipped_to", day(6)),
                         (where["asset"], where["rel"], where["at"]))
        self.assertEqual({"serial:box/4", "pallet:9"},
                         set(self.units("--lot", LOT, "--machine", MILLS[0])))
        self.assertEqual({"serial:box/4"},
                         set(self.units("--lot", LOT, "--machine", MILLS[0], "--from", hour(9))))
        self.assertEqual({"pallet:9"},
                         set(self.units("--machine", MILLS[0], "--to", hour(16))))
        self.assertEqual({"pallet:9", "serial:box/3", "serial:box/4", "serial:box/5"},
                         set(self.units("--part", "part:bracket")))
        self.assertEqual({"serial:box/3"},
                         set(self.units("--lot", OTHER_LOT,
                                        "--part", "part:bracket", "--rev", "A")))
        path = self.plant.weft("recall", "--lot", OTHER_LOT, "-o", "table").stdout
        self.assertIn(f"{OTHER_LOT} > serial:bracket/3 > serial:box/3", path)
        self.assertEqual(2, self.plant.weft("recall").returncode)

    def test_6_what_was_known_then_is_what_is_told(self):
        index = self.put([record("as_built", "serial:late/1", day(1), link("uses_lot", LOT)),
                          record("release", "event:2", day(10), link("parent", "pallet:9"),
                                 link("releases", "serial:box/1"))])
        self.assertIn("serial:late/1", self.reached("forward", LOT))
        before = self.reached("forward", LOT, "--as-of", str(self.before))
        self.assertNotIn("serial:late/1", before)
        self.assertIn("serial:box/1", self.units("--lot", LOT))
        self.assertNotIn("serial:box/1", self.units("--lot", LOT, "--as-of", str(self.before)))
        self.assertNotIn("serial:box/1", self.units("--lot", LOT, "--at", day(9)))
        for node in self.plant:
            self.assertEqual(before, self.reached(
                "forward", LOT, "--as-of", str(self.before), "--min-index", str(index), node=node))

    def test_6b_a_container_that_was_emptied_has_nothing_inside_from_then_on(self):
        """EPCIS 2.0, 7.4.3: an aggregation's DELETE without children speaks of all of them."""
        def event(action, at, *children):
            return {"type": "AggregationEvent", "eventTime": at, "eventTimeZoneOffset": "+00:00",
                    "action": action, "parentID": "https://id.example/sscc/1",
                    "childEPCs": [f"https://id.example/box/{n}" for n in children]}
        document = {"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0",
                    "creationDate": day(20), "epcisBody": {"eventList": [
                        event("ADD", day(12), 1, 2), event("DELETE", day(14), 1),
                        event("ADD", day(15), 3), event("DELETE", day(16)),
                        event("ADD", day(17), 2)]}}
        path = self.directory / "emptied.jsonld"
        path.write_text(json.dumps(document))
        self.plant.weft("import", "epcis", str(path), check=True)
        pallet, boxes = "https://id.example/sscc/1", "https://id.example/box/{}".format
        inside = {day(13): [1, 2], day(14): [2], day(15): [2, 3], day(16): [], day(17): [2]}
        for at, expected in inside.items():
            self.assertEqual([boxes(n) for n in expected],
                             self.reached("back", pallet, "--at", at), at)
            for n in (1, 2, 3):
                self.assertEqual([pallet] if n in expected else [],
                                 self.reached("forward", boxes(n), "--at", at))
        self.assertEqual([boxes(2)], self.reached("back", pallet))

    def test_7_thousands_of_parts_are_reached_as_their_links_say(self):
        pick = random.Random(7)
        children = {f"g:{n}": {f"g:{m}" for m in pick.sample(range(n + 1, n + 60),
                                                             pick.randint(1, 4)) if m < 6000}
                    for n in range(6000)}
        self.put([record("as_built", asset, day(12), *[link("consumes", c) for c in sorted(inside)])
                  for asset, inside in children.items()])
        wanted, frontier = set(), {"g:17"}
        while frontier:
            wanted |= frontier
            frontier = set().union(*(children[asset] for asset in frontier)) - wanted
        self.assertGreater(len(wanted), 2000)
        answer = self.plant.weft_json("trace", "back", "g:17", "--ids")
        self.assertEqual(wanted - {"g:17"}, set(answer["assets"]))
        steps = self.trace("back", "g:17", "--records")
        self.assertEqual(wanted, {s["asset"] for s in steps["steps"]})
        for step in steps["steps"][1:]:
            self.assertIn(step["asset"], children[steps["steps"][step["from"]]["asset"]])
        self.assertLessEqual({s["index"] for s in steps["steps"][1:]},
                             {r["index"] for r in steps["records"]})

    def test_8_a_node_that_starts_again_has_the_same_index(self):
        before = self.trace("forward", LOT)["steps"]
        node = self.plant.followers()[0]
        node.kill()
        node.start()
        answer = self.trace("forward", LOT, node=node)
        self.assertEqual(before, answer["steps"])
        self.assert_same_digests()

    def test_9_without_its_index_a_node_gives_the_same_answers(self):
        before = self.trace("forward", LOT)["steps"]
        node = self.plant.followers()[0]
        node.stop()
        node.write_config(limits={"lineage_bytes": "1 KiB"})
        node.start()
        answer = self.trace("forward", LOT, node=node)
        self.assertEqual(before, answer["steps"])
        self.assertIn("lineage_given_up", node.log.read_text())


if __name__ == "__main__":
    cluster.main()
