/* EZ_ASSERT: check an invariant of our own code, in every build type; aborts with the location.
 * Only for what no peer, client, file or flag can cause: those get a verdict or a status. */
#ifndef EZP2P_BASE_ASSERT_H
#define EZP2P_BASE_ASSERT_H

#include <stdnoreturn.h>

noreturn void ez_assert_fail(const char *expression, const char *file, int line);

#define EZ_ASSERT(expression)                                                                      \
    ((expression) ? (void)0 : ez_assert_fail(#expression, __FILE__, __LINE__))

#endif
