"""tests/jepsen/test_doors.py: the doors for foreign harnesses, jepsen/db and jepsen/adapter, and a
run against a plant that is there already, as a user would make it."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT_S = 120


class options:
    bin = ROOT / "build/bin"
    work = None


def wait_for(what, predicate):
    end = time.monotonic() + WAIT_S
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="doors-", dir=options.work))
        cls.addClassCleanup(cls.remove)  # also of a plant that did not come up
        pid = os.getpid()  # below 2^22: loopback addresses of this process's own
        base = f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) % 256}"
        cls.nodes = {f"n{i + 1}": f"{base}.{(pid % 80) * 3 + i + 1}" for i in range(3)}
        cls.environment = {**os.environ, "WEFT_BIN": str(options.bin),
                           "JEPSEN_DIR": str(cls.directory / "db"),
                           "JEPSEN_NODES": ",".join(cls.nodes.values())}
        for node in cls.nodes:
            cls.db("setup", node)
        for node in cls.nodes:
            cls.db("start", node)
            wait_for(f"{node} serves", lambda n=node: cls.db("primaries", n))
        wait_for("all vote", lambda: cls.voters() == 3)

    @classmethod
    def remove(cls):
        for node in cls.nodes:
            cls.db("teardown", node)
        shutil.rmtree(cls.directory, ignore_errors=True)

    @classmethod
    def db(cls, verb, node, netns="-"):
        done = subprocess.run([ROOT / "jepsen/db", verb, node, netns, cls.nodes[node]],
                              env=cls.environment, capture_output=True, text=True, timeout=60,
                              check=verb != "primaries")
        return done.stdout.split()

    @classmethod
    def voters(cls):
        done = subprocess.run(
            [options.bin / "weft", "status", "--endpoint", cls.nodes["n1"] + ":7102", "--identity",
             cls.directory / "db/pki/plant1/op/jepsen", "-o", "json"],
            capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.count('"role":"voter"')

    def ask(self, node, *lines):
        done = subprocess.run([ROOT / "jepsen/adapter", self.nodes[node]], env=self.environment,
                              input="".join(line + "\n" for line in lines), capture_output=True,
                              text=True, timeout=120, check=True)
        return done.stdout.splitlines()

    def leader(self, ask="n1"):
        return wait_for("a leader", lambda: self.db("primaries", ask))[0]

    def test_an_adapter_reads_and_writes_at_any_node(self):
        leader = self.leader()
        self.assertEqual(
            ["ok nil", "ok", "ok 3", "ok", "ok 4", "fail :another-value",
             "ok [[:append 51 1] [:r 51 [1]]]", "ok [[:r 51 [1]] [:r 52 nil]]",
             "fail not understood"],
            self.ask(leader, "read 7", "write 7 3", "read 7", "cas 7 3 4", "read 7", "cas 7 3 5",
                     "txn [[:append 51 1] [:r 51 nil]]", "txn [[:r 51 nil] [:r 52 nil]]", "sing 1"))
        other = next(node for node in self.nodes if node != leader)
        answers = self.ask(other, "read 7", "write 7 8", "write 7 9", "read 7")
        self.assertEqual("ok 4", answers[0])
        self.assertIn("not-leader", answers[1])  # and from now on it knows who leads
        self.assertEqual(["ok", "ok 9"], answers[2:])

    def test_a_node_is_killed_paused_stopped_and_comes_back(self):
        leader = self.leader()
        other = next(node for node in self.nodes if node != leader)
        for fault, heal in (("kill", "start"), ("pause", "resume"), ("stop", "start")):
            before = self.leader(other)
            victim = before
            watcher = next(node for node in self.nodes if node != victim)
            self.db(fault, victim)
            wait_for(f"another leads after {fault}", lambda v=victim, w=watcher:
                     [name for name in self.db("primaries", w) if name != v])
            self.db(heal, victim)
            wait_for("it serves again", lambda v=victim: self.db("primaries", v))

    def test_a_plant_that_is_there_is_judged_without_faults(self):
        done = subprocess.run(
            [ROOT / "jepsen/run", "run", "--workload", "append", "--time-limit", "8",
             "--endpoints", ",".join(ip + ":7102" for ip in self.nodes.values()), "--identity",
             self.directory / "db/pki/plant1/op/jepsen", "--out", self.directory / "run"],
            env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("valid", done.stdout)
        for name in ("schedule.edn", "history.edn", "results.edn"):
            self.assertTrue((self.directory / "run" / name).stat().st_size > 0, name)
        done = subprocess.run(
            [ROOT / "jepsen/run", "check", self.directory / "run/history.edn"],
            env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=options.bin)
    parser.add_argument("--work")
    parser.add_argument("names", nargs="*")
    parser.parse_args(namespace=options)
    options.bin = options.bin.resolve()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
    unittest.main(argv=[sys.argv[0], "-v", *options.names])


if __name__ == "__main__":
    main()
