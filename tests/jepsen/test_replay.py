"""tests/jepsen/test_replay.py: one seed is one plan: replays of a run do the same operations and
faults, and a run whose nemesis does nothing, or fails, is never green."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CANNOT_RUN = 77


class options:
    bin = ROOT / "build/bin"
    work = None
    times = 2


def jepsen(*arguments):
    done = subprocess.run([options.bin / "jepsen", *map(str, arguments)], capture_output=True,
                          text=True, timeout=3000, check=False)
    if done.returncode == CANNOT_RUN:
        print(done.stderr, file=sys.stderr)
        sys.exit(CANNOT_RUN)
    return done


def invocations(history):
    """{worker: [(f, value)]} of what clients asked, and [(f, value)] of the faults' plans."""
    workers, faults, concurrency = {}, [], 10
    line = re.compile(r":type :(\w+), :process (\S+), :f :(\S+), :value (.*?)(?:, :node .*)?}$")
    for text in history.read_text().splitlines():
        kind, process, f, value = line.search(text).groups()
        if process == ":nemesis" and f.startswith("start-") and ":evidence" not in value \
                and ":took-effect" not in value:
            faults.append((f, value))
        elif kind == "invoke":
            workers.setdefault(int(process) % concurrency, []).append((f, value))
    return workers, faults


class Runs(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="replay-", dir=options.work))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def test_replays_do_what_the_run_did(self):
        first = self.directory / "first"
        done = jepsen("run", "--workload", "register", "--nemesis", "kill-one,pause-one",
                      "--time-limit", 8, "--nemesis-interval", 2, "--seed", 11, "--out", first,
                      "--bin", options.bin, "--quiet")
        self.assertIn(done.returncode, (0, 2), done.stdout + done.stderr)  # so short: 2 may be
        done = jepsen("replay", first, "--times", options.times, "--bin", options.bin, "--out",
                      self.directory / "again")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn(f"{options.times} of {options.times} replays", done.stdout)
        # And by another judge than the harness's own.
        workers, faults = invocations(first / "history.edn")
        self.assertGreater(len(faults), 0)
        for number in range(options.times):
            again, again_faults = invocations(self.directory / f"again/{number + 1}/history.edn")
            self.assertEqual(faults, again_faults)
            for worker, asked in workers.items():
                planned = 80  # 100 operations a second for 8 s by ten workers; then the last ones
                self.assertEqual(asked[:planned], again[worker][:planned])

    def test_a_nemesis_that_does_nothing_is_not_green(self):
        done = jepsen("run", "--workload", "register", "--nemesis", "none", "--time-limit", 8,
                      "--nemesis-interval", 2, "--out", self.directory / "none", "--bin",
                      options.bin, "--quiet")
        self.assertEqual(2, done.returncode, done.stdout + done.stderr)

    def test_a_nemesis_that_fails_ends_the_run_at_once_with_its_reason(self):  # JEP-66
        for name, when in (("broken-start", "start"), ("broken-stop", "stop")):
            began = time.monotonic()
            done = jepsen("run", "--workload", "register", "--nemesis", name, "--time-limit", 60,
                          "--nemesis-interval", 2, "--out", self.directory / name, "--bin",
                          options.bin, "--quiet")
            self.assertEqual(3, done.returncode, done.stdout + done.stderr)
            self.assertIn(f"{when} {name}: it fails", done.stderr)
            self.assertLess(time.monotonic() - began, 40)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=options.bin)
    parser.add_argument("--work")
    parser.add_argument("--times", type=int, default=options.times, help="acceptance: 20")
    parser.add_argument("names", nargs="*")
    parser.parse_args(namespace=options)
    options.bin = options.bin.resolve()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
    unittest.main(argv=[sys.argv[0], "-v", *options.names])


if __name__ == "__main__":
    main()
