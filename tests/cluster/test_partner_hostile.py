"""tests/cluster/test_partner_hostile.py: a partner with valid certificates that sends what no
honest one does: each is refused by name, quarantine and memory stay within their bounds, two
stories are kept as proof, and neither the plant nor another partner is harmed."""

import base64
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import hostile  # noqa: E402
import pki  # noqa: E402
import wire  # noqa: E402
from hostile import QUARANTINE, QUEUE  # noqa: E402
from partners import sign  # noqa: E402
from plant import wait_for  # noqa: E402

GROWTH_MAX = 96 << 20  # of a node's memory: queues of two connections, and what malloc keeps


class Hostile(hostile.HostileCase):
    def amend(self, version, prev, *signers, **options):
        """The next version, signed by those, in a file."""
        digest = "sha256:" + subprocess.run(
            ["sha256sum"], input=prev.encode(), capture_output=True,
            check=True).stdout.decode().split()[0]
        text = self.text(hostile.NAME, self.eve, version, digest, **options)
        keys = [key for signer in signers for key in signer.roots()]
        path = self.directory / f"amendment-{version}"
        path.write_text(sign(text, *keys), encoding="utf-8")
        return text, path

    # --- the tests, in order ----------------------------------------------------------------------

    def test_1_what_it_states_as_agreed_is_taken(self):
        self.eve.tell("state", 5)
        self.transfer(6)
        receipt = self.eve.hear(lambda m: m["kind"] == hostile.RECEIPT and m["Note"] and
                                m["provider"] == self.eve.site)
        self.assertIn(f"{self.oem.site}/received/{hostile.NAME}\n", receipt["Note"])
        self.assert_unharmed()

    def test_2_garbage_ends_the_connection(self):
        rng = random.Random(cluster.options.seed)
        self.eve.tell("state", 3)
        faults = 0
        for i in range(20):
            self.eve.call(self.door)
            said = self.eve.greeted()
            if self.figure("received/faults_total") > faults:
                # Signed badly, say. Three of these in a row, and it is left alone for a minute.
                faults = self.figure("received/faults_total")
                self.transfer(1)
                self.eve.tell("state", 1)
                continue
            try:
                self.eve.send(self.garbage(i, said, rng))
                self.eve.say(hostile.NOTICE, "StreamNotice", Fault=999, Reason="\n\x1b[2J" * 9)
            except OSError:
                pass  # It was dropped already.
        self.transfer(3)
        self.assertNotIn("\x1b", self.log())
        wait_for("it is named", lambda: "event=partner_malformed" in self.log())
        self.assert_unharmed()

    def garbage(self, i, said, rng):
        if i % 5 == 0:  # No envelope, or one that promises too much.
            return rng.randbytes(200) if i % 2 else wire.ENVELOPE.pack(1 << 30, hostile.BATCH, 1, 0)
        if i % 5 == 1:  # No table.
            kind = rng.choice([hostile.HEAD, hostile.OFFER, hostile.SET, 200])
            return wire.ENVELOPE.pack(316, kind, 1, 0) + rng.randbytes(300)
        message = bytearray(self.eve.make("head", said["Session"], said["HeadSize"], 3) if i % 2
                            else self.eve.make("batch", said["Session"], 0, 4))
        for _ in range(rng.randrange(1, 20)):
            message[rng.randrange(16, len(message))] ^= 1 << rng.randrange(8)
        return message

    def fault(self, name, *messages):
        """A transfer with that fault: refused by name, and nothing of it is taken."""
        self.eve.call(self.door)
        said = self.eve.greeted()
        for make in messages:
            self.eve.send(make(said["Session"], said["HeadSize"]))
        self.wait_said("partner_refused", name)
        self.assertEqual(self.has, self.figure("received/leaves"))

    def test_3_faults_of_a_transfer_are_refused_by_name(self):
        eve, has = self.eve, self.has
        eve.tell("state", 4)

        def head(session, old):
            return eve.make("head", session, old, 3)
        self.fault("wrong-sequence", head, lambda s, _: eve.make("batch", s, has + 1, 2))
        self.fault("wrong-proof", head, lambda s, _: eve.make("bent", s, has, 2))
        eve.tell("state", 1)
        self.fault("unknown-head", lambda s, _: (
            eve.make("head", 0, 0, 3), eve.make("batch", s, has, 2))[1])
        self.transfer(2)
        self.fault("unsigned", lambda s, old: eve.make("head", s, old, 1))
        self.fault("malformed", lambda s, _: eve.make("cut", s, self.has, 2))
        self.transfer(1)
        eve.tell("state", QUEUE)
        self.fault("flood", head, lambda s, _: eve.make("batch", s, self.has, QUEUE + 1))
        self.fault("rolled-back", lambda s, _: eve.make("rolled", s, self.has))
        self.transfer(QUEUE)
        self.transfer(2)
        self.assert_unharmed()

    def test_4_statements_at_fault_go_to_quarantine_within_its_bound(self):
        faults = {"outside": "outside-contract", "mask": "wrong-mask",
                  "authority": "without-authority", "stranger": "without-authority",
                  "value": "wrong-digest", "garbage": "bad-projection", "huge": "huge-field"}
        first = self.has
        for word in faults:
            self.eve.tell("spoil", word)
            self.eve.tell("state", 1)
        self.transfer(2 * len(faults))
        self.assertEqual(len(faults), self.figure("received/quarantined"))
        refusal = self.eve.hear(lambda m: m["kind"] == hostile.REFUSAL)["Note"]
        shown = self.weft("partner", "quarantine", hostile.NAME)
        for i, name in enumerate(faults.values()):
            for text, line in ((refusal, rf"refused {first + 2 * i} sha256:\w+ {name}: "),
                               (shown, rf'"{first + 2 * i}",[^}}]*"fault":"{name}"')):
                self.assertRegex(text, line)
        self.assertNotIn("SECRET", refusal)
        # At the bound nothing more is taken, until somebody has looked.
        self.eve.tell("spoil", "mask")
        self.eve.tell("spoil", "mask")
        self.eve.tell("state", 1)
        self.transfer(3, taken=1)
        wait_for("it is full", lambda: self.figure("received/held") == 1)
        self.assertEqual(QUARANTINE, self.figure("received/quarantined"))
        self.assertIn("full", self.weft("partner", "status", hostile.NAME))
        self.assert_unharmed()
        self.weft("partner", "release", hostile.NAME, f"{first}..{self.has - 1}", "--reason",
                  "seen")
        self.assertEqual(0, self.figure("received/quarantined"))
        self.transfer(2)

    def flood(self, until, counts):
        """All that a partner can say, as fast as it is read."""
        rng = random.Random(cluster.options.seed)
        junk = "\N{EM DASH} nobody " + base64.b64encode(rng.randbytes(68)).decode() + "\n"
        root = rng.randbytes(32)
        said = [
            (hostile.HELLO, "StreamHello", self.eve.site, {"Next": 0, "Root": root}),
            (hostile.HELLO, "StreamHello", self.oem.site, {"Next": 0, "Root": root}),
            (hostile.HEAD, "StreamHead", self.oem.site, {"Note": f"x\n1\nx\n\n{junk}"}),
            (hostile.RECEIPT, "StreamReceipt", self.oem.site, {"Note": f"x\n1\nx\n\n{junk}"}),
            (hostile.NOTICE, "StreamNotice", self.eve.site, {"Fault": 16, "Reason": "again"}),
            (hostile.NOTICE, "StreamNotice", "nobody.example/site", {"Fault": 16, "Reason": "no"}),
            (hostile.REFUSAL, "StreamText", self.oem.site, {"Note": junk * 100}),
            (hostile.EVIDENCE, "StreamText", self.oem.site, {"Note": junk * 100}),
            (hostile.FORK, "StreamBody", self.eve.site, {"Content": rng.randbytes(900)}),
            (hostile.OFFER, "StreamText", self.eve.site, {"Note": junk}),
            (hostile.SET, "StreamBody", self.eve.site, {"Content": rng.randbytes(900)}),
            (hostile.DISCLOSURE, "StreamBody", self.eve.site, {"Content": rng.randbytes(900)})]
        eve = hostile.Caller(self.eve, self.door)
        while time.monotonic() < until:
            try:
                eve.say_all(said)
                counts["said"] += len(said)
            except OSError:  # It was hung up on.
                counts["dropped"] += 1
                eve.close()
                eve = hostile.Caller(self.eve, self.door)
        eve.close()

    def test_5_flood_harms_nobody_else(self):
        node = next(iter(self.oem.plant))
        self.eve.hang_up()
        before, counts = node.rss_bytes(), {"said": 0, "dropped": 0}
        used = node.processor_s()
        until = time.monotonic() + 4
        threads = [threading.Thread(target=self.flood, args=(until, counts)) for _ in range(2)]
        for thread in threads:
            thread.start()
        took = []
        while time.monotonic() < until:
            began = time.monotonic()
            self.oem.inspect(f"flood-{len(took)}", 1)
            took.append(time.monotonic() - began)
        for thread in threads:
            thread.join()
        grown = node.rss_bytes() - before
        print(f"{counts}, {len(took)} commits, the longest {max(took):.2f} s; {grown >> 20} MiB; "
              f"{node.processor_s() - used:.2f} s of a processor", file=sys.stderr)
        self.assertGreater(len(took), 0)
        self.assertLess(grown, GROWTH_MAX)
        self.assert_unharmed()

    def test_5_questions_and_answers_at_fault_are_refused_and_counted(self):
        """An answer to nothing that was asked, and garbage in place of a question or an answer."""
        self.eve.call(self.door)
        self.eve.greeted()
        before = self.figure("both/answers_refused_total")
        for number in range(10):  # id, fault, index, time, no parts, no signature
            self.eve.say(hostile.ANSWER, "StreamBody", Content=bytes([number, number, 0, 0, 0, 0]))
        wait_for("ten answers are counted", lambda: self.figure(
            "both/answers_refused_total") == before + 10)
        self.assertRegex(self.weft("partner", "status", hostile.NAME),
                         rf"answers[._]refused\W+{before + 10}\b")
        for kind, site in ((hostile.QUESTION, self.oem.site), (hostile.ANSWER, self.eve.site),
                           (hostile.QUESTION, self.eve.site)):
            self.eve.call(self.door)
            self.eve.greeted()
            self.eve.say(kind, "StreamBody", site, Content=b"\xff" * 900)
            with self.assertRaises(OSError) as gone:
                self.eve.hear(lambda m: False, 10)
            self.assertNotIsInstance(gone.exception, TimeoutError)  # It is hung up on.
        self.assertEqual(before + 10, self.figure("both/answers_refused_total"))
        self.assert_unharmed()

    def offer(self, words, note, name="new-2026", provider=None):
        """It is told of an offer, and says in these words what becomes of it."""
        said = "more offers than one in"  # The flood before has used up what may be judged at once.
        while "more offers than one in" in said:
            self.eve.say(hostile.OFFER, "StreamText", provider, name=name, Note=note)
            said = self.eve.hear(lambda m: m["kind"] == hostile.NOTICE and re.search(
                words + "|more offers than one in", m["Reason"]))["Reason"]
            time.sleep(0.5 if "more offers than one in" in said else 0)

    def standing(self):
        """Each agreement, how it stands, and whose offer waits."""
        return [(line["agreement"], line["state"], line["offer"])
                for line in self.oem.told("partner", "list")]

    def test_5_offers_at_fault_are_refused_by_name(self):
        eve, oem, vendor = self.eve, self.oem, self.vendor
        late = {"issued": -7200, "expires": -3600}
        more = f"authority inspection {oem.site} verdict\n"
        before = self.standing()
        eve.call(self.door)
        eve.greeted()

        def by(*signers, name="new-2026", other=None, **options):
            text = self.text(name, other or eve, **options)
            return sign(text, *(key for signer in signers for key in signer.roots()))
        good = by(eve)
        for site in (oem.site, vendor.site):
            self.offer("^wrong-origin: ", good, provider=site)
        self.offer("^malformed: ", "weft-agreement/v1\n\x1b[2J")
        self.offer("^malformed: .*overlapping-authority", by(eve, more=more))
        self.offer("^malformed: .*another agreement", good, name="other-2026")
        self.offer("^unsigned: ", by(vendor))
        self.offer("^unsigned: ", by(eve, other=vendor))
        self.offer("^expired-amendment: ", by(eve, **late))
        self.offer("^wrong-sequence: ", by(eve, version=2, prev="sha256:" + 64 * "0"))
        self.offer("^wrong-origin: |^wrong-sequence: |^unsigned: ",
                   by(eve, vendor, name="fair", other=vendor), name="fair")
        self.assertEqual(before, self.standing())
        for fault in (21, 22):  # Of nothing that was offered.
            eve.say(hostile.NOTICE, "StreamNotice", Fault=fault, Reason="no",
                    Offer=bytes(range(32)))
        self.assertNotIn("\x1b", self.log())
        # What is sound waits, so many and no more; nothing of it is in force.
        for i in range(8):
            self.offer("^it (waits|is known)", by(eve, name=f"new-{i}"), name=f"new-{i}")
        self.offer("^flood: 8 offers wait here", by(eve, name="new-8"), name="new-8")
        for i in range(9, 60):
            eve.say(hostile.OFFER, "StreamText", name=f"new-{i}", Note=by(eve, name=f"new-{i}"))
        eve.hear(lambda m: m["kind"] == hostile.NOTICE and "more offers than one in" in m["Reason"])
        self.assertEqual(8, sum(words[1:] == ("offered", "partner") for words in self.standing()))
        self.assertEqual(1, self.figure("received/offered", "new-3"))
        self.assert_unharmed()

    def refused(self, word, note):
        with self.assertRaises(wire.Refusal) as caught:
            self.oem.commit({"kind": "agreement", "asset": f"agreement:{hostile.NAME}",
                             "attrs": {"note": note}})
        self.assertRegex(str(caught.exception), word)

    def waits(self, fault):
        """An amendment that is at fault: it, and all behind it, is not taken."""
        self.eve.call(self.door)
        said = self.eve.greeted()
        self.eve.send(self.eve.make("head", said["Session"], said["HeadSize"], 3))
        self.eve.send(self.eve.make("batch", said["Session"], self.has, 1))
        self.wait_said("partner_waits", fault)
        self.assertEqual(self.has, self.figure("received/leaves"))
        self.assert_unharmed()

    def test_6_amendments_that_do_not_count_are_refused_by_name(self):
        both, late = (self.oem, self.eve), {"issued": -7200, "expires": -3600}
        more = f"authority inspection {self.oem.site} verdict\n"
        self.refused("line 10: overlapping-authority: line 9 ",
                     self.amend(2, self.base, *both, more=more)[1].read_text())
        self.refused("freeze", self.amend(2, self.base, *both, **late)[1].read_text())
        self.refused("threshold|signed", self.amend(2, self.base, self.vendor)[1].read_text())
        second, path = self.amend(2, self.base, self.eve, expires=3600)
        self.eve.tell("amend", path)
        self.waits("unsigned-amendment")
        self.oem.commit({"kind": "agreement", "asset": f"agreement:{hostile.NAME}",
                         "attrs": {"note": sign(second, *self.oem.roots(), *self.eve.roots())}})
        self.transfer(1)
        _, path = self.amend(3, second, *both, expires=1)
        time.sleep(1.5)
        self.eve.tell("amend", path)
        self.waits("expired-amendment")

    def test_7_two_stories_freeze_the_stream_and_are_proven(self):
        self.eve.call(self.door)
        said = self.eve.greeted()
        self.eve.tell("other")
        self.eve.send(self.eve.make("head", said["Session"], said["HeadSize"], 3))
        evidence = self.eve.hear(lambda m: m["kind"] == hostile.EVIDENCE)["Note"]
        wait_for("frozen", lambda: self.figure("received/held") == 1)
        self.assertIn("frozen", self.weft("partner", "status", hostile.NAME))
        self.assertIn("event=partner_split", self.log())
        self.assertEqual(2, self.proven_heads(evidence, said["HeadSize"]))
        self.assert_unharmed()

    def two_heads(self, key, *heads):
        """A proof that this key of the OEM's signed these two, (size, root)."""
        text = "weft-equivocation/v1 heads\n"
        for size, root in heads:
            note = sign(f"{self.oem.site}/sent/{hostile.NAME}\n{size}\n"
                        f"{base64.b64encode(root).decode()}\n", key)
            text += f"part {len(note.encode())}\n{note}\n"
        return text

    def test_8_proof_against_own_keys_fences_what_is_sent_until_it_is_settled(self):
        """NOD-296, FED-38: by name, once, and what is shown again afterwards fences nothing."""
        def status():
            return self.oem.told("partner", "status", hostile.NAME)

        def signed():
            now = status()
            return now["sent_signed"] if now["sent_signed"] == now["sent_size"] else None
        self.oem.inspect("before", 3)
        self.eve.call(self.door)
        self.eve.greet()
        size, root = wait_for("all is signed", signed).split(" sha256:")
        own, size, forged = bytes.fromhex(root), int(size), os.urandom(32)
        stolen, nobodys = self.directory / "stolen.key", self.directory / "log.key"
        shutil.copy(next(iter(self.oem.plant)).tls / "log.key", stolen)
        stolen.with_suffix(".vkey").write_text(self.oem.keys[0])
        nobodys.with_suffix(".vkey").write_text(
            pki.log_key(self.directory, f"{self.oem.site}/audit"))
        proof = self.two_heads(stolen, (size, own), (size, forged))
        for text in (self.two_heads(nobodys, (size, own), (size, forged)),
                     self.two_heads(stolen, (size, own), (size, own))):
            self.eve.say(hostile.EVIDENCE, "StreamText", self.oem.site, Note=text)
        self.wait_said("partner_text", "unsigned", 2)
        self.assertNotIn("sent_split", status())
        self.eve.say(hostile.EVIDENCE, "StreamText", self.oem.site, Note=proof)
        wait_for("it is fenced", lambda: self.figure("sent/split") == 1)
        self.assertEqual((f"{size} sha256:{forged.hex()}", "yes", 1), tuple(
            status()[key] for key in ("sent_split", "sent_fenced", "sent_evidence")))
        self.oem.inspect("meanwhile", 2)
        self.assert_unharmed()
        self.assertEqual(size, int(status()["sent_size"].split()[0]))
        self.weft("partner", "resume", hostile.NAME, "--lost", status()["sent_split"], "--base",
                  "0", "--reason", "the key was stolen, and ends")
        self.eve.hear(lambda m: m["kind"] == hostile.NOTICE and m["provider"] == self.oem.site)
        self.eve.greet()  # It holds to no other.
        wait_for("it goes on", lambda: status()["sent_fenced"] == "no" and int(
            status()["sent_size"].split()[0]) >= size + 2)
        older = self.two_heads(stolen, (size - 1, forged), (size - 1, os.urandom(32)))
        for text in (proof, older):
            self.eve.say(hostile.EVIDENCE, "StreamText", self.oem.site, Note=text)
        wait_for("the second is kept", lambda: status()["sent_evidence"] == 2)
        self.assertEqual("no", status()["sent_fenced"])
        self.assertNotIn("sent_split", status())
        self.assert_unharmed()

    def proven_heads(self, evidence, size):
        """Different trees of that size, each signed by a key of the supplier's."""
        roots = set()
        for note in re.split(r"part \d+\n", evidence)[1:]:
            text, lines = note.split("\n\n", 1)
            line = next(line for line in lines.splitlines() if "west/node0 " in line)
            signature = base64.b64decode(line.split(" ")[2])[4:]
            _, there, root = text.split("\n")[:3]
            self.assertEqual(size, int(there))
            self.assertTrue(self.verifies(text + "\n", signature))
            self.assertFalse(self.verifies(text + "?\n", signature))
            roots.add(root)
        return len(roots)

    def verifies(self, text, signature):
        vkey = next(key for key in self.eve.keys.splitlines() if "west/node0+" in key)
        key = base64.b64decode(vkey.split("+", 2)[2])[1:]
        home = self.directory
        # SubjectPublicKeyInfo of Ed25519 (RFC 8410, 4).
        (home / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + key)
        (home / "text").write_text(text)
        (home / "signature").write_bytes(signature)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
             str(home / "key"), "-rawin", "-in", str(home / "text"), "-sigfile",
             str(home / "signature")], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    cluster.main()
