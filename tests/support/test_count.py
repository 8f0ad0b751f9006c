"""The counts behind "N passed, N failed"."""
import pathlib
import tempfile
import unittest

import count


class Entries(unittest.TestCase):
    def test_criterion_cases_count_one_by_one(self):
        text = "[====] Synthesis: Tested: 7 | Passing: 5 | Failing: 1 | Crashing: 1 "
        self.assertEqual(count.count_entry(text, False), (5, 2))

    def test_colours_do_not_hide_criterion(self):
        text = ("[\x1b[0;34m====\x1b[0m] \x1b[0;1mSynthesis: Tested: \x1b[0;34m3\x1b[0m | Passing: "
                "\x1b[0;32m3\x1b[0m | Failing: \x1b[0;31m0\x1b[0m | Crashing: \x1b[0;31m0\x1b[0m")
        self.assertEqual(count.count_entry(text, True), (3, 0))

    def test_unittest_cases_count_one_by_one(self):
        text = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"
        self.assertEqual(count.count_entry(text, False), (2, 3))

    def test_skipped_cases_count_as_neither(self):
        self.assertEqual(count.count_entry("Ran 3 tests in 1s\n\nOK (skipped=1)\n", True), (2, 0))

    def test_a_plain_program_is_one_case(self):
        self.assertEqual(count.count_entry("fine", True), (1, 0))
        self.assertEqual(count.count_entry("", False), (0, 1))

    def test_a_program_that_fails_after_its_cases_passed_has_failed(self):
        text = "Synthesis: Tested: 2 | Passing: 2 | Failing: 0 | Crashing: 0\nLeakSanitizer: ..."
        self.assertEqual(count.count_entry(text, False), (2, 1))

    def test_an_entry_that_never_ran_has_failed(self):
        xml = ('<testsuite><testcase name="a" status="notrun"/>'
               '<testcase name="b" status="run"><system-out>x</system-out></testcase></testsuite>')
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.xml")
            path.write_text(xml)
            self.assertEqual(count.count_file(path), (1, 1))


class Words(unittest.TestCase):
    def test_each_failure_is_shown_with_what_follows(self):
        fine = "".join(f"fine {i}\n" for i in range(200))
        text = (fine + "FAIL: test_a (test_x.A)\nTraceback\n" + fine
                + "\x1b[31m[----] a.c:3: Assertion Failed\x1b[0m\n[----]   1 is not 2\n" + fine)
        words = count.words_about_failures(text)
        self.assertIn("    FAIL: test_a (test_x.A)", words)
        self.assertIn("    Traceback", words)
        self.assertIn("    [----]   1 is not 2", words)
        self.assertEqual(len(words), 2 * count.WORDS_LINES)

    def test_logs_of_nodes_are_shown_behind_all_failures(self):
        logs = "".join(f"---- node{i}: exit code 0, end of its log\n" + f"said by {i}\n" * 20
                       for i in range(10))
        words = count.words_about_failures(logs + "x\n" * 99 + "FAIL: test_a (test_x.A)\nTraceback\n")
        self.assertIn("    Traceback", words)
        self.assertIn("    said by 0", words)
        self.assertLess(len(words), count.WORDS_MAX + count.WORDS_LINES)

    def test_what_hangs_is_shown(self):
        text = "x\n" * 99 + "STILL RUNNING after 9 s; its threads:\n  File \"test_x.py\"\n" + "y\n" * 99
        self.assertIn("    STILL RUNNING after 9 s; its threads:", count.words_about_failures(text))

    def test_sanitizers_are_shown(self):
        for line in ("==1==ERROR: AddressSanitizer: heap-use-after-free", "a.c:1:2: runtime error: x"):
            self.assertIn("    " + line, count.words_about_failures("x\n" * 99 + line + "\ny\n" * 99))

    def test_without_a_sign_the_end_is_shown(self):
        words = count.words_about_failures("\n".join(map(str, range(1000))))
        self.assertEqual(words[-1], "    999")
        self.assertEqual(len(words), count.WORDS_LINES)


if __name__ == "__main__":
    unittest.main()
