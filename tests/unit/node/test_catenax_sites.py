"""tests/unit/node/test_catenax_sites.py: edges between nine companies, in the cells of each.

    test_catenax_sites.py PROGRAM DATA

The program (catenax_sites.c) splits shared/data/catenax over the owners of its parts, with an
agreement wherever one builds in what another has made; which edges either side should have, and
what is inside, is worked out here from the container as one graph."""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
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


class CatenaxSites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        container = DATA / "catenax/smallTestdata.json"
        if not container.is_file():
            raise unittest.SkipTest(f"no {container} here")
        (twins,) = json.loads(container.read_text(encoding="utf-8")).values()
        cls.owners = {}
        cls.inside, cls.used = collections.defaultdict(set), set()
        for twin in twins:
            for payload in payloads(twin, "SerialPartTypization", "Batch"):
                for identifier in payload["localIdentifiers"]:
                    if identifier["key"] == "manufacturerId":
                        cls.owners[twin["catenaXId"]] = identifier["value"]
            for payload in payloads(twin, "AssemblyPartRelationship"):
                for child in payload.get("childParts", ()):
                    cls.inside[twin["catenaXId"]].add(child["childCatenaXId"])
                    cls.used.add(child["childCatenaXId"])
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([PROGRAM, scratch, container], capture_output=True, text=True,
                                  check=False, timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.lines = [line.split() for line in done.stdout.splitlines()]

    def told(self, what):
        return {line[1]: line[2:] for line in self.lines if line[0] == what}

    def test_each_edge_between_two_companies_is_in_the_cells_of_both(self):
        expected = collections.defaultdict(set)
        for whole, children in list(self.inside.items()):
            for part in children:
                sides = {self.owners[whole], self.owners[part]}
                for side in sides if len(sides) == 2 else ():
                    expected[side].add(f"{whole}>{part}")
        sides = self.told("side")
        self.assertEqual(9, len(sides))
        self.assertGreater(sum(len(e) for e in expected.values()), 100)
        for side, edges in sides.items():
            self.assertEqual(sorted(expected[side]), sorted(edges), side)

    def test_the_tree_of_what_nobody_uses_is_what_the_container_says(self):
        trees = self.told("tree")
        self.assertEqual(set(self.owners) - self.used, set(trees))
        for root, edges in trees.items():
            expected = {f"{whole}>{part}" for whole in reachable(root, self.inside)
                        for part in self.inside[whole]}
            self.assertEqual(expected, set(edges), root)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
