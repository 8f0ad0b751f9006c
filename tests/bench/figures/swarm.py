"""Ten processes with traffic, as simnet/run.sh starts them."""
import json
import subprocess
import sys

from harness import ROOT, clean_environment

NODES = 10
SECONDS = 60


def run(report):
    result = subprocess.run(
        [sys.executable, "-B", ROOT / "simnet/swarm.py", "--binary", report.build / "ezp2p",
         str(NODES), "--for", str(SECONDS), "--tx-rate", "50", "--json"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
    summary = json.loads(result.stdout)
    hop_ms = report.limits["loopback_round_trip"] / 1000
    report.add("swarm_connected", summary["connected_s"], "s")
    for kind in ("block", "tx"):
        for rank in ("p50", "p99"):
            report.add(f"swarm_{kind}_{rank}", summary[f"{kind}_ms"][rank], "ms", hop_ms, True)
    report.add("swarm_copies", summary["copies"], "copies", 1, True)
    report.add("swarm_bytes_between_nodes_per_tx",
               round(summary["bytes"] / max(summary["tx_accepted"], 1)), "B")
    report.add("swarm_rss_max", summary["rss_mib_max"], "MiB")
    report.add("swarm_tx_lost", summary["tx_accepted"] - summary["tx_in_chain"], "transactions")
