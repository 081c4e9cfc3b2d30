"""tests/cluster/test_witness.py: a node cosigns a log as C2SP tlog-witness has it, whatever one
asks and whatever dies; the log is followed; a node whose data is an old copy signs nothing."""

import base64
import hashlib
import http.client
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import pki  # noqa: E402
import plant  # noqa: E402
from plant import wait_for  # noqa: E402
from test_audit import AuditCase  # noqa: E402
from writers import Writers  # noqa: E402

COSIGNATURE = b"\x04"


def witness_key(home, name):
    """witness.key beside a node's certificate; its vkey."""
    path = pathlib.Path(home) / "witness.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", str(path)], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    path.chmod(0o600)
    public = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"],
                            check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout
    typed = COSIGNATURE + public[-32:]
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4].hex()
    return f"{name}+{key_id}+{base64.b64encode(typed).decode()}"


class Witness(AuditCase):
    def setUp(self):
        super().setUp()
        self.node = self.plant["n1"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        node = cls.plant["n1"]
        cls.origin = f"{cls.plant.org}/{cls.plant.site}/audit"
        cls.name = f"{cls.plant.org}/{cls.plant.site}/wit/n1"
        cls.vkey = witness_key(node.tls, cls.name)
        shutil.copy(cls.keys, pathlib.Path(node.tls) / "witness.logs")
        node.stop()
        node.start()

    def post(self, body, node=None):
        host, port = (node or self.node).http.rsplit(":", 1)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # What it signs is what is believed.
        connection = http.client.HTTPSConnection(host, int(port), timeout=60, context=context)
        connection.request("POST", "/add-checkpoint", body=body.encode())
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, content, answer.headers.get("Content-Type")

    def write(self, prefix, count=20):
        with Writers(self.plant, 2, prefix=prefix) as writers:
            wait_for("commits", lambda: writers.count() > count)
        return self.settled()

    def request(self, old):
        return self.plant.weft("audit", "witness", "--old", str(old), check=True).stdout

    def cosigned(self, body=None):
        """What the witness has cosigned last: an old size that it cannot have is told so."""
        body = body or self.request(0)
        status, content, kind = self.post(body)
        if status == 200:
            status, content, kind = self.post(body)
        self.assertEqual((409, "text/x.tlog.size"), (status, kind))
        return int(content)

    def forge(self, size, root):
        """A checkpoint that a key of the log has signed."""
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        vkey = self.keys.read_text().splitlines()[0]
        with tempfile.NamedTemporaryFile(dir=self.directory) as file:
            file.write(text.encode())
            file.flush()
            signature = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey",
                 str(pathlib.Path(self.plant["n1"].tls) / "log.key"), "-in", file.name],
                check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout
        line = bytes.fromhex(vkey.split("+")[1]) + signature
        return f"{text}\n— {self.origin} {base64.b64encode(line).decode()}\n"

    def test_a_log_is_cosigned_as_it_grows_and_the_record_outlives_the_node(self):
        self.write("grow")
        old = self.cosigned()
        size, _ = self.write("more")
        self.assertGreater(size, old)
        body = self.request(old)
        status, lines, _ = self.post(body)
        self.assertEqual(200, status, lines)
        self.assertTrue(lines.startswith(f"— {self.name} "), lines)
        self.node.kill()
        self.node.launch()
        self.plant.wait_for_voters()
        self.assertEqual(size, self.cosigned(body))
        self.assertEqual(409, self.post(body)[0])
        request, answer = self.directory / "request", self.directory / "answer"
        request.write_text(body)
        answer.write_text(lines)
        policy = self.directory / "policy"
        logs = "".join(f"log {key}\n" for key in self.keys.read_text().splitlines()[:1])
        policy.write_text(f"{logs}witness w1 {self.vkey}\nquorum w1\n")
        join = ("audit", "witness", str(request), str(answer), "--policy", str(policy))
        done = self.plant.weft(*join)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(lines, done.stdout)
        other = witness_key(self.directory, self.name)
        policy.write_text(f"{logs}witness w1 {other}\nquorum w1\n")
        self.assertEqual(1, self.plant.weft(*join).returncode)

    def test_what_is_wrong_is_answered_as_the_standard_has_it(self):
        self.write("wrong")
        old = self.cosigned()
        size, _ = self.write("wrong2")
        good = self.request(old)
        self.assertEqual(400, self.post("no request")[0])
        self.assertEqual(404, self.post(good.replace(self.origin, "other.example/audit"))[0])
        self.assertEqual(403, self.post(good.replace(f"\n{size}\n", f"\n{size + 1}\n"))[0])
        self.assertEqual(409, self.post(self.request(old - 1))[0])
        proof = good.split("\n")[1]
        self.assertEqual(422, self.post(good.replace(proof, base64.b64encode(b"x" * 32)
                                                     .decode()))[0])
        self.assertEqual(400, self.post(f"old {size + 9}\n" + good.split("\n", 1)[1])[0])
        status, content, _ = self.post(good, self.plant["n2"])
        self.assertEqual(404, status)
        self.assertIn("no witness", content)
        self.assertEqual(200, self.post(good)[0])
        # Two trees of one size, signed by the log: both are kept.
        self.assertEqual(422, self.post(f"old {size}\n\n" + self.forge(size, b"y" * 32))[0])
        kept = sorted((self.node.data / "audit/witness").glob("split-*"))
        self.assertEqual(["first", "second"], [path.suffix[1:] for path in kept])
        self.assertIn(good.split("\n\n", 1)[1].split("\n")[2], kept[0].read_text())
        self.assertIn(base64.b64encode(b"y" * 32).decode(), kept[1].read_text())
        self.assertIn("witness_split", self.node.log.read_text())

    def tail(self, *arguments):
        return self.plant.weft("audit", "tail", "--once", "--keys", str(self.keys), *arguments)

    def test_the_log_is_followed_from_where_one_was(self):
        size, _ = self.write("tail")
        state = self.directory / "tail"
        done = self.tail("--state", str(state))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(size, done.stdout.count("weft-audit/v1\n"))
        self.assertEqual("", self.tail("--state", str(state)).stdout)
        more, _ = self.write("tail2")
        done = self.tail("--state", str(state))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(more - size, done.stdout.count("weft-audit/v1\n"))
        self.assertIn(f"\nn {size}\n", done.stdout)
        state.write_text(self.forge(size, b"z" * 32))  # Somebody rewrote what it has seen.
        done = self.tail("--state", str(state))
        self.assertEqual(1, done.returncode, done.stderr)

    def test_each_start_has_a_leaf(self):
        size, _ = self.write("start")
        starts = [leaf for leaf in self.leaves(size) if "act start" in leaf.splitlines()]
        self.assertGreaterEqual(len(starts), 3)
        self.assertTrue(all("subject weftd " in leaf for leaf in starts))

    def test_a_node_from_an_old_copy_signs_nothing(self):
        node = self.plant.followers()[0]
        self.write("copy")
        node.stop()
        old, new = self.directory / "old", self.directory / "new"
        shutil.copytree(node.data, old)
        node.start()
        self.write("after")
        node.stop()
        shutil.move(node.data, new)
        shutil.copytree(old, node.data)
        (node.data / "audit/signed").unlink()  # Not even this is left of what it signed.
        node.launch()
        # It has lost what it acknowledged: the leader takes nothing from it, and it gets nothing.
        wait_for("the leader says so", lambda: "has lost entries that it acknowledged" in
                 self.plant.leader().log.read_text())
        door = f"tls+tcp://{self.plant.leader().client}"
        self.plant.weft("put", "-", text='{"kind": "test", "asset": "without:1"}\n', check=True,
                        endpoints=door)
        log = self.directory / "without"

        def signed():
            size = self.plant.weft_json("audit", "head", endpoints=door)["size"]
            note = self.plant.weft("audit", "prove", "0", endpoints=door).stdout.split("\n")
            return str(size) in note
        wait_for("a checkpoint of the others", signed, every=0.3)
        self.plant.weft("audit", "export", str(log), check=True, endpoints=door)
        self.assertEqual(0, self.verify(log, "--threshold", "2").returncode)
        self.assertNotEqual(0, self.verify(log, "--threshold", "3").returncode)
        node.stop()
        shutil.rmtree(node.data)
        shutil.move(new, node.data)
        node.start()
        self.write("again")


class TwoOrganizations(cluster.PlantCase):
    """Partners cosign each other's logs, as the runbooks have it."""
    plant_nodes = None
    sites = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster.need("weftd")
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not here")
        cls.directory = cls.directory.resolve()
        try:
            cls.sites = [plant.Plant(cls.directory / org, cluster.options.bin, ("n1",),
                                     {"timers": dict(cluster.PATIENT)}, org, site)
                         for org, site in (("oem.example", "plant1"), ("supplier.example", "west"))]
            for site in cls.sites:
                tls = site["n1"].tls
                site.log_key = pki.log_key(tls, f"{site.org}/{site.site}/audit")
                site.witness = witness_key(tls, f"{site.org}/{site.site}/wit/n1")
            for site, other in (cls.sites, cls.sites[::-1]):
                (pathlib.Path(site["n1"].tls) / "witness.logs").write_text(f"{other.log_key}\n")
                site.start()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for site in cls.sites:
            site.stop()
            if cls._failed:
                print(site.tails(30), file=sys.stderr)
        super().tearDownClass()

    def carry(self, request, witness, code="200"):
        """As in ops/runbooks/auditor.md, by whoever has the witness's root."""
        answer = request.with_suffix(".answer")
        done = subprocess.run(
            ["curl", "-s", "--cacert", str(witness.authority.ca), "--data-binary", f"@{request}",
             "--connect-to", f"localhost:443:{witness['n1'].http}", "--output", str(answer),
             "--write-out", "%{http_code}", "https://localhost/add-checkpoint"],
            capture_output=True, text=True, check=True)
        self.assertEqual(code, done.stdout, answer.read_text())
        return answer

    def ask(self, site, name, old):
        """A request for a checkpoint that has more leaves than that; how many."""
        request = self.directory / f"{site.org}-{name}"

        def has_grown():
            body = site.weft("audit", "witness", "--old", str(old), check=True).stdout
            request.write_text(body)
            return int(body.split("\n\n", 1)[1].split("\n")[1]) > old
        site.weft("put", "-", text='{"kind": "test", "asset": "box:1"}\n', check=True)
        wait_for("a newer checkpoint", has_grown)
        return request, int(request.read_text().split("\n\n", 1)[1].split("\n")[1])

    def test_partners_cosign_each_others_logs(self):
        for site, witness in (self.sites, self.sites[::-1]):
            policy = self.directory / f"{site.org}-policy"
            policy.write_text(
                f"log {site.log_key}\nwitness partner {witness.witness}\nquorum partner\n")
            first, size = self.ask(site, "first", 0)
            answer = self.carry(first, witness)
            second, more = self.ask(site, "second", size)
            answer = self.carry(second, witness)
            done = site.weft("audit", "witness", str(second), str(answer), "--policy", str(policy))
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn(f"\n{more}\n", done.stdout)
            self.assertIn(f"{witness.org}/{witness.site}/wit/n1", done.stdout)
            # Behind what it has cosigned it goes back for nobody.
            stale = self.carry(first, witness, "409")
            self.assertEqual(str(more), stale.read_text().strip())
            # The partner is asked for his own partner's log alone.
            self.carry(first, site, "404")


if __name__ == "__main__":
    cluster.main()
