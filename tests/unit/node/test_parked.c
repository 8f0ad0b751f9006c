/* Transactions that cannot stand for a while: in which order, how many, and who goes first. */
#include "support_world.h"

#include "ezp2p/base/limits.h"
#include "parked_internal.h"

/* ---- the set --------------------------------------------------------------------------------- */

static const ez_siphash_key key = {1, 2};

static parked_tx *put(parked_set *set, uint8_t signer, uint64_t sequence, parked_class class)
{
    static uint64_t number;
    const ez_public_key who = {{signer}};
    ez_tx_id id = {{{0}}};
    number++;
    memcpy(&id, &number, sizeof(number));
    ez_blob *const bytes = ez_blob_new("0123456789", 10);
    parked_tx *const tx = parked_put(set, &id, bytes, &who, sequence, class);
    ez_blob_unref(bytes);
    return tx;
}

Test(parked, run_of_a_signer_is_in_sequence_however_it_came)
{
    ez_rng rng = fixture_rng(1);
    parked_set set;
    parked_init(&set, key, 1000, 100000);
    for (int i = 0; i < 300; i++) {
        put(&set, (uint8_t)(i % 3), ez_rng_below(&rng, 50), PARKED_PROMISED);
        if (i % 4 == 3) {
            parked_drop(&set, set.classes[PARKED_PROMISED]);
        }
    }
    size_t count = 0;
    for (uint8_t signer = 0; signer < 3; signer++) {
        const ez_public_key who = {{signer}};
        const parked_tx *before = NULL;
        for (const parked_tx *tx = parked_run(&set, &who); tx != NULL; tx = tx->run_next) {
            cr_assert_eq(tx->run_prev, before);
            cr_expect(before == NULL || before->sequence <= tx->sequence);
            before = tx;
            count++;
        }
    }
    cr_expect_eq(count, 300 - 75);
    cr_expect_eq(set.count, count);
    cr_expect_eq(set.bytes, 10 * count);
    const ez_public_key nobody = {{9}};
    cr_expect_eq(parked_run(&set, &nobody), NULL);
    parked_clear(&set);
    cr_expect_eq(set.count + set.bytes + parked_signers(&set), 0);
    cr_expect_eq(parked_turn(&set), NULL);
}

Test(parked, signers_have_their_turns_one_after_the_other)
{
    parked_set set;
    parked_init(&set, key, 10, 1000);
    parked_tx *const txs[] = {put(&set, 1, 5, PARKED_OWN), put(&set, 2, 1, PARKED_RETURNED),
                              put(&set, 3, 0, PARKED_PROMISED)};
    put(&set, 1, 6, PARKED_OWN);
    cr_expect_eq(parked_signers(&set), 3);
    for (size_t i = 0; i < 7; i++) {
        cr_expect_eq(parked_turn(&set), txs[i % 3], "turn %zu", i);
    }
    parked_clear(&set);
}

Test(parked, who_was_promised_less_goes_first_and_the_oldest_of_those)
{
    parked_set set;
    parked_init(&set, key, 6, 1000);
    parked_tx *const own = put(&set, 1, 0, PARKED_OWN);
    parked_tx *const promised[] = {put(&set, 2, 0, PARKED_PROMISED),
                                   put(&set, 2, 1, PARKED_PROMISED)};
    parked_tx *const returned[] = {put(&set, 3, 0, PARKED_RETURNED),
                                   put(&set, 4, 0, PARKED_RETURNED)};
    parked_tx *const own_too = put(&set, 1, 1, PARKED_OWN);
    parked_tx *const expected[] = {returned[0], returned[1], promised[0],
                                   promised[1], own,         own_too};
    cr_expect_eq(parked_excess(&set), NULL, "full is not over");
    for (size_t i = 0; i < 6; i++) {
        set.count_max = set.count - 1;
        cr_assert_eq(parked_excess(&set), expected[i], "number %zu", i);
        parked_drop(&set, expected[i]);
        cr_expect_eq(parked_excess(&set), NULL);
    }
}

Test(parked, bytes_are_bounded_too)
{
    parked_set set;
    parked_init(&set, key, 100, 50);
    parked_tx *const first = put(&set, 1, 0, PARKED_PROMISED);
    for (uint64_t i = 1; i < 5; i++) {
        put(&set, 1, i, PARKED_PROMISED);
    }
    cr_expect_eq(parked_excess(&set), NULL, "50 bytes");
    put(&set, 1, 5, PARKED_PROMISED);
    cr_expect_eq(parked_excess(&set), first);
    parked_clear(&set);
}

/* ---- in a node ------------------------------------------------------------------------------- */

enum { PER_BLOCK = 1900, BLOCKS = 12 };

/* `chain` goes on with blocks of entries that stand on coins of its first block alone. */
static void add_dependent(test_chain *chain, uint32_t rich)
{
    const ez_keypair from = fixture_keypair(rich), to = fixture_keypair(90);
    char memo[EZ_MEMO_BYTES_MAX + 1];
    memset(memo, 'm', EZ_MEMO_BYTES_MAX);
    memo[EZ_MEMO_BYTES_MAX] = '\0';
    fixture_tx *const txs = ez_alloc(PER_BLOCK, sizeof(*txs));
    for (uint64_t block = 0; block < BLOCKS; block++) {
        for (uint64_t i = 0; i < PER_BLOCK; i++) {
            const uint64_t sequence = block * PER_BLOCK + i;
            ez_tx tx = {.sender = fixture_address(&from.public_key),
                        .recipient = fixture_address(&to.public_key),
                        .amount = sequence == 0 ? FIXTURE_REWARD : 0,
                        .sequence = sequence};
            fixture_set_memo(&tx, memo);
            txs[i] = fixture_sign(chain->network, &tx, &from);
        }
        chain_add(chain, 91, txs, PER_BLOCK);
        for (size_t i = 0; i < PER_BLOCK; i++) {
            fixture_tx_clear(&txs[i]);
        }
    }
    free(txs);
}

static void follow_chain(ez_world *world, const test_chain *chain)
{
    test_server server = {.chain = chain};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 5000);
    cr_assert_eq(height_of(world, 1), chain->count + 1);
    ez_stranger_hang_up(stranger);
    ez_world_run(world, 100);
}

/* A payment was acknowledged and lost its coins; then more entries than may be kept come back from
 * another lost branch. */
Test(parked, what_was_promised_outlasts_what_a_lost_branch_gives_back)
{
    ez_world *const world = world_new(3, 1);
    const ez_network *const network = ez_world_network(world);
    test_chain *const first = chain_new(network), *const second = chain_new(network);
    test_chain *const third = chain_new(network);
    chain_grow(first, 2, 1);
    chain_grow(second, 1, 1);
    add_dependent(second, 1);
    chain_grow(third, 3, second->count + 1);
    follow_chain(world, first);
    const ez_keypair rich = fixture_keypair(2), to = fixture_keypair(70);
    fixture_tx promised = fixture_transfer(network, &rich, &to.public_key, FIXTURE_REWARD, 0, 0);
    const uint64_t request = submit(world, 1, &promised);
    ez_world_run(world, 100);
    cr_assert_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    follow_chain(world, second);
    cr_expect_eq(status_of(world, 1).parked_count, 1);
    follow_chain(world, third);
    const ez_node_status status = status_of(world, 1);
    cr_expect_leq(status.parked_bytes, EZ_PARKED_BYTES_MAX);
    cr_expect_gt(status.parked_bytes, EZ_PARKED_BYTES_MAX - 1000, "no more than had to go went");
    cr_expect_lt(status.parked_count, PER_BLOCK * BLOCKS);
    cr_assert(ez_memory_store_has_pooled(ez_world_store(world, 1), &promised.id));
    chain_grow(third, 2, 1);
    follow_chain(world, third);
    cr_expect(pool_has(world, 1, &promised.id), "there are coins again");
    fixture_tx_clear(&promised);
    chain_free(first);
    chain_free(second);
    chain_free(third);
    world_end(world);
}
