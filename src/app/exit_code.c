#include "exit_code_internal.h"

ez_exit_code ez_exit_code_of(ez_status status)
{
    switch (status) {
    case EZ_OK:
        return EZ_EXIT_OK;
    case EZ_ERR_CORRUPT:
        return EZ_EXIT_DAMAGED;
    case EZ_ERR_IN_USE:
        return EZ_EXIT_IN_USE;
    case EZ_ERR_CONFIG:
        return EZ_EXIT_USAGE;
    case EZ_ERR_IO:
    case EZ_ERR_LIMIT:
    case EZ_ERR_NOT_FOUND:
    case EZ_ERR_MALFORMED:
    case EZ_ERR_UNSUPPORTED:
        return EZ_EXIT_FAILURE;
    }
    return EZ_EXIT_FAILURE;
}
