"""What a node keeps resident, and how much of it is its own: idle, in a swarm, with what it holds."""
import contextlib
import shutil

from harness import Node, Swarm
from tools import make_chain, nodes_folder, post
from wire import Peer

NODES = 10
SWARM_BLOCKS, SWARM_ENTRIES = 20, 20  # entries in each of the blocks
CHAINS = (10_000, 100_000)
PEERS = 64
POOLED = 10_000
POST_SECONDS = 2


def run(report):
    with nodes_folder() as folder:
        ten_nodes(report, folder)
        chains(report, folder)
        with started(folder / "peers", "--inbound", str(PEERS)) as node:
            before = own_kib(node)
            peers = [Peer(node) for _ in range(PEERS)]
            for peer in peers:
                peer.shake()
            report.add("memory_per_idle_peer", (own_kib(node) - before) * 1024 / PEERS, "B")
            for peer in peers:
                peer.close()
        with started(folder / "pool") as node:
            before, pooled = own_kib(node), 0
            while pooled < POOLED:
                pooled += post(node, POST_SECONDS)
            report.add("memory_per_pooled_transaction", (own_kib(node) - before) * 1024 / pooled,
                       "B")


def ten_nodes(report, folder):
    """After some traffic; the largest of ten."""
    swarm = Swarm(folder / "swarm").grow(NODES, lambda index: range(max(index - 3, 0), index))
    try:
        swarm.wait_connected(peers=3)
        for block in range(SWARM_BLOCKS):
            for entry in range(SWARM_ENTRIES):
                swarm[(block + entry) % NODES].entry("memory", "bench", 1)
            swarm[block % NODES].mine()
        swarm.wait_agreed()
        add_largest(report, "memory_ten_nodes", swarm)
    finally:
        swarm.stop()


def chains(report, folder):
    """A node that has started over a chain, and what each block of it takes."""
    own = []
    for blocks in CHAINS:
        data = folder / f"chain{blocks}"
        shutil.copytree(make_chain(report.build, blocks, 0), data)
        with started(data) as node:
            add_largest(report, f"memory_{blocks}_blocks", [node])
            own.append(own_kib(node))
        shutil.rmtree(data)
    report.add("memory_per_block", (own[-1] - own[0]) * 1024 / (CHAINS[-1] - CHAINS[0]), "B")


def add_largest(report, name, nodes):
    resident, own = zip(*(node.memory_kib() for node in nodes))
    report.add(name + "_resident", max(resident) / 1024, "MiB")
    report.add(name + "_private", max(own) / 1024, "MiB")


def own_kib(node):
    return node.memory_kib()[1]


@contextlib.contextmanager
def started(data, *options):
    node = Node(data, *options).start()
    try:
        yield node
    finally:
        node.stop()
