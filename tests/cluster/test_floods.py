"""tests/cluster/test_floods.py: strangers' handshakes and refused commits by the thousands: others
are served, what is kept of them is bounded, and the audit log counts each. How fast the others are
served meanwhile is tests/bench's."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import wire  # noqa: E402
from flood import Flood  # noqa: E402
from plant import wait_for  # noqa: E402
from writers import Writers  # noqa: E402

HANDSHAKES = 1500
DENIALS = 6000
GROWTH_BYTES = 48 << 20  # RocksDB's memtables and caches fill meanwhile: limits.memtable_bytes


class Floods(cluster.PlantCase):
    plant_settings = {}

    @classmethod
    def setUpClass(cls):
        home = pathlib.Path(cluster.tempfile.mkdtemp(prefix="site-", dir=cluster.options.work))
        cls.site = home.resolve()
        cls.plant_settings = {"policy": pki.site(cluster.options.bin, cls.site / "org",
                                                 ("tester",)),
                              "limits": {"memtable_bytes": "8 MiB", "cache_bytes": "8 MiB"}}
        super().setUpClass()
        cls.viewer = cls.plant.authority.issue("plant1", "op", "vic", cls.directory / "vic")
        cls.stranger = pki.Authority(cls.directory / "fake", cls.plant.org).issue(
            "plant1", "node", "n2")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cluster.shutil.rmtree(cls.site, ignore_errors=True)

    def descriptors(self, node):
        return len(list(pathlib.Path(f"/proc/{node.process.pid}/fd").iterdir()))

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

    def assert_flat(self, node, flood):
        """Memory is taken by the first half, if at all."""
        flood()
        before = node.rss_bytes()
        flood()
        self.assertLess(node.rss_bytes() - before, GROWTH_BYTES, "memory grows with the flood")

    def test_handshakes(self):
        node = self.plant.leader()
        open_before, lines = self.descriptors(node), node.log.read_bytes().count(b"\n")
        for door, counter in ((node.client, "client_refused_total"),
                              (node.peer, "peer_refused_total")):
            refused = self.gauge(node, counter)

            def flood(address=door):
                with Flood("handshakes", address, self.stranger, HANDSHAKES // 2) as strangers:
                    return strangers.wait()
            self.under_load(f"hand-{counter[:4]}", lambda f=flood: self.assert_flat(node, f))
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
        done = [0]

        def flood():
            with Flood("denials", node.client, self.viewer, DENIALS // 2) as refused:
                done[0] += refused.wait()
        self.assert_flat(node, flood)
        self.assertEqual(DENIALS, done[0])
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

    def test_denials_beside_others(self):
        node = self.plant.leader()
        denied = self.gauge(node, "denials_total")

        def attack():
            with Flood("denials", node.client, self.viewer) as refused:
                wait_for("refusals", lambda: self.gauge(node, "denials_total") > denied + 500)
            return refused.done
        self.assertGreater(self.under_load("beside", attack), 100)
        with node.connect() as client:
            with self.assertRaises(wire.Refusal):
                list(client.pages("asset", asset="flood/1"))  # Nothing of it was written.


if __name__ == "__main__":
    cluster.main()
