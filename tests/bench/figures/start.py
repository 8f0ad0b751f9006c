"""How long a node takes from exec to `ready`, and ten of them until they are connected."""
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from harness import ROOT, Node, clean_environment
from tools import nodes_folder

ROUNDS = 20
SWARMS = 5
NODES = 10


def run(report):
    """Rounds in turn, so that whatever else the machine does meets all of them alike."""
    times = {"true": [], "listener": [], "first": [], "again": []}
    with nodes_folder() as folder:
        for i in range(ROUNDS):
            times["true"].append(run_to_end("/bin/true"))
            times["listener"].append(run_listener(report.build, folder / f"listener{i}"))
            node = Node(folder / f"node{i}")
            for name in ("first", "again"):
                times[name].append(run_node(node, folder / f"{name}{i}"))
    ms = {name: 1000 * statistics.median(taken) for name, taken in times.items()}
    report.add("start_empty_program", ms["true"], "ms")
    report.add("start_listener_on_libevent", ms["listener"], "ms")
    report.add("start_node_again", ms["again"], "ms", ms["listener"], True)
    report.add("start_node_in_empty_folder", ms["first"], "ms", ms["listener"], True)
    connected = [1000 * run_swarm(report) for _ in range(SWARMS)]
    report.add("start_swarm_of_ten_connected", statistics.median(connected), "ms",
               NODES * ms["listener"] / os.cpu_count(), True)


def run_to_end(program):
    begun = time.monotonic()
    subprocess.run([program], check=True)
    return time.monotonic() - begun


def seconds_to_notice(address, start):
    """From before start() until somebody says READY=1 to `address`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(60)
        begun = time.monotonic()
        start()
        assert manager.recv(100) == b"READY=1"
        return time.monotonic() - begun


def run_listener(build, address):
    processes = []
    taken = seconds_to_notice(address, lambda: processes.append(
        subprocess.Popen([build / "tests/bench/listener", address])))
    processes[0].kill()
    processes[0].wait()
    return taken


def run_node(node, address):
    environment = {**clean_environment(), "NOTIFY_SOCKET": str(address)}
    taken = seconds_to_notice(address, lambda: node.spawn(env=environment))
    node.stop()
    return taken


def run_swarm(report):
    result = subprocess.run(
        [sys.executable, "-B", ROOT / "simnet/swarm.py", "--binary", report.build / "ezp2p",
         str(NODES), "--for", "0.1", "--json"],
        text=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=clean_environment())
    return json.loads(result.stdout)["connected_s"]
