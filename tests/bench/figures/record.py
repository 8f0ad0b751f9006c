"""What --record costs: processor time of a node for each transaction relayed to it."""
import os
import statistics

from harness import Node, until
from tools import WAIT_SECONDS, nodes_folder, post

ROUNDS = 3
POST_SECONDS = 1


def cpu_s(node):
    """Processor time of all threads so far."""
    fields = open(f"/proc/{node.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def receive(folder, record):
    """A node gets what is posted to another: microseconds of processor time and bytes recorded,
    each for one transaction."""
    options = ["--record", folder / "record", "--record-size", 4096] if record else []
    source = Node(folder / "source").start()
    node = Node(folder / "node", "--peer", source.listen, *options).start()
    try:
        until(lambda: node.peer_count() == 1, "they are connected", WAIT_SECONDS)
        before = cpu_s(node)
        count, _ = post(source, POST_SECONDS)
        until(lambda: node.pool_count() >= count, "it has them all", WAIT_SECONDS, pause=0.1)
        used = cpu_s(node) - before
    finally:
        node.stop()
        source.stop()
    size = (folder / "record").stat().st_size if record else 0
    return used / count * 1e6, size / count


def run(report):
    taken = {False: [], True: []}
    sizes = []
    with nodes_folder() as folder:
        for turn in range(ROUNDS):
            for record in (False, True):
                place = folder / f"{turn}-{record}"
                place.mkdir()
                used, size = receive(place, record)
                taken[record].append(used)
                sizes += [size] if record else []
    plain, recorded = (statistics.median(taken[record]) for record in (False, True))
    report.add("record_off_cpu_per_tx", plain, "us")
    report.add("record_on_cpu_per_tx", recorded, "us", plain, smaller_is_better=True)
    report.add("record_bytes_per_tx", statistics.median(sizes), "B")
