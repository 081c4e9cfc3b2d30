"""tests/cluster/test_catenax.py: a Catena-X container in a running plant.

What is expected is read from the container by this file, not by the importer: which twins there
are, whose they are, and the tree below each vehicle."""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

CONTAINER = "x/TestDataContainer/1.0.0"


def payloads(twin, *names):
    """The payloads of the aspects of these names, whatever their version."""
    return [payload for key, value in twin.items() if key.split("#")[-1] in names
            for payload in value]


def children(twin):
    return [child["childCatenaXId"] for payload in payloads(twin, "AssemblyPartRelationship")
            for child in payload.get("childParts", ())]


def maker(twin):
    for payload in payloads(twin, "SerialPartTypization", "Batch"):
        for identifier in payload["localIdentifiers"]:
            if identifier["key"] == "manufacturerId":
                return identifier["value"]
    return None


def tree(root, below):
    """Every path from the root, as a multiset of (depth, whole, part)."""
    found, queue = collections.Counter(), [(0, root)]
    while queue:
        depth, whole = queue.pop()
        for part in below(whole):
            found[depth + 1, whole, part] += 1
            queue.append((depth + 1, part))
    return found


class Catenax(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        cls.file = cluster.data("catenax") / "smallTestdata.json"
        with open(cls.file, encoding="utf-8") as f:
            (twins,) = json.load(f).values()
        cls.twins = {twin["catenaXId"]: twin for twin in twins}
        super().setUpClass()

    def records(self):
        with self.plant.leader().connect() as client:
            return list(client.commits(1))

    def test_1_every_twin_becomes_records_with_its_owner_and_identifiers(self):
        answer = self.plant.weft_json("import", "catenax", str(self.file))
        self.assertEqual(0, answer["refused"])
        self.assertEqual(answer["statements"], answer["imported"])
        about = collections.defaultdict(list)
        for record in self.records():
            if not record["asset"].startswith(("part:", "import:")):
                about[record["asset"]].append(record)
        self.assertEqual(162, len(self.twins))
        self.assertEqual(set(self.twins), set(about))
        makers = collections.Counter()
        for name, twin in self.twins.items():
            built = [r for r in about[name] if r["kind"] == "as_built"]
            self.assertEqual(1 if maker(twin) else 0, len(built), name)
            for record in built:
                self.assertEqual(maker(twin), record["attrs"]["owner"][1])
                makers[maker(twin)] += 1
            for payload in payloads(twin, "SerialPartTypization", "Batch"):
                for identifier in payload["localIdentifiers"]:
                    self.assertEqual(identifier["value"], built[0]["attrs"][
                        "localIdentifiers/" + identifier["key"]][1])
        self.assertEqual(9, len(makers))
        self.assert_same_digests()

    def test_2_the_tree_of_each_vehicle_is_that_of_the_container(self):
        vehicles = [name for name, twin in self.twins.items()
                    if any(p["partTypeInformation"].get("classification") == "product"
                           for p in payloads(twin, "SerialPartTypization"))]
        self.assertEqual(4, len(vehicles))
        self.assertEqual(283, sum(len(children(twin)) for twin in self.twins.values()))
        with self.plant.followers()[0].connect() as client:
            def below(asset):
                return [target for record in client.pages("asset", asset=asset)
                        for rel, target in record["links"] if rel == "contains"]
            depths = set()
            for vehicle in vehicles:
                expected = tree(vehicle, lambda name: children(self.twins[name]))
                self.assertEqual(expected, tree(vehicle, below))
                self.assertGreater(len(expected), 20)
                depths.add(1 + max(depth for depth, _, _ in expected))
        self.assertEqual(5, max(depths))
        # The command's own walk reaches the same things, each by an edge of the container.
        edges = {(name, child) for name, twin in self.twins.items() for child in children(twin)}
        for vehicle in vehicles:
            answer = self.plant.weft_json("trace", "back", vehicle)
            found = tree(vehicle, lambda name: children(self.twins[name]))
            steps = answer["steps"]
            self.assertEqual({part for _, _, part in found},
                             {step["asset"] for step in steps} - {vehicle})
            for step in steps:
                if step["asset"] != vehicle:
                    self.assertIn((steps[step["from"]]["asset"], step["asset"]), edges)

    def test_3_a_second_import_changes_nothing(self):
        before = self.records()
        answer = self.plant.weft_json("import", "catenax", str(self.file))
        self.assertEqual(0, answer["imported"])
        self.assertEqual(answer["statements"], answer["unchanged"])
        self.assertEqual(before, self.records())

    def test_4_edges_that_one_side_alone_states_are_listed(self):
        # The container has no usage aspects: nobody confirms, nobody contradicts.
        answer = self.plant.weft_json("claims")
        edges = {(name, child) for name, twin in self.twins.items() for child in children(twin)}
        self.assertEqual(edges, {(c["whole"], c["part"]) for c in answer["claims"]})
        self.assertEqual((0, 283, 0), (answer["confirmed"], answer["unconfirmed"],
                                       answer["contradicted"]))
        # Two parts say what they went into: one as its vehicle says, one otherwise.
        (_, part), (other_whole, other_part) = sorted(edges)[:2]
        stranger = "URN:UUID:FFFFFFFF-0000-4000-8000-000000000001"
        usage = [{"catenaXId": part, "u#SingleLevelUsageAsBuilt": [
                     {"parentItems": [{"catenaXId": w} for w, p in edges if p == part]}]},
                 {"catenaXId": other_part, "u#SingleLevelUsageAsBuilt": [
                     {"customers": [{"businessPartner": "BPNL1", "parentItems": [
                         {"catenaXId": stranger}]}]}]}]
        path = self.directory / "usage.json"
        path.write_text(json.dumps(usage))
        self.plant.weft("import", "catenax", str(path), check=True)
        done = self.plant.weft("claims", "-o", "json")
        self.assertEqual(1, done.returncode, done.stderr)
        answer = json.loads(done.stdout)
        wrong = {(c["whole"], c["part"]) for c in answer["claims"]
                 if c["verdict"] == "contradicted"}
        self.assertEqual({(w, p) for w, p in edges if p == other_part}, wrong)
        self.assertIn((other_whole, other_part), wrong)
        self.assertEqual(sum(p == part for _, p in edges), answer["confirmed"])
        alone = [c for c in answer["claims"] if c["whole"] == stranger.lower()]
        self.assertEqual(["unconfirmed"], [c["verdict"] for c in alone])

    def test_5_what_is_refused_is_named_by_file_and_pointer(self):
        path = self.directory / "bad.json"
        path.write_text(json.dumps({CONTAINER: [
            {"catenaXId": "urn:uuid:ffffffff-0000-4000-8000-000000000002", "u#Batch": [
                {"manufacturingInformation": {"date": "soon"}}]},
            {"catenaXId": "urn:uuid:ffffffff-0000-4000-8000-000000000003", "bpnl": "BPNL3"}]}))
        done = self.plant.weft("import", "catenax", str(path), "-o", "json")
        self.assertEqual(2, done.returncode, done.stderr)
        self.assertIn("bad.json", done.stderr)
        self.assertIn("/0/u#Batch/0/manufacturingInformation/date", done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((2, 1, 1), (answer["statements"], answer["imported"], answer["refused"]))


if __name__ == "__main__":
    cluster.main()
