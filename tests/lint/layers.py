#!/usr/bin/env python3
"""Fails when a source file includes something that its folder's .layer file does not allow.

Each folder of src/ holds a .layer file: one allowed include prefix per line, angle brackets
included for system headers; "*" allows everything. Private headers (plain names found beside the
file) are always allowed. Public headers obey the .layer file of the folder of the same name. The parts
of the simulator, simnet/core, simnet/attack and simnet/ezsim, have a .layer file as well.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
include = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
errors = []
files = 0


def allowed_prefixes(folder):
    path = folder / ".layer"
    if not path.exists():
        errors.append(f"{folder.relative_to(root)}: no .layer file")
        return ["*"]
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def check(path, folder):
    global files
    files += 1
    prefixes = allowed_prefixes(folder)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = include.match(line)
        if not match or "*" in prefixes:
            continue
        bracket, name = match.groups()
        if bracket == '"' and "/" not in name and (path.parent / name).exists():
            continue
        text = f"<{name}>" if bracket == "<" else name
        if not any(text.startswith(prefix) for prefix in prefixes):
            errors.append(f"{path.relative_to(root)}:{number}: {folder.name} may not include {text}")


for folder in sorted((root / "src").iterdir()):
    if folder.is_dir():
        for path in sorted(folder.glob("*.[ch]")):
            check(path, folder)
        for path in sorted((root / "include" / "ezp2p" / folder.name).glob("*.h")):
            check(path, folder)

for part in ("core", "attack", "ezsim"):
    for path in sorted((root / "simnet" / part).glob("*.[ch]")):
        check(path, root / "simnet" / part)

for error in errors:
    print(error)
print(f"layers: {files} files, {len(errors)} errors")
sys.exit(1 if errors or files == 0 else 0)
