#!/usr/bin/env python3
"""Fails when docs/protocol.md, section "Rules", or the numbers of the second implementation in
tests/vectors say something else than rule.h and rule.c: numbers and codes are in other people's
programs."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
sys.path.insert(0, str(root / "tests" / "vectors"))
import ezchain

header = (root / "include/ezp2p/chain/rule.h").read_text()
source = (root / "src/chain/rule.c").read_text()
document = (root / "docs/protocol.md").read_text()

listed = re.findall(r'X\((EZ_RULE_\w+), (\d+), "([^"]+)", "([^"]+)"\)', header)
function = source[source.index("ez_verdict ez_rule_verdict"):]
verdict, pending = {}, []
for name, returned in re.findall(r"case (EZ_RULE_\w+):|return EZ_(\w+);", function):
    if name:
        pending.append(name)
    else:
        verdict.update(dict.fromkeys(pending, returned.lower()))
        pending = []

wanted = [(number, code, verdict.get(name), text) for name, number, code, text in listed]
written = re.findall(r"^\| (\d+) \| `([\w-]+)` \| (\w+) \| (.+) \|$", document, re.MULTILINE)
errors = [f"docs/protocol.md lacks {row}" for row in wanted if row not in written]
errors += [f"docs/protocol.md has {row}" for row in written if row not in wanted]
numbers = {code: int(number) for _, number, code, _ in listed}
errors += [f"ezchain.py: {code} is {number}" for code, number in ezchain.RULES.items()
           if numbers.get(code) != number]

for error in errors:
    print(error)
print(f"rules: {len(wanted)} listed, {len(errors)} errors")
sys.exit(1 if errors or not wanted else 0)
