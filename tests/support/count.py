#!/usr/bin/env python3
"""Single test cases in the JUnit files that ctest wrote.

    count.py FILE...

A ctest entry is a whole program. Criterion and unittest programs say how many cases they ran and
how many of them failed; any other entry is one case. Prints what failed, then "passed failed" as
two numbers on the last line."""
import re
import sys
import xml.etree.ElementTree

CRITERION = re.compile(r"Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| "
                       r"Crashing: (\d+)")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
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


def count_file(path):
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "disabled":
            continue
        output = case.findtext("system-out") or ""
        good, bad = count_entry(output, case.get("status") == "run")
        if bad:
            print(f"FAILED {case.get('name')}: {bad} of {good + bad} (in {path})")
        passed += good
        failed += bad
    return passed, failed


def main(paths):
    counts = [count_file(path) for path in paths]
    print(sum(good for good, _ in counts), sum(bad for _, bad in counts))


if __name__ == "__main__":
    main(sys.argv[1:])
