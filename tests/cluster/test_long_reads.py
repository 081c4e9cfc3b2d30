"""tests/cluster/test_long_reads.py: traces that take long, beside commits, and without a client.

A lot that went into thousands of serials is traced by many at once while others write: traces
end, short reads are not held up, and what nobody waits for any more is not worked at."""

import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402

LOT, SERIALS = "lot:wide", 40_000


class LongReads(cluster.PlantCase):
    # One of a hundred parts of its time: on any machine it is still at it when its client dies.
    plant_settings = {"limits": {"long_reads": 1, "long_reads_waiting": 16,
                                 "long_reads_percent": 1}}

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()
        lines = "\n".join(json.dumps({
            "kind": "as_built", "asset": f"serial:wide/{n:06}",
            "links": [{"rel": "uses_lot", "to": LOT}]}) for n in range(SERIALS))
        cls.plant.weft("put", "--batch", "500", "-", "-o", "json", text=lines, check=True)
        cls.node = cls.plant.leader()
        cls.endpoint = f"tls+tcp://{cls.node.client}"

    def load(self, *arguments):
        command = [str(self.plant.bin / "weft"), "bench", *arguments, "-o", "json", "-q",
                   "--endpoint", self.endpoint, "--identity", str(self.plant.identity)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "HOME": str(self.plant.directory)})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def gauge(self, name):
        return self.node.status()["gauges"][name]

    def wait_for(self, what, predicate):
        return plant.wait_for(what, predicate, every=0.02)

    def test_1_a_trace_that_nobody_waits_for_any_more_ends(self):
        self.load("write", "--clients", "4", "--seconds", "600")
        traces = self.load("trace", "--clients", "8", "--ids", "--seconds", "600", LOT)
        self.wait_for("one runs and others wait", lambda: self.gauge("long_reads_running") == 1 and
                      self.gauge("long_reads_waiting") >= 3)
        before = self.gauge("long_reads_cancelled_total")
        traces.kill()
        traces.wait()
        self.wait_for("all have ended", lambda: self.gauge("long_reads_running") == 0 and
                      self.gauge("long_reads_waiting") == 0)
        self.assertGreaterEqual(self.gauge("long_reads_cancelled_total"), before + 3)

    def test_2_traces_end_and_short_reads_pass_while_others_write(self):
        self.load("write", "--clients", "4", "--seconds", "600")
        answered = self.gauge("long_reads_total")
        paced = self.gauge("long_reads_paced_ns_total")
        self.load("trace", "--clients", "2", "--ids", "--seconds", "600", LOT)
        self.wait_for("one runs", lambda: self.gauge("long_reads_running") == 1)
        story = self.plant.weft_json("story", "serial:wide/000007", endpoints=self.endpoint)
        self.assertEqual(1, len(story["records"]))
        self.wait_for("traces end", lambda: self.gauge("long_reads_total") >= answered + 3)
        self.assertGreater(self.gauge("long_reads_paced_ns_total"), paced)

    def test_3_over_what_may_wait_others_are_refused_and_those_that_wait_are_answered(self):
        self.load("write", "--clients", "4", "--seconds", "600")
        self.load("trace", "--clients", "20", "--ids", "--seconds", "600", LOT)
        self.wait_for("the queue is full", lambda: self.gauge("long_reads_refused_total") > 0)
        answered = self.gauge("long_reads_total")
        self.assertLessEqual(self.gauge("long_reads_waiting"), 16)
        self.wait_for("traces end", lambda: self.gauge("long_reads_total") >= answered + 3)

    def test_4_alone_a_trace_does_not_wait(self):
        self.wait_for("nothing runs", lambda: self.gauge("long_reads_running") == 0 and
                      self.gauge("long_reads_waiting") == 0)
        time.sleep(0.1)  # commits count as under way for some ms
        paced = self.gauge("long_reads_paced_ns_total")
        done = self.plant.weft("trace", "forward", "--ids", LOT, endpoints=self.endpoint)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(SERIALS, done.stdout.count("serial:wide/"))
        self.assertEqual(paced, self.gauge("long_reads_paced_ns_total"))


if __name__ == "__main__":
    cluster.main()
