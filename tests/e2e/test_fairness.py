"""Clients of the REST adapter beside clients that ask for too much of it: nobody holds up the loop,
and nobody keeps a place that he makes no use of."""
import json
import re
import socket
import time
import unittest

from harness import NodeCase, until

HOST = b"Host: localhost\r\n"
CONNECTIONS_MAX = 256
POOLED = 1000
POSTERS = 50
COSTLY = b"/v1/mempool?limit=1000"  # a few milliseconds of work and half a megabyte


def request(method, path, fields=b""):
    return method + b" " + path + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


class Fairness(NodeCase):
    def setUp(self):
        super().setUp()
        self.node = self.start_node()
        clients = [self.connect() for _ in range(POSTERS)]
        for number, connection in enumerate(clients):
            connection.sendall(b"".join(self.entry(f"s{number}-{i}")
                                        for i in range(POOLED // POSTERS)))
        until(lambda: self.node.pool_count() == POOLED, "the pool is filled")
        for connection in clients:
            connection.close()

    @staticmethod
    def entry(sender):
        body = json.dumps({"sender": sender, "recipient": "r", "amount": 1}).encode()
        return request(b"POST", b"/transactions/new", b"Content-Type: application/json\r\n"
                       b"Content-Length: %d\r\n" % len(body)) + body

    def connect(self, receive_bytes=None):
        connection = socket.socket()
        self.addCleanup(connection.close)
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(60)
        connection.connect(self.node.split(self.node.http))
        return connection

    def flood(self, clients, requests):
        """Clients that pipeline costly requests without a body in the answer."""
        connections = [self.connect() for _ in range(clients)]
        for connection in connections:
            connection.sendall(request(b"HEAD", COSTLY) * requests)
        return connections

    def counter(self, name):
        answer = until(lambda: [page for page in [self.node.get("/metrics")] if page.status == 200],
                       "/metrics is served")[0]
        return self.counted(answer.text, name)

    @staticmethod
    def counted(page, name):
        return int(re.search(rf"^ezp2p_{name} (\d+)\r?$", page, re.MULTILINE).group(1))

    @staticmethod
    def take(connection):
        """What has come so far."""
        connection.setblocking(False)
        data = b""
        try:
            while piece := connection.recv(1 << 20):
                data += piece
        except BlockingIOError:
            pass
        return data

    def test_newcomer_is_served_between_pipelined_costly_requests(self):
        clients, requests = 8, 300
        before = self.counter("http_requests_total")
        self.node.pause()  # all of it is there before the node reads the first byte
        self.flood(clients, requests)
        newcomer = self.connect()
        newcomer.sendall(request(b"GET", b"/livez") * 5
                         + request(b"GET", b"/metrics", b"Connection: close\r\n"))
        self.node.resume()
        answer = b""
        while piece := newcomer.recv(1 << 20):
            answer += piece
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 6)
        # The node's own count, when it was the newcomer's turn.
        served = self.counted(answer.decode(), "http_requests_total") - before
        self.assertLess(served, clients * requests, "the newcomer had to wait for all of it")

    def test_clients_share_alike(self):
        connections = self.flood(4, 900)
        until(lambda: self.counter("http_requests_total") > POOLED + 400, "the flood has begun")
        counts = [self.take(connection).count(b"HTTP/1.1 200") for connection in connections]
        self.assertGreater(min(counts), 0, counts)

    def test_pipelined_costly_requests_are_answered_in_full(self):
        connection, = self.flood(1, 50)
        connection.sendall(request(b"GET", b"/livez", b"Connection: close\r\n"))
        answer = b""
        while piece := connection.recv(1 << 20):
            answer += piece
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 51)
        lengths = set(re.findall(rb"Content-Length: (\d+)", answer)) - {b"3"}
        self.assertEqual(lengths, {b"%d" % len(self.node.get(COSTLY.decode()).body)})

    def test_stop_is_heard_beside_a_flood(self):
        self.flood(8, 900)
        until(lambda: self.counter("http_requests_total") > POOLED + 100, "the flood has begun")
        self.assertEqual(self.node.stop(), 0)

    def test_readers_that_do_not_read_give_way(self):
        """All places are taken by clients that have an answer waiting and do not take it."""
        one = request(b"GET", b"/v1/mempool?limit=100")
        for _ in range(CONNECTIONS_MAX):
            self.connect(receive_bytes=4096).sendall(one * 200)
        until(lambda: self.node.get("/livez").status == 200, "a newcomer is served")
        for _ in range(20):
            until(lambda: self.node.get("/livez").status == 200, "and the next")
        self.assertGreater(self.counter("http_displaced_total"), 0)

    def test_senders_that_do_not_send_give_way(self):
        for _ in range(CONNECTIONS_MAX):
            self.connect().sendall(b"GET /livez HTTP/1.1\r\nX")
        until(lambda: self.node.get("/livez").status == 200, "a newcomer is served")
        self.assertGreater(self.counter("http_displaced_total"), 0)

    def test_reader_that_trickles_is_closed_and_one_that_is_slow_is_kept(self):
        trickling, slow = (self.connect(receive_bytes=4096) for _ in range(2))
        for connection in (trickling, slow):
            connection.sendall(request(b"GET", COSTLY) * 30)
        deadline = time.monotonic() + 120
        while self.counter("http_stalled_total") == 0:
            self.assertLess(time.monotonic(), deadline, "it may read a few bytes a second for ever")
            trickling.recv(64)  # 256 bytes a second
            self.assertNotEqual(slow.recv(8192), b"")  # what a telephone line takes
            time.sleep(0.25)
        self.assertEqual(self.counter("http_stalled_total"), 1)
        for _ in range(20):
            self.assertNotEqual(slow.recv(8192), b"")


class Ends(NodeCase):
    """Clients that say that they send no more, and clients that are gone."""

    def setUp(self):
        super().setUp()
        self.node = self.start_node()

    def test_half_closed_client_of_mine_gets_its_block(self):
        for version in (b"1.0", b"1.1"):
            answer = self.node.raw(b"GET /mine HTTP/" + version + b"\r\n" + HOST + b"\r\n",
                                   half_close=True)
            self.assertIn(b"HTTP/1.1 200 OK\r\n", answer)
            body = json.loads(answer.rpartition(b"\r\n\r\n")[2])
            self.assertEqual(body["message"], "new block found")

    def test_half_closed_client_of_resolve_gets_its_chain(self):
        answer = self.node.raw(b"GET /nodes/resolve HTTP/1.1\r\n" + HOST + b"\r\n",
                               half_close=True)
        self.assertIn(b"HTTP/1.1 200 OK\r\n", answer)
        self.assertIn(b"Our chain is authoritative", answer)

    def test_subscriber_that_is_gone_is_let_go(self):
        connection = socket.create_connection(self.node.split(self.node.http), timeout=60)
        connection.sendall(request(b"GET", b"/v1/events"))
        subscribers = re.compile(r"^ezp2p_http_subscribers (\d+)$", re.MULTILINE)

        def count():
            return int(subscribers.search(self.node.get("/metrics").text).group(1))
        until(lambda: count() == 1, "it has subscribed")
        connection.close()
        until(lambda: count() == 0, "it is let go")

    def test_empty_lines_between_requests_are_forgiven(self):
        get, last = request(b"GET", b"/livez"), request(b"GET", b"/livez", b"Connection: close\r\n")
        answer = self.node.raw(b"\r\n" + get + b"\r\n\r\n" + get + b"\r\n\r\n\r\n" + last)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 3)

    def test_empty_line_may_come_in_two_pieces(self):
        with socket.create_connection(self.node.split(self.node.http), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(3):
                connection.sendall(b"\r")
                self.node.get("/livez")  # by now the first piece has been looked at
                connection.sendall(b"\n" + request(b"GET", b"/livez"))
                self.assertIn(b"HTTP/1.1 200", connection.recv(4096))

    def test_complaint_about_json_reads_as_it_was_meant(self):
        answer = self.node.request("POST", "/transactions/new", b'{"sender": "a" "b"}',
                                   {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 400)
        self.assertNotIn("\\", answer.json()["detail"])


if __name__ == "__main__":
    unittest.main()
