#!/usr/bin/python3
"""The hostile suite: strangers of every kind at one door, honest peers served all the while.

    hostile.py --link direct|nng [--count N] [--only KIND,...] [--seed S] BIN_DIRECTORY

For each kind, N hostile connections to a door process while two processes of honest peers
ping it. After each kind: no honest connection went down and each goes on, a new honest connection
is served, the door counted the strangers as what they are, and its descriptors are back. At the
end the door closes cleanly (a sanitizer's report fails it).
"""
import argparse
import json
import os
import random
import resource
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

HANDSHAKE_MS = 3000  # honest ones, and strangers that are to get further, need milliseconds
HEARTBEAT, QUERY = 1, 66
DOOR_HEARTBEAT_MS = 10000  # link_party's, which its hello tells
# Honest pings, on a machine that others use too: what is judged is the door, and not how long a
# process had to wait for its turn.
LIMIT_MAX_MS = 20000.0
LIMIT_P50_MS = 1500.0
PROGRESS_S = 60


def frame(kind, body=b"", request_id=0, version=1, size=None):
    size = 16 + len(body) if size is None else size
    return struct.pack("<IHHQ", size, kind, version, request_id) + body


class Process:
    """link_party, with a line to talk over."""

    def __init__(self, *args):
        self.p = subprocess.Popen([str(a) for a in args], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.set_blocking(self.p.stderr.fileno(), False)
        self.err = ""
        self.address = self.line().split()[-1] if args[1] == "door" else self.line()

    def line(self):
        ready, _, _ = select.select([self.p.stdout], [], [], PROGRESS_S)
        line = self.p.stdout.readline() if ready else ""
        if not line:
            self.end()
            sys.exit("link_party says nothing; exit %s\n%s" % (self.p.poll(), self.err[-4000:]))
        return line

    def stats(self):
        self.p.stdin.write("stats\n")
        self.p.stdin.flush()
        self.drain()
        return json.loads(self.line())

    def drain(self):
        try:
            self.err += self.p.stderr.read() or ""
        except (OSError, TypeError, ValueError):
            pass

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.p.pid))

    def end(self):
        if self.p.poll() is None:
            try:
                self.p.stdin.write("quit\n")
                self.p.stdin.close()
                self.p.wait(PROGRESS_S)
            except (OSError, subprocess.TimeoutExpired):
                self.p.kill()
                self.p.wait()
        os.set_blocking(self.p.stderr.fileno(), True)
        self.err += self.p.stderr.read() or ""
        return self.p.returncode


class Hostile:
    def __init__(self, directory, port, rng):
        self.directory, self.port, self.rng = directory, port, rng
        self.contexts = {}
        self.hello = self.client_hello()
        self.recorded = self.record()

    # --- tools ---------------------------------------------------------------------------

    def path(self, name):
        return os.path.join(self.directory, name)

    def context(self, cert="n2", alpn=True, version=None):
        key = (cert, alpn, version)
        if key not in self.contexts:
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            c.check_hostname = False
            c.load_verify_locations(self.path("ca.crt"))
            if cert:
                c.load_cert_chain(self.path(cert + ".crt"), self.path(cert + ".key"))
            if alpn:
                c.set_alpn_protocols(["weft/1"])
            if version:
                c.minimum_version = c.maximum_version = version
            self.contexts[key] = c
        return self.contexts[key]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=PROGRESS_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    @staticmethod
    def reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def end(self, s):
        """One of the ways in which a connection ends."""
        how = self.rng.randrange(3)
        try:
            if how == 0:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if how == 1:
            self.reset(s)
        else:
            s.close()

    def tls(self, **kwargs):
        s = self.connect()
        try:
            return self.context(**kwargs).wrap_socket(s)
        except OSError:
            s.close()
            raise

    def client_hello(self):
        i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = self.context().wrap_bio(i, o)
        try:
            t.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return o.read()

    def flights(self, s, cert="n2"):
        """A handshake up to, not including, our second flight: the TLS object and that flight."""
        i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = self.context(cert).wrap_bio(i, o)
        while True:
            try:
                t.do_handshake()
                return t, i, o, o.read()
            except ssl.SSLWantReadError:
                if o.pending:
                    s.sendall(o.read())
                data = s.recv(65536)
                if not data:
                    raise ConnectionError("closed in the handshake")
                i.write(data)

    def record(self):
        """All bytes that an honest client sends in a session of its own."""
        s = self.connect()
        t, i, o, second = self.flights(s)
        t.write(frame(HEARTBEAT) + frame(QUERY, b"x" * 384))
        third = o.read()
        s.sendall(second + third)
        s.recv(65536)
        s.close()
        return self.hello, second + third

    @staticmethod
    def door_hello():
        return frame(HEARTBEAT, request_id=DOOR_HEARTBEAT_MS)

    def is_served(self):
        """A new honest connection is admitted and answered."""
        s = self.tls()
        s.settimeout(PROGRESS_S)
        body = b"y" * 384
        s.sendall(frame(HEARTBEAT) + frame(QUERY, body, 7))
        want, got = self.door_hello() + frame(QUERY, body, 7), b""
        while len(got) < len(want):
            data = s.recv(4096)
            if not data:
                break
            got += data
        s.close()
        return got == want

    def ends_unanswered(self, s):
        """The door ends the connection and never says a message."""
        s.settimeout(PROGRESS_S)
        try:
            return s.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True

    # --- kinds: each makes one hostile connection, True if the door behaved --------------

    def random_bytes(self, n):
        s = self.connect()
        try:
            s.sendall(self.rng.randbytes(1 + n % 700))
            if n % 4 == 0:
                s.settimeout(PROGRESS_S)
                s.recv(4096)
        except OSError:
            pass
        self.end(s)
        return True

    def immediate_reset(self, n):
        s = self.connect()
        if n % 3 == 1:
            s.shutdown(socket.SHUT_WR)
        if n % 2:
            time.sleep(self.rng.random() * 0.0006)
        self.reset(s)
        return True

    def reset_in_hello(self, n):
        """The attack that silences nng's own listeners: reset with an answer under way."""
        s = self.connect()
        cut = len(self.hello) if n % 2 else n // 2 % len(self.hello)
        try:
            s.sendall(self.hello[:cut])
            if n % 3:
                s.shutdown(socket.SHUT_WR)
            time.sleep(self.rng.random() * 0.0008)
        except OSError:
            pass
        self.reset(s)
        return True

    def reset_in_second_flight(self, n):
        s = self.connect()
        try:
            _, _, _, second = self.flights(s)
            s.sendall(second[: n * 7 % (len(second) + 1)])
            if n % 3 == 0:
                s.shutdown(socket.SHUT_WR)
            if n % 2:
                time.sleep(self.rng.random() * 0.0008)
        except OSError:
            pass
        self.reset(s)
        return True

    def refused_certificate(self, cert):
        try:
            s = self.tls(cert=cert)
        except OSError:
            return True
        try:
            s.sendall(frame(HEARTBEAT) + frame(QUERY, b"z" * 100))
        except OSError:
            pass
        ok = self.ends_unanswered(s)
        s.close()
        return ok

    def no_certificate(self, n):
        return self.refused_certificate(None)

    def wrong_ca(self, n):
        return self.refused_certificate("stranger")

    def expired(self, n):
        return self.refused_certificate("expired")

    def other_site(self, n):
        return self.refused_certificate("othersite")

    def bad_leaf(self, n):
        names = ("future", "caleaf", "signer", "noeku", "serveronly", "nouri", "twouris",
                 "noname", "domain")
        return self.refused_certificate(names[n % len(names)])

    def no_alpn(self, n):
        s = self.tls(alpn=False)
        try:
            s.sendall(frame(HEARTBEAT))
        except OSError:
            pass
        ok = self.ends_unanswered(s)
        s.close()
        return ok

    def garbage_in_tls(self, n):
        s = self.tls()
        try:
            if n % 2:
                s.sendall(frame(HEARTBEAT))
            s.sendall(self.rng.randbytes(16 + n % 5000))
        except OSError:
            pass
        s.settimeout(PROGRESS_S)
        try:
            while s.recv(4096):
                pass
        except OSError:
            pass
        s.close()
        return True

    def oversized(self, n):
        s = self.tls()
        sizes = (65537, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)
        try:
            s.sendall(frame(HEARTBEAT) + frame(QUERY, b"w" * (n % 300), size=sizes[n % 4]))
        except OSError:
            pass
        s.settimeout(PROGRESS_S)
        got = b""
        try:
            while data := s.recv(4096):
                got += data
        except OSError:
            pass
        s.close()
        return got in (b"", self.door_hello())

    def truncated(self, n):
        s = self.tls()
        whole = frame(HEARTBEAT) + frame(QUERY, b"v" * 500)
        try:
            s.sendall(whole[: 1 + n % (len(whole) - 1)])
        except OSError:
            pass
        if n % 2:
            self.reset(s)
        else:
            s.close()
        return True

    def replayed(self, n):
        """What was captured, sent again: first flight, then second, or both at once."""
        first, rest = self.recorded
        s = self.connect()
        try:
            if n % 3 == 0:
                s.sendall(first + rest)
            else:
                s.sendall(first)
                s.settimeout(PROGRESS_S)
                s.recv(65536)
                s.sendall(rest)
            while s.recv(65536):
                pass
        except OSError:
            pass
        s.close()
        return True

    def old_tls(self, n):
        """TLS 1.2 and what came before it; in TLS 1.3 there is nothing to renegotiate."""
        if n % 2:
            try:
                self.tls(version=ssl.TLSVersion.TLSv1_2).close()
                return False
            except OSError:
                return True
        s = self.connect()
        version = (0x0300, 0x0301, 0x0302, 0x0303, 0x0002)[n // 2 % 5]
        body = struct.pack(">H", version) + self.rng.randbytes(32) + b"\0\0\x02\0\x2f\x01\0"
        hello = b"\x01" + struct.pack(">I", len(body))[1:] + body
        try:
            s.sendall(b"\x16" + struct.pack(">HH", min(version, 0x301), len(hello)) + hello)
        except OSError:
            pass
        s.settimeout(PROGRESS_S)
        try:
            while s.recv(4096):
                pass
            ok = True
        except socket.timeout:
            ok = False
        except OSError:
            ok = True
        s.close()
        return ok

    def wrong_first_message(self, n):
        s = self.tls()
        try:
            s.sendall(frame(QUERY, b"u" * (n % 100)) if n % 2
                      else frame(HEARTBEAT, version=2 + n % 9))
        except OSError:
            pass
        ok = self.ends_unanswered(s)
        s.close()
        return ok

    # --- kinds that last: many at a time, until the door ends them -----------------------

    def wait_for_end(self, sockets):
        deadline = time.monotonic() + HANDSHAKE_MS / 1000 + PROGRESS_S
        poll = select.poll()
        left = {}
        for s in sockets:
            s.setblocking(False)
            poll.register(s, select.POLLIN)
            left[s.fileno()] = s
        while left and time.monotonic() < deadline:
            for fd, _ in poll.poll(100):
                s = left[fd]
                try:
                    if s.recv(65536):
                        continue
                except BlockingIOError:
                    continue
                except OSError:
                    pass
                poll.unregister(fd)
                del left[fd]
        for s in sockets:
            s.close()
        return not left

    def half_open(self, count):
        """Connected, perhaps with part of a handshake, then nothing more."""
        sockets = []
        for n in range(count):
            s = self.connect()
            sockets.append(s)
            try:
                s.sendall(self.hello[: (0, 1, 5, 100, len(self.hello))[n % 5]])
            except OSError:
                pass
        return self.wait_for_end(sockets)

    def slow_loris(self, count):
        """A byte now and then: alive, and never done."""
        sockets = [self.connect() for _ in range(count)]
        for at in range(int(HANDSHAKE_MS / 100) + 2):
            for s in sockets:
                try:
                    s.send(self.hello[at:at + 1])
                except OSError:
                    pass
            time.sleep(0.1)
        return self.wait_for_end(sockets)


SINGLE = ["random_bytes", "immediate_reset", "reset_in_hello", "reset_in_second_flight",
          "no_certificate", "wrong_ca", "expired", "bad_leaf", "other_site", "no_alpn",
          "garbage_in_tls", "oversized", "truncated", "replayed", "old_tls",
          "wrong_first_message"]
LASTING = ["half_open", "slow_loris"]
# The counter that must move once per connection; None: several may, by how far it came.
COUNTERS = {"no_certificate": "refused_tls", "wrong_ca": "refused_tls", "expired": "refused_tls",
            "bad_leaf": "refused_tls", "no_alpn": "refused_tls", "other_site": "refused_identity",
            "oversized": "dropped_oversized", "random_bytes": "refused_tls",
            "immediate_reset": "refused_tls", "reset_in_hello": "refused_tls",
            "old_tls": "refused_tls", "replayed": "refused_tls",
            "wrong_first_message": "dropped_malformed"}


class Suite:
    def __init__(self, args):
        self.args = args
        self.rng = random.Random(args.seed)
        self.directory = tempfile.mkdtemp(prefix="weft-hostile-")
        self.failures = []
        party = os.path.join(args.bin, "link_party")
        subprocess.run([os.path.join(args.bin, "link_certs"), self.directory], check=True)
        self.door = Process(party, "door", args.link, self.directory, "n1", HANDSHAKE_MS)
        self.honest = [Process(party, "calls", args.link, self.directory, cert,
                               self.door.address, 4) for cert in ("n2", "n3")]
        self.hostile = Hostile(self.directory, int(self.door.address.rsplit(":")[-1]), self.rng)
        self.wait_up()
        self.descriptors = self.settled()

    def fail(self, text):
        self.failures.append(text)
        print("  FAILED: " + text, flush=True)

    def wait_up(self):
        deadline = time.monotonic() + PROGRESS_S
        while any(h.stats()["up"] != 4 for h in self.honest):
            if time.monotonic() > deadline:
                sys.exit("the honest peers do not come up")
            time.sleep(0.1)

    def settled(self):
        """Descriptors of the door once no stranger is left."""
        deadline, last = time.monotonic() + PROGRESS_S, self.door.descriptors()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = self.door.descriptors()
            if now == last and (not hasattr(self, "descriptors") or now <= self.descriptors):
                return now
            last = now
        return last

    @staticmethod
    def progress(honest):
        """What an honest process says once it has had more answers than before the kind."""
        deadline = time.monotonic() + PROGRESS_S
        while True:
            now = honest.stats()
            if now["pings"] > honest.before["pings"] and now["max"] >= 0:
                return now
            if time.monotonic() > deadline:
                return now
            time.sleep(0.02)

    def run_kind(self, kind):
        before = self.door.stats()
        for h in self.honest:
            h.before = h.stats()
        start, good, count = time.monotonic(), 0, self.args.count
        if kind in LASTING:
            done = 0
            while done < count:
                batch = min(200, count - done)
                good += batch if getattr(self.hostile, kind)(batch) else 0
                done += batch
        else:
            attack = getattr(self.hostile, kind)
            for n in range(count):
                good += bool(attack(n))
        seconds = time.monotonic() - start
        self.judge(kind, before, good, count, seconds)

    def judge(self, kind, before, good, count, seconds):
        if good != count:
            self.fail("%s: the door behaved with %d of %d" % (kind, good, count))
        if not self.hostile.is_served():
            self.fail("%s: a new honest connection was not served" % kind)
        honest = [self.progress(h) for h in self.honest]
        for h in honest:
            if h["downs"] or h["wrong"] or h["up"] != 4:
                self.fail("%s: honest peers suffered: %s" % (kind, h))
            if h["max"] < 0 or h["max"] > LIMIT_MAX_MS or h["p50"] > LIMIT_P50_MS:
                self.fail("%s: honest peers waited: p50 %.1f, max %.1f ms" % (
                    kind, h["p50"], h["max"]))
        descriptors = self.settled()
        if descriptors > self.descriptors + 2:
            self.fail("%s: %d descriptors, %d before" % (kind, descriptors, self.descriptors))
        after = self.door.stats()
        moved = {k: after[k] - before[k] for k in after
                 if isinstance(after[k], int) and after[k] != before[k] and k != "pings"}
        counter = COUNTERS.get(kind)
        # A connection reset before it was accepted is not seen by anybody.
        slack = count // 10 if "reset" in kind or kind == "random_bytes" else 0
        # A slow door meets quick strangers with its cap: the oldest gives way.
        seen = moved.get(counter, 0) + moved.get("refused_limit", 0)
        if counter and not count - slack <= seen <= count:
            self.fail("%s: %s moved by %s, not %d" % (kind, counter, seen, count))
        if after["listener_reopened"]:
            self.fail("%s: the listener had to be opened again" % kind)
        print("%-8s %-24s %5d in %6.1f s | honest p50 %6.2f p99 %7.2f max %7.1f ms | %s" % (
            self.args.link, kind, count, seconds, max(h["p50"] for h in honest),
            max(h["p99"] for h in honest), max(h["max"] for h in honest),
            " ".join("%s+%d" % m for m in sorted(moved.items())
                     if m[0].startswith(("refused_", "dropped_")))), flush=True)

    def finish(self):
        lines = 0
        for p in self.honest + [self.door]:
            code = p.end()
            if code != 0 or "ERROR" in p.err or "runtime error" in p.err:
                self.fail("link_party ended with %s:\n%s" % (code, p.err[-6000:]))
            lines += p.err.count("\n")
        print("%-8s the door and its peers closed cleanly; %d event lines in all" % (
            self.args.link, lines), flush=True)
        shutil.rmtree(self.directory)
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin")
    parser.add_argument("--link", choices=["direct", "nng"], required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--only")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    suite = Suite(args)
    for kind in SINGLE + LASTING:
        if not args.only or kind in args.only.split(","):
            suite.run_kind(kind)
    sys.exit(suite.finish())


if __name__ == "__main__":
    main()
