"""Requests a second against one node, by wrk."""
import time

from harness import Node
from tools import nodes_folder, post, wrk

GET_SECONDS = 5
POST_SECONDS = 2  # longer runs meet EZ_POOL_SIGNER_MAX


def run(report):
    with nodes_folder() as folder:
        node = Node(folder / "node").start()
        try:
            for path in ("/livez", "/v1/status", "/v1/blocks/1"):
                rate, _ = wrk(node, path, GET_SECONDS)
                report.add(f"http_get {path}", rate, "1/s", "loopback_round_trips")
            start = time.monotonic()
            accepted = post(node, POST_SECONDS)
            report.add("http_post /transactions/new", accepted / (time.monotonic() - start), "1/s",
                       "ed25519_signatures")
            report.add("http_post_per_file_sync", accepted / POST_SECONDS, "1/s", "file_syncs")
        finally:
            node.stop()
