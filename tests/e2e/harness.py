"""Real ezp2p processes for end-to-end tests.

    class Rest(NodeCase):
        def test_status_names_the_network(self):
            node = self.start_node()
            self.assertEqual(node.get("/v1/status").json()["network"], "classic")

Nodes live in temporary directories on free loopback ports and end with their test; when the test
fails, the end of each node's log is shown. Tests wait for states, with generous bounds (`until`),
and never for time to pass. Ports come from the kernel; one that is needed before there is a socket
on it is held (hold_port). The binary is $EZP2P_BIN, else build/dev/ezp2p or build/release/ezp2p.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "simnet"))

from node_process import NodeError, NodeProcess, hold_port  # noqa: E402

WAIT_SECONDS = 60.0  # for a state that normally comes in well under a second
HTTP_SECONDS = 60.0
PROGRAM_SECONDS = 300.0  # for a whole life of a process

__all__ = ["Node", "NodeCase", "NodeError", "Response", "Swarm", "binary", "clean_environment",
           "hold_port", "run_program", "until"]


def binary():
    """Path of the program under test."""
    given = os.environ.get("EZP2P_BIN")
    if given:
        return pathlib.Path(given)
    for folder in ("dev", "release"):
        path = ROOT / "build" / folder / "ezp2p"
        if path.exists():
            return path
    raise FileNotFoundError("no ezp2p: build it, or name it in EZP2P_BIN")


def clean_environment():
    """The environment without EZP2P_ variables: to the node each of them is an option."""
    return {key: value for key, value in os.environ.items() if not key.startswith("EZP2P_")}


def run_program(*arguments, seconds=PROGRAM_SECONDS, env=None, **options):
    """Run ezp2p to its end; a CompletedProcess with text in stdout and stderr. `env` is added to
    the clean environment."""
    return subprocess.run([str(binary()), *map(str, arguments)], timeout=seconds, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**clean_environment(), **(env or {})}, **options)


def until(claim, what, seconds=WAIT_SECONDS, pause=0.01):
    """Wait until claim() is true and return its value; AssertionError naming `what` otherwise. A
    connection that fails inside claim() counts as "not yet": nodes come and go."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = claim()
            if last:
                return last
        except (OSError, http.client.HTTPException) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what} (last seen: {last!r})")
        time.sleep(pause)


class Response:
    """An HTTP answer: status, headers (http.client's message, case-insensitive), body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.text[:300]!r}>"


class Node(NodeProcess):
    """A node with an HTTP client. `Node(directory, "--mine")` is not started yet."""

    def __init__(self, directory, *options, **addresses):
        super().__init__(binary(), directory, [str(option) for option in options], **addresses)
        self.exit_codes = {0, -signal.SIGKILL}  # what its end may look like when the test is over

    # ---- life ---------------------------------------------------------------------------

    def start(self, seconds=WAIT_SECONDS, env=None):
        self.spawn(env={**clean_environment(), **(env or {})})
        self.wait_ready(seconds)
        return self

    def stop(self, seconds=WAIT_SECONDS):
        return super().stop(seconds)

    def restart(self):
        """Stop cleanly and start again over the same directory and ports."""
        code = self.stop()
        assert code == 0, f"{self.exit_text()} instead of a clean stop\n{self.log_tail()}"
        return self.start()

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    # ---- HTTP ---------------------------------------------------------------------------

    @staticmethod
    def split(endpoint):
        host, _, port = endpoint.rpartition(":")
        return host.strip("[]"), int(port)

    def request(self, method, path, body=None, headers=None, seconds=HTTP_SECONDS):
        """One request over a connection of its own. A dict or list as `body` is sent as JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        host, port = self.split(self.http)
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def raw(self, data, seconds=HTTP_SECONDS, half_close=False):
        """Send `data` as it is to the REST port; all bytes that come back until the node closes.
        Raises TimeoutError when it neither answers nor closes. Put "Connection: close" in the
        request, or break its rules, if you want an end."""
        with socket.create_connection(self.split(self.http), timeout=seconds) as connection:
            received = bytearray()
            try:
                connection.sendall(data)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was sent: what it answered still counts
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except ConnectionResetError:
                pass
            return bytes(received)

    def p2p_socket(self, seconds=HTTP_SECONDS):
        """A raw TCP connection to the port for peers."""
        return socket.create_connection(self.split(self.listen), timeout=seconds)

    # ---- what people ask ------------------------------------------------------------------

    def status(self):
        answer = self.get("/v1/status")
        assert answer.status == 200, answer
        return answer.json()

    def tip(self):
        """Hash of the best block."""
        return self.status()["tip"]["hash"]

    def height(self):
        return self.status()["tip"]["height"]

    def peer_count(self):
        peers = self.status()["peers"]
        return peers["inbound"] + peers["outbound"]

    def pool_count(self):
        return self.status()["mempool"]["count"]

    def mine(self):
        """GET /mine: one block, found by this node."""
        answer = self.get("/mine")
        assert answer.status == 200, answer
        return answer.json()

    def entry(self, sender, recipient, amount):
        """POST /transactions/new, which must be accepted."""
        answer = self.post("/transactions/new",
                           {"sender": sender, "recipient": recipient, "amount": amount})
        assert answer.status == 201, answer
        return answer.json()

    def chain(self):
        answer = self.get("/chain")
        assert answer.status == 200, answer
        return answer.json()["chain"]

    def entries(self):
        """Every (sender, recipient, amount) of the chain, rewards left out, in order."""
        return [(entry["sender"], entry["recipient"], entry["amount"])
                for block in self.chain() for entry in block["transactions"]
                if entry["sender"] != "0"]


class Swarm:
    """Some nodes that know of each other through a few --peer options."""

    def __init__(self, directory, *options):
        self.directory = pathlib.Path(directory)
        self.options = options
        self.nodes = []

    def grow(self, count, peers_of=lambda index: [index - 1]):
        """Start `count` more nodes. `peers_of(i)`: which of the earlier ones (counted from 0) node
        i is told of."""
        for _ in range(count):
            index = len(self.nodes)
            self.add(*(self.nodes[peer] for peer in peers_of(index) if 0 <= peer < index))
        return self

    def add(self, *peers, options=()):
        """One more node, started, with a --peer for each of `peers`."""
        flags = [flag for peer in peers for flag in ("--peer", peer.listen)]
        node = Node(self.directory / f"node{len(self.nodes) + 1}", *self.options, *options, *flags)
        self.nodes.append(node)
        return node.start()

    def __iter__(self):
        return iter(self.nodes)

    def __getitem__(self, index):
        return self.nodes[index]

    def __len__(self):
        return len(self.nodes)

    def running(self):
        return [node for node in self.nodes if node.is_running()]

    def wait_connected(self, peers=1, seconds=WAIT_SECONDS):
        until(lambda: all(node.peer_count() >= peers for node in self.running()),
              f"every node has {peers} peers", seconds)

    def wait_agreed(self, seconds=WAIT_SECONDS, height=None):
        """Wait until all running nodes have one tip (of at least `height`); returns its hash."""
        def agreed():
            tips = [node.status()["tip"] for node in self.running()]
            hashes = {tip["hash"] for tip in tips}
            if len(hashes) == 1 and (height is None or tips[0]["height"] >= height):
                return tips[0]["hash"]
            return None
        return until(agreed, f"all nodes have one tip (height: {height or 'any'})", seconds)

    def stop(self):
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop()


_running_case = None


def show_logs_of_running_case():
    """On standard error; for who ends a test that hangs."""
    if _running_case is not None:
        _running_case.show_logs()


class NodeCase(unittest.TestCase):
    """A test case whose nodes end with each test and show their logs when it fails."""

    def run(self, result=None):
        global _running_case
        self._result = result if result is not None else self.defaultTestResult()
        _running_case = self
        try:
            return super().run(self._result)
        finally:
            _running_case = None

    def has_failed(self):
        return any(getattr(test, "test_case", test) is self
                   for test, _ in self._result.failures + self._result.errors)

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ezp2p-test-"))
        self._single = []
        self._swarms = []
        self.addCleanup(self._end_nodes)

    def make_node(self, *options, name=None, **addresses):
        """A node with a directory of its own, not started."""
        name = name or f"single{len(self._single) + 1}"
        node = Node(self.directory / name, *options, **addresses)
        self._single.append(node)
        return node

    def start_node(self, *options, **more):
        return self.make_node(*options, **more).start()

    def start_swarm(self, count, *options, peers_of=lambda index: [index - 1]):
        """`count` nodes, each told of those that `peers_of` names (see Swarm.grow)."""
        swarm = Swarm(self.directory / f"swarm{len(self._swarms) + 1}", *options)
        self._swarms.append(swarm)
        return swarm.grow(count, peers_of)

    def _nodes(self):
        return self._single + [node for swarm in self._swarms for node in swarm.nodes]

    def show_logs(self):
        for node in self._nodes():
            if node.process is not None:
                state = "running" if node.is_running() else node.exit_text()
                # A sanitizer's report is long.
                lines = 20 if node.process.returncode in (None, *node.exit_codes) else 120
                # tests/support/count.py looks for this line.
                print(f"\n---- {node.directory.name}: {state}, end of its log\n"
                      f"{node.log_tail(lines)}", file=sys.stderr)

    def _end_nodes(self):
        nodes = self._nodes()
        for node in nodes:
            node.ask_to_stop()
        for node in nodes:
            node.stop()
            node.give_ports_back()
        tail_of = {node: node.log_tail(120) for node in nodes}  # before the logs are removed
        failed = self.has_failed()
        if failed:
            self.show_logs()
        shutil.rmtree(self.directory, ignore_errors=True)
        # Whatever a test did to it, a node that is told to stop stops and says so with 0: this is
        # where an assertion or a sanitizer's report shows that no answer gave away.
        if not failed:
            for node in nodes:
                if node.process is not None and node.process.returncode not in node.exit_codes:
                    self.fail(f"{node.directory.name}: {node.exit_text()}\n{tail_of[node]}")
