#!/usr/bin/env python3
"""The benchmarks behind tests/bench/run.sh: measure what this machine can do at best, then what the
node does, and print one beside the other.

Each module of figures/ is one benchmark: its first line of text says what it measures, its
run(bench) measures and calls bench.add for every figure. A new file there is all that it takes.
"""
import argparse
import importlib
import os
import pathlib
import pkgutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / folder) for folder in ("tests/e2e", "simnet")]

import figures  # noqa: E402
from machine import measure_limits  # noqa: E402
from report import Report  # noqa: E402


def benchmarks():
    """{name: module} of all of figures/, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(figures.__path__))
    return {name: importlib.import_module("figures." + name) for name in names}


def arguments(available):
    listing = "\n".join(f"  {name:<12} {module.__doc__.splitlines()[0]}"
                        for name, module in available.items())
    parser = argparse.ArgumentParser(
        prog="tests/bench/run.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure the node beside what this machine can do at best.",
        epilog=f"benchmarks:\n{listing}\n\n"
               "Prints a table and writes one JSON object per figure to build/bench/results.jsonl.\n"
               "Figures are only as good as the machine is idle; a ratio compares two figures of\n"
               "the same run.")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these")
    given = parser.parse_args()
    unknown = set(given.names) - set(available)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; "
                     f"there are {', '.join(available)}")
    return given


def main():
    available = benchmarks()
    given = arguments(available)
    os.environ["EZP2P_BIN"] = str(given.build / "ezp2p")
    report = Report(given.build)
    measure_limits(report)
    report.print_head()
    for name in given.names or available:
        available[name].run(report)
    report.print_limits()


if __name__ == "__main__":
    main()
