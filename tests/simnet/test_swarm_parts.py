"""The launcher's own arithmetic: what it measures must be right, for nothing else checks it."""
import asyncio
import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "simnet"))

import http_client  # noqa: E402
import scenario  # noqa: E402
import spread  # noqa: E402
import summary  # noqa: E402
import swarm  # noqa: E402


class Percentiles(unittest.TestCase):
    def test_nearest_rank(self):
        values = list(range(1, 101))
        self.assertEqual(spread.percentile(values, 50), 50)
        self.assertEqual(spread.percentile(values, 99), 99)
        self.assertEqual(spread.percentile([3, 1, 2], 50), 2)
        self.assertEqual(spread.percentile([7], 99), 7)

    def test_nothing_measured_is_no_number(self):
        self.assertEqual(spread.summary_ms([]), {"p50": None, "p99": None, "count": 0})


class Spreading(unittest.TestCase):
    def test_last_sight_minus_first_whatever_the_order_of_reports(self):
        watch = spread.Spread(3)
        self.assertIsNone(watch.seen("x", 1, 5000))
        self.assertIsNone(watch.seen("x", 2, 2000))
        self.assertEqual(watch.seen("x", 3, 4000), 3.0)

    def test_one_node_twice_is_not_two_nodes(self):
        watch = spread.Spread(2)
        watch.seen("x", 1, 0)
        self.assertIsNone(watch.seen("x", 1, 10))
        self.assertEqual(watch.incomplete, 1)

    def test_an_object_is_measured_once(self):
        watch = spread.Spread(1)
        watch.seen("x", 1, 0)
        self.assertIsNone(watch.seen("x", 1, 9000000))
        self.assertEqual(watch.done_ms, [0.0])


def block(name, height, at_us, own=False):
    return {"hash": name, "height": height, "at_us": at_us, "own": own}


class Blocks(unittest.TestCase):
    def test_a_block_that_won_later_is_a_race_and_no_slow_block(self):
        watch = spread.BlockWatch(2)
        watch.block(1, block("a", 5, 0, own=True))
        watch.block(2, block("b", 5, 0, own=True))
        watch.block(1, block("c", 6, 1000000, own=True))
        # Node 2 gives "b" up: it had "a" all the time, and "c" came just now.
        watch.reorg(2, {"height": 6})
        watch.block(2, block("a", 5, 1001000))
        self.assertEqual(watch.block(2, block("c", 6, 1001000)), 1.0)
        self.assertEqual((watch.races, watch.reorgs), (1, 1))
        self.assertEqual(watch.spread.done_ms, [1.0])

    def test_who_found_it_is_known(self):
        watch = spread.BlockWatch(2)
        watch.block(2, block("a", 2, 0, own=True))
        self.assertEqual(watch.miners["a"], 2)


class Graph(unittest.TestCase):
    def test_two_islands_are_not_connected(self):
        self.assertFalse(swarm.is_connected({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}))

    def test_a_node_alone_is_not_connected_to_others(self):
        self.assertFalse(swarm.is_connected({"a": {"b"}, "b": {"a"}, "c": set()}))

    def test_a_link_that_one_side_shows_is_a_link(self):
        self.assertTrue(swarm.is_connected({"a": {"b"}, "b": {"c"}, "c": {"b"}}))

    def test_neighbours_outside_the_swarm_connect_nobody(self):
        self.assertFalse(swarm.is_connected({"a": {"x"}, "b": {"x"}}))


class Chain(unittest.TestCase):
    def test_senders_are_counted_over_all_blocks(self):
        chain = [{"transactions": [{"sender": "a"}, {"sender": "b"}]},
                 {"transactions": [{"sender": "a"}]}]
        self.assertEqual(summary.count_senders(chain), {"a": 2, "b": 1})

    def test_copies_are_payloads_for_each_new_one(self):
        import collections
        counters = collections.Counter({"ezp2p_transactions_received_total": 30,
                                        "ezp2p_transactions_duplicate_total": 10})
        self.assertEqual(summary.copies_per_delivery(counters), 1.5)
        self.assertIsNone(summary.copies_per_delivery(collections.Counter()))


class Arguments(unittest.TestCase):
    def test_options_behind_two_dashes_go_to_the_nodes(self):
        args = swarm.parse_arguments(["3", "--check", "--json", "--", "--log-level", "debug"])
        self.assertEqual((args.nodes, args.json, args.options),
                         (3, True, ["--log-level", "debug"]))

    def test_a_swarm_has_a_node_and_not_too_many(self):
        for count in ("0", str(swarm.NODES_MAX + 1), "x"):
            with self.assertRaises(SystemExit) as end, redirect():
                swarm.parse_arguments([count, "--check"])
            self.assertEqual(end.exception.code, 2)


class Late(unittest.IsolatedAsyncioTestCase):
    async def test_what_was_due_is_still_to_be_done_on_a_slow_machine(self):
        may_go_on = asyncio.Event()
        actions = [{"action": "slow", "at_ms": at_ms} for at_ms in (0, 5, 3600000)]
        nobody = types.SimpleNamespace(members=[], start_again=None)
        timeline = scenario.Timeline(nobody, types.SimpleNamespace(actions=actions), None)
        timeline._act = lambda action: may_go_on.wait()
        timeline.start()
        self.assertTrue(timeline.is_late(1))
        may_go_on.set()
        while timeline.is_late(1):
            await asyncio.sleep(0.001)
        self.assertEqual(timeline.done, 2)
        self.assertTrue(timeline.is_late(3601))
        await timeline.finish()
        self.assertFalse(timeline.is_late(3601))


def redirect():
    import contextlib
    import io
    return contextlib.redirect_stderr(io.StringIO())


class Http(unittest.IsolatedAsyncioTestCase):
    async def serve(self, *answers):
        """A server that gives one answer to each request, all over whatever connections come."""
        queue = list(answers)

        async def on_connection(reader, writer):
            while queue and await reader.readline():
                while (await reader.readline()) not in (b"\r\n", b""):
                    pass
                writer.write(queue.pop(0))
                await writer.drain()
            writer.close()
        server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
        self.addAsyncCleanup(server.wait_closed)
        self.addCleanup(server.close)
        return "127.0.0.1:%d" % server.sockets[0].getsockname()[1]

    async def test_bodies_by_length_and_in_chunks(self):
        client = http_client.Client(await self.serve(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        self.assertEqual(await client.request("GET", "/"), (200, b"ab"))
        self.assertEqual(await client.request("GET", "/"), (201, b"abcde"))
        self.assertEqual(await client.request("GET", "/"), (200, b""))
        client.close()

    async def test_a_broken_answer_is_an_error(self):
        client = http_client.Client(await self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
        with self.assertRaises(http_client.HttpError):
            await client.request("GET", "/")

    async def test_events_are_put_together_from_pieces(self):
        where = await self.serve(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"d\r\nretry: 2000\n\n\r\n"
            b"10\r\nid: 7\nevent: blo\r\n"
            b"14\r\nck\ndata: {\"height\":3\r\n" b"4\r\n}\n\n\n\r\n" b"3\r\n:\n\n\r\n" b"0\r\n\r\n")
        events = [event async for event in http_client.stream_events(where, "/v1/events")]
        self.assertEqual(events, [("block", {"height": 3})])


if __name__ == "__main__":
    unittest.main()
