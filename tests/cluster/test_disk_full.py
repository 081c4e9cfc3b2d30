"""tests/cluster/test_disk_full.py: one node's disk is full: it says so and stops, the others go
on, and it comes back when there is room. Needs the right to mount a small file system."""

import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import plant  # noqa: E402
from writers import Writers  # noqa: E402

DISK = "size=400m"  # room for the log's segments and spare, and for little else


class DiskFull(cluster.PlantCase):
    plant_nodes = None

    def setUp(self):
        cluster.need("weftd")
        type(self).plant = plant.Plant(self.directory, cluster.options.bin, settings={
            "limits": {"log_bytes": "64 MiB", "checkpoint_entries": 2048, "checkpoints": 1}})
        self.small = self.plant["n3"]
        self.small.data.mkdir()
        self.small.data.chmod(0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"{DISK},mode=0700", "weft-test",
                               str(self.small.data)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f"may not mount here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.small.data)], check=False,
                        capture_output=True)
        self.addCleanup(self.plant.stop)
        self.plant.start()

    def fill(self):
        """A balloon takes what is left, at once."""
        balloon = self.small.data / "balloon"
        with open(balloon, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError:
                pass
        return balloon

    def test_a_full_disk_stops_one_node_and_it_comes_back(self):
        plant.wait_for("n3 serves", self.small.serves)
        with Writers(self.plant, 8, size_bytes=4000, prefix="full") as writers:
            plant.wait_for("commits", lambda: writers.count() > 100)
            balloon = self.fill()
            end = time.monotonic() + plant.WAIT_S
            while self.small.is_alive() and time.monotonic() < end:
                if not balloon.exists():
                    break
                self.fill_again(balloon)
                time.sleep(0.2)
            self.assertFalse(self.small.is_alive(),
                             f"it goes on without a disk:\n{self.small.tail()}")
            before = writers.count()
            plant.wait_for("the others go on", lambda: writers.count() > before + 50)
        self.assertNotEqual(0, self.small.process.returncode)
        self.assertGreater(self.small.process.returncode, 0, "it crashed instead of stopping")
        self.assertRegex(self.small.tail(12).lower(), "no space|nospace|full|enospc")
        # Told again and again, it refuses again; it does not damage what it has.
        again = self.small.launch()
        try:
            again.wait(20)
        except subprocess.TimeoutExpired:
            pass  # it may live on its reserve
        else:
            self.assertGreater(again.returncode, 0)
        balloon.unlink()
        if self.small.is_alive():
            self.small.stop()
        self.small.start()
        self.plant.wait_for_voters()
        for node in self.plant:
            self.assertGreater(writers.check(self, node), 100)
        self.assert_same_digests()

    @staticmethod
    def fill_again(balloon):
        """Whatever was freed meanwhile is taken too."""
        with open(balloon, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError:
                pass


if __name__ == "__main__":
    cluster.main()
