"""tests/unit/federation/cells/test_catenax_tiers.py: recalls and questions across nine companies.

    test_catenax_tiers.py PROGRAM DATA

The program (catenax_tiers.c) splits shared/data/catenax over the owners of its parts; what recalls
should reach and what is inside is worked out here from the container as one graph."""

import collections
import json
import pathlib
import subprocess
import sys
import unittest

PROGRAM, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
TIMEOUT_S = 100  # Ends what hangs.


def payloads(twin, *names):
    return [payload for key, value in twin.items() if key.split("#")[-1] in names
            for payload in value]


def reachable(start, following):
    found, queue = {start}, [start]
    while queue:
        for other in following[queue.pop()]:
            if other not in found:
                found.add(other)
                queue.append(other)
    return found


class CatenaxTiers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        container = DATA / "catenax/smallTestdata.json"
        if not container.is_file():
            raise unittest.SkipTest(f"no {container} here")
        (twins,) = json.loads(container.read_text(encoding="utf-8")).values()
        cls.parts, cls.owners = set(), {}
        cls.inside, cls.used_in = collections.defaultdict(set), collections.defaultdict(set)
        for twin in twins:
            for payload in payloads(twin, "SerialPartTypization", "Batch"):
                cls.parts.add(twin["catenaXId"])
                for identifier in payload["localIdentifiers"]:
                    if identifier["key"] == "manufacturerId":
                        cls.owners[twin["catenaXId"]] = identifier["value"]
            for payload in payloads(twin, "AssemblyPartRelationship"):
                for child in payload.get("childParts", ()):
                    cls.inside[twin["catenaXId"]].add(child["childCatenaXId"])
                    cls.used_in[child["childCatenaXId"]].add(twin["catenaXId"])
        done = subprocess.run([PROGRAM, container], capture_output=True, text=True, check=False,
                              timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.lines = [line.split() for line in done.stdout.splitlines()]

    def told(self, what):
        return {line[1]: line[2:] for line in self.lines if line[0] == what}

    def test_the_container_is_nine_companies(self):
        self.assertEqual((161, 9, 283), (
            len(self.parts), len(set(self.owners.values())),
            sum(len(parts) for parts in self.inside.values())))

    def test_a_recall_of_each_part_reaches_whatever_has_it_inside(self):
        recalls = self.told("recall")
        self.assertEqual(self.parts, set(recalls))
        across = 0
        for part, affected in recalls.items():
            expected = reachable(part, self.used_in)
            self.assertEqual(sorted(expected), sorted(affected), part)
            across += len({self.owners[p] for p in expected}) > 2
        self.assertGreater(across, 20)  # Through three companies and more.

    def test_the_tree_of_what_nobody_uses_is_whole_whoever_could_not_be_reached_at_first(self):
        trees = self.told("tree")
        self.assertEqual({p for p in self.parts if not self.used_in[p]}, set(trees))
        again = 0
        for root, (rounds, *edges) in trees.items():
            expected = {f"{whole}>{part}" for whole in reachable(root, self.inside)
                        for part in self.inside[whole]}
            self.assertEqual(expected, set(edges), root)
            again += int(rounds) > 1
        self.assertGreater(again, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
