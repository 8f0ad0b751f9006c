/* Transactions of clients: what is promised, when, and that it is kept. */
#include "support_world.h"

#include "ezp2p/chain/address.h"

static ez_address_string address_of(uint32_t number)
{
    const ez_public_key key = fixture_keypair(number).public_key;
    return ez_address_text(&key);
}

/* ---- answers --------------------------------------------------------------------------------- */

Test(clients, client_hears_of_success_only_when_it_is_durable)
{
    ez_world_config config = world_config(12);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    fixture_tx tx = numbered_note(world, 1);
    const uint64_t entry = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t signed_tx = submit(world, 1, &tx);
    ez_world_run(world, 100000);
    ez_reply reply;
    cr_expect(!ez_world_reply(world, 1, entry, &reply));
    cr_expect(!ez_world_reply(world, 1, signed_tx, &reply));
    cr_expect_eq(pool_of(world, 1), 2);
    ez_world_commit(world, 1);
    cr_expect_eq(answer(world, 1, entry).rule, EZ_RULE_OK);
    cr_expect_eq(answer(world, 1, entry).next_height, 2);
    cr_expect_eq(answer(world, 1, signed_tx).rule, EZ_RULE_OK);
    reply = answer(world, 1, signed_tx);
    cr_expect(ez_tx_id_is_equal(&reply.tx_id, &tx.id));
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(clients, crash_loses_the_unanswered_only)
{
    ez_world_config config = world_config(13);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t kept = ez_world_note(world, 1, "a", "kept", 1);
    ez_world_commit(world, 1);
    ez_world_note(world, 1, "a", "lost", 1);
    cr_expect_eq(pool_of(world, 1), 2);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect_eq(pool_of(world, 1), 1);
    const ez_reply reply = answer(world, 1, kept);
    cr_expect(pool_has(world, 1, &reply.tx_id));
    world_end(world);
}

Test(clients, acknowledged_transaction_that_a_peer_gave_first_is_durable_too)
{
    ez_world *const world = world_new(14, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_txs(stranger, &tx, 1);
    ez_world_run(world, 100);
    cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &tx.id));
    const uint64_t request = submit(world, 1, &tx);
    ez_world_run(world, 100);
    cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_TX_POOL_KNOWN);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect(pool_has(world, 1, &tx.id));
    mine(world, 1, 1, 100);
    cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &tx.id), "a block has it now");
    const uint64_t late = submit(world, 1, &tx);
    cr_expect_eq(answer(world, 1, late).rule, EZ_RULE_TX_DUPLICATE);
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(clients, clients_are_told_why_not)
{
    ez_world *const world = world_new(15, 1);
    const ez_address_string other = address_of(5);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    const struct {
        const char *sender, *recipient;
        uint64_t amount;
        ez_rule rule;
    } cases[] = {
        {"a", "b", 1, EZ_RULE_OK},
        {"", "b", 1, EZ_RULE_TX_LABEL},
        {"0", "b", 1, EZ_RULE_TX_LABEL},
        {"a", "ez1qqqq", 1, EZ_RULE_TX_ADDRESS},
        {other.text, "b", 1, EZ_RULE_TX_NOT_OURS},
        {own.text, other.text, 1, EZ_RULE_TX_FUNDS},
        {own.text, "b", 1, EZ_RULE_OK}, /* a note moves no coins */
        {"a", "b", EZ_AMOUNT_MAX, EZ_RULE_OK},
        {"a", "b", EZ_AMOUNT_MAX + 1, EZ_RULE_TX_AMOUNT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t request =
            ez_world_note(world, 1, cases[i].sender, cases[i].recipient, cases[i].amount);
        ez_world_run(world, 100);
        cr_expect_eq(answer(world, 1, request).rule, cases[i].rule, "case %zu", i);
    }
    world_end(world);
}

Test(clients, equal_notes_of_one_moment_are_two_transactions)
{
    ez_world *const world = world_new(16, 1);
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t second = ez_world_note(world, 1, "a", "b", 1);
    ez_world_run(world, 100);
    const ez_reply one = answer(world, 1, first), two = answer(world, 1, second);
    cr_expect_eq(two.rule, EZ_RULE_OK);
    cr_expect(!ez_tx_id_is_equal(&one.tx_id, &two.tx_id));
    world_end(world);
}

Test(clients, own_transfers_follow_each_other_in_sequence)
{
    ez_world *const world = world_new(17, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 3, 100);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    const ez_address_string other = address_of(5);
    for (int i = 0; i < 30; i++) {
        const uint64_t request = ez_world_note(world, 1, own.text, other.text, 100);
        ez_world_run(world, 50);
        cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    }
    const uint64_t over = ez_world_note(world, 1, own.text, other.text, 1);
    ez_world_run(world, 1000);
    cr_expect_eq(answer(world, 1, over).rule, EZ_RULE_TX_FUNDS);
    cr_expect_eq(
        ez_node_next_sequence(ez_world_node(world, 1), &ez_world_key(world, 1)->public_key), 30);
    mine(world, 2, 1, 1000);
    cr_expect_eq(coins_of(world, 5), 3000);
    cr_expect_eq(pool_of(world, 1), 0);
    world_end(world);
}

Test(clients, each_client_is_answered_when_its_own_write_is_durable)
{
    ez_world_config config = world_config(21);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t second = ez_world_note(world, 1, "a", "b", 2);
    ez_world_event(world, 1, &(ez_event){.type = EZ_EVENT_STORED, .as.stored = 1});
    cr_expect(ez_world_reply(world, 1, first, NULL));
    cr_expect(!ez_world_reply(world, 1, second, NULL));
    ez_world_commit(world, 1);
    cr_expect(ez_world_reply(world, 1, second, NULL));
    world_end(world);
}

/* ---- while blocks are missing ---------------------------------------------------------------- */

static uint64_t pay(ez_world *world, size_t host, const char *to)
{
    const ez_address_string own = ez_address_text(&ez_world_key(world, host)->public_key);
    return ez_world_note(world, host, own.text, to, 1);
}

static bool knows_of_more(ez_world *world, void *self)
{
    const ez_node_status status = status_of(world, *(const size_t *)self);
    return status.best_header_height > status.tip.height;
}

/* `loser` lost its disk. Ask it for a payment after each millisecond of catching up: whatever it
 * promises must be in the chain later. */
static void pay_without_a_disk(uint64_t seed, size_t loser)
{
    ez_world *const world = world_new(seed, 2);
    ez_world_run(world, 1000);
    mine(world, loser, 2, 100);
    pay(world, loser, "before");
    ez_world_run(world, 100);
    mine(world, 3 - loser, 30, 100);
    ez_world_stop(world, loser, true);
    ez_world_wipe(world, loser);
    ez_world_start(world, loser);
    cr_assert(ez_world_run_until(world, 10000, &loser, knows_of_more));
    size_t refused = 0;
    ez_reply reply = {0};
    for (bool done = false; !done; refused += !done) {
        const uint64_t request = pay(world, loser, "meanwhile");
        ez_world_run(world, COMMIT_MS);
        if (!ez_world_reply(world, loser, request, &reply)) {
            ez_world_run(world, COMMIT_MS); /* blocks were being committed when it came */
        }
        reply = answer(world, loser, request);
        done = reply.rule != EZ_RULE_TX_SYNCING;
        cr_assert_lt(refused, 10000);
    }
    cr_expect_gt(refused, 0);
    cr_expect_eq(reply.rule, EZ_RULE_OK);
    ez_world_run(world, 1000);
    mine(world, 3 - loser, 1, 1000);
    ez_tx_place place;
    cr_expect(ez_node_find_tx(ez_world_node(world, loser), &place, &reply.tx_id));
    world_end(world);
}

Test(clients, node_that_catches_up_with_whom_it_dialled_promises_no_payment)
{
    pay_without_a_disk(41, 2);
}

Test(clients, node_that_catches_up_with_who_dialled_it_promises_no_payment)
{
    pay_without_a_disk(42, 1);
}

Test(clients, node_that_catches_up_promises_nothing_before_the_last_block)
{
    ez_world *const world = world_new(43, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_announcement(stranger, chain->blocks[4]);
    ez_world_run(world, 2 * LATENCY_MS);
    send_chain_headers(stranger, chain, 0, 5);
    ez_world_run(world, LATENCY_MS);
    for (size_t i = 0; i < 5; i++) {
        const uint64_t request = pay(world, 1, "somebody");
        const uint64_t label = ez_world_note(world, 1, "a", "b", 1);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_TX_SYNCING, "%zu blocks", i);
        cr_expect_eq(answer(world, 1, label).rule, EZ_RULE_OK);
        send_body(stranger, chain->blocks[i]);
        ez_world_run(world, 2 * LATENCY_MS);
    }
    cr_assert_eq(height_of(world, 1), 6);
    const uint64_t request = pay(world, 1, "somebody");
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    chain_free(chain);
    world_end(world);
}

Test(clients, signed_transaction_that_a_missing_block_may_allow_is_not_called_wrong)
{
    ez_world *const world = world_new(44, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    const ez_keypair rich = fixture_keypair(1), fresh = fixture_keypair(2);
    fixture_tx list[] = {transfer_of(world, &rich, 70, 1, 0),   /* its coins are in the chain */
                         transfer_of(world, &rich, 70, 0, 3),   /* after others */
                         transfer_of(world, &fresh, 70, 0, 0)}; /* stands on what there is */
    const ez_rule behind[] = {EZ_RULE_TX_SYNCING, EZ_RULE_TX_SYNCING, EZ_RULE_OK};
    const ez_rule later[] = {EZ_RULE_OK, EZ_RULE_TX_SEQUENCE_GAP, EZ_RULE_TX_POOL_KNOWN};
    test_server server = {.chain = chain, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 3 * LATENCY_MS);
    for (size_t i = 0; i < 3; i++) {
        const uint64_t request = submit(world, 1, &list[i]);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, behind[i], "transaction %zu", i);
    }
    for (size_t i = 0; i < 5; i++) {
        send_body(stranger, chain->blocks[i]);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(height_of(world, 1), 6);
    for (size_t i = 0; i < 3; i++) {
        const uint64_t request = submit(world, 1, &list[i]);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, later[i], "transaction %zu", i);
        fixture_tx_clear(&list[i]);
    }
    chain_free(chain);
    world_end(world);
}

/* Somebody who claims a chain and shows nothing must not keep a node from paying. */
Test(clients, empty_claims_of_who_came_to_us_do_not_stop_payments)
{
    ez_world *const world = world_new(45, 2);
    ez_world_run(world, 1000);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    test_server server = {.chain = chain, .no_headers = true};
    server_join(world, 2, &server);
    ez_world_run(world, 3 * LATENCY_MS);
    cr_assert(status_of(world, 2).syncing);
    const uint64_t request = pay(world, 2, "somebody");
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 2, request).rule, EZ_RULE_OK);
    chain_free(chain);
    world_end(world);
}

/* Several writes, of which only the first is durable yet. */
/* ---- promises that have to wait -------------------------------------------------------------- */

/* Acknowledged transfers whose coins go with a lost branch wait for other coins. */
static void wait_for_coins(bool crash)
{
    ez_world *const world = world_new(24, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    mine(world, 1, 2, 100);
    fixture_tx run[3];
    for (uint64_t i = 0; i < 3; i++) {
        run[i] = transfer_of(world, ez_world_key(world, 1), 70, 600, i);
        const uint64_t request = submit(world, 1, &run[i]);
        ez_world_run(world, 100);
        cr_assert_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    }
    mine(world, 2, 4, 100);
    ez_world_cut(world, NULL);
    cr_assert(run_to_agreement(world, 30000));
    cr_expect_eq(pool_of(world, 1), 0, "the coins are gone");
    ez_world_run(world, 1000);
    if (crash) {
        ez_world_stop(world, 1, true);
        ez_world_start(world, 1);
    }
    ez_world_run(world, 5000);
    mine(world, 1, 1, 1000);
    cr_expect_eq(pool_of(world, 1), 1, "there are coins for one of them");
    mine(world, 1, 1, 1000);
    cr_expect_eq(pool_of(world, 1), 2, "and now for the others, at once");
    mine(world, 2, 1, 1000);
    cr_expect_eq(coins_of(world, 70), 1800);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &run[i].id));
        fixture_tx_clear(&run[i]);
    }
    world_end(world);
}

Test(clients, acknowledged_transfers_wait_until_they_can_be_paid)
{
    wait_for_coins(false);
}

Test(clients, acknowledged_transfers_wait_over_a_crash)
{
    wait_for_coins(true);
}

/* What the crash forgot was signed with the same sequence number as what comes after it. */
Test(clients, entry_lost_in_a_crash_leaves_its_sequence_number_to_the_next)
{
    ez_world_config config = world_config(40);
    config.commit_ms = 10 * LATENCY_MS;
    ez_world *const world = ez_world_new(&config);
    const size_t first = 1;
    ez_world_add(world, NULL, 0);
    ez_world_add(world, &first, 1);
    ez_world_run(world, 1000);
    mine(world, 1, 1, 1000);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    ez_world_note(world, 1, own.text, "lost", 1);
    ez_world_run(world, 5 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), 1);
    cr_expect_eq(pool_of(world, 2), 0);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    const uint64_t request = ez_world_note(world, 1, own.text, "kept", 1);
    ez_world_run(world, 5000);
    const ez_reply reply = answer(world, 1, request);
    cr_expect_eq(reply.rule, EZ_RULE_OK);
    cr_expect(pool_has(world, 2, &reply.tx_id));
    mine(world, 2, 1, 1000);
    ez_tx_place place;
    cr_expect(ez_node_find_tx(ez_world_node(world, 1), &place, &reply.tx_id));
    world_end(world);
}
