"""tests/cluster/test_notes.py: requests in the name of whoever signed a note, at both doors: whose
count, which are refused and how that is told, and what a revoked key is good for.

The notes are made by the `weft` command where it makes them, and by Python and openssl where they
have to be other than it would make them."""

import base64
import collections
import hashlib
import http.client
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402
import web  # noqa: E402
import wire  # noqa: E402

ANN, BO = "oem.example/plant1/op/ann", "oem.example/plant1/op/bo"
AUTHORIZED = 94
LINES_PER_SECOND = 1  # node/logger.h: WEFT_LOG_REFILL_MS
OPAQUE = r"not (authorized|permitted) \(correlation ([0-9a-f]{16})\)"
# Bo administers and sees; he states nothing.
POLICY = """policy plant1 1
permit admin
  who  op ann op bo
  do   admin-policy admin-keys
permit ann
  who  op ann
  do   any
permit everybody
  who  any
  do   read subscribe
"""


def weft(*arguments):
    done = subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


def record(asset):
    return {"kind": "inspection", "asset": asset, "attrs": {"verdict": "PASS"}}


class Key:
    """NAME.key and NAME.vkey of the command, signing by openssl."""

    def __init__(self, path):
        self.path = path
        self.name, key_id, _ = path.with_suffix(".vkey").read_text().strip().split("+", 2)
        self.id = bytes.fromhex(key_id)

    def sign(self, text, name=None):
        given = self.path.with_suffix(".text")
        given.write_text(text, encoding="utf-8")
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", str(self.path), "-rawin", "-in", str(given)],
            check=True, capture_output=True).stdout
        line = base64.b64encode(self.id + signature).decode()
        return f"{text}\n\u2014 {name or self.name} {line}\n"

    def token(self, site="oem.example/plant1", who=None, begin=-30, end=600, actions="any"):
        return self.sign(f"weft-token/v1\nid {os.urandom(16).hex()}\naudience {site}\n"
                         f"principal {who or self.name}\nissued {utc(begin)}\n"
                         f"expires {utc(end)}\nactions {actions}\n")

    def request(self, kind, table, ident=None):
        digest = hashlib.sha256(b"weft-client-request/v1\n" + struct.pack(">I", kind) + table)
        return self.sign(f"weft-request/v1\nid {(ident or os.urandom(16)).hex()}\n"
                         f"site oem.example/plant1\nprincipal {self.name}\n"
                         f"digest sha256:{digest.hexdigest()}\nnot-before {utc(-30)}\n"
                         f"not-after {utc(60)}\n")


def bearer(note):
    return base64.urlsafe_b64encode(note.encode()).decode().rstrip("=")


def flipped(text):
    """One bit of the signature."""
    at = len(text) - 12
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


class Notes(cluster.GovernedCase):
    policy = POLICY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        org = cls.home / "org"
        cls.ann, cls.bo = (Key(org / "admins" / f"{name}.key") for name in ("ann", "bo"))
        cls.roots = [Key(org / "roots" / f"{name}.key") for name in ("a", "b")]
        issue = cls.plant.authority.issue
        cls.console = issue("plant1", "svc", "console", cls.plant.directory / "console")
        cls.gateway = issue("plant1", "gw", "press7", cls.plant.directory / "press7")

    # --- ways to ask ---------------------------------------------------------------------------

    def put(self, *arguments, asset="box:1", identity=None):
        return self.plant.weft("put", "-", *map(str, arguments),
                               text=json.dumps(record(asset)) + "\n",
                               identity=identity or self.console)

    def put_token(self, token, **options):
        path = self.plant.directory / "token"
        path.write_text(token + "\n", encoding="utf-8")
        return self.put("--token", path, **options)

    def authors(self, asset):
        story = self.plant.weft_json("story", asset, identity=self.console)
        return {found["author"] for found in story["records"]}

    def door(self, node=None):
        node = node or self.plant.leader()
        return web.Web(node.http, web.tls(self.console, with_certificate=False))

    def post(self, token, asset="box:9", node=None):
        return self.door(node).commit([record(asset)],
                                      headers={"Authorization": f"Bearer {token}"})

    def wrapped(self, client, kind, table, note):
        """The answer to a request with a note: (kind, body)."""
        return client.call(AUTHORIZED, wire.encode_table(
            "AuthorizedRequest", {"Note": note}, {"RequestKind": kind}, {"Request": table}))

    def connect(self, identity=None):
        home = identity or self.console
        context = wire.tls_context(home / "tls.crt", home / "tls.key", home / "ca.crt")
        return wire.Client(self.plant.leader().client, context)

    # --- what is expected ----------------------------------------------------------------------

    def assert_refused(self, done, reason):
        """Opaque to who asked; the log says why, under the number that was told."""
        self.assertEqual(4, done.returncode, done.stdout + done.stderr)
        self.assert_told(done.stderr, reason)

    def assert_told(self, text, reason):
        found = re.search(OPAQUE, text)
        self.assertIsNotNone(found, text)
        self.assertNotIn(reason, text)
        if found[1] == "permitted":
            return  # Decided in apply: the audit log has it.
        # A node's log has a thread of its own, and lets so many lines of one event pass a second.
        time.sleep(1 / LINES_PER_SECOND)
        lines = plant.wait_for(f"a line with {found[2]}", lambda: [
            line for node in self.plant for line in node.log.read_text().splitlines()
            if found[2] in line], seconds=10)
        self.assertEqual(1, len(lines), lines)
        self.assertIn("event=note_refused", lines[0])
        self.assertIn(reason, lines[0])

    def assert_web_refused(self, answer, status, reason):
        self.assertEqual(status, answer.status, answer.body)
        self.assert_told(answer.json["detail"], reason)

    # --- tests ---------------------------------------------------------------------------------

    def test_1_a_key_speaks_for_its_principal_whoever_brings_it(self):
        self.assertEqual(4, self.put().returncode)  # The console itself may nothing.
        done = self.put("--as-key", self.ann.path, "--as", "op/ann")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual({f"spiffe://{ANN}"}, self.authors("box:1"))
        self.assert_refused(self.put("--as-key", self.bo.path), "bo")
        self.assertEqual(2, self.put("--as-key", self.ann.path, "--as", "op/bo").returncode)
        done = self.plant.weft("get", "box:1", "--as-key", str(self.bo.path), identity=self.console)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_2_a_token_speaks_while_it_lasts_for_what_it_is_for(self):
        done = self.put_token(weft("token", "--key", self.ann.path, "--for", "10m",
                                   "-o", "table").strip(), asset="box:2")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual({f"spiffe://{ANN}"}, self.authors("box:2"))
        viewer = weft("token", "--key", self.bo.path, "-o", "table").strip()
        self.assert_refused(self.put_token(viewer), "bo")
        reader = weft("token", "--key", self.ann.path, "--actions", "subscribe,read", "-o",
                      "table").strip()
        self.assert_refused(self.put_token(reader), "ann")
        path = self.plant.directory / "token"
        done = self.plant.weft("get", "box:2", "--token", str(path), identity=self.console)
        self.assertEqual(0, done.returncode, done.stderr)
        writer = weft("token", "--key", self.ann.path, "--actions", "write,create", "-o",
                      "table").strip()
        self.assertEqual(0, self.put_token(writer).returncode)
        done = self.plant.weft("get", "box:2", "--token", str(path), identity=self.console)
        self.assert_refused(done, "the token is not for read")

    def bad_tokens(self):
        """Name, note, reason in the log."""
        yield "expired", self.ann.token(begin=-900, end=-300), "out of date"
        yield "not yet", self.ann.token(begin=300, end=900), "not yet valid"
        yield "other site", self.ann.token(site="oem.example/plant2"), "for oem.example/plant2"
        yield "edited", flipped(self.ann.token()), "code="
        yield "for somebody else", self.ann.token(who=BO), f"known key of {BO}"
        yield "of nobody", self.ann.token(who="oem.example/plant1/op/eve"), "known key of"
        yield "of a gateway", self.ann.token(who="oem.example/plant1/gw/press7"), "may not sign"

    def test_3_what_does_not_count_is_refused_at_both_doors(self):
        for name, note, reason in self.bad_tokens():
            with self.subTest(name):
                self.assert_refused(self.put_token(bearer(note)), reason)
                self.assert_web_refused(self.post(bearer(note)), 401, reason)
        good = bearer(self.ann.token())
        self.assert_refused(self.put_token(good, identity=self.gateway), "speaks for nobody else")
        self.assertEqual(0, self.put_token(good).returncode)

    def test_4_over_http_any_node_takes_a_token_without_certificate(self):
        for node in self.plant:
            answer = self.post(bearer(self.ann.token()), f"box:{node.name}", node)
            self.assertEqual(201, answer.status, answer.body)
            self.assertEqual({f"spiffe://{ANN}"}, self.authors(f"box:{node.name}"))
            self.assert_web_refused(self.post(bearer(self.bo.token()), node=node), 403, "bo")
        reader = {"Authorization": "Bearer " + bearer(self.bo.token(actions="read"))}
        door = self.door()
        self.assertEqual(200, door.get("/v1/assets/box:n1/records", headers=reader).status)
        self.assert_web_refused(door.get("/v1/commits?from=1", headers=reader), 403,
                                "the token is not for subscribe")
        answer = door.get("/v1/status", headers={"Authorization": "Bearer weft-token"})
        self.assertEqual(401, answer.status)
        self.assertEqual(401, door.get("/v1/status").status)
        keep = door.connection()  # The second one is known.
        for _ in range(2):
            answer = door.request("GET", "/v1/status", headers=reader, keep=keep)
            self.assertEqual(200, answer.status, answer.body)
        keep.close()

    def test_5_a_signed_request_is_for_its_bytes_and_happens_once(self):
        ident = os.urandom(16)
        table = wire.encode_commit([record("box:5")], ident)
        note = self.ann.request(wire.COMMIT, table, ident)
        with self.connect() as client:
            first = self.wrapped(client, wire.COMMIT, table, note)
            self.assertEqual(wire.COMMIT_RESULT, first[0])
            again = self.wrapped(client, wire.COMMIT, table, note)
            result = wire.tables.CommitResult.CommitResult
            index = result.GetRootAs(first[1], 0).Index()
            self.assertEqual(index, result.GetRootAs(again[1], 0).Index())
            self.assertTrue(result.GetRootAs(again[1], 0).RepeatedRequest())
            question = wire.encode_table("StatusRequest")
            others = [(wire.COMMIT, wire.encode_commit([record("box:6")], ident), note),
                      (wire.COMMIT, table, self.ann.request(wire.COMMIT, table)),
                      (wire.STATUS, question, note)]
            for kind, changed, said in others:
                with self.assertRaises(wire.Refusal) as refused:
                    self.wrapped(client, kind, changed, said)
                self.assertEqual("wrong_peer", refused.exception.outcome)
                self.assert_told(refused.exception.detail, "another request")
            note = self.bo.request(wire.STATUS, question)
            self.assertEqual(wire.STATUS_RESULT,
                             self.wrapped(client, wire.STATUS, question, note)[0])
            with self.assertRaises(wire.Refusal) as refused:
                self.wrapped(client, wire.STATUS, question, note)
            self.assert_told(refused.exception.detail, "was made here before")
            for kind in (88, AUTHORIZED):
                with self.assertRaises(wire.Refusal) as refused:
                    self.wrapped(client, kind, question, note)
                self.assertEqual("version_unknown", refused.exception.outcome)

    def test_6_a_revoked_key_speaks_for_nobody_at_once(self):
        token = bearer(self.ann.token())
        self.assertEqual(0, self.put_token(token).returncode)
        self.assertEqual(201, self.post(token).status)
        vkey = self.ann.path.with_suffix(".vkey").read_text().strip()
        revoke = self.roots[0].sign(f"weft-revoke/v1\norg oem.example\nversion 1\nprev none\n"
                                    f"issued {utc(-30)}\nprincipal {ANN}\nkey {vkey}\n"
                                    "reason lost\n")
        text = revoke[:revoke.index("\n\n") + 1]
        revoke += self.roots[1].sign(text)[len(text) + 1:]
        change = {"kind": "authority", "asset": "authority:revoke/1", "attrs": {"note": revoke}}
        done = self.plant.weft("put", "-", text=json.dumps(change) + "\n", identity=self.console)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_refused(self.put_token(token), "is not valid")
        self.assert_refused(self.put("--as-key", self.ann.path), "is not valid")
        index = self.plant.leader().status()["applied_index"]
        self.plant.wait_for_applied(index)
        for node in self.plant:
            self.assert_web_refused(self.post(token, node=node), 401, "is not valid")
        gauges = self.plant.leader().status()["gauges"]
        self.assertGreater(gauges["notes_verified_total"], 0)
        self.assertGreater(gauges["notes_refused_total"], 0)
        self.assert_same_digests()

    def test_7_new_notes_by_the_thousands_over_http_hold_up_nobody_else(self):
        """Each is seen for the first time and signed by nobody; they come from one host."""
        node, is_over, answers = self.plant.leader(), threading.Event(), collections.Counter()
        lines = self.bo.token().split("\n")

        def ask(token, keep=None, source=None):
            door = self.door(node)
            keep = keep or door.connection()
            keep.source_address = (source, 0) if source else None
            return door.request("GET", "/v1/status", keep=keep,
                                headers={"Authorization": f"Bearer {bearer(token)}"}).status

        def flood():
            keep = self.door(node).connection()
            while not is_over.is_set():
                lines_of_one = [lines[0], f"id {os.urandom(16).hex()}", *lines[2:]]
                try:
                    answers[ask("\n".join(lines_of_one), keep)] += 1
                except (OSError, http.client.HTTPException):
                    keep = self.door(node).connection()
        known = self.bo.token()
        self.assertEqual(200, ask(known))
        threads = [threading.Thread(target=flood) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            plant.wait_for("it has had its faults", lambda: answers[503] > 100)
            for _ in range(20):
                self.assertEqual(200, ask(known))
                self.assertEqual(200, ask(self.bo.token(), source="127.77.0.1"))
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        self.assertEqual({401, 503}, set(answers), answers)
        plant.wait_for("this host's new ones count again",
                       lambda: ask(self.bo.token()) == 200, seconds=30)


class Ungoverned(cluster.PlantCase):
    plant_nodes = ("n1",)

    def test_a_site_that_knows_no_keys_takes_no_notes(self):
        home = pathlib.Path(self.directory) / "org"
        weft("pki", "org", "--org", "oem.example", "--site", "plant1", "--admin", "ann", "--clear",
             "--out", home)
        done = self.plant.weft("put", "-", "--as-key", str(home / "admins/ann.key"),
                               text=json.dumps(record("box:1")) + "\n")
        self.assertEqual(4, done.returncode, done.stderr)
        self.assertRegex(done.stderr, OPAQUE)
        door = web.Web(self.plant["n1"].http, web.tls(self.plant.identity, False))
        note = Key(home / "admins/ann.key").token()
        answer = door.get("/v1/status", headers={"Authorization": f"Bearer {bearer(note)}"})
        self.assertEqual(401, answer.status)


if __name__ == "__main__":
    cluster.main()
