#include "ezp2p/base/status.h"

const char *ez_status_text(ez_status status)
{
    switch (status) {
    case EZ_OK:
        return "ok";
    case EZ_ERR_IO:
        return "input or output failed";
    case EZ_ERR_CORRUPT:
        return "stored data is damaged";
    case EZ_ERR_IN_USE:
        return "already in use";
    case EZ_ERR_CONFIG:
        return "unusable configuration";
    case EZ_ERR_LIMIT:
        return "limit exceeded";
    case EZ_ERR_NOT_FOUND:
        return "not found";
    case EZ_ERR_MALFORMED:
        return "malformed";
    case EZ_ERR_UNSUPPORTED:
        return "not supported by this program";
    }
    return "unknown status";
}
