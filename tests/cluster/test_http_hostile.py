"""tests/cluster/test_http_hostile.py: clients that the HTTP door must survive.

Bodies without end, lengths that can be read in two ways, one byte a second, clients that go away,
bytes that are no request, and many at once. After each the door serves as before."""

import concurrent.futures
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
from plant import wait_for  # noqa: E402
from web_case import HttpCase, inspection  # noqa: E402

MIB = 1024 * 1024


def gauge(case, name):
    for line in case.web(case.plant["n1"]).get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise KeyError(name)


class Hostile(HttpCase):
    plant_nodes = ("n1",)

    def setUp(self):
        self.node = self.plant["n1"]

    def alive(self):
        self.assertEqual(200, self.web(self.node).get("/readyz").status)
        self.assertTrue(self.node.is_alive())

    def test_a_body_over_the_limit_is_413(self):
        big = b" " * (64 * MIB)
        answer = self.web(self.node).request("POST", "/v1/commits", body=big, headers={
            "Content-Type": "application/json"})
        self.assert_problem(answer, 413, "too-big")
        answer = self.web(self.node).request(
            "POST", "/v1/commits", body=iter([big[:MIB]] * 64), chunked=True,
            headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        self.assert_problem(answer, 413, "too-big")
        self.assertLess(self.node.rss_bytes(), 400 * MIB)
        self.alive()

    def test_a_chunked_body_is_read_whole(self):
        record = json.dumps({"records": [inspection("chunked")]}).encode()
        pieces = iter([record[i:i + 7] for i in range(0, len(record), 7)])
        answer = self.web(self.node).request(
            "POST", "/v1/commits", body=pieces, chunked=True,
            headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        self.assertEqual(201, answer.status, answer.body)

    def head(self, *lines, body=b""):
        return "\r\n".join(("POST /v1/commits HTTP/1.1", "Host: x",
                            "Content-Type: application/json", *lines, "", "")).encode() + body

    def test_lengths_that_can_be_read_in_two_ways_are_refused_and_hung_up_on(self):
        smuggled = b"0\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
        for lines in (("Content-Length: 6", "Transfer-Encoding: chunked"),
                      ("Content-Length: 6", "Content-Length: 5"), ("Content-Length: 0x6",),
                      ("Content-Length: -1",), ("Content-Length: 1e9",), ("Content-Length: ",),
                      ("Content-Length: 99999999999999999999999",), ("Transfer-Encoding: gzip",),
                      ("Transfer-Encoding: chunked", "Transfer-Encoding: identity")):
            got = self.web(self.node).raw(self.head(*lines, body=smuggled))
            with self.subTest(lines=lines):
                self.assertRegex(got[:20], rb"^HTTP/1\.1 (400|413|501)")
                # Nothing of what stands in the content is taken for a request.
                self.assertNotIn(b"HTTP/1.1 2", got)
        self.alive()

    def test_nonsense_is_hung_up_on(self):
        for data in (b"\x16\x03\x01\x02\x00" * 100, b"\r\n" * 5000, b"GET\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
                     b"A" * 100000, b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                     bytes(range(256)) * 40):
            got = self.web(self.node).raw(data, timeout_s=2)
            self.assertNotIn(b"HTTP/1.1 2", got, data[:30])
        self.alive()

    def test_pipelined_requests_are_answered_in_order(self):
        requests = b"".join(b"GET /v1/records?limit=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n
                            for n in (1, 2, 3)) + b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        self.commit([inspection(f"pipe{i}") for i in range(4)], self.node)
        got = self.web(self.node).raw(requests, timeout_s=3)
        self.assertEqual([b"200", b"200", b"200", b"404"],
                         [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]])
        self.assertEqual([1, 2, 3], [part.count(b'"kind"')
                                     for part in got.split(b"HTTP/1.1 ")[1:4]])

    def test_a_connection_is_used_again_and_again(self):
        connection = self.web(self.node).connection()
        took = []
        for _ in range(50):
            began = time.monotonic()
            answer = self.web(self.node).get("/v1/records?limit=1", keep=connection)
            took.append(time.monotonic() - began)
            self.assertEqual(200, answer.status)
        # An answer does not wait for the door's next tick, which is 250 ms away.
        self.assertLess(sorted(took)[25], 0.1, took)
        self.assertEqual(404, self.web(self.node).get("/v1/assets/none", keep=connection).status)
        self.assertEqual(201, self.web(self.node).commit([inspection("keep")], keep=connection)
                         .status)
        connection.close()

    def test_clients_with_one_byte_a_second_are_hung_up_on(self):
        """Slow head, slow body: each has a deadline that no byte moves (NOD-404)."""
        half = self.head("Content-Length: 1000", body=b'{"records":[')
        victims = []
        for data in (b"GET /v1/st", b"GET /v1/status HTTP/1.1\r\nHost: x\r\n", half, b""):
            s = self.web(self.node).socket()
            s.sendall(data) if data else None
            victims.append(s)
        began = time.monotonic()
        gone = {}
        while len(gone) < len(victims) and time.monotonic() - began < 40:
            for i, s in enumerate(victims):
                if i in gone:
                    continue
                try:
                    if i < 3:
                        s.sendall(b"x")
                    s.settimeout(0.01)
                    if s.recv(1000) == b"":
                        gone[i] = time.monotonic() - began
                except TimeoutError:
                    pass
                except OSError:
                    gone[i] = time.monotonic() - began
            time.sleep(0.3)
            self.alive()
        self.assertEqual({0, 1, 2, 3}, set(gone), gone)
        for i, s in enumerate(victims):
            s.close()
            self.assertLess(gone[i], 26 if i == 2 else 14, gone)
        with self.node.connect() as client:
            self.assertEqual([], list(client.pages("find", asset_glob="slow*")))

    def test_clients_that_go_away_leave_nothing_behind(self):
        for _ in range(30):
            s = self.web(self.node).socket()
            s.sendall(b"GET /v1/records HTTP/1.1\r\nHost: x\r\nWeft-Min-Index: 999999999\r\n\r\n")
            s.close()
            s = self.web(self.node).socket()
            s.sendall(self.head("Content-Length: 100000", body=b"{"))
            s.close()
        wait_for("they are forgotten", lambda: gauge(self, "weft_http_connections") <= 2, 20)
        self.alive()

    def test_questions_without_sense_are_refused_and_no_more(self):
        """Any parameters, any values, some of them good: an answer or a reason, never a 500."""
        self.commit([{"kind": "as_built", "asset": f"odd:{i}", "links": [
            {"rel": "consumes", "to": f"odd:{i + 1}"}]} for i in range(20)], self.node)
        names = ["at", "as_of", "limit", "cursor", "depth", "via", "ids", "records", "to", "lot",
                 "machine", "from", "part", "rev", "sections"]
        values = ["", "true", "false", "1", "0", "-1", "1e9", "4294967296", "odd:1", "odd:19",
                  "%00", "%ff", "%0a", "x" * 300, "consumes", "consumes,consumes", ",", "as_built",
                  "2024-03-01T00:00:00Z", "9999-99-99T99:99:99Z", "2200-01-01T00:00:00Z", "00ff",
                  "values", "%F0%9F%94%A9", "*", "%25", "%27%22%3C"]
        paths = ["/v1/trace/forward/odd:19", "/v1/trace/back/odd:0", "/v1/recall",
                 "/v1/assets/odd:1", "/v1/assets/odd:1/records", "/v1/trace/back/", "/v1/trace/x"]
        connection = self.web(self.node).connection()
        seen = {}
        for _ in range(1500):
            chosen = self.random.sample(names, self.random.randint(0, 4))
            query = "&".join(f"{name}={self.random.choice(values)}" for name in chosen)
            target = f"{self.random.choice(paths)}?{query}"
            answer = self.web(self.node).get(target, keep=connection)
            seen[answer.status] = seen.get(answer.status, 0) + 1
            self.assertIn(answer.status, (200, 400, 404), target)
        connection.close()
        self.assertGreater(min(seen.get(status, 0) for status in (200, 400, 404)), 20, seen)
        # A cursor that is not as it was: refused, or of an index at which nothing is known yet.
        page = self.web(self.node).get("/v1/trace/back/odd:0?limit=1").json
        for _ in range(200):
            digits = bytearray.fromhex(page["cursor"])
            digits[self.random.randrange(len(digits))] ^= 1 << self.random.randrange(8)
            answer = self.web(self.node).get(f"/v1/trace/back/odd:0?limit=1&cursor={digits.hex()}")
            self.assertIn(answer.status, (200, 400, 404, 503))
        self.alive()

    def test_clients_that_do_not_wait_for_their_traces_leave_nothing_behind(self):
        for first in range(0, 4000, 1000):
            self.commit([{"kind": "as_built", "asset": f"wide:{first + i}", "links": [
                {"rel": "consumes", "to": "lot:wide"}]} for i in range(1000)], self.node)
        for turn in range(60):
            s = self.web(self.node).socket()
            s.sendall(b"GET /v1/trace/forward/lot:wide?records=true&limit=1000 HTTP/1.1\r\n"
                      b"Host: x\r\n\r\n" * (1 + turn % 3))
            s.close()
        wait_for("they are forgotten", lambda: gauge(self, "weft_http_connections") <= 2, 20)
        answer = self.web(self.node).get("/v1/trace/forward/lot:wide?ids=true&limit=1000").json
        self.assertEqual((1000, 4000), (len(answer["assets"]), answer["answers_total"]))
        self.alive()

    def test_who_hangs_up_before_the_answer_is_not_waited_for(self):
        """NOD-408: the question would wait 5 s for its index; its connection goes at once."""
        request = (b"GET /v1/records HTTP/1.1\r\nHost: x\r\nWeft-Consistency: stale\r\n"
                   b"Weft-Min-Index: 999999999\r\n\r\n")
        before = gauge(self, "weft_http_dropped_gone_total")
        waiting = [self.web(self.node).socket() for _ in range(20)]
        for i, s in enumerate(waiting):
            s.sendall(request * (1 + i % 2))  # Some have sent more, which nobody has read.
        wait_for("they wait", lambda: gauge(self, "weft_http_connections") >= 20, 5)
        self.assertEqual(before, gauge(self, "weft_http_dropped_gone_total"))
        began = time.monotonic()
        for s in waiting:
            s.close()
        wait_for("they are gone", lambda: gauge(self, "weft_http_connections") <= 2, 5)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(before + 20, gauge(self, "weft_http_dropped_gone_total"))
        self.alive()

    def test_a_commit_goes_on_when_its_client_hangs_up(self):
        body = json.dumps({"records": [inspection("gone")]}).encode()
        for _ in range(10):
            s = self.web(self.node).socket()
            s.sendall(self.head(f"Content-Length: {len(body)}", body=body))
            s.close()
        wait_for("it is there", lambda: self.web(self.node).get(
            "/v1/assets/serial:box/gone").status == 200)
        self.alive()

    def test_hundreds_of_connections_and_requests_at_once(self):
        def one(i):
            return self.web(self.node).commit([inspection(f"many{i}")]).status
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            statuses = list(pool.map(one, range(300)))
        self.assertEqual({201}, set(statuses))
        page = self.web(self.node).get("/v1/records?asset=serial:box/many*&limit=1000").json
        self.assertEqual(300, len(page["records"]))


if __name__ == "__main__":
    cluster.main()
