"""tests/lib/orders.py: the frame of a test on orders to machines: a governed plant of three nodes
that sign its audit log, two admins with keys, ann and bo, a third person, cy, and an envelope."""

import pathlib
import shutil
import subprocess
import tempfile

import cluster
import pki
import plant

SITE = "oem.example/plant1"


class OrdersCase(cluster.PlantCase):
    plant_nodes = None  # Started below: with keys that sign the audit log's trees.
    plant_timers = None
    lines, envelope = "", ""  # What the policy says besides, and what machines may be told.

    @classmethod
    def setUpClass(cls):
        cluster.need("weft")
        if cluster.options.work:
            pathlib.Path(cluster.options.work).mkdir(parents=True, exist_ok=True)
        cls.home = pathlib.Path(tempfile.mkdtemp(prefix="orders-", dir=cluster.options.work))
        cls.home = cls.home.resolve()
        cls.local("pki", "org", "--org", "oem.example", "--site", "plant1", "--admin", "ann",
                  "--admin", "bo", "--clear", "--out", cls.home)
        super().setUpClass()
        settings = {"policy": {"org": cls.home / "org.note", "keys": cls.home / "keys",
                               "file": cls.home / "policy.note"}}
        if cls.plant_timers:
            settings["timers"] = dict(cls.plant_timers)
        try:
            cls.plant = plant.Plant(
                cls.directory, cluster.options.bin, ("n1", "n2", "n3"), settings)
            cls.logs = [pki.log_key(node.tls, f"{SITE}/audit") for node in cls.plant]
            cls.plant.start()
            cls.prepare()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.home, ignore_errors=True)

    @staticmethod
    def local(*arguments):
        """`weft`, without a plant."""
        done = subprocess.run([str(cluster.options.bin / "weft"), *map(str, arguments)],
                              timeout=60, input="", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")

    @classmethod
    def must(cls, *arguments):
        done = cls.plant.weft(*map(str, arguments))
        if done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    @classmethod
    def prepare(cls):
        """The policy, cy's key, the envelope."""
        ann = cls.home / "admins/ann.key"
        text = cls.must("policy", "show", "--next")
        (cls.home / "next.policy").write_text(text + cls.lines, encoding="utf-8")
        cls.must("policy", "apply", cls.home / "next.policy", "--key", ann)
        cls.local("pki", "person", "cy", "--org", "oem.example", "--site", "plant1", "--only",
                  "note", "--clear", "--out", cls.home / "cy")
        cls.must("pki", "enroll", cls.home / "cy/note.key", "--key", ann)
        (cls.home / "envelope").write_text(cls.envelope, encoding="utf-8")
        cls.local("envelope", "check", cls.home / "envelope")
        cls.must("envelope", "apply", cls.home / "envelope", "--key", ann, "--yes")
