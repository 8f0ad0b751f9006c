"""A block and a transaction from one process to nine others, beside bare forwarding processes.

Where others work on the machine too, `chrt -f 10 tests/bench/run.sh propagation` (as root) keeps
them out of the figures."""
import http.client
import json
import statistics
import subprocess
import time

from harness import Swarm, until
from spread import Spread, percentile
from tools import nodes_folder

NODES = 10
OFFSETS = (1, 4)  # of the neighbours that a node dials in the ring: four links each, as in forward.c
ROUNDS = 60
FULL_ROUNDS = 12
FULL_ENTRIES = 1000
QUIET_S = 0.03  # for what the nodes do after a round, such as writing it to disk
EMPTY_BYTES = 300  # of the announcement of an empty block, and of a transaction
SHORT_ID_BYTES = 8


def run(report):
    floors = {"empty": [], "full": [], "tx": []}
    with nodes_folder() as folder:
        swarm = Swarm(folder, "--outbound", "0").grow(NODES, lambda index: [])
        try:
            link(swarm)
            watch = Watch(swarm)
            measured = {"empty": [], "full": [], "tx": []}
            # The floor in between, so that both meet the same company on the machine.
            for part in range(4):
                measured["empty"] += blocks(swarm, watch, part, ROUNDS // 4)
                floors["empty"] += forward(report, ROUNDS, EMPTY_BYTES, 0)
                measured["tx"] += transactions(swarm, watch, part, ROUNDS // 4)
                floors["tx"] += forward(report, ROUNDS, EMPTY_BYTES, 1)
                measured["full"] += full_blocks(swarm, watch, part, FULL_ROUNDS // 4)
                floors["full"] += forward(report, ROUNDS,
                                          EMPTY_BYTES + FULL_ENTRIES * SHORT_ID_BYTES, 0)
        finally:
            swarm.stop()
    for kind, name in (("empty", "empty_block"), ("full", f"block_of_{FULL_ENTRIES}"),
                       ("tx", "transaction")):
        for rank in (50, 99):
            report.add(f"propagation_{name}_p{rank}", percentile(measured[kind], rank), "ms",
                       percentile(floors[kind], rank), True)


def link(swarm):
    """Each node to its neighbours in the ring, and no other links."""
    for index, node in enumerate(swarm):
        addresses = [f"tcp://{swarm[(index + offset) % NODES].listen}" for offset in OFFSETS]
        node.post("/nodes/register", {"nodes": addresses})
    until(lambda: all(node.peer_count() == 2 * len(OFFSETS) for node in swarm),
          "every node has its links")


def blocks(swarm, watch, part, rounds):
    for round_ in range(rounds):
        swarm[(part + 3 * round_) % NODES].mine()
        time.sleep(QUIET_S)
    return watch.take("block", "hash", rounds)


def transactions(swarm, watch, part, rounds):
    for round_ in range(rounds):
        swarm[(part + 3 * round_) % NODES].entry("bench", "propagation", 1)
        time.sleep(QUIET_S)
    took = watch.take("transaction", "id", rounds)
    swarm[0].mine()  # empties the pools
    watch.take("block", "hash", 1)
    return took


def full_blocks(swarm, watch, part, rounds):
    took = []
    for round_ in range(rounds):
        poster = swarm[(part + round_) % NODES]
        post_many(poster, FULL_ENTRIES)
        until(lambda: all(node.pool_count() == FULL_ENTRIES for node in swarm),
              "everyone has the transactions")
        time.sleep(10 * QUIET_S)
        swarm[(part + round_ + 5) % NODES].mine()
        time.sleep(10 * QUIET_S)
        took += watch.take("block", "hash", 1)
    return took


def post_many(node, count):
    host, _, port = node.http.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port))
    entry = json.dumps({"sender": "bench", "recipient": "propagation", "amount": 1})
    for _ in range(count):
        connection.request("POST", "/transactions/new", entry,
                           {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    connection.close()


def forward(report, rounds, size, checks):
    """Milliseconds of the bare forwarders."""
    out = subprocess.run([report.build / "tests/bench/forward", str(NODES), str(rounds), str(size),
                          str(checks)], text=True, check=True, stdout=subprocess.PIPE).stdout
    return [int(line) / 1000 for line in out.split()]


class Watch:
    """What the nodes say they saw and when. Asked for afterwards, by resuming each node's stream of
    events, so that nobody else is woken while the news are on their way."""

    def __init__(self, swarm):
        self.swarm = swarm
        self.last_ids = ["0"] * len(swarm)

    def take(self, kind, key, count):
        """Milliseconds from first to last sight of each of the `count` newest things."""
        spread = Spread(len(self.swarm))
        for index, node in enumerate(self.swarm):
            for event in self.events(index, node, kind, key, count):
                spread.seen(event[key], index, event["at_us"])
        assert len(spread.done_ms) == count, f"{len(spread.done_ms)} of {count} {kind}s arrived"
        return spread.done_ms

    def events(self, index, node, kind, key, count):
        host, _, port = node.http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", f"/v1/events?types={kind}", headers={
            "Last-Event-ID": self.last_ids[index]})
        stream, seen, name = connection.getresponse(), [], None
        while len(seen) < count:
            field, _, value = stream.readline().decode().strip().partition(": ")
            if field == "id":
                self.last_ids[index] = value
            elif field == "event":
                name = value
            elif field == "data" and name == kind:
                seen.append(json.loads(value))
        connection.close()
        return seen
