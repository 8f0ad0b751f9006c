"""Peers that break rules, over raw sockets: each is told why and dropped, honest trouble costs
nothing, and the node lives, stays small and keeps serving whatever it is sent."""
import os
import random
import socket
import struct
import threading
import unittest

import wire
from harness import NodeCase, hold_port, until
from wire import Block, GENESIS, Header, Key, Peer, encode, field, frame

RSS_KIB_MAX = 256 * 1024  # whatever is thrown at it
SANITIZED = bool(os.environ.get("EZ_TEST_SANITIZE"))


class HostileCase(NodeCase):
    """One node, and a check behind every test that it still works."""

    def setUp(self):
        super().setUp()
        self.node = self.start_node()
        self._peers = []

    def tearDown(self):
        for peer in self._peers:
            peer.close()
        if self.has_failed():
            return
        self.assert_works()

    def assert_works(self):
        """It mines, an honest peer can shake hands with it, and it has not grown over its bound."""
        height = self.node.height()
        self.assertEqual(self.node.mine()["index"], height + 1)
        with Peer(self.node) as honest:
            honest.shake()
            self.assertTrue(honest.answers_ping())
        if not SANITIZED:
            self.assertLess(self.node.resident_kib(), RSS_KIB_MAX)

    def connect(self, **options):
        peer = Peer(self.node, **options)
        self._peers.append(peer)
        return peer

    def ready_peer(self, **options):
        peer = self.connect(**options)
        peer.shake()
        return peer

    def assert_goodbye(self, peer, reason):
        self.assertEqual(peer.goodbye(), reason)

    def tip_header(self):
        """The node's tip as a wire.Header, asked from it over the wire."""
        peer = self.ready_peer()
        peer.send("get_headers", locator=wire.NETWORK)
        data = peer.expect("headers")["list"]
        peer.close()
        return Header.decode(data[-96:]) if data else GENESIS


class Frames(HostileCase):
    def test_length_of_zero(self):
        peer = self.ready_peer()
        peer.send_bytes(struct.pack(">I", 0))
        self.assert_goodbye(peer, "frame-size")

    def test_largest_frame_before_the_handshake_is_read(self):
        peer = self.connect()
        # An unknown field inside a Hello of full size: malformed, but not too large.
        peer.send_bytes(frame(bytes(wire.FRAME_HELLO_BYTES_MAX)))
        self.assert_goodbye(peer, "frame-malformed")

    def test_frame_one_byte_too_long_before_the_handshake(self):
        peer = self.connect()
        peer.send_bytes(struct.pack(">I", wire.FRAME_HELLO_BYTES_MAX + 1))
        self.assert_goodbye(peer, "frame-size")

    def test_frame_one_byte_too_long_after_the_handshake(self):
        peer = self.ready_peer()
        peer.send_bytes(struct.pack(">I", wire.FRAME_BYTES_MAX + 1))
        self.assert_goodbye(peer, "frame-size")

    def test_largest_frame_after_the_handshake_is_read(self):
        peer = self.ready_peer()
        peer.send_bytes(frame(bytes(wire.FRAME_BYTES_MAX)))
        self.assert_goodbye(peer, "frame-malformed")

    def test_stream_that_ends_inside_a_frame(self):
        for cut in (1, 3, 4, 5, 20):
            peer = self.ready_peer()
            peer.send_bytes(frame(encode("ping", nonce=1) * 9)[:cut])
            peer.close()
        until(lambda: self.node.peer_count() == 0, "all of them are gone")

    def test_random_bytes(self):
        rng = random.Random(1)
        for _ in range(40):
            peer = self.connect()
            peer.send_bytes(rng.randbytes(rng.randrange(1, 3000)))
            peer.socket.shutdown(socket.SHUT_WR)
            peer.goodbye()

    def test_random_bytes_in_frames_after_the_handshake(self):
        rng = random.Random(2)
        for _ in range(40):
            peer = self.ready_peer()
            peer.send_bytes(frame(rng.randbytes(rng.randrange(1, 3000))))
            self.assert_goodbye(peer, "frame-malformed")

    def test_every_message_with_random_content(self):
        rng = random.Random(3)
        for number in range(1, 20):
            for _ in range(3):
                peer = self.ready_peer()
                body = rng.randbytes(rng.randrange(1, 200))
                peer.send_bytes(frame(field(number, wire.BYTES, body)))
                peer.socket.shutdown(socket.SHUT_WR)
                peer.goodbye()

    def test_messages_byte_by_byte_are_understood(self):
        peer = self.connect()
        peer.send_hello()
        peer.expect("hello")
        peer.send("ready")
        peer.expect("ready")
        for byte in frame(encode("ping", nonce=77)):
            peer.send_bytes(bytes([byte]))
        self.assertEqual(peer.expect("pong")["nonce"], 77)

    def test_frame_of_a_million_empty_entries_takes_no_memory(self):
        before = self.node.resident_kib()
        peer = self.ready_peer()
        # As many zero-length transactions as fit: 84 MB for a decoder that trusts the count.
        body = b"\x0a\x00" * 500000
        peer.send_bytes(frame(field(wire.MESSAGES["txs"][0], wire.BYTES, body)))
        self.assertIn(peer.goodbye(), ("message-limit", "frame-malformed"))
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 16 * 1024)

    def test_large_frames_begun_by_many_and_never_ended_take_what_was_sent(self):
        before = self.node.resident_kib()
        for _ in range(40):
            peer = self.ready_peer()
            peer.send_bytes(struct.pack(">I", wire.FRAME_BYTES_MAX) + b"\x52")
        self.assertTrue(self.ready_peer().answers_ping())
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 16 * 1024)


class Handshake(HostileCase):
    def test_wrong_network(self):
        peer = self.connect()
        peer.send_hello(network=bytes(32))
        self.assert_goodbye(peer, "network")

    def test_wrong_version(self):
        for version in (0, 2):
            peer = self.connect()
            peer.send_hello(protocol=version)
            self.assert_goodbye(peer, "version")

    def test_own_nonce_is_a_connection_to_oneself(self):
        peer = self.connect()
        hello = peer.expect("hello")
        peer.send_hello(nonce=hello["nonce"])
        self.assert_goodbye(peer, "self")

    def test_own_key_is_a_connection_to_oneself(self):
        peer = self.connect()
        hello = peer.expect("hello")
        peer.send_hello(node=hello["node"])
        self.assert_goodbye(peer, "self")

    def test_node_that_is_told_of_itself_is_no_peer_of_its_own(self):
        port, holder = hold_port("127.0.0.1")
        self.addCleanup(holder.close)
        own = f"127.0.0.1:{port}"
        node = self.start_node("--peer", own, listen=own)
        until(lambda: 'ezp2p_messages_out_total{type="goodbye"} 0' not in node.get("/metrics").text,
              "it dialled itself and said goodbye")
        self.assertEqual(node.peer_count(), 0)

    def test_third_connection_of_one_node(self):
        key = Key()
        first, second = self.ready_peer(key=key), self.ready_peer(key=key)
        third = self.connect(key=key)
        third.send_hello()
        self.assert_goodbye(third, "duplicate")
        self.assertTrue(first.answers_ping() and second.answers_ping())

    def test_anything_before_hello(self):
        for name, values in [("ping", {"nonce": 1}), ("ready", {}), ("get_addresses", {})]:
            peer = self.connect()
            peer.send(name, **values)
            self.assert_goodbye(peer, "message-order")

    def test_anything_between_hello_and_ready(self):
        peer = self.connect()
        peer.send_hello()
        peer.send("ping", nonce=1)
        self.assert_goodbye(peer, "message-order")

    def test_second_hello_or_ready(self):
        peer = self.ready_peer()
        peer.send_hello()
        self.assert_goodbye(peer, "message-order")
        peer = self.ready_peer()
        peer.send("ready")
        self.assert_goodbye(peer, "message-order")

    def test_silence_ends_after_the_time_for_handshakes(self):
        silent, half = self.connect(), self.connect()
        half.send_hello()
        self.assert_goodbye(silent, "timeout")
        self.assert_goodbye(half, "timeout")

    def test_dripping_hello_gets_no_more_time(self):
        peer = self.connect()
        stop = threading.Event()

        def drip():  # a Hello that would take minutes
            for byte in struct.pack(">I", 3000) + bytes(3000):
                if stop.wait(0.1) or not peer.send_bytes(bytes([byte])):
                    return
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            self.assert_goodbye(peer, "timeout")
        finally:
            stop.set()
            thread.join()

    def test_user_agent_of_65_bytes(self):
        peer = self.connect()
        peer.send_hello(user_agent="x" * 65)
        self.assertIn(peer.goodbye(), ("message-limit", "hello"))
        self.assertTrue(self.connect().shake(user_agent="x" * 64))


class Limits(HostileCase):
    """Each count at its limit, and one above."""

    def check(self, name, at_limit, above):
        peer = self.ready_peer()
        peer.send(name, **at_limit)
        self.assertTrue(peer.answers_ping(), f"{name} at its limit")
        peer.send(name, **above)
        self.assert_goodbye(peer, "message-limit")

    def test_ids_of_transactions(self):
        ids = os.urandom(32 * 1001)
        for name in ("announce_txs", "get_txs"):
            self.check(name, {"ids": ids[:-32]}, {"ids": ids})

    def test_addresses(self):
        def address(number):
            return (field(1, wire.BYTES, bytes([10, 1, number >> 8, number & 255]))
                    + field(2, wire.VARINT, 7333) + field(3, wire.VARINT, 5))
        rows = [address(number) for number in range(1001)]
        self.check("addresses", {"list": rows[:-1]}, {"list": rows})

    def test_locator(self):
        ids = os.urandom(32 * 65)
        self.check("get_headers", {"locator": ids[:-32]}, {"locator": ids})

    def test_block_ids(self):
        ids = os.urandom(32 * 65)
        self.check("get_bodies", {"ids": ids[:-32]}, {"ids": ids})

    def test_headers(self):
        peer = self.ready_peer()
        peer.send("headers", list=bytes(96 * 2001))
        self.assert_goodbye(peer, "message-limit")

    def test_positions_must_rise(self):
        peer = self.ready_peer()
        peer.send("get_parts", id=bytes(32), positions=struct.pack("<II", 1, 1))
        self.assertIn(peer.goodbye(), ("frame-malformed", "message-limit"))


class Transactions(HostileCase):
    def setUp(self):
        super().setUp()
        self.peer = self.ready_peer()
        self.key = Key()

    def send(self, *entries):
        self.peer.send("txs", list=list(entries))

    def test_honest_note_is_pooled(self):
        self.send(wire.transaction(self.key, "bob", 1, label="ann"))
        until(lambda: self.node.pool_count() == 1, "the note is pooled")

    def test_bad_signature(self):
        entry = bytearray(wire.transaction(self.key, "bob", 1, label="ann"))
        entry[-1] ^= 1
        self.send(bytes(entry))
        self.assert_goodbye(self.peer, "tx-invalid")
        self.assertEqual(self.node.pool_count(), 0)

    def test_signature_over_another_network(self):
        self.send(wire.transaction(self.key, "bob", 1, label="ann", network=bytes(32)))
        self.assert_goodbye(self.peer, "tx-invalid")

    def test_signature_of_another_key(self):
        entry = wire.transaction(self.key, "bob", 1, label="ann")
        self.send(entry[:-96] + Key().public + entry[-64:])
        self.assert_goodbye(self.peer, "tx-invalid")

    def test_bytes_that_are_no_transaction(self):
        good = wire.transaction(self.key, "bob", 1, label="ann")
        for bad in (b"x", good[:-1], good + b"x", b"\2" + good[1:], os.urandom(200)):
            peer = self.ready_peer()
            peer.send("txs", list=[bad])
            self.assert_goodbye(peer, "tx-invalid")

    def test_reward_alone(self):
        self.send(wire.reward(self.key.public, 2))
        self.assert_goodbye(self.peer, "tx-invalid")

    def test_label_that_poses_as_a_reward(self):
        self.send(wire.transaction(self.key, "bob", 1, label="0"))
        self.assert_goodbye(self.peer, "tx-invalid")

    def test_amount_over_the_limit(self):
        self.send(wire.transaction(self.key, "bob", 2**53, label="ann"))
        self.assert_goodbye(self.peer, "tx-invalid")

    def test_overspending_is_not_pooled_and_costs_nobody_a_connection(self):
        self.send(wire.transaction(self.key, Key().public, 1))
        self.assertTrue(self.peer.answers_ping())
        # The check runs beside the loop; what was sent behind it is judged behind it.
        self.send(wire.transaction(self.key, "bob", 1, label="marker"))
        until(lambda: self.node.pool_count() == 1, "the marker is pooled")
        self.assertTrue(self.peer.answers_ping())
        self.assertEqual(self.node.get("/v1/mempool").text.count("marker"), 1)

    def test_duplicates_are_pooled_once_and_cost_nobody_a_connection(self):
        entry = wire.transaction(self.key, "bob", 1, label="ann")
        for _ in range(20):
            self.send(entry, entry)
        until(lambda: self.node.pool_count() == 1, "it is pooled")
        self.assertTrue(self.peer.answers_ping())
        self.node.mine()
        self.send(entry)
        self.send(wire.transaction(self.key, "bob", 2, label="marker"))
        until(lambda: self.node.pool_count() == 1, "only the marker is pooled")
        self.node.mine()
        self.assertEqual(self.node.entries(), [("ann", "bob", 1), ("marker", "bob", 2)])

    def test_orphans_beyond_their_bound_take_no_memory(self):
        before = self.node.resident_kib()
        for number in range(300):
            self.send(wire.transaction(self.key, "bob", 0, sequence=number + 1))
        self.assertTrue(self.peer.answers_ping())
        self.assertEqual(self.node.pool_count(), 0)
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 16 * 1024)


class Blocks(HostileCase):
    def setUp(self):
        super().setUp()
        self.key = Key()
        self.node.mine()
        self.tip = self.tip_header()
        self.peer = self.ready_peer()

    def announce(self, block, short_ids=b"", peer=None):
        (peer or self.peer).send("announce_block", header=block.header.encode(),
                                 short_ids=short_ids, reward=block.txs[-1])

    def announce_full(self, block):
        """Announce a block and serve its transactions to whoever asks, until the node has judged.
        Returns the code of the Goodbye, None when the block became the tip."""
        ids = [wire.short_id(block.id, wire.tx_id(entry)) for entry in block.txs[:-1]]
        self.announce(block, b"".join(struct.pack("<Q", item) for item in ids))
        while True:
            if self.node.tip() == block.id.hex():
                return None
            message = self.peer.receive()
            if message is None:
                return "closed"
            name, fields = message
            if name == "goodbye":
                return wire.GOODBYES[fields["reason"]]
            if name == "get_parts":
                wanted = struct.iter_unpack("<I", fields["positions"])
                self.peer.send("parts", id=block.id, list=[block.txs[at] for (at,) in wanted])
                until(lambda: self.is_judged(block), "the block is judged")
            elif name == "get_bodies":
                self.peer.send("body", id=block.id, bytes=block.body)
                until(lambda: self.is_judged(block), "the block is judged")

    def is_judged(self, block):
        answer = self.node.get(f"/v1/blocks/{block.id.hex()}")
        if answer.status == 404:
            return True
        shown = answer.json()
        return shown["invalid"] or shown["active"] or self.node.peer_count() == 0

    def test_honest_block_becomes_the_tip(self):
        block = Block(self.tip, self.key)
        self.announce(block)
        until(lambda: self.node.tip() == block.id.hex(), "the block is the tip")
        self.assertTrue(self.peer.answers_ping())

    def test_honest_block_with_entries_becomes_the_tip(self):
        entries = [wire.transaction(self.key, "bob", number, label="ann") for number in range(5)]
        self.assertIsNone(self.announce_full(Block(self.tip, self.key, entries)))

    def test_header_without_work(self):
        block = Block(self.tip, self.key, mined=False)
        block.header.mine(valid=False)
        self.announce(block)
        self.assert_goodbye(self.peer, "header-invalid")

    def test_header_with_an_easier_target(self):
        block = Block(self.tip, self.key, mined=False)
        block.header.bits = 0x207FFFFF
        self.announce(block)
        self.assert_goodbye(self.peer, "header-invalid")

    def test_header_with_a_wrong_index(self):
        block = Block(self.tip, self.key, mined=False)
        block.header.index += 1
        block.header.mine()
        self.announce(block)
        self.assert_goodbye(self.peer, "header-invalid")

    def test_header_older_than_the_median(self):
        block = Block(self.tip, self.key, timestamp=GENESIS.timestamp)
        self.announce(block)
        self.assert_goodbye(self.peer, "header-invalid")

    def test_header_from_the_future_costs_nobody_a_connection(self):
        block = Block(self.tip, self.key, timestamp=wire.now_us() + 3 * 3600 * 10**6)
        self.announce(block)
        self.assertTrue(self.peer.answers_ping())
        self.assertEqual(self.node.tip(), self.tip.id.hex())

    def test_wrong_merkle_root(self):
        block = Block(self.tip, self.key, root=bytes(32))
        self.announce(block)
        fields = self.peer.expect("get_bodies")
        self.assertEqual(fields["ids"], block.id)
        self.peer.send("body", id=block.id, bytes=block.body)
        self.assert_goodbye(self.peer, "body-mismatch")
        self.assertEqual(self.node.tip(), self.tip.id.hex())

    def test_overspending_in_a_block(self):
        entry = wire.transaction(self.key, Key().public, 1)
        self.assertEqual(self.announce_full(Block(self.tip, self.key, [entry])), "block-invalid")

    def test_bad_signature_in_a_block(self):
        entry = bytearray(wire.transaction(self.key, "bob", 1, label="ann"))
        entry[-1] ^= 1
        self.assertEqual(self.announce_full(Block(self.tip, self.key, [bytes(entry)])),
                         "block-invalid")

    def test_same_transaction_twice_in_a_block(self):
        entry = wire.transaction(self.key, "bob", 1, label="ann")
        self.assertEqual(self.announce_full(Block(self.tip, self.key, [entry, entry])),
                         "block-invalid")

    def test_transaction_that_is_in_the_chain_already(self):
        entry = wire.transaction(self.key, "bob", 1, label="ann")
        first = Block(self.tip, self.key, [entry])
        self.assertIsNone(self.announce_full(first))
        again = Block(first.header, self.key, [entry])
        self.assertEqual(self.announce_full(again), "block-invalid")
        self.assertEqual(self.node.tip(), first.id.hex())

    def test_too_large_a_reward_condemns_the_block_but_not_who_announced_it(self):
        """Announcements are passed on before the body is judged: honest peers do it too."""
        block = Block(self.tip, self.key, amount=2)
        self.announce(block)
        until(lambda: self.node.get(f"/v1/blocks/{block.id.hex()}").json().get("invalid"),
              "the block is judged")
        self.assertTrue(self.peer.answers_ping())
        self.assertEqual(self.node.tip(), self.tip.id.hex())
        child = Block(block.header, self.key)
        self.announce(child)
        self.assertTrue(self.peer.answers_ping())
        self.assertEqual(self.node.tip(), self.tip.id.hex())

    def test_body_that_nobody_asked_for(self):
        self.peer.send("body", id=os.urandom(32), bytes=b"x")
        self.assertIn(self.peer_outcome(), ("unrequested", "alive"))
        self.assertEqual(self.node.tip(), self.tip.id.hex())

    def peer_outcome(self):
        try:
            return "alive" if self.peer.answers_ping() else "silent"
        except AssertionError as error:
            return "unrequested" if "unrequested" in str(error) else str(error)

    def test_headers_that_nobody_asked_for(self):
        self.peer.send("headers", list=Block(self.tip, self.key).header.encode())
        self.assert_goodbye(self.peer, "unrequested")

    def test_headers_that_are_no_chain(self):
        peer = self.connect()
        peer.shake(tip=Header(1000, bytes(32), bytes(32), 0), work=10**9)
        peer.expect("get_headers")
        first = Block(self.tip, self.key).header
        peer.send("headers", list=first.encode() + Block(self.tip, Key()).header.encode())
        self.assert_goodbye(peer, "header-invalid")

    def test_spam_of_headers_without_parents(self):
        before = self.node.resident_kib()

        def answer(name, fields):
            if name == "get_headers":
                self.peer.send("headers", list=b"")
        for number in range(2000):
            header = Header(10**6 + number, os.urandom(32), os.urandom(32), wire.now_us())
            self.peer.send("announce_block", header=header.encode(),
                           reward=wire.reward(self.key.public, header.index))
        self.peer.send("ping", nonce=5)
        self.assertEqual(self.peer.expect("pong", answer=answer)["nonce"], 5)
        self.assertEqual(self.node.tip(), self.tip.id.hex())
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 16 * 1024)

    def test_announced_blocks_whose_bodies_never_come_do_not_stop_the_chain(self):
        """A header with valid work and nothing behind it: the node mines on, on what it has."""
        ghost = Block(self.tip, self.key, root=os.urandom(32))
        self.announce(ghost)
        self.assertEqual(self.node.mine()["index"], self.tip.index + 1)
        self.assertEqual(self.node.mine()["index"], self.tip.index + 2)


class Crowds(HostileCase):
    def test_many_connections_at_once_leave_room_for_honest_ones(self):
        crowd = []
        for _ in range(150):
            try:
                crowd.append(self.connect())
            except OSError:
                break
        self.assertGreater(len(crowd), 60)
        # Slots go to who has shown to be a peer: whoever never says hello is out after 5 s.
        def honest_gets_in():
            try:
                with Peer(self.node, seconds=10) as peer:
                    peer.shake()
                    return peer.answers_ping()
            except (AssertionError, OSError):
                return False
        until(honest_gets_in, "an honest peer gets in")
        for peer in crowd:
            peer.close()
        until(lambda: self.node.peer_count() == 0, "all are gone")

    def test_peer_that_never_reads_holds_no_memory(self):
        for _ in range(8):
            block = self.node.mine()
        self.assertGreater(block["index"], 8)
        before = self.node.resident_kib()
        peer = self.ready_peer()
        # Far more answers than any socket buffer takes, and nobody reads them.
        request = frame(encode("get_headers", locator=wire.NETWORK)) * 500
        for _ in range(200):
            peer.socket.settimeout(1)
            try:
                if not peer.send_bytes(request):
                    break
            except TimeoutError:
                break
        self.assertEqual(self.node.status()["tip"]["height"], block["index"])
        if not SANITIZED:
            self.assertLess(self.node.resident_kib() - before, 32 * 1024)


if __name__ == "__main__":
    unittest.main()
