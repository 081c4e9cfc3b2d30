"""tests/lib/writers.py: clients that write without a pause, remember what they were promised, and
the check that every promise was kept.

Each client writes its own asset `load/cN`, one commit after the other, sequence numbers in order.
A commit whose answer is lost is asked for again, under the same request id, until it is
acknowledged: at most one commit per client is in doubt at the end. Some commits hold three
records, to see that a commit is whole or not at all."""

import bisect
import os
import threading
import time

import wire

KIND = "test.load"


class Ack:
    """tries: how often it was sent; cuts: how often the connection was lost meanwhile."""
    __slots__ = ("sequence", "index", "sent_ns", "acked_ns", "node", "tries", "cuts")

    def __init__(self, sequence, index, sent_ns, acked_ns, node, tries, cuts):
        self.sequence, self.index, self.sent_ns = sequence, index, sent_ns
        self.acked_ns, self.node, self.tries, self.cuts = acked_ns, node, tries, cuts


class Writer(threading.Thread):
    def __init__(self, writers, number):
        super().__init__(daemon=True, name=f"c{number}")
        self.writers, self.number = writers, number
        self.asset = f"{writers.prefix}/c{number}"
        self.acks = []
        self.in_doubt = 0  # sequence that was asked for and not answered when it ended
        self.failure = None
        self.client, self.node = None, None
        self.turn = number

    def run(self):
        sequence = 0
        try:
            while not self.writers.stopping.is_set():
                sequence += 1
                self.write(sequence)
                if self.writers.pause_s:
                    time.sleep(self.writers.pause_s)
        except Exception as error:  # a failure of the test, told by check()
            self.failure = error
        finally:
            self.hang_up()

    def hang_up(self):
        if self.client:
            self.client.close()
        self.client, self.node = None, None

    def dial(self, wish):
        """A connection to the node at this client address, or to the next one in turn."""
        nodes = list(self.writers.plant)
        node = next((n for n in nodes if n.client == wish), None)
        if node is None:
            self.turn += 1
            node = nodes[self.turn % len(nodes)]
        self.client = wire.Client(node.client, self.writers.plant.context, self.writers.timeout_s,
                                  node.uri)
        self.node = node.name

    def records(self, sequence):
        filler = f"{sequence:08d}" + "x" * max(0, self.writers.size_bytes - 120)
        base = {"kind": KIND, "attrs": {"sequence": ("int", str(sequence)), "filler": filler}}
        if sequence % 7:
            return [{**base, "asset": self.asset}]
        return [{**base, "asset": self.asset}, {**base, "asset": self.asset + "/b"},
                {**base, "asset": self.asset + "/c"}]

    def write(self, sequence):
        records = self.records(sequence)
        request_id = os.urandom(16)
        self.in_doubt = sequence
        first_ns = time.monotonic_ns()
        tries, cuts, wish, doubt_s = 0, 0, None, 0.002
        while True:
            tries += 1
            try:
                if self.client is None:
                    self.dial(wish)
                sent_ns = time.monotonic_ns()
                result = self.client.commit(records, request_id)
            except wire.Refusal as refusal:
                if refusal.outcome not in wire.RETRY:
                    raise
                wish = refusal.leader or None
                if refusal.outcome != "busy":
                    self.hang_up()
            except OSError:
                cuts += 1
                wish = None
                self.hang_up()
            else:
                self.acks.append(Ack(sequence, result["index"], sent_ns, time.monotonic_ns(),
                                     self.node, tries, cuts))
                self.in_doubt = 0
                return
            if self.writers.stopping.is_set() and \
                    time.monotonic_ns() - first_ns > self.writers.give_up_s * 1e9:
                return
            if wish is None:
                time.sleep(doubt_s)
                doubt_s = min(doubt_s * 2, 0.02)


class Writers:
    """`with Writers(plant, 32) as writers: ...`, then `writers.check(test)`."""

    def __init__(self, plant, clients=8, size_bytes=300, pause_s=0, timeout_s=30, prefix="load"):
        self.plant, self.size_bytes, self.pause_s = plant, size_bytes, pause_s
        self.timeout_s, self.prefix = timeout_s, prefix
        self.give_up_s = 60
        self.stopping = threading.Event()
        _ = wire.tables.Record  # generated once, before there are threads
        self.clients = [Writer(self, number) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for client in self.clients:
            client.join(self.give_up_s + self.timeout_s + 5)

    def acks(self):
        return [ack for client in self.clients for ack in client.acks]

    def count(self):
        return sum(len(client.acks) for client in self.clients)

    def first_ack_after(self, kill_ns, dead):
        """ms from a kill to the first acknowledgement by a node that lives; None if none."""
        best = None
        for client in self.clients:
            acks = list(client.acks)
            start = bisect.bisect_left([a.sent_ns for a in acks], kill_ns)
            for ack in acks[start:]:
                if ack.node != dead:
                    best = min(best or ack.acked_ns, ack.acked_ns)
                    break
        return (best - kill_ns) / 1e6 if best else None

    def found(self, node, seconds=120):
        """{asset: [(sequence, index)]} as this node tells; asked again while it has no leader."""
        end = time.monotonic() + seconds
        while True:
            found = {}
            try:
                with node.connect(30) as connection:
                    for record in connection.commits(1, asset_glob=f"{self.prefix}/*"):
                        if record["kind"] == KIND:
                            found.setdefault(record["asset"], []).append(
                                (int(record["attrs"]["sequence"][1]), record["index"]))
                return found
            except (OSError, wire.Refusal) as error:
                if time.monotonic() > end or \
                        isinstance(error, wire.Refusal) and error.outcome not in wire.RETRY:
                    raise
                time.sleep(0.2)

    def check(self, test, node):
        """Every promise against what the node says was agreed: each acknowledged commit is there
        once, at its index, whole; nothing is there that nobody asked for; nothing twice."""
        for client in self.clients:
            test.assertIsNone(client.failure, f"{client.name}: {client.failure!r}")
            test.assertFalse(client.is_alive(), f"{client.name} hangs")
        found = self.found(node)
        acked = 0
        for client in self.clients:
            there = found.pop(client.asset, [])
            sequences = [sequence for sequence, _ in there]
            promised = {ack.sequence: ack.index for ack in client.acks}
            acked += len(promised)
            last = len(promised)
            expected = list(range(1, last + 1))
            if client.in_doubt and len(sequences) == last + 1:
                expected.append(client.in_doubt)
            test.assertEqual(expected, sequences,
                             f"{client.asset}: acknowledged against kept (lost, doubled, or out "
                             f"of order)")
            for sequence, index in there:
                test.assertEqual(promised.get(sequence, index), index,
                                 f"{client.asset}: {sequence} is not at the index promised")
            triple = [(s, i) for s, i in there if s % 7 == 0]
            for suffix in ("/b", "/c"):
                test.assertEqual(triple, found.pop(client.asset + suffix, []),
                                 f"{client.asset}: a commit in parts")
        test.assertEqual({}, found, "records that nobody asked for")
        return acked
