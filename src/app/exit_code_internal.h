/* What the process tells the one who started it. */
#ifndef EZP2P_APP_EXIT_CODE_INTERNAL_H
#define EZP2P_APP_EXIT_CODE_INTERNAL_H

#include "ezp2p/base/status.h"

typedef enum ez_exit_code {
    EZ_EXIT_OK = 0,      /* asked to stop, or done */
    EZ_EXIT_FAILURE = 1, /* at run time */
    EZ_EXIT_USAGE = 2,   /* options or configuration */
    EZ_EXIT_DAMAGED = 4, /* data beyond repair */
    EZ_EXIT_IN_USE = 5,  /* address or data directory */
} ez_exit_code;

ez_exit_code ez_exit_code_of(ez_status status);

#endif
