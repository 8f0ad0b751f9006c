#include "admission_internal.h"

#include "ezp2p/base/limits.h"

#include <string.h>

bool ez_claim_may_yield(const ez_claim *claim)
{
    switch (claim->kind) {
    case EZ_CLAIM_IDLE:
        return true;
    case EZ_CLAIM_TAKING:
    case EZ_CLAIM_SENDING:
        return claim->ms >= EZ_HTTP_GRACE_MS;
    case EZ_CLAIM_SERVED:
        break;
    }
    return false;
}

/* Bytes a second; below 2^44 bytes in an answer nothing overflows. */
static uint64_t rate(const ez_claim *claim)
{
    return claim->bytes * 1000 / (claim->ms > 0 ? claim->ms : 1);
}

bool ez_claim_is_weaker(const ez_claim *a, const ez_claim *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind;
    }
    if (a->kind == EZ_CLAIM_TAKING && rate(a) != rate(b)) {
        return rate(a) < rate(b);
    }
    return a->ms > b->ms;
}

bool ez_is_one_client(const ez_endpoint *a, const ez_endpoint *b)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (ez_endpoint_reach(a) == EZ_REACH_LOOPBACK) {
        return false;
    }
    size_t size = memcmp(a->ip, mapped, sizeof mapped) == 0 ? sizeof a->ip : 8;
    return memcmp(a->ip, b->ip, size) == 0;
}
