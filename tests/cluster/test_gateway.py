"""tests/cluster/test_gateway.py: weft-gateway beside a simulated press and a running site: commands
are proposed, approved by two people, dispatched with a proof, carried out once and verified; and
what happens when the gateway, the leader or the guard is not there."""

import json
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import orders  # noqa: E402
import pki  # noqa: E402
from orders import SITE  # noqa: E402
from plant import wait_for  # noqa: E402

LINES = """
group approvers = op plant1/bo, op plant1/cy

permit commanders
  who  op plant1/ann
  do   propose cancel read

permit approvers
  who  approvers
  do   approve read

permit gateways
  who  gw plant1/gw1
  do   read subscribe
  on   kind command

permit shows
  who  gw plant1/gw1
  do   write create
  on   asset plant1/line2/press7

require two
  do   propose
  on   tier >= 2
  need 2 of approvers not proposer distinct-persons
"""

ENVELOPE = """weft-envelope/v1
name press7-moves
party site
version 1
prev none
issued 2026-01-01T00:00:00.000Z
expires 2099-01-01T00:00:00.000Z
target oem.example/plant1/line2/press7
verb jog
verb set-speed
hard speed 0 .. 60 rpm
normal speed 10 .. 50 rpm
interlock guard/closed = true fresh 2s
finish 10s
safe set-speed
safe-arg speed 0 rpm
"""

CONFIG = """gateway:
  org: oem.example
  site: plant1
  name: gw1
  data: data
  key: gw1.key
plant:
  endpoints: [{endpoints}]
  identity: identity
trust:
  logs: [{logs}]
  needed: 2
  keys: persons
  approvals: [0, 1, 2]
channels:
  - machine: press7
    asset: plant1/line2/press7
    show_s: 1
    lost_s: 8
    sim:
      kind: press
      directory: press7
"""


class Gateway(orders.OrdersCase):
    ROUNDS = 3
    plant_timers = cluster.PATIENT
    lines, envelope = LINES, ENVELOPE
    process, log = None, None

    @classmethod
    def setUpClass(cls):
        cluster.need("weft-gateway")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.stop()
        super().tearDownClass()

    @classmethod
    def prepare(cls):
        """And the gateway's key, and its directory."""
        super().prepare()
        ann = cls.home / "admins/ann.key"
        cls.gw = cls.home / "gw1"
        cls.gw.mkdir()
        vkey = pki.log_key(cls.gw, f"{SITE}/gw/gw1")
        (cls.gw / "log.key").rename(cls.gw / "gw1.key")
        (cls.gw / "gw1.vkey").write_text(vkey + "\n", encoding="utf-8")
        cls.must("pki", "enroll", cls.gw / "gw1.key", "--key", ann)
        cls.plant.authority.issue("plant1", "gw", "gw1", cls.gw / "identity")
        persons = {"ann": cls.home / "admins/ann.vkey", "bo": cls.home / "admins/bo.vkey",
                   "cy": cls.home / "cy/note.vkey"}
        (cls.gw / "persons").write_text("".join(
            f"key 1 - {SITE}/op/{name} {path.read_text(encoding='utf-8').strip()}\n"
            for name, path in sorted(persons.items())), encoding="utf-8")
        (cls.gw / "config.yaml").write_text(CONFIG.format(
            endpoints=", ".join(f'"{node.client}"' for node in cls.plant),
            logs=", ".join(f'"{key}"' for key in cls.logs)), encoding="utf-8")
        (cls.gw / "press7").mkdir()
        cls.guard(True)
        cls.start()

    # --- the gateway and its press ----------------------------------------------------------------

    @classmethod
    def start(cls):
        cls.log = open(cls.gw / "log", "ab")
        cls.process = subprocess.Popen(
            [str(cluster.options.bin / "weft-gateway"), "--config", str(cls.gw / "config.yaml")],
            stdin=subprocess.DEVNULL, stderr=cls.log)

    @classmethod
    def stop(cls, number=signal.SIGTERM):
        if cls.process is not None:
            cls.process.send_signal(number)
            status = cls.process.wait(timeout=30)
            cls.process = None
            cls.log.close()
            return status
        return 0

    @classmethod
    def guard(cls, is_closed, at=""):
        path = cls.gw / "press7/inputs"
        path.with_suffix(".new").write_text(
            f"guard/closed = {'true' if is_closed else 'false'}{at}\n", encoding="utf-8")
        path.with_suffix(".new").rename(path)

    def told(self, ident):
        path = self.gw / "press7/told"
        return [line for line in path.read_text(encoding="utf-8").splitlines()
                if f" live {ident} " in line + " "] if path.exists() else []

    def logged(self):
        return (self.gw / "log").read_text(encoding="utf-8")

    # --- people -----------------------------------------------------------------------------------

    def propose(self, verb, *more):
        done = self.plant.weft(
            "command", "propose", verb, "plant1/line2/press7", "--channel", "plant1/gw1/press7",
            "--tier", "2", "--reason", "batch 1187", "--key",
            str(self.home / "admins/ann.key"), "--yes", "-o", "json", *more)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["id"]

    def set_speed(self, speed):
        return self.propose("set-speed", "--arg", f"speed={speed} rpm", "--class", "B", "--post",
                            f"speed = {speed} +- 0.5 rpm by 20s")

    def approve(self, ident):
        for who in ("bo", "cy"):
            key = self.home / ("cy/note.key" if who == "cy" else f"admins/{who}.key")
            self.must("command", "approve", ident, "--reason", "seen", "--key", key, "--yes")

    def wish(self):
        """What is desired of the press's speed."""
        twin = json.loads(self.must("get", "plant1/line2/press7", "-o", "json"))
        return [w for w in twin["properties"]["desired"] if w["name"] == "speed"][0]

    def alarms(self, ident):
        found = json.loads(self.must("find", "--kind", "alarm", "--asset", "plant1/line2/press7",
                                     "-o", "json", "--limit", "1000"))
        return [r["attrs"]["alarm"] for r in found["records"]
                if r["attrs"].get("command") == f"command:{ident}"]

    def state(self, ident):
        return json.loads(self.must("command", "show", ident, "-o", "json"))["state"]

    def ends(self, ident, *states):
        ends = ("VERIFIED", "FAILED", "UNKNOWN", "CANCELLED", "EXPIRED", "REJECTED")
        wait_for(f"the end of {ident}", lambda: self.state(ident) in ends, seconds=90)
        self.assertIn(self.state(ident), states, self.logged()[-3000:])

    # --- the tests --------------------------------------------------------------------------------

    def test_1_approved_by_two_it_is_carried_out_once_and_verified(self):
        ident = self.set_speed("42.5")
        self.approve(ident)
        self.ends(ident, "VERIFIED")
        self.assertEqual(1, len(self.told(ident)))
        self.assertIn("set-speed speed=42.5 rpm", self.told(ident)[0])
        # What it wanted is desired, by whom and since when, until the machine shows it.
        wait_for("the wish is met", lambda: self.wish()["is_met"])
        wish = self.wish()
        self.assertEqual((42.5, 0.5, "rpm", f"command:{ident}", f"spiffe://{SITE}/op/ann"),
                         (wish["value"], wish["tolerance"], wish["unit"], wish["source"],
                          wish["author"]))
        self.assertLessEqual(abs(wish["difference"]), 0.5)
        self.assertIn("reported_age_s", wish)
        self.assertEqual([], self.alarms(ident))

    def shadow(self, speed, who="ann"):
        done = self.plant.weft(
            "shadow", "set-speed", "plant1/line2/press7", "--channel", "plant1/gw1/press7",
            "--tier", "2", "--arg", f"speed={speed} rpm", "--who", who, "-o", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, {(r["what"], r["verdict"]) for r in json.loads(done.stdout)}

    def test_2_shadow_tells_what_a_command_would_meet_and_sends_nothing(self):
        before = json.loads(self.must("command", "list", "-o", "json"))
        needs, passed = ("policy", "needs"), ("envelope", "passed")
        wait_for("all is well", lambda: self.shadow(42) == (
            0, {passed, ("interlock", "holds"), needs}))
        self.guard(False)
        wait_for("the open guard is seen", lambda: self.shadow(42) == (
            1, {passed, ("interlock", "does not hold"), needs}))
        self.guard(True)
        self.assertIn(("envelope", "hard"), self.shadow(61)[1])
        self.assertIn(("policy", "does not permit"), self.shadow(42, "cy")[1])
        self.assertEqual(before, json.loads(self.must("command", "list", "-o", "json")))

    def test_2_open_guard_keeps_it_from_moving(self):
        self.guard(False)
        ident = self.set_speed("41")
        self.approve(ident)
        self.ends(ident, "FAILED")
        self.assertEqual([], self.told(ident))
        self.guard(True)

    def test_2_guard_that_was_read_too_long_ago_keeps_it_from_moving(self):
        self.guard(True, " at 2026-01-01T00:00:00.000Z")
        ident = self.set_speed("41")
        self.approve(ident)
        self.ends(ident, "FAILED")
        self.assertEqual("interlock", json.loads(
            self.must("command", "show", ident, "-o", "json"))["code"])
        self.assertEqual([], self.told(ident))
        self.assertEqual(["interlock"], self.alarms(ident))
        self.guard(True)

    def test_3_killed_gateway_does_not_jog_twice(self):
        first = self.propose("jog", "--class", "C")
        self.approve(first)
        self.ends(first, "VERIFIED", "FAILED")
        self.stop(signal.SIGKILL)
        second = self.propose("jog", "--class", "C")
        self.approve(second)
        wait_for("its intent", lambda: self.state(second) == "INTENT")
        self.start()
        self.ends(second, "VERIFIED", "FAILED", "UNKNOWN")
        self.assertLessEqual(len(self.told(first)), 1)
        self.assertLessEqual(len(self.told(second)), 1)

    def test_4_leader_that_goes_does_not_lose_it(self):
        leader = self.plant.leader()
        leader.kill()
        ident = self.set_speed("38")
        self.approve(ident)
        self.ends(ident, "VERIFIED")
        self.assertEqual(1, len(self.told(ident)))
        leader.start()

    def test_5_age_of_decisions_when_the_machine_is_told(self):
        """Not judged here: told in the output, for those who look."""
        before = len(re.findall(r" event=act ", self.logged()))
        for speed in range(30, 30 + self.ROUNDS):
            ident = self.set_speed(str(speed))
            self.approve(ident)
            self.ends(ident, "VERIFIED")
        ages = sorted(int(age) for age in re.findall(r" event=act .*age_ms=(-?\d+)",
                                                     self.logged())[before:])
        print(f"from intent to machine, ms: {ages}", file=sys.stderr)
        self.assertEqual(self.ROUNDS, len(ages))

    def test_6_plant_that_was_lost_is_an_alarm_when_it_is_back(self):
        def told():
            found = json.loads(self.must("find", "--kind", "alarm", "--asset",
                                         "plant1/line2/press7", "-o", "json", "--limit", "1000"))
            return [r for r in found["records"] if r["attrs"]["alarm"] == "plant-lost"]
        before, missed = len(told()), self.logged().count("event=plant-lost")
        for node in self.plant:
            node.stop()
        wait_for("the gateway misses it",
                 lambda: self.logged().count("event=plant-lost") > missed)
        for node in self.plant:
            node.start()
        wait_for("it is told", lambda: self.plant.leader() and len(told()) > before)
        self.assertEqual((before + 1, "plant1/gw1/press7"),
                         (len(told()), told()[-1]["attrs"]["channel"]))

    def test_7_ends_when_it_is_told_to(self):
        self.assertEqual(0, self.stop())
        self.assertIn("event=started plant1/gw1/", self.logged())
        self.assertNotIn("event=journal-failed", self.logged())


if __name__ == "__main__":
    cluster.main()
