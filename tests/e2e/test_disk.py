"""A full disk: a small file system of its own, which takes root."""
import os
import pathlib
import subprocess
import unittest

from harness import NodeCase, run_program, until

DISK_MIB = 4


def can_mount(directory):
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", directory],
                            capture_output=True)
    return result.returncode == 0


class FullDisk(NodeCase):
    def setUp(self):
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        if os.geteuid() != 0 or not can_mount(self.disk):
            self.skipTest("mounting a small file system takes root")
        # Behind the nodes' end: clean-ups run in reverse order.
        self._cleanups.insert(0, (subprocess.run, (["umount", str(self.disk)],), {}))

    def fill(self):
        """Take all the space there is; returns the file to remove again."""
        ballast = self.disk / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        return ballast

    def node_on_disk(self):
        node = self.make_node()
        node.directory = self.disk / "data"
        node.log_path = pathlib.Path(self.directory, "node.log")
        return node

    def test_node_says_what_failed_and_comes_back_when_there_is_space(self):
        node = self.node_on_disk().start()
        node.entry("kept", "before the disk was full", 1)
        height = node.mine()["index"]
        ballast = self.fill()

        answered = []

        def has_ended():
            if node.is_running():
                try:
                    answer = node.post("/transactions/new", {
                        "sender": f"late-{len(answered)}", "recipient": "x" * 60, "amount": 1})
                    if answer.status == 201:
                        answered.append(f"late-{len(answered)}")
                except OSError:
                    pass  # it went down while we asked
            return not node.is_running()
        until(has_ended, "the node gave up on the full disk")
        self.assertEqual(node.process.returncode, 1, node.log_tail())
        self.assertRegex(node.log_text(), r"(?i)full|space", "the log names the reason")

        ballast.unlink()
        node.start()
        self.assertGreaterEqual(node.height(), height)
        if node.pool_count():
            node.mine()
        senders = [sender for sender, _, _ in node.entries()]
        # The last one may have been written and not answered.
        last = [f"late-{len(answered)}"]
        self.assertIn(senders, (["kept", *answered], ["kept", *answered, *last]))
        self.assertEqual(node.stop(), 0)
        result = run_program("verify", "--data-dir", node.directory)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_first_start_on_a_full_disk_is_a_clear_error(self):
        ballast = self.fill()
        result = run_program("--data-dir", self.disk / "data", "--listen", "127.0.0.1:0",
                             "--http", "127.0.0.1:0")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"(?i)full|space")
        ballast.unlink()
        node = self.node_on_disk().start()
        self.assertEqual(node.height(), 1)


if __name__ == "__main__":
    unittest.main()
