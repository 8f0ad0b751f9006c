#!/usr/bin/env python3
"""Does the simulator find bugs? Each NAME.patch here plants one in the node's core; this builds the
simulator with it and counts the seeds of `ezsim swarm` that fail.

    tests/mutants/run.py [--seeds N] [--enough K] [--jobs N] [--json FILE] [NAME...]
    tests/mutants/run.py --check

  --seeds N    random networks for each mutant (default 1000)
  --enough K   go on to the next mutant once K seeds have found this one
  --jobs N     processes at once (default: one a processor)
  --json FILE  write the counts down as JSON, too
  --check      only see whether every patch still fits the source
  NAME         only these

Exit status 0 when every mutant was found (--check: when every patch fits), 1 when not. Needs what
simnet/run.sh installs, and git. The source is copied to build/mutants, yours stays as it is.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "mutants"
TREE, BUILD = WORK / "tree", WORK / "build"
COPIED = ("CMakeLists.txt", "CMakePresets.json", "include", "proto", "simnet", "src")
BATCH = 50  # seeds between two looks at --enough
RUN_SECONDS = 3600  # for a batch; a seed has a limit of its own


def patches(names):
    found = {path.stem: path for path in sorted(HERE.glob("*.patch"))}
    unknown = set(names) - found.keys()
    if unknown:
        sys.exit(f"no such mutant: {', '.join(sorted(unknown))}")
    return [path for name, path in found.items() if not names or name in names]


def what_it_breaks(patch):
    return patch.read_text().split("\n", 1)[0]


def git_apply(patch, tree, *options):
    # Above the tree git is not to look for a repository: it would take paths from there.
    return subprocess.run(["git", "apply", *options, str(patch)], cwd=tree, capture_output=True,
                          text=True, env=dict(os.environ, GIT_CEILING_DIRECTORIES=str(tree.parent)))


def check(names):
    bad = 0
    for patch in patches(names):
        done = git_apply(patch, ROOT, "--check")
        bad += done.returncode != 0
        print(f"{patch.stem} ... {'ok' if done.returncode == 0 else 'FAIL: ' + done.stderr.strip()}")
    return 1 if bad else 0


def copy_source():
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, TREE / name)


def build():
    """The path of ezsim; its compiler's complaint is an error of the mutant."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DEZ_TESTS=OFF",
                        "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-C", BUILD, "ezsim"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(done.stdout[-4000:])
    return BUILD / "simnet" / "ezsim"


def hunt(ezsim, options):
    """Returns (seeds that failed, seeds run, the first that failed and why)."""
    failed, run, first = 0, 0, None
    while run < options.seeds and not (options.enough and failed >= options.enough):
        count = min(BATCH, options.seeds - run)
        done = subprocess.run(
            [ezsim, "swarm", "--first", str(run + 1), "--seeds", str(count), "--jobs",
             str(options.jobs), "--no-shrink", "--json"],
            capture_output=True, text=True, timeout=RUN_SECONDS)
        result = json.loads(done.stdout)
        run += result["runs"]
        failed += result["failed"]
        if first is None and result["failures"]:
            first = result["failures"][0]
    return failed, run, first


def main():
    parser = argparse.ArgumentParser(description="Plant bugs and see whether the simulator finds "
                                     "them.")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--enough", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.check:
        return check(options.names)
    copy_source()
    failed, run, first = hunt(build(), argparse.Namespace(seeds=BATCH, enough=1, jobs=options.jobs))
    if failed:
        sys.exit(f"without a mutant {failed} of {run} seeds fail already: {first}")
    rows = []
    for patch in patches(options.names):
        applied = git_apply(patch, TREE)
        if applied.returncode != 0:
            sys.exit(f"{patch.name} does not fit the source: {applied.stderr}")
        failed, run, first = hunt(build(), options)
        git_apply(patch, TREE, "-R")
        rows.append({"mutant": patch.stem, "found": failed, "seeds": run, "first": first,
                     "what": what_it_breaks(patch)})
        print(f"{patch.stem:<34} {failed:>5} of {run:>5}  {'' if failed else 'NOT FOUND'}",
              flush=True)
    found = sum(row["found"] > 0 for row in rows)
    print(f"{found} of {len(rows)} found")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if found == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
