#!/usr/bin/env python3
"""Fails on calls that this code base does without; each group below says why and where.

A line that has to make such a call says so with a comment on that line, /* lint: the reason */.
Comments and string literals are not searched.
"""
import pathlib
import re
import sys

FOLDERS = ("src", "include", "simnet", "tests")
OVERRIDE = re.compile(r"/\*\s*lint:\s*\S.*?\*/")

# Comments and literals, which hide calls that are none.
NOT_CODE = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


def calls_of(*names):
    """Matches a call of one of these functions, not of a member that has the same name."""
    return re.compile(r"(?<![\w.])(?<!->)(" + "|".join(names) + r")\s*\(")


def below(*prefixes):
    return lambda path: path.startswith(prefixes)


def core_or_simulator(path):
    """Where a clock, the environment or fresh randomness would end repeatability."""
    outside = ("src/app/", "src/net/", "src/miner/", "src/store/")
    return path.startswith(("src/", "include/", "simnet/")) and not path.startswith(outside)


def allocating(path):
    return path.startswith(("src/", "include/", "simnet/")) and path != "src/base/alloc.c"


RULES = (
    (
        calls_of("v?sprintf", "stpcpy", "strn?cpy", "strn?cat", "gets", "alloca"),
        lambda path: True,
        "writes without a bound or a terminating zero",
    ),
    (
        calls_of("ato[if]", "atoll?", "strtok"),
        lambda path: True,
        "hides errors or state",
    ),
    (
        calls_of("s?rand", "rand_r", "s?random", "[dlm]rand48"),
        lambda path: True,
        "is neither repeatable by seed nor unpredictable; use ez_rng",
    ),
    (
        calls_of("_?setjmp", "sigsetjmp", "_?longjmp", "siglongjmp"),
        lambda path: True,
        "skips the release of what was acquired",
    ),
    (
        calls_of("malloc", "calloc", "realloc", "reallocarray", "strn?dup", "v?asprintf"),
        allocating,
        "may return NULL; use ez_alloc and its kin",
    ),
    (
        calls_of("memcmp", "bcmp"),
        below("src/crypto/"),
        "takes time that depends on the bytes; use sodium_memcmp",
    ),
    (
        calls_of("time", "clock", "clock_gettime", "gettimeofday", "timespec_get"),
        core_or_simulator,
        "reads a clock; time is handed in",
    ),
    (
        calls_of("getenv", "secure_getenv"),
        core_or_simulator,
        "reads the environment; options are handed in",
    ),
    (
        calls_of(r"randombytes\w*", "getrandom", "getentropy", r"arc4random\w*"),
        core_or_simulator,
        "draws randomness; it comes from the injected ez_rng",
    ),
)

MEMORY_COMPARE = calls_of("memcmp", "bcmp")


def code_only(text):
    """The text with comments and literals blanked; lines keep their numbers."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def arguments(code, start):
    """What stands between the parenthesis before `start` and the one that closes it."""
    depth = 1
    for at in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return code[start:at]
    return code[start:]


def findings(path, code):
    for pattern, applies, reason in RULES:
        if applies(path):
            for found in pattern.finditer(code):
                yield found.start(), f"{found.group(1)} {reason}"
    for found in MEMORY_COMPARE.finditer(code):
        if "secret" in arguments(code, found.end()).lower():
            yield found.start(), f"{found.group(1)} on a secret leaks it through time"


def check(path, text):
    """All findings of one file as messages."""
    code = code_only(text)
    lines = text.splitlines()
    used = set()
    messages = []
    for at, message in findings(path, code):
        number = code.count("\n", 0, at) + 1
        if OVERRIDE.search(lines[number - 1]):
            used.add(number)
        else:
            messages.append(f"{path}:{number}: {message}")
    for number, line in enumerate(lines, 1):
        if OVERRIDE.search(line) and number not in used:
            messages.append(f"{path}:{number}: a lint comment that excuses nothing")
    return messages


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]"))
    messages = []
    for path in paths:
        messages += check(path.relative_to(root).as_posix(), path.read_text(errors="replace"))
    for message in messages:
        print(message)
    print(f"banned: {len(paths)} files, {len(messages)} errors")
    return 1 if messages or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
