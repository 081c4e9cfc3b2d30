"""tests/cluster/test_kills.py: the leader is killed again and again under writing clients.

SIGKILL every 3 s for --seconds (default 30; acceptance: 300) under --clients (default 32). Then
every acknowledged commit is there exactly once, at its index, on every node, and all digests
agree. The time from each kill to the first commit acknowledged after it is printed."""

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import wire  # noqa: E402
from plant import WAIT_S, wait_for  # noqa: E402
from writers import Writers  # noqa: E402

KILL_EVERY_S = 3
DOWN_S = 1
# tests/bench holds the claim (median 600 ms, never over 1500) on a quiet machine. Here only that
# somebody leads again: with 32 clients on two cores a claim of speed would fail by chance.
GAP_MAX_MS = 60000


class Kills(cluster.PlantCase):
    plant_timers = None  # the product's own

    def test_no_promise_is_broken_when_leaders_die(self):
        seconds = cluster.options.seconds or 30
        clients = cluster.options.clients or 32
        kills = []
        with Writers(self.plant, clients) as writers:
            time.sleep(1)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                started = time.monotonic()
                leader = self.plant.leader()
                kills.append((leader.kill(), leader.name))
                time.sleep(DOWN_S)
                leader.launch()
                time.sleep(max(0, KILL_EVERY_S - (time.monotonic() - started)))
        self.plant.wait_for_voters()
        acked = 0
        for node in self.plant:
            acked = writers.check(self, node)
        self.assert_same_digests()
        gaps = [writers.first_ack_after(*kill) for kill in kills]
        self.assertGreaterEqual(len(kills), seconds / KILL_EVERY_S / 4, "too few kills to tell")
        self.assertGreater(acked, 5 * seconds, "too few commits to tell")
        self.assertNotIn(None, gaps, "after a kill nothing was acknowledged")
        again = sum(1 for ack in writers.acks() if ack.tries > 1)
        self.assertGreater(again, 0, "no commit was ever asked for twice: the kills hit nothing")
        print(f"\n{len(kills)} kills, {acked} commits acknowledged ({acked / seconds:.0f}/s), "
              f"{again} asked for again; first acknowledgement after a kill: median "
              f"{statistics.median(gaps):.0f} ms, max {max(gaps):.0f} ms", file=sys.stderr)
        self.assertLess(max(gaps), GAP_MAX_MS)

    def test_no_promise_is_broken_when_all_nodes_die_at_once(self):
        with Writers(self.plant, 8, prefix="all") as writers:
            for number in range(3):
                wait_for("commits", lambda n=number: writers.count() > 50 * (n + 1))
                for node in self.plant:
                    node.process.kill()
                for node in self.plant:
                    node.process.wait()
                    node.launch()
                self.plant.wait_for_voters()
        for node in self.plant:
            self.assertGreater(writers.check(self, node), 50)
        self.assert_same_digests()

    def test_a_paused_leader_serves_no_stale_read_when_it_wakes(self):
        leader = self.plant.leader()
        record = {"kind": "test.pause", "asset": "pause/1"}
        with leader.connect() as old:
            old.commit([record])
            leader.pause()
            others = [node for node in self.plant if node is not leader]
            newer = None
            end = time.monotonic() + WAIT_S
            while newer is None:
                self.assertLess(time.monotonic(), end, "the others elect nobody")
                for node in others:
                    try:
                        with node.connect(10) as client:
                            newer = client.commit([record])["index"]
                            break
                    except Exception:  # not yet
                        time.sleep(0.05)
            leader.resume()
            try:
                page = old.query("asset", asset="pause/1")
                self.assertGreaterEqual(page["rev"], newer, "a stale read")
            except OSError:
                pass  # it had hung up on us: no answer is not a wrong one
            except wire.Refusal as refusal:
                self.assertIn(refusal.outcome, wire.RETRY)
        self.plant.wait_for_voters()
        self.assert_same_digests()


if __name__ == "__main__":
    cluster.main()
