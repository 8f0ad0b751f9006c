"""Proofs a second on one thread: by each set of instructions, and by a node that mines."""
import json
import os
import pathlib
import re
import subprocess
import time

from harness import Node
from tools import metric, nodes_folder

SECONDS = 5
HASHES = "ezp2p_miner_hashes_total"


def run(report):
    rates = scan_rates(report)
    # The limit of this machine: the instructions that a proof takes at least with the SHA
    # extensions, none waiting for another; and those of SHA alone.
    alone = rates.pop("sha_instructions", None)
    limit = rates.pop("sha_instructions_and_sums", None)
    for name, rate in rates.items():
        report.add(f"miner_scan_{name}", rate, "1/s", limit)
    if alone:
        report.add("miner_limit_to_sha_instructions", limit, "1/s", alone)
    rate, version = mine()
    report.add(f"miner_node_{version}", rate, "1/s", rates[version])
    # OpenSSL hashes a stream: each compression waits for the one before.
    report.add("miner_node_to_openssl", rate, "1/s", "sha256_blocks")


def scan_rates(report):
    out = subprocess.run([report.build / "tests/bench/miner_scan"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return {row["name"]: row["value"] for row in map(json.loads, out.splitlines())}


def mine():
    """Hashes for each second that the mining thread has run, and what it searched with. Of network
    classic a thread finds hundreds of blocks a second, and waits for the next one each time."""
    with nodes_folder() as folder:
        node = Node(folder / "miner", "--mine").start()
        try:
            hashes, ran = metric(node, HASHES), thread_seconds(node, "ez-miner")
            time.sleep(SECONDS)
            hashes = metric(node, HASHES) - hashes
            ran = thread_seconds(node, "ez-miner") - ran
            version = re.search(r'^ezp2p_miner_info\{version="([^"]+)"\} 1$',
                                node.get("/metrics").text, re.MULTILINE).group(1)
        finally:
            node.stop()
    return hashes / ran, version


def thread_seconds(node, name):
    """Processor time of the node's threads of this name."""
    seconds = 0
    for task in pathlib.Path(f"/proc/{node.process.pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)
        if fields[0].endswith("(" + name):
            user, system = fields[1].split()[11:13]
            seconds += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return seconds
