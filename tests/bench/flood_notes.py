"""tests/bench/flood_notes.py: what a flood of notes that do not count costs those whose notes do.

A governed plant of one node. `weft bench read` and `weft bench write` ask in somebody's name, first
alone, then while connections of another certificate send requests with forged tokens as fast as the
node takes them. Prints the latencies of both.

    python3 tests/bench/flood_notes.py --bin build/bin --work /tmp/flood --seconds 5"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "lib"))
import plant  # noqa: E402
import wire  # noqa: E402

AUTHORIZED = 94


def forged(note):
    """The signature's last bytes are another's: it takes its time to be refused."""
    at = len(note) - 12
    return note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1:]


class Flood(threading.Thread):
    def __init__(self, site, identity, note):
        super().__init__(daemon=True)
        self.node = next(iter(site))
        self.context = wire.tls_context(identity / "tls.crt", identity / "tls.key",
                                        identity / "ca.crt")
        question = wire.encode_table("Query", {"Asset": "box:1"}, {"QueryType": 1})
        body = wire.encode_table("AuthorizedRequest", {"Note": note},
                                 {"RequestKind": wire.QUERY}, {"Request": question})
        self.frame = wire.ENVELOPE.pack(len(body) + 16, AUTHORIZED, 1, 1) + body
        self.is_over, self.sent = False, 0

    def run(self):
        while not self.is_over:
            try:
                with wire.Client(self.node.client, self.context, 30) as client:
                    client.socket.settimeout(0.2)
                    while not self.is_over:
                        self.burst(client)
            except OSError:
                continue

    def burst(self, client):
        """64 at once, and whatever was answered is thrown away."""
        try:
            client.socket.sendall(self.frame * 64)
            self.sent += 64
            client.socket.recv(1 << 20)
        except TimeoutError:
            client.socket.settimeout(0.2)


def bench(site, what, token, seconds, identity):
    done = site.weft("bench", what, "--clients", "4", "--seconds", str(seconds), "--token",
                     str(token), "-o", "json", identity=identity, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=4)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    weft, org = str(args.bin.resolve() / "weft"), (args.work / "org").resolve()
    subprocess.run([weft, "pki", "org", "--org", "oem.example", "--site", "plant1", "--admin",
                    "ann", "--clear", "--out", str(org)], check=True, capture_output=True)
    site = plant.Plant(args.work, args.bin, ("n1",), {"policy": {
        "org": org / "org.note", "file": org / "policy.note", "keys": org / "keys"}})
    key = str(org / "admins/ann.key")
    token = args.work.resolve() / "token"
    with open(token, "w", encoding="ascii") as file:
        subprocess.run([weft, "token", "--key", key, "-o", "table"], check=True, stdout=file)
    note = subprocess.run([weft, "token", "--key", key, "--note"], check=True, text=True,
                          capture_output=True).stdout
    honest = site.authority.issue("plant1", "svc", "honest", args.work / "honest")
    stranger = site.authority.issue("plant1", "svc", "flood", args.work / "flood")
    try:
        site.start()
        site.weft("put", "-", "--as-key", key, text='{"kind": "a", "asset": "box:1"}\n', check=True)
        for what in ("write", "read"):
            alone = bench(site, what, token, args.seconds, honest)
            floods = [Flood(site, stranger, forged(note)) for _ in range(args.connections)]
            for flood in floods:
                flood.start()
            under = bench(site, what, token, args.seconds, honest)
            for flood in floods:
                flood.is_over = True
            for flood in floods:
                flood.join()
            print(what, "alone", json.dumps(alone))
            print(what, "flood", json.dumps(under), "sent", sum(f.sent for f in floods))
        gauges = next(iter(site)).status()["gauges"]
        print({name: value for name, value in gauges.items() if name.startswith("notes_")})
    finally:
        site.stop()
    return 0


if __name__ == "__main__":
    os.environ.pop("WEFT_TOKEN", None)
    sys.exit(main())
