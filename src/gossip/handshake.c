#include "ezp2p/gossip/handshake.h"

ez_goodbye ez_handshake_judge(const ez_hello *hello, const ez_block_id *network,
                              const ez_public_key *node)
{
    if (hello->protocol != EZ_PROTOCOL_VERSION) {
        return EZ_GOODBYE_VERSION;
    }
    if (!ez_block_id_is_equal(&hello->network, network)) {
        return EZ_GOODBYE_NETWORK;
    }
    if (ez_public_key_is_equal(&hello->node, node)) {
        return EZ_GOODBYE_SELF;
    }
    return EZ_GOODBYE_UNSPECIFIED;
}

ez_duplicate ez_handshake_duplicate(const ez_public_key *us, const ez_public_key *them,
                                    bool old_dialled_by_us, bool new_dialled_by_us)
{
    if (old_dialled_by_us && new_dialled_by_us) {
        return EZ_DUPLICATE_CLOSE_NEW;
    }
    if (!old_dialled_by_us && !new_dialled_by_us) {
        return EZ_DUPLICATE_WAIT;
    }
    bool we_are_smaller = memcmp(us->bytes, them->bytes, EZ_PUBLIC_KEY_BYTES) < 0;
    if (we_are_smaller) {
        return EZ_DUPLICATE_WAIT; /* ours stays, they dialled the other and close it */
    }
    return new_dialled_by_us ? EZ_DUPLICATE_CLOSE_NEW : EZ_DUPLICATE_CLOSE_OLD;
}
