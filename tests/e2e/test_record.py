"""--record and ezsim replay: real nodes under traffic, mining and kills, run again at a desk."""
import json
import os
import pathlib
import re
import signal
import stat
import struct
import subprocess
import time
import unittest

from harness import ROOT, WAIT_SECONDS, NodeCase, binary, run_program, until
from wire import NETWORK, Peer, encode, frame, siphash

PROGRAM_SECONDS = 300
EVENT = 9  # record types and event types of include/ezp2p/record/format.h and node/event.h
EVENT_COMMAND = 10
AMOUNT_AT = 1 + 16 + 1 + 8 + 1 + 8  # in the body of a command: behind its request number


def ezsim():
    return pathlib.Path(os.environ.get("EZSIM_BIN", binary().parent / "simnet/ezsim"))


def replay(path, *options):
    return subprocess.run([str(ezsim()), "replay", str(path), *map(str, options)], text=True,
                          timeout=PROGRAM_SECONDS, capture_output=True)


def records(data):
    """(offset, body) of each record of a file."""
    at = 16
    while at + 8 <= len(data):
        size, check = struct.unpack_from("<II", data, at)
        if size == 0:
            return
        body = data[at + 8:at + 8 + size]
        assert siphash(at, 0, body) & 0xFFFFFFFF == check
        yield at, body
        at += 8 + size


class Record(NodeCase):
    def record_of(self, name):
        return self.directory / f"{name}.rec"

    def start_recorded(self, name, *options):
        return self.make_node("--record", self.record_of(name), *options, name=name).start()

    def expect_same(self, path, ending):
        done = replay(path, "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["result"], "same")
        self.assertIn(ending, result["why"])
        return result

    @staticmethod
    def press(node):
        """Give the node four megabytes to record, if it is there."""
        try:
            with Peer(node, seconds=10) as peer:
                peer.shake()
                request = frame(encode("get_headers", locator=NETWORK * 64)) * 100
                for _ in range(20):
                    if not peer.send_bytes(request):
                        break
        except (OSError, AssertionError):
            pass  # it is starting anew
        return True

    def stopped_node(self):
        """The record of a node that took an entry, mined a block and stopped."""
        node = self.start_recorded("one")
        node.entry("alice", "bob", 5)
        node.mine()
        self.assertEqual(node.stop(), 0)
        return self.record_of("one")

    def test_nodes_under_traffic_kills_and_restarts_replay_the_same(self):
        first = self.start_recorded("a")
        nodes = [first]
        for name in "bc":
            nodes.append(self.start_recorded(name, "--peer", first.listen))
        until(lambda: all(node.peer_count() >= 1 for node in nodes), "all are connected")
        for round_ in range(5):
            for number, node in enumerate(nodes):
                node.entry("alice", f"bob {round_} {number}", 1)
            nodes[round_ % 3].mine()
        nodes[1].entry("kept", "over a kill", 1)
        nodes[1].kill()
        nodes[0].mine()
        nodes[1].start()
        nodes[2].restart()
        until(lambda: len({node.tip() for node in nodes}) == 1 and nodes[1].height() >= 7,
              "all agree again")
        nodes[1].mine()
        until(lambda: len({node.tip() for node in nodes}) == 1, "and on one more block")
        for node in nodes:
            self.assertEqual(node.stop(), 0)
        for name in "abc":
            result = self.expect_same(self.record_of(name), "the node stopped")
            self.assertGreater(result["steps"], 10)
        self.expect_same(f"{self.record_of('b')}.1", "killed")
        self.expect_same(f"{self.record_of('c')}.1", "the node stopped")
        self.assertFalse(pathlib.Path(f"{self.record_of('a')}.1").exists())

    def test_a_changed_input_differs_at_its_step(self):
        path = self.stopped_node()
        data = bytearray(path.read_bytes())
        step = 0
        for offset, body in records(bytes(data)):
            step += body[0] == EVENT
            if body[0] == EVENT and body[17] == EVENT_COMMAND:
                break
        else:
            self.fail("no command in the record")
        data[offset + 8 + AMOUNT_AT] ^= 1
        size = struct.unpack_from("<I", data, offset)[0]
        check = siphash(offset, 0, bytes(data[offset + 8:offset + 8 + size])) & 0xFFFFFFFF
        struct.pack_into("<I", data, offset + 4, check)
        path.write_bytes(data)
        done = replay(path)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"differs at step {step}, ", done.stdout)
        self.assertIn("recorded", done.stdout)

    def test_a_damaged_file_and_bad_usage_exit_2(self):
        path = self.stopped_node()
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x40
        path.write_bytes(data)
        done = replay(path)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("damaged", done.stderr)
        for arguments in ([], [self.directory / "none"], [path, "--until", "x"], [path, "more"],
                          [binary()]):
            self.assertEqual(replay(*arguments).returncode if arguments else subprocess.run(
                [str(ezsim()), "replay"], capture_output=True).returncode, 2, arguments)

    def test_timeline_shows_what_happened_within_its_bounds(self):
        path = self.stopped_node()
        whole = replay(path, "--timeline").stdout
        self.assertIn('command submit-entry request 1 "alice" "bob" amount 5', whole)
        self.assertIn("> notice block", whole)
        self.assertIn("> reply mine-one", whole)
        part = replay(path, "--timeline", "--from", 2, "--until", 3, "--json").stdout.splitlines()
        lines = [json.loads(line) for line in part]
        self.assertEqual({line["step"] for line in lines[:-1]}, {2, 3})
        self.assertEqual(lines[-1]["steps"], 3)
        self.assertEqual(lines[-1]["why"], "as far as asked")

    def test_only_the_owner_reads_a_record_and_no_secret_is_in_it(self):
        node = self.start_recorded("one")
        node.entry("alice", "bob", 5)
        node.stop()
        path = self.record_of("one")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        text = (node.directory / "key").read_text()
        seed = bytes.fromhex(re.search(r"[0-9a-f]{64}", text)[0])
        data = path.read_bytes()
        for secret in (seed, seed[:16], seed[16:], seed.hex().encode()):
            self.assertNotIn(secret, data)

    def test_a_full_record_goes_on_in_the_next_file(self):
        node = self.start_recorded("one", "--record-size", 8)
        other = self.make_node("--peer", node.listen, name="other").start()
        until(lambda: node.peer_count() == 1, "connected")
        node.entry("kept", "over the change", 1)
        node.mine()
        before = (node.listen, node.http, node.process.pid)
        second = pathlib.Path(f"{self.record_of('one')}.1")
        until(lambda: self.press(node) and second.exists(), "the record is full")
        node.wait_ready()
        self.assertEqual((node.listen, node.http, node.process.pid), before)
        self.assertEqual(node.height(), 2)
        until(lambda: node.peer_count() == 1, "the peer is back")
        node.entry("after", "the change", 1)
        node.mine()
        until(lambda: other.height() == 3, "the other node has the block")
        self.assertEqual(node.stop(), 0)
        self.expect_same(second, "full")
        self.expect_same(self.record_of("one"), "the node stopped")
        sizes = [path.stat().st_size for path in self.directory.glob("one.rec*")]
        self.assertLessEqual(sum(sizes), 8 << 20)

    def test_a_node_that_starts_anew_hears_that_it_is_to_stop(self):
        def stopping():
            return "stopping" in node.log_path.read_text()

        for pause_ms in range(0, 40, 4):  # wherever it is between its two lives
            node = self.start_recorded(f"n{pause_ms}", "--record-size", 8)
            until(lambda: stopping() or self.press(node) and stopping(), "the record is full")
            time.sleep(pause_ms / 1000)
            node.process.send_signal(signal.SIGTERM)
            self.assertEqual(node.process.wait(WAIT_SECONDS), 0)

    def test_files_that_fill_too_fast_end_the_record_and_not_the_node(self):
        began = time.monotonic()
        node = self.start_recorded("one", "--record-size", 8)
        until(lambda: self.press(node) and "record-ended" in node.log_path.read_text(),
              "it has begun as many files as it may", seconds=300)
        more = node.log_path.read_text().count("stopping") - 10
        self.assertIn(more, range(int(time.monotonic() - began) // 60 + 1), "one more a minute")
        node.wait_ready()
        node.entry("on", "it goes", 1)
        self.expect_same(self.record_of("one"), "too fast")

    def test_what_is_no_record_is_left_alone(self):
        path = self.record_of("thesis")
        path.write_text("years of work\n")
        done = run_program("--data-dir", self.directory / "d", "--listen", "off", "--http", "off",
                           "--record", path)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("is no record", done.stderr)
        self.assertEqual(path.read_text(), "years of work\n")

    def test_a_record_that_is_being_written_is_left_alone(self):
        self.start_recorded("one")
        done = run_program("--data-dir", self.directory / "d", "--listen", "off", "--http", "off",
                           "--record", self.record_of("one"))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("another process records here", done.stderr)

    def test_a_crash_leaves_its_last_event_in_the_record(self):
        node = self.start_recorded("one")
        node.exit_codes.add(-signal.SIGABRT)
        node.entry("alice", "bob", 5)
        node.send(signal.SIGABRT)
        until(lambda: not node.is_running(), "it is gone")
        result = self.expect_same(self.record_of("one"), "killed")
        self.assertIn("submit-entry", replay(self.record_of("one"), "--timeline").stdout)
        self.assertGreater(result["steps"], 2)

    def test_each_life_of_a_simulated_node_replays_the_same(self):
        scenario = ROOT / "simnet/scenarios/crash-storm.sim"
        out = self.record_of("simulated")
        done = subprocess.run([str(ezsim()), "run", str(scenario), "--nodes", "8", "--record",
                               f"2:{out}"], text=True, capture_output=True, timeout=PROGRAM_SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lives = list(self.directory.glob("simulated.rec*"))
        self.assertGreater(len(lives), 1)
        for life in lives:
            self.expect_same(life, "the ")

    def test_a_full_disk_ends_the_record_and_not_the_node(self):
        disk = self.directory / "disk"
        disk.mkdir()
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk],
            capture_output=True).returncode == 0
        if not mounted:
            self.skipTest("mounting a small file system takes root")
        self._cleanups.insert(0, (subprocess.run, (["umount", str(disk)],), {}))
        node = self.make_node("--record", disk / "r").start()
        node.entry("alice", "bob", 5)
        until(lambda: self.press(node) and "record-ended" in node.log_path.read_text(),
              "the disk is full")
        node.entry("and", "on it goes", 5)
        self.assertEqual(node.pool_count(), 2)
        self.assertEqual(node.stop(), 0)
        self.assertIn("No space left", node.log_path.read_text())
        self.expect_same(disk / "r", "the record ends")


if __name__ == "__main__":
    unittest.main()
