#!/usr/bin/env python3
"""Fails when docs/protocol.md, part "Wire", says something else than message.h, the schema or the
limits: the table of reasons, the numbers of messages and fields, and the bounds that are limits."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
document = (root / "docs/protocol.md").read_text()
wire = document[document.index("\n# Wire"):]
header = (root / "include/ezp2p/gossip/message.h").read_text()
proto = (root / "proto/ezp2p.proto").read_text()
limits = dict(re.findall(r"#define (EZ_\w+)\s+(\d+)$",
                         (root / "include/ezp2p/base/limits.h").read_text(), re.MULTILINE))
errors = []


def compare(what, wanted, written):
    errors.extend(f"{what}: docs/protocol.md lacks {row}" for row in wanted if row not in written)
    errors.extend(f"{what}: docs/protocol.md has {row}" for row in written if row not in wanted)


reasons = [(code, number, "yes" if fault == "1" else "no") for number, code, fault in
           re.findall(r'X\(EZ_GOODBYE_\w+, (\d+), "([\w-]+)", (\d)\)', header)]
compare("reason", reasons, re.findall(r"^\| `([\w-]+)` \| (\d+) \| (yes|no) \|", wire, re.MULTILINE))

# Messages by envelope number, with the fields of the protobuf message that each of them is.
bodies = dict(re.findall(r"message (\w+) \{(.*?)\}", proto, re.DOTALL))
envelope = re.search(r"oneof body \{(.*?)\}", proto, re.DOTALL).group(1)
numbers = {number: (kind, name) for kind, name, number in re.findall(r"(\w+) (\w+) = (\d+);", envelope)}
wanted = []
for number, (kind, _) in numbers.items():
    wanted += [(number, field, name) for name, field in re.findall(r"(\w+) = (\d+);", bodies[kind])]
wanted += [("Address", field, name) for name, field in re.findall(r"(\w+) = (\d+);", bodies["Address"])]
written, current, seen = [], None, []
for line in wire.splitlines():
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if len(cells) != 6 or cells[0] == "number":
        continue
    if cells[0].isdigit():
        current = cells[0]
        seen.append(current)
    elif cells[1] == "Address":
        current = "Address"
    field = re.fullmatch(r"(\d+) (\w+)", cells[2])
    if field:
        written.append((current, field.group(1), field.group(2)))
compare("message", list(numbers), seen)
compare("field", wanted, written)

# A bound that is a limit is written with its value somewhere in this part.
for name in ("EZ_FRAME_HELLO_BYTES_MAX", "EZ_FRAME_BYTES_MAX", "EZ_HEADERS_MAX", "EZ_IDS_MAX",
             "EZ_LOCATOR_MAX", "EZ_USER_AGENT_BYTES_MAX", "EZ_GOODBYE_BYTES_MAX",
             "EZ_BODIES_IN_FLIGHT_PEER", "EZ_BLOCK_BODY_BYTES_MAX", "EZ_ANNOUNCED_PEER"):
    value = "1114112" if name == "EZ_FRAME_BYTES_MAX" else limits[name]
    if not re.search(rf"(?<![\d,]){int(value):,}(?![\d,])", wire):
        errors.append(f"limit: {name} = {value} is not in docs/protocol.md, part Wire")

for error in errors:
    print(error)
print(f"wire: {len(reasons)} reasons, {len(numbers)} messages, {len(errors)} errors")
sys.exit(1 if errors or not reasons or not numbers else 0)
