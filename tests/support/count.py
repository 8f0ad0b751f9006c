#!/usr/bin/env python3
"""Single test cases in the JUnit files that ctest wrote.

    count.py FILE...

A ctest entry is a whole program. Criterion and unittest programs say how many cases they ran and
how many of them failed; any other entry is one case. Prints what failed and what it said about
that, then "passed failed" as two numbers on the last line."""
import re
import sys
import xml.etree.ElementTree

CRITERION = re.compile(r"Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| "
                       r"Crashing: (\d+)")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
# A line that opens the words about a failure: unittest's, Criterion's, a sanitizer's, an assertion's.
TROUBLE = re.compile(r"^(?:FAIL|ERROR): |^\[FAIL\]|^\[----\] .*(?:Assertion Failed|Unexpected signal)"
                     r"|ERROR: \w+Sanitizer|runtime error: |[Aa]ssertion .*failed|STILL RUNNING")
NODE_LOG = re.compile(r"^---- .*, end of its log$")  # the harness's; shown where there is room
WORDS_LINES = 24  # shown of each failure
WORDS_MAX = 120   # shown of a whole program, and what the last sign opens
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def unittest_counts(text):
    ran = sum(int(match) for match in UNITTEST.findall(text))
    counts = {}
    for detail in UNITTEST_END.findall(text):
        for part in filter(None, detail.split(", ")):
            name, _, value = part.partition("=")
            counts[name] = counts.get(name, 0) + int(value)
    failed = (counts.get("failures", 0) + counts.get("errors", 0)
              + counts.get("unexpected successes", 0))
    # A skipped case proves nothing: neither passed nor failed.
    return max(ran - failed - counts.get("skipped", 0), 0), failed


def count_entry(text, has_passed):
    """(passed, failed) cases of one ctest entry with this output."""
    text = COLOURS.sub("", text)
    passed = failed = 0
    criterion = CRITERION.findall(text)
    if criterion:
        for tested, passing, _, _ in criterion:
            passed += int(passing)
            failed += int(tested) - int(passing)
    elif UNITTEST.search(text):
        passed, failed = unittest_counts(text)
    elif has_passed:
        passed = 1
    # A program whose cases all passed can still fail: a leak, a time-out, a crash at the end.
    if not has_passed and failed == 0:
        failed = 1
    return passed, failed


def words_about_failures(text):
    """Lines of a failed program's output to show: those from each sign of trouble on, or its end."""
    lines = COLOURS.sub("", text).splitlines()
    shown = set()
    for sign in (TROUBLE, NODE_LOG):
        for at, line in enumerate(lines):
            if sign.search(line) and len(shown) < WORDS_MAX:
                shown.update(range(at, min(at + WORDS_LINES, len(lines))))
    chosen = [lines[at] for at in sorted(shown)] or lines[-WORDS_LINES:]
    return [f"    {line}" for line in chosen]


def count_file(path):
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "disabled":
            continue
        output = case.findtext("system-out") or ""
        good, bad = count_entry(output, case.get("status") == "run")
        if bad:
            print(f"FAILED {case.get('name')}: {bad} of {good + bad} (in {path})")
            print("\n".join(words_about_failures(output)))
        passed += good
        failed += bad
    return passed, failed


def main(paths):
    counts = [count_file(path) for path in paths]
    print(sum(good for good, _ in counts), sum(bad for _, bad in counts))


if __name__ == "__main__":
    main(sys.argv[1:])
