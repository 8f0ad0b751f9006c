"""The REST routes as contract sections 3 and 4 promise them, each row against a real node."""
import base64
import hashlib
import http.client
import json
import re
import socket
import threading
import time
import unittest

import wire
from harness import NodeCase, until

JSON = {"Content-Type": "application/json"}
MAX_AMOUNT = 2**53 - 1


class OriginalChecker:
    """What the original's own code does with another node's /chain, word for word."""

    @staticmethod
    def hash(block):
        return hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()

    def valid_chain(self, chain):
        last_block = chain[0]
        current_index = 1
        while current_index < len(chain):
            block = chain[current_index]
            if block["previous_hash"] != self.hash(last_block):
                return False
            last_block = block
            current_index += 1
        return True


class RestCase(NodeCase):
    options = ()

    def setUp(self):
        super().setUp()
        self.node = self.start_node(*self.options)

    def assert_json(self, answer, status=200):
        """Compact, sorted, ASCII, one newline, with its type and length."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        text = answer.body.decode("ascii")
        parsed = json.loads(text)
        self.assertEqual(text, json.dumps(parsed, sort_keys=True, separators=(",", ":")) + "\n")
        if "Transfer-Encoding" not in answer.headers:
            self.assertEqual(answer.headers["Content-Length"], str(len(answer.body)))
        return parsed

    def assert_problem(self, answer, status, code=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json()
        self.assertEqual(problem["type"], "about:blank")
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"])
        self.assertGreater(len(problem["detail"]), 10)
        if code is not None:
            self.assertEqual(problem["code"], code)
        if status == 503:
            self.assertIn("Retry-After", answer.headers)
        return problem

    def post_text(self, path, text):
        return self.node.request("POST", path, text.encode(), JSON)


class Mine(RestCase):
    def test_block_has_the_shape_of_the_original(self):
        answer = self.node.get("/mine")
        block = self.assert_json(answer)
        self.assertEqual(list(block), ["index", "message", "previous_hash", "proof",
                                       "transactions"])
        self.assertEqual(block["index"], 2)
        self.assertEqual(block["message"], "new block found")
        self.assertEqual(block["transactions"], [
            {"amount": 1, "recipient": self.node.node_id, "sender": "0"}])
        self.assertIn("Content-Length", answer.headers)

    def test_previous_hash_is_the_originals_hash_of_the_last_element(self):
        self.node.mine()
        last = self.node.chain()[-1]
        self.assertEqual(self.node.mine()["previous_hash"], OriginalChecker.hash(last))

    def test_reward_stands_last(self):
        self.node.entry("alice", "bob", 5)
        entries = self.node.mine()["transactions"]
        self.assertEqual(entries[0], {"amount": 5, "recipient": "bob", "sender": "alice"})
        self.assertEqual(entries[-1]["sender"], "0")

    def test_clients_that_wait_get_a_block_each(self):
        blocks = []
        threads = [threading.Thread(target=lambda: blocks.append(self.node.mine()["index"]))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(blocks), list(range(2, 10)))

    def test_head_mines_nothing(self):
        answer = self.node.request("HEAD", "/mine")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(self.node.height(), 1)


class Waiting(RestCase):
    """Many clients at /mine at once. Each block takes a moment, so they pile up."""

    def wait_at_mine(self):
        connection = socket.create_connection(self.node.split(self.node.http), timeout=60)
        connection.sendall(b"GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection

    def test_clients_that_leave_make_room(self):
        for _ in range(40):
            self.wait_at_mine().close()
        # More than may wait came and went. Their ends are read after their requests, so that this
        # one may still find the queue full, for a moment.
        until(lambda: self.node.get("/mine").status == 200, "there is room at /mine")
        self.assertGreaterEqual(self.node.height(), 2)

    def test_too_many_are_told_to_come_back(self):
        connections = [self.wait_at_mine() for _ in range(60)]
        answers = []
        for connection in connections:
            response = http.client.HTTPResponse(connection)
            response.begin()
            answers.append((response.status, response.getheader("Retry-After")))
            connection.close()
        self.assertTrue(all(status == 200 or (status == 503 and retry)
                            for status, retry in answers), answers)
        # 17 at least were served: one being mined for and 16 waiting.
        self.assertGreaterEqual(sum(status == 200 for status, _ in answers), 17)


class Entries(RestCase):
    def test_answer_names_the_next_block(self):
        answer = self.node.post("/transactions/new",
                                {"sender": "alice", "recipient": "bob", "amount": 5})
        body = self.assert_json(answer, 201)
        self.assertEqual(body, {"message": "Transaction will be added to Block 2"})
        self.node.mine()
        answer = self.node.post("/transaction/new",
                                {"sender": "alice", "recipient": "bob", "amount": 5})
        self.assertEqual(self.assert_json(answer, 201),
                         {"message": "Transaction will be added to Block 3"})

    def test_missing_field_has_the_words_of_the_original(self):
        whole = {"sender": "a", "recipient": "b", "amount": 1}
        for key in whole:
            values = {name: value for name, value in whole.items() if name != key}
            answer = self.node.post("/transactions/new", values)
            self.assertEqual((answer.status, answer.body), (400, b"missing values"))
            self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(answer.headers["Content-Length"], "14")

    def test_amounts_on_both_sides_of_every_line(self):
        text = '{"sender":"a","recipient":"b","amount":%s}'
        for good in ("0", "1", "5.0", "1e3", str(MAX_AMOUNT), f"{MAX_AMOUNT}.0", "-0"):
            answer = self.post_text("/transactions/new", text % good)
            self.assertEqual(answer.status, 201, good)
        for bad in ("-1", "0.5", "-0.5", str(MAX_AMOUNT + 1), "1e300", "1e999", "NaN", "Infinity",
                    "-Infinity", "true", "false", "null", '"5"', "[5]", "{}",
                    "99999999999999999999999999"):
            self.assert_problem(self.post_text("/transactions/new", text % bad), 400)

    def test_names_on_both_sides_of_every_line(self):
        def post(**parties):
            return self.node.post("/transactions/new",
                                  {"sender": "a", "recipient": "b", "amount": 1, **parties})
        for good in ("x", "x" * 64, "é" * 32, "한국", " ", "😀", "0x", "ez", "ez2"):
            self.assertEqual(post(recipient=good).status, 201, good)
            self.assertEqual(post(sender=good).status, 201, good)
        for bad in ("", "x" * 65, "é" * 33, "a\nb", "a\0b", "\x7f", "\x85", 5, None, True, ["a"],
                    {}, "ez1", "EZ1x", "ez1" + "q" * 58):
            self.assert_problem(post(recipient=bad), 400)
            self.assert_problem(post(sender=bad), 400)
        self.assertEqual(post(recipient="0").status, 201)
        self.assert_problem(post(sender="0"), 400, "tx-label")

    def test_a_wrong_address_is_never_a_label(self):
        address = self.node.node_id
        broken = address[:-1] + ("q" if address[-1] != "q" else "p")
        answer = self.node.post("/transactions/new",
                                {"sender": "a", "recipient": broken, "amount": 1})
        self.assert_problem(answer, 400, "tx-address")

    def test_the_node_signs_for_itself_and_only_for_coins_it_has(self):
        entry = {"sender": self.node.node_id, "recipient": self.other_address(), "amount": 1}
        self.assert_problem(self.node.post("/transactions/new", entry), 422, "tx-funds")
        self.node.mine()
        self.assertEqual(self.node.post("/transactions/new", entry).status, 201)

    def test_the_node_does_not_sign_for_others(self):
        entry = {"sender": self.other_address(), "recipient": "b", "amount": 1}
        problem = self.assert_problem(self.node.post("/transactions/new", entry), 422,
                                      "tx-not-ours")
        self.assertIn("POST /v1/transactions", problem["detail"])

    def other_address(self):
        return self.start_node().node_id

    def test_shapes_that_are_no_entry(self):
        for text in ("[]", '"a"', "5", "null", "", "{", "{} {}", '{"a":1,"a":1}', "\xff"):
            self.assert_problem(self.node.request("POST", "/transactions/new",
                                                  text.encode("latin-1"), JSON), 400)

    def test_other_keys_are_ignored(self):
        answer = self.node.post("/transactions/new",
                                {"sender": "a", "recipient": "b", "amount": 1, "memo": [1, {}]})
        self.assertEqual(answer.status, 201)

    def test_accepted_entry_survives_kill_and_restart(self):
        self.node.entry("alice", "bob", 5)
        self.node.kill()
        self.node.start()
        self.assertEqual(self.node.pool_count(), 1)
        self.node.mine()
        self.assertEqual(self.node.entries(), [("alice", "bob", 5)])


class Chain(RestCase):
    def test_genesis_is_the_golden_one(self):
        answer = self.node.get("/chain")
        body = self.assert_json(answer)
        self.assertEqual(body, {"chain": [{"index": 1, "previous_hash": 1, "proof": 100,
                                           "timestamp": 1795349323.435114, "transactions": []}],
                                "length": 1})
        self.assertEqual(OriginalChecker.hash(body["chain"][0]),
                         "af2641359ed1a5a92b1cf754aded425c097ead274a18cd761db13e9170711fea")

    def test_list_is_right_while_it_grows(self):
        """Past the end of a piece that is kept as text, and with pieces that ended at older tips."""
        for height in range(2, 72):
            self.node.mine()
            if height % 3 == 0 or 60 < height < 70:
                body = self.node.get("/chain").json()
                self.assertEqual(body["length"], height)
                self.assertEqual([block["index"] for block in body["chain"]],
                                 list(range(1, height + 1)))
                self.assertTrue(OriginalChecker().valid_chain(body["chain"]))

    def test_list_follows_another_branch(self):
        other = self.start_node()
        for node, blocks in ((self.node, 3), (other, 5)):
            for _ in range(blocks):
                node.mine()
        old = self.node.get("/chain").json()
        self.assertEqual(self.node.get("/chain").json(), old)
        new = other.get("/chain").json()
        self.node.post("/nodes/register", {"nodes": [other.listen]})
        until(lambda: self.node.height() == 6, "the longer branch is taken over")
        self.assertEqual(self.node.get("/chain").json(), new)
        self.assertNotEqual(old["chain"][1], new["chain"][1])

    def test_the_originals_own_check_passes(self):
        for number in range(4):
            self.node.entry("älice", "b\"o\\b 😀", number)
            self.node.entry("한국", "x", MAX_AMOUNT)
            self.node.mine()
        body = self.assert_json(self.node.get("/chain"))
        self.assertEqual(body["length"], 5)
        self.assertEqual([block["index"] for block in body["chain"]], [1, 2, 3, 4, 5])
        self.assertTrue(OriginalChecker().valid_chain(body["chain"]))
        for block in body["chain"]:
            self.assertEqual(list(block), ["index", "previous_hash", "proof", "timestamp",
                                           "transactions"])
            for entry in block["transactions"]:
                self.assertEqual(list(entry), ["amount", "recipient", "sender"])
        body["chain"][2]["transactions"][0]["amount"] += 1
        self.assertFalse(OriginalChecker().valid_chain(body["chain"]))

    def test_view_hash_matches_the_two_chains(self):
        self.node.mine()
        view = self.node.chain()[1]
        block = self.node.get("/v1/blocks/2").json()
        self.assertEqual(block["view_hash"], OriginalChecker.hash(view))
        self.assertEqual(block["proof"], view["proof"])

    def test_old_client_gets_the_chain_without_chunks(self):
        answer = self.node.raw(b"GET /chain HTTP/1.0\r\n\r\n")
        head, body = answer.split(b"\r\n\r\n", 1)
        self.assertNotIn(b"Transfer-Encoding", head)
        self.assertIn(b"Connection: close", head)
        self.assertEqual(json.loads(body)["length"], 1)

    def test_slow_reader_sees_the_chain_it_began_with(self):
        for _ in range(3):
            self.node.entry("x" * 64, "y" * 64, 1)
            self.node.mine()
        with socket.create_connection(self.node.split(self.node.http), timeout=60) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.sendall(b"GET /chain HTTP/1.1\r\nHost: localhost\r\n\r\n")
            first = connection.recv(200)
            self.node.mine()
            response = bytearray(first)
            while not response.endswith(b"0\r\n\r\n"):
                response += connection.recv(100)
        self.assertIn(b'"length":4', response)


class Resolve(RestCase):
    def test_alone_our_chain_is_authoritative(self):
        body = self.assert_json(self.node.get("/nodes/resolve"))
        self.assertEqual(list(body), ["chain", "message"])
        self.assertEqual(body["message"], "Our chain is authoritative")
        self.assertEqual(len(body["chain"]), 1)

    def test_with_a_peer_the_chains_agree(self):
        other = self.start_node()
        for _ in range(3):
            other.mine()
        self.assertEqual(self.node.post("/nodes/register",
                                        {"nodes": [other.listen]}).status, 201)

        def agreed():
            body = self.assert_json(self.node.get("/nodes/resolve"))
            key = "new_chain" if "new_chain" in body else "chain"
            self.assertEqual(body["message"], "Our chain was replaced" if key == "new_chain"
                             else "Our chain is authoritative")
            return len(body[key]) == 4 and OriginalChecker().valid_chain(body[key])
        until(agreed, "the other node's chain is taken over")

    def test_head_asks_nobody(self):
        answer = self.node.request("HEAD", "/nodes/resolve")
        self.assertEqual((answer.status, answer.body), (200, b""))


class Register(RestCase):
    def test_rest_address_leads_to_the_peer(self):
        other = self.start_node()
        answer = self.node.post("/nodes/register", {"nodes": [f"http://{other.http}"]})
        body = self.assert_json(answer, 201)
        self.assertEqual(body, {"message": "New nodes have been added",
                                "total_nodes": [other.http]})
        until(lambda: self.node.peer_count() == 1, "connected to the registered node")

    def test_peer_addresses_lead_to_the_peer_too(self):
        first, second = self.start_node(), self.start_node()
        answer = self.node.post("/nodes/register",
                                {"nodes": [f"tcp://{first.listen}", second.listen, first.listen]})
        self.assertEqual(self.assert_json(answer, 201)["total_nodes"],
                         [first.listen, second.listen])
        until(lambda: self.node.peer_count() == 2, "connected to both")

    def test_connection_comes_back_after_the_peer_was_away(self):
        other = self.start_node()
        self.node.post("/nodes/register", {"nodes": [other.listen]})
        until(lambda: self.node.peer_count() == 1, "connected")
        other.restart()
        until(lambda: other.peer_count() == 1, "connected again")

    def test_dead_peer_is_no_error(self):
        answer = self.node.post("/nodes/register",
                                {"nodes": ["http://127.0.0.1:1", "127.0.0.1:2", "no.such.host:3"]})
        self.assertEqual(self.assert_json(answer, 201)["total_nodes"],
                         ["127.0.0.1:1", "127.0.0.1:2", "no.such.host:3"])

    def test_peer_that_comes_up_later_is_found(self):
        other = self.start_node()
        other.stop()
        self.node.post("/nodes/register", {"nodes": [f"http://{other.http}"]})
        other.start()
        until(lambda: self.node.peer_count() == 1, "asked again and connected")

    def test_peer_that_comes_up_after_a_restart_is_found(self):
        other = self.start_node()
        other.stop()
        self.node.post("/nodes/register", {"nodes": [f"http://{other.http}"]})
        self.node.kill()
        self.node.start()
        other.start()
        until(lambda: self.node.peer_count() == 1, "asked and connected")
        self.node.restart()  # by now the peer's own address is what is kept
        until(lambda: self.node.peer_count() == 1, "connected without asking")

    def test_removed_peer_is_listed_and_asked_no_more(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            rest = "127.0.0.1:%d" % server.getsockname()[1]
            self.node.post("/nodes/register", {"nodes": ["127.0.0.1:1", f"http://{rest}"]})
            for peer in ("127.0.0.1:1", rest):
                self.assertEqual(self.node.request("DELETE", f"/v1/peers/{peer}").status, 204)
                self.assertEqual(self.node.request("DELETE", f"/v1/peers/{peer}").status, 404)
        self.assertEqual(self.node.post("/nodes/register", {"nodes": []}).json()["total_nodes"], [])

    def test_removed_peer_makes_room_for_another(self):
        nodes = [f"127.0.0.1:{port}" for port in range(1, 257)]
        self.node.post("/nodes/register", {"nodes": nodes})
        for another in ("127.0.0.1:300", "http://127.0.0.1:301"):
            self.assert_problem(self.node.post("/nodes/register", {"nodes": [another]}), 422,
                                "peer-limit")
        self.node.request("DELETE", f"/v1/peers/{nodes[7]}")
        answer = self.node.post("/nodes/register", {"nodes": ["127.0.0.1:300"]})
        self.assertEqual(answer.json()["total_nodes"], nodes[:7] + nodes[8:] + ["127.0.0.1:300"])

    def test_peers_added_elsewhere_count(self):
        for port in range(1, 4):
            self.node.post("/v1/peers", {"peer": f"127.0.0.1:{port}"})
        nodes = [f"127.0.0.1:{port}" for port in range(4, 258)]
        self.assert_problem(self.node.post("/nodes/register", {"nodes": nodes}), 422, "peer-limit")
        self.assertEqual(self.node.post("/nodes/register", {"nodes": nodes[1:]}).status, 201)

    def test_missing_list_has_the_words_of_the_original(self):
        for body in ({}, {"nodes": None}):
            answer = self.node.post("/nodes/register", body)
            self.assertEqual((answer.status, answer.body),
                             (400, b"Error: Please supply a valid list of nodes"))

    def test_wrong_lists(self):
        for nodes in ("a:1", 5, {}, [5], [None], [["a:1"]], ["a"], ["http://a"], ["a:0"],
                      ["a:65536"], ["https://a:1"], [""], ["a:1", "b"], ["a:1\n"]):
            self.assert_problem(self.node.post("/nodes/register", {"nodes": nodes}), 400)
        self.assertEqual(self.node.post("/nodes/register", {"nodes": []}).json()["total_nodes"], [],
                         "nothing of a wrong list may stay")

    def test_as_many_as_there_may_be(self):
        def post(first, count):
            return self.node.post("/nodes/register", {
                "nodes": [f"127.0.0.1:{port}" for port in range(first, first + count)]})
        self.assert_problem(post(1, 257), 422, "peer-limit")
        self.assertEqual(len(post(1, 256).json()["total_nodes"]), 256)
        self.assertEqual(post(1, 256).status, 201)
        self.assert_problem(post(257, 1), 422, "peer-limit")

    def test_what_answers_at_a_rest_address_is_not_trusted(self):
        """A liar that sends for ever, and one that sends nothing: neither holds anything up."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(60)
            port = server.getsockname()[1]
            answer = self.node.post("/nodes/register", {"nodes": [f"http://127.0.0.1:{port}"]})
            self.assertEqual(answer.status, 201)
            liar, _ = server.accept()
            request = liar.recv(4096)
            self.assertTrue(request.startswith(b"GET /v1/status HTTP/1.0\r\n"), request)
            liar.settimeout(60)
            sent = 0
            try:
                while sent < 16 * 1024 * 1024:
                    sent += liar.send(b"x" * 65536)
            except OSError:
                pass
            liar.close()
            self.assertLess(sent, 16 * 1024 * 1024, "all of it was taken")
        self.assertEqual(self.node.peer_count(), 0)


class Methods(RestCase):
    READS = ("/chain", "/v1/status", "/v1/blocks", "/v1/blocks/1", "/v1/mempool", "/v1/peers",
             "/metrics", "/livez", "/readyz", "/openapi.json", "/")

    def test_head_is_get_without_the_body(self):
        for path in self.READS:
            get, head = self.node.get(path), self.node.request("HEAD", path)
            self.assertEqual((get.status, head.status, head.body), (200, 200, b""), path)
            self.assertEqual(get.headers["Content-Type"], head.headers["Content-Type"])
            self.assertEqual(get.headers["Transfer-Encoding"], head.headers["Transfer-Encoding"])
            if path not in ("/metrics", "/v1/status"):  # their numbers move
                self.assertEqual(get.headers["Content-Length"], head.headers["Content-Length"])

    def test_head_sends_no_byte_behind_its_headers(self):
        for path in self.READS + ("/mine", "/nodes/resolve", "/v1/events", "/none"):
            answer = self.node.raw(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n"
                                   "Connection: close\r\n\r\n".encode())
            self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)
            self.assertEqual(answer.count(b"\r\n\r\n"), 1)

    def test_options_and_other_methods_name_what_is_allowed(self):
        allowed = {"/mine": "GET, HEAD, OPTIONS", "/transactions/new": "POST, OPTIONS",
                   "/transaction/new": "POST, OPTIONS", "/chain": "GET, HEAD, OPTIONS",
                   "/nodes/register": "POST, OPTIONS", "/nodes/resolve": "GET, HEAD, OPTIONS",
                   "/v1/peers": "GET, HEAD, POST, OPTIONS", "/v1/peers/1": "DELETE, OPTIONS",
                   "/": "GET, HEAD, OPTIONS"}
        for path, allow in allowed.items():
            answer = self.node.request("OPTIONS", path)
            self.assertEqual((answer.status, answer.headers["Allow"], answer.body),
                             (200, allow, b""))
            for method in ("PUT", "PATCH", "TRACE", "BREW", "get"):
                answer = self.node.request(method, path)
                self.assert_problem(answer, 405)
                self.assertEqual(answer.headers["Allow"], allow)
        self.assert_problem(self.node.request("DELETE", "/chain"), 405)
        self.assert_problem(self.node.get("/transactions/new"), 405)
        self.assertEqual(self.node.height(), 1, "something was mined")

    def test_unknown_paths(self):
        for path in ("/x", "/chain/", "/mine/", "//chain", "/Chain", "/v1", "/v1/", "/v1/blocks/",
                     "/v1%2fstatus", "/chain/../mine", "/v1/peers/1/2", "/" + "a/" * 50,
                     "/" + "a" * 2000, "/index.html", "/%ff"):
            self.assert_problem(self.node.get(path), 404)
        self.assert_problem(self.node.request("OPTIONS", "/x"), 404)
        self.assert_problem(self.node.request("BREW", "/x"), 404)
        self.assertEqual(self.node.height(), 1)

    def test_percent_escapes_in_paths_are_decoded(self):
        self.assertEqual(self.node.get("/cha%69n").status, 200)
        self.assertEqual(self.node.get("/v1/blocks/%31").json()["height"], 1)
        for path in ("/%", "/%4", "/%zz", "/chain%00", "/chain%0a", "/v1/status?a=%"):
            self.assert_problem(self.node.get(path), 400)


class Blocks(RestCase):
    def setUp(self):
        super().setUp()
        self.hashes = [wire.GENESIS.id.hex()]
        for _ in range(4):
            self.node.mine()
            self.hashes.append(self.node.tip())

    def page(self, query):
        return self.assert_json(self.node.get("/v1/blocks" + query))

    def test_pages_follow_one_another(self):
        self.assertEqual([block["hash"] for block in self.page("")["blocks"]], self.hashes)
        latest = self.page("?limit=2")
        self.assertEqual([block["height"] for block in latest["blocks"]], [4, 5])
        self.assertIsNone(latest["next"])
        seen, start = [], 1
        while start is not None:
            page = self.page(f"?from={start}&limit=2")
            seen += [block["hash"] for block in page["blocks"]]
            start = page["next"]
        self.assertEqual(seen, self.hashes)
        self.assertEqual(self.page("?from=6"), {"blocks": [], "next": None})

    def test_limits_of_a_page(self):
        self.assertEqual(self.node.get("/v1/blocks?limit=1000").status, 200)
        for query in ("limit=0", "limit=1001", "limit=", "limit=x", "limit=-1", "from=0", "from=1.5",
                      "limit=2&limit=2", "from=99999999999999999999"):
            self.assert_problem(self.node.get("/v1/blocks?" + query), 400)

    def test_block_by_height_and_by_hash_is_one(self):
        by_height = self.node.get("/v1/blocks/3")
        block = self.assert_json(by_height)
        self.assertEqual(by_height.body, self.node.get(f"/v1/blocks/{self.hashes[2]}").body)
        self.assertEqual(block["hash"], self.hashes[2])
        self.assertEqual(block["previous_hash"], self.hashes[1])
        self.assertEqual(block["confirmations"], 3)
        self.assertEqual(block["transaction_count"], 1)
        self.assertEqual(block["transactions"][0]["kind"], "reward")

    def test_hash_is_sha256_of_the_header(self):
        block = self.node.get("/v1/blocks/3").json()
        header = wire.Header(block["height"], bytes.fromhex(block["previous_hash"]),
                             bytes.fromhex(block["merkle_root"]), block["timestamp"],
                             proof=block["proof"])
        self.assertEqual(header.id.hex(), block["hash"])

    def test_transactions_of_a_block_come_in_pages(self):
        for number in range(5):
            self.node.entry("a", "b", number)
        self.node.mine()
        page = self.assert_json(self.node.get("/v1/blocks/6?from=1&limit=2"))
        self.assertEqual([entry["amount"] for entry in page["transactions"]], [1, 2])
        self.assertEqual((page["transaction_count"], page["next"]), (6, 3))
        page = self.node.get("/v1/blocks/6?from=3&limit=3").json()
        self.assertEqual((len(page["transactions"]), page["next"]), (3, None))

    def test_blocks_that_are_not_there(self):
        for name in ("6", "0", "f" * 64, "18446744073709551615"):
            self.assert_problem(self.node.get(f"/v1/blocks/{name}"), 404)
        for name in ("x", "f" * 63, "f" * 65, "-1", "1x", "99999999999999999999999"):
            self.assert_problem(self.node.get(f"/v1/blocks/{name}"), 400)


class Transactions(RestCase):
    def setUp(self):
        super().setUp()
        self.key = wire.Key()

    def submit(self, data):
        return self.node.post("/v1/transactions", {"transaction": data.hex()})

    def note(self, amount=3):
        return wire.transaction(self.key, "bob", amount, label="alice")

    def test_signed_transaction_is_taken_and_followed(self):
        data = self.note()
        answer = self.submit(data)
        body = self.assert_json(answer, 201)
        name = wire.tx_id(data).hex()
        self.assertEqual(body, {"id": name, "next_height": 2})
        self.assertEqual(answer.headers["Location"], f"/v1/transactions/{name}")
        shown = self.assert_json(self.node.get(f"/v1/transactions/{name}"))
        self.assertEqual((shown["status"], shown["block"], shown["confirmations"]),
                         ("pool", None, 0))
        self.assertEqual((shown["raw"], shown["kind"], shown["sender"], shown["amount"]),
                         (data.hex(), "note", "alice", 3))
        self.node.mine()
        shown = self.assert_json(self.node.get(f"/v1/transactions/{name}"))
        self.assertEqual((shown["status"], shown["block"]["height"], shown["block"]["position"],
                          shown["confirmations"]), ("block", 2, 0, 1))

    def test_sending_twice_is_as_good_as_once(self):
        data = self.note()
        first, second = self.submit(data), self.submit(data)
        self.assertEqual((first.status, second.status), (201, 200))
        self.assertEqual(first.json(), second.json())
        self.assertEqual(self.node.pool_count(), 1)
        self.node.mine()
        self.assert_problem(self.submit(data), 422, "tx-duplicate")

    def test_refusals_name_the_rule(self):
        data = self.note()
        self.assert_problem(self.submit(data[:-1] + bytes([data[-1] ^ 1])), 422, "tx-signature")
        self.assert_problem(self.submit(data + b"\0"), 400, "tx-malformed")
        self.assert_problem(self.submit(data[:-1]), 400, "tx-malformed")
        self.assert_problem(self.submit(b"\2" + data[1:]), 400, "tx-version")
        self.assert_problem(self.submit(b""), 400)
        self.assert_problem(self.submit(b"\1" * 2000), 400, "tx-malformed")
        coins = wire.transaction(self.key, wire.Key().public, 1)
        self.assert_problem(self.submit(coins), 422, "tx-funds")

    def test_shapes_that_are_no_transaction(self):
        for body in ({}, {"transaction": None}, {"transaction": 5}, {"transaction": "xx"},
                     {"transaction": "abc"}, {"transaction": ["00"]}):
            self.assert_problem(self.node.post("/v1/transactions", body), 400)

    def test_names_that_are_not_known(self):
        self.assert_problem(self.node.get("/v1/transactions/" + "0" * 64), 404)
        self.assert_problem(self.node.get("/v1/transactions/" + "0" * 64 + "/proof"), 404)
        self.assert_problem(self.node.get("/v1/transactions/xyz"), 400)
        self.assert_problem(self.node.get("/v1/transactions/" + "0" * 63), 400)

    def test_proof_is_checked_without_the_node(self):
        names = []
        for number in range(6):
            data = self.note(number)
            self.assertEqual(self.submit(data).status, 201)
            names.append(wire.tx_id(data))
        self.assert_problem(self.node.get(f"/v1/transactions/{names[0].hex()}/proof"), 404,
                            "not-in-a-block")
        self.node.mine()
        for name in names:
            proof = self.assert_json(self.node.get(f"/v1/transactions/{name.hex()}/proof"))
            self.assertEqual(wire.tx_id(bytes.fromhex(proof["raw"])), name)
            self.assertEqual(rfc6962_root(name, proof["index"], proof["count"],
                                          [bytes.fromhex(step) for step in proof["path"]]).hex(),
                             proof["merkle_root"])
            header = bytes.fromhex(proof["block"]["header"])
            self.assertEqual(hashlib.sha256(header).hexdigest(), proof["block"]["hash"])
            self.assertIn(bytes.fromhex(proof["merkle_root"]), header)
            self.assertEqual(proof["count"], 7)

    def test_pool_comes_in_pages(self):
        for number in range(5):
            self.submit(self.note(number))
        seen, query = [], "?limit=2"
        while True:
            page = self.assert_json(self.node.get("/v1/mempool" + query))
            self.assertEqual(page["count"], 5)
            seen += [entry["amount"] for entry in page["transactions"]]
            if page["next"] is None:
                break
            query = f"?limit=2&after={page['next']}"
        self.assertEqual(seen, [0, 1, 2, 3, 4])


def rfc6962_root(leaf, index, count, path):
    """RFC 9162, 2.1.3.2: the root that an audit path leads to."""
    node, at, last = hashlib.sha256(b"\0" + leaf).digest(), index, count - 1
    for step in path:
        assert last > 0, "the path is too long"
        if at & 1 or at == last:
            node = hashlib.sha256(b"\1" + step + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + step).digest()
        at, last = at >> 1, last >> 1
    assert last == 0, "the path is too short"
    return node


class Looks(RestCase):
    def test_status_has_what_the_contract_names(self):
        status = self.assert_json(self.node.get("/v1/status"))
        self.assertTrue({"node", "version", "network", "tip", "syncing", "peers", "mempool",
                         "uptime_s", "p2p"} <= set(status))
        self.assertEqual(set(status["tip"]), {"hash", "height", "work", "timestamp"})
        self.assertEqual(set(status["peers"]), {"inbound", "outbound"})
        self.assertEqual(set(status["mempool"]), {"count", "bytes"})
        self.assertEqual(status["node"], self.node.node_id)
        self.assertEqual(status["network"], "classic")
        self.assertEqual(status["p2p"], self.node.listen)
        self.assertEqual(status["tip"]["hash"], wire.GENESIS.id.hex())
        self.assertIs(status["syncing"], False)

    def test_node_that_does_not_listen_says_so(self):
        node = self.start_node(listen="off")
        self.assertIsNone(node.status()["p2p"])

    def test_account_shows_what_was_earned(self):
        path = f"/v1/accounts/{self.node.node_id}"
        self.assertEqual(self.assert_json(self.node.get(path)),
                         {"address": self.node.node_id, "balance": 0, "next_sequence": 0,
                          "sequence": 0})
        self.node.mine()
        self.node.entry(self.node.node_id, "bob", 0)
        account = self.node.get(path.upper().replace("/V1/ACCOUNTS", "/v1/accounts")).json()
        self.assertEqual((account["balance"], account["sequence"], account["next_sequence"]),
                         (1, 0, 1))
        for wrong in ("bob", self.node.node_id[:-1], self.node.node_id + "q"):
            self.assert_problem(self.node.get(f"/v1/accounts/{wrong}"), 400)

    def test_peers_are_added_shown_and_removed(self):
        other = self.start_node()
        answer = self.node.post("/v1/peers", {"peer": other.listen})
        self.assertEqual(self.assert_json(answer, 201), {"peer": other.listen})
        until(lambda: self.node.peer_count() == 1, "connected")
        listed = self.assert_json(self.node.get("/v1/peers"))
        self.assertEqual((listed["count"], listed["next"]), (1, None))
        peer = listed["peers"][0]
        self.assertEqual((peer["address"], peer["node"], peer["direction"], peer["manual"]),
                         (other.listen, other.node_id, "outbound", True))
        self.assertGreater(peer["bytes_in"], 0)
        self.assertGreater(peer["bytes_out"], 0)
        self.assertLess(abs(peer["since"] / 1e6 - time.time()), 600)
        self.assertTrue(peer["standing"])
        answer = self.node.request("DELETE", f"/v1/peers/{peer['id']}")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertNotIn("Content-Length", answer.headers)

        def gone():
            # The book may still choose the address: what ended is this link, and the wish for it.
            rows = self.node.get("/v1/peers").json()["peers"]
            return all(row["id"] != peer["id"] and not row["manual"] for row in rows)
        until(gone, "disconnected")
        self.assert_problem(self.node.request("DELETE", f"/v1/peers/{peer['id']}"), 404)
        self.assert_problem(self.node.request("DELETE", f"/v1/peers/{other.listen}"), 404)

    def test_peer_is_removed_by_its_address_too(self):
        self.node.post("/v1/peers", {"peer": "127.0.0.1:1"})
        self.assertEqual(self.node.request("DELETE", "/v1/peers/127.0.0.1:1").status, 204)
        self.assert_problem(self.node.request("DELETE", "/v1/peers/127.0.0.1:1"), 404)
        self.assert_problem(self.node.request("DELETE", "/v1/peers/x"), 400)

    def test_wrong_peers(self):
        for body in ({}, {"peer": None}, {"peer": 5}, {"peer": "a"}, {"peer": "a:0"},
                     {"peer": "http://a:1"}, {"peer": ""}):
            self.assert_problem(self.node.post("/v1/peers", body), 400)

    def test_metrics_are_prometheus_text(self):
        self.node.mine()
        answer = self.node.get("/metrics")
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        values, types = {}, {}
        for line in answer.text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.assertNotIn(name, types, "declared twice")
                types[name] = kind
            elif not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.assertNotIn(name, values)
                values[name] = float(value)
                family = name.split("{")[0]
                if family not in types:
                    family = re.sub("_(bucket|sum|count)$", "", family)
                    self.assertEqual(types.get(family), "histogram", name)
        self.assertEqual(values["ezp2p_tip_height"], 2)
        self.assertEqual(values["ezp2p_blocks_mined_total"], 1)
        self.assertGreaterEqual(values["ezp2p_http_requests_total"], 2)

    def test_probes(self):
        for path in ("/livez", "/readyz"):
            answer = self.node.get(path)
            self.assertEqual((answer.status, answer.text), (200, "ok\n"))

    def test_openapi_lists_every_route(self):
        document = self.assert_json(self.node.get("/openapi.json"))
        self.assertTrue(document["openapi"].startswith("3."))
        for path in ("/mine", "/transactions/new", "/transaction/new", "/chain", "/nodes/register",
                     "/nodes/resolve", "/v1/status", "/v1/blocks/{block}", "/v1/events", "/"):
            self.assertIn(path, document["paths"])
        self.assertEqual(set(document["paths"]["/v1/peers"]), {"get", "post"})

    def test_page_needs_nothing_from_elsewhere(self):
        answer = self.node.get("/")
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        for tag in ("script", "style"):
            text = answer.text.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
            digest = hashlib.sha256(text.encode()).digest()
            self.assertIn(f"'sha256-{base64.b64encode(digest).decode()}'", policy)
        self.assertNotIn("http://", answer.text)
        self.assertNotIn("https://", answer.text)
        self.assertIn("/v1/events", answer.text)


class Stream:
    """A subscriber of /v1/events."""

    def __init__(self, node, query="", last=None):
        self.connection = http.client.HTTPConnection(*node.split(node.http), timeout=60)
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self.connection.request("GET", "/v1/events" + query, headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()

    def event(self):
        """The next one as (id, type, data); comments and retry lines are skipped."""
        fields = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line == "" and "data" in fields:
                return fields.get("id"), fields["event"], json.loads(fields["data"])
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    def close(self):
        self.response.close()
        self.connection.close()


class Events(RestCase):
    def subscribe(self, *arguments, **options):
        stream = Stream(self.node, *arguments, **options)
        self.addCleanup(stream.close)
        return stream

    def test_what_happens_is_told(self):
        stream = self.subscribe()
        self.node.entry("a", "b", 1)
        _, kind, entry = stream.event()
        self.assertEqual((kind, entry["own"]), ("transaction", True))
        self.assertEqual(self.node.get(f"/v1/transactions/{entry['id']}").json()["amount"], 1)
        self.node.mine()
        _, kind, block = stream.event()
        self.assertEqual((kind, block["height"], block["hash"], block["own"],
                          block["transactions"]), ("block", 2, self.node.tip(), True, 2))
        self.assertLess(abs(block["at_us"] / 1e6 - time.time()), 600)
        other = self.start_node("--peer", self.node.listen)
        _, kind, peer = stream.event()
        self.assertEqual((kind, peer["state"], peer["direction"], peer["node"]),
                         ("peer", "up", "inbound", other.node_id))
        other.stop()
        _, kind, peer = stream.event()
        self.assertEqual((kind, peer["state"], peer["reason"]), ("peer", "down", "shutdown"))

    def test_types_choose(self):
        stream = self.subscribe("?types=block")
        self.node.entry("a", "b", 1)
        self.node.mine()
        self.assertEqual(stream.event()[1], "block")
        for types in ("", "x", "block,", "Block"):
            self.assert_problem(self.node.get(f"/v1/events?types={types}"), 400)

    def test_client_that_comes_back_misses_nothing(self):
        stream = self.subscribe("?types=block")
        self.node.mine()
        last = stream.event()[0]
        stream.close()
        for _ in range(3):
            self.node.mine()
        again = self.subscribe("?types=block", last=last)
        heights = [again.event()[2]["height"] for _ in range(3)]
        self.assertEqual(heights, [3, 4, 5])

    def test_ids_rise_over_a_restart_and_a_gap_is_told(self):
        stream = self.subscribe("?types=block")
        self.node.mine()
        last = int(stream.event()[0])
        stream.close()
        self.node.restart()
        again = self.subscribe("?types=block", last=last)
        _, kind, gap = again.event()
        self.assertEqual((kind, gap["last_seen"]), ("gap", last))
        self.node.mine()
        self.assertGreater(int(again.event()[0]), last)

    def test_last_event_id_is_a_number(self):
        for wrong in ("x", "-1", "1" * 40):
            self.assert_problem(self.node.get("/v1/events", headers={"Last-Event-ID": wrong}), 400)

    def test_old_client_gets_events_without_chunks(self):
        with socket.create_connection(self.node.split(self.node.http), timeout=60) as connection:
            connection.sendall(b"GET /v1/events HTTP/1.0\r\n\r\n")
            received = bytearray()
            while b"retry" not in received:
                received += connection.recv(4096)
            self.node.mine()
            while b"}\n\n" not in received:  # with a heartbeat behind it, if that was its time
                received += connection.recv(4096)
        self.assertNotIn(b"Transfer-Encoding", received)

    def test_subscribers_have_a_limit_and_leaving_makes_room(self):
        streams = [self.subscribe() for _ in range(64)]
        self.assert_problem(self.node.get("/v1/events"), 503)
        streams[0].close()

        def room():
            try:
                self.subscribe()
                return True
            except AssertionError:
                return False
        until(room, "there is room again")
        self.node.mine()
        self.assertEqual(streams[1].event()[1], "block")


if __name__ == "__main__":
    unittest.main()
