"""One ezp2p process: start it, learn its addresses, look at it from outside, end it.

Shared by the swarm launcher and the end-to-end tests. A process started here never outlives the
thread that started it (--stop-with): the kernel sends it SIGTERM when that thread dies, also after
kill -9. Python could arrange that between fork and exec; it would take five milliseconds a process,
since all of Python would be forked.
"""
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

STOP_SECONDS = 30  # the node promises 5; a loaded machine gets more than that before SIGKILL


class NodeError(Exception):
    """A node did not start, or went away; the message says why and ends with what it logged."""


def hold_port(host, port=0):
    """Take a port of `host`, or with 0 one that is free: (its number, a socket to close in the end).
    Nobody is given this port by the kernel while the socket lives, but who names it can listen on
    it, with SO_REUSEADDR, as often as he likes: the socket does not listen. OSError when it is
    taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        holder.bind((host, port))
        # Only now: two who hold the same port would not notice each other.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        holder.close()
        raise
    return holder.getsockname()[1], holder


class NodeProcess:
    """A node over a data directory. An address with port 0 is given a free port at the first start,
    which is kept for later ones: peers that know it find the node again, and while the node is down
    nobody else takes it."""

    def __init__(self, binary, directory, options=(), listen="127.0.0.1:0", http="127.0.0.1:0"):
        self.binary = str(binary)
        self.directory = pathlib.Path(directory)
        self.options = list(options)
        self.listen = listen
        self.http = http
        self.node_id = None
        self.process = None
        self.asked_to_stop = False
        self.started_at = None  # time.monotonic() of the last start
        self._held_ports = []
        # Beside the directory, not in it: what is in there is the node's business.
        self.log_path = self.directory.with_name(self.directory.name + ".log")

    # ---- life ---------------------------------------------------------------------------

    def command(self):
        return [self.binary, "--data-dir", str(self.directory), "--listen", self.listen,
                "--http", self.http, "--stop-with", str(os.getpid()), *self.options]

    def spawn(self, env=None):
        """Start the process; returns at once."""
        assert not self.is_running(), "this node runs already"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.hold_ports()
        with open(self.log_path, "ab") as log:
            self.asked_to_stop = False
            self.started_at = time.monotonic()
            # A session of its own: Ctrl-C on the terminal is for the launcher, not for the node.
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                start_new_session=True)

    def hold_ports(self):
        """Choose its ports before it is started, so that others can be told of them."""
        self.listen, self.http = self._held(self.listen), self._held(self.http)

    def _held(self, address):
        """An address like it, with a port of its own instead of 0."""
        host, _, port = address.rpartition(":")
        if port != "0":
            return address
        number, holder = hold_port(host.strip("[]"))
        self._held_ports.append(holder)
        return f"{host}:{number}"

    def give_ports_back(self):
        """Once it will not be started again."""
        while self._held_ports:
            self._held_ports.pop().close()

    def look_for_endpoints(self):
        """True once this very process accepts peers and requests; raises when it has ended."""
        found = self.read_endpoints()
        if found is None:
            if self.process.poll() is not None:
                raise NodeError(f"the node ended with {self.exit_text()} before it was ready\n"
                                + self.log_tail())
            return False
        self.listen = found["p2p"] or "off"
        self.http = found["http"] or "off"
        self.node_id = found["node"]
        return True

    def read_endpoints(self):
        """The content of endpoints.json, when it was written by the process that runs now: after a
        kill -9 the file of the one before is still there."""
        try:
            found = json.loads((self.directory / "endpoints.json").read_text())
        except (OSError, ValueError):
            return None
        if self.process is None or found.get("pid") != self.process.pid:
            return None
        return found

    def wait_ready(self, seconds=30):
        deadline = time.monotonic() + seconds
        while not self.look_for_endpoints():
            if time.monotonic() > deadline:
                raise NodeError(f"the node was not ready after {seconds} s\n" + self.log_tail())
            time.sleep(0.005)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        """kill -9, and wait for the end of it."""
        if self.is_running():
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def ask_to_stop(self):
        """SIGTERM, once: to a second one the node ends at once, without its farewells."""
        if not self.asked_to_stop:
            self.asked_to_stop = True
            self.send(signal.SIGTERM)
            self.send(signal.SIGCONT)  # a paused process would not see the first

    def stop(self, seconds=STOP_SECONDS):
        """Ask to stop, then insist. Returns the exit code; negative: the signal that ended it."""
        if self.process is None:
            return None
        self.ask_to_stop()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def exit_text(self):
        code = self.process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    # ---- looking at it --------------------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def resident_kib(self):
        """Resident memory; 0 when it is gone."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                for line in status:
                    if line.startswith("VmRSS:"):
                        return int(line.split()[1])
        except OSError:
            pass
        return 0

    def memory_kib(self):
        """(resident, of which private to it); zeros when it is gone."""
        sizes = collections.Counter()
        try:
            with open(f"/proc/{self.pid}/smaps_rollup") as rollup:
                for line in rollup:
                    name, *rest = line.split()
                    if rest[-1] == "kB":
                        sizes[name] = int(rest[0])
        except OSError:
            pass
        return sizes["Rss:"], sizes["Private_Clean:"] + sizes["Private_Dirty:"]

    def cpu_seconds(self):
        """User and system time spent so far; 0 when it is gone."""
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                # The name in parentheses may hold anything; fields count from behind it.
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_text(self):
        try:
            return self.log_path.read_text(errors="replace")
        except OSError:
            return ""

    def log_tail(self, lines=20):
        return "\n".join(self.log_text().splitlines()[-lines:])
