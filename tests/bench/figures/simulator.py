"""How fast the simulator is, and what it takes to hold many nodes.

One block through a random graph of 8 links a node; fifty nodes on an ordinary day, in virtual
seconds to one of the processor; random small networks on all processors, in network-hours to a real
minute. A single run keeps one processor busy, so its processor time is the real time of an idle
machine."""
import json
import subprocess

from harness import ROOT, clean_environment

SIZES = (100, 1_000, 10_000)
SECONDS_MAX, MIB_MAX = 60, 4096  # for 10,000 nodes
FACTOR_MIN = 1_000  # times real time, of the fifty
RUNS = 3  # the median counts
SEEDS = 60
HOURS_MIN = 100 / 6  # a minute: a hundred in six


def run(report):
    for size in SIZES:
        out = ezsim(report, "run", ROOT / "simnet/scenarios/scale.sim", "--nodes", size)
        last = size == SIZES[-1]
        report.add(f"simulator_{size}_events", out["events"], "events")
        report.add(f"simulator_{size}_seconds", out["cpu_ms"] / 1000, "s",
                   SECONDS_MAX if last else None, True)
        report.add(f"simulator_{size}_memory", out["memory_kib"] / 1024, "MiB",
                   MIB_MAX if last else None, True)
    runs = [ezsim(report, "run", ROOT / "simnet/scenarios/everyday.sim") for _ in range(RUNS)]
    cpu_ms = sorted(out["cpu_ms"] for out in runs)[RUNS // 2]
    report.add("simulator_50_nodes_speed", runs[0]["virtual_ms"] / cpu_ms, "x real time",
               FACTOR_MIN)
    swarm = ezsim(report, "swarm", "--seeds", SEEDS)
    report.add("simulator_swarm_speed", swarm["virtual_hours"] / (swarm["real_ms"] / 60_000),
               "hours/min", HOURS_MIN)


def ezsim(report, *options):
    command = [report.build / "simnet/ezsim", *map(str, options), "--json"]
    return json.loads(subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, env=clean_environment()).stdout)
