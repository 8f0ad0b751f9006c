"""The attack lab: every attack scenario as it stands, by a few seeds; the sweeps, short ones."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

EZSIM = os.environ["EZSIM_BIN"]
SCENARIOS = pathlib.Path(__file__).resolve().parents[2] / "simnet" / "scenarios"
SANITIZED = bool(os.environ.get("EZ_TEST_SANITIZE"))
SEEDS = (1,) if SANITIZED else (1, 2)
# A seed is one run in every build (support/same_runs.sh): what many runs come to is looked at where
# they are fast. Sanitizers see the code of a sweep in test_plot.py.
figures = unittest.skipIf(SANITIZED, "figures are the same in a build without sanitizers")


def ezsim(command, path, *options):
    return subprocess.run([EZSIM, command, str(path), "--json", *map(str, options)],
                          capture_output=True, text=True, timeout=600)


def run_text(text, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "own.sim"
        path.write_text(text)
        return ezsim("run", path, *options)


class Attacks(unittest.TestCase):
    """Every attack comes to what its scenario says, and harms nobody honest."""


# Signing what fills a pool of 65,536 takes longer than all the other scenarios together.
SMALLER = {"attack-tx-flood": ("rate = 2600", "rate = 300")}


def attack_test(path):
    def test(self):
        text = path.read_text()
        if path.stem in SMALLER:
            self.assertIn(SMALLER[path.stem][0], text)
            text = text.replace(*SMALLER[path.stem])
        for seed in SEEDS:
            done = run_text(text, "--seed", seed)
            self.assertEqual(0, done.returncode, done.stderr)
            report = json.loads(done.stdout)
            self.assertTrue(report["settled"])
            self.assertGreater(report["attack"]["adversaries"], 0)
    return test


for scenario in sorted(SCENARIOS.glob("attack-*.sim")):
    setattr(Attacks, "test_" + scenario.stem[len("attack-"):].replace("-", "_"),
            attack_test(scenario))


class Selfish(unittest.TestCase):
    def setUp(self):
        self.text = (SCENARIOS / "attack-selfish.sim").read_text()

    @figures
    def test_the_sweep_follows_the_curve_at_every_point(self):
        done = ezsim("sweep", SCENARIOS / "attack-selfish.sim", "--duration", 4000)
        self.assertEqual(0, done.returncode, done.stderr)
        points = [json.loads(line)["attack"] for line in done.stdout.splitlines()]
        self.assertEqual(24, len(points))
        self.assertEqual(8, len({point["share"] for point in points}))
        for reach, low, high in ((0, 0, 0.05), (0.5, 0.45, 0.75), (1, 0.8, 1)):
            races = [point for point in points if point["reach"] == reach]
            gamma = (sum(point["gamma"] * point["races"] for point in races) /
                     sum(point["races"] for point in races))
            self.assertTrue(low <= gamma <= high, (reach, gamma))

    @figures
    def test_a_miner_that_tells_what_it_finds_earns_its_share_and_is_off_the_curve(self):
        honest = self.text.replace("kind = selfish", "kind = selfish\nfrom = 19999")
        done = run_text(honest)
        self.assertEqual(1, done.returncode, "the check against the curve must be able to fail")
        self.assertIn("distance from the curve", done.stderr)
        self.assertAlmostEqual(0.4, json.loads(done.stdout)["attack"]["outcome"], delta=0.03)


class DoubleSpend(unittest.TestCase):
    @figures
    def test_every_confirmation_makes_it_harder_as_the_theory_says(self):
        done = ezsim("sweep", SCENARIOS / "attack-double-spend.sim")
        self.assertEqual(0, done.returncode, done.stderr)
        points = [json.loads(line)["attack"] for line in done.stdout.splitlines()]
        strong = {point["confirmations"]: point for point in points if point["share"] == 0.3}
        self.assertGreater(strong[0]["outcome"], strong[6]["outcome"])
        self.assertGreater(strong[6]["attempts"], 40)


class Eclipse(unittest.TestCase):
    @figures
    def test_few_groups_take_few_links_however_many_addresses_they_tell(self):
        done = ezsim("sweep", SCENARIOS / "attack-eclipse.sim")
        self.assertEqual(0, done.returncode, done.stderr)
        points = [json.loads(line)["attack"] for line in done.stdout.splitlines()]
        self.assertEqual(7, len(points))
        for point in points:
            self.assertLessEqual(point["successes"], 6 * point["groups"], "one link to a group")
            self.assertGreater(point["book_taken"], 0.6 * point["book"], "or it is no flood")


class Floods(unittest.TestCase):
    """A bound that is never reached is not tested."""
    def peak(self, name, key):
        done = ezsim("run", SCENARIOS / ("attack-" + name + ".sim"))
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)["attack"][key]

    def test_orphans_come_to_their_bound(self):
        self.assertEqual(100, self.peak("orphan-flood", "orphan_peak"))

    def test_headers_off_the_chain_come_to_their_bound(self):
        self.assertGreaterEqual(self.peak("header-spam", "side_headers_peak"), 20000)


class Determinism(unittest.TestCase):
    def test_one_seed_gives_one_hash_with_adversaries_too(self):
        hashes = {json.loads(ezsim("run", SCENARIOS / "attack-majority.sim", "--seed", seed).stdout)
                  ["hash"] for seed in (3, 3, 4)}
        self.assertEqual(2, len(hashes))


class Usage(unittest.TestCase):
    def test_adversaries_need_a_kind(self):
        done = run_text("[adversary]\ncount = 1\n")
        self.assertEqual(2, done.returncode)
        self.assertIn("adversaries of no kind", done.stderr)

    def test_an_unknown_kind_is_named_by_its_line(self):
        done = run_text("[adversary]\nkind = selfish rude\n")
        self.assertEqual(2, done.returncode)
        self.assertRegex(done.stderr, r"own\.sim:2: no such kind of adversary")

    def test_a_sweep_is_over_keys_of_the_adversary(self):
        done = run_text("[sweep]\nlinks = 2 3\nnodes = 4\n")
        self.assertEqual(2, done.returncode)
        self.assertRegex(done.stderr, r"own\.sim:3: no such key here: nodes")

    def test_bad_usage_of_sweep_exits_2(self):
        for options in ([], ["x", "--duration", "0"], ["x", "--seed", "-1"], ["x", "y"]):
            done = subprocess.run([EZSIM, "sweep", *options], capture_output=True, timeout=600)
            self.assertEqual(2, done.returncode, options)


if __name__ == "__main__":
    unittest.main()
