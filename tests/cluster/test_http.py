"""tests/cluster/test_http.py: the HTTP door of a running plant.

Every resource and every error against the OpenAPI document that the server serves; event streams
across the death of a leader; metrics by promtool. Hostile clients: test_http_hostile.py. What is
expected of records is read through the native door (wire.py)."""

import hashlib
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import urllib.parse
import uuid

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import web  # noqa: E402
from plant import wait_for  # noqa: E402
from web_case import HttpCase, inspection  # noqa: E402
from writers import Writers  # noqa: E402

MIB = 1024 * 1024
TOKEN = "a-token-of-the-tests-0123456789abcdef"


class Http(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tokens = cls.directory / "tokens"
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        tokens.write_text("# of the tests\n\n"
                          f"spiffe://{cls.plant.org}/{cls.plant.site}/svc/mes sha256:{digest}\n")
        cls.tokens = tokens
        for node in cls.plant:
            node.write_config(http={"tokens": tokens})
            node.process.send_signal(1)

    # --- commits

    def test_a_commit_over_http_is_read_back_from_every_door_of_every_node(self):
        for node in self.plant:
            answer = self.commit([inspection(f"http-{node.name}"),
                                  inspection(f"http-{node.name}", "FAIL", kind="test")], node)
            self.assertEqual(201, answer.status, answer.body)
            self.assertEqual(answer.json["index"], answer.index)
            rev = answer.json["records"][0]["rev"]
            self.assertEqual(f'"rev-{rev}"', answer.headers["etag"])
            for other in self.plant:
                page = self.web(other).get(f"/v1/assets/serial:box/http-{node.name}/records",
                                           headers={"Weft-Min-Index": str(rev)})
                self.assertEqual(rev, page.json["rev"])
                self.assertEqual({self.principal}, {r["author"] for r in page.json["records"]})
                self.assertEqual({r["digest"] for r in answer.json["records"]},
                                 {r["digest"] for r in page.json["records"]})
            with node.connect() as client:
                native = client.query("asset", asset=f"serial:box/http-{node.name}")
            self.assertEqual(rev, native["rev"])

    def test_b_what_went_in_comes_out_number_by_number(self):
        body = ('{"records":[{"kind":"test","asset":"numbers/1","attrs":{"a":0.010,"b":1e3,"c":-0,'
                '"d":9007199254740993,"e":[1,{"f":null}],"g":"\\u00e4\\ud83d\\udd27"}}]}')
        answer = self.web().request("POST", "/v1/commits", body=body.encode(),
                                    headers={"Content-Type": "application/json"})
        self.assertEqual(201, answer.status, answer.body)
        page = self.web().get("/v1/assets/numbers/1/records").body.decode()
        self.assertIn('{"a":0.010,"b":1e3,"c":-0,"d":9007199254740993,"e":[1,{"f":null}]', page)

    def test_a_request_id_makes_a_retry_harmless_on_any_node(self):
        request_id = str(uuid.uuid4())
        first = self.commit([inspection("twice")], self.plant.leader(), request_id)
        again = self.commit([inspection("twice")], self.plant.followers()[0], request_id)
        header = self.web().request("POST", "/v1/commits", body={"records": [inspection("twice")]},
                                    headers={"Idempotency-Key": request_id})
        self.assertEqual((201, 200, 200), (first.status, again.status, header.status))
        self.assertTrue(again.json["repeated"] and header.json["repeated"])
        self.assertEqual(first.json["records"], again.json["records"])
        other = self.commit([inspection("other")], request_id=request_id)
        self.assert_problem(other, 409, "conflict", "/request_id")

    def test_lines_are_one_commit(self):
        lines = "\n".join(json.dumps(inspection(f"line{i}")) for i in range(3)) + "\n\n"
        options = {"headers": {"Content-Type": "application/x-ndjson; charset=UTF-8"}}
        answer = self.web().request("POST", "/v1/commits", body=lines.encode(), **options)
        self.assertEqual(201, answer.status)
        self.assertEqual({answer.json["index"]}, {r["rev"] for r in answer.json["records"]})
        bad = lines + '{"kind":"inspection","asset":" bad"}\n'
        answer = self.web().request("POST", "/v1/commits", body=bad.encode(), **options)
        problem = self.assert_problem(answer, 400, "invalid", "/records/3/asset")
        self.assertIn("line 5", problem["detail"])

    def test_conditions_of_the_header_are_412_and_those_of_the_record_409(self):
        first = self.commit([inspection("cond")])
        rev = first.json["records"][0]["rev"]
        stale = self.web().commit([inspection("cond")], headers={"If-Match": '"rev-1"'})
        problem = self.assert_problem(stale, 412, "conflict")
        self.assertEqual(rev, problem["present_rev"])
        good = self.web(self.plant.followers()[0]).commit(
            [inspection("cond")], headers={"If-Match": first.headers["etag"]})
        self.assertEqual(201, good.status, good.body)
        new = self.web().commit([inspection("cond")], headers={"If-None-Match": "*"})
        self.assert_problem(new, 412, "conflict")
        body = self.web().commit([inspection("cond", expect={"rev": rev})])
        self.assert_problem(body, 409, "conflict", "/records/0/expect/rev")
        for headers in ({"If-Match": "*"}, {"If-Match": 'W/"rev-1"'}, {"If-None-Match": '"rev-1"'},
                        {"If-Match": '"rev-1"', "If-None-Match": "*"}):
            self.assert_problem(self.web().commit([inspection("cond")], headers=headers), 400)
        two = self.web().commit([inspection("cond"), inspection("cond2")],
                                headers={"If-None-Match": "*"})
        self.assert_problem(two, 400, "invalid", "/records/1/asset")

    def test_bad_content_is_refused_with_its_place(self):
        cases = [
            ({"records": [inspection("x")], "extra": 1}, 400, "/extra"),
            ({"records": [{**inspection("x"), "colour": "red"}]}, 400, "/records/0/colour"),
            ({"records": [{"kind": "inspection"}]}, 400, "/records/0/asset"),
            ({"records": [inspection("x"), {"kind": 7, "asset": "a"}]}, 400, "/records/1/kind"),
            ({"records": [{"kind": "UPPER", "asset": "a"}]}, 400, "/records/0/kind"),
            ({"records": [inspection("x", at="yesterday")]}, 400, "/records/0/at"),
            ({"records": [inspection("x", author="me")]}, 400, "/records/0/author"),
            ({"records": [inspection("x", expect={"rev": -1})]}, 400, "/records/0/expect/rev"),
            ({"records": [inspection("x", links=[{"rel": "a"}])]}, 400, "/records/0/links/0/to"),
            ({"records": []}, 400, "/records"),
            ({"records": {}}, 400, "/records"),
            ({"records": [inspection("x")], "request_id": "no"}, 400, "/request_id"),
            ({"records": [inspection(i) for i in range(1025)]}, 413, "/records"),
            ({"records": [inspection("x", attrs={"t": "y" * 70000})]}, 413, "/records/0/attrs/t"),
            ([], 400, ""),
        ]
        before = self.plant.leader().status()["applied_index"]
        for body, status, pointer in cases:
            answer = self.web().request("POST", "/v1/commits", body=body)
            with self.subTest(pointer=pointer, body=str(body)[:80]):
                self.assertEqual(status, answer.status, answer.body)
                self.assertEqual(pointer, answer.json.get("pointer", ""), answer.json)
        for text in (b"", b"{", b"null", b'{"records":[1e999]}', b'\xff\xfe{}',
                     b'{"a":1,"a":2}', b'{"records":[]} x', b"{\x00}"):
            answer = self.web().request("POST", "/v1/commits", body=text,
                                        headers={"Content-Type": "application/json"})
            self.assert_problem(answer, 400)
        answer = self.web().request("POST", "/v1/commits", body=b"[" * 100,
                                    headers={"Content-Type": "application/json"})
        self.assert_problem(answer, 413)
        with self.plant.leader().connect() as client:
            self.assertEqual([], [r for r in client.commits(before + 1)
                                  if r["asset"] == "serial:box/x"])

    def test_content_types_and_encodings_that_are_not_ours_are_415(self):
        for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/xml"},
                        {"Content-Type": "application/x-www-form-urlencoded"},
                        {"Content-Type": "application/json; charset=latin1"},
                        {"Content-Type": "application/json", "Content-Encoding": "gzip"}):
            answer = self.web().request("POST", "/v1/commits", body=b"{}", headers=headers)
            self.assert_problem(answer, 415)

    # --- reading

    def test_an_asset_by_either_spelling_of_its_id(self):
        odd = "serial:box/ä+b%2F c?d#e/story"
        self.assertEqual(201, self.commit([{**inspection(0), "asset": odd}]).status)
        encoded = urllib.parse.quote(odd, safe="")
        self.assertEqual(odd, self.web().get(f"/v1/assets/{encoded}").json["asset"])
        self.assertEqual(1, len(self.web().get(f"/v1/assets/{encoded}/story").json["records"]))
        self.commit([inspection("plain/7")])
        for target in ("serial:box/plain/7", "serial%3Abox%2Fplain%2f7"):
            self.assertEqual("serial:box/plain/7", self.web().get(f"/v1/assets/{target}")
                             .json["asset"])
        self.assert_problem(self.web().get("/v1/assets/serial:box/nothing"), 404, "not-found")
        self.assert_problem(self.web().get("/v1/assets/serial:box/nothing/story"), 404)
        for bad in ("", "%", "%2", "%zz", "%00", "%ff", "a%0ab", "%20x", "x" * 256):
            with self.subTest(bad=bad[:10]):
                self.assert_problem(self.web().get(f"/v1/assets/{bad}"), 400)

    def test_an_asset_that_did_not_change_is_304(self):
        rev = self.commit([inspection("etag")]).json["records"][0]["rev"]
        target = "/v1/assets/serial:box/etag/records"
        etag = self.web().get(target).headers["etag"]
        self.assertEqual(f'"rev-{rev}"', etag)
        for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            answer = self.web().get(target, headers={"If-None-Match": value})
            self.assertEqual((304, b""), (answer.status, answer.body))
        self.commit([inspection("etag")])
        self.assertEqual(200, self.web().get(target, headers={"If-None-Match": etag}).status)
        head = self.web().request("HEAD", target)
        self.assertEqual((200, b""), (head.status, head.body))

    def test_pages_are_followed_by_their_cursors(self):
        self.commit([{"kind": "test.page", "asset": f"page/{i:03}",
                      "attrs": {"n": i, "v": "x" if i % 2 else "y"}} for i in range(60)])
        got, cursor = [], ""
        while True:
            page = self.web(self.plant.followers()[0]).get(
                f"/v1/records?kind=test.page&limit=7&cursor={cursor}").json
            got += [r["asset"] for r in page["records"]]
            cursor = page.get("cursor")
            if not cursor:
                break
            self.assertEqual(7, len(page["records"]))
        self.assertEqual([f"page/{i:03}" for i in range(60)], got)
        answer = self.web().get("/v1/records?kind=test.page&where=n+%3E%3D+58&limit=1000")
        self.assertEqual(["page/058", "page/059"], [r["asset"] for r in answer.json["records"]])
        answer = self.web().get("/v1/records?kind=test.page&where=v%3Dx&asset=page/00*")
        self.assertEqual(5, len(answer.json["records"]))
        self.assertEqual(25, len(self.web().get("/v1/records?kind=test.page").json["records"]))

    def test_both_times(self):
        first = self.commit([inspection("times", at="2020-01-01T00:00:00Z")])
        second = self.commit([inspection("times", "FAIL", at="2021-01-01T00:00:00Z")])
        target = "/v1/assets/serial:box/times/records"
        as_of = self.web().get(f"{target}?as_of={first.index}").json
        self.assertEqual(["PASS"], [r["attrs"]["verdict"] for r in as_of["records"]])
        at = self.web().get(f"{target}?at=2020-06-01T00:00:00Z").json
        self.assertEqual(["PASS"], [r["attrs"]["verdict"] for r in at["records"]])
        now = self.web().get(f"{target}?as_of={second.index}").json
        self.assertEqual(["FAIL"], [r["attrs"]["verdict"] for r in now["records"]])

    def test_parameters_and_headers_are_taken_strictly(self):
        for target in ("/v1/records?limit=0", "/v1/records?limit=1001", "/v1/records?limit=x",
                       "/v1/records?limit=1&limit=2", "/v1/records?colour=red",
                       "/v1/records?cursor=zz", "/v1/records?cursor=ff", "/v1/records?where=x",
                       "/v1/records?at=now", "/v1/records?as_of=0", "/v1/records?kind=%ff",
                       "/v1/records?as_of=99999999999999999999", "/v1/status?x=1",
                       "/v1/commits?from=0", "/v1/assets/a/story?inside=maybe", "/healthz?x"):
            with self.subTest(target=target):
                self.assert_problem(self.web().get(target), 400)
        for headers in ({"Weft-Consistency": "eventual"}, {"Weft-Min-Index": "x"},
                        {"Weft-Min-Index": "-1"}):
            self.assert_problem(self.web().get("/v1/records", headers=headers), 400)
        self.assert_problem(self.web().get("/v1/records?x=" + "y" * 9000, check=False), 414)

    def test_consistency(self):
        for _ in range(10):
            index = self.commit([inspection("lin")]).index
            for node in self.plant:
                page = self.web(node).get("/v1/assets/serial:box/lin")
                self.assertEqual(index, page.json["rev"])
                page = self.web(node).get("/v1/assets/serial:box/lin", headers={
                    "Weft-Consistency": "stale", "Weft-Min-Index": str(index)})
                self.assertGreaterEqual(page.index, index)
        stale = self.web().get("/v1/assets/serial:box/lin", headers={"Weft-Consistency": "stale"})
        self.assertEqual(200, stale.status)
        late = self.web().get("/v1/records", headers={"Weft-Min-Index": str(2**62)})
        self.assert_problem(late, 504, "timed-out")
        self.assertEqual("1", late.headers["retry-after"])

    # --- who

    def test_without_identity_there_is_health_and_nothing_else(self):
        stranger = self.web(context=self.stranger)
        for target in ("/healthz", "/readyz", "/openapi.json"):
            self.assertEqual(200, stranger.get(target).status)
        for target in ("/v1/status", "/metrics", "/v1/records", "/v1/commits", "/v1/assets/a"):
            answer = stranger.get(target)
            self.assert_problem(answer, 401, "peer")
            self.assertIn("Bearer", answer.headers["www-authenticate"])
        self.assert_problem(stranger.commit([inspection("x")]), 401)

    def wait_for_token(self, node, bearer):
        """The node was told by a signal: what it makes of it is in its log, should it not."""
        answers = []

        def is_known():
            answers.append(web.Web(node.http, self.stranger).get("/v1/status", headers=bearer))
            return answers[-1].status == 200
        try:
            wait_for(f"{node.name} knows the token", is_known)
        except TimeoutError as error:
            said = [line for line in node.log.read_text().splitlines() if "event=reload" in line]
            raise TimeoutError(f"{error}; {len(answers)} answers, the last {answers[-1].status} "
                               f"{answers[-1].body[:300]}; its log: {said}") from None

    def test_a_token_is_a_principal(self):
        stranger = self.web(context=self.stranger)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for node in self.plant:
            self.wait_for_token(node, bearer)
        for node in self.plant:
            answer = self.commit([inspection(f"token-{node.name}")], node, headers=bearer)
            self.assertEqual(201, answer.status, answer.body)
            page = self.web().get(f"/v1/assets/serial:box/token-{node.name}/records")
            self.assertEqual([f"spiffe://{self.plant.org}/{self.plant.site}/svc/mes"],
                             [r["author"] for r in page.json["records"]])
        for value in ("Bearer nope", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
            self.assert_problem(stranger.get("/v1/status", headers={"Authorization": value}), 401)
            # A token that is wrong is not made good by a certificate.
            self.assert_problem(self.web().get("/v1/status", headers={"Authorization": value}), 401)

    def test_certificates_that_the_native_door_refuses_are_401(self):
        other = pki.Authority(self.directory / "other-ca", self.plant.org)
        mine = self.plant.authority
        cases = {
            "another root": other.issue(self.plant.site, "op", "eve"),
            "another site": mine.issue("plant2", "op", "eve"),
            "expired": mine.issue(self.plant.site, "op", "late", days=-1),
            "two names": mine.issue(self.plant.site, "op", "two", names=(
                f"URI:spiffe://{self.plant.org}/{self.plant.site}/op/a,"
                f"URI:spiffe://{self.plant.org}/{self.plant.site}/op/b")),
            "no name": mine.issue(self.plant.site, "op", "none", names="DNS:localhost"),
            "server alone": mine.issue(self.plant.site, "op", "server", usages="serverAuth"),
            "another organization": mine.issue(self.plant.site, "op", "x",
                                               uri="spiffe://other.example/plant1/op/x"),
            "a CA": mine.issue(self.plant.site, "op", "ca", is_ca=True),
        }
        for name, home in cases.items():
            context = web.tls(self.plant.identity, with_certificate=False)
            context.load_cert_chain(home / "tls.crt", home / "tls.key")
            with self.subTest(name=name):
                self.assert_problem(self.web(context=context).get("/v1/status"), 401)

    def test_old_tls_is_refused(self):
        context = web.tls(self.plant.identity)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises(ssl.SSLError):
            self.web(context=context).get("/healthz")

    # --- paths and methods

    def test_unknown_paths_and_methods(self):
        for target in ("/", "/v1", "/v1/", "/v2/commits", "/v1/commits/", "/v1/Records",
                       "/v1/assets", "/v1/import/x", "//v1/status", "/%761/status"):
            self.assert_problem(self.web().get(target, check=False), 404, "not-found")
        # What the native door has beside the log's files, but what is about one asset.
        for path in ("cells/box/sum", "recalls", "recalls/1", "partner",
                     "partner/box/sent/checkpoint"):
            self.assert_problem(self.web().get(f"/v1/audit/{path}"), 404, "not-found")
        for path in ("across/", "ask/", "across/serial:box/1?where_value=x", "ask/a?where=x"):
            self.assert_problem(self.web().get(f"/v1/audit/{path}"), 400)
        for method, target, allow in (("DELETE", "/v1/records", "GET, HEAD"),
                                      ("PUT", "/v1/commits", "GET, HEAD, POST"),
                                      ("POST", "/v1/records", "GET, HEAD"),
                                      ("OPTIONS", "/healthz", "GET, HEAD"),
                                      ("GET", "/v1/import/epcis", "POST"),
                                      ("PATCH", "/v1/assets/a", "GET, HEAD")):
            answer = self.web().request(method, target)
            self.assert_problem(answer, 405)
            self.assertEqual(allow, answer.headers["allow"])

    def test_status_speaks_for_each_node(self):
        for node in self.plant:
            status = self.web(node).get("/v1/status").json
            self.assertEqual((self.plant.site, self.plant.org, node.name),
                             (status["site"], status["org"], status["node"]))
            self.assertEqual({"n1", "n2", "n3"}, {m["name"] for m in status["members"]})

    def test_metrics_are_what_promtool_takes(self):
        self.commit([inspection("metrics")])
        self.web().get("/v1/assets/serial:box/metrics")
        text = self.web().get("/metrics").body.decode()
        values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                  for line in text.splitlines() if not line.startswith("#")}
        self.assertEqual(1, values['weft_node_role{role="leader"}'])
        self.assertEqual(1, sum(v for k, v in values.items() if k.startswith("weft_node_role")))
        for name in ("weft_commit_duration_seconds_count", "weft_query_duration_seconds_count",
                     "weft_raft_term", "weft_applied_index", "weft_commits_total",
                     "weft_disk_free_bytes", "weft_raft_log_bytes", "weft_http_connections",
                     'weft_http_requests_total{code="201"}'):
            self.assertGreater(values[name], 0, name)
        for name in ("weft_lag_entries", "weft_queries_waiting", "weft_proposals_in_flight",
                     'weft_errors_total{reason="conflict"}', "weft_checkpoint_index",
                     "weft_commands_open", 'weft_machine_alarms_total{alarm="unknown"}',
                     'weft_machine_alarms_total{alarm="gateway-lost"}'):
            self.assertIn(name, values)
        promtool = shutil.which("promtool")
        if promtool is None:
            self.skipTest("promtool is not here (ops/dev/setup --test installs prometheus)")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                              text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))


class Streams(HttpCase):
    def feed(self, start, glob=None):
        """What a stream must have told: from the native door."""
        with self.plant.leader().connect() as client:
            return [(r["index"], r["asset"]) for r in client.commits(start)
                    if glob is None or r["asset"].startswith(glob)]

    def told(self, stream):
        return [(record["index"], record["asset"]) for _, record in stream.events]

    def test_a_stream_tells_what_is_there_and_what_comes(self):
        first = self.commit([inspection("s1"), inspection("s2")])
        streams = [web.Stream([node.http], self.context, start=first.index) for node in self.plant]
        for stream in streams:
            stream.start()
        for i in range(20):
            self.commit([inspection(f"s{i}")])
        expected = self.feed(first.index)
        for stream in streams:
            wait_for("all is told", lambda s=stream: len(s.events) >= len(expected))
            stream.stop()
            self.assertEqual(expected, self.told(stream))
            self.assertEqual(1, stream.connects)
            ids = [tuple(map(int, i.split("-"))) for i, _ in stream.events]
            self.assertEqual(sorted(set(ids)), ids)
            for _, record in stream.events:
                self.document.validate({"$ref": "#/components/schemas/StoredRecord"}, record)

    def test_a_stream_may_start_now_and_may_leave_out_what_it_does_not_want(self):
        stream = web.Stream([self.plant.leader().http], self.context, glob="wanted/*")
        stream.start()
        stream.connected.wait(10)
        for i in range(5):
            self.commit([{"kind": "test", "asset": f"wanted/{i}"}, {"kind": "test", "asset": "no"}])
        wait_for("five events", lambda: len(stream.events) >= 5)
        stream.stop()
        self.assertEqual([f"wanted/{i}" for i in range(5)],
                         [r["asset"] for _, r in stream.events])

    def test_bad_ids_of_events_are_400(self):
        for headers in ({"Last-Event-ID": "x"}, {"Last-Event-ID": "1"}, {"Last-Event-ID": "1-x"}):
            answer = self.web().get("/v1/commits", headers={
                "Accept": "text/event-stream", **headers})
            self.assert_problem(answer, 400)
        answer = self.web().get("/v1/commits?limit=3", headers={"Accept": "text/event-stream"})
        self.assert_problem(answer, 400)

    def test_no_gap_and_no_duplicate_across_the_death_of_a_leader(self):
        """NOD-405: streams on every node, each of which moves to another node when its own dies, at
        an event in the middle of a commit as well as between two."""
        start = self.commit([inspection("before")]).index
        leader = self.plant.leader()
        names = list(self.plant.nodes)
        streams = []
        for turn in range(12):
            order = names[turn % 3:] + names[:turn % 3]
            streams.append(web.Stream([self.plant[n].http for n in order], self.context,
                                      start=start))
            streams[-1].start()
        for stream in streams:
            self.assertTrue(stream.connected.wait(10))
        with Writers(self.plant, 4, prefix="feed") as writers:
            for number, change in ((20, leader.kill), (40, leader.start), (60, lambda: None)):
                wait_for("commits", lambda n=number: writers.count() >= n, 60)
                change()
        self.plant.wait_for_voters()
        self.assertGreater(writers.check(self, self.plant.leader()), 50)
        last = self.commit([inspection("after")]).index
        expected = self.feed(start)
        self.assertEqual(last, expected[-1][0])
        for stream in streams:
            wait_for("all is told", lambda s=stream: len(s.events) >= len(expected), 60)
            stream.stop()
        moved = 0
        for stream in streams:
            self.assertEqual(expected, self.told(stream), "gap or duplicate")
            moved += stream.connects > 1
        self.assertGreaterEqual(moved, 4, "some streams had to move")

    def test_a_stream_goes_on_in_the_middle_of_a_commit(self):
        answer = self.commit([{"kind": "test", "asset": f"mid/{i}"} for i in range(1000)])
        index = answer.index
        for ordinal in (0, 1, 499, 998, 999):
            stream = web.Stream([self.plant.followers()[0].http], self.context)
            stream.last_id = f"{index}-{ordinal}"
            stream.start()
            follow = self.commit([inspection(f"follow{ordinal}")])
            wait_for("the end", lambda s=stream, f=follow: s.events and
                     s.events[-1][1]["index"] >= f.index)
            stream.stop()
            mine = [r["asset"] for _, r in stream.events if r["index"] == index]
            self.assertEqual([f"mid/{i}" for i in range(ordinal + 1, 1000)], mine)

    def test_two_hundred_streams(self):
        node = self.plant.followers()[0]
        start = self.commit([inspection("crowd")]).index
        streams = [web.Stream([node.http], self.context, start=start) for _ in range(200)]
        for stream in streams:
            stream.start()
        for stream in streams:
            self.assertTrue(stream.connected.wait(30))
        for i in range(30):
            self.commit([inspection(f"crowd{i}")])
        expected = self.feed(start)
        for stream in streams:
            wait_for("all is told", lambda s=stream: len(s.events) >= len(expected), 60)
            self.assertEqual(expected, self.told(stream))
        for stream in streams:
            stream.stop()
        self.commit([inspection("crowd-end")])  # Wakes them, so that they end.
        self.assertEqual(200, self.web(node).get("/readyz").status)

    def test_a_client_that_does_not_read_holds_up_nobody(self):
        node = self.plant.leader()
        s = self.web(node).socket()
        s.sendall(b"GET /v1/commits?from=1 HTTP/1.1\r\nHost: x\r\n"
                  b"Accept: text/event-stream\r\n\r\n")
        text = "x" * 60000
        before = node.rss_bytes()
        for i in range(120):
            answer = self.commit([inspection(f"fat{i}", attrs={"t": text})], node)
            self.assertEqual(201, answer.status)
        self.assertLess(node.rss_bytes() - before, 400 * MIB)
        s.close()


class Import(HttpCase):
    def post(self, document, node=None, name="test.jsonld", status=202):
        answer = self.web(node).request("POST", f"/v1/import/epcis?name={name}", body=document)
        self.assertEqual(status, answer.status, answer.body)
        return answer

    def finished(self, answer, node=None):
        target = answer.headers["location"]
        return wait_for("the import ends", lambda: (lambda job: None if job["running"] else job)(
            self.web(node).get(target).json))

    def events(self, count, prefix):
        return {"@context": [], "type": "EPCISDocument", "schemaVersion": "2.0",
                "creationDate": "2020-01-01T00:00:00Z", "epcisBody": {"eventList": [
                    {"type": "ObjectEvent", "action": "OBSERVE", "eventTimeZoneOffset": "+00:00",
                     "eventTime": f"2020-01-01T00:00:{i % 60:02}.000Z",
                     "epcList": [f"urn:epc:id:sgtin:0614141.107346.{prefix}{i}"]}
                    for i in range(count)]}}

    def test_examples_import_over_http_and_a_second_time_change_nothing(self):
        files = sorted(cluster.data("epcis/examples").rglob("*.jsonld"))
        before = self.plant.leader().status()["applied_index"]
        totals = {"events": 0, "imported": 0, "unchanged": 0, "refused": 0}
        for turn in range(2):
            for number, path in enumerate(files):
                node = list(self.plant)[number % 3]
                job = self.finished(self.post(json.loads(path.read_text("utf-8")), node,
                                              path.name), node)
                self.assertTrue(job["success"], job)
                for key in totals:
                    totals[key] += job[key]
            if turn == 0:
                first = dict(totals)
        self.assertGreaterEqual(first["events"], 56)
        self.assertEqual(0, totals["refused"])
        self.assertEqual(first["imported"], totals["imported"], "the second time nothing is new")
        with self.plant.leader().connect() as client:
            records = [r for r in client.commits(before + 1) if r["kind"].startswith("epcis.")]
        self.assertEqual(first["imported"], len(records))
        self.assertEqual({self.principal}, {r["author"] for r in records})

    def test_what_is_refused_is_named_and_the_others_go_on(self):
        document = self.events(3, "bad")
        document["epcisBody"]["eventList"][1]["eventTime"] = "yesterday"
        job = self.finished(self.post(document))
        self.assertEqual((3, 2, 1, False), (job["events"], job["imported"], job["refused"],
                                            job["success"]))
        self.assertTrue(job["errors"][0]["pointer"].startswith("/epcisBody/eventList/1"), job)
        for text in ({"type": "Nothing"}, [], {}):
            job = self.finished(self.post(text))
            self.assertFalse(job["imported"], job)
        answer = self.web().request("POST", "/v1/import/epcis", body=b"{",
                                    headers={"Content-Type": "application/ld+json"})
        self.assertFalse(self.finished(answer)["success"])

    def test_an_import_goes_on_when_the_leader_dies(self):
        follower, leader = self.plant.followers()[0], self.plant.leader()
        document = self.events(6000, "kill")
        answer = self.post(document, follower)
        wait_for("it has begun", lambda: self.web(follower).get(answer.headers["location"])
                 .json["imported"] > 100)
        leader.kill()
        job = self.finished(answer, follower)
        leader.start()
        self.plant.wait_for_voters()
        self.assertEqual((6000, 0), (job["events"], job["refused"]), job)
        self.assertEqual(6000, job["imported"] + job["unchanged"])
        with self.plant.leader().connect() as client:
            found = [r["asset"] for r in client.commits(1) if r["kind"] == "epcis.object"
                     and any("kill" in to for _, to in r["links"])]
        self.assertEqual((6000, 6000), (len(found), len(set(found))))

    def test_jobs_that_are_not_there(self):
        self.assert_problem(self.web().get("/v1/import/7"), 404, "not-found")
        self.assert_problem(self.web().request(
            "POST", "/v1/import/epcis", body=b" " * (17 * 1024 * 1024),
            headers={"Content-Type": "application/json"}), 413)
        self.assert_problem(self.web().request(
            "POST", "/v1/import/epcis", body=b"<xml/>",
            headers={"Content-Type": "application/xml"}), 415)


class Document(HttpCase):
    plant_nodes = ("n1",)

    def test_the_document_is_openapi_and_names_every_resource(self):
        document = self.document.document
        self.assertTrue(document["openapi"].startswith("3.1"))
        for schema in document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        source = (cluster.ROOT / "node/api/http/target.c").read_text()
        routed = set(re.findall(r'\] = \{"(/[^"]*)"', source))
        self.assertEqual(routed, set(document["paths"]))

    def test_an_address_is_one_node_s(self):
        other = self.plant.add("other")
        self.addCleanup(self.plant.nodes.pop, "other")
        other.http = self.plant["n1"].http
        other.write_config()
        other.launch("--bootstrap", "--ungoverned")
        self.addCleanup(other.process.kill)
        self.assertEqual(1, other.process.wait(60))
        self.assertIn("cannot listen there", other.tail())

    def test_every_path_answers_as_it_says(self):
        for path, operations in self.document.document["paths"].items():
            for method in operations:
                target = path.replace("{id}", "serial:box/doc").replace("{job}", "1")\
                    .replace("{path}", "checkpoint")
                self.commit([inspection("doc")])
                body = {} if method == "post" else None
                self.web().request(method.upper(), target, body=body)
                self.assertTrue(any(s[:2] == (path, method) for s in self.document.seen), path)


if __name__ == "__main__":
    cluster.main()
