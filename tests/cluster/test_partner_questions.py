"""tests/cluster/test_partner_questions.py: a partner with valid certificates whose questions and
answers are not as they should be. What he does not answer, or answers wrongly, is a hole by name
in the time that was given; what he asks too much is refused; others' questions go on."""

import collections
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import hostile  # noqa: E402
from plant import wait_for  # noqa: E402

ANSWERED, CLOSED, MANY, SILENT, LOOP = 0, 1, 4, 5, 9  # federation/cells/ask.h
CASTING = "urn:epc:id:sgtin:4012345.012345.casting"  # The partner made it.
ENGINE = "urn:epc:id:sgtin:4012345.012345.engine"  # The OEM made it, of more than one may ask.
HOUSE = "urn:epc:id:sgtin:4012345.012345.house"  # The same, of nothing.
RING = "urn:epc:id:sgtin:4012345.012345.ring"  # The same: each of so many is in the next.
LINKS = 500
PARTS = 60  # of the engine, and of each of those
BURST, AT_ONCE = 256, 64  # node/question_gate.h, node/questions.h
# Beyond the time that was given: a machine is busy with others for many seconds.
PATIENCE_S = 15


class Questions(hostile.HostileCase):
    kinds = ("as_built", "inspection")
    templates = ("inside 4",)

    @classmethod
    def begin(cls):
        super().begin()
        cls.eve.tell("about", CASTING)
        cls.oem.commit({"kind": "inspection", "asset": ENGINE, "attrs": {"verdict": "PASS"}},
                       {"kind": "inspection", "asset": HOUSE, "attrs": {"verdict": "PASS"}})
        names = [f"{ENGINE}{i}" for i in range(PARTS)]
        cls.oem.commit(cls.built(ENGINE, names), *(
            cls.built(name, [f"{name}.{i}" for i in range(PARTS)]) for name in names))
        cls.oem.commit({"kind": "inspection", "asset": f"{RING}0", "attrs": {"verdict": "PASS"}},
                       *(cls.built(f"{RING}{i}", [f"{RING}{(i + 1) % LINKS}"])
                         for i in range(LINKS)))

    @staticmethod
    def built(name, parts):
        return {"kind": "as_built", "asset": name, "attrs": {"line": "1"},
                "links": [("consumes", part) for part in parts]}

    # --- what is asked ----------------------------------------------------------------------------

    def meet(self):
        """He knows questions."""
        self.eve.call(self.door)
        self.eve.greeted()
        self.eve.greet()

    @staticmethod
    def ask(site, asset, wait_ms, into=None):
        """What a client is told, by the first word of each line; how long it took."""
        began = time.monotonic()
        with site.plant.leader().connect() as client:
            told = client.file(f"ask/{asset}", 90, wait_ms=wait_ms)
        lines = collections.defaultdict(list)
        for line in told.splitlines():
            word, rest = line.split(" ", 1)
            lines[word].append(rest)
        lines["took"] = time.monotonic() - began
        if into is not None:
            into.append(lines)
        return lines

    def begin_asking(self, wait_ms=20000, asset=CASTING):
        """A client asks, and he hears the question. (the thread, what it is told, the question)"""
        told = []
        thread = threading.Thread(target=self.ask, args=(self.oem, asset, wait_ms, told))
        thread.start()
        heard = self.eve.hear(lambda m: m["kind"] == hostile.QUESTION)["Content"]
        return thread, told, heard

    def answered(self, how, wait_ms=20000):
        """What the client is told where he answers so."""
        thread, told, heard = self.begin_asking(wait_ms)
        self.eve.send(self.eve.make("answer", how, heard.hex()))
        thread.join()
        return told[0]

    def assert_hole(self, told, why):
        holes = [f"{self.eve.site} 0 {why.replace(' ', '%20')}"]
        self.assertEqual(holes, told["hole"], dict(told))

    def count(self, what):
        return self.figure(f"both/{what}_refused_total")

    # --- his answers, in order --------------------------------------------------------------------

    def test_1_a_sound_answer_is_told(self):
        self.transfer(2)
        self.meet()
        told = self.answered("made")
        self.assertEqual([], told["hole"], dict(told))
        self.assertRegex(told["told"][0], rf"^{self.eve.site} 7 1772352000000$")

    def test_2_who_never_answers_is_a_hole_in_time(self):
        self.meet()
        thread, told, heard = self.begin_asking(1500)
        thread.join()
        self.assert_hole(told[0], "asked: not answered in time")
        self.assertGreater(told[0]["took"], 1.4)
        self.assertLess(told[0]["took"], 1.5 + PATIENCE_S)
        # What comes later counts for nothing, not for who asks then either.
        before = self.count("answers")
        self.eve.send(self.eve.make("answer", "made", heard.hex()))
        wait_for("it is counted", lambda: self.count("answers") == before + 1)
        thread, told, _ = self.begin_asking(1500)
        self.eve.send(self.eve.make("answer", "made", heard.hex()))
        thread.join()
        self.assert_hole(told[0], "asked: not answered in time")
        self.assertEqual(before + 2, self.count("answers"))

    def test_3_answers_that_do_not_count_are_holes_by_name(self):
        self.meet()
        before = self.count("answers")
        wrong = {"unsigned": "signed by none", "own": "says nothing of what was asked",
                 "another": "speaks of what was not asked", "torn": "cannot be read"}
        for i, (how, why) in enumerate(wrong.items()):
            self.assert_hole(self.answered(how), "asked: what was answered does not count")
            self.assertEqual(before + i + 1, self.count("answers"))
            self.assertRegex(self.log(), rf'event=partner_answer_refused .*{why}')
        # An answer is taken once.
        thread, told, heard = self.begin_asking()
        made = self.eve.make("answer", "made", heard.hex())
        self.eve.send(made + made)
        thread.join()
        self.assertEqual([], told[0]["hole"])
        wait_for("the second is counted", lambda: self.count("answers") == before + len(wrong) + 1)

    def test_3_an_answer_larger_than_one_may_be_ends_the_connection(self):
        self.meet()
        told = self.answered("large", 3000)
        self.assert_hole(told, "asked: not answered in time")
        with self.assertRaises(OSError) as gone:
            self.eve.hear(lambda m: False, 10)
        self.assertNotIsInstance(gone.exception, TimeoutError)
        self.assert_hole(self.ask(self.oem, CASTING, 3000), "not asked: not connected")
        self.assert_unharmed()

    def test_4_a_chain_without_an_end_ends(self):
        self.meet()
        told = self.answered("chain")
        self.assertEqual(["3000 1"], told["tree"])
        self.assertEqual([f"{self.eve.site} 2999 asked:%20answered%20already,%20to%20this%20"
                          "question"], told["hole"])

    def test_4_a_tree_is_no_larger_than_one_may_be(self):
        self.meet()
        told = self.answered("bushes")
        self.assertRegex(told["tree"][0], r"^4096 \d+$")
        self.assertTrue(any("the%20tree%20is%20as%20large%20as%20one%20may%20be" in hole
                            for hole in told["hole"]), told["hole"][:3])
        self.assert_unharmed()

    # --- his questions ----------------------------------------------------------------------------

    def hear_answers(self, numbers):
        """{number: (fault, parts)} of all of these."""
        heard = {}
        while numbers - heard.keys():
            number, fault, _, _, parts = hostile.answer(self.eve.hear(
                lambda m: m["kind"] == hostile.ANSWER)["Content"])
            self.assertNotIn(number, heard)
            heard[number] = fault, parts
        return heard

    def test_5_questions_that_are_none_of_his_are_told_nothing(self):
        self.meet()
        query = bytes(range(32))
        before = self.count("questions")
        self.eve.ask(1, HOUSE, query=query)
        self.eve.ask(2, HOUSE, query=query)
        self.eve.ask(3, HOUSE, template="where_used")
        self.eve.ask(4, "urn:epc:id:sgtin:4012345.012345.secret")
        self.eve.ask(5, HOUSE, 0)
        heard = self.hear_answers({1, 2, 3, 4, 5})
        self.assertEqual([ANSWERED, LOOP, CLOSED, ANSWERED, SILENT],
                         [heard[i][0] for i in sorted(heard)])
        self.assertIn(b"hole\t-\tunknown\n", heard[1][1])
        self.assertIn(f"hole\t{self.oem.site}\tclosed\n".encode(), heard[4][1])
        self.assertEqual(before + 3, self.count("questions"))

    def test_5_a_question_of_what_has_no_end_ends(self):
        self.meet()
        self.eve.ask(1, f"{RING}0")
        fault, parts = self.hear_answers({1})[1]
        self.assertEqual(ANSWERED, fault)
        for i in (0, 1, LINKS - 1):
            self.assertEqual(1, parts.count(f"in\tconsumes\t-\tepc\t{RING}{i}\n".encode()))

    def test_5_questions_at_fault_end_the_connection(self):
        sound = hostile.question(1, HOUSE)
        for bad in (hostile.question(1, HOUSE, depth=17), hostile.question(1, HOUSE, 60001),
                    sound[:-34] + bytes(33) + sound[-1:], sound + b"\0", sound[:-1],
                    hostile.question(1, "in\tthe line"), hostile.question(1, "k" * 5000)):
            self.meet()
            self.eve.say(hostile.QUESTION, "StreamBody", self.oem.site, Content=bad)
            with self.assertRaises(OSError) as gone:
                self.eve.hear(lambda m: False, 10)
            self.assertNotIsInstance(gone.exception, TimeoutError, bad)
        self.meet()  # The counter-check.
        self.eve.say(hostile.QUESTION, "StreamBody", self.oem.site, Content=sound)
        self.assertEqual(ANSWERED, self.hear_answers({1})[1][0])

    def test_5_a_look_ends_with_its_time(self):
        """Of many at what costs most each is answered in its time, or so."""
        self.meet()
        numbers = set(range(100, 100 + AT_ONCE))
        began = time.monotonic()
        for number in numbers:
            self.eve.ask(number, ENGINE, 400)
        heard = self.hear_answers(numbers)
        took = time.monotonic() - began
        faults = collections.Counter(fault for fault, _ in heard.values())
        print(f"{dict(faults)} in {took:.2f} s", file=sys.stderr)
        self.assertEqual(set(), faults.keys() - {MANY, SILENT})
        self.assertGreater(faults[SILENT], 0)
        self.assertLess(took, 0.4 + PATIENCE_S)

    def flood(self, until, counts):
        """Questions about what costs most, as fast as they are read; answers are not."""
        caller = hostile.Caller(self.eve, self.door)
        while time.monotonic() < until:
            said = [(hostile.QUESTION, "StreamBody", self.oem.site,
                     {"Content": hostile.question(9, ENGINE, 60000)}) for _ in range(AT_ONCE)]
            try:
                caller.say_all(said)
                counts["asked"] += len(said)
            except OSError:
                counts["dropped"] += 1
                caller.close()
                caller = hostile.Caller(self.eve, self.door)
        caller.close()

    def test_6_a_flood_of_questions_takes_nothing_from_others(self):
        wait_for("the vendor knows it", lambda: self.vendor.lines(f"cells/fair/asset/{HOUSE}"))
        self.ask(self.vendor, HOUSE, 10000)
        node = next(iter(self.oem.plant))
        before, used, grown = self.count("questions"), node.processor_s(), node.rss_bytes()
        counts, took = collections.Counter(), collections.defaultdict(list)
        until = time.monotonic() + 6
        threads = [threading.Thread(target=self.flood, args=(until, counts)) for _ in range(2)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until or not took["vendor"]:
            # A partner's question, a client's, and one that a partner has to be asked for.
            told = self.ask(self.vendor, HOUSE, 60000)
            self.assertEqual(["- 0 asked:%20nobody%20has%20stated%20anything%20of%20it"],
                             told["hole"])
            self.assertIn(self.oem.site, told["told"][0])
            took["vendor"].append(told["took"])
            told = self.ask(self.oem, ENGINE, 60000)
            self.assertEqual([], told["hole"][PARTS * PARTS:])
            took["client"].append(told["took"])
        for thread in threads:
            thread.join()
        wait_for("most were refused", lambda: self.count("questions") - before > BURST)
        print(f"{dict(counts)}; vendor {max(took['vendor']):.2f} s at most of "
              f"{len(took['vendor'])}, client {max(took['client']):.2f} s; "
              f"{node.processor_s() - used:.2f} s of a processor, "
              f"{(node.rss_bytes() - grown) >> 20} MiB", file=sys.stderr)
        self.assert_unharmed()


if __name__ == "__main__":
    cluster.main()
