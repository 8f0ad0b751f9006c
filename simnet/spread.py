"""How long blocks and transactions take to reach every node, from the nodes' own notes of when they
saw them. All nodes run on one machine, so their wall clocks are one clock."""


def percentile(values, percent):
    """Nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    rank = -(-len(ranked) * percent // 100)  # rounded up
    return ranked[max(int(rank), 1) - 1]


def summary_ms(values):
    def rounded(percent):
        value = percentile(values, percent)
        return None if value is None else round(value, 2)
    return {"p50": rounded(50), "p99": rounded(99), "count": len(values)}


class Spread:
    """Times of first and last sight of objects that every one of `nodes` is to see."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.done_ms = []  # for each object that all have seen: first to last
        self._open = {}  # id -> [nodes that have seen it, first, last]
        self._dropped = set()
        self._is_held = False

    def hold(self):
        """Somebody is away: what is under way, and what comes until release(), does not count."""
        self._is_held = True
        self._dropped |= self._open.keys()
        self._open.clear()

    def release(self):
        self._is_held = False

    def seen(self, key, node, at_us):
        """Node `node` saw `key`. Returns the milliseconds when that was the last one to see it."""
        if key in self._dropped:
            return None
        if self._is_held:
            self._dropped.add(key)
            return None
        entry = self._open.setdefault(key, [set(), at_us, at_us])
        entry[0].add(node)
        entry[1] = min(entry[1], at_us)
        entry[2] = max(entry[2], at_us)
        if len(entry[0]) < self.nodes:
            return None
        del self._open[key]
        # A node may see an object twice (a reorganisation brings it back): the first round counts.
        self._dropped.add(key)
        took = (entry[2] - entry[1]) / 1000
        self.done_ms.append(took)
        return took

    def drop(self, key):
        """Leave `key` out: when a node says that it saw it is not when it came."""
        self._open.pop(key, None)
        self._dropped.add(key)

    @property
    def incomplete(self):
        return len(self._open)


class BlockWatch:
    """Block and reorg events of all nodes.

    A node reports a block when it becomes its tip. For a block that lost a race at first and won
    later that is not when the block arrived: such blocks count as `races`, not as slow ones."""

    def __init__(self, nodes):
        self.spread = Spread(nodes)
        self.reorgs = 0
        self.races = 0
        self.miners = {}  # hash -> node that found it
        self._behind = {}  # node -> height below which its next blocks had arrived before

    def reorg(self, node, event):
        self.reorgs += 1
        self._behind[node] = event["height"]

    def block(self, node, event):
        """Returns milliseconds when the block is now on all nodes."""
        key = event["hash"]
        if event.get("own"):
            self.miners[key] = node
        if event["height"] < self._behind.get(node, 0):
            self.races += 1
            self.spread.drop(key)
            return None
        self._behind.pop(node, None)
        return self.spread.seen(key, node, event["at_us"])
