"""tests/cluster/test_clocks.py: nodes whose wall clocks are minutes apart.

Each new leader has another clock, the first one's is the furthest ahead. Commits go on, their
times rise with their index, and no replica takes an entry for damage (NOD-2). The clocks are
libfaketime's; the monotonic clock, which timers use, stays true."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402

FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
AHEAD_S = {"n1": 240, "n2": 120, "n3": 0}  # certificates are valid from now on
ROUNDS = 6


@unittest.skipUnless(FAKETIME, "libfaketime is not here: ops/dev/setup --test installs it")
class Clocks(cluster.PlantCase):
    def restart(self, node, ahead_s):
        if node.is_alive():
            self.assertEqual(0, node.stop())
        node.environment = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"+{ahead_s}s",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        node.launch()
        self.plant.wait_for_voters()

    def commit(self, number):
        record = {"kind": "test.clock", "asset": f"clock/{number}"}
        return self.plant.retry(lambda client: client.commit([record]))

    def test_commit_times_rise_whoever_leads(self):
        for node in self.plant:
            self.restart(node, AHEAD_S[node.name])
        if self.plant.leader().name != "n1":
            self.plant.weft("member", "transfer", "n1", check=True)
        times, leaders = [], []
        for number in range(ROUNDS):
            results = [self.commit(f"{number}/{i}") for i in range(5)]
            times += [(result["index"], result["time_ns"]) for result in results]
            leader = self.plant.leader()
            leaders.append(leader.name)
            leader.kill()
            times.append((lambda r: (r["index"], r["time_ns"]))(self.commit(f"{number}/killed")))
            leader.launch()
            self.plant.wait_for_voters()
        self.assertIn("n1", leaders, "the clock that is ahead never led")
        self.assertGreater(len(set(leaders)), 1, "leadership never changed")
        self.assertEqual(sorted(times), times)
        for (_, before), (_, after) in zip(times, times[1:]):
            self.assertGreater(after, before)
        self.assert_same_digests()

    def test_a_clock_that_jumps_back_is_no_reason_to_stop(self):
        first = self.commit("jump/first")
        for ahead_s in (400, 5):
            for node in self.plant:
                self.restart(node, ahead_s)
            result = self.commit(f"jump/{ahead_s}")
            self.assertGreater(result["index"], first["index"])
            self.assertGreater(result["time_ns"], first["time_ns"])
            first = result
        self.assert_same_digests()


if __name__ == "__main__":
    cluster.main()
