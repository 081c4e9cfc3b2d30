"""tests/cluster/test_change.py: a change order is released while clients write and a leader dies.

Every unit in its effectivity shows the new revision from the index of the release on, none shows
it before, none outside ever does: asked of every node, as of the index before and the index of
the release, and now. What was built before is out of date since then; what is built afterwards
to the old revision is a deviation."""

import json
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import wire  # noqa: E402
from writers import Writer, Writers  # noqa: E402

OLD, NEW = "part:box/rev/A", "part:box/rev/B"
CONFIGURATION = 4  # proto/client.h, WEFT_TWIN_CONFIGURATION


def revision(asset):
    return {"kind": "part_revision", "asset": asset, "attrs": {"status": "released"},
            "links": [{"rel": "revision_of", "to": "part:box"}]}


def bom(asset, *parts):
    return {"kind": "bom", "asset": asset, "links": [
        {"rel": "bom_line", "to": part, "attrs": {"find": str(10 * n)}}
        for n, part in enumerate(parts, 1)]}


def change_order(status, low, high, name="CO-17"):
    return {"kind": "change_order", "asset": f"change:{name}",
            "attrs": {"status": status, "effectivity/[0]/serial_from": f"B{low}",
                      "effectivity/[0]/serial_to": f"B{high}"},
            "links": [("about", "part:box"), ("replaces", OLD), ("introduces", NEW)]}


class UnitWriter(Writer):
    """Each commit builds a unit, all to the old revision; serials are dealt round."""

    def records(self, sequence):
        number = sequence * len(self.writers.clients) + self.number
        unit = {"kind": "as_built", "asset": f"serial:box/B{number}",
                "links": [("instance_of", OLD), ("made_on", "plant1/mill-1")]}
        return [*super().records(sequence), unit]


class UnitWriters(Writers):
    def __init__(self, plant, clients):
        super().__init__(plant, clients)
        self.clients = [UnitWriter(self, number) for number in range(clients)]

    def units(self):
        """{number: index} of what was acknowledged."""
        return {ack.sequence * len(self.clients) + client.number: ack.index
                for client in self.clients for ack in client.acks}


class Change(cluster.PlantCase):
    def put(self, *records):
        text = "".join(json.dumps(record) + "\n" for record in records)
        return self.plant.weft_json("put", "-", text=text)["index"]

    def release(self, low, high):
        """Asked for again under one request id until it is acknowledged, leader or not."""
        record, request_id = change_order("released", low, high), os.urandom(16)
        return self.plant.retry(lambda client: client.commit([record], request_id))["index"]

    def twin(self, client, number, as_of):
        return client.document("twin", asset=f"serial:box/B{number}", as_of=as_of,
                               sections=CONFIGURATION)

    def check_unit(self, client, number, built, release, low, high):
        in_it = low <= number <= high
        twin = self.twin(client, number, max(built, release))
        designed = twin["configuration"]["designed"]
        self.assertEqual(NEW if in_it else OLD, designed["revision"], number)
        deviations = [d["kind"] for d in twin["configuration"]["deviations"]]
        out_of_date = twin["configuration"]["out_of_date"]
        if in_it:
            self.assertEqual(("change:CO-17", release),
                             (designed["change_order"], designed["since_index"]))
        if in_it and built < release:
            self.assertEqual([], deviations, number)
            self.assertEqual([("revision", NEW, OLD, release)],
                             [(d["kind"], d["wanted"], d["found"], d["since_index"])
                              for d in out_of_date], number)
            before = self.twin(client, number, release - 1)["configuration"]
            self.assertEqual((OLD, []), (before["designed"]["revision"], before["out_of_date"]))
        elif in_it and built > release:
            self.assertEqual(["revision"], deviations, number)
        elif not in_it:
            self.assertEqual(([], []), (deviations, out_of_date), number)

    def test_a_release_shows_on_its_units_from_its_index_on_on_every_node(self):
        clients = cluster.options.clients or 32
        self.put({"kind": "part_type", "asset": "part:box"}, revision(OLD), revision(NEW),
                 bom(OLD, "part:lid"), bom(NEW, "part:lid", "part:seal"))
        with UnitWriters(self.plant, clients) as writers:
            time.sleep(2)
            newest = max(writers.units())
            low, high = newest // 2, newest + newest // 2
            self.plant.retry(lambda c: c.commit([change_order("draft", low, high)], os.urandom(16)))
            answer = []
            releasing = threading.Thread(target=lambda: answer.append(self.release(low, high)))
            leader = self.plant.leader()
            releasing.start()
            time.sleep(self.random.random() * 0.01)
            leader.kill()
            releasing.join(60)
            self.assertEqual(1, len(answer), "the release was not acknowledged")
            time.sleep(2)
            leader.launch()
            self.plant.wait_for_voters()
            end = time.monotonic() + 30
            while max(writers.units()) < high and time.monotonic() < end:
                time.sleep(0.1)
        units, (release,) = writers.units(), answer
        counts = {"before": 0, "after": 0, "outside": 0}
        for number, built in units.items():
            counts["outside" if not low <= number <= high else
                   "before" if built < release else "after"] += 1
        self.plant.wait_for_applied(max(units.values()))
        chosen = self.choose(units, low, high)
        for node in self.plant:
            writers.check(self, node)
            with node.connect(30) as client:
                for number in chosen:
                    self.check_unit(client, number, units[number], release, low, high)
            # By the command, of this node alone.
            number = next(n for n in chosen if low <= n <= high and units[n] < release)
            for as_of, expected in ((release - 1, OLD), (release, NEW)):
                twin = self.plant.weft_json("get", f"serial:box/B{number}", "--as-of", str(as_of),
                                            endpoints=f"tls+tcp://{node.client}")
                self.assertEqual(expected, twin["configuration"]["designed"]["revision"])
        self.assert_same_digests()
        for name, count in counts.items():
            self.assertGreater(count, 20, f"{name}: too few to tell")
        print(f"\n{len(units)} units, released at {release}: {counts}; {len(chosen)} asked for on "
              "each node", file=sys.stderr)

    def choose(self, units, low, high):
        """All near the edges of the effectivity, and some of the others."""
        near = [n for n in units if min(abs(n - low), abs(n - high)) <= 20]
        others = self.random.sample(sorted(units), min(300, len(units)))
        return sorted(set(near + others))

    def test_what_is_wrong_with_a_change_is_refused_at_its_place(self):
        low = change_order("released", 30, 20, "CO-18")
        with self.plant.leader().connect() as client:
            with self.assertRaises(wire.Refusal) as refused:
                client.commit([low])
            self.assertEqual(("invalid", "/records/0/attrs/effectivity/0/serial_to"),
                             (refused.exception.outcome, refused.exception.pointer))
            client.commit([change_order("released", 5000000, 5000009, "CO-19")])
            with self.assertRaises(wire.Refusal) as refused:
                client.commit([change_order("released", 5000009, 5000010, "CO-20")])
            self.assertEqual(("conflict", "/records/0/attrs/effectivity/0"),
                             (refused.exception.outcome, refused.exception.pointer))
        line = json.dumps(bom("part:ring/rev/A", "part:ring/rev/A")) + "\n"
        done = self.plant.weft("put", "-", text=line)
        self.assertEqual(5, done.returncode, done.stderr)
        self.assertIn("/links/0/to", done.stderr)

    def test_get_and_diff_tell_people_and_programs(self):
        self.put({"kind": "part_type", "asset": "part:toy"},
                 {"kind": "part_revision", "asset": "part:toy/rev/A",
                  "attrs": {"status": "released"}, "links": [{"rel": "revision_of",
                                                              "to": "part:toy"}]},
                 bom("part:toy/rev/A", "part:wheel"),
                 {"kind": "wheel", "asset": "serial:wheel/1",
                  "links": [{"rel": "instance_of", "to": "part:wheel"}]})
        built = self.put({"kind": "as_built", "asset": "serial:toy/1", "links": [
            {"rel": "instance_of", "to": "part:toy/rev/A"},
            {"rel": "consumes", "to": "serial:wheel/1"}]})
        self.put({"kind": "removal", "asset": "serial:toy/1",
                  "links": [{"rel": "removes", "to": "serial:wheel/1"}]},
                 {"kind": "failure", "asset": "serial:toy/1", "attrs": {"mode": "lost a wheel"}})
        text = self.plant.weft("get", "serial:toy/1", "-o", "table", check=True).stdout
        for word in ("health failed", "part:toy/rev/A", "As built", "Out of date", "missing",
                     "lost a wheel"):
            self.assertIn(word, text)
        weft = self.plant.weft
        diff = weft("diff", "serial:toy/1", "--built", "--maintained", "-o", "table", check=True)
        self.assertIn("serial:wheel/1", diff.stdout)
        self.assertEqual(1, weft("diff", "serial:toy/1", "--built", "--maintained",
                                 "--exit-code").returncode)
        self.assertEqual(0, weft("diff", "serial:toy/1", "--built", "--maintained", "--exit-code",
                                 "--as-of", str(built)).returncode)
        self.assertEqual(0, weft("diff", "serial:toy/1", "--designed", "--built",
                                 "--exit-code").returncode)
        since = self.plant.weft_json("diff", "serial:toy/1", "--from", str(built))
        self.assertIn("health", [d["what"] for d in since["differences"]])
        for arguments in ((), ("--built",), ("--designed", "--built", "--maintained"),
                          ("--from", "yesterday")):
            self.assertEqual(2, weft("diff", "serial:toy/1", *arguments).returncode, arguments)
        self.assertEqual(1, weft("diff", "serial:toy/2", "--from", "1").returncode)
        below = self.plant.weft_json("get", "serial:toy", "--section", "below")
        self.assertEqual((1, "failed"), (below["below"]["assets"], below["below"]["worst"]))


if __name__ == "__main__":
    cluster.main()
