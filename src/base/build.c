#include "ezp2p/base/build.h"

#ifndef EZ_COMMIT
#define EZ_COMMIT "unknown"
#endif

const char *ez_build_commit(void)
{
    return EZ_COMMIT;
}
