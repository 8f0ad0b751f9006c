#!/usr/bin/env python3
"""The swarm launcher behind simnet/run.sh: real node processes on loopback, traffic, a live table,
and at the end the question whether all of them hold the same chain."""
import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time

from http_client import Client, HttpError, stream_events
from node_process import NodeError, NodeProcess
from scenario import Scenario, ScenarioError, Timeline
from spread import BlockWatch, Spread
from summary import show_summary, summarize, verdict
from table import Plain, Table
from traffic import Traffic

EVENTS_PATH = "/v1/events?types=block,reorg,transaction"
CLASSIC_HASHES = 65536  # expected for one block of network classic
NODES_MAX = 500
START_AT_ONCE = 8  # processes that are starting: more would only take the processors from each other
START_SECONDS = 60
LOOK_SECONDS = 0.25  # between looks whether a node that says nothing has ended
SUBSCRIBE_SECONDS = 60
POLL_SECONDS = 1.0


class Member(NodeProcess):
    """A node of the swarm with what was last seen of it."""

    def __init__(self, number, *arguments, **addresses):
        super().__init__(*arguments, **addresses)
        self.number = number
        self.client = None
        self.tip = None
        self.peers = 0
        self.pool = 0
        self.rss_kib = 0
        self.rss_kib_max = 0
        self.cpu_percent = 0.0
        self.ended = None  # text, once the process is gone although nobody asked it to
        self.away = None  # text, while a scenario has it down or halted
        self._cpu_before = (0.0, 0.0)

    async def look(self):
        """Ask for the status and measure the process. A busy node keeps its last values."""
        if not self.is_up() or not self.check_alive():
            return
        self.measure()
        try:
            status = await self.client.get_json("/v1/status")
        except HttpError:
            self.check_alive()
            return
        self.tip = status["tip"]
        self.peers = status["peers"]["inbound"] + status["peers"]["outbound"]
        self.pool = status["mempool"]["count"]

    def measure(self):
        self.rss_kib = self.resident_kib()
        self.rss_kib_max = max(self.rss_kib_max, self.rss_kib)
        now, cpu = time.monotonic(), self.cpu_seconds()
        then, cpu_then = self._cpu_before
        if now - then >= POLL_SECONDS / 2:
            self.cpu_percent = 100 * max(cpu - cpu_then, 0.0) / (now - then) if then else 0.0
            self._cpu_before = (now, cpu)

    def is_up(self):
        return not self.ended and not self.away

    def check_alive(self):
        if not self.is_running() and not self.asked_to_stop and self.is_up():
            self.ended = f"ended with {self.exit_text()}, see {self.log_path}"
        return not self.ended


class Notices:
    """Where nodes say that they are ready: a datagram socket with a name the kernel picks."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind("")
        self.address = "@" + self._socket.getsockname()[1:].decode()
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)

    def _on_readable(self):
        try:
            while True:
                self._socket.recv(4096)
        except BlockingIOError:
            pass
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, seconds):
        """Until a node said something, or so long."""
        await wait_for_event(self._news, seconds)


class Swarm:
    def __init__(self, args, out):
        self.args = args
        self.out = out
        self.directory = pathlib.Path(args.dir or tempfile.mkdtemp(prefix="ezp2p-swarm-")).resolve()
        self.members = [self._member(number) for number in range(1, args.nodes + 1)]
        self.blocks = BlockWatch(args.nodes)
        self.transactions = Spread(args.nodes)
        self.notices = Notices()
        self.rng = random.Random(args.seed)
        self.scenario = args.scenario
        self.timeline = Timeline(self, args.scenario, self.rng) if args.scenario else None
        self.traffic = Traffic(self.members, args.tx_rate) if args.tx_rate or self.timeline else None
        self._is_held = False
        self.view = None
        self.signals = 0
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()
        self.connected_s = None
        self.seconds = 0.0
        self.cpu_s = 0.0
        self._tasks = []
        self._subscribed = set()

    def _member(self, number):
        base = self.args.base_port
        ports = (base + 2 * (number - 1), base + 2 * number - 1) if base else (0, 0)
        return Member(number, self.args.binary, self.directory / f"node{number}",
                      http=f"127.0.0.1:{ports[0]}", listen=f"127.0.0.1:{ports[1]}")

    # ---- start ----------------------------------------------------------------------------

    def _options(self, member, others):
        dialable = [peer for peer in others if peer.listen != "off"]
        dials = self.scenario.dials if self.scenario else None
        peers = self.rng.sample(dialable, min(len(dialable), dials or self.rng.randint(1, 3)))
        relay = self.scenario.relay(member.number) if self.scenario else None
        return [*self._mining(member), *(["--outbound", "0"] if dials else []),
                *(["--relay", relay] if relay else []),
                *(flag for peer in peers for flag in ("--peer", peer.listen)), *self.args.options]

    def _mining(self, member):
        share = self.scenario.share(member.number) if self.scenario else 1 / self.args.nodes
        if not self.args.block_every or not share:
            return []
        rate = max(1, round(CLASSIC_HASHES * share / self.args.block_every))
        return ["--mine", "--mine-rate", str(rate)]

    async def start(self):
        """Each node is told of earlier ones, so that whoever it dials is most likely up already.
        Of those that are to listen elsewhere nothing is known until they are ready."""
        self.first_start = time.monotonic()
        listen_elsewhere = any(option.split("=")[0] == "--listen" for option in self.args.options)
        if not listen_elsewhere:
            for member in self.members:
                member.hold_ports()
        await self._start_all(self.members, lambda member: self.members[:member.number - 1],
                              1 if listen_elsewhere else START_AT_ONCE)
        for member in self.members:
            self._watch(member)

    async def _start_all(self, members, others_of, at_once=START_AT_ONCE):
        room = asyncio.Semaphore(at_once)

        async def start(member):
            async with room:
                member.options = self._options(member, others_of(member))
                await self._start_one(member)
        await asyncio.gather(*map(start, members))

    async def _start_one(self, member):
        member.spawn(env={**os.environ, "NOTIFY_SOCKET": self.notices.address})
        deadline = time.monotonic() + START_SECONDS
        while not member.look_for_endpoints():
            if time.monotonic() > deadline:
                raise NodeError(f"it was not ready after {START_SECONDS} s\n{member.log_tail()}")
            if self.stopping.is_set():
                raise asyncio.CancelledError
            await self.notices.wait(LOOK_SECONDS)
        member.client = Client(member.http)

    def _watch(self, member):
        self._tasks.append(asyncio.create_task(self._follow(member)))

    async def join(self, count):
        """So many nodes more, told of some that are there."""
        count = min(count, NODES_MAX - len(self.members))
        ready = [member for member in self.members if member.is_up()]
        new = [self._member(len(self.members) + 1 + i) for i in range(count)]
        self.hold_measures()
        self.say(f"{count} nodes join")
        await self._start_all(new, lambda member: ready)
        for member in new:
            self.members.append(member)
            self.traffic.add(member)
            self._watch(member)
        self.blocks.spread.nodes = self.transactions.nodes = len(self.members)

    async def start_again(self, member):
        self.say(f"node {member.number}: restart")
        member.peers = 0
        await self._start_one(member)
        member.away = None
        self._watch(member)

    def hold_measures(self):
        """Times to all nodes mean nothing while one is away."""
        self._is_held = True
        self.blocks.spread.hold()
        self.transactions.hold()

    def _release_measures(self):
        if self._is_held and all(member.is_up() and member.peers for member in self.members):
            self._is_held = False
            self.blocks.spread.release()
            self.transactions.release()

    async def wait_connected(self):
        """Until every node has peers and a path to every other."""
        deadline = time.monotonic() + self.args.patience
        links = {}
        while (time.monotonic() < deadline and not self.stopping.is_set()
               and all(member.check_alive() for member in self.members)):
            await self._look_at_links(links)
            if len(links) == len(self.members) and is_connected(links):
                self.connected_s = time.monotonic() - self.first_start
                return
            await asyncio.sleep(0.005)

    async def _look_at_links(self, links):
        """Ask those of whom no neighbour is known; all, when that is nobody. The processors are
        wanted for other things now."""
        async def ask(member):
            try:
                answer = await member.client.get_json("/v1/peers?limit=1000")
            except HttpError:
                return
            links[member.node_id] = {peer["node"] for peer in answer["peers"] if peer.get("node")}
        alone = [member for member in self.members if not links.get(member.node_id)]
        await asyncio.gather(*map(ask, alone or self.members))

    # ---- while it runs ------------------------------------------------------------------------

    async def _follow(self, member):
        """Subscribe to what a node sees, again when the stream breaks."""
        while member.is_running():
            try:
                async for kind, event in stream_events(
                        member.http, EVENTS_PATH, lambda: self._subscribed.add(member.number)):
                    self._on_event(member, kind, event)
            except (OSError, EOFError, ValueError):
                pass
            await asyncio.sleep(0.2)

    def _on_event(self, member, kind, event):
        if kind == "block":
            took = self.blocks.block(member.number, event)
            if event.get("own"):
                self.news(f"node {member.number} found block {event['height']}")
            if took is not None:
                miner = self.blocks.miners.get(event["hash"], "?")
                self.news(f"block {event['height']} by node {miner}: "
                           f"on all {len(self.members)} nodes after {took:.1f} ms")
        elif kind == "reorg":
            self.blocks.reorg(member.number, event)
            self.news(f"node {member.number} changed to another chain at height "
                       f"{event['height']}")
        elif kind == "transaction":
            self.transactions.seen(event["id"], member.number, event["at_us"])

    def say(self, text):
        if self.view:
            self.view.important(text)

    def news(self, text):
        if self.view:
            self.view.news(text)

    async def run(self):
        deadline = time.monotonic() + SUBSCRIBE_SECONDS
        while self._is_subscribing() and time.monotonic() < deadline:
            await asyncio.sleep(0.005)  # or the first transactions would not be seen everywhere
        if self.traffic:
            self.traffic.start()
        if self.timeline:
            self.timeline.start()
        start = time.monotonic()
        end = start + self.args.seconds if self.args.seconds else None
        reported = set()
        while not self.stopping.is_set() and (end is None or time.monotonic() < end
                                              or self._is_late()):
            await asyncio.gather(*(member.look() for member in self.members))
            for member in self.members:
                if member.ended and member.number not in reported:
                    reported.add(member.number)
                    self.view.important(f"node {member.number} {member.ended}")
            self._release_measures()
            self.view.draw(self.members, self._totals(time.monotonic() - start))
            left = POLL_SECONDS if end is None else end - time.monotonic()
            await wait_for_event(self.stopping, min(left if left > 0 else 0.05, POLL_SECONDS))
        self.seconds = time.monotonic() - start
        if self.timeline:
            await self.timeline.finish()
        if self.traffic:
            await self.traffic.stop()

    def _is_subscribing(self):
        return not self.stopping.is_set() and any(
            member.check_alive() and member.number not in self._subscribed
            for member in self.members)

    def _is_late(self):
        return self.timeline is not None and self.timeline.is_late(self.args.seconds)

    def _totals(self, seconds):
        known = [member for member in self.members if member.tip and member.is_up()]
        heights = [member.tip["height"] for member in known] or [0]
        tips = len({member.tip["hash"] for member in known})
        text = (f"{seconds:5.0f} s  height {max(heights)}, {tips} tip{'' if tips == 1 else 's'}, "
                f"peers {min((m.peers for m in known), default=0)}"
                f"-{max((m.peers for m in known), default=0)}, "
                f"pool {max((m.pool for m in known), default=0)}, "
                f"memory {max((m.rss_kib for m in known), default=0) / 1024:.0f} MiB")
        if self.traffic:
            text += f", {len(self.traffic.accepted)} transactions accepted"
            if self.traffic.refused:
                text += f", {self.traffic.refused} refused"
        return text

    # ---- the end ------------------------------------------------------------------------------

    async def drain(self):
        """Let traffic come to rest: until all pools are empty and all tips are one. Blocks come at
        random and maybe minutes apart, so the first node is asked to mine what is left.
        Returns True when it came to rest; a second Ctrl-C ends the wait."""
        deadline = time.monotonic() + self.args.patience
        tips_apart_since = None
        while time.monotonic() < deadline and not self.hurry.is_set():
            await asyncio.gather(*(member.look() for member in self.members))
            alive = [member for member in self.members if not member.ended]
            if not alive:
                return False
            one_tip = len({member.tip["hash"] for member in alive if member.tip}) == 1
            pooled = max(member.pool for member in alive)
            if one_tip and not pooled:
                return True
            # Two tips of equal work stay until the next block: give gossip a moment, then mine.
            tips_apart_since = None if one_tip else tips_apart_since or time.monotonic()
            if one_tip or time.monotonic() - tips_apart_since > 1:
                try:
                    await alive[0].client.request("GET", "/mine")
                except HttpError:
                    pass
            await wait_for_event(self.hurry, 0.05)
        return False

    async def read_chain(self):
        """The chain of a node whose tip was the same before and after, and which nodes have that
        tip. The tip's hash commits to everything below it."""
        alive = [member for member in self.members if member.check_alive()]
        for _ in range(20):
            await asyncio.gather(*(member.look() for member in alive))
            alive = [member for member in alive if not member.ended and member.tip]
            if not alive:
                break
            counted = collections.Counter(member.tip["hash"] for member in alive)
            tip, holders = counted.most_common(1)[0]
            witness = next(member for member in alive if member.tip["hash"] == tip)
            if holders < len(alive) and not self.hurry.is_set():
                await asyncio.sleep(0.1)  # a block is on its way
                continue
            try:
                chain = (await witness.client.get_json("/chain", seconds=300))["chain"]
                await witness.look()
            except HttpError:
                continue
            if witness.tip["hash"] == tip and len(chain) == witness.tip["height"]:
                return tip, chain, {member.number for member in alive if member.tip["hash"] == tip}
        return None, [], set()

    async def counters(self):
        """Sums over all nodes of what /metrics counts, by name and labels."""
        totals = collections.Counter()
        for member in self.members:
            if member.ended:
                continue
            try:
                status, body = await member.client.request("GET", "/metrics")
            except HttpError:
                continue
            for line in body.decode().splitlines() if status == 200 else []:
                name, _, value = line.rpartition(" ")
                if name and not line.startswith("#"):
                    totals[name] += float(value)
        return totals

    def stop(self):
        """End every node that was started here, all at once."""
        for task in self._tasks:
            task.cancel()
        started = [member for member in self.members if member.process]
        self.cpu_s = sum(member.cpu_seconds() for member in started)
        for member in started:
            member.check_alive()
            member.ask_to_stop()
        for member in started:
            code = member.stop()
            if code != 0 and not member.ended:
                member.ended = f"ended with {member.exit_text()} when asked to stop, " \
                               f"see {member.log_path}"

    def remove_files_if_done(self):
        """A temporary folder goes, unless somebody may want to read the log of a node that ended
        as it should not."""
        if not self.args.dir and not any(member.ended for member in self.members):
            shutil.rmtree(self.directory, ignore_errors=True)


def is_connected(links):
    """Whether everybody has a neighbour and there is a path between any two; `links` maps each node
    id to those it is connected to."""
    if not links or any(not neighbours for neighbours in links.values()):
        return len(links) == 1
    both = collections.defaultdict(set)
    for node, neighbours in links.items():
        for other in neighbours & links.keys():
            both[node].add(other)
            both[other].add(node)
    reached, queue = set(), [next(iter(links))]
    while queue:
        node = queue.pop()
        if node not in reached:
            reached.add(node)
            queue += both[node] - reached
    return len(reached) == len(links)


async def wait_for_event(event, seconds):
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        pass


# ---- command line -----------------------------------------------------------------------------


def positive(kind, least):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value
    return parse


def parse_arguments(arguments):
    extra = []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, extra = arguments[:cut], arguments[cut + 1:]
    parser = argparse.ArgumentParser(
        prog="simnet/run.sh", allow_abbrev=False,
        usage="%(prog)s N|FILE.sim [options] [-- ezp2p options]",
        description="Launch N real ezp2p nodes on loopback, connected to each other, and say at the "
                    "end whether all hold the same chain: exit status 0 when they do, 1 when not.")
    parser.add_argument("subject", metavar="N|FILE.sim",
                        help=f"how many nodes, 1 to {NODES_MAX}; or a scenario of the simulator, whose "
                             "nodes, mining, traffic and timeline are carried out on processes")
    parser.add_argument("--for", dest="seconds", metavar="SECONDS", type=positive(float, 0.001),
                        help="end after this long; without it, at Ctrl-C")
    parser.add_argument("--tx-rate", metavar="R", type=positive(float, 0),
                        help="transactions posted per second, over all nodes (default: none)")
    parser.add_argument("--block-every", metavar="S", type=positive(float, 0.01),
                        help="mean seconds between blocks of the whole swarm (default: 5)")
    parser.add_argument("--seed", metavar="N", type=int, default=1,
                        help="of the launcher's choices: who is told of whom, and whom a scenario's "
                             "faults meet (default: 1)")
    parser.add_argument("--dir", help="keep the nodes' data and logs here, and go on from there the "
                                      "next time (default: a temporary folder, removed)")
    parser.add_argument("--base-port", metavar="P", type=positive(int, 1024),
                        help="node i serves REST on P + 2(i-1) and peers on the port above it "
                             "(default: ports that are free)")
    parser.add_argument("--patience", metavar="SECONDS", type=positive(float, 0),
                        help="how long to wait for connections at the start and for traffic to "
                             "drain at the end (default: 60)")
    parser.add_argument("--json", action="store_true",
                        help="print the summary as one JSON object on standard output, and nothing "
                             "else there")
    parser.add_argument("--binary", help=argparse.SUPPRESS)
    parser.add_argument("--ezsim", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    args.options = extra
    args.nodes, args.scenario = None, None
    if not args.subject.endswith(".sim"):
        take_number_of_nodes(parser, args)
    elif not pathlib.Path(args.subject).is_file():
        parser.error(f"there is no {args.subject}")
    if not args.check:
        if not args.binary or not (args.nodes or args.ezsim):
            parser.error("use simnet/run.sh, which builds the programs first")
        if args.nodes is None:
            take_scenario(parser, args)
        fill_in(args)
    if args.nodes and args.base_port and args.base_port + 2 * args.nodes > 65536:
        parser.error("--base-port leaves too few ports for so many nodes")
    return args


def take_number_of_nodes(parser, args):
    try:
        args.nodes = int(args.subject)
    except ValueError:
        parser.error(f"{args.subject!r} is neither a number of nodes nor a .sim file")
    if not 1 <= args.nodes <= NODES_MAX:
        parser.error(f"N is 1 to {NODES_MAX}, not {args.nodes}")


def take_scenario(parser, args):
    try:
        args.scenario = Scenario.load(args.ezsim, args.subject)
    except ScenarioError as error:
        parser.error(str(error))
    args.nodes = args.scenario.nodes
    if args.nodes > NODES_MAX:
        parser.error(f"{args.subject} asks for {args.nodes} processes; {NODES_MAX} are the most")


def fill_in(args):
    """What the command line leaves open: the scenario's, or the defaults."""
    def given(value, of_scenario, default):
        if value is not None:
            return value
        return default if args.scenario is None else of_scenario(args.scenario)
    args.seconds = given(args.seconds, lambda scenario: scenario.seconds, None)
    args.tx_rate = given(args.tx_rate, lambda scenario: scenario.tx_rate, 0)
    args.block_every = given(args.block_every, lambda scenario: scenario.block_every, 5.0)
    args.patience = given(args.patience, lambda scenario: scenario.settle_s, 60.0)


def watch_signals(swarm):
    """The first asks for an orderly end, the second skips the wait for traffic to drain."""
    def on_signal():
        swarm.signals += 1
        swarm.stopping.set()
        if swarm.signals > 1:
            swarm.hurry.set()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)


def raise_descriptor_limit():
    """Each node takes half a dozen: connections to it and its ports."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def main(args):
    raise_descriptor_limit()
    out = sys.stderr if args.json else sys.stdout
    swarm = Swarm(args, out)
    watch_signals(swarm)
    try:
        if args.scenario and args.scenario.left_out:
            out.write("left to the simulator: links' latencies and bandwidth, "
                      + ", ".join(args.scenario.left_out) + "\n")
        out.write(f"starting {args.nodes} nodes\n")
        out.flush()
        await swarm.start()
        explorer = f"http://{swarm.members[0].http}/"
        if args.nodes > 1:
            await swarm.wait_connected()
        else:
            swarm.connected_s = time.monotonic() - swarm.first_start
        swarm.view = (Table if out.isatty() else Plain)(out)
        swarm.view.important(f"explorer: {explorer}")
        swarm.view.important("connected after {:.2f} s".format(swarm.connected_s)
                             if swarm.connected_s is not None else "the nodes are not connected")
        try:
            await swarm.run()
            swarm.view.important("waiting for traffic to drain")
            at_rest = await swarm.drain()
            tip, chain, holders = await swarm.read_chain()
            counters = await swarm.counters()
        finally:
            swarm.view.close()
    except NodeError as error:
        number = next((m.number for m in swarm.members if m.process and not m.is_running()), "?")
        sys.stderr.write(f"error: node {number}: {error}\n")
        return 1
    except asyncio.CancelledError:
        return 1
    finally:
        swarm.stop()
        swarm.remove_files_if_done()
    return report(swarm, summarize(swarm, tip, chain, holders, counters), at_rest, out)


def report(swarm, summary, at_rest, out):
    complaints = verdict(swarm, summary, at_rest)
    show_summary(out, summary)
    for complaint in complaints:
        out.write(complaint + "\n")
    out.write("all nodes hold the same chain\n" if summary["converged"]
              else "the nodes do not hold the same chain\n")
    if swarm.args.json:
        print(json.dumps(summary))
    return 1 if complaints or not summary["converged"] else 0


if __name__ == "__main__":
    parsed = parse_arguments(sys.argv[1:])
    sys.exit(0 if parsed.check else asyncio.run(main(parsed)))
