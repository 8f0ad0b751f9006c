"""An empty node syncs from one that has the chain, over loopback."""
import shutil
import time

from harness import Node, until
from tools import COINBASE_BLOCKS, WAIT_SECONDS, make_chain, nodes_folder

SIGNED_BLOCKS, SIGNED_ENTRIES = 100, 100  # 10,000 signed transactions
HASHES_OF_A_COINBASE_BLOCK = 4  # header, transaction id, leaf, view


def run(report):
    took = sync(report, "sync_coinbase_blocks", COINBASE_BLOCKS, 0)
    report.add("sync_coinbase_blocks", COINBASE_BLOCKS / took, "1/s",
               report.limits["sha256_96_bytes_libsodium"] / HASHES_OF_A_COINBASE_BLOCK)
    took = sync(report, "sync_signed_transactions", SIGNED_BLOCKS, SIGNED_ENTRIES)
    report.add("sync_signed_transactions", SIGNED_BLOCKS * SIGNED_ENTRIES / took, "1/s",
               "ed25519_verifications_all_cores")


def sync(report, name, blocks, entries):
    """Seconds from the start of the empty node to the tip."""
    with nodes_folder() as folder:
        shutil.copytree(make_chain(report.build, blocks, entries), folder / "source")
        source, fresh = Node(folder / "source"), None
        try:
            source.start()
            report.add(name + "_source_rss", source.resident_kib() / 1024, "MiB")
            fresh = Node(folder / "fresh", "--peer", source.listen)
            fresh.start()
            start = fresh.started_at
            until(lambda: fresh.height() == blocks + 1, "it is synced", WAIT_SECONDS, 0.02)
            took = time.monotonic() - start
            report.add(name + "_rss", fresh.resident_kib() / 1024, "MiB")
        finally:
            for node in filter(None, (source, fresh)):
                node.stop()
    return took
