"""The tables of a run and the pictures drawn from them."""
import csv
import os
import pathlib
import subprocess
import tempfile
import unittest

EZSIM = os.environ["EZSIM_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
# Two halves mine for themselves, so that some blocks lose; 21 blocks in all.
SCENARIO = """nodes = 6
duration = 30
[topology]
links = 4
[traffic]
rate = 2
[timeline]
at = 5 block
at = 10 partition 50%
every = 11 20 1 block
at = 21 heal
every = 22 29 1 block
"""


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        scenario = pathlib.Path(cls.folder.name, "halves.sim")
        scenario.write_text(SCENARIO)
        cls.data = pathlib.Path(cls.folder.name, "halves")
        subprocess.run([EZSIM, "run", scenario, "--seed", "3", "--data", cls.data], check=True,
                       capture_output=True, timeout=600)

    def test_every_block_hangs_on_an_earlier_one_of_the_height_below(self):
        blocks = rows(self.data / "blocks.tsv")
        self.assertGreaterEqual(len(blocks), 19)
        for block in blocks:
            self.assertEqual(int(block["height"]), int(block["parent_height"]) + 1)
            self.assertGreater(float(block["seconds"]), float(block["parent_seconds"]))
        self.assertEqual(len(blocks), len({block["id"] for block in blocks}))

    def test_the_final_chain_has_one_block_a_height_and_the_partition_left_some_beside_it(self):
        blocks = rows(self.data / "blocks.tsv")
        active = [int(block["height"]) for block in blocks if block["active"] == "1"]
        self.assertEqual(sorted(active), list(range(2, max(active) + 1)))
        self.assertLess(len(active), len(blocks))

    def test_arrivals_grow_to_a_hundred_per_cent(self):
        for kind in ("block", "transaction"):
            share = [float(row["percent"]) for row in rows(self.data / "propagation.tsv")
                     if row["kind"] == kind]
            self.assertEqual(share, sorted(share))
            self.assertEqual(100, share[-1])

    def test_there_is_a_row_for_every_second(self):
        seconds = rows(self.data / "seconds.tsv")
        self.assertEqual([int(row["second"]) for row in seconds], list(range(1, 31)))
        self.assertTrue(all(row["up"] == "6" for row in seconds))
        self.assertGreater(sum(int(row["bytes_mean"]) for row in seconds), 0)

    def test_pictures_are_drawn_from_the_tables(self):
        for kind, option in (("svg", []), ("png", ["--png"])):
            out = pathlib.Path(self.folder.name, kind)
            done = subprocess.run([ROOT / "simnet/plot.sh", self.data, "--out", out, *option],
                                  capture_output=True, text=True, timeout=600)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(done.stdout.split(), [str(out / f"{name}.{kind}")
                                                   for name in ("propagation", "forks", "bandwidth")])
            for path in done.stdout.split():
                begin = pathlib.Path(path).read_bytes()[:200]
                self.assertTrue(begin.startswith(b"\x89PNG") if option else b"<?xml" in begin, path)

    def test_the_scale_curves_are_drawn_from_a_table_of_the_bench(self):
        table = pathlib.Path(self.folder.name, "scale.tsv")
        table.write_text("# processes\n10\t1\t2\t3\t4\t1\t1000\t5000\n20\t1\t2\t3\t4\t1\t1000\t5000\n"
                         "\n\n# simulated\n100\t1\t2\t3\t4\t1\t1000\t50\n")
        done = subprocess.run([ROOT / "simnet/plot.sh", table, "--out", self.folder.name],
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(0, done.returncode, done.stderr)
        picture = pathlib.Path(self.folder.name, "scale.svg")
        self.assertEqual(done.stdout.split(), [str(picture)])
        self.assertIn("simulated", picture.read_text())

    def test_a_folder_that_cannot_be_written_is_an_error(self):
        scenario = pathlib.Path(self.folder.name, "halves.sim")
        done = subprocess.run([EZSIM, "run", scenario, "--data", "/dev/null/x"],
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot write to /dev/null/x", done.stderr)


# How long a sweep runs for, of which only the picture is looked at here.
SWEEP_SECONDS = "300" if os.environ.get("EZ_TEST_SANITIZE") else "1500"


class Sweeps(unittest.TestCase):
    def picture_of(self, name, *options, shorter=("", "")):
        with tempfile.TemporaryDirectory() as folder:
            scenario = pathlib.Path(folder, f"{name}.sim")
            table = pathlib.Path(folder, "sweep.tsv")
            picture = pathlib.Path(folder, "picture.svg")
            text = (ROOT / f"simnet/scenarios/attack-{name}.sim").read_text()
            self.assertIn(shorter[0], text)
            scenario.write_text(text.replace(*shorter))
            with open(table, "w") as file:  # that it is too short for its assertions is no matter
                subprocess.run([EZSIM, "sweep", scenario, "--tsv", *options], stdout=file,
                               stderr=subprocess.DEVNULL, timeout=600)
            done = subprocess.run(["gnuplot", "-c", f"{name}.gp", table, picture, "svg", name],
                                  cwd=ROOT / "simnet/plots", capture_output=True, text=True,
                                  timeout=600)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            return rows(table), picture.read_text()

    def test_selfish_mining_is_drawn_beside_its_curves(self):
        points, picture = self.picture_of("selfish", "--duration", SWEEP_SECONDS)
        self.assertEqual(24, len(points))
        self.assertTrue(all(0 <= float(row["measured"]) <= 1 for row in points))
        self.assertIn("expected at gamma 0.00", picture)

    def test_double_spends_and_eclipses_are_drawn(self):
        points, picture = self.picture_of("double-spend", "--duration", SWEEP_SECONDS)
        self.assertEqual(12, len(points))
        self.assertIn("30 % of the hash rate", picture)
        points, picture = self.picture_of("eclipse", "--nodes", "12",
                                          shorter=("until = 195", "until = 75"))
        self.assertEqual(7, len(points))
        self.assertIn("network groups", picture)


if __name__ == "__main__":
    unittest.main()
