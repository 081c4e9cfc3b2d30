"""tests/cluster/test_doors.py: strangers, wrong certificates, and clients that speak nonsense, on
both doors of a node that serves others meanwhile."""

import os
import pathlib
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import wire  # noqa: E402
from plant import WAIT_S, wait_for  # noqa: E402
from writers import Writers  # noqa: E402

STRANGERS = 1000  # of each kind; the link's own suite (tests/unit/node) sends 3,000
RESET = struct.pack("ii", 1, 0)
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(185))


def dial(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=WAIT_S)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s.close()


class Doors(cluster.PlantCase):
    # Very patient: what is judged is what strangers do, not what a busy machine does.
    plant_timers = {"election_ms": 20000, "heartbeat_ms": 500, "link_heartbeat_ms": 1000}

    def setUp(self):
        self.node = self.plant.leader()
        self.term = self.node.status()["term"]

    def doors(self):
        return (self.node.client, self.node.peer)

    def while_others_are_served(self, attack, prefix):
        """Honest clients write all along; none is cut off or forgotten."""
        with Writers(self.plant, 4, prefix=prefix) as writers:
            wait_for("commits", lambda: writers.count() > 10)
            before = writers.count()
            attack()
            wait_for("others are served", lambda: writers.count() > before + 10)
        self.assertTrue(self.node.is_alive(), self.node.tail())
        writers.check(self, self.node)
        cut = [(a.sequence, a.cuts) for a in writers.acks() if a.cuts]
        self.assertEqual([], cut, "an honest client was cut off")
        self.assertEqual(self.term, self.node.status()["term"], "leadership was disturbed")

    def test_random_bytes_from_strangers(self):
        def attack():
            for door in self.doors():
                for _ in range(STRANGERS):
                    s = dial(door)
                    s.sendall(self.random.randbytes(self.random.randrange(1, 300)))
                    s.close()
        self.while_others_are_served(attack, "noise")

    def test_connections_reset_in_the_handshake(self):
        def attack():
            for door in self.doors():
                for i in range(STRANGERS):
                    s = dial(door)
                    s.sendall(CLIENT_HELLO[:i % len(CLIENT_HELLO) + 1])
                    reset(s)
        self.while_others_are_served(attack, "reset")

    def test_connections_that_say_nothing(self):
        """Half-open by the hundreds, held for as long as the attack lasts."""
        def attack():
            held = []
            for door in self.doors():
                for _ in range(STRANGERS // 4):
                    try:
                        held.append(dial(door))
                    except OSError:
                        break  # the door has had enough of strangers, which is its right
            with self.node.connect() as client:
                client.status()  # but an honest one still gets in
            for s in held:
                s.close()
        self.while_others_are_served(attack, "silent")

    def test_handshakes_byte_by_byte(self):
        def attack():
            slow = [dial(door) for door in self.doors() for _ in range(50)]
            for i in range(20):
                for s in slow:
                    try:
                        s.sendall(CLIENT_HELLO[i:i + 1])
                    except OSError:
                        pass
                time.sleep(0.05)
            for s in slow:
                s.close()
        self.while_others_are_served(attack, "slow")

    def refused(self, door, home, **options):
        """A door refuses this identity: the handshake fails, or the connection closes at once."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([options.pop("alpn", wire.ALPN)])
        for name, value in options.items():
            setattr(context, name, value)
        if home:
            context.load_cert_chain(home / "tls.crt", home / "tls.key")
        try:
            with context.wrap_socket(dial(door)) as s:
                # TLS 1.3 tells a client of its bad certificate after its own handshake.
                s.settimeout(WAIT_S)
                s.sendall(wire.ENVELOPE.pack(16, wire.HEARTBEAT, 1, 0))
                return not s.recv(4096)  # anything: the node's own hello
        except TimeoutError:
            return False
        except (ssl.SSLError, OSError):
            return True

    def test_wrong_identities_are_refused(self):
        ours = self.plant.authority
        other = pki.Authority(self.directory / "other", "other.example")
        fake = pki.Authority(self.directory / "fake", self.plant.org)
        site = self.plant.site
        both = {
            "no certificate": None,
            "another organization": other.issue(site, "node", "n1"),
            "our names under another root": fake.issue(site, "node", "n1"),
            "expired": ours.issue(site, "node", "n2", self.directory / "expired", days=-1),
            "a CA as leaf": ours.issue(site, "node", "n2", self.directory / "ca-leaf", is_ca=True),
            "no name": ours.issue(site, "node", "n2", self.directory / "noname",
                                  names="DNS:localhost"),
            "two names": ours.issue(site, "node", "n2", self.directory / "two", names=(
                f"URI:spiffe://{self.plant.org}/{site}/node/n2,"
                f"URI:spiffe://{self.plant.org}/{site}/node/n3")),
            "a foreign name from our root": ours.issue(
                site, "node", "n2", self.directory / "foreign",
                uri="spiffe://other.example/plant1/node/n2"),
            "not for clients": ours.issue(site, "node", "n2", self.directory / "server-only",
                                          usages="serverAuth"),
        }
        for door in self.doors():
            for name, home in both.items():
                self.assertTrue(self.refused(door, home), f"{name} got in at {door}")
        peer_only = {
            "another site's node": ours.issue("plant2", "node", "n1"),
            "a person": self.plant.identity,
        }
        for name, home in peer_only.items():
            self.assertTrue(self.refused(self.node.peer, home), f"{name} got in as a peer")
        for door in self.doors():
            self.assertTrue(self.refused(door, self.plant.identity if door == self.node.client
                                         else self.plant["n2"].tls,
                                         maximum_version=ssl.TLSVersion.TLSv1_2),
                            "TLS 1.2 got in")
            self.assertTrue(self.refused(door, self.plant["n2"].tls, alpn="h2"),
                            "another protocol got in")
        # The counter-check: the very same way in is open to the right identity.
        self.assertFalse(self.refused(self.node.client, self.plant.identity))

    def test_a_refused_peer_is_logged_and_not_without_end(self):
        before = self.node.log.stat().st_size
        fake = pki.Authority(self.directory / "flood", self.plant.org).issue(
            self.plant.site, "node", "n1")
        for _ in range(300):
            self.refused(self.node.peer, fake)
        grown = self.node.log.read_bytes()[before:]
        lines = [line for line in grown.splitlines() if b"peer" in line]
        self.assertGreaterEqual(len(lines), 1, "nothing was logged")
        self.assertLess(len(lines), 100, "a stranger fills the log")

    def raw(self):
        """An authenticated connection to the client door, to be misused."""
        return self.node.connect().socket

    def hangs_up(self, sent):
        s = self.raw()
        try:
            s.settimeout(WAIT_S)
            for piece in sent:
                s.sendall(piece)
            while True:
                if not s.recv(65536):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            s.close()

    def test_frames_that_are_none_end_the_connection(self):
        pack = wire.ENVELOPE.pack
        frames = {
            "too long": [pack(0xFFFFFFFF, wire.STATUS, 1, 1)],
            "over the limit": [pack((1 << 20) + 1, wire.COMMIT, 1, 1)],
            "shorter than its envelope": [pack(15, wire.STATUS, 1, 1)],
            "of length zero": [pack(0, wire.STATUS, 1, 1)],
            "of another version": [pack(24, wire.STATUS, 9, 1), bytes(8)],
            "random bytes": [b"\xff" * 64],
        }
        before = self.node.status()["gauges"]
        for name, sent in frames.items():
            self.assertTrue(self.hangs_up(sent), f"a frame {name} was taken")
        after = self.node.status()["gauges"]
        self.assertGreaterEqual(after["client_dropped_malformed_total"],
                                before["client_dropped_malformed_total"] + 4)

    def test_malformed_requests_are_answered_or_dropped_and_commit_nothing(self):
        good = wire.encode_commit([{"kind": "test.bad", "asset": "bad/1"}], os.urandom(16))
        before = self.node.status()["gauges"]["commits_total"]
        for round_number in range(400):
            body = bytearray(good)
            for _ in range(self.random.randrange(1, 9)):
                body[self.random.randrange(len(body))] ^= 1 << self.random.randrange(8)
            if round_number % 3 == 0:
                del body[self.random.randrange(8, len(body)):]
            # Heartbeats have no answer.
            kind = wire.COMMIT if round_number % 2 else self.random.randrange(2, 100)
            try:
                with self.node.connect(WAIT_S) as client:
                    client.call(kind, bytes(body))
            except wire.Refusal:
                pass
            except TimeoutError:
                self.fail(f"round {round_number}: no answer and no end (kind {kind})")
            except OSError:
                pass
        self.assertTrue(self.node.is_alive(), self.node.tail())
        self.assertGreaterEqual(self.node.status()["gauges"]["commits_total"], before)
        self.assert_same_digests()

    def test_a_replayed_commit_changes_nothing(self):
        """The same bytes again, on the same and on another connection."""
        request_id = os.urandom(16)
        body = wire.encode_commit([{"kind": "test.replay", "asset": "replay/1"}], request_id)
        with self.node.connect() as client:
            for _ in range(5):
                client.expect(wire.COMMIT, body, wire.COMMIT_RESULT)
        with self.node.connect() as client:
            client.expect(wire.COMMIT, body, wire.COMMIT_RESULT)
            found = list(client.pages("find", asset_glob="replay/1"))
        self.assertEqual(1, len(found))

    def test_peer_messages_on_the_client_door_are_refused(self):
        for kind in range(16, 28):
            try:
                with self.node.connect(WAIT_S) as client:
                    client.call(kind, bytes(64))
                    self.fail(f"kind {kind} was answered")
            except wire.Refusal:
                pass
            except TimeoutError:
                self.fail(f"kind {kind}: no answer and no end")
            except OSError:
                pass
        self.assertEqual(self.term, self.node.status()["term"])

    def test_a_client_that_never_reads_is_dropped_and_others_go_on(self):
        with self.node.connect() as client:
            records = [{"kind": "test.big", "asset": f"big/{i}", "attrs": {"x": "y" * 60000}}
                       for i in range(12)]
            client.commit(records)

        def attack():
            s = self.raw()
            query = wire.encode_table("Query", {"AssetGlob": "big/*"},
                                      {"QueryType": 3, "LimitRecords": 1000})
            s.settimeout(2)
            try:
                for number in range(1, 2000):
                    s.sendall(wire.ENVELOPE.pack(len(query) + 16, wire.QUERY, 1, number) + query)
            except (TimeoutError, OSError):
                pass
            self.assertLess(self.node.rss_bytes(), 600 << 20, "answers pile up in memory")
            s.close()
        self.while_others_are_served(attack, "unread")

    def test_limits_of_a_commit_are_held(self):
        many = [{"kind": "test.limit", "asset": f"limit/{i}"} for i in range(1025)]
        long_id = "x" * 256
        bad = {
            "no record": [],
            "too many records": many,
            "an id too long": [{"kind": "test.limit", "asset": long_id}],
            "an empty id": [{"kind": "test.limit", "asset": ""}],
            "a kind of capitals": [{"kind": "LIMIT", "asset": "limit/1"}],
            "a value too large": [{"kind": "test.limit", "asset": "limit/1",
                                   "attrs": {"x": "y" * 65537}}],
            "a number that is none": [{"kind": "test.limit", "asset": "limit/1",
                                       "attrs": {"x": ("int", "twelve")}}],
            "a real that is none": [{"kind": "test.limit", "asset": "limit/1",
                                     "attrs": {"x": ("real", "NaN")}}],
            "too many links": [{"kind": "test.limit", "asset": "limit/1",
                                "links": [("part_of", f"p/{i}") for i in range(4097)]}],
            "a control character": [{"kind": "test.limit", "asset": "limit/\x01"}],
        }
        for name, records in bad.items():
            with self.node.connect() as client:
                with self.assertRaises(wire.Refusal, msg=name) as refused:
                    client.commit(records)
                self.assertIn(refused.exception.outcome, ("malformed", "invalid", "too_big"), name)
                self.assertTrue(refused.exception.detail, name)
        with self.node.connect() as client:
            self.assertEqual([], list(client.pages("find", kind="test.limit")))


class ManyConnections(cluster.PlantCase):
    plant_nodes = ("n1",)
    plant_settings = {"limits": {"connections": 64}}

    def test_the_limit_of_connections_is_held_and_places_become_free_again(self):
        node = self.plant["n1"]
        held = []
        for _ in range(80):
            try:
                client = node.connect()
            except OSError:
                continue
            try:
                client.status()
                held.append(client)
            except OSError:
                client.close()
        self.assertLessEqual(len(held), 64)
        self.assertGreater(len(held), 50)
        for client in held:
            client.close()

        def served():
            try:
                return node.status()
            except OSError:
                return None
        wait_for("a place is free again", served)


if __name__ == "__main__":
    cluster.main()
