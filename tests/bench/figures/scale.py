"""What a node costs as the network grows: processes on this machine, nodes in the simulator.

The ratio is the value of the smallest network over that of this one: 1 where a cost stays flat.
`simnet/plot.sh scale` draws the curves of the last run."""
import json
import subprocess
import sys

from harness import ROOT, clean_environment

PROCESSES = (10, 20, 50, 100)
PROCESS_SECONDS = 15
PROCESS_TX_RATE = 10
SIMULATED = (100, 1_000, 10_000)
SCENARIO = ROOT / "tests/bench/scale.sim"

# What both tell: (name, unit) in the order of a row.
COLUMNS = (("block_p50", "ms"), ("block_p99", "ms"), ("tx_p50", "ms"), ("tx_p99", "ms"),
           ("copies", "copies"), ("bytes_per_node", "B"), ("memory_per_node", "KiB"))


def run(report):
    curves = {
        "processes": curve(report, "processes", PROCESSES, processes),
        "simulated": curve(report, "simulated", SIMULATED, simulated),
    }
    write_table(report.build / "scale.tsv", curves)


def curve(report, kind, sizes, measure):
    """Measure each size; [(size, values in the order of COLUMNS)]."""
    rows = []
    for size in sizes:
        values = measure(report, size)
        smallest = rows[0][1] if rows else values
        for (name, unit), value, first in zip(COLUMNS, values, smallest):
            report.add(f"scale_{size}_{kind}_{name}", value, unit, first, True)
        rows.append((size, values))
    return rows


def processes(report, size):
    """As simnet/run.sh starts them. They share the processors, so times grow with their number."""
    out = run_json([sys.executable, "-B", ROOT / "simnet/swarm.py",
                    "--binary", report.build / "ezp2p", str(size), "--for", str(PROCESS_SECONDS),
                    "--tx-rate", str(PROCESS_TX_RATE), "--json"])
    return (out["block_ms"]["p50"], out["block_ms"]["p99"], out["tx_ms"]["p50"],
            out["tx_ms"]["p99"], out["copies"], round(out["bytes"] / size),
            round(out["rss_mib_max"] * 1024))


def simulated(report, size):
    """Virtual milliseconds: computing takes none there, only links do."""
    out = run_json([report.build / "simnet/ezsim", "run", SCENARIO, "--nodes", str(size), "--json"])
    return (out["block_ms"]["p50"], out["block_ms"]["p99"], out["tx_ms"]["p50"],
            out["tx_ms"]["p99"], out["tx_copies"], out["bytes_per_node"],
            round(out["memory_kib"] / size))


def run_json(command):
    return json.loads(subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, env=clean_environment()).stdout)


def write_table(path, curves):
    """For gnuplot: a block of lines for each kind, two empty lines between them."""
    with open(path, "w") as file:
        for kind, rows in curves.items():
            file.write("\t".join(["# " + kind, *(name for name, _ in COLUMNS)]) + "\n")
            for size, values in rows:
                file.write("\t".join(map(str, (size, *values))) + "\n")
            file.write("\n\n")
