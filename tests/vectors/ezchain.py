"""The chain of ezp2p a second time, written from docs/protocol.md with nothing but the standard
library, so that the test vectors do not come from the code that they test. Slow and plain on
purpose; one function for one section of that page."""
import hashlib
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from ed25519 import public_key, sign

NUMBER_MAX = 2**53 - 1
LABEL_MAX, MEMO_MAX, BODY_MAX = 64, 256, 1_000_000
REWARD, ADDRESS, LABEL = 0, 1, 2
DOMAIN = b"ezp2p/tx/v1".ljust(16, b"\0")
CLASSIC_BITS = 0x1F00FFFF

RULES = {
    "ok": 0, "tx-malformed": 10, "tx-version": 11, "tx-label": 12, "tx-amount": 13, "tx-memo": 14,
    "tx-signature": 15, "tx-label-fee": 16, "tx-label-sequence": 17, "tx-timestamp": 19,
    "body-size": 60, "body-merkle": 61, "body-tx": 62, "body-reward": 63, "body-repeat": 64,
    "body-reward-form": 81,
}


def sha256(data):
    return hashlib.sha256(data).digest()


# Addresses: bech32m, BIP-350.

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check


def bech32m(hrp, data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    check = bech32_polymod(expanded + words + [0] * 6) ^ 0x2BC830A3
    words += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(BECH32[word] for word in words)


def address(key):
    return bech32m("ez", key)


# Header, target, work.

def header_bytes(version, index, previous, merkle_root, timestamp, bits, proof):
    return struct.pack("<IQ32s32sQIQ", version, index, previous, merkle_root, timestamp, bits, proof)


def compact(target):
    """The compact form of a target, as Bitcoin writes it: the low bytes are lost."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def target_of(bits):
    """The target, or None: a form is valid when it is what its own target is written as."""
    size, mantissa = bits >> 24, bits & 0xFFFFFF
    target = mantissa * 256**(size - 3) if size >= 3 else mantissa >> 8 * (3 - size)
    return target if 0 < target < 2**256 and compact(target) == bits else None


def work_of(bits):
    target = target_of(bits)
    return 0 if target is None else 2**256 // (target + 1)


# Merkle tree, RFC 6962, section 2.1.

def split(count):
    return 1 << (count - 1).bit_length() - 1


def merkle_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0])
    k = split(len(leaves))
    return sha256(b"\1" + merkle_root(leaves[:k]) + merkle_root(leaves[k:]))


def merkle_path(leaves, index):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return merkle_path(leaves[:k], index) + [merkle_root(leaves[k:])]
    return merkle_path(leaves[k:], index - k) + [merkle_root(leaves[:k])]


# Transactions. A party is (kind, bytes): nothing, a key or a label.

def party_bytes(party, is_sender):
    kind, data = party
    if kind == LABEL:
        return bytes([kind, len(data)]) + data
    return bytes([kind]) + (b"" if is_sender else data)


def unsigned_bytes(tx):
    return (b"\1" + party_bytes(tx["sender"], True) + party_bytes(tx["recipient"], False)
            + struct.pack("<QQQQH", tx["amount"], tx["fee"], tx["sequence"], tx["timestamp"],
                          len(tx["memo"])) + tx["memo"])


def tx_bytes(tx, network, seed):
    encoded = unsigned_bytes(tx)
    if tx["sender"][0] == REWARD:
        return encoded
    encoded += public_key(seed)
    return encoded + sign(seed, DOMAIN + network + encoded)


def tx_id(network, encoded):
    return sha256(DOMAIN + network + encoded)


class Refused(Exception):
    pass


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        piece = self.data[self.at:self.at + size]
        if len(piece) < size:
            raise Refused("tx-malformed")
        self.at += size
        return piece

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def read_party(cursor, is_sender):
    kind = cursor.number(1)
    if kind == REWARD and is_sender:
        return kind, b""
    if kind == ADDRESS:
        return kind, b"" if is_sender else cursor.take(32)
    if kind == LABEL:
        return kind, cursor.take(cursor.number(1))
    raise Refused("tx-malformed")


def read_layout(cursor):
    """The fields of one transaction, unjudged."""
    if cursor.number(1) != 1:
        raise Refused("tx-version")
    tx = {"sender": read_party(cursor, True), "recipient": read_party(cursor, False)}
    for name in ("amount", "fee", "sequence", "timestamp"):
        tx[name] = cursor.number(8)
    tx["memo"] = cursor.take(cursor.number(2))
    if tx["sender"][0] != REWARD:
        tx["signer"] = cursor.take(32)
        cursor.take(64)
    return tx


def is_clean(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text)


def is_label(data):
    return 1 <= len(data) <= LABEL_MAX and data[:3].lower() != b"ez1" and is_clean(data)


def form_rule(tx):
    """The first rule that the fields break, in the order of docs/protocol.md."""
    sender_kind, sender = tx["sender"]
    labels = [data for kind, data in (tx["sender"], tx["recipient"]) if kind == LABEL]
    if any(len(label) > LABEL_MAX for label in labels):
        return "tx-label"
    if len(tx["memo"]) > MEMO_MAX:
        return "tx-memo"
    if not all(is_label(label) for label in labels) or tx["sender"] == (LABEL, b"0"):
        return "tx-label"
    if tx["amount"] + tx["fee"] > NUMBER_MAX:
        return "tx-amount"
    if tx["sequence"] > NUMBER_MAX:
        return "tx-malformed"
    if tx["timestamp"] > NUMBER_MAX:
        return "tx-timestamp"
    if not is_clean(tx["memo"]):
        return "tx-memo"
    if sender_kind == LABEL and tx["fee"]:
        return "tx-label-fee"
    if sender_kind == LABEL and tx["sequence"]:
        return "tx-label-sequence"
    return "ok"


def tx_rule(encoded):
    """The rule that an encoding alone in its bytes breaks, but for the signature."""
    try:
        cursor = Cursor(encoded)
        rule = form_rule(read_layout(cursor))
    except Refused as refused:
        return str(refused)
    return "tx-malformed" if rule == "ok" and cursor.at < len(encoded) else rule


# Bodies.

def cut_body(body):
    cursor, pieces = Cursor(body), []
    while cursor.at < len(body):
        start = cursor.at
        tx = read_layout(cursor)
        pieces.append((tx, body[start:cursor.at]))
    return pieces


def body_rule(network, index, merkle, body):
    if len(body) > BODY_MAX:
        return "body-size"
    try:
        pieces = cut_body(body)
    except Refused:
        return "body-merkle"
    ids = [tx_id(network, encoded) for _, encoded in pieces]
    if merkle_root(ids) != merkle:
        return "body-merkle"
    if any(form_rule(tx) != "ok" for tx, _ in pieces):
        return "body-tx"
    if len(set(ids)) < len(ids):
        return "body-repeat"
    if [tx["sender"][0] == REWARD for tx, _ in pieces] != [False] * (len(ids) - 1) + [True]:
        return "body-reward"
    reward = pieces[-1][0]
    if reward["recipient"][0] != ADDRESS or reward["fee"] or reward["memo"] \
            or reward["sequence"] != index:
        return "body-reward-form"
    return "ok"


# The original's view: Python's own json module is what the original used.

def shown(party, signer):
    kind, data = party
    if kind == REWARD:
        return "0"
    return data.decode("utf-8") if kind == LABEL else address(data or signer)


def view_block(index, previous, timestamp, proof, body):
    entries = [{"sender": shown(tx["sender"], tx.get("signer")),
                "recipient": shown(tx["recipient"], None), "amount": tx["amount"]}
               for tx, _ in cut_body(body)]
    return {"index": index, "timestamp": timestamp / 1e6, "transactions": entries, "proof": proof,
            "previous_hash": 1 if previous is None else previous.hex()}


def view_text(block):
    return json.dumps(block, sort_keys=True)


# The network "classic".

GENESIS = header_bytes(1, 1, (1).to_bytes(32, "big"), merkle_root([]), 1795349323435114,
                       CLASSIC_BITS, 100)
CLASSIC = sha256(GENESIS)
