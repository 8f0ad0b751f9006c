"""Requests a second against one node, by wrk."""
import shutil

from harness import Node
from tools import make_chain, metric, nodes_folder, post, wrk

GET_SECONDS = 4
POST_SECONDS = 1  # the notes of one node meet EZ_POOL_SIGNER_MAX, 25,000, soon enough
POST_CONNECTIONS = 16
CHAIN_CONNECTIONS = 8


def run(report):
    with nodes_folder() as folder:
        node = Node(folder / "node").start()
        try:
            for path in ("/livez", "/v1/status", "/v1/blocks/1"):
                load = wrk(node, path, GET_SECONDS)
                report.add(f"http_get {path}", load.rate, "1/s", "loopback_round_trips")
            posts(report, node)
        finally:
            node.stop()
    chain(report, "http_chain_1000_blocks", 1000, 0)
    chain(report, "http_chain_100_blocks_of_100", 100, 100)


def posts(report, node):
    """Entries that the node signs and answers when they are on disk."""
    before = metric(node, "ezp2p_store_commits_total")
    accepted, load = post(node, POST_SECONDS, POST_CONNECTIONS)
    commits = metric(node, "ezp2p_store_commits_total") - before
    report.add("http_post /transactions/new", accepted / POST_SECONDS, "1/s", "ed25519_signatures")
    report.add("http_post_p99", load.p99_ms, "ms")
    report.add("http_post_per_commit", accepted / commits, "entries", POST_CONNECTIONS)
    report.add("http_post_commits", commits / POST_SECONDS, "1/s", "file_syncs")


def chain(report, name, blocks, entries):
    """The original's list of all blocks."""
    with nodes_folder() as folder:
        shutil.copytree(make_chain(report.build, blocks, entries), folder / "node")
        node = Node(folder / "node").start()
        try:
            load = wrk(node, "/chain", GET_SECONDS, connections=CHAIN_CONNECTIONS)
            report.add(name, load.bytes_per_s, "B/s", "loopback_bytes")
            report.add(name + "_rss", node.resident_kib() / 1024, "MiB")
        finally:
            node.stop()
