"""tests/cluster/test_damage.py: what a node does when parts of its disk are gone or wrong.

The state directory is only a convenience: checkpoint and log make it again (NOD-9), whoever meets
the damage (NOD-21), unless that comes again and again (NOD-22). The log is
not: damage in it is reported with file and offset, and the node does not start until told."""

import os
import pathlib
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import wire  # noqa: E402
from plant import WAIT_S, wait_for  # noqa: E402
from writers import Writers  # noqa: E402


def flip(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)
        f.seek(offset)
        f.write(bytes([byte[0] ^ 0x40]))


def damage(path):
    for place in range(50, path.stat().st_size, 211):
        flip(path, place)


def used_bytes(path):
    """Up to the last byte that is not zero: segments are zeroed ahead."""
    return len(path.read_bytes().rstrip(b"\0"))


LARGE = "large/1"


def files_of(node, *suffixes):
    return [p for p in (node.data / "state").iterdir() if p.suffix in suffixes]


def take_copy(path):
    """Checkpoints share files with the state by hard links: damage a copy, as a disk that returns
    one bad sector for one file would."""
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


class Damage(cluster.PlantCase):
    # Some checkpoints, so that both ways of making the state again are taken.
    plant_settings = {"limits": {"checkpoint_entries": 256, "trailing_entries": 64}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plant.retry(lambda client: client.commit([  # it has a place in a blob file
            {"asset": LARGE, "kind": "note", "attrs": {"text": "large " * 1000}}]))
        with Writers(cls.plant, 4, prefix="before") as cls.writers:
            wait_for("a checkpoint on every node", lambda: all(
                n.status()["checkpoint_index"] > 0 for n in cls.plant), every=0.2)

    def setUp(self):
        """What a failed test left behind must not fail the next one."""
        for node in self.plant:
            if not node.is_alive():
                shutil.rmtree(node.data, ignore_errors=True)
                node.launch("--join", self.plant.leader().client)
            for aside in node.data.glob("state.damaged-*"):
                shutil.rmtree(aside)
        self.plant.wait_for_voters()
        # A node whose checkpoint was damaged takes a new one as soon as something is applied.
        for node in self.plant:
            wait_for(f"a checkpoint of {node.name} that reaches its log", lambda n=node:
                     n.status()["checkpoint_index"] + 1 >= n.status()["first_log_index"], every=0.2)

    def comes_back(self, node, *arguments):
        """It starts, catches up, keeps every promise and has the state of the others."""
        node.start(*arguments)
        self.plant.wait_for_voters()
        self.writers.check(self, node)
        self.assert_same_digests()

    def refuses_to_start(self, node, *words):
        process = node.launch()
        self.assertNotEqual(0, process.wait(WAIT_S), f"it started:\n{node.tail()}")
        last = "\n".join(node.tail(12).splitlines())
        for word in words:
            self.assertRegex(last, word)
        return last

    def test_a_deleted_state_directory_is_made_again(self):
        node = self.plant.followers()[0]
        node.stop()
        shutil.rmtree(node.data / "state")
        self.comes_back(node)

    def test_a_state_directory_and_the_checkpoints_of_a_killed_node_are_made_again(self):
        node = self.plant.followers()[-1]
        node.kill()
        shutil.rmtree(node.data / "state")
        self.comes_back(node)

    def test_a_corrupted_file_of_the_state_is_noticed_and_the_state_made_again(self):
        node = self.plant.followers()[0]
        node.stop()
        tables = sorted((p for p in (node.data / "state").rglob("*.sst")),
                        key=lambda p: p.stat().st_size)
        self.assertTrue(tables, "the state has no table file to damage")
        table = tables[-1]
        take_copy(table)
        damage(table)  # all of it: what a start does not read, whoever reads it would meet
        self.comes_back(node)
        self.assertIn("state_damaged", node.log.read_text())

    def test_a_missing_file_of_the_state_is_noticed_and_the_state_made_again(self):
        node = self.plant.followers()[-1]
        node.stop()
        for name in ("CURRENT",):
            (node.data / "state" / name).unlink()
        self.comes_back(node)

    def damage_what_runs(self, node, suffix):
        """Nothing writes, so nobody but who reads a record can meet it."""
        node.stop()
        for path in files_of(node, ".sst", ".blob"):
            take_copy(path)
        node.start()
        self.plant.wait_for_voters()
        paths = files_of(node, suffix)
        self.assertTrue(paths, f"no file *{suffix} to damage")
        for path in paths:
            damage(path)
        time.sleep(1)
        self.assertTrue(node.is_alive(), node.tail())

    def ends_and_makes_its_state_anew(self, node):
        wait_for("it ends by itself", lambda: not node.is_alive())
        self.assertIn("state_failed", node.log.read_text())
        self.comes_back(node)
        self.assertTrue((node.data / "state.damaged-1").is_dir())

    def test_whoever_reads_damage_is_sent_elsewhere_and_the_state_made_again(self):
        for suffix, asset in ((".sst", self.writers.clients[0].asset), (".blob", LARGE)):
            with self.subTest(suffix):
                self.setUp()
                node = self.plant.followers()[0]
                self.damage_what_runs(node, suffix)
                with node.connect() as client:
                    with self.assertRaises(wire.Refusal) as heard:
                        client.query("story", asset=asset)
                self.assertEqual("unavailable", heard.exception.outcome)
                self.assertRegex(heard.exception.detail,
                                 "damaged and is made anew: ask another node")
                self.ends_and_makes_its_state_anew(node)

    def test_the_command_hears_from_another_node_what_is_damaged_here(self):
        node, other = self.plant.followers()
        self.damage_what_runs(node, ".blob")
        done = self.plant.weft("story", LARGE, endpoints=",".join(
            f"tls+tcp://{n.client}" for n in (node, other)))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("large large", done.stdout)
        self.ends_and_makes_its_state_anew(node)

    def test_a_state_that_is_damaged_again_and_again_is_not_made_anew_for_ever(self):
        node = self.plant.followers()[0]
        node.stop()
        asides = [node.data / f"state.damaged-{i}" for i in (1, 2, 3)]
        for aside in asides:
            aside.mkdir()
        (node.data / "state" / "CURRENT").unlink()
        for _ in range(2):  # it stays refused
            self.refuses_to_start(node, "made anew 3 times within a day", "corrupted-log.md")
        earlier = time.time() - 25 * 3600
        os.utime(asides[0], (earlier, earlier))
        self.comes_back(node)
        self.assertTrue((node.data / "state.damaged-4").is_dir())

    def test_a_corrupted_checkpoint_is_not_used(self):
        node = self.plant.followers()[0]
        node.stop()
        files = [p for p in (node.data / "checkpoints").rglob("*") if p.is_file()
                 and p.stat().st_size > 1000]
        self.assertTrue(files)
        for path in files:
            copy = path.with_name(path.name + ".copy")
            shutil.copyfile(path, copy)
            copy.replace(path)
            flip(path, path.stat().st_size // 2)
        # Checkpoint and state are lost together: from the others, or refused with the remedy.
        shutil.rmtree(node.data / "state")
        process = node.launch()
        try:
            wait_for("it serves or stops", lambda: process.poll() is not None or node.serves())
        except RuntimeError:
            pass
        if process.poll() is not None:
            self.assertRegex(node.tail(12), "join|wipe|runbooks")
            node.wipe()
            node.launch("--join", self.plant.leader().client)
        self.plant.wait_for_voters()
        self.writers.check(self, node)
        self.assert_same_digests()

    def corrupt_a_segment(self, node, prefix):
        """Kill the node and flip a bit in the middle of what its fullest segment holds. Gives
        the file, the place and the load that was acknowledged before."""
        with Writers(self.plant, 4, prefix=prefix) as writers:
            wait_for("commits", lambda: writers.count() > 200, every=0.1)
        self.plant.wait_for_applied(self.plant.leader_status()["commit_index"])
        node.kill()
        segments = sorted((p for p in (node.data / "raft").iterdir()
                           if p.is_file() and p.stat().st_size > 1 << 20), key=used_bytes)
        self.assertTrue(segments, sorted((node.data / "raft").iterdir()))
        place = used_bytes(segments[-1]) // 2
        flip(segments[-1], place)
        return segments[-1], place, writers

    def test_a_corrupted_log_segment_is_refused_with_file_and_offset(self):
        """The way back: the damaged directory aside, and join."""
        node = self.plant.followers()[0]
        segment, place, writers = self.corrupt_a_segment(node, "log")
        told = self.refuses_to_start(node, re.escape(segment.name), "offset", "runbooks")
        offset = re.search(r"offset\D{0,3}(\d+)", told)
        self.assertIsNotNone(offset, told)
        self.assertLessEqual(abs(int(offset.group(1)) - place), 1 << 20)
        self.refuses_to_start(node, re.escape(segment.name))  # it stays refused
        node.data.rename(node.home / "data.damaged")
        node.is_started = False
        self.comes_back(node, "--join", self.plant.leader().client)
        writers.check(self, node)

    def test_a_node_told_to_cut_its_log_at_the_damage_catches_up(self):
        """A leader ignores a node that takes back what it acknowledged (RFT-27); the next leader
        has no such memory, so leadership is handed over once, as the runbook says."""
        other, node = self.plant.followers()
        segment, _, writers = self.corrupt_a_segment(node, "cut")
        self.refuses_to_start(node, re.escape(segment.name))
        node.start("--drop-damaged-log")
        self.plant.retry(lambda client: client.member("transfer", other.name))
        wait_for("another leads", lambda: (self.plant.leader_status() or {}).get("node")
                 == other.name)
        self.plant.wait_for_applied(self.plant.leader_status()["commit_index"], [node])
        self.assert_same_digests()
        self.writers.check(self, node)
        writers.check(self, node)

    def test_corrupted_term_and_vote_are_refused(self):
        """A node that forgot its vote could vote twice."""
        node = self.plant.followers()[-1]
        node.stop()
        small = [p for p in (node.data / "raft").iterdir()
                 if p.is_file() and 0 < p.stat().st_size <= 1 << 16]
        self.assertTrue(small, sorted((node.data / "raft").iterdir()))
        kept = {path: path.read_bytes() for path in small}
        for path in small:
            path.write_bytes(bytes(b ^ 0x55 for b in kept[path]))
        self.refuses_to_start(node)
        for path, content in kept.items():
            path.write_bytes(content)
        self.comes_back(node)

    def test_a_data_directory_of_another_node_is_refused(self):
        one, other = self.plant.followers()
        one.stop()
        other.stop()
        one.data.rename(one.home / "aside")
        shutil.copytree(other.data, one.data)
        self.refuses_to_start(one, other.name)
        shutil.rmtree(one.data)
        (one.home / "aside").rename(one.data)
        one.launch()
        other.launch()
        self.plant.wait_for_voters()
        self.assert_same_digests()


if __name__ == "__main__":
    cluster.main()
