"""tests/lib/cluster.py: the frame of a test on real processes: unittest, options, one plant.

    /usr/bin/python3 tests/cluster/test_smoke.py --bin build/bin [--work DIR] [--keep] [NAME...]

Each class gets its own plant (setUpClass), unless it says `plant_nodes = None`. On failure the
tails of the nodes' logs are printed, and the directory is kept and named."""

import argparse
import os
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

import pki
import plant
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data"


class options:  # filled in by main
    bin = ROOT / "build/bin"
    work = None
    keep = False
    seed = 1
    seconds = None
    clients = None
    link = None


def data(name):
    """A directory of real input, or the test is skipped."""
    path = DATA / name
    if not path.exists():
        raise unittest.SkipTest(f"real input is not here: ../shared/data/{name}")
    return path


def need(program):
    if not (options.bin / program).exists():
        raise unittest.SkipTest(f"{program} is not built in {options.bin}")


# For tests that do not judge elections: a machine that is busy for a second changes no leader.
PATIENT = {"election_ms": 2000, "heartbeat_ms": 200, "link_heartbeat_ms": 1000}


class PlantCase(unittest.TestCase):
    plant_nodes = ("n1", "n2", "n3")
    plant_settings = {}
    plant_timers = PATIENT
    longMessage = True
    _failed = False

    @classmethod
    def setUpClass(cls):
        base = pathlib.Path(options.work) if options.work else None
        if base:
            base.mkdir(parents=True, exist_ok=True)
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{cls.__name__}-", dir=base))
        cls.random = random.Random(options.seed)
        cls.plant = None
        if cls.plant_nodes is None:
            return
        need("weftd")
        settings = {k: dict(v) for k, v in cls.plant_settings.items()}
        if cls.plant_timers:
            settings["timers"] = dict(cls.plant_timers)
        if options.link:
            settings["link"] = {"peer": options.link, "client": options.link}
        try:
            cls.plant = plant.Plant(cls.directory, options.bin, cls.plant_nodes, settings)
            cls.plant.start()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.plant:
            cls.plant.stop()
            if cls._failed:
                print(cls.plant.tails(), file=sys.stderr)
        if cls._failed or options.keep:
            print(f"kept: {cls.directory}", file=sys.stderr)
        else:
            shutil.rmtree(cls.directory, ignore_errors=True)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self)._failed = True
        return result

    def under_one_leader(self, check):
        """check(leader). Again if the leader changed meanwhile: then nothing was shown."""
        while True:
            before = plant.wait_for("a leader", self.plant.leader_status)
            try:
                return check(self.plant[before["node"]])
            except (AssertionError, OSError, wire.Refusal):
                after = plant.wait_for("a leader", self.plant.leader_status)
                if after["term"] == before["term"]:
                    raise

    def assert_same_digests(self, nodes=None):
        digests = self.plant.digests(nodes)
        self.assertEqual(1, len(set(digests.values())), f"digests differ: {digests}")
        return digests


class GovernedCase(PlantCase):
    """A site that is governed from its first commit. What governs it is in `home`/org, made before
    the plant, whose settings name it."""
    policy = None  # its text; None: that of weft pki org
    admins = ("ann", "bo")

    @classmethod
    def setUpClass(cls):
        need("weft")
        base = pathlib.Path(options.work) if options.work else None
        if base:
            base.mkdir(parents=True, exist_ok=True)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="org-", dir=base)).resolve()
        rules = cls.home / "rules" if cls.policy else None
        if rules:
            rules.write_text(cls.policy, encoding="utf-8")
        governed = pki.site(options.bin, cls.home / "org", cls.admins, policy=rules)
        cls.plant_settings = {**cls.plant_settings, "policy": governed}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=options.bin)
    parser.add_argument("--work", help="directory for plants (default: the system's temporary)")
    parser.add_argument("--keep", action="store_true", help="leave the plant's directory behind")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("WEFT_TEST_SEED", "1")))
    parser.add_argument("--seconds", type=float, help="of a long part")
    parser.add_argument("--clients", type=int, help="writing clients of a long part")
    parser.add_argument("--link", choices=("direct", "nng"), help="on both doors")
    parser.add_argument("names", nargs="*")
    parser.parse_args(namespace=options)
    options.bin = options.bin.resolve()
    print(f"seed {options.seed} (WEFT_TEST_SEED)", file=sys.stderr)
    unittest.main(argv=[sys.argv[0], "-v", *options.names])
