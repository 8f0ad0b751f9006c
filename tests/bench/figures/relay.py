"""Transactions posted to one node as fast as it takes them, until all ten have them."""
import time

from harness import Swarm, until
from tools import WAIT_SECONDS, nodes_folder, post

NODES = 10
POST_SECONDS = 2  # longer runs meet EZ_POOL_SIGNER_MAX: all notes are signed by one node's key


def run(report):
    with nodes_folder() as folder:
        swarm = Swarm(folder).grow(NODES, lambda index: range(max(index - 3, 0), index))
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
    report.add("relay_posted_to_one", accepted / posted_s, "1/s", "ed25519_signatures")
    # Each of the ten checks each signature, on the processors they share.
    report.add("relay_into_all_ten", accepted / took, "1/s",
               report.limits["ed25519_verifications_all_cores"] / NODES)
