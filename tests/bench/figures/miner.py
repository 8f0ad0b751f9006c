"""Hashes a second of one mining thread."""
import time

from harness import Node
from tools import metric, nodes_folder

SECONDS = 5
HASHES = "ezp2p_miner_hashes_total"


def run(report):
    with nodes_folder() as folder:
        node = Node(folder / "miner", "--mine").start()
        try:
            rates = []
            hashes, then = metric(node, HASHES), time.monotonic()
            for _ in range(SECONDS):
                time.sleep(1)
                more, now = metric(node, HASHES), time.monotonic()
                rates.append((more - hashes) / (now - then))
                hashes, then = more, now
        finally:
            node.stop()
    # With the first half of the header hashed once, a proof costs one compression. OpenSSL
    # works on one stream; a miner that works on two at once can be faster.
    report.add("miner_hashes_one_thread", max(rates), "1/s", "sha256_blocks")
