#!/usr/bin/env python3
"""Writes the test vectors beside this file and the fuzz corpora made of them, or, with --check,
compares them with what it would write and fails at a difference.

Lines are `name key=value ...`; bytes are hex, numbers decimal, `bits` hex, and an empty value is an
empty byte string. What the values mean is in docs/protocol.md."""
import pathlib
import sys

from ezchain import *

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parent / "fuzz" / "corpus"
SEED_A, SEED_B, SEED_NODE = bytes([1] * 32), bytes([2] * 32), bytes(range(32))
KEY_A, KEY_B, KEY_NODE = public_key(SEED_A), public_key(SEED_B), public_key(SEED_NODE)
TIME = 1795349400000001


def show(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def line(name, **values):
    return " ".join([name] + [f"{key}={show(value)}" for key, value in values.items()])


def note(text):
    return f"# {text}"


def entry(sender=(LABEL, b"alice"), recipient=(LABEL, b"bob"), amount=5, fee=0, sequence=0,
          timestamp=TIME, memo=b""):
    return {"sender": sender, "recipient": recipient, "amount": amount, "fee": fee,
            "sequence": sequence, "timestamp": timestamp, "memo": memo}


FROM_A, TO_A, TO_B = (ADDRESS, b""), (ADDRESS, KEY_A), (ADDRESS, KEY_B)


def reward(**values):
    return entry(**{"sender": (REWARD, b""), "recipient": TO_A, "amount": 1, "sequence": 2,
                    "timestamp": TIME, **values})


# name, fields, seed of the signer
ENTRIES = [
    ("transfer", entry(FROM_A, TO_B, amount=7, fee=2, sequence=3), SEED_A),
    ("transfer-to-self", entry(FROM_A, TO_A, amount=0), SEED_A),
    ("transfer-with-memo", entry(FROM_A, TO_B, memo="caf\u00e9 \u20ac \U0001F600".encode()), SEED_A),
    ("transfer-largest-amount", entry(FROM_A, TO_B, amount=NUMBER_MAX), SEED_A),
    ("transfer-largest-fee", entry(FROM_A, TO_B, amount=0, fee=NUMBER_MAX), SEED_A),
    ("transfer-largest-sum", entry(FROM_A, TO_B, amount=NUMBER_MAX - 9, fee=9), SEED_A),
    ("transfer-largest-sequence", entry(FROM_A, TO_B, sequence=NUMBER_MAX), SEED_A),
    ("transfer-largest-timestamp", entry(FROM_A, TO_B, timestamp=NUMBER_MAX), SEED_A),
    ("note-label-to-label", entry(), SEED_NODE),
    ("note-label-to-address", entry(recipient=TO_B), SEED_NODE),
    ("note-address-to-label", entry(FROM_A, fee=1, sequence=4), SEED_A),
    ("note-to-zero", entry(recipient=(LABEL, b"0")), SEED_NODE),
    ("note-shortest", entry((LABEL, b"a"), (LABEL, b"b"), amount=0, timestamp=0), SEED_NODE),
    ("note-ez-but-no-address", entry((LABEL, b"ez"), (LABEL, b"ez2")), SEED_NODE),
    ("note-korean", entry((LABEL, "\ube14\ub85d".encode()), (LABEL, "\uccb4\uc778".encode())),
     SEED_NODE),
    ("note-largest", entry((LABEL, b"s" * 64), (LABEL, "\u00e9".encode() * 32), memo=b"m" * 256),
     SEED_NODE),
    ("reward", reward(), None),
    ("reward-to-label", reward(recipient=(LABEL, b"miner"), fee=1, memo=b"x"), None),
]

# rule, why, fields; all but the rule's one would pass
BROKEN = [
    ("tx-label", "an empty sender", entry((LABEL, b""))),
    ("tx-label", "an empty recipient", entry(recipient=(LABEL, b""))),
    ("tx-label", "a sender of 65 bytes", entry((LABEL, b"s" * 65))),
    ("tx-label", "a recipient of 65 bytes", entry(recipient=(LABEL, b"r" * 65))),
    ("tx-label", "a sender that reads as a reward", entry((LABEL, b"0"))),
    ("tx-label", "a sender that starts as an address", entry((LABEL, b"ez1"))),
    ("tx-label", "a recipient that starts as an address", entry(recipient=(LABEL, b"eZ1x"))),
    ("tx-label", "a control character", entry((LABEL, b"a\nb"))),
    ("tx-label", "a control character of Latin-1", entry((LABEL, b"a\xc2\x85b"))),
    ("tx-label", "an overlong form", entry((LABEL, b"a\xc0\x80"))),
    ("tx-label", "a surrogate", entry((LABEL, b"\xed\xa0\x80"))),
    ("tx-label", "beyond U+10FFFF", entry((LABEL, b"\xf4\x90\x80\x80"))),
    ("tx-amount", "an amount of 2^53", entry(FROM_A, TO_B, amount=2**53)),
    ("tx-amount", "a fee of 2^53", entry(FROM_A, TO_B, amount=0, fee=2**53)),
    ("tx-amount", "a sum of 2^53", entry(FROM_A, TO_B, amount=NUMBER_MAX, fee=1)),
    ("tx-amount", "a sum that wraps around", entry(FROM_A, TO_B, amount=2**64 - 1, fee=2)),
    ("tx-malformed", "a sequence of 2^53", entry(FROM_A, TO_B, sequence=2**53)),
    ("tx-timestamp", "a timestamp of 2^53", entry(FROM_A, TO_B, timestamp=2**53)),
    ("tx-memo", "a memo of 257 bytes", entry(memo=b"m" * 257)),
    ("tx-memo", "a memo with a tab", entry(memo=b"a\tb")),
    ("tx-memo", "a memo that ends within a character", entry(memo=b"a\xe2\x82")),
    ("tx-label-fee", "a label pays", entry(fee=1)),
    ("tx-label-sequence", "a label counts", entry(sequence=1)),
]


def encode(fields, seed):
    return tx_bytes(fields, CLASSIC, seed)


def shape_breakers():
    """Encodings that are no transaction's layout: (rule, why, bytes)."""
    good = encode(ENTRIES[0][1], SEED_A)
    yield "tx-malformed", "nothing at all", b""
    yield "tx-malformed", "the last byte is missing", good[:-1]
    yield "tx-malformed", "a byte too many", good + b"\0"
    yield "tx-version", "version 0", b"\0" + good[1:]
    yield "tx-version", "version 2", b"\2" + good[1:]
    yield "tx-malformed", "sender kind 3", good[:1] + b"\3" + good[2:]
    yield "tx-malformed", "recipient kind 0", good[:2] + b"\0" + good[3:]
    yield "tx-malformed", "recipient kind 3", good[:2] + b"\3" + good[3:]


def transactions():
    yield note("Entries signed with Ed25519 by the key of `seed`, on the network classic. sender and")
    yield note("recipient: kind (0 reward, 1 address, 2 label) and key or label.")
    for name, fields, seed in ENTRIES:
        encoded = encode(fields, seed)
        assert tx_rule(encoded) == "ok", name
        sender = (ADDRESS, KEY_A) if fields["sender"] == FROM_A else fields["sender"]
        values = {key: fields[key] for key in ("amount", "fee", "sequence", "timestamp", "memo")}
        yield note(name)
        yield line("transaction", seed=seed or b"", sender_kind=sender[0], sender=sender[1],
                   recipient_kind=fields["recipient"][0], recipient=fields["recipient"][1],
                   **values, encoded=encoded, id=tx_id(CLASSIC, encoded))
    yield note("Refused: the number of the rule, and the bytes.")
    signed = [(rule, why, encode(fields, SEED_A)) for rule, why, fields in BROKEN]
    for rule, why, encoded in list(shape_breakers()) + signed:
        assert tx_rule(encoded) == rule, why
        yield note(f"{rule}: {why}")
        yield line("refused", rule=RULES[rule], encoded=encoded)


def headers():
    yield note("The genesis block of the network classic; its id is the network's.")
    yield line("genesis", bytes=GENESIS, id=CLASSIC)
    yield note("Fields, the 96 bytes and their SHA-256.")
    ones = bytes([0xFF] * 32)
    for fields in [(1, 2, CLASSIC, merkle_root([]), TIME, CLASSIC_BITS, 42),
                   (0, 0, bytes(32), bytes(32), 0, 0, 0),
                   (2**32 - 1, 2**64 - 1, ones, ones, 2**64 - 1, 2**32 - 1, 2**64 - 1),
                   (0x04030201, 0x0C0B0A0908070605, bytes(range(32)), bytes(range(32, 64)),
                    0x1817161514131211, 0x24232221, 0x3837363534333231)]:
        names = ("version", "index", "previous", "merkle_root", "timestamp", "bits", "proof")
        values = dict(zip(names, fields))
        encoded = header_bytes(*fields)
        values["bits"] = f"{values['bits']:08x}"
        yield line("header", **values, bytes=encoded, id=sha256(encoded))


def targets():
    yield note("Compact forms with their target and the expected number of hashes for a block.")
    for bits in (0x1F00FFFF, 0x1F00FFFE, 0x1E7FFFFF, 0x1D00FFFF, 0x1B0404CB, 0x2100FFFF, 0x21008000,
                 0x207FFFFF, 0x20010000, 0x20008000, 0x03008000, 0x037FFFFF, 0x02008000, 0x027FFF00,
                 0x01010000, 0x017F0000):
        yield line("target", bits=f"{bits:08x}", target=target_of(bits).to_bytes(32, "big"),
                   work=work_of(bits))
    yield note("Refused: zero, a sign bit, not the shortest form, a fraction, 2^256 and above.")
    for bits in (0, 0x00010000, 0x01000000, 0x1F000000, 0x1F800000, 0x1FFFFFFF, 0x1F007FFF,
                 0x20007FFF, 0x01008000, 0x01010001, 0x01000100, 0x02008001, 0x02010001,
                 0x027FFFFF, 0x21010000, 0x217FFFFF, 0x22008000, 0x2200FFFF, 0xFF00FFFF, 0xFFFFFFFF):
        assert target_of(bits) is None, hex(bits)
        yield line("refused", bits=f"{bits:08x}")


def addresses():
    yield note("A public key and its address.")
    for key in (KEY_A, KEY_B, KEY_NODE, bytes(32), bytes([0xFF] * 32)):
        yield line("address", key=key, text=address(key))
    text = address(KEY_A)
    yield note("Refused.")
    for bad in (text[:-1], text + "q", text[:-1] + ("q" if text[-1] != "q" else "p"),
                text[:10] + ("q" if text[10] != "q" else "p") + text[11:], "Ez1" + text[3:],
                text[:30] + text[30:].upper(), bech32m("ex", KEY_A), bech32m("ez", KEY_A[:31]),
                bech32m("ez", KEY_A + b"\0"), "ez1", "ez", "1"):
        yield line("refused", text=bad)


CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
             "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def merkle():
    for count, root in CT_ROOTS.items():  # roots known from Certificate Transparency's own tests
        assert merkle_root([bytes.fromhex(leaf) for leaf in CT_LEAVES[:count]]).hex() == root
    yield note("Lists of 32-byte leaves (the n-th is SHA-256 of the byte n) and their roots.")
    leaves = [sha256(bytes([n])) for n in range(33)]
    for count in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 32, 33):
        yield line("root", count=count, leaves=b"".join(leaves[:count]),
                   root=merkle_root(leaves[:count]))
    yield note("The proof of a leaf, from the bottom up.")
    for count, index in ((1, 0), (2, 1), (3, 0), (3, 2), (7, 4), (7, 6), (8, 3), (33, 31), (33, 32)):
        yield line("proof", count=count, index=index,
                   path=b"".join(merkle_path(leaves[:count], index)))


def named(name):
    return next(encode(fields, seed) for other, fields, seed in ENTRIES if other == name)


def bodies():
    """(rule, why, pieces, merkle root or None for the right one) of blocks with index 2."""
    first, second, pay = named("transfer"), named("note-label-to-label"), named("reward")
    broken = encode(entry(fee=1), SEED_NODE)
    yield "ok", "a reward alone", [pay], None
    yield "ok", "three entries", [first, second, pay], None
    yield "body-merkle", "another order", [first, second, pay], [second, first, pay]
    yield "body-merkle", "an entry is missing", [first, pay], [first, second, pay]
    yield "body-merkle", "the last entry is cut", [first, pay[:-1]], [first, pay]
    yield "body-merkle", "an entry of version 2", [b"\2" + first[1:], pay], None
    yield "body-merkle", "a foreign body with a broken entry", [broken, pay], [first, pay]
    yield "body-tx", "a label pays", [broken, pay], None
    yield "body-tx", "a label of 65 bytes", [encode(entry((LABEL, b"s" * 65)), SEED_A), pay], None
    yield "body-repeat", "an entry twice", [first, second, first, pay], None
    yield "body-repeat", "the reward twice", [pay, pay], None
    yield "body-reward", "nothing", [], None
    yield "body-reward", "no reward", [first], None
    yield "body-reward", "the reward first", [pay, first], None
    yield "body-reward", "two rewards", [encode(reward(amount=2), None), pay], None
    for why, fields in (("to a label", reward(recipient=(LABEL, b"miner"))),
                        ("with a fee", reward(fee=1)), ("with a memo", reward(memo=b"x")),
                        ("counted from 1", reward(sequence=1)), ("of the next", reward(sequence=3))):
        yield "body-reward-form", why, [first, encode(fields, None)], None


def blocks():
    yield note("Bodies under headers of index 2 on classic: the rule they break, 0 for none.")
    for rule, why, pieces, committed in bodies():
        body = b"".join(pieces)
        root = merkle_root([tx_id(CLASSIC, piece) for piece in committed or pieces])
        assert body_rule(CLASSIC, 2, root, body) == rule, why
        header = header_bytes(1, 2, CLASSIC, root, TIME, CLASSIC_BITS, 7)
        yield note(f"{rule}: {why}")
        yield line("block", rule=RULES[rule], header=header, body=body, count=len(pieces))


def views():
    yield note("Microseconds and Python's repr of the float of seconds.")
    for us in (0, 1, 9, 10, 15, 99, 100, 101, 1000, 100000, 1000000, 5000000, 1795349323435114,
               1795349323400000, 1795349323000001, 2**33 * 10**6 - 1, 2**33 * 10**6,
               2**33 * 10**6 + 1, 2**53 - 2, 2**53 - 1, 2**53, 12345678901234567, 10**17, 2**64 - 1):
        yield line("timestamp", us=us, text=repr(us / 1e6))
    yield note("UTF-8 and the JSON string that Python writes for it, both in hex.")
    for text in ("", "plain", "\"\\\n\r\t\b\f/", "\0\x01\x1f\x7f\x80\u00e9", "\u20ac\ud7ff\ue000\uffff",
                 "\U00010000\U0001F600\U0010FFFF"):
        yield line("string", text=text.encode(), json=json.dumps(text).encode())
    yield note("Blocks: the text that is hashed, in hex. An empty previous is genesis.")
    pieces = [named("transfer"), named("note-korean"), named("note-address-to-label"), named("reward")]
    genesis = view_text(view_block(1, None, 1795349323435114, 100, b"")).encode()
    assert sha256(genesis).hex() == ("af2641359ed1a5a92b1cf754aded425c"
                                     "097ead274a18cd761db13e9170711fea")
    for index, previous, time, proof, body in ((1, None, 1795349323435114, 100, b""),
                                               (2, sha256(genesis), TIME, 2**64 - 1, b"".join(pieces)),
                                               (3, bytes(32), 5000000, 0, pieces[3])):
        text = view_text(view_block(index, previous, time, proof, body)).encode()
        header = header_bytes(1, index, bytes(32), bytes(32), time, CLASSIC_BITS, proof)
        yield line("block", header=header, previous=previous or b"", body=body, text=text,
                   hash=sha256(text))


def corpus():
    """Inputs of tests/fuzz: encodings for `tx`; for `block` a mode byte, then a body or a recipe."""
    for name, fields, seed in ENTRIES:
        yield f"tx/{name}", encode(fields, seed)
    for number, (rule, _, fields) in enumerate(BROKEN):
        yield f"tx/refused-{number:02}-{rule}", encode(fields, SEED_A)
    for number, (rule, _, data) in enumerate(shape_breakers()):
        yield f"tx/shape-{number:02}-{rule}", data
    for number, (rule, _, pieces, _) in enumerate(bodies()):
        yield f"block/body-{number:02}-{rule}", b"\0" + b"".join(pieces)
        yield f"block/foreign-{number:02}", b"\2" + b"".join(pieces)
    for name, recipe in (("reward", b"\x80"), ("notes", bytes(range(60)) + b"\x80"),
                         ("repeat", b"\1\2\3\1\x80"), ("broken", b"\1\xc1\x80"), ("empty", b""),
                         ("no-reward", b"\1\2"), ("two-rewards", b"\x81\x80"),
                         ("reward-twice", b"\x80\x80"), ("reward-first", b"\x80\1")):
        yield f"block/recipe-{name}", b"\1" + recipe


def outputs():
    head = note("Made by generate.py; edit that. Changing a line changes the protocol.")
    for name, lines in (("transaction", transactions), ("header", headers), ("target", targets),
                        ("address", addresses), ("merkle", merkle), ("block", blocks),
                        ("view", views)):
        yield HERE / f"{name}.txt", ("\n".join([head, *lines()]) + "\n").encode()
    for name, data in corpus():
        yield CORPUS / name, data


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    count, different = 0, []
    for path, data in outputs():
        count += 1
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif not path.exists() or path.read_bytes() != data:
            different.append(path.name)
    print(f"vectors: {count} files, {len(different)} differ {' '.join(different)}".rstrip())
    sys.exit(1 if different else 0)


main()
