"""What a node keeps resident."""
import shutil

from harness import Node
from tools import COINBASE_BLOCKS, make_chain, nodes_folder


def run(report):
    with nodes_folder() as folder:
        node = Node(folder / "empty").start()
        report.add("memory_idle_empty", node.resident_kib() / 1024, "MiB")
        node.stop()
        shutil.copytree(make_chain(report.build, COINBASE_BLOCKS, 0), folder / "full")
        node = Node(folder / "full").start()
        report.add(f"memory_idle_{COINBASE_BLOCKS}_blocks", node.resident_kib() / 1024, "MiB")
        node.stop()
