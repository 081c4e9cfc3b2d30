"""tests/cluster/test_smoke.py: three nodes agree, answer, stop and start again."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import wire  # noqa: E402
from plant import WAIT_S, wait_for  # noqa: E402
from writers import Writers  # noqa: E402


def inspection(serial, verdict="PASS", **extra):
    return {"kind": "inspection", "asset": f"serial:box/{serial}", "source": "test#1",
            "attrs": {"verdict": verdict, "flatness/value": ("real", "0.014"),
                      "flatness/unit": "mm"},
            "links": [("made_on", "plant1/line2/mill-2")], **extra}


class Smoke(cluster.PlantCase):
    def commit(self, records, request_id=None):
        """On the leader, once, however often it must be asked."""
        request_id = request_id or os.urandom(16)
        return self.plant.retry(lambda client: client.commit(records, request_id))

    def ask(self, node, query_type, **fields):
        """The node's answer, once it has one: a node without a leader says so."""
        def answer():
            try:
                with node.connect() as client:
                    return client.query(query_type, **fields)
            except wire.Refusal as refusal:
                self.assertIn(refusal.outcome, wire.RETRY)
                return None
        return wait_for(f"{node.name} answers", answer)

    def test_a_commit_is_read_back_from_every_node(self):
        result = self.commit([inspection(1), inspection(2, "FAIL")])
        self.assertEqual(2, len(result["receipts"]))
        for node in self.plant:
            page = self.ask(node, "asset", asset="serial:box/1")
            self.assertEqual(result["index"], page["rev"], node.name)
            record = page["records"][0]
            self.assertEqual(("real", "0.014"), record["attrs"]["flatness/value"])
            self.assertEqual([("made_on", "plant1/line2/mill-2")], record["links"])
            self.assertEqual(f"spiffe://{self.plant.org}/{self.plant.site}/op/tester",
                             record["author"])
            self.assertEqual(result["receipts"][0][2], record["digest"])
            self.assertEqual(result["time_ns"], record["time_ns"])

    def test_a_linearizable_read_sees_the_write_before_it_on_any_node(self):
        for sequence in range(20):
            result = self.commit([inspection(f"lin{sequence}")])
            node = list(self.plant)[sequence % 3]
            page = self.ask(node, "asset", asset=f"serial:box/lin{sequence}")
            self.assertEqual(result["index"], page["rev"])

    def test_a_read_waits_for_the_index_that_it_names(self):
        result = self.commit([inspection("min")])
        for node in self.plant:
            page = self.ask(node, "asset", asset="serial:box/min", consistency=2,
                            min_index=result["index"])
            self.assertGreaterEqual(page["index"], result["index"])
            self.assertEqual(result["index"], page["rev"])

    def test_a_request_id_makes_a_retry_harmless(self):
        request_id = os.urandom(16)
        first = self.commit([inspection("twice")], request_id=request_id)
        again = self.commit([inspection("twice")], request_id=request_id)
        self.assertFalse(first["repeated"])
        self.assertTrue(again["repeated"])
        self.assertEqual(first["index"], again["index"])
        self.assertEqual(first["receipts"], again["receipts"])
        found = self.plant.retry(
            lambda client: list(client.pages("find", asset_glob="serial:box/twice")))
        self.assertEqual(1, len(found))

    def test_an_expectation_that_fails_refuses_the_whole_commit(self):
        first = self.commit([inspection("expect", expect_rev=0)])
        with self.assertRaises(wire.Refusal) as refused:
            self.commit([inspection("other"), inspection("expect", expect_rev=0)])
        self.assertEqual("conflict", refused.exception.outcome)
        self.assertEqual(first["index"], refused.exception.present_rev)
        self.assertEqual([], self.plant.retry(
            lambda client: list(client.pages("find", asset_glob="serial:box/other"))))
        second = self.commit([inspection("expect", expect_rev=first["index"])])
        self.assertGreater(second["index"], first["index"])

    def test_followers_send_a_writer_to_the_leader(self):
        def check(leader):
            for node in self.plant:
                if node is leader:
                    continue
                with node.connect() as client:
                    with self.assertRaises(wire.Refusal) as refused:
                        client.commit([inspection("sent-on")])
                self.assertEqual("not_leader", refused.exception.outcome)
                self.assertEqual(leader.client, refused.exception.leader)
        self.under_one_leader(check)

    def test_find_goes_page_by_page_and_the_feed_has_no_gap(self):
        indexes = [self.commit([{"kind": "test.page", "asset": f"page/{i}"}])["index"]
                   for i in range(60)]
        with self.plant.followers()[0].connect() as client:
            found = list(client.pages("find", kind="test.page", limit_records=7))
            feed = [r["index"] for r in client.commits(indexes[0]) if r["kind"] == "test.page"]
        self.assertEqual([f"page/{i}" for i in range(60)], [r["asset"] for r in found])
        self.assertEqual(indexes, feed)

    def test_the_feed_waits_for_what_is_new(self):
        def check(leader):
            with leader.connect() as client:
                at = client.status()["applied_index"]
                page = client.query("commits", from_index=at + 1, wait_ms=300)
                self.assertEqual([], page["records"])
                result = client.commit([inspection("feed")])
                page = client.query("commits", from_index=at + 1, wait_ms=5000)
                self.assertEqual(result["index"], page["records"][0]["index"])
        self.under_one_leader(check)

    def test_digests_agree_after_load(self):
        with Writers(self.plant, 4, prefix="smoke") as writers:
            wait_for("commits", lambda: writers.count() > 50)
        self.assertGreater(writers.check(self, self.plant.followers()[0]), 20)
        self.assert_same_digests()

    def test_everything_is_there_after_all_nodes_stopped_and_started(self):
        result = self.commit([inspection("restart")])
        before = self.assert_same_digests()
        for node in self.plant:
            self.assertEqual(0, node.stop(), f"{node.name}\n{node.tail()}")
        for node in self.plant:
            node.launch()
        self.plant.wait_for_voters()
        for node in self.plant:
            self.assertEqual(result["index"],
                             self.ask(node, "asset", asset="serial:box/restart")["rev"])
        self.assertEqual(set(before), set(self.assert_same_digests()))

    def test_a_second_process_on_a_data_directory_is_refused(self):
        node = self.plant["n2"]
        process = node.process
        second = node.launch()
        self.assertNotEqual(0, second.wait(WAIT_S))
        node.process = process
        self.assertTrue(node.is_alive())
        self.assertIn(str(process.pid), node.tail(5))


class HandOver(cluster.PlantCase):
    # Without a hand-over nobody would lead for as long as this.
    plant_timers = {"election_ms": 30000, "heartbeat_ms": 1000, "link_heartbeat_ms": 1000}

    def test_a_leader_that_is_stopped_hands_over_first(self):
        """The site pauses for much less than an election takes."""
        leader = self.plant.leader()
        with Writers(self.plant, 4, prefix="handover") as writers:
            wait_for("commits", lambda: writers.count() > 50)
            at = time.monotonic_ns()
            self.assertEqual(0, leader.stop())
            gap = wait_for("the next leader acknowledges",
                           lambda: writers.first_ack_after(at, leader.name))
        leader.start()
        self.plant.wait_for_voters()
        writers.check(self, leader)
        self.assertLess(gap, self.plant_timers["election_ms"],
                        "ms from SIGTERM to the next leader's first acknowledgement")


class OneNode(cluster.PlantCase):
    plant_nodes = ("n1",)

    def test_a_site_of_one_node_works(self):
        result = self.plant.retry(lambda client: client.commit([inspection(1)]))
        self.plant["n1"].kill()
        self.plant["n1"].start()
        self.assertEqual(result["index"], self.plant.retry(
            lambda client: client.query("asset", asset="serial:box/1"))["rev"])


if __name__ == "__main__":
    cluster.main()
