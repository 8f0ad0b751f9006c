#include "ezp2p/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void ez_assert_fail(const char *expression, const char *file, int line)
{
    /* Standard error, not the log: the log may be what is broken. */
    fprintf(stderr, "ezp2p: %s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}
