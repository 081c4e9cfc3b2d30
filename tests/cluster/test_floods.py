"""tests/cluster/test_floods.py: strangers' handshakes and refused commits by the thousands: others
are served, what is kept of them is bounded, and the audit log counts each. Who is refused too often
waits. How fast the others are served meanwhile is tests/bench's."""

import contextlib
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import web  # noqa: E402
import wire  # noqa: E402
import flood  # noqa: E402
from flood import Flood  # noqa: E402
from plant import wait_for  # noqa: E402
from writers import Writers  # noqa: E402

HANDSHAKES = 1500
BURST, PER_SECOND = 512, 100  # refusals of one principal before it waits: node/patience.h
VIEWERS, DENIALS = 8, 4000  # in all: each stays below the burst
PIPES, PIPELINED = 32, 200  # over HTTP
GROWTH_BYTES = 48 << 20  # RocksDB's memtables and caches fill meanwhile: limits.memtable_bytes


class Floods(cluster.GovernedCase):
    admins = ("tester",)
    plant_settings = {"limits": {"memtable_bytes": "8 MiB", "cache_bytes": "8 MiB"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stranger = pki.Authority(cls.directory / "fake", cls.plant.org).issue(
            "plant1", "node", "n2")

    def descriptors(self, node):
        return len(list(pathlib.Path(f"/proc/{node.process.pid}/fd").iterdir()))

    def viewer(self, name):
        """A principal that may not write, and was not refused before."""
        return self.plant.authority.issue("plant1", "op", name, self.directory / name)

    def gauge(self, node, name):
        return node.status()["gauges"][name]

    def under_load(self, prefix, attack):
        """Others write all along, before, during and after it; none is cut off or forgotten."""
        with Writers(self.plant, 4, prefix=prefix) as writers:
            wait_for("commits", lambda: writers.count() > 10)
            result = attack()
            before = writers.count()
            wait_for("others are served", lambda: writers.count() > before + 10)
        writers.check(self, self.plant.leader())
        self.assertEqual([], [a for a in writers.acks() if a.cuts], "an honest client was cut off")
        return result

    def assert_flat(self, node, attack):
        """Memory is taken by the first half, if at all."""
        attack()
        before = node.rss_bytes()
        attack()
        self.assertLess(node.rss_bytes() - before, GROWTH_BYTES, "memory grows with the flood")

    def test_handshakes(self):
        node = self.plant.leader()
        open_before, lines = self.descriptors(node), node.log.read_bytes().count(b"\n")
        for door, counter in ((node.client, "client_refused_total"),
                              (node.peer, "peer_refused_total")):
            refused = self.gauge(node, counter)

            def attack(address=door):
                with Flood("handshakes", address, self.stranger, HANDSHAKES // 2) as strangers:
                    return strangers.wait()
            self.under_load(f"hand-{counter[:4]}", lambda f=attack: self.assert_flat(node, f))
            wait_for("each is counted",
                     lambda c=counter, r=refused: self.gauge(node, c) >= r + HANDSHAKES // 2 * 2)
        wait_for("no descriptor is kept", lambda: self.descriptors(node) <= open_before + 8)
        self.assertLess(node.log.read_bytes().count(b"\n") - lines, 400, "strangers fill the log")

    def refusals(self, first):
        """Leaves from number `first` on that tell of refused commits, and how many they count."""
        size = self.plant.weft_json("audit", "head")["size"]
        numbers = [str(n) for n in range(first, size)]
        leaves = self.plant.weft("audit", "show", *numbers, check=True).stdout.split(
            "weft-audit/v1\n")[1:]
        counts = []
        for leaf in leaves:
            if "\ndecision deny" in leaf:
                count = [int(line[6:]) for line in leaf.splitlines() if line.startswith("count ")]
                counts.append(count[0] if count else 1)
        return counts

    def test_denials(self):
        first = self.plant.weft_json("audit", "head")["size"]
        node = self.plant.leader()
        denied = self.gauge(node, "denials_total")
        viewers = [self.viewer(f"vic{i}") for i in range(VIEWERS)]
        done = []

        def attack():
            with contextlib.ExitStack() as stack:
                floods = [stack.enter_context(
                    Flood("denials", node.client, viewers.pop(), DENIALS // VIEWERS))
                    for _ in range(VIEWERS // 2)]
                done.extend(refused.wait() for refused in floods)
        self.assert_flat(node, attack)
        self.assertEqual(DENIALS, sum(done))
        self.assertEqual(0, self.gauge(node, "refusals_paced_total"), "a burst does not wait")
        self.assertGreaterEqual(self.gauge(node, "denials_total"), denied + DENIALS)

        def is_counted():
            with node.connect() as client:  # An entry of a later second makes leaves of them.
                client.commit([{"kind": "test.flush", "asset": "flush/1"}])
            return sum(self.refusals(first)) >= DENIALS
        wait_for("each refusal is counted", is_counted, every=0.5)
        counts = self.refusals(first)
        self.assertEqual(DENIALS, sum(counts), counts)
        self.assertLess(len(counts), DENIALS // 10, "a leaf for nearly each refusal")
        self.assert_same_digests()

    def post(self, door, name):
        return door.commit([{"kind": "test.http", "asset": f"http/{name}"}])

    def test_who_is_refused_too_often_waits(self):
        node, viewer = self.plant.leader(), self.viewer("val")
        paced = self.gauge(node, "refusals_paced_total")
        denied = self.gauge(node, "denials_total")

        def attack():
            begun = time.monotonic()
            with Flood("denials", node.client, viewer), Flood("denials", node.client, viewer):
                wait_for("pace", lambda: self.gauge(node, "refusals_paced_total") > paced + 100)
            return self.gauge(node, "denials_total") - denied, time.monotonic() - begun
        refused, took_s = self.under_load("beside", attack)
        self.assertGreater(refused, BURST)
        # What both had under way when the burst was over is owed, and may be so still.
        self.assertLess(refused, BURST + took_s * PER_SECOND + 2 * flood.AT_ONCE + 16)
        lines = node.log.read_text().count("refusals_paced")
        self.assertTrue(1 <= lines <= 1 + took_s // 10, f"{lines} lines, one in ten seconds")
        with node.connect() as client:
            with self.assertRaises(wire.Refusal):
                list(client.pages("asset", asset="flood/1"))  # Nothing of it was written.

    def test_who_is_refused_over_http_waits_where_it_asks(self):
        leader = self.plant.leader()
        node = next(n for n in self.plant if n is not leader)
        door = web.Web(node.http, web.tls(self.viewer("wes")))
        tester = web.Web(node.http, web.tls(self.plant.identity))
        paced, paced_by_leader = (self.gauge(n, "refusals_paced_total") for n in (node, leader))
        body = b'{"records": [{"kind": "test.flood", "asset": "flood/2"}]}'
        wait_for("the way to the leader", lambda: self.post(tester, "first").status == 201)
        self.assertEqual(403, self.post(door, "flood").status)
        with contextlib.ExitStack() as stack:
            for _ in range(PIPES):  # One request behind the other: none waits for Python.
                stack.enter_context(door.socket()).sendall(PIPELINED * (
                    b"POST /v1/commits HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body)))
            wait_for("pace", lambda: self.gauge(node, "refusals_paced_total") > paced)
            before, begun = self.gauge(leader, "denials_total"), time.monotonic()
            for i in range(20):
                self.assertEqual(201, self.post(tester, i).status)
            time.sleep(1)
            refused, took_s = (self.gauge(leader, "denials_total") - before,
                               time.monotonic() - begun)
        self.assertGreater(refused, 0)
        self.assertLess(refused, took_s * PER_SECOND + PIPES + 16)
        self.assertEqual(paced_by_leader, self.gauge(leader, "refusals_paced_total"),
                         "a member does not wait for whom it serves")


if __name__ == "__main__":
    cluster.main()
