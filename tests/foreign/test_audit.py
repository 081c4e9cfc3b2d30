"""tests/foreign/test_audit.py: what we write as an audit log, others can verify with their own
tools, and they find any bit of it that is flipped.

usage: test_audit.py --bin DIR --work DIR [unittest options]

test_plant.py does the same for the log of a running plant."""

import argparse
import hashlib
import os
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from foreign import Go, Shell, run  # noqa: E402

SEED = int(os.environ.get("WEFT_TEST_SEED", "1"), 0)
THRESHOLD = 3  # All keys of the log that sign: then no signature can be spoilt unseen.
bin_dir = work_dir = None


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=work_dir))
        self.addCleanup(shutil.rmtree, self.directory)
        self.random = random.Random(SEED)

    def make(self, leaves, old):
        log = self.directory / f"{leaves}"
        done = run(bin_dir / "foreign_log", log, leaves, old)
        self.assertEqual(0, done.returncode, done.stderr)
        return log

    def expect_ok(self, verifier, directory):
        done = verifier.verify(directory, THRESHOLD)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f"{directory.name} entries", done.stdout)

    def expect_found(self, verifier, directory, what):
        done = verifier.verify(directory, THRESHOLD)
        self.assertEqual(1, done.returncode, f"{what}: {done.stdout}{done.stderr}")
        self.assertNotEqual("", done.stderr)

    def spoil(self, verifier, directory, path):
        """Flips one bit of a file, which must be found, and puts it back."""
        good = path.read_bytes()
        at, bit = self.random.randrange(len(good)), self.random.randrange(8)
        bad = bytearray(good)
        bad[at] ^= 1 << bit
        path.write_bytes(bad)
        self.expect_found(verifier, directory,
                          f"seed {SEED}: bit {bit} of byte {at} of {path.relative_to(directory)}")
        path.write_bytes(good)

    def forge(self, directory):
        """Another last entry, and the tile that goes with it: only the root can tell."""
        bundle = directory / "log/tile/entries/000.p/3"
        tile = directory / "log/tile/0/000.p/3"
        entries = bytearray(bundle.read_bytes())
        entries[-2] ^= 1
        at = 0
        for _ in range(2):
            at += 2 + int.from_bytes(entries[at:at + 2], "big")
        leaf = hashlib.sha256(b"\0" + entries[at + 2:]).digest()
        bundle.write_bytes(entries)
        tile.write_bytes(tile.read_bytes()[:-len(leaf)] + leaf)

    def check_all(self, verifier, sizes, flips):
        for leaves, old in sizes:
            self.expect_ok(verifier, self.make(leaves, old))
        directory = self.make(3, 1)
        self.expect_ok(verifier, directory)
        self.forge(directory)
        self.assertIn("another root", verifier.verify(directory, THRESHOLD).stderr)
        directory = self.make(260, 100)
        files = sorted(p for p in (directory / "log").rglob("*") if p.is_file())
        self.assertEqual(6, len(files))
        for path in files:
            for _ in range(flips):
                self.spoil(verifier, directory, path)
        for path in files:  # Cut short, longer, not there.
            good = path.read_bytes()
            for bad in (good[:-1], good + b"\0"):
                path.write_bytes(bad)
                self.expect_found(verifier, directory, f"{path}: {len(bad)} bytes")
            path.unlink()
            self.expect_found(verifier, directory, f"{path}: missing")
            path.write_bytes(good)
        self.expect_ok(verifier, directory)


class Audit(Case):
    def test_openssl_and_coreutils_agree_and_find_every_flipped_bit(self):
        self.check_all(Shell(), [(2, 1), (256, 255), (257, 256), (600, 300)], 2)

    def test_go_agrees_and_finds_every_flipped_bit(self):
        self.check_all(Go(work_dir), [(2, 1), (255, 1), (256, 255), (257, 256), (600, 300),
                              (66000, 65536)], 40)

    def test_go_agrees_with_proofs_and_finds_every_flipped_bit_in_them(self):
        verifier = Go(work_dir)
        directory = self.make(700, 300)
        self.expect_ok(verifier, directory)
        for name in ("proof-0", "proof-299", "proof-699", "request", "old-checkpoint"):
            for _ in range(40):
                self.spoil(verifier, directory, directory / name)
        self.expect_ok(verifier, directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    known, rest = parser.parse_known_args()
    bin_dir, work_dir = known.bin.resolve(), known.work.resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main(argv=[sys.argv[0], "-v", *rest])
