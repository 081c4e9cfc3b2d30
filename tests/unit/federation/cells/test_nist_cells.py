"""tests/unit/federation/cells/test_nist_cells.py: what two organizations disagree on.

    test_nist_cells.py PROGRAM SAMPLES DATA [scratch]

The program (nist_cells.c, or tests/unit/node/nist_sites.c, which wants a directory to work in)
judges the verdicts of shared/data/nist-box as cells; what it should come to is worked out here
straight from the QIF files, by tests/lib/nist_box.py and by rules that are written once more."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "lib"))
import nist_box  # noqa: E402

WORDS = ["PASS", "CONDITIONAL", "FAIL", "BLOCK"]
PROGRAM, SAMPLES, DATA = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
TIMEOUT_S = 100  # Ends what hangs.


class NistCells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (DATA / "nist-box").is_dir():
            raise unittest.SkipTest(f"no {DATA}/nist-box here")
        cls.box = nist_box.NistBox(DATA / "nist-box")
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run(
                [PROGRAM, *([scratch] if sys.argv[4:] else []),
                 SAMPLES / "first-article.json", *cls.box.first_article_files, "--",
                 SAMPLES / "incoming.json", *cls.box.incoming_files],
                capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        first, *lines = done.stdout.splitlines()
        cls.unconfirmed = [int(n) for n in first.split()[1:]]
        cls.cells = {line.split()[0].removeprefix("serial:"): line.split()[1:] for line in lines}

    def verdicts(self, name):
        return {r.unit: r.verdict for r in getattr(self.box, name) if r.unit}

    def test_units_that_both_judged_are_one_cell_with_the_stricter_verdict(self):
        ours, theirs = self.verdicts("first_article"), self.verdicts("incoming")
        self.assertEqual(sorted(ours.keys() & theirs.keys()), sorted(self.cells))
        for unit, (value, _, _, *claims) in self.cells.items():
            given = [claim.partition("=")[0] for claim in claims]
            self.assertEqual([ours[unit], theirs[unit]], given, unit)  # both stay
            self.assertEqual(max(given, key=WORDS.index), value, unit)

    def test_disputes_are_those_of_the_files(self):
        disputed = sorted(u for u, cell in self.cells.items() if cell[1] == "disputed")
        self.assertEqual(self.box.differing(), disputed)
        self.assertEqual(5, len(disputed))

    def test_each_dispute_is_named_by_its_statements(self):
        for unit in self.box.differing():
            name, claims = self.cells[unit][2], self.cells[unit][3:]
            digests = sorted(bytes.fromhex(c.partition("=sha256:")[2]) for c in claims)
            expected = hashlib.sha256(b"weft-dispute/v1\n" + b"".join(digests)).hexdigest()
            self.assertEqual(f"sha256:{expected}", name)

    def test_units_without_a_serial_wait_to_be_told(self):
        for party, name in enumerate(("first_article", "incoming")):
            lost = sum(r.unit is None for r in getattr(self.box, name))
            self.assertEqual(lost, self.unconfirmed[party])
        self.assertEqual([1, 3], self.unconfirmed)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
