/* Templates, proofs, and who is answered for which block. */
#include "support_world.h"

static uint64_t mine_request(ez_world *world, size_t host)
{
    return ez_world_command(world, host, (ez_command){.type = EZ_COMMAND_MINE_ONE});
}

static ez_header template_of(ez_world *world, size_t host)
{
    uint64_t generation;
    ez_header header;
    cr_assert(ez_world_template(world, host, &generation, &header));
    return header;
}

static void find_proof_for(ez_world *world, size_t host, uint64_t generation, uint64_t proof)
{
    ez_event event = {.type = EZ_EVENT_PROOF_FOUND};
    event.as.proof_found.generation = generation;
    event.as.proof_found.proof = proof;
    ez_world_event(world, host, &event);
    ez_world_run(world, 0);
}

Test(mining, request_gets_the_block_it_asked_for_once_it_is_durable)
{
    ez_world_config config = world_config(1);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t request = ez_world_mine(world, 1);
    cr_expect_eq(height_of(world, 1), 2);
    cr_expect(!ez_world_reply(world, 1, request, NULL));
    ez_world_commit(world, 1);
    const ez_reply reply = answer(world, 1, request);
    const ez_block_id tip = tip_of(world, 1);
    cr_expect_eq(reply.status, EZ_OK);
    cr_expect(ez_block_id_is_equal(&reply.block, &tip));
    cr_expect_eq(counters_of(world, 1)->blocks_mined, 1);
    cr_expect_eq(balance_of(world, 1, &ez_world_key(world, 1)->public_key), FIXTURE_REWARD);
    ez_notice notice;
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_BLOCK, &notice), 1);
    cr_expect(notice.own);
    world_end(world);
}

Test(mining, several_requests_each_get_a_block_of_their_own)
{
    ez_world *const world = world_new(2, 1);
    uint64_t requests[3];
    ez_block_id blocks[3];
    for (size_t i = 0; i < 3; i++) {
        requests[i] = mine_request(world, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        cr_assert(ez_world_prove(world, 1));
        ez_world_run(world, 100);
    }
    cr_expect(!ez_world_prove(world, 1), "then nobody mines");
    for (size_t i = 0; i < 3; i++) {
        blocks[i] = answer(world, 1, requests[i]).block;
        ez_block_info info;
        cr_assert(ez_node_block_by_id(ez_world_node(world, 1), &info, &blocks[i]));
        cr_expect_eq(info.header.index, i + 2);
    }
    world_end(world);
}

Test(mining, requests_are_bounded)
{
    ez_world *const world = world_new(3, 1);
    uint64_t last = 0;
    for (int i = 0; i < 64; i++) {
        last = mine_request(world, 1);
    }
    cr_expect(!ez_world_reply(world, 1, last, NULL));
    last = mine_request(world, 1);
    cr_expect_eq(answer(world, 1, last).status, EZ_ERR_LIMIT);
    world_end(world);
}

Test(mining, cancelled_request_stops_the_miner)
{
    ez_world *const world = world_new(4, 1);
    const uint64_t first = mine_request(world, 1);
    const uint64_t second = mine_request(world, 1);
    ez_world_command(world, 1, (ez_command){.type = EZ_COMMAND_CANCEL, .request = first});
    cr_expect(status_of(world, 1).mining);
    ez_world_command(world, 1, (ez_command){.type = EZ_COMMAND_CANCEL, .request = second});
    cr_expect(!status_of(world, 1).mining);
    cr_expect(!ez_world_prove(world, 1));
    cr_expect(!ez_world_reply(world, 1, first, NULL));
    world_end(world);
}

Test(mining, template_follows_the_tip_at_once)
{
    ez_world *const world = world_new(5, 2);
    ez_world_run(world, 1000);
    mine_request(world, 2);
    const ez_header before = template_of(world, 2);
    mine(world, 1, 1, 10 * LATENCY_MS);
    const ez_header after = template_of(world, 2);
    const ez_block_id tip = tip_of(world, 2);
    cr_expect_eq(before.index, 2);
    cr_expect_eq(after.index, 3);
    cr_expect(ez_block_id_is_equal(&after.previous, &tip));
    world_end(world);
}

Test(mining, template_follows_the_pool_within_a_second)
{
    ez_world *const world = world_new(6, 1);
    mine_request(world, 1);
    const ez_hash empty = template_of(world, 1).merkle_root;
    ez_world_run(world, 2000);
    const ez_hash still = template_of(world, 1).merkle_root;
    cr_expect(ez_hash_is_equal(&empty, &still), "nothing came, so nothing changes");
    for (int i = 0; i < 20; i++) {
        ez_world_note(world, 1, "a", "b", 1);
        ez_world_run(world, 10);
    }
    uint64_t generation;
    ez_header header;
    ez_world_template(world, 1, &generation, &header);
    cr_expect_leq(generation, 3, "not for every transaction");
    ez_world_run(world, 1000);
    ez_world_template(world, 1, &generation, &header);
    cr_expect_leq(generation, 4);
    cr_expect(ez_world_prove(world, 1));
    cr_expect_eq(pool_of(world, 1), 0, "all twenty are in the block");
    world_end(world);
}

Test(mining, reward_carries_the_fees_and_is_the_last_transaction)
{
    ez_world *const world = world_new(7, 1);
    mine(world, 1, 1, 100);
    const ez_keypair *const key = ez_world_key(world, 1);
    const ez_keypair other = fixture_keypair(3);
    fixture_tx paid = fixture_transfer(ez_world_network(world), key, &other.public_key, 100, 7, 0);
    submit(world, 1, &paid);
    ez_world_run(world, COMMIT_MS);
    mine(world, 1, 1, 100);
    const ez_block_id tip = tip_of(world, 1);
    const ez_header header = tip_header_of(world, 1);
    ez_blob *const body = ez_node_body(ez_world_node(world, 1), &tip);
    ez_block *block = NULL;
    cr_assert_eq(ez_block_parse(&block, ez_world_network(world), &header, body), EZ_RULE_OK);
    cr_assert_eq(block->tx_count, 2);
    ez_tx reward;
    ez_block_tx_get(&reward, block, 1);
    cr_expect_eq(reward.sender.kind, EZ_PARTY_REWARD);
    cr_expect_eq(reward.amount, FIXTURE_REWARD + 7);
    cr_expect_eq(balance_of(world, 1, &key->public_key), 2 * FIXTURE_REWARD - 100);
    ez_block_unref(block);
    ez_blob_unref(body);
    fixture_tx_clear(&paid);
    world_end(world);
}

Test(mining, fees_that_no_reward_can_hold_wait_for_the_next_block)
{
    ez_world_config config = world_config(15);
    config.network.reward = EZ_AMOUNT_MAX / 2;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const ez_network *const network = ez_world_network(world);
    const ez_keypair *const key = ez_world_key(world, 1);
    const ez_keypair other = fixture_keypair(3);
    const uint64_t all = config.network.reward;
    mine(world, 1, 1, 100);
    fixture_tx txs[] = {
        fixture_transfer(network, key, &other.public_key, all, 0, 0),
        fixture_address_note(network, key, "n", 0, all, 1),
        fixture_address_note(network, &other, "n", 0, all, 0),
    };
    submit(world, 1, &txs[0]);
    ez_world_run(world, COMMIT_MS);
    mine(world, 1, 1, 100);
    submit(world, 1, &txs[1]);
    ez_world_run(world, COMMIT_MS);
    submit(world, 1, &txs[2]);
    ez_world_run(world, COMMIT_MS);
    cr_assert_eq(pool_of(world, 1), 2);
    mine(world, 1, 1, 100);
    cr_expect_eq(height_of(world, 1), 4);
    cr_expect_eq(pool_of(world, 1), 1, "its fee does not fit beside the other");
    cr_expect_eq(balance_of(world, 1, &key->public_key), 2 * all);
    for (size_t i = 0; i < 3; i++) {
        fixture_tx_clear(&txs[i]);
    }
    world_end(world);
}

Test(mining, block_is_never_larger_than_allowed)
{
    ez_world_config config = world_config(8);
    config.network.body_bytes_max = 3000;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    for (int i = 0; i < 60; i++) {
        note(world, 1, "many of these do not fit");
    }
    size_t blocks = 0;
    while (pool_of(world, 1) > 0 && blocks < 20) {
        mine(world, 1, 1, 100);
        const ez_block_id tip = tip_of(world, 1);
        ez_blob *const body = ez_node_body(ez_world_node(world, 1), &tip);
        cr_expect_leq(ez_blob_size(body), 3000);
        cr_expect_geq(ez_blob_size(body), pool_of(world, 1) > 0 ? 2700 : 1);
        ez_blob_unref(body);
        blocks++;
    }
    cr_expect_eq(pool_of(world, 1), 0);
    world_end(world);
}

Test(mining, stale_and_repeated_proofs_are_ignored)
{
    ez_world *const world = world_new(9, 2);
    ez_world_run(world, 1000);
    const uint64_t request = mine_request(world, 2);
    uint64_t generation, stale;
    ez_header header;
    ez_block_id id;
    ez_world_template(world, 2, &stale, &header);
    mine(world, 1, 1, 1000); /* the template is replaced */
    ez_world_template(world, 2, &generation, &header);
    fixture_find_proof(&header, &id); /* it would do, if it were for this one */
    find_proof_for(world, 2, stale, header.proof);
    cr_expect_eq(height_of(world, 2), 2);
    cr_expect(status_of(world, 2).mining);
    find_proof_for(world, 2, generation + 100, header.proof);
    cr_expect_eq(height_of(world, 2), 2);
    cr_expect(ez_world_prove(world, 2));
    ez_world_template(world, 2, &generation, &header);
    find_proof_for(world, 2, generation, header.proof); /* the same again */
    cr_expect_eq(height_of(world, 2), 3);
    ez_world_run(world, 1000);
    cr_expect_eq(answer(world, 2, request).status, EZ_OK);
    cr_expect(ez_world_agrees(world));
    world_end(world);
}

/* A proof that is none, as a faulty miner would hand it in. */
Test(mining, wrong_proof_is_not_believed)
{
    ez_world *const world = world_new(10, 1);
    const uint64_t request = mine_request(world, 1);
    uint64_t generation;
    ez_header header;
    ez_block_id id;
    ez_world_template(world, 1, &generation, &header);
    ez_header_id(&id, &header);
    while (ez_header_has_work(&id, header.bits)) {
        header.proof++;
        ez_header_id(&id, &header);
    }
    find_proof_for(world, 1, generation, header.proof);
    cr_expect_eq(height_of(world, 1), 1);
    cr_expect(status_of(world, 1).mining, "it goes on with another template");
    cr_expect(ez_world_prove(world, 1));
    ez_world_run(world, 100);
    cr_expect_eq(answer(world, 1, request).status, EZ_OK);
    world_end(world);
}

Test(mining, block_of_a_lost_branch_is_shown_as_such)
{
    ez_world *const world = world_new(11, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    const uint64_t request = ez_world_mine(world, 1);
    ez_world_run(world, 100);
    const ez_reply reply = answer(world, 1, request);
    mine(world, 2, 2, 100);
    ez_world_cut(world, NULL);
    cr_assert(run_to_agreement(world, 10000));
    ez_block_info info;
    cr_assert(ez_node_block_by_id(ez_world_node(world, 1), &info, &reply.block));
    cr_expect(!info.active);
    cr_expect(info.has_body);
    cr_expect_eq(info.confirmations, 0);
    world_end(world);
}

Test(mining, background_mining_is_paced_and_gives_way_to_a_client)
{
    ez_world_config config = world_config(12);
    config.mine = true;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    ez_world_run(world, 10);
    cr_expect(status_of(world, 1).mining);
    for (int i = 0; i < 3; i++) {
        cr_expect(ez_world_prove(world, 1));
        ez_world_run(world, 10);
    }
    cr_expect_eq(height_of(world, 1), 4);
    const uint64_t request = ez_world_mine(world, 1);
    ez_world_run(world, 100);
    cr_expect_eq(answer(world, 1, request).status, EZ_OK);
    cr_expect(status_of(world, 1).mining, "and goes on afterwards");
    world_end(world);
}

Test(mining, background_mining_waits_while_catching_up)
{
    ez_world_config config = world_config(13);
    config.mine = true;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 500);
    test_server server = {.chain = chain};
    server_join(world, 1, &server);
    ez_world_run(world, 4 * LATENCY_MS);
    cr_expect(status_of(world, 1).syncing);
    cr_expect(!status_of(world, 1).mining);
    ez_world_run(world, 30000);
    cr_expect_eq(height_of(world, 1), 501);
    cr_expect(status_of(world, 1).mining);
    chain_free(chain);
    world_end(world);
}

/* A reorganisation gives back what the entries of a signer build on: it arrives anew, behind a
 * client's entry that is not on disk yet and so in no template. */
Test(mining, entry_is_left_out_with_what_it_builds_on)
{
    ez_world_config config = world_config(14);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    const ez_keypair signer = fixture_keypair(60);
    fixture_tx run[2];
    ez_world_add(world, NULL, 0);
    for (uint64_t i = 0; i < 2; i++) {
        run[i] = fixture_address_note(ez_world_network(world), &signer, "to", 1, 0, i);
        const uint64_t request = submit(world, 1, &run[i]);
        ez_world_run(world, 0);
        ez_world_commit(world, 1);
        cr_assert_eq(answer(world, 1, request).rule, EZ_RULE_OK);
        if (i == 0) {
            mine(world, 1, 1, 100);
            ez_world_commit(world, 1);
            cr_assert_eq(pool_of(world, 1), 0);
        }
    }
    ez_world_note(world, 1, "not", "on disk", 1);
    test_chain *const longer = chain_new(ez_world_network(world));
    chain_grow(longer, 1, 2);
    test_server server = {.chain = longer};
    server_join(world, 1, &server);
    ez_world_run(world, 5000);
    cr_assert_eq(height_of(world, 1), 3);
    cr_assert_eq(pool_of(world, 1), 3);
    ez_world_mine(world, 1);
    ez_world_run(world, 0);
    cr_expect_eq(height_of(world, 1), 4);
    cr_expect_eq(pool_of(world, 1), 3, "nothing of it could be mined");
    ez_world_commit(world, 1);
    ez_world_run(world, 2000);
    ez_world_mine(world, 1);
    ez_world_run(world, 0);
    cr_expect_eq(height_of(world, 1), 5);
    cr_expect_eq(pool_of(world, 1), 0);
    for (size_t i = 0; i < 2; i++) {
        fixture_tx_clear(&run[i]);
    }
    chain_free(longer);
    world_end(world);
}
