"""What ezsim swarm promises: it finds, names, reproduces and shrinks what fails."""
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

EZSIM = os.environ["EZSIM_BIN"]

# Agreement on a chain without a single block that lost cannot be had once both sides mine.
FAILING = """nodes = 8
duration = 60
settle = 120

[links]
latency = uniform 10 80
fragment = 700

[mining]
interval = 5

[traffic]
rate = 1

[timeline]
at = 10 reset 2
at = 12 tx 5
at = 20 partition @1,2,3
at = 25 block @1
at = 26 block @5
at = 27 block @6
at = 30 heal
at = 50 pause @4

[assert]
reorg_depth_max = 0
"""


def swarm(*options, **more):
    return subprocess.run([EZSIM, "swarm", *map(str, options)], capture_output=True, text=True,
                          timeout=600, **more)


class Failures(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.path = self.folder / "failing.sim"
        self.path.write_text(FAILING)

    def test_a_failure_is_named_and_shrunk_to_a_scenario_that_fails(self):
        done = swarm("--first", 3, "--seeds", 1, "--json", "--out", self.folder, self.path)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"seed 3 of \S+ FAILED, commit \S+:\nat \d+\.\d{3} s, step \d+")
        self.assertIn(f"ezsim run {self.path} --seed 3", done.stderr)
        failure = json.loads(done.stdout)["failures"][0]
        self.assertEqual(3, failure["seed"])
        shrunk = pathlib.Path(failure["shrunk"])
        self.assertEqual(self.folder / "swarm-3.sim", shrunk)
        text = shrunk.read_text()
        self.assertLess(text.count("\nat = "), FAILING.count("\nat = "))
        for left_out in ("fragment", "tx 5", "reset", "pause", "rate"):
            self.assertNotIn(left_out, text)
        again = subprocess.run([EZSIM, "run", str(shrunk)], capture_output=True, text=True,
                               timeout=600)
        self.assertEqual(1, again.returncode)
        self.assertIn("reorg_depth is", again.stderr)

    def test_nothing_is_written_when_nobody_wants_it(self):
        done = swarm("--seeds", 2, "--no-shrink", "--out", self.folder, self.path)
        self.assertEqual(1, done.returncode)
        self.assertEqual([self.path], list(self.folder.iterdir()))

    @unittest.skipIf(os.environ.get("EZ_TEST_SANITIZE"), "sanitizers need all the address space")
    def test_a_run_that_dies_is_a_failure_with_a_time_and_a_step(self):
        big = self.folder / "big.sim"
        big.write_text("nodes = 20\nduration = 30\n[timeline]\nat = 10 join 5000\n")
        done = swarm("--seeds", 1, "--no-shrink", big,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (80 << 20,) * 2))
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"at \d+\.\d{3} s, step [1-9]\d*: Aborted; .*memory")

    @unittest.skipIf(os.environ.get("EZ_TEST_SANITIZE"), "sanitizers need all the address space")
    def test_a_single_run_that_dies_says_where(self):
        big = self.folder / "big.sim"
        big.write_text("nodes = 20\nduration = 30\n[timeline]\nat = 10 join 5000\n")
        done = subprocess.run([EZSIM, "run", str(big)], capture_output=True, text=True, timeout=600,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS,
                                                                    (80 << 20,) * 2))
        self.assertLess(done.returncode, 0)
        self.assertRegex(done.stderr, r"that was at 1\d\.\d{3} s of virtual time, event [1-9]\d*")


class Options(unittest.TestCase):
    def test_the_order_in_which_runs_end_changes_nothing(self):
        hashes = {json.loads(swarm("--seeds", 6, "--jobs", jobs, "--json").stdout)["hash"]
                  for jobs in (1, 5)}
        self.assertEqual(1, len(hashes))

    def test_time_runs_out(self):
        done = swarm("--seeds", 100000, "--jobs", 2, "--time", 1, "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertLess(json.loads(done.stdout)["runs"], 100000)

    def test_bad_usage_exits_2(self):
        for options in (["--seeds", "0"], ["--jobs", "0"], ["--jobs", "65"], ["--first", "0"],
                        ["--time", "x"], ["--fly"], ["/no/such/file.sim"]):
            self.assertEqual(2, swarm(*options).returncode, options)


if __name__ == "__main__":
    unittest.main()
