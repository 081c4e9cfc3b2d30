"""tests/cluster/test_keys.py: keys of persons, programs and administrators on a running site: how
they come in, are used, rotated and revoked, and what is refused. The runbooks' own commands are
run as they stand there."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402

GOOD = {"kind": "inspection", "asset": "box:1", "attrs": {"verdict": "PASS"}}
RUNBOOKS = cluster.ROOT / "ops/runbooks"


def commands_of(runbook):
    """What stands indented in a runbook, as a script."""
    lines = (RUNBOOKS / runbook).read_text(encoding="utf-8").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


class Keys(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        # The plant's settings name files that are made first.
        if cluster.options.work:
            pathlib.Path(cluster.options.work).mkdir(parents=True, exist_ok=True)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="keys-", dir=cluster.options.work))
        cls.home = cls.home.resolve()
        cls.plant_settings = {
            "policy": pki.site(cluster.options.bin, cls.home, ("ann", "bo"))}
        (cls.home / "pass").write_text("correct horse battery\n")
        (cls.home / "wrong").write_text("incorrect horse battery\n")
        super().setUpClass()
        cls.tools = cls.make_tools()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.home, ignore_errors=True)

    @classmethod
    def make_tools(cls):
        """A directory with a `weft` that answers questions for passphrases, and has a context."""
        tools = cls.home / "tools"
        tools.mkdir()
        script = tools / "weft"
        script.write_text(
            "#!/bin/sh\n"
            "case \"$1 $2\" in\n"
            f"'pki person' | 'pki enroll' | 'pki revoke' | 'policy apply')\n"
            f"    exec {cluster.options.bin}/weft \"$@\" --passphrase-file {cls.home}/pass ;;\n"
            f"*) exec {cluster.options.bin}/weft \"$@\" ;;\n"
            "esac\n")
        script.chmod(0o755)
        return tools

    # --- what is run ------------------------------------------------------------------------------

    @staticmethod
    def local(*arguments):
        """Without a connection."""
        return subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)],
                              timeout=60, input="", capture_output=True, text=True, check=False)

    def weft(self, *arguments, **options):
        return self.plant.weft(*map(str, arguments), **options)

    def taken(self, done):
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def refused(self, code, word, done):
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)

    def run_book(self, runbook):
        environment = {**os.environ, "HOME": str(self.home), "WEFT_CONTEXT": "plant1",
                       "PATH": f"{self.tools}:{os.environ['PATH']}"}
        self.taken(subprocess.run(
            [str(cluster.options.bin / "weft"), "context", "add", "plant1", "--force",
             "--endpoint", self.plant.endpoints(), "--identity", str(self.plant.identity)],
            env=environment, capture_output=True, text=True, check=False))
        return self.taken(subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands_of(runbook)], cwd=self.home,
            env=environment, timeout=120, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False))

    # --- what there is ----------------------------------------------------------------------------

    def admin(self, name):
        return self.home / f"admins/{name}.key"

    def root(self, name):
        return self.home / f"roots/{name}.key"

    def make(self, kind, name, label=None):
        """A new key of signatures; its file."""
        out = self.home / (label or name)
        protect = [] if kind == "service" else ["--passphrase-file", self.home / "pass"]
        self.taken(self.local("pki", kind, name, "--org", "oem.example", "--site", "plant1",
                              "--only", "note", "--out", out, *protect))
        self.assertEqual(0o600, (out / "note.key").stat().st_mode & 0o777)
        return out / "note.key"

    def keys(self, name, endpoints=None):
        done = self.taken(self.weft("pki", "keys", name, "-o", "json", endpoints=endpoints))
        return {key["key_id"]: key for key in json.loads(done.stdout)}

    def valid(self, name):
        return [key for key, facts in self.keys(name).items() if facts["is_valid"]]

    def enroll(self, *arguments):
        return self.weft("pki", "enroll", *arguments, "--passphrase-file", self.home / "pass")

    def bring(self, path, asset):
        """The note as a record, by no command that looks at it first: the site alone judges."""
        text = path if isinstance(path, str) else path.read_text(encoding="utf-8")
        return self.weft("put", "-", text=json.dumps(
            {"kind": "authority", "asset": asset, "attrs": {"note": text}}) + "\n")

    def apply(self, edit, *keys):
        """The next policy, signed so."""
        text = self.taken(self.weft("policy", "show", "--next")).stdout
        path = self.home / "edited.policy"
        path.write_text(edit(text), encoding="utf-8")
        signers = [word for key in keys for word in ("--key", key)]
        return self.weft("policy", "apply", path, *signers, "--passphrase-file",
                         self.home / "pass")

    # --- the tests, in order ----------------------------------------------------------------------

    def test_1_a_key_comes_in_once_by_possession_and_approval(self):
        key = self.make("person", "cy")
        request = self.home / "cy.request"
        self.taken(self.enroll(key, "--request", request))
        self.refused(4, "threshold: 0 admins", self.enroll("--sign", request))
        self.refused(4, "threshold: 0 admins", self.bring(request, "authority:key/op/cy"))
        self.refused(4, "is neither a root nor enrolled", self.enroll(key, "--key", key))
        self.assertEqual([], self.valid("cy"))
        done = self.taken(self.enroll("--sign", request, "--key", self.admin("ann")))
        self.assertRegex(done.stderr, r"oem.example/plant1/op/cy\+[0-9a-f]{8}\+")
        self.assertEqual(1, len(self.valid("cy")))

        # The same note again, and the same key over what the site asks for now.
        signed = self.home / "cy.signed"
        self.taken(self.local("pki", "enroll", "--sign", request, "--key", self.admin("ann"),
                              "--request", signed))
        self.refused(4, "another nonce", self.enroll("--sign", signed))
        self.refused(4, "another nonce", self.bring(signed, "authority:key/op/cy"))
        self.refused(5, "a key comes in once", self.enroll(key, "--key", self.admin("ann")))
        nonce = self.taken(self.weft("pki", "nonce", "cy")).stdout.strip()
        again = self.home / "cy.again"
        self.taken(self.local("pki", "enroll", key, "--nonce", nonce, "--request", again, "--key",
                              self.admin("ann"), "--passphrase-file", self.home / "pass"))
        self.refused(5, "duplicate-key-id", self.bring(again, "authority:key/op/cy"))
        self.refused(5, "duplicate-key-id", self.enroll("--sign", again))

    def test_2a_errors_say_what_is_wrong(self):
        key = self.home / "cy/note.key"
        ann = self.admin("ann")
        self.refused(2, "does not open", self.weft("pki", "enroll", key, "--key", ann,
                                                   "--passphrase-file", self.home / "wrong"))
        self.taken(self.weft("pki", "keys", "cy"))
        self.refused(2, "is not named", self.enroll(key, "--principal", "svc/cy", "--key", ann))
        self.refused(5, "never made over", self.local(
            "pki", "person", "cy", "--org", "oem.example", "--site", "plant1", "--only", "note",
            "--out", self.home / "cy", "--passphrase-file", self.home / "pass"))
        second = self.make("person", "cy", "cy-second")
        self.refused(5, "has a key already", self.enroll(second, "--key", ann))
        self.refused(4, "it approves nothing", self.enroll(second, "--beside", "--key", key))
        self.refused(1, "has no key", self.weft("pki", "revoke", "zoe", "--reason", "none",
                                                "--key", ann))
        self.refused(2, "--reason TEXT is missing", self.weft("pki", "revoke", "cy"))
        self.refused(2, "either NAME.key", self.enroll())

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not here: ops/dev/setup --test")
    def test_2b_an_enrolment_of_another_time_is_refused(self):
        key, request = self.make("person", "dee"), self.home / "dee.request"
        nonce = self.taken(self.weft("pki", "nonce", "dee")).stdout.strip()
        for offset in ("+1h", "-8d"):
            request.unlink(missing_ok=True)
            self.taken(subprocess.run(
                ["faketime", "-f", offset, str(cluster.options.bin / "weft"), "pki", "enroll",
                 str(key), "--nonce", nonce, "--request", str(request), "--key",
                 str(self.admin("ann")), "--passphrase-file", str(self.home / "pass")],
                timeout=60, capture_output=True, text=True, check=False))
            self.refused(4, "are the clocks right?", self.enroll("--sign", request))
            self.refused(4, "are the clocks right?", self.bring(request, "authority:key/op/dee"))
        self.assertEqual({}, self.keys("dee"))

    def test_3_a_key_of_low_order_stays_out(self):
        typed = b"\x01\x01" + bytes(31)  # y = 1: the neutral element
        name = "oem.example/plant1/op/eve"
        key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex()
        vkey = f"{name}+{key_id}+{base64.b64encode(typed).decode()}"
        good = self.make("person", "eve")
        request = self.home / "eve.request"
        self.taken(self.enroll(good, "--key", self.admin("ann"), "--request", request))
        note = re.sub(r"(?m)^key .*$", f"key {vkey}", request.read_text(encoding="utf-8"))
        self.refused(2, "key-of-low-order", self.bring(note, "authority:key/op/eve"))
        good.with_suffix(".vkey").write_text(vkey + "\n")
        self.refused(2, "key-of-low-order", self.enroll(good, "--key", self.admin("ann")))
        self.assertEqual({}, self.keys("eve"))

    def test_4_a_key_is_rotated_by_its_owner(self):
        old, new = self.admin("ann"), self.home / "admins/ann-2.key"
        before = self.valid("ann")
        # Signed by the old key before, and not yet brought.
        late = self.taken(self.weft("policy", "show", "--next")).stdout + "# late\n"
        (self.home / "late.policy").write_text(late, encoding="utf-8")
        lines = self.home / "late.sig"
        lines.write_text(self.local("policy", "sign", self.home / "late.policy", "--key",
                                    old).stdout, encoding="utf-8")
        self.taken(self.apply(lambda text: text + "# by the first key\n", old))
        self.taken(self.weft("pki", "rotate", old, new, "--clear"))
        self.assertEqual(1, len(self.valid("ann")))
        self.assertNotEqual(before, self.valid("ann"))
        self.refused(5, "it is done", self.weft("pki", "rotate", old, new, "--clear"))
        self.refused(5, "it brings in no other", self.weft(
            "pki", "rotate", old, self.home / "admins/ann-3.key", "--clear"))
        self.refused(4, "threshold: 0 admins", self.apply(lambda text: text + "# old\n", old))
        self.taken(self.apply(lambda text: text + "# by the second key\n", new))

        mes = self.make("service", "mes")
        self.taken(self.enroll(mes, "--key", new))
        self.taken(self.weft("pki", "rotate", mes, self.home / "mes/note-2.key", "--clear"))
        self.assertEqual(2, len(self.keys("svc/mes")))
        self.assertEqual(1, len(self.valid("svc/mes")))
        shutil.copy(new, old)  # the runbooks know one
        shutil.copy(new.with_suffix(".vkey"), old.with_suffix(".vkey"))

    def test_5_what_was_approved_before_a_revocation_is_not_good_after_it(self):
        held_back = self.home / "cy.held-back"
        self.taken(self.enroll(self.home / "cy-second/note.key", "--beside", "--key",
                               self.admin("ann"), "--request", held_back))
        revoke = ("pki", "revoke", "cy", "--reason", "trial", "--key", self.admin("ann"))
        note = self.home / "cy.revoke"
        self.taken(self.weft(*revoke, "--request", note))
        self.taken(self.weft("pki", "revoke", "--sign", note))
        self.assertEqual([], self.valid("cy"))
        self.refused(5, "repeated: version 1", self.bring(note, "authority:revoke/1"))
        self.refused(5, "has ended at index", self.weft(*revoke))
        self.refused(4, "another nonce", self.bring(held_back, "authority:key/op/cy"))
        self.assertEqual([], self.valid("cy"))

        # Nor does a rotation get away from a revocation that is on its way.
        note = self.home / "mes.revoke"
        self.taken(self.weft("pki", "revoke", "svc/mes", "--reason", "trial", "--key",
                             self.admin("ann"), "--request", note))
        self.taken(self.weft("pki", "rotate", self.home / "mes/note-2.key",
                             self.home / "mes/note-3.key", "--clear"))
        self.taken(self.weft("pki", "revoke", "--sign", note))
        self.assertEqual([], self.valid("svc/mes"))

    def test_6_runbook_of_a_revoked_person(self):
        vic = self.plant.authority.issue("plant1", "op", "vic", self.home / "vic-tls")
        self.taken(self.apply(lambda text: text + "\npermit vic\n  who  op vic\n"
                              "  do   write create\n", self.admin("ann")))
        self.taken(self.enroll(self.make("person", "vic"), "--key", self.admin("ann")))
        self.taken(self.weft("put", "-", text=json.dumps(GOOD) + "\n", identity=vic))
        self.run_book("revoked-person.md")
        self.assertEqual([], self.valid("vic"))
        self.assertEqual(1, len(self.keys("vic")))
        self.refused(4, "not permitted", self.weft("put", "-", text=json.dumps(GOOD) + "\n",
                                                   identity=vic))

    def test_7_runbook_of_a_lost_administrator_key(self):
        old = self.valid("bo")
        self.refused(4, "an admin's keys come and go by the roots", self.weft(
            "pki", "revoke", "bo", "--reason", "by one of us", "--key", self.admin("ann")))
        begun = self.home / "one-root.revoke"
        self.taken(self.weft("pki", "revoke", "bo", "--reason", "by one root", "--key",
                             self.root("a"), "--request", begun))
        self.refused(4, "1 (of 2 needed)", self.weft("pki", "revoke", "--sign", begun))
        self.refused(4, "1 (of 2 needed)", self.bring(begun, "authority:revoke/4"))
        self.taken(self.apply(lambda text: text + "# by Bo\n", self.admin("bo")))
        self.run_book("lost-administrator-key.md")
        self.assertEqual(1, len(self.valid("bo")))
        self.assertNotEqual(old, self.valid("bo"))
        self.refused(4, "threshold: 0 admins",
                     self.apply(lambda text: text + "# lost\n", self.admin("bo")))
        self.taken(self.apply(lambda text: text + "# found\n", self.home / "bo/note.key"))

    def test_8_an_auditor_reads_the_audit_log_and_nothing_else(self):
        done = self.taken(self.local(
            "pki", "auditor", "vera", "--org", "oem.example", "--site", "plant1", "--only", "note",
            "--out", self.home / "vera", "--passphrase-file", self.home / "pass"))
        sample = done.stderr[done.stderr.index("scope audit-log"):]
        self.taken(self.apply(lambda text: f"{text}\n{sample}", self.admin("ann")))

        def why(action, asset):
            return self.weft("policy", "why", "oem.example/plant1/op/vera", action,
                             asset).returncode
        self.assertEqual([0, 0, 0, 0], [why("read", "weft:audit"), why("export", "weft:audit"),
                                        why("read", "authority:org"),
                                        why("read", "authority:key/op/ann")])
        self.assertEqual([1, 1, 1], [why("read", "box:1"), why("write", "box:1"),
                                     why("admin-keys", "weft:keys")])

    def test_9_nodes_that_come_later_and_restarts_know_the_same_keys(self):
        expected = self.taken(self.weft("pki", "keys", "-o", "json")).stdout
        late = self.plant.add("n4")
        late.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters()
        follower = self.plant.followers()[0]
        follower.stop()
        follower.start()
        self.plant.wait_for_applied(self.plant.leader().status()["applied_index"])
        self.assertEqual(1, len({node.status()["policy"] for node in self.plant}))
        self.assert_same_digests()
        self.assertEqual(expected, self.taken(self.weft("pki", "keys", "-o", "json")).stdout)
        for node in (late, follower):  # notes by keys that have ended since are judged again
            node.stop()
            done = self.local("check-data", node.data)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    cluster.main()
