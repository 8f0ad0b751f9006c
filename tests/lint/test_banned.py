"""The lint itself: what it must find, and what it must leave alone."""
import unittest

from banned import check


class Banned(unittest.TestCase):
    def assert_found(self, path, code, count=1):
        self.assertEqual(len(check(path, code)), count, code)

    def assert_clean(self, path, code):
        self.assertEqual(check(path, code), [], code)

    def test_unbounded_writes_are_found_everywhere(self):
        for call in ("sprintf", "vsprintf", "strcpy", "strcat", "strncpy", "gets", "alloca"):
            for path in ("src/app/main.c", "tests/unit/base/test_text.c", "include/ezp2p/base/id.h"):
                self.assert_found(path, f"    {call}(out, in);\n")

    def test_other_risky_calls_are_found(self):
        for call in ("rand", "srand", "random", "strtok", "atoi", "atol", "atoll", "setjmp"):
            self.assert_found("src/net/loop.c", f"x = {call} (y);\n")

    def test_names_that_only_contain_them_are_not(self):
        for call in ("snprintf", "vsnprintf", "ez_time", "operand", "my_strcpy", "timegm", "strtol"):
            self.assert_clean("src/chain/tx.c", f"{call}(x);\n")
        self.assert_clean("src/chain/tx.c", "ports->time(x); clock.time(x); int time = 3;\n")

    def test_comments_and_strings_are_not_code(self):
        self.assert_clean("src/chain/tx.c", '/* malloc(1)\n time(0) */ f("rand()"); // gets(x)\n')
        self.assert_clean("src/chain/tx.c", "f('\"'); /* \" */ g('\\''); /* malloc(1) */\n")
        self.assert_found("src/chain/tx.c", 'f("/*"); malloc(1); g("*/");\n')

    def test_lines_are_counted_through_comments(self):
        messages = check("src/chain/tx.c", "/* a\n b */\n\n  malloc(1);\n")
        self.assertTrue(messages[0].startswith("src/chain/tx.c:4: malloc "), messages)

    def test_only_one_file_allocates(self):
        for call in ("malloc", "calloc", "realloc", "strdup"):
            self.assert_found("src/base/blob.c", f"p = {call}(x);\n")
            self.assert_found("simnet/world.c", f"p = {call}(x);\n")
            self.assert_clean("src/base/alloc.c", f"p = {call}(x);\n")
            self.assert_clean("tests/unit/base/test_alloc.c", f"p = {call}(x);\n")

    def test_secrets_are_not_compared_byte_by_byte(self):
        self.assert_found("src/crypto/sign.c", "if (memcmp(a, b, 32) == 0) {\n")
        self.assert_found("src/app/key.c", "memcmp(pair->secret,\n       other, 64);\n")
        self.assert_found("src/app/key.c", "memcmp(f(a), shared_SECRET, 64);\n")
        self.assert_clean("src/app/key.c", "memcmp(f(a), b, 64) || secret;\n")

    def test_the_core_has_no_clock_environment_or_randomness(self):
        for call in ("time", "clock_gettime", "gettimeofday", "getenv", "randombytes_buf"):
            for path in ("src/gossip/want.c", "src/node/node.c", "src/http/gate.c", "simnet/clock.c"):
                self.assert_found(path, f"{call}(x);\n")
            for path in ("src/app/main.c", "src/net/loop.c", "src/miner/miner.c", "tests/e2e/x.c"):
                self.assert_clean(path, f"{call}(x);\n")

    def test_a_reason_on_the_line_excuses(self):
        self.assert_clean("src/http/date.c", "now = time(NULL); /* lint: the Date header */\n")
        self.assert_found("src/http/date.c", "now = time(NULL); /* lint: */\n")
        self.assert_found("src/http/date.c", "/* lint: the Date header */\nnow = time(NULL);\n", 2)

    def test_a_reason_without_a_call_is_found(self):
        self.assert_found("src/http/date.c", "now = wall; /* lint: the Date header */\n")


if __name__ == "__main__":
    unittest.main()
