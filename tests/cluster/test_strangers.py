"""tests/cluster/test_strangers.py: certificates that are not ours, at every door, and of those whom
a node calls itself: none is admitted, each is counted, and the log has the reason.

test_doors.py is about load and rubbish, link.admission about the link alone; here whole nodes are
asked, by certificates of openssl's making."""

import http.client
import json
import pathlib
import re
import signal
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import wire  # noqa: E402
from plant import WAIT_S, wait_for  # noqa: E402

FUTURE = ("20700101000000Z", "20710101000000Z")
HELLO = wire.ENVELOPE.pack(wire.ENVELOPE.size, wire.HEARTBEAT, 1, 0)
# What a caller says: over the bulk link, a request for a file of a checkpoint.
DOORS = {"peer": HELLO, "client": HELLO,
         "bulk": HELLO + wire.ENVELOPE.pack(wire.ENVELOPE.size, wire.FETCH, 1, 0)}


def uris(*names):
    return ",".join(f"URI:spiffe://oem.example/{name}" for name in names)


class Strangers(cluster.PlantCase):
    @classmethod
    def rows(cls, node="n2"):
        """name -> (identity in the name of a node, what the link's doors say, what HTTP's says)"""
        ours = cls.plant.authority
        other = pki.Authority(cls.directory / "other", "other.example")
        fake = pki.Authority(cls.directory / "fake", cls.plant.org)

        def bad(name, **options):
            options.setdefault("names", uris(f"plant1/node/{node}") + ",DNS:localhost")
            return ours.issue("plant1", "node", node, cls.directory / f"{node}-{name}", **options)
        no_root = "unable to get local issuer certificate"
        return {
            "another organization's": (other.issue("plant1", "node", node), no_root, no_root),
            "an unknown root of our name": (
                fake.issue("plant1", "node", node), "certificate signature failure|local issuer",
                "certificate signature failure|local issuer"),
            "another organization's name from our root": (
                bad("org", names=f"URI:spiffe://other.example/plant1/node/{node}"),
                "not a node of|not of oem.example/plant1", "below the root of oem.example"),
            "another site's": (bad("site", names=uris(f"plant2/node/{node}")),
                               "not a node of|not of oem.example/plant1", "plant2/"),
            "two names": (bad("two", names=uris("plant1/node/n2", "plant1/node/n3")),
                          "with 2 URI names", "2 URI names"),
            "no name": (bad("none", names="DNS:localhost"), "with 0 URI names", "0 URI names"),
            "a name that is none of ours": (
                bad("class", names=uris(f"plant1/king/{node}")), "not a node of|of no known class",
                "class"),
            "a name for the partners' door": (
                bad("partner", names=uris(f"plant1/partner/{node}")),
                "not a node of|of no known class", "asks nothing here"),
            "a CA as a leaf": (bad("ca", is_ca=True), "a CA certificate used as a leaf",
                               "a CA certificate where a leaf"),
            "a leaf that signs": (bad("sign", key_usage="digitalSignature,keyCertSign"),
                                  "keyCertSign", "keyCertSign"),
            "no extended usage": (bad("eku", usages=""), "without extended key usage clientAuth",
                                  "lacks clientAuth"),
            "a server's usage": (bad("server", usages="serverAuth"),
                                 "unsuitable certificate purpose|without extended",
                                 "lacks clientAuth"),
            "expired": (bad("late", days=-1), "has expired", "has expired"),
            "not yet valid": (bad("early", dates=FUTURE), "not yet valid", "not yet valid"),
            "revoked": (cls.revoked, "certificate revoked", "certificate revoked"),
        }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.plant.leader()
        cls.revoked = cls.plant.authority.issue("plant1", "node", "n2", cls.directory / "revoked",
                                                names=uris("plant1/node/n2"))
        cls.sources = 0

    def revoke(self):
        """The list goes behind the root that each node trusts."""
        revocations = self.plant.authority.revoke(self.revoked)
        for node in self.plant:
            if revocations in (node.tls / "ca.crt").read_bytes():
                continue
            before = node.log.read_text().count("event=reloaded")
            with open(node.tls / "ca.crt", "ab") as file:
                file.write(revocations)
            node.process.send_signal(signal.SIGHUP)
            wait_for("reloaded",
                     lambda n=node, b=before: n.log.read_text().count("event=reloaded") > b)

    @staticmethod
    def context(home):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(home / "tls.crt", home / "tls.key")
        return context

    def source(self):
        """An address of loopback that nobody called from before: reasons are told per address."""
        type(self).sources += 1
        return (f"127.250.{self.sources >> 8}.{self.sources & 255}", 0)

    def enters(self, door, home):
        """Is it admitted? A door of the link then says its hello."""
        address = self.node.client if door == "client" else self.node.peer
        host, port = address.rsplit(":", 1)
        context = self.context(home)
        context.set_alpn_protocols([wire.ALPN])
        plain = socket.create_connection((host, int(port)), WAIT_S, self.source())
        try:
            with context.wrap_socket(plain) as s:
                s.settimeout(WAIT_S)
                s.sendall(DOORS[door])
                return len(s.recv(4096)) > 0
        except TimeoutError:
            self.fail(f"{door}: neither admitted nor refused")
        except OSError:
            return False

    def asks(self, home):
        """The status and reason that the HTTP door answers."""
        host, port = self.node.http.rsplit(":", 1)
        connection = http.client.HTTPSConnection(
            host, int(port), timeout=WAIT_S, context=self.context(home),
            source_address=self.source())
        try:
            connection.request("GET", "/v1/records")
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except ssl.SSLError:
            return None
        finally:
            connection.close()

    def count(self, name):
        return self.node.status()["gauges"][name]

    def said_since(self, place):
        return self.node.log.read_bytes()[place:].decode(errors="replace")

    def refuses(self, name, door, counter, enter, reason):
        """Refused and counted; and told? The log bounds its lines of one kind in a second."""
        before, place = self.count(counter), self.node.log.stat().st_size
        self.assertFalse(enter(), f"{name} got in at the {door} door")
        wait_for(f"{door}: {name} is counted", lambda: self.count(counter) > before)
        self.assertEqual(before + 1, self.count(counter), f"{door}: {name}")
        return re.search(reason, self.said_since(place))

    def assert_refused(self, name, door, *how):
        wait_for(f"{door}: {name}: {how[-1]}", lambda: self.refuses(name, door, *how), every=0.25)

    def test_1_those_who_call(self):
        # The counter-check, before and with those who are refused: the same ways are open.
        for door in DOORS:
            self.assertTrue(self.enters(door, self.revoked), f"not yet revoked: {door}")
        self.assertEqual(200, self.asks(self.revoked))
        self.revoke()
        for name, (home, reason, http_reason) in self.rows().items():
            for door in DOORS:
                counter = "client_refused_total" if door == "client" else "peer_refused_total"
                # The bulk link comes in at the peer door, which has told the reason just before.
                self.assert_refused(name, door, counter, lambda d=door: self.enters(d, home),
                                    reason if door != "bulk" else "(?s).*")
            self.assert_refused(name, "http", "http_refused_identity_total",
                                lambda: self.asks(home) not in (None, 401), http_reason)
        self.assert_refused("a person", "peer", "peer_refused_total",
                            lambda: self.enters("peer", self.plant.identity), "not a node of")
        good = self.plant["n2"].tls
        self.assertTrue(all(self.enters(door, good) for door in DOORS))
        self.assertEqual(200, self.asks(self.plant.identity))

    def test_2_a_node_that_speaks_for_another(self):
        status = self.node.status()
        of = {m["name"]: m["id"] for m in status["members"]}
        context = self.context(self.plant["n2"].tls)
        context.set_alpn_protocols([wire.ALPN])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.plant["n2"].tls / "ca.crt")
        place = self.node.log.stat().st_size
        victim = next(name for name in of if name not in ("n2", self.node.name))
        with wire.Client(self.node.peer, context) as client:
            client.send(wire.PING, wire.encode_ping(status["cluster"], of[victim]), 0)
            with self.assertRaises(OSError):
                client.receive(cluster.plant.time.monotonic() + WAIT_S)
        self.assertIn("peer_identity_mismatch", self.said_since(place))

    def impostor(self, home):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home / "tls.crt", home / "tls.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(home / "ca.crt")
        context.set_alpn_protocols([wire.ALPN])
        return context

    def hears(self, listener, home):
        """Whoever calls a member at its address: does it go on behind its hello, which is all that
        it says before it knows who answers there?"""
        plain, _ = listener.accept()
        plain.settimeout(WAIT_S)
        try:
            with self.impostor(home).wrap_socket(plain, server_side=True) as s:
                s.sendall(HELLO)
                heard = b""
                while len(heard) <= len(HELLO):  # More: at the latest its next heartbeat.
                    data = s.recv(4096)
                    if not data:
                        return False
                    heard += data
                return True
        except TimeoutError:
            self.fail("neither taken nor refused")
        except OSError:  # An alert is one.
            return False

    def test_3_those_who_are_called(self):
        """An impostor answers at the address of a member that is down."""
        victim = self.plant.followers()[0]
        self.node = next(n for n in self.plant.followers() if n is not victim)
        leader = self.plant.leader()
        self.revoke()
        rows = {name: home for name, (home, _, _) in self.rows(victim.name).items()
                if name != "a server's usage"}
        rows["another member's"] = leader.tls
        rows["a person's"] = self.plant.identity
        rows["a client's usage"] = self.plant.authority.issue(
            "plant1", "node", victim.name, self.directory / "client-only", usages="clientAuth")
        victim.stop()
        before = {n.name: n.status()["gauges"]["peer_refused_total"] for n in self.plant.alive()}
        host, port = victim.peer.rsplit(":", 1)
        with socket.create_server((host, int(port))) as listener:
            listener.settimeout(WAIT_S)
            for name, home in rows.items():
                self.assertFalse(self.hears(listener, home), f"{name} was taken for a member")
            self.assertTrue(self.hears(listener, victim.tls), "and the member itself is not")
        grown = sum(n.status()["gauges"]["peer_refused_total"] - before[n.name]
                    for n in self.plant.alive())
        self.assertGreaterEqual(grown, len(rows), json.dumps(before))
        victim.start()
        self.plant.wait_for_voters()


if __name__ == "__main__":
    cluster.main()
