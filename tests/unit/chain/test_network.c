#include "ezp2p/chain/network.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"
#include "support_vectors.h"

#include <criterion/criterion.h>
#include <string.h>

Test(network, classic_genesis_matches_the_vector)
{
    ez_network network;
    uint8_t bytes[EZ_HEADER_BYTES];
    vector_file vectors;

    ez_network_classic(&network);
    ez_header_encode(bytes, &network.genesis);
    vector_open(&vectors, "header.txt");
    while (vector_next(&vectors, "genesis")) {
        uint8_t wanted[EZ_HEADER_BYTES];
        ez_hash id;
        vector_copy(wanted, sizeof wanted, &vectors, "bytes");
        vector_copy(id.bytes, sizeof id.bytes, &vectors, "id");
        cr_expect_arr_eq(bytes, wanted, sizeof wanted);
        cr_expect(ez_hash_is_equal(&network.genesis_id.hash, &id));
    }
}

Test(network, classic_never_changes_its_target)
{
    ez_network network;

    ez_network_classic(&network);
    cr_expect_eq(network.interval_us, 0);
    cr_expect_eq(network.first_bits, 0x1f00ffff);
    cr_expect_eq(network.genesis.bits, network.first_bits);
    cr_expect_eq(network.reward, 1);
    cr_expect_eq(network.body_bytes_max, EZ_BLOCK_BODY_BYTES_MAX);
}

Test(network, classic_genesis_is_the_originals)
{
    ez_network network;
    const ez_work one = {{1}};
    uint8_t previous[32];

    ez_network_classic(&network);
    ez_work_to_bytes(previous, &one);
    cr_expect_eq(network.genesis.index, 1);
    cr_expect_eq(network.genesis.proof, 100);
    cr_expect_arr_eq(network.genesis.previous.hash.bytes, previous, sizeof previous);
}

Test(network, a_known_name_yields_its_parameters)
{
    ez_network network;
    ez_network classic;

    ez_network_classic(&classic);
    cr_assert(ez_network_by_name(&network, "classic"));
    cr_expect_str_eq(network.name, "classic");
    cr_expect(ez_block_id_is_equal(&network.genesis_id, &classic.genesis_id));
}

Test(network, an_unknown_name_leaves_the_output_alone)
{
    static const char *const names[] = {"", "Classic", "classic ", "classi", "classics"};
    ez_network before;
    ez_network network;

    memset(&before, 0x5a, sizeof before);
    network = before;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_expect_not(ez_network_by_name(&network, names[i]), "%s", names[i]);
    }
    cr_expect_eq(memcmp(&network, &before, sizeof before), 0);
}
