"""An empty node syncs from one that has the chain, over loopback."""
import collections
import os
import shutil
import time

from harness import Node, until
from tools import COINBASE_BLOCKS, WAIT_SECONDS, make_chain, nodes_folder

SIGNED_BLOCKS, SIGNED_ENTRIES = 100, 500
HASHES_OF_A_COINBASE_BLOCK = 4  # header, transaction id, leaf, view
LOOP = "ezp2p"  # the name of the main thread


def run(report):
    took, spent, source_spent = sync(report, "sync_coinbase_blocks", COINBASE_BLOCKS, 0)
    report.add("sync_coinbase_blocks", COINBASE_BLOCKS / took, "1/s",
               report.limits["sha256_96_bytes_libsodium"] / HASHES_OF_A_COINBASE_BLOCK)
    # Processor time says what to expect of an idle machine even when this one is not.
    for name, seconds in (("loop", spent[LOOP]), ("store", spent["ez-store"]),
                          ("source", sum(source_spent.values()))):
        report.add(f"sync_coinbase_blocks_{name}", seconds / COINBASE_BLOCKS * 1e6, "us/block")
    took, spent, source_spent = sync(report, "sync_signed_transactions", SIGNED_BLOCKS,
                                     SIGNED_ENTRIES)
    report.add("sync_signed_transactions", SIGNED_BLOCKS * SIGNED_ENTRIES / took, "1/s",
               "ed25519_verifications_all_cores")
    report.add("sync_signed_cpu_in_checks", spent["ez-check"], "s",
               sum(spent.values()) + sum(source_spent.values()))


def sync(report, name, blocks, entries):
    """Seconds from the start of the empty node to the tip, and what its threads and those of the
    source spent by then."""
    with nodes_folder() as folder:
        shutil.copytree(make_chain(report.build, blocks, entries), folder / "source")
        source, fresh = Node(folder / "source"), None
        try:
            source.start()
            before = thread_seconds(source)
            report.add(name + "_source_rss", source.resident_kib() / 1024, "MiB")
            fresh = Node(folder / "fresh", "--peer", source.listen)
            fresh.start()
            start = fresh.started_at
            until(lambda: fresh.height() == blocks + 1, "it is synced", WAIT_SECONDS, 0.02)
            took = time.monotonic() - start
            report.add(name + "_rss", fresh.resident_kib() / 1024, "MiB")
            spent = thread_seconds(fresh), thread_seconds(source) - before
        finally:
            for node in filter(None, (source, fresh)):
                node.stop()
    return took, *spent


def thread_seconds(node):
    """{thread name: processor time}; threads of one name are added up."""
    seconds = collections.Counter()
    tasks = f"/proc/{node.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm") as name, open(f"{tasks}/{task}/schedstat") as times:
            seconds[name.read().strip()] += int(times.read().split()[0]) / 1e9
    return seconds
