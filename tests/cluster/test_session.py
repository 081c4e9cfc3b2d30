"""tests/cluster/test_session.py: `weft session` against a plant: requests and answers over one
connection, and that it never calls refused what may have happened."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402


class Session:
    def __init__(self, case, node, timeout="30"):
        self.process = subprocess.Popen(
            [str(cluster.options.bin / "weft"), "session", "--endpoint", node.client,
             "--identity", str(case.plant.identity), "--timeout", timeout],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        case.addCleanup(self.process.__exit__, None, None, None)
        case.addCleanup(self.process.kill)

    def send(self, line):
        self.process.stdin.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the session ended: {self.process.stderr.read()}")
        return json.loads(line)

    def ask(self, op, **members):
        self.send({"op": op, **members})
        return self.receive()


def commit(*assets, n=1, **record):
    return {"op": "commit",
            "records": [{"kind": "test.session", "asset": asset, "attrs": {"n": n}, **record}
                        for asset in assets]}


class Sessions(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        super().setUpClass()

    def test_requests_are_answered_in_order_until_the_input_ends(self):
        leader, follower = self.plant.leader(), self.plant.followers()[0]
        session = Session(self, leader)
        lines = []
        for number in range(300):
            lines.append(commit(f"order/{number}", n=number))
            lines.append({"op": "read", "asset": f"order/{number}"})
        output, errors = session.process.communicate(
            "".join(json.dumps(line) + "\n" for line in lines), timeout=300)
        self.assertEqual(0, session.process.returncode, errors)
        answers = [json.loads(line) for line in output.splitlines()]
        self.assertEqual(600, len(answers))
        for number in range(300):
            done, seen = (answer["ok"] for answer in answers[2 * number:2 * number + 2])
            self.assertEqual(f"order/{number}", done["records"][0]["asset"])
            self.assertEqual(done["index"], seen["rev"])
            self.assertEqual(number, seen["records"][0]["attrs"]["n"])
        other = Session(self, follower)
        self.assertEqual(300, len(other.ask("find", asset="order/*", limit=1000)["ok"]["records"]))

    def test_every_question_has_its_answer(self):
        session = Session(self, self.plant.leader())
        whole = {"kind": "assembly", "asset": "unit/1",
                 "links": [{"rel": "contains", "to": f"piece/{n}"} for n in range(3)]}
        session.send({"op": "commit", "records": [whole]})
        index = session.receive()["ok"]["index"]
        trace = session.ask("trace", asset="unit/1", direction="back")["ok"]
        self.assertEqual({"unit/1", "piece/0", "piece/1", "piece/2"},
                         {step["asset"] for step in trace["steps"]})
        ids = session.ask("trace", asset="unit/1", direction="back", ids=True)["ok"]
        self.assertEqual({"piece/0", "piece/1", "piece/2"}, set(ids["assets"]))
        page = session.ask("watch", **{"from": index}, limit=10)["ok"]
        self.assertEqual("unit/1", page["records"][0]["asset"])
        self.assertGreater(page["next_index"], index)
        before = session.ask("read", asset="unit/1", as_of=index - 1)["refused"]
        self.assertEqual("not-found", before["code"])
        status = session.ask("status")["ok"]
        self.assertEqual("leader", status["state"])
        self.assertEqual(3, len(status["members"]))
        marker = session.ask("digest")["ok"]["index"]
        digests = set()
        for node in self.plant:
            other = Session(self, node)
            answer = plant.wait_for("a digest", lambda s=other: self.digest_of(s, marker))
            digests.add(answer["digest"])
        self.assertEqual(1, len(digests))

    @staticmethod
    def digest_of(session, marker):
        answer = session.ask("digest", index=marker)
        return answer["ok"] if answer.get("ok", {}).get("is_done") else None

    def test_what_did_not_happen_is_refused_with_what_is_needed_to_go_on(self):
        leader, follower = self.plant.leader(), self.plant.followers()[0]
        session = Session(self, leader)
        session.send(commit("refused/1"))
        rev = session.receive()["ok"]["index"]
        session.send(commit("refused/1", expect={"rev": rev + 1}))
        answer = session.receive()["refused"]
        self.assertEqual(("conflict", rev), (answer["code"], answer["rev"]))
        other = Session(self, follower)
        other.send(commit("refused/1"))
        answer = other.receive()["refused"]
        self.assertEqual(("not-leader", leader.client), (answer["code"], answer["leader"]))
        self.assertEqual(rev, other.ask("read", asset="refused/1")["ok"]["rev"])

    def test_a_line_that_is_no_request_is_told_and_passed_over(self):
        session = Session(self, self.plant.leader())
        for line, place in (('{"op": "read"', "line 1"), ('{"op": "sing"}', "line 2, column 8"),
                            ('{"op": "commit", "records": [{"kind": "a", "assets": "x"}]}',
                             "/records/0/assets")):
            session.send(line)
            answer = session.receive()
            self.assertIn(place, answer["error"]["detail"])
        session.send("x" * (5 << 20))
        self.assertIn("line 4", session.receive()["error"]["detail"])
        self.assertIn("ok", session.ask("status"))
        session.process.stdin.close()
        self.assertEqual(0, session.process.wait(60))

    def test_one_endpoint_is_taken_and_no_more(self):
        done = self.plant.weft("session", text="")
        self.assertEqual(2, done.returncode)
        self.assertIn("one node", done.stderr)

    def test_an_outcome_that_is_not_known_is_never_called_refused(self):
        """The leader is killed with a commit on its way, again and again: whatever the session
        called refused is not there, whatever it called ok is."""
        outcomes = {"ok": set(), "refused": set(), "unknown": set()}
        number = 0
        for _ in range(6):
            leader = self.plant.leader()
            sessions = [Session(self, leader, "5") for _ in range(8)]
            for _ in range(20):
                for session in sessions:
                    session.send(commit(f"doubt/{number}", f"doubt/{number}/b"))
                    session.asset = f"doubt/{number}"
                    number += 1
                if _ == 19:
                    leader.kill()
                for session in sessions:
                    answer = session.receive()
                    self.assertEqual(1, len(answer))
                    outcomes[next(iter(answer))].add(session.asset)
            for session in sessions:  # nobody listens there: it never left
                session.send(commit(f"doubt/{number}", f"doubt/{number}/b"))
                outcomes[next(iter(session.receive()))].add(f"doubt/{number}")
                number += 1
            leader.start()
            for session in sessions:  # connected anew
                plant.wait_for("an answer", lambda s=session: "ok" in s.ask("status"))
                session.process.stdin.close()
        there = set()
        with self.plant.leader().connect() as client:
            for record in client.commits(1, asset_glob="doubt/*"):
                there.add(record["asset"])
        self.assertTrue(outcomes["unknown"], "no commit was ever in doubt: the kills hit nothing")
        self.assertTrue(outcomes["refused"], "no request ever found nobody")
        self.assertEqual(set(), outcomes["ok"] - there, "acknowledged and not there")
        self.assertEqual(set(), outcomes["refused"] & there, "refused and there")
        print(f"\n{len(outcomes['ok'])} done, {len(outcomes['refused'])} refused, "
              f"{len(outcomes['unknown'])} in doubt, of which "
              f"{len(outcomes['unknown'] & there)} were done", file=sys.stderr)

    def test_silence_ends_at_the_timeout_and_the_session_goes_on(self):
        leader = self.plant.leader()
        session = Session(self, leader, "1500ms")
        plant.wait_for("connected", lambda: "ok" in session.ask("status"))
        leader.pause()
        begun = time.monotonic()
        session.send(commit("silent/1"))
        answer = session.receive()
        took = time.monotonic() - begun
        leader.resume()
        self.assertIn("unknown", answer)
        self.assertGreater(took, 1.4)
        plant.wait_for("it answers again", lambda: "ok" in session.ask("status"))


if __name__ == "__main__":
    cluster.main()
