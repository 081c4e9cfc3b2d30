"""tests/lib/flood.py: strangers and the refused, by the thousands, from a process of their own.

    flood.py handshakes ADDRESS IDENTITY [--count N] [--rate R]   TLS with a certificate of nobody
    flood.py denials ADDRESS IDENTITY [--count N] [--rate R]      commits that the policy refuses

Goes on until COUNT, or until it gets SIGTERM; then says on stdout how many there were."""

import argparse
import itertools
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import wire  # noqa: E402

AT_ONCE = 32  # commits under way on the one connection
WAIT_S = 120


class Pace:
    """At most `rate` a second; 0: as many as there can be."""

    def __init__(self, rate):
        self.rate, self.begun, self.done = rate, time.monotonic(), 0

    def step(self, count=1):
        self.done += count
        ahead = self.done / self.rate - (time.monotonic() - self.begun) if self.rate else 0
        if ahead > 0:
            time.sleep(ahead)


class Ended(Exception):
    pass


def end(_signal, _frame):
    raise Ended


def handshakes(address, identity, count, pace):
    host, port = address.rsplit(":", 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([wire.ALPN])
    context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
    for _ in range(count) if count else itertools.count():
        try:
            with socket.create_connection((host, int(port)), timeout=WAIT_S) as plain:
                with context.wrap_socket(plain) as s:
                    if s.recv(4096):
                        raise RuntimeError("a stranger was admitted")
        except OSError:  # An alert, a reset.
            pass
        pace.step()


def denials(address, identity, count, pace):
    context = wire.tls_context(identity / "tls.crt", identity / "tls.key", identity / "ca.crt")
    marker = os.urandom(16)
    body = wire.encode_commit([{"kind": "test.flood", "asset": "flood/1"}], marker)
    with wire.Client(address, context, WAIT_S) as client:
        left = count or sys.maxsize
        while left:
            numbers = {client.send(wire.COMMIT, body.replace(marker, os.urandom(16)))
                       for _ in range(min(AT_ONCE, left))}
            size = len(numbers)
            while numbers:
                kind, number, answer = client.receive(time.monotonic() + WAIT_S)
                refusal = wire.decode_error(answer) if kind == wire.ERROR else None
                if refusal is None or refusal.outcome != "refused":
                    raise RuntimeError(f"not refused: kind {kind}, {refusal}")
                numbers.discard(number)
            left -= size
            pace.step(size)


class Flood:
    """One of them, in a process of its own, as long as the block lasts or until its count."""

    def __init__(self, kind, address, identity, count=0, rate=0):
        self.command = [sys.executable, "-B", __file__, kind, address, str(identity), "--count",
                        str(count), "--rate", str(rate)]
        self.process, self.done = None, None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        return self

    def wait(self):
        """Until its count is reached; how many there were."""
        output, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise RuntimeError(f"flood: exit {self.process.returncode}")
        self.done = int(output)
        return self.done

    def __exit__(self, kind, *_):
        if self.done is None:
            self.process.send_signal(signal.SIGTERM)
            if kind is None:
                self.wait()
            else:
                self.process.communicate()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("handshakes", "denials"))
    parser.add_argument("address")
    parser.add_argument("identity", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    args = parser.parse_args()
    pace = Pace(args.rate)
    signal.signal(signal.SIGTERM, end)
    try:
        {"handshakes": handshakes, "denials": denials}[args.kind](
            args.address, args.identity, args.count, pace)
    except Ended:
        pass
    print(pace.done)


if __name__ == "__main__":
    main()
