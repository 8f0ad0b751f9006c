"""The peer protocol written a second time, from docs/protocol.md and proto/ezp2p.proto alone: frames,
envelopes, canonical transactions and headers, mining, and a raw peer that can misbehave.

    peer = Peer(node)
    peer.shake()
    peer.send("txs", list=[b"nonsense"])
    self.assertEqual(peer.goodbye(), "tx-invalid")
"""
import hashlib
import os
import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ed25519

CLASSIC_BITS = 0x1F00FFFF
CLASSIC_TARGET = 0xFFFF << 8 * (0x1F - 3)
TX_DOMAIN = b"ezp2p/tx/v1".ljust(16, b"\0")
FRAME_BYTES_MAX = 1048576 + 65536
FRAME_HELLO_BYTES_MAX = 4096
SECONDS = 60.0

GOODBYES = {
    0: "unspecified", 1: "shutdown", 2: "full", 3: "duplicate", 4: "self", 5: "network",
    6: "version", 7: "timeout", 8: "evicted", 9: "discouraged", 10: "requested", 11: "slow-reader",
    20: "frame-size", 21: "frame-malformed", 22: "message-limit", 23: "message-order", 24: "hello",
    25: "tx-invalid", 26: "header-invalid", 27: "body-mismatch", 28: "block-invalid",
    29: "unrequested", 30: "flood",
}

# ---- protobuf ---------------------------------------------------------------------------------

VARINT, FIXED64, BYTES = 0, 1, 2
MESSAGES = {
    # name: (number in the envelope, {field: (number, wire type)}); "list" repeats
    "hello": (1, {"protocol": (1, VARINT), "network": (2, BYTES), "node": (3, BYTES),
                  "nonce": (4, FIXED64), "listen_port": (5, VARINT), "features": (6, VARINT),
                  "tip_id": (7, BYTES), "tip_height": (8, VARINT), "tip_work": (9, BYTES),
                  "user_agent": (10, BYTES)}),
    "ready": (2, {}),
    "goodbye": (3, {"reason": (1, VARINT), "text": (2, BYTES)}),
    "ping": (4, {"nonce": (1, FIXED64)}),
    "pong": (5, {"nonce": (1, FIXED64)}),
    "get_addresses": (6, {}),
    "addresses": (7, {"list": (1, BYTES)}),
    "announce_txs": (8, {"ids": (1, BYTES)}),
    "get_txs": (9, {"ids": (1, BYTES)}),
    "txs": (10, {"list": (1, BYTES), "tree": (2, VARINT)}),
    "missing_txs": (11, {"ids": (1, BYTES)}),
    "get_headers": (12, {"locator": (1, BYTES)}),
    "headers": (13, {"list": (1, BYTES)}),
    "announce_block": (14, {"header": (1, BYTES), "short_ids": (2, BYTES), "reward": (3, BYTES)}),
    "get_bodies": (15, {"ids": (1, BYTES)}),
    "body": (16, {"id": (1, BYTES), "bytes": (2, BYTES)}),
    "missing_bodies": (17, {"ids": (1, BYTES)}),
    "get_parts": (18, {"id": (1, BYTES), "positions": (2, BYTES)}),
    "parts": (19, {"id": (1, BYTES), "list": (2, BYTES)}),
    "hint_txs": (20, {"ids": (1, BYTES)}),
    "graft_txs": (21, {"ids": (1, BYTES)}),
    "prune": (22, {"tree": (1, VARINT)}),
    "grow": (23, {"tree": (1, VARINT)}),
}
REPEATED = {("addresses", "list"), ("txs", "list"), ("parts", "list")}
NAMES = {number: name for name, (number, _) in MESSAGES.items()}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, kind, value):
    tag = varint(number << 3 | kind)
    if kind == VARINT:
        return tag + varint(value)
    if kind == FIXED64:
        return tag + struct.pack("<Q", value)
    value = value.encode() if isinstance(value, str) else value
    return tag + varint(len(value)) + value


def encode(name, **values):
    """The envelope of a message; what is zero or empty is left out, as proto3 does."""
    number, fields = MESSAGES[name]
    body = b""
    for key, value in values.items():
        at, kind = fields[key]
        for item in value if (name, key) in REPEATED else [value] if value else []:
            body += field(at, kind, item)
    return field(number, BYTES, body)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_fields(data):
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == VARINT:
            value, at = read_varint(data, at)
        elif tag & 7 == FIXED64:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def decode(envelope):
    """(name, fields) of an envelope; what is absent has its zero."""
    (number, body), = read_fields(envelope)
    name = NAMES[number]
    fields = MESSAGES[name][1]
    keys = {at: key for key, (at, _) in fields.items()}
    values = {key: [] if (name, key) in REPEATED else b"" if kind == BYTES else 0
              for key, (_, kind) in fields.items()}
    for at, value in read_fields(body):
        key = keys[at]
        if (name, key) in REPEATED:
            values[key].append(value)
        else:
            values[key] = value
    return name, values


def frame(envelope):
    return struct.pack(">I", len(envelope)) + envelope


# ---- chain --------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def merkle_root(leaves):
    """RFC 6962, section 2.1."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + merkle_root(leaves[:half]) + merkle_root(leaves[half:]))


class Header:
    """96 bytes: what a block's id is the SHA-256 of."""

    LAYOUT = struct.Struct("<IQ32s32sQIQ")

    def __init__(self, index, previous, root, timestamp, bits=CLASSIC_BITS, proof=0, version=1):
        self.version, self.index, self.previous, self.root = version, index, previous, root
        self.timestamp, self.bits, self.proof = timestamp, bits, proof

    def encode(self):
        return self.LAYOUT.pack(self.version, self.index, self.previous, self.root, self.timestamp,
                                self.bits, self.proof)

    @classmethod
    def decode(cls, data):
        version, index, previous, root, timestamp, bits, proof = cls.LAYOUT.unpack(data)
        return cls(index, previous, root, timestamp, bits, proof, version)

    @property
    def id(self):
        return sha256(self.encode())

    def has_work(self):
        return int.from_bytes(self.id, "big") <= CLASSIC_TARGET

    def mine(self, valid=True):
        """Find a proof; with valid=False one that is none. About 65,536 hashes."""
        prefix = hashlib.sha256(self.encode()[:-8])
        for proof in range(1 << 40):
            attempt = prefix.copy()
            attempt.update(struct.pack("<Q", proof))
            if (int.from_bytes(attempt.digest(), "big") <= CLASSIC_TARGET) == valid:
                self.proof = proof
                return self
        raise AssertionError("no proof found")


GENESIS = Header(1, (1).to_bytes(32, "big"), merkle_root([]), 1795349323435114, proof=100)
NETWORK = GENESIS.id


def now_us():
    return time.time_ns() // 1000


class Key:
    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self.public = ed25519.public_key(self.seed)


def party(value):
    """A recipient: 32 bytes are a key, text is a label."""
    if isinstance(value, bytes):
        return b"\1" + value
    label = value.encode()
    return bytes([2, len(label)]) + label


def transaction(key, recipient, amount, fee=0, sequence=0, memo=b"", label=None, timestamp=None,
                network=NETWORK):
    """A signed entry: from the key's own address, or from `label`."""
    data = b"\1" + (party(label) if label is not None else b"\1") + party(recipient)
    data += struct.pack("<QQQQH", amount, fee, sequence, timestamp or now_us(), len(memo)) + memo
    data += key.public
    return data + ed25519.sign(key.seed, TX_DOMAIN + network + data)


def reward(recipient, index, amount=1):
    return (b"\1\0" + party(recipient)
            + struct.pack("<QQQQH", amount, 0, index, now_us(), 0))


def tx_id(data, network=NETWORK):
    return sha256(TX_DOMAIN + network + data)


class Block:
    """A block on top of `parent` (a Header), mined unless told otherwise."""

    def __init__(self, parent, key, entries=(), amount=1, mined=True, timestamp=None, root=None):
        index = parent.index + 1
        self.txs = [*entries, reward(key.public, index, amount)]
        timestamp = timestamp or max(now_us(), parent.timestamp + 1)
        root = root or merkle_root([tx_id(tx) for tx in self.txs])
        self.header = Header(index, parent.id, root, timestamp)
        if mined:
            self.header.mine()

    @property
    def id(self):
        return self.header.id

    @property
    def body(self):
        return b"".join(self.txs)


def siphash(k0, k1, data):
    """SipHash-2-4, for the short ids of announced blocks."""
    mask = (1 << 64) - 1
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(value, by):
        return (value << by | value >> 64 - by) & mask

    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & mask
            v[2] = v[2] + v[3] & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = rotate(v[0], 32)
            v[2] = v[2] + v[1] & mask
            v[0] = v[0] + v[3] & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = rotate(v[2], 32)
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def short_id(block_id, transaction_id):
    return siphash(*struct.unpack("<QQ", block_id[:16]), transaction_id)


# ---- a peer -------------------------------------------------------------------------------------


class Peer:
    """A connection to a node that says whatever it is told to say."""

    def __init__(self, node, key=None, seconds=SECONDS):
        self.key = key or Key()
        self.socket = socket.create_connection(node.split(node.listen), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self.hello = None  # the node's

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_bytes(self, data):
        """As it is; False when the node has hung up."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def send(self, name, **values):
        return self.send_bytes(frame(encode(name, **values)))

    def _read(self, size):
        while len(self._received) < size:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._received += data
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def receive(self):
        """(name, fields) of the next message, None when the node has closed."""
        prefix = self._read(4)
        if prefix is None:
            return None
        body = self._read(struct.unpack(">I", prefix)[0])
        return None if body is None else decode(body)

    def expect(self, *names, answer=None):
        """The fields of the next message called one of `names`; others are passed over, pings
        answered, and `answer(name, fields)` sees each of them. AssertionError at a Goodbye."""
        while True:
            message = self.receive()
            assert message is not None, f"closed while waiting for {names}"
            name, fields = message
            if name in names:
                return fields
            assert name != "goodbye", f"goodbye {GOODBYES.get(fields['reason'])}: {fields['text']}"
            if name == "ping":
                self.send("pong", nonce=fields["nonce"])
            elif answer:
                answer(name, fields)

    def goodbye(self):
        """The code of the Goodbye that comes, once the node has also closed; None when it closed
        without one."""
        code = None
        while (message := self.receive()) is not None:
            name, fields = message
            if name == "goodbye":
                code = GOODBYES.get(fields["reason"], fields["reason"])
        return code

    def send_hello(self, tip=GENESIS, work=None, **changes):
        values = {"protocol": 1, "network": NETWORK, "node": self.key.public,
                  "nonce": int.from_bytes(os.urandom(8), "little"), "tip_id": tip.id,
                  "tip_height": tip.index, "user_agent": "wire.py",
                  # Each block of classic stands for 2^256 / (target + 1) hashes.
                  "tip_work": (work or (tip.index - 1) * 65537).to_bytes(32, "big")}
        self.send("hello", **{**values, **changes})

    def shake(self, **changes):
        """The whole handshake; returns the node's Hello."""
        self.send_hello(**changes)
        self.hello = self.expect("hello")
        self.send("ready")
        self.expect("ready")
        return self.hello

    def answers_ping(self):
        """Whether the node still talks to us; also: it has handled all that was sent before."""
        nonce = int.from_bytes(os.urandom(8), "little")
        self.send("ping", nonce=nonce)
        return self.expect("pong")["nonce"] == nonce
