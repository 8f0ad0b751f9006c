"""How late the event loop comes round while the node syncs, mines and takes 2,000 posts a second."""
import os
import shutil

from harness import Node, until
from tools import COINBASE_BLOCKS, POST_LUA, make_chain, metric, nodes_folder, wrk

PACED_LUA = POST_LUA.with_name("paced_post.lua")
CONNECTIONS = 20  # each posts a hundred times a second at most
SECONDS = 10  # below EZ_POOL_SIGNER_MAX entries
LAG_MS = 5  # what the 99th percentile is to stay below


def run(report):
    cores = os.cpu_count()
    with nodes_folder() as folder:
        for name, blocks, entries in (("coinbase", COINBASE_BLOCKS, 0), ("signed", 100, 100)):
            shutil.copytree(make_chain(report.build, blocks, entries), folder / name)
            source = Node(folder / name).start()
            fresh = Node(folder / f"{name}-fresh", f"--mine={cores}", "--peer", source.listen)
            try:
                measure(report, f"loop_sync_{name}", fresh.start(), 2)
                until(lambda: fresh.height() > blocks, "it is synced", 600)
            finally:
                fresh.stop()
                source.stop()
        miner = Node(folder / "miner", f"--mine={cores}")
        try:
            measure(report, "loop_mine", miner.start(), SECONDS)
        finally:
            miner.stop()


def measure(report, name, node, seconds):
    """A node that was just started, so that all of its samples are of this."""
    load = wrk(node, "/transactions/new", seconds, PACED_LUA, CONNECTIONS)
    report.add(name + "_posts", load.rate, "1/s")
    for rank in ("p50", "p99", "max"):
        lag_ms = 1000 * metric(node, f"ezp2p_loop_lag_{rank}_seconds")
        report.add(f"{name}_lag_{rank}", lag_ms, "ms", LAG_MS if rank == "p99" else None, True)
