"""What the launcher takes from a scenario file of the simulator (docs/simulator.md): the same nodes,
mining, traffic and timeline, carried out on processes in real time. `ezsim show` reads the file, so
there is one grammar. What needs a network of our own (latencies, partitions, broken links, wrong
clocks) stays the simulator's, and is named."""
import asyncio
import json
import signal
import subprocess

from http_client import Client, HttpError

SIMULATOR_ONLY = ("partition", "heal", "skew", "reset", "half-open", "wipe",
                  "disk")


class ScenarioError(Exception):
    """The file is bad; the message names the line."""


class Scenario:
    def __init__(self, plan):
        self.nodes = plan["nodes"]
        self.seconds = plan["duration_ms"] / 1000
        self.settle_s = plan["settle_ms"] / 1000
        self.warmup_s = plan["warmup_ms"] / 1000
        self.tx_rate = plan["tx_per_1000_s"] / 1000
        self.block_every = plan["block_interval_ms"] / 1000  # 0: only the timeline's blocks
        self.height_min = plan["height_min"]
        self.dials = plan["links"] // 2 if plan["topology"] == "regular" else None
        self._shares = plan["shares"]
        self._relays = plan["relays"]
        self.actions = [action for action in plan["actions"]
                        if action["action"] not in SIMULATOR_ONLY]
        self.left_out = sorted({action["action"] for action in plan["actions"]}
                               & set(SIMULATOR_ONLY))
        if plan["adversary"]:
            self.left_out.append("the adversary")

    @classmethod
    def load(cls, ezsim, path):
        done = subprocess.run([str(ezsim), "show", str(path)], text=True, capture_output=True)
        if done.returncode != 0:
            raise ScenarioError(done.stderr.strip().removeprefix("ezsim: "))
        return cls(json.loads(done.stdout))

    def share(self, number):
        """What part of all hashing is done by node `number` of the first ones."""
        shares = [self._shares[i % len(self._shares)] for i in range(self.nodes)]
        return self._shares[(number - 1) % len(self._shares)] / sum(shares)


    def relay(self, number):
        """The relay strategy of node `number`; None: what a node uses by itself."""
        return self._relays[(number - 1) % len(self._relays)] if self._relays else None


def amount_of(action, there_are):
    """How many an action means; 0 in the file stands for all."""
    if action["amount"] == 0:
        return there_are
    amount = action["amount"]
    if action["percent"]:
        amount = -(-there_are * amount // 100)  # rounded up, as the simulator does
    return min(amount, there_are)


def is_meant(action, member):
    """Whether an action names a node, or none and so all."""
    return "nodes" not in action or member.number in action["nodes"]


class Timeline:
    """Does to a running swarm what its scenario says."""

    def __init__(self, swarm, scenario, rng):
        self.swarm = swarm
        self.scenario = scenario
        self.rng = rng
        self.done = 0
        self._errands = set()
        self._over = asyncio.Event()
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._run())

    async def _run(self):
        loop = asyncio.get_running_loop()
        start = loop.time()
        for action in self.scenario.actions:
            left = start + action["at_ms"] / 1000 - loop.time()
            try:
                await asyncio.wait_for(self._over.wait(), max(left, 0))
                return
            except asyncio.TimeoutError:
                pass
            await self._act(action)
            self.done += 1

    def is_late(self, seconds):
        """Whether something that is due within so many seconds from the start is still to be done:
        a slow machine does all of it, later."""
        return (not self._task.done() and self.done < len(self.scenario.actions)
                and self.scenario.actions[self.done]["at_ms"] < 1000 * seconds)

    async def finish(self):
        """No more of it, once what is being done is done. All faults end: who halts goes on, who is
        down starts."""
        self._over.set()
        await self._task
        for errand in self._errands:
            errand.cancel()
        self._resume({})
        await self._restart({})

    async def _act(self, action):
        kind = action["action"]
        if kind == "restart":
            await self._restart(action)
        elif kind == "resume":
            self._resume(action)
        elif kind == "block":
            member = self.rng.choice(self._up(action) or self.swarm.members)
            self._send_errand(self._mine(member, action["amount"] or 1))
        elif kind == "tx":
            self._send_errand(self.swarm.traffic.burst(action["amount"]))
        elif kind == "join":
            await self.swarm.join(amount_of(action, len(self.swarm.members))
                                  if action["percent"] else action["amount"])
        else:
            up = self._up(action)
            await asyncio.gather(*(self._fault(member, kind) for member in
                                   self.rng.sample(up, amount_of(action, len(up)))))

    def _up(self, action):
        return [member for member in self.swarm.members
                if member.is_up() and is_meant(action, member)]

    def _send_errand(self, coroutine):
        """What a client does while the timeline goes on."""
        task = asyncio.create_task(coroutine)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _fault(self, member, kind):
        self.swarm.hold_measures()
        self.swarm.say(f"node {member.number}: {kind}")
        member.away = {"crash": "crashed", "stop": "stopped", "pause": "paused"}[kind]
        if kind == "crash":
            member.kill()
        elif kind == "pause":
            member.send(signal.SIGSTOP)
        else:
            code = await asyncio.to_thread(member.stop)
            if code != 0:
                member.ended = f"ended with {member.exit_text()} when asked to stop, " \
                               f"see {member.log_path}"

    def _resume(self, action):
        for member in self.swarm.members:
            if member.away == "paused" and is_meant(action, member):
                member.send(signal.SIGCONT)
                member.away = None

    async def _restart(self, action):
        down = [member for member in self.swarm.members
                if member.away and member.away != "paused" and not member.ended
                and is_meant(action, member)]
        await asyncio.gather(*map(self.swarm.start_again, down))

    async def _mine(self, member, count):
        client = Client(member.http)
        try:
            for _ in range(count):
                await client.request("GET", "/mine")
        except HttpError:
            pass  # it went away meanwhile
        finally:
            client.close()
