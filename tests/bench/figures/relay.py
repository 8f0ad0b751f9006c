"""Transactions by each relay strategy: copies, time and bytes; and posted as fast as one node takes.

Ten processes with four links each, and a thousand simulated nodes with eight; both after the nodes
have relayed a few from each source, as they have in a network that is not new. Times and bytes have
those of flooding as their limit, copies have 1."""
import json
import pathlib
import subprocess
import time

from harness import Swarm, clean_environment, until
from spread import percentile
from tools import WAIT_SECONDS, metric, nodes_folder, post

from figures.propagation import Watch, link, post_many

NODES = 10
STRATEGIES = ("flood", "inv", "tree")
WARM_UP = 4  # from each node: the first grows its tree
ROUNDS = 100
PAUSE_S = 0.03
POST_SECONDS = 2  # longer runs meet EZ_POOL_SIGNER_MAX: all notes are signed by one node's key
SCENARIO = pathlib.Path(__file__).resolve().parents[1] / "relay.sim"


def run(report):
    compare(report, "processes", processes)
    compare(report, "simulated", simulated)
    for strategy in STRATEGIES:
        as_fast_as_they_go(report, strategy)


def compare(report, where, measure):
    flood = None
    for strategy in STRATEGIES:
        copies, p50, p99, size = measure(report, strategy)
        flood = flood or (p50, p99, size)
        name = f"relay_{where}_{strategy}"
        report.add(f"{name}_copies", copies, "copies", 1, True)
        for figure, value, unit, limit in zip(("p50", "p99", "bytes"), (p50, p99, size),
                                              ("ms", "ms", "B/transaction"), flood):
            report.add(f"{name}_{figure}", value, unit, limit, True)


def processes(report, strategy):
    """One transaction after the other, each from the next node, to all ten."""
    with nodes_folder() as folder:
        swarm = Swarm(folder, "--outbound", "0", "--relay", strategy).grow(NODES, lambda _: [])
        try:
            link(swarm)
            watch = Watch(swarm)
            for node in swarm:
                post_many(node, WARM_UP)
            until(lambda: all(node.pool_count() == WARM_UP * NODES for node in swarm),
                  "everyone has those that trees grow from")
            watch.take("transaction", "id", WARM_UP * NODES)
            before = totals(swarm)
            for round_ in range(ROUNDS):
                post_many(swarm[round_ % NODES], 1)
                time.sleep(PAUSE_S)
            took = watch.take("transaction", "id", ROUNDS)
            time.sleep(1)  # hints that are under way
            received, repeats, size = (now - then for now, then in zip(totals(swarm), before))
        finally:
            swarm.stop()
    return (received / (received - repeats), percentile(took, 50), percentile(took, 99),
            size / ROUNDS / NODES)


def totals(swarm):
    return [sum(metric(node, f"ezp2p_{name}_total") for node in swarm)
            for name in ("transactions_received", "transactions_duplicate", "net_sent_bytes")]


def simulated(report, strategy):
    """Virtual milliseconds to one node, not to all."""
    out = json.loads(subprocess.run(
        [report.build / "simnet/ezsim", "run", SCENARIO, "--relay", strategy, "--json"],
        text=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=clean_environment()).stdout)
    sent = out["tx_steady"]
    return (out["tx_copies"], out["tx_ms"]["p50"], out["tx_ms"]["p99"],
            out["bytes_per_node"] / sent)


def as_fast_as_they_go(report, strategy):
    with nodes_folder() as folder:
        swarm = Swarm(folder, "--relay", strategy).grow(
            NODES, lambda index: range(max(index - 3, 0), index))
        try:
            swarm.wait_connected(peers=3)
            start = time.monotonic()
            accepted, _ = post(swarm[0], POST_SECONDS)
            posted_s = time.monotonic() - start
            until(lambda: all(node.pool_count() == accepted for node in swarm),
                  "everyone has all of them", WAIT_SECONDS)
            took = time.monotonic() - start
        finally:
            swarm.stop()
    report.add(f"relay_{strategy}_posted_to_one", accepted / posted_s, "1/s", "ed25519_signatures")
    # Each of the ten checks each signature, on the processors they share.
    report.add(f"relay_{strategy}_into_all_ten", accepted / took, "1/s",
               report.limits["ed25519_verifications_all_cores"] / NODES)
