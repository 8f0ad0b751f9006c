"""The simulator's scenarios, small and with a few seeds, and what ezsim promises about them."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

EZSIM = os.environ["EZSIM_BIN"]
SCENARIOS = pathlib.Path(__file__).resolve().parents[2] / "simnet" / "scenarios"
FOUND = pathlib.Path(__file__).resolve().parents[1] / "sim"
SEEDS = (1, 2)


def run(path, *options):
    return subprocess.run([EZSIM, "run", str(path), "--json", *map(str, options)],
                          capture_output=True, text=True, timeout=600)


def run_text(text, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "own.sim"
        path.write_text(text)
        return run(path, *options)


class Scenarios(unittest.TestCase):
    """Every scenario of the repository passes its checks."""


def scenario_test(path):
    def test(self):
        for seed in SEEDS:
            done = run(path, "--nodes", 8, "--seed", seed)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertTrue(json.loads(done.stdout)["settled"])
    return test


for scenario in sorted(SCENARIOS.glob("*.sim")):
    if scenario.stem.startswith("attack-"):
        continue  # test_attacks.py
    setattr(Scenarios, "test_" + scenario.stem.replace("-", "_"), scenario_test(scenario))


class Found(unittest.TestCase):
    """Scenarios that once failed, most of them shrunk by ezsim swarm; each says what it found."""


def found_test(path):
    def test(self):
        done = run(path)
        self.assertEqual(0, done.returncode, done.stderr)
    return test


for found in sorted(FOUND.glob("*.sim")):
    setattr(Found, "test_" + found.stem.replace("-", "_"), found_test(found))


class Determinism(unittest.TestCase):
    def hash_of(self, *options):
        done = run(SCENARIOS / "crash-storm.sim", "--nodes", 6, *options)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["hash"]

    def test_one_seed_gives_one_hash(self):
        self.assertEqual(self.hash_of("--seed", 7), self.hash_of("--seed", 7))

    def test_another_seed_gives_another_hash(self):
        self.assertNotEqual(self.hash_of("--seed", 7), self.hash_of("--seed", 8))

    def test_the_signature_cache_changes_nothing(self):
        self.assertEqual(self.hash_of("--seed", 7), self.hash_of("--seed", 7, "--no-sig-cache"))


class Documentation(unittest.TestCase):
    def setUp(self):
        text = (SCENARIOS.parents[1] / "docs" / "simulator.md").read_text()
        self.example = text.split("```ini\n")[1].split("```")[0]

    def test_the_worked_example_passes(self):
        done = run_text(self.example)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_the_worked_example_fails_where_it_says_so(self):
        done = run_text(self.example.replace("block_p99_ms_max = 400", "block_p99_ms_max = 150"))
        self.assertEqual(1, done.returncode)
        self.assertIn("block_p99_ms is 200; the scenario allows 150", done.stderr)


    def test_the_example_strategy_is_the_one_that_runs(self):
        root = SCENARIOS.parents[1]
        example = (root / "docs" / "simulator.md").read_text().split("```c\n")[1].split("```")[0]
        self.assertEqual((root / "src" / "gossip" / "relay_fanout.c").read_text(), example)


class Relay(unittest.TestCase):
    """Nothing is lost by any strategy, nor by all of them in one network."""

    SCENARIO = ("nodes = 12\nduration = 40\nsettle = 40\nrelay = {}\n[topology]\nkind = regular\n"
                "links = 4\n[links]\nlatency = uniform 10 50\n[mining]\ninterval = 10\n"
                "[traffic]\nrate = 5\n[assert]\ntx_p99_ms_max = {}\ntx_copies_max = {}\n")

    def figures(self, relay, p99_ms, copies):
        done = run_text(self.SCENARIO.format(relay, p99_ms, copies))
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def test_strategies_trade_speed_for_copies(self):
        flood = self.figures("flood", 200, 4)
        inv = self.figures("inv", 600, 1.02)
        fanout = self.figures("fanout", 600, 3)
        self.assertLess(flood["tx_ms"]["p50"], fanout["tx_ms"]["p50"])
        self.assertLess(fanout["tx_ms"]["p50"], inv["tx_ms"]["p50"])
        self.assertLess(inv["tx_copies"], fanout["tx_copies"])
        self.assertLess(fanout["tx_copies"], flood["tx_copies"])

    def test_the_tree_is_as_fast_as_flooding_with_a_copy_each(self):
        scenario = SCENARIOS / "relay-tree.sim"  # its asserts are the goals
        tree = run(scenario, "--nodes", 40)
        self.assertEqual(0, tree.returncode, tree.stderr)
        flood = run(scenario, "--nodes", 40, "--relay", "flood")
        self.assertIn("tx_copies in per cent", flood.stderr)
        tree, flood = json.loads(tree.stdout), json.loads(flood.stdout)
        self.assertLessEqual(tree["tx_ms"]["p99"], 1.1 * flood["tx_ms"]["p99"])
        self.assertLess(2 * tree["bytes_per_node"], flood["bytes_per_node"])

    def test_strategies_mix(self):
        self.figures("tree flood inv fanout", 800, 4)

    def test_an_unknown_strategy_is_refused(self):
        self.assertEqual(2, run_text("relay = pigeon\n").returncode)
        self.assertEqual(2, run_text("", "--relay", "pigeon").returncode)


class Failures(unittest.TestCase):
    def test_a_broken_bound_exits_1_and_names_seed_time_and_step(self):
        done = run_text("nodes = 2\nduration = 5\n[assert]\nheight_min = 2\n", "--seed", 5)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"FAILED with --seed 5, commit \S+:\nat \d+\.\d{3} s, step \d+")
        self.assertEqual(1, len(json.loads(done.stdout)["failures"]))

    def test_a_network_that_cannot_agree_in_time_fails(self):
        done = run_text("nodes = 4\nduration = 20\nsettle = 1\n"
                        "[topology]\nkind = regular\n[links]\nlatency = constant 2000\n"
                        "[timeline]\nat = 15 partition 50%\nat = 16 block\nat = 19.9 block\n")
        self.assertEqual(1, done.returncode)
        self.assertIn("different tips", done.stderr)

    def test_a_bad_line_exits_2_and_is_named(self):
        done = run_text("nodes = 2\n[links]\nlatency = fast\n")
        self.assertEqual(2, done.returncode)
        self.assertRegex(done.stderr, r"own\.sim:3: a latency is")

    def test_a_bad_value_is_named(self):
        for option, value, said in (("--seed", "x", "expected a number from 0 to"),
                                    ("--seed", "9" * 25, "expected a number from 0 to"),
                                    ("--nodes", "0", "expected a number from 1 to 60000, not `0`"),
                                    ("--record", "0:out", "expected a number from 1 to 60000"),
                                    ("--relay", "pigeon", "no such relay strategy: `pigeon`")):
            done = subprocess.run([EZSIM, "run", "x", option, value], capture_output=True, text=True,
                                  timeout=600)
            self.assertEqual(2, done.returncode, option)
            self.assertIn(said, done.stderr)

    def test_help_may_stand_anywhere(self):
        for command in ("run", "swarm", "sweep", "show", "replay"):
            done = subprocess.run([EZSIM, command, "x", "--help"], capture_output=True, text=True,
                                  timeout=600)
            self.assertEqual(0, done.returncode, command)
            self.assertIn(f"Usage: ezsim {command}", done.stdout)

    def test_bad_usage_exits_2(self):
        for options in (["run"], ["run", "x", "--nodes", "0"], ["run", "x", "--seed", "-1"], ["fly"]):
            done = subprocess.run([EZSIM, *options], capture_output=True, text=True, timeout=600)
            self.assertEqual(2, done.returncode, options)


if __name__ == "__main__":
    unittest.main()
