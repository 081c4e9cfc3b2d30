"""tests/cluster/test_members.py: nodes come back, come and go, while others write."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import wire  # noqa: E402
from plant import wait_for  # noqa: E402
from writers import Writers  # noqa: E402

# Checkpoints often and nothing kept below them, so that a follower falls behind within seconds.
TRIM_SOON = {"limits": {"checkpoint_entries": 64, "trailing_entries": 0}}


def role_of(status, name):
    return next((m["role"] for m in status["members"] if m["name"] == name), None)


class ComeBack(cluster.PlantCase):
    plant_settings = TRIM_SOON

    def write_until_trimmed_past(self, index, prefix):
        """Load until the leader's log starts after `index`."""
        with Writers(self.plant, 4, prefix=prefix) as writers:
            wait_for("the log is trimmed",
                     lambda: (self.plant.leader_status() or {}).get("first_log_index", 0)
                     > index + 1, every=0.2)
        return writers

    def test_a_follower_behind_the_trimmed_log_comes_back_by_checkpoint(self):
        follower = self.plant.followers()[0]
        at = follower.status()["applied_index"]
        self.assertEqual(0, follower.stop())
        writers = self.write_until_trimmed_past(at, "behind")
        with Writers(self.plant, 4, prefix="meanwhile") as more:
            follower.start()
            self.plant.wait_for_voters()
            leader = self.plant.leader_status()
            self.plant.wait_for_applied(leader["commit_index"], [follower])
        self.assertGreaterEqual(follower.status()["checkpoint_index"], at)
        writers.check(self, follower)
        more.check(self, follower)
        self.assert_same_digests()

    def test_a_wiped_follower_comes_back_by_checkpoint_under_a_new_id(self):
        """NOD-6: it never votes under the id whose votes it has forgotten."""
        follower = self.plant.followers()[-1]
        old = follower.status()["id"]
        writers = self.write_until_trimmed_past(follower.status()["applied_index"], "wiped")
        follower.kill()
        follower.wipe()
        with Writers(self.plant, 4, prefix="meantime") as more:
            follower.launch("--join", self.plant.leader().client)
            self.plant.wait_for_voters()
        self.assertNotEqual(old, follower.status()["id"])
        self.assertEqual(3, len(self.plant.leader_status()["members"]))
        writers.check(self, follower)
        more.check(self, follower)
        self.assert_same_digests()

    def test_a_follower_killed_while_it_fetches_starts_over_cleanly(self):
        follower = self.plant.followers()[0]
        at = follower.status()["applied_index"]
        follower.kill()
        writers = self.write_until_trimmed_past(at, "fetch")
        for wait_s in (0.05, 0.2, 0.4):
            follower.launch()
            time.sleep(wait_s)
            follower.kill()
        follower.start()
        self.plant.wait_for_voters()
        writers.check(self, follower)
        self.assert_same_digests()


class Change(cluster.PlantCase):
    def member(self, action, name, **options):
        """One change; tried again while another one is under way."""
        return self.plant.retry(lambda client: client.member(action, name, **options))

    def test_1_a_node_joins_while_others_write_and_becomes_a_voter(self):
        with Writers(self.plant, 8, prefix="join") as writers:
            wait_for("commits", lambda: writers.count() > 50)
            node = self.plant.add("n4")
            node.launch("--join", self.plant.leader().client)
            self.plant.wait_for_voters(("n1", "n2", "n3", "n4"))
            before = writers.count()
            wait_for("writing goes on", lambda: writers.count() > before + 10)
        writers.check(self, node)
        self.assert_same_digests()

    def test_2_the_leader_itself_is_removed_while_others_write(self):
        leader = self.plant.leader()
        rest = {node.name for node in self.plant} - {leader.name}
        with Writers(self.plant, 8, prefix="remove") as writers:
            wait_for("commits", lambda: writers.count() > 50)
            try:
                self.member("remove", leader.name)
            except wire.Refusal as refusal:
                # Asked again after the first answer was lost with the leadership.
                self.assertEqual("not_found", refusal.outcome)
            wait_for("another one leads", lambda: (self.plant.leader_status() or {}).get("node")
                     in rest)
            before = writers.count()
            wait_for("writing goes on", lambda: writers.count() > before + 10)
        if leader.is_alive():
            # It may run on, but it speaks for the site no more.
            with leader.connect(3) as client:
                for ask in (lambda: client.query("asset", asset="remove/c0"),
                            lambda: client.commit([{"kind": "test.late", "asset": "late/1"}])):
                    with self.assertRaises((wire.Refusal, OSError)):
                        ask()
            leader.stop()
        self.plant.wait_for_voters(rest)
        writers.check(self, self.plant.leader())
        self.assert_same_digests()
        type(self).removed = leader

    def test_3_a_removed_node_comes_back_with_an_empty_disk(self):
        node = self.removed
        node.wipe()
        node.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters(("n1", "n2", "n3", "n4"))
        self.assert_same_digests()

    def test_4_a_voter_is_demoted_and_promoted(self):
        name = self.plant.followers()[0].name
        self.member("demote", name)
        wait_for("demoted", lambda: role_of(self.plant.leader_status(), name) == "standby")
        time.sleep(1)
        self.assertEqual("standby", role_of(self.plant.leader_status(), name),
                         "a demoted member is not promoted again by itself")
        self.member("promote", name)
        wait_for("promoted", lambda: role_of(self.plant.leader_status(), name) == "voter")

    def test_5_leadership_is_handed_to_a_named_voter(self):
        name = self.plant.followers()[0].name
        self.member("transfer", name)
        wait_for("it leads", lambda: (self.plant.leader_status() or {}).get("node") == name)

    def test_6_a_change_that_would_cost_the_quorum_is_refused(self):
        followers = self.plant.followers()
        self.assertEqual(3, len(followers))
        for node in followers[:1]:
            self.member("remove", node.name)
            wait_for("removed",
                     lambda n=node: role_of(self.plant.leader_status(), n.name) is None)
            if node.is_alive():
                node.stop()
        for node in followers[1:2]:
            node.kill()
        # Two of three voters live: to remove the living follower would leave one of two. The leader
        # knows once an election timeout has passed in silence.
        time.sleep(2 * self.plant_timers["election_ms"] / 1000)
        with self.assertRaises(wire.Refusal) as refused:
            self.member("remove", followers[2].name)
        self.assertNotIn(refused.exception.outcome, wire.RETRY)
        self.assertEqual("voter", role_of(self.plant.leader_status(), followers[2].name))

    def test_7_a_request_about_nobody_is_refused(self):
        for action in ("promote", "demote", "remove", "transfer"):
            with self.assertRaises(wire.Refusal) as refused:
                self.member(action, "n99")
            self.assertEqual("not_found", refused.exception.outcome)


if __name__ == "__main__":
    cluster.main()
