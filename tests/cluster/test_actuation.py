"""tests/cluster/test_actuation.py: commands to machines by the command line, on a running site:
what people sign, what is refused and why, and what a gateway is given to act on. Gateways
themselves have tests of their own."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import orders  # noqa: E402
from plant import wait_for  # noqa: E402

LINES = """
group approvers = op plant1/bo, op plant1/cy, op plant1/di

permit commanders
  who  op plant1/ann
  do   propose cancel take-authority break-glass

permit approvers
  who  approvers
  do   approve

require two
  do   propose
  on   tier >= 2
  need 2 of approvers not proposer distinct-persons
"""

ENVELOPE = """weft-envelope/v1
name press7-speed
party site
version 1
prev none
issued 2026-01-01T00:00:00.000Z
expires 2099-01-01T00:00:00.000Z
target oem.example/plant1/line2/press7
verb set-speed
hard speed 0 .. 60 rpm
normal speed 10 .. 50 rpm
verify speed within 1 rpm by 20s
finish 10s
safe hold
"""


class Actuation(orders.OrdersCase):
    lines, envelope = LINES, ENVELOPE

    # --- what is run ------------------------------------------------------------------------------

    def propose(self, speed="42.5", *more):
        return self.plant.weft(
            "command", "propose", "set-speed", "plant1/line2/press7", "--arg",
            f"speed={speed} rpm", "--channel", "plant1/gw1/press7", "--class", "B", "--tier", "2",
            "--post", f"speed = {speed} +- 0.5 rpm by 20s", "--reason", "batch 1187", "--key",
            str(self.home / "admins/ann.key"), "--yes", "-o", "json", *more)

    def proposed(self, *more):
        done = self.propose(*more)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["id"]

    def say(self, what, ident, who, *more):
        key = self.home / ("cy/note.key" if who == "cy" else f"admins/{who}.key")
        return self.plant.weft("command", what, ident, *more, "--reason", "seen", "--key",
                               str(key), "--yes", "-o", "json")

    def refused(self, code, word, done):
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)

    def state(self, ident):
        return json.loads(self.must("command", "show", ident, "-o", "json"))["state"]

    # --- the tests --------------------------------------------------------------------------------

    def test_1_what_is_signed_is_shown_in_full(self):
        done = self.propose()
        self.assertEqual(0, done.returncode, done.stderr)
        for line in ("weft-command/v1", "target oem.example/plant1/line2/press7",
                     "arg speed 42.5 rpm", "post field speed = 42.5 +- 0.5 rpm by 20s",
                     "meaning propose", "reason batch 1187"):
            self.assertIn(line + "\n", done.stderr)
        ident = json.loads(done.stdout)["id"]
        done = self.say("approve", ident, "bo")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("arg speed 42.5 rpm\n", done.stderr)
        self.assertIn("weft-approval/v1\n", done.stderr)
        self.assertEqual("PROPOSED", self.state(ident))
        self.assertEqual(0, self.say("cancel", ident, "ann").returncode)
        self.assertEqual("CANCELLED", self.state(ident))
        self.refused(1, "CANCELLED", self.plant.weft("command", "watch", ident))
        note = self.propose("42.5", "--quiet")
        self.assertNotIn("weft-command", note.stderr)
        self.say("reject", json.loads(note.stdout)["id"], "bo")

    def test_2_each_refusal_says_why(self):
        self.refused(4, "hard: speed", self.propose("61"))
        self.refused(4, "normal: speed", self.propose("55"))
        self.refused(2, "VALUE is like", self.propose("42.50"))
        self.refused(2, "--yes says", subprocess.run(
            ["setsid", str(cluster.options.bin / "weft"), "envelope", "apply",
             str(self.home / "envelope"), "--key", str(self.home / "admins/ann.key"),
             "--endpoint", self.plant.endpoints(), "--identity", str(self.plant.identity)],
            timeout=60, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False))
        ident = self.proposed()
        self.refused(4, "own: ", self.say("approve", ident, "ann"))
        self.assertEqual(0, self.say("approve", ident, "bo").returncode)
        self.refused(5, "twice: ", self.say("approve", ident, "bo"))
        shown = json.loads(self.must("command", "show", ident, "-o", "json"))
        self.assertEqual(["two: 1 of 2 of approvers"], shown["needs"])  # One alone is not enough.
        self.refused(1, "no such command", self.say("approve", "0" * 32, "bo"))
        self.assertEqual("PROPOSED", self.state(ident))
        self.assertEqual(0, self.say("reject", ident, "cy").returncode)
        self.assertEqual("REJECTED", self.state(ident))
        expired = self.proposed("41", "--for", "5s")
        wait_for("it expires", lambda: self.state(expired) == "EXPIRED")
        self.refused(5, "state: ", self.say("approve", expired, "bo"))

    def test_3_what_comes_again_is_refused_or_changes_nothing(self):
        first = self.proposed("42")
        note = json.loads(self.must("command", "show", first, "-o", "json"))["note"]
        seq = note.split("\nseq ", 1)[1].split("\n", 1)[0]
        self.refused(5, "seq: not above the last of this key on the channel",
                     self.propose("42", "--seq", seq))
        self.assertEqual(0, self.say("cancel", first, "ann").returncode)
        again = self.plant.weft("put", "-", text=json.dumps(
            {"kind": "command", "asset": f"command:{first}", "attrs": {"note": note}}) + "\n")
        self.assertEqual(0, again.returncode, again.stderr)
        self.assertEqual("CANCELLED", self.state(first))

    def hand_over(self, how, *more, who="ann"):
        key = self.home / ("cy/note.key" if who == "cy" else f"admins/{who}.key")
        return self.plant.weft("command", how, "plant1/gw2/press7", "--reason", "night shift",
                               "--key", str(key), "--yes", "-o", "json", *more)

    def test_4_channel_is_handed_over_and_taken_back(self):
        def rank():
            return json.loads(self.must("command", "authority", "plant1/gw2/press7", "-o", "json"))
        there = ("--channel", "plant1/gw2/press7")
        self.assertEqual(("operator", 0), (rank()["rank"], rank()["version"]))
        self.refused(5, "the operator's", self.hand_over("take"))
        done = self.hand_over("take", "--to", "automation")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("weft-handover/v1\n", done.stderr)  # Shown, and signed as it was shown.
        self.assertEqual(("automation", "oem.example/plant1/op/ann", "night shift"),
                         (rank()["rank"], rank()["signer"], rank()["reason"]))
        self.refused(4, "rank: ", self.propose("41", *there))
        self.refused(4, "take it first", self.hand_over("give-back"))
        self.refused(4, "policy: ", self.hand_over("take", who="cy"))
        self.assertEqual(0, self.hand_over("take").returncode)
        self.assertEqual(("operator", 2), (rank()["rank"], rank()["version"]))
        self.assertEqual(0, self.say("cancel", self.proposed("41", *there), "ann").returncode)

    def test_4_broken_glass_asks_no_approval_and_opens_no_hard_range(self):
        there = ("--channel", "plant1/gw2/press7", "--break-glass")
        self.refused(4, "hard: speed", self.propose("61", *there))
        ident = self.proposed("55", *there)
        wait_for("its intent", lambda: self.state(ident) == "INTENT")

    def test_4_no_intent_stands_behind_the_revocation_of_who_approved(self):
        """A handful on real processes; ten thousand: tests/unit/node/test_commands_races.c."""
        admin, sent = self.home / "admins/ann.key", 0
        for number in range(4):
            home = self.home / f"di{number}"
            self.local("pki", "person", "di", "--org", "oem.example", "--site", "plant1", "--only",
                       "note", "--clear", "--out", home)
            self.must("pki", "enroll", home / "note.key", "--key", admin)
            ident = self.proposed("42", "--channel", f"plant1/gw3/press{number}")
            self.assertEqual(0, self.say("approve", ident, "bo").returncode)
            approve = ("command", "approve", ident, "--reason", "seen", "--key",
                       home / "note.key", "--yes", "-o", "json")
            revoke = ("pki", "revoke", "di", "--key", admin, "--reason", "lost", "-o", "json")
            with concurrent.futures.ThreadPoolExecutor(2) as both:
                racers = [both.submit(self.plant.weft, *map(str, racer))
                          for racer in ((approve, revoke), (revoke, approve))[number % 2]]
                done = [racer.result() for racer in racers][1 - number % 2]
            self.assertEqual(0, done.returncode, done.stderr)
            wait_for("it stands", lambda i=ident: self.state(i) not in ("APPROVED", "SELECTED"))
            shown = json.loads(self.must("command", "show", ident, "-o", "json"))
            self.assertIn(shown["state"], ("PROPOSED", "CANCELLED", "INTENT"))
            if "token" in shown:
                sent += 1
                self.assertLessEqual(int(shown["token"].split()[1]),
                                     json.loads(done.stdout)["index"])
        print(f"{sent} of 4 were sent in front of the revocation", file=sys.stderr)

    def test_5_two_approvals_send_it_with_a_proof(self):
        ident = self.proposed("43")
        for who in ("bo", "cy"):
            done = self.say("approve", ident, who)
            self.assertEqual(0, done.returncode, done.stderr)
        wait_for("its intent", lambda: self.state(ident) == "INTENT")
        bundle = self.must("command", "bundle", ident)
        for line in ("weft-bundle/v1", "act command.intent", f"subject command:{ident}",
                     "state SELECTED INTENT", "c2sp.org/tlog-proof@v1",
                     "oem.example/plant1/audit"):
            self.assertIn(line + "\n", bundle)
        self.assertEqual(2, bundle.count("\nweft-approval/v1\n"))
        self.assertGreaterEqual(bundle.count("\u2014 oem.example/plant1/audit "), 2)
        listed = json.loads(self.must("command", "list", "--open", "-o", "json"))
        self.assertIn(ident, [command["id"] for command in listed])
        # Another one waits for its channel.
        second = self.proposed("44")
        for who in ("bo", "cy"):
            self.say("approve", second, who)
        self.assertEqual("APPROVED", self.state(second))
        # A new leader goes on: it asks the gateway, of which there is none.
        self.plant.leader().kill()
        self.plant.leader()
        wait_for("a question", lambda: "asked" in json.loads(
            self.must("command", "show", ident, "-o", "json")))
        self.assertEqual("INTENT", self.state(ident))


if __name__ == "__main__":
    cluster.main()
