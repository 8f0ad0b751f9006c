"""Transactions for a swarm: posted round-robin at a steady rate, each with labels of its own, so that
every one that was accepted can be looked for in the chain."""
import asyncio
import itertools
import secrets

from http_client import Client, HttpError

LANES_PER_NODE = 4  # requests under way at one node; each waits for a disk


class Traffic:
    def __init__(self, members, rate):
        self.members = members
        self.rate = rate  # a second; 0: bursts only
        self.accepted = set()  # senders of entries that were answered 201
        self.posted = 0
        self.refused = 0
        self.unanswered = 0  # the node may have taken them: they are not counted as accepted
        self.last_refusal = None
        # Not seen in an earlier run over the same directories.
        self._token = secrets.token_hex(4)
        self._number = 0
        self._queues = []
        self._tasks = []

    def sender(self, number):
        return f"{self._token}-{number}"

    def start(self):
        for member in self.members:
            self.add(member)
        self._clock = asyncio.create_task(self._produce())

    def add(self, member):
        """A node more that takes its share."""
        queue = asyncio.Queue(maxsize=LANES_PER_NODE * 16)
        self._queues.append(queue)
        for _ in range(LANES_PER_NODE):
            self._tasks.append(asyncio.create_task(self._lane(member, queue)))

    async def burst(self, count):
        """So many more at once, shared out; waits for room, not for the answers."""
        for _ in range(count):
            await self._queues[self._number % len(self._queues)].put(self._next())
            self.posted += 1

    def _next(self):
        self._number += 1
        return self._number - 1

    async def stop(self):
        """No new ones; wait for the answers that are under way."""
        self._clock.cancel()
        await asyncio.gather(self._clock, return_exceptions=True)
        for queue in self._queues:
            while not queue.empty():
                queue.get_nowait()
                self.posted -= 1
        for queue in self._queues:
            for _ in range(LANES_PER_NODE):
                await queue.put(None)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _produce(self):
        """Due times count from the start, so that a late wake-up is made up for."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for turn in itertools.count() if self.rate else ():
            due = start + turn / self.rate
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            queue = self._queues[turn % len(self._queues)]
            # A node that cannot keep up holds its own share back, not everyone's.
            if not queue.full():
                queue.put_nowait(self._next())
                self.posted += 1
            if turn % 64 == 63:
                await asyncio.sleep(0)

    async def _lane(self, member, queue):
        client = Client(member.http)
        while (number := await queue.get()) is not None:
            if not member.is_up():
                self.posted -= 1
                continue
            entry = {"sender": self.sender(number), "recipient": f"to-{number}",
                     "amount": number % 1000 + 1}
            try:
                status, body = await client.request("POST", "/transactions/new", entry)
            except HttpError:
                self.unanswered += 1
                continue
            if status == 201:
                self.accepted.add(entry["sender"])
            else:
                self.refused += 1
                self.last_refusal = f"{status} {body[:200].decode(errors='replace')}"
        client.close()
