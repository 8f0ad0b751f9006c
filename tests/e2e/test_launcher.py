"""The swarm launcher: simnet/swarm.py with the program under test."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from harness import ROOT, binary, clean_environment, hold_port, until

SECONDS = 300  # for what takes a few


class LauncherCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="ezp2p-launcher-")
        self.addCleanup(self.directory.cleanup)

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-B", str(ROOT / "simnet/swarm.py"), "--binary", str(binary()),
             "--dir", self.directory.name, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment())
        self.addCleanup(process.kill)
        return process

    def run_swarm(self, *arguments, seconds=SECONDS):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=seconds)
        self.assertEqual(self.node_processes(), [], "every node ended with the launcher")
        return process.returncode, out, err

    def node_processes(self):
        """Processes, but zombies, that run over this test's directories."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
                if entry.name.isdigit() and f"{self.directory.name}/node".encode() in command:
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def wait_for_nodes(self, count):
        until(lambda: len(list(pathlib.Path(self.directory.name).glob("node*/endpoints.json")))
              == count, f"{count} nodes run")


class Launcher(LauncherCase):
    def test_summary_is_one_json_object_and_says_they_agree(self):
        code, out, err = self.run_swarm(4, "--for", 3, "--tx-rate", 20, "--block-every", 1,
                                        "--json")
        self.assertEqual(code, 0, out + err)
        summary = json.loads(out)
        self.assertEqual((summary["nodes"], summary["converged"], summary["differing"]),
                         (4, True, []))
        self.assertGreater(summary["tx_accepted"], 0)
        self.assertEqual(summary["tx_in_chain"], summary["tx_accepted"])
        self.assertEqual(summary["tx_ms"]["count"], summary["tx_accepted"])
        self.assertGreater(summary["block_ms"]["p99"], 0)
        self.assertGreaterEqual(summary["copies"], 1)
        self.assertGreater(summary["bytes"], 10000)
        self.assertGreater(summary["rss_mib_max"], 1)
        self.assertIsNotNone(summary["connected_s"])
        self.assertIn("explorer: http://127.0.0.1:", err)

    def test_kept_directory_is_gone_on_from(self):
        code, first, err = self.run_swarm(2, "--for", 1, "--block-every", 0.3, "--json")
        self.assertEqual(code, 0, err)
        code, second, err = self.run_swarm(2, "--for", 1, "--block-every", 1000, "--json")
        self.assertEqual(code, 0, err)
        self.assertGreaterEqual(json.loads(second)["height"], json.loads(first)["height"])

    def test_interrupt_ends_it_in_order(self):
        process = self.start(3)
        self.wait_for_nodes(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertIn("all nodes hold the same chain", out)
        self.assertEqual(self.node_processes(), [])

    def test_killed_launcher_leaves_no_node_behind(self):
        process = self.start(3)
        self.wait_for_nodes(3)
        process.kill()
        process.communicate()
        until(lambda: not self.node_processes(), "its nodes ended")

    def test_node_that_died_is_named(self):
        process = self.start(3)
        self.wait_for_nodes(3)
        folder = pathlib.Path(self.directory.name, "node2")
        os.kill(json.loads((folder / "endpoints.json").read_text())["pid"], signal.SIGKILL)
        said = next(line for line in process.stdout if "node 2" in line)
        self.assertIn("node 2 ended with signal 9", said)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 1, out + err)

    def test_nodes_that_differ_are_named(self):
        # Each finds a block twenty times a second: that neither has one in two seconds is no worry.
        process = self.start(2, "--for", 2, "--block-every", 0.025, "--patience", 3,
                             "--", "--listen", "off")
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertRegex(out, r"node \d differs: on [0-9a-f]{64} \(height \d+\)")
        self.assertIn("do not hold the same chain", out)

    def free_base(self, count):
        """The first of so many ports in a row that are ours until the test ends."""
        start = 20000 + os.getpid() % 1000 * 10  # below those that the kernel gives away
        for base in [*range(start, 30000, count), *range(20000, start, count)]:
            holders = []
            try:
                for port in range(base, base + count):
                    holders.append(hold_port("127.0.0.1", port)[1])
            except OSError:
                pass
            for holder in holders:
                self.addCleanup(holder.close)
            if len(holders) == count:
                return base
        self.fail(f"there are no {count} free ports in a row")

    def test_base_port_decides_the_ports(self):
        base = self.free_base(4)
        process = self.start(2, "--base-port", base)
        self.wait_for_nodes(2)
        ends = json.loads(pathlib.Path(self.directory.name, "node2/endpoints.json").read_text())
        self.assertEqual(ends["http"], f"127.0.0.1:{base + 2}")
        self.assertEqual(ends["p2p"], f"127.0.0.1:{base + 3}")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(SECONDS), 0)

    def test_bad_option_of_the_node_is_shown(self):
        code, out, err = self.run_swarm(2, "--for", 1, "--", "--no-such-option")
        self.assertEqual(code, 1)
        self.assertIn("no-such-option", err)


SCENARIO = """nodes = 4
duration = 9
settle = 60
relay = flood inv
[mining]
interval = 1
shares = 2 1
[traffic]
rate = 20
[timeline]
at = 2 crash 2
at = 3 restart
at = 4 pause 1
at = 5 resume
at = 5.5 partition 50%
at = 6 join 1
at = 7 tx 15
at = 8 block
at = 8.5 stop 1
[assert]
height_min = 3
"""


@unittest.skipUnless("EZSIM_BIN" in os.environ, "scenario files are read by ezsim")
class ScenarioFile(LauncherCase):
    """A simulator's file carried out on processes."""

    def scenario(self, text):
        path = pathlib.Path(self.directory.name, "own.sim")
        path.write_text(text)
        return "--ezsim", os.environ["EZSIM_BIN"], path

    def test_faults_are_done_and_nothing_acknowledged_is_lost(self):
        code, out, err = self.run_swarm(*self.scenario(SCENARIO), "--json")
        self.assertEqual(code, 0, out + err)
        summary = json.loads(out)
        self.assertEqual((summary["nodes"], summary["actions"], summary["converged"]), (5, 8, True))
        self.assertGreater(summary["tx_accepted"], 0)
        self.assertEqual(summary["tx_in_chain"], summary["tx_accepted"])
        self.assertIn("left to the simulator", err)
        self.assertIn("partition", err)
        self.assertEqual(err.count(": crash\n"), 2)
        self.assertEqual(err.count(": restart\n"), 3)

    def test_an_assertion_that_does_not_hold_is_a_failure(self):
        text = "nodes = 2\nduration = 1\n[assert]\nheight_min = 1000\n"
        code, out, err = self.run_swarm(*self.scenario(text))
        self.assertEqual(code, 1, out + err)
        self.assertIn("the scenario wants 1000", out)

    def test_a_bad_line_exits_2_and_is_named(self):
        code, _, err = self.run_swarm(*self.scenario("nodes = many\n"))
        self.assertEqual(code, 2)
        self.assertIn("own.sim:1", err)


class Script(unittest.TestCase):
    def test_bad_usage_exits_2_before_anything_is_built(self):
        result = subprocess.run([ROOT / "simnet/run.sh", "ten"], capture_output=True, text=True,
                                timeout=SECONDS)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("usage", result.stderr)
        self.assertNotIn("building", result.stderr)


if __name__ == "__main__":
    unittest.main()
