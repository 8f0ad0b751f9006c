"""The gate in front of the REST routes: bytes that are not plainly one request, requests that are
too large, too slow or too many, and changes asked for from elsewhere."""
import http.client
import json
import os
import re
import socket
import struct
import time
import unittest

from harness import NodeCase, until

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
TYPE = b"Content-Type: application/json\r\n"
ENTRY = b'{"amount":1,"recipient":"b","sender":"a"}'
BODY_MAX = 1048576
HEADER_MAX = 16384
CONNECTIONS_MAX = 256
SANITIZED = bool(os.environ.get("EZ_TEST_SANITIZE"))  # memory says nothing then


def statuses(answer):
    """Status of each response in a byte stream."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


class GateCase(NodeCase):
    options = ()

    def setUp(self):
        super().setUp()
        self.node = self.start_node(*self.options)

    def tearDown(self):
        if self.node.is_running():  # 503 for as long as it has not seen that a full house has left
            until(lambda: self.node.get("/livez").status == 200, "the node still answers")

    def connect(self):
        connection = socket.create_connection(self.node.split(self.node.http), timeout=60)
        self.addCleanup(connection.close)
        return connection

    def assert_refused(self, request, status, code=None):
        """One problem document, then the connection is closed, whatever follows in the stream."""
        answer = self.node.raw(request + b"GET /mine HTTP/1.1\r\n" + HOST + b"\r\n")
        self.assertEqual(statuses(answer), [status], answer)
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertIn(b"Connection: close", head)
        self.assertIn(b"Content-Type: application/problem+json", head)
        problem = json.loads(body)
        self.assertEqual(problem["status"], status)
        if code:
            self.assertEqual(problem["code"], code)
        self.assertEqual(self.node.height(), 1, "a smuggled request was carried out")


class Smuggling(GateCase):
    def post(self, fields, body=b""):
        return b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE + fields + b"\r\n" + body

    def test_lengths_that_two_readers_read_differently(self):
        for fields in (b"Content-Length: 0\r\nContent-Length: 41\r\n",
                       b"Content-Length: 41\r\nContent-Length: 41\r\n",
                       b"Content-Length: 41, 41\r\n", b"Content-Length: +41\r\n",
                       b"Content-Length: 0x29\r\n", b"Content-Length: -1\r\n",
                       b"Content-Length:\r\n", b"Content-Length : 41\r\n",
                       b"Content-Length\t: 41\r\n", b"Content-Length: 4 1\r\n",
                       b"content-length: 41\r\nContent-Length: 42\r\n",
                       b"Content-Length: 99999999999999999999\r\n"):
            self.assert_refused(self.post(fields, ENTRY), 400, "request-malformed")

    def test_codings_that_two_readers_read_differently(self):
        for fields in (b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: chunkedx\r\n",
                       b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n",
                       b"Transfer-Encoding: chunked, chunked\r\n", b"Transfer-Encoding:\r\n",
                       b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
                       b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                       b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                       b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                       b"Transfer-Encoding:\r\n chunked\r\n"):
            self.assert_refused(self.post(fields, b"0\r\n\r\n"), 400, "request-malformed")
        old = b"POST /transactions/new HTTP/1.0\r\n" + TYPE
        self.assert_refused(old + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)

    def test_lines_that_two_readers_read_differently(self):
        for fields in (b"X: a\r\n folded: b\r\n", b"X: a\nY: b\r\n", b"X: a\rY: b\r\n",
                       b"X\r\n", b": x\r\n", b"X y: z\r\n", b"X: \0\r\n", b"X: \x7f\r\n",
                       b"X: a\r\r\n"):
            self.assert_refused(b"GET / HTTP/1.1\r\n" + HOST + fields + b"\r\n", 400)

    def test_request_lines_that_are_none(self):
        for line in (b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"/ HTTP/1.1",
                     b"GET mine HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET /a b HTTP/1.1",
                     b"G@T / HTTP/1.1", b"GET * HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"hello"):
            self.assert_refused(line + b"\r\n" + HOST + b"\r\n", 400)
        self.assert_refused(b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505)
        self.assert_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
        self.assert_refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400)

    def test_host_stands_once(self):
        self.assert_refused(b"GET / HTTP/1.1\r\n\r\n", 400)
        self.assert_refused(b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400)
        self.assert_refused(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400)

    def test_chunks_that_are_none(self):
        for body in (b"g\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello!\r\n", b" 5\r\nhello\r\n",
                     b"0x5\r\nhello\r\n", b"-5\r\n", b"\r\n", b"0\r\n\n", b"5;\x00\r\n"):
            self.assert_refused(self.post(b"Transfer-Encoding: chunked\r\n", body), 400)

    def test_nothing_of_it_reached_the_pool(self):
        self.test_lengths_that_two_readers_read_differently()
        self.assertEqual(self.node.pool_count(), 0)


class Framing(GateCase):
    def entry(self, fields=b"", body=ENTRY):
        return (b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE + fields
                + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def chunked(self, pieces, fields=b""):
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        return (b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE + fields
                + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n")

    def test_connection_is_kept_for_the_next_request(self):
        connection = http.client.HTTPConnection(*self.node.split(self.node.http), timeout=60)
        connection.connect()
        first = connection.sock
        for path, status in (("/v1/status", 200), ("/none", 404), ("/chain", 200),
                             ("/v1/blocks?limit=0", 400), ("/livez", 200)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, status)
            self.assertIs(connection.sock, first, "the connection was closed")
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        request = (self.entry() + b"GET /none HTTP/1.1\r\n" + HOST + b"\r\n"
                   + self.chunked([ENTRY[:7], ENTRY[7:]]) + b"GET /chain HTTP/1.1\r\n" + HOST
                   + b"\r\n" + b"HEAD /livez HTTP/1.1\r\n" + HOST + b"\r\n"
                   + b"GET /mine HTTP/1.1\r\n" + HOST + b"\r\n"
                   + b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
                   + b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n")
        self.assertEqual(statuses(self.node.raw(request)), [201, 404, 201, 200, 200, 200, 200])
        self.assertEqual(self.node.height(), 2)

    def test_many_pipelined_requests_come_back_whole(self):
        one = b"GET /v1/status HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
        answer = self.node.raw(one * 2000 + last)
        self.assertEqual(statuses(answer), [200] * 2001)

    def test_requests_dripped_byte_by_byte(self):
        connection = self.connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in self.chunked([ENTRY], CLOSE):
            connection.sendall(bytes([byte]))
        self.assertEqual(statuses(connection.recv(65536)), [201])

    def test_half_closed_client_is_answered(self):
        answer = self.node.raw(b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n" + self.entry(),
                               half_close=True)
        self.assertEqual(statuses(answer), [200, 201])

    def test_old_versions_close_unless_asked(self):
        self.assertEqual(statuses(self.node.raw(b"GET /livez HTTP/1.0\r\n\r\n")), [200])
        kept = b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        answer = self.node.raw(kept + b"GET /livez HTTP/1.0\r\n\r\n")
        self.assertEqual(statuses(answer), [200, 200])
        self.assertIn(b"Connection: keep-alive", answer)

    def test_empty_line_before_a_request_is_forgiven(self):
        answer = self.node.raw(self.entry() + b"\r\nGET /livez HTTP/1.1\r\n" + HOST + CLOSE
                               + b"\r\n")
        self.assertEqual(statuses(answer), [201, 200])

    def test_expectation_is_met_before_the_body(self):
        connection = self.connect()
        head, body = self.entry(b"Expect: 100-continue\r\n").split(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        self.assertEqual(statuses(connection.recv(4096)), [201])

    def test_expectation_is_not_met_when_the_body_is_not_wanted(self):
        request = self.entry(b"Expect: 100-continue\r\n").split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        answer = self.node.raw(request.replace(TYPE, b""))
        self.assertEqual(statuses(answer), [415])
        self.assertEqual(statuses(self.node.raw(self.entry(b"Expect: tea\r\n"))), [417])

    def test_absolute_targets_are_understood(self):
        answer = self.node.raw(b"GET http://localhost/livez HTTP/1.1\r\n" + HOST + CLOSE
                               + b"\r\n")
        self.assertEqual(statuses(answer), [200])

    def test_body_of_a_get_is_skipped(self):
        answer = self.node.raw(b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nGET /"
                               b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        self.assertEqual(statuses(answer), [200, 200])

    def test_only_json_is_taken(self):
        for fields in (b"", b"Content-Type: text/plain\r\n",
                       b"Content-Type: application/x-www-form-urlencoded\r\n",
                       TYPE + b"Content-Encoding: gzip\r\n"):
            request = (b"POST /transactions/new HTTP/1.1\r\n" + HOST + fields
                       + b"Content-Length: %d\r\n\r\n" % len(ENTRY) + ENTRY)
            self.assert_refused(request, 415)

    def test_server_wide_options(self):
        answer = self.node.raw(b"OPTIONS * HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        self.assertEqual(statuses(answer), [200])
        self.assertIn(b"Allow: GET, HEAD, POST, DELETE, OPTIONS", answer)


class Bounds(GateCase):
    def padded(self, size):
        """An entry of exactly `size` bytes."""
        return ENTRY[:-1] + b" " * (size - len(ENTRY)) + b"}"

    def test_body_at_its_maximum_and_one_above(self):
        def post(size, length=None):
            return (b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE + CLOSE
                    + b"Content-Length: %d\r\n\r\n" % (length or size) + self.padded(size))
        self.assertEqual(statuses(self.node.raw(post(BODY_MAX))), [201])
        self.assert_refused(post(BODY_MAX + 1), 413, "body-too-large")

    def test_chunked_body_at_its_maximum_and_one_above(self):
        def post(size):
            body, step = self.padded(size), 100000
            pieces = [body[at:at + step] for at in range(0, size, step)]
            return (b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE + CLOSE
                    + b"Transfer-Encoding: chunked\r\n\r\n"
                    + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
                    + b"0\r\n\r\n")
        self.assertEqual(statuses(self.node.raw(post(BODY_MAX))), [201])
        self.assert_refused(post(BODY_MAX + 1), 413, "body-too-large")

    def test_large_body_is_refused_before_it_is_sent(self):
        answer = self.node.raw(b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE
                               + b"Content-Length: 104857600\r\n\r\n")
        self.assertEqual(statuses(answer), [413])

    def test_client_that_sends_on_still_reads_its_refusal(self):
        answer = self.node.raw(b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE
                               + b"Content-Length: 8388608\r\n\r\n" + b" " * 8388608)
        self.assertEqual(statuses(answer), [413])

    def test_head_at_its_maximum_and_one_above(self):
        def get(size):
            start = b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"X: "
            return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"
        self.assertEqual(len(get(HEADER_MAX)), HEADER_MAX)
        self.assertEqual(statuses(self.node.raw(get(HEADER_MAX))), [200])
        self.assert_refused(get(HEADER_MAX + 1), 431, "headers-too-large")
        self.assert_refused(b"GET /" + b"a" * HEADER_MAX, 414, "target-too-long")

    def test_fields_at_their_maximum_and_one_above(self):
        def get(fields):
            return b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"X: y\r\n" * (fields - 2) + b"\r\n"
        self.assertEqual(statuses(self.node.raw(get(100))), [200])
        self.assert_refused(get(101), 431)

    def test_body_that_would_unpack_into_far_more_is_refused(self):
        body = b"[" + b"{}," * 340000 + b"{}]"
        before = self.node.resident_kib()
        for _ in range(5):
            answer = self.node.request("POST", "/transactions/new", body,
                                       {"Content-Type": "application/json"})
            self.assertEqual(answer.status, 400)
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 64 * 1024)

    def test_slow_request_ends_at_the_deadline_however_it_drips(self):
        started = time.monotonic()  # no later than the node's own start
        connection = self.connect()
        connection.sendall(b"GET /livez HTTP/1.1\r\nX: ")
        connection.settimeout(0.5)
        answer = b""
        while not answer and time.monotonic() - started < 60:
            try:
                connection.sendall(b"x")
            except OSError:
                pass  # it has hung up; what it said before is still to be read
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
        self.assertEqual(statuses(answer), [408])
        self.assertGreater(time.monotonic() - started, 9)

    def test_slow_body_ends_at_the_deadline(self):
        connection = self.connect()
        connection.sendall(b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE
                           + b"Content-Length: 100\r\n\r\n{")
        self.assertEqual(statuses(connection.recv(4096)), [408])

    def connections(self):
        """How many there are, this one among them; None when there was no room for it."""
        page = self.node.get("/metrics").text
        found = re.search(r"^ezp2p_http_connections (\d+)$", page, re.MULTILINE)
        return found and int(found.group(1))

    def test_connections_are_capped_and_idle_ones_give_way(self):
        probe = b"GET /livez HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
        busy = []

        def begin():
            connection = self.connect()
            connection.sendall(b"GET /livez HTTP/1.1\r\nX")  # in the middle of a request
            return connection

        def turned_away():
            # A request that has been under way for a second gives way to newcomers, and so does a
            # connection whose bytes were not read yet: only young ones, all read, fill the house.
            while busy:
                busy.pop().close()
            until(lambda: self.connections() == 1, "nobody is there but who asks")
            busy.extend(begin() for _ in range(CONNECTIONS_MAX))
            return statuses(self.node.raw(probe)) == [503]
        until(turned_away, "one more is turned away")
        busy[0].sendall(b": y\r\n" + HOST + b"\r\n")  # now it is idle
        self.assertEqual(statuses(busy[0].recv(4096)), [200])
        self.assertEqual(statuses(self.node.raw(probe)), [200])
        self.assertEqual(busy[0].recv(4096), b"", "the idle one gave way")
        for connection in busy:
            connection.close()

    def test_reader_that_does_not_read_costs_little(self):
        for _ in range(3):
            self.node.mine()
        before = self.node.resident_kib()
        request = b"GET /chain HTTP/1.1\r\n" + HOST + b"\r\n"
        for _ in range(50):
            connection = self.connect()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.setblocking(False)
            try:
                for _ in range(100):
                    connection.send(request * 500)
            except BlockingIOError:
                pass
        self.assertEqual(self.node.get("/livez").status, 200)
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 64 * 1024)

    def test_clients_that_reset_at_any_moment(self):
        reset = struct.pack("ii", 1, 0)
        for request in (b"", b"GET", b"GET /mine HTTP/1.1\r\n" + HOST + b"\r\n",
                        b"GET /chain HTTP/1.1\r\n" + HOST + b"\r\n",
                        b"GET /v1/events HTTP/1.1\r\n" + HOST + b"\r\n",
                        b"GET /nodes/resolve HTTP/1.1\r\n" + HOST + b"\r\n",
                        b"POST /transactions/new HTTP/1.1\r\n" + HOST + TYPE
                        + b"Content-Length: %d\r\n\r\n" % len(ENTRY) + ENTRY):
            for _ in range(10):
                connection = self.connect()
                connection.sendall(request)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                connection.close()
        self.assertEqual(self.node.get("/mine").status, 200)


class Elsewhere(GateCase):
    """Requests that a web page could make a browser send."""

    CHANGES = (("GET", "/mine", None), ("GET", "/nodes/resolve", None),
               ("POST", "/transactions/new", ENTRY), ("POST", "/transaction/new", ENTRY),
               ("POST", "/nodes/register", b'{"nodes":[]}'), ("POST", "/v1/transactions", b"{}"),
               ("POST", "/v1/peers", b'{"peer":"127.0.0.1:1"}'), ("DELETE", "/v1/peers/1", None))
    options = ("--http-name", "my.node")

    def ask(self, method, path, body, **headers):
        fields = {"Content-Type": "application/json"}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.node.request(method, path, body, fields)

    def test_foreign_hosts_change_nothing(self):
        for method, path, body in self.CHANGES:
            for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""):
                answer = self.ask(method, path, body, Host=host)
                self.assertEqual((answer.status, answer.json()["code"]), (403, "foreign-host"))
        self.assertEqual((self.node.height(), self.node.pool_count()), (1, 0))

    def test_foreign_hosts_may_look(self):
        self.assertEqual(self.ask("GET", "/v1/status", None, Host="evil.example").status, 200)

    def test_own_names_may_change(self):
        for host in ("localhost", "LocalHost:1", "127.0.0.1", "[::1]:5000", "10.0.0.1", "my.node",
                     "MY.node:80"):
            answer = self.ask("POST", "/transactions/new", ENTRY, Host=host)
            self.assertEqual(answer.status, 201, host)

    def test_foreign_pages_change_nothing(self):
        for method, path, body in self.CHANGES:
            for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
                            {"Origin": "http://evil.example"}, {"Origin": "null"},
                            {"Origin": "http://localhost"}):
                self.assertEqual(self.ask(method, path, body, **headers).status, 403, headers)
        self.assertEqual((self.node.height(), self.node.pool_count()), (1, 0))

    def test_own_page_may_change(self):
        answer = self.ask("POST", "/transactions/new", ENTRY, Origin=f"http://{self.node.http}",
                          Sec_Fetch_Site="same-origin")
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.ask("GET", "/mine", None, Sec_Fetch_Site="none").status, 200)

    def test_simple_form_of_a_foreign_page_is_refused(self):
        answer = self.node.request("POST", "/transactions/new", ENTRY,
                                   {"Content-Type": "text/plain"})
        self.assertEqual(answer.status, 415)


class BeyondLoopback(NodeCase):
    def setUp(self):
        super().setUp()
        self.node = self.start_node(http="0.0.0.0:0")
        self.token = (self.node.directory / "http-token").read_text().strip()

    def mine(self, authorization=None):
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.node.get("/mine", headers=headers)

    def test_changes_need_the_token(self):
        for wrong in (None, "", "Bearer", "Bearer x", f"Bearer {self.token}x",
                      f"Bearer {self.token[:-1]}", f"Basic {self.token}", self.token):
            answer = self.mine(wrong)
            self.assertEqual((answer.status, answer.json()["code"]), (401, "token-needed"), wrong)
            self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="ezp2p"')
        self.assertEqual(self.node.height(), 1)
        self.assertEqual(self.mine(f"Bearer {self.token}").status, 200)
        self.assertEqual(self.node.height(), 2)

    def test_reads_are_free(self):
        self.assertEqual(self.node.get("/chain").status, 200)
        self.assertEqual(self.node.get("/v1/status").status, 200)

    def test_token_does_not_excuse_a_foreign_host(self):
        answer = self.node.get("/mine", headers={"Authorization": f"Bearer {self.token}",
                                                 "Host": "evil.example"})
        self.assertEqual(answer.status, 403)


if __name__ == "__main__":
    unittest.main()
