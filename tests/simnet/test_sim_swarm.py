"""Random networks and faults by the thousand (ezsim swarm). EZ_SWARM_SEEDS says how many."""
import json
import os
import subprocess
import tempfile
import unittest

EZSIM = os.environ["EZSIM_BIN"]
SEEDS = int(os.environ.get("EZ_SWARM_SEEDS", "1000"))
HOURS_PER_SEED = 0.1  # of virtual time, at least


class Seeds(unittest.TestCase):
    def test_all_checks_pass(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([EZSIM, "swarm", "--seeds", str(SEEDS), "--json", "--out", folder],
                                  capture_output=True, text=True, timeout=840)
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as shrunk:
                    print(f"--- {name}\n{shrunk.read()}---")
        self.assertEqual(0, done.returncode, done.stderr)
        swarm = json.loads(done.stdout)
        print(f"{swarm['runs']} seeds, {swarm['virtual_hours']} network-hours, "
              f"{swarm['events']} events, {swarm['real_ms'] / 1000:.0f} s, hash {swarm['hash']}")
        self.assertEqual(SEEDS, swarm["runs"])
        self.assertEqual(0, swarm["failed"])
        self.assertGreaterEqual(swarm["virtual_hours"], SEEDS * HOURS_PER_SEED)
        if SEEDS >= 50:
            for word, count in swarm["actions"].items():
                self.assertGreater(count, 0, word)


if __name__ == "__main__":
    unittest.main()
