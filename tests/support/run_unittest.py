#!/usr/bin/env python3
"""unittest, for ctest: a suite that hangs says where before it ends.

    run_unittest.py SECONDS MODULE

Runs the cases of MODULE, which is in the current directory, as `python3 -m unittest -v` does. What
still runs after SECONDS is ended with status 1; its name is the last one shown, then come the stacks
of all threads and the ends of the logs of its nodes."""
import faulthandler
import os
import sys
import threading
import unittest


def give_up(seconds):
    sys.stdout.flush()
    print(f"\nSTILL RUNNING after {seconds:g} s; its threads:", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(all_threads=True)
    harness = sys.modules.get("harness")
    if harness is not None:
        harness.show_logs_of_running_case()
    sys.stderr.flush()
    os._exit(1)  # the nodes end with us


def main(seconds, module):
    sys.path.insert(0, os.getcwd())
    timer = threading.Timer(seconds, give_up, [seconds])
    timer.daemon = True
    timer.start()
    unittest.main(module=None, argv=[f"unittest of {module}", "-v", module])


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
