#include "ezp2p/chain/block.h"

#include "block_internal.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"
#include "support_samples.h"
#include "support_vectors.h"

#include <criterion/criterion.h>
#include <string.h>

/* Parse `body`, which is cleared, under `header`; the block is dropped again. */
static ez_rule parse_under(const ez_header *header, ez_buffer *body, uint32_t *bad)
{
    ez_network network = sample_network();
    ez_blob *blob = sample_blob(body);
    ez_block *block;

    ez_rule rule = ez_block_parse_at(&block, &network, header, blob, bad);
    cr_expect_eq(block != NULL, rule == EZ_RULE_OK);
    ez_block_unref(block);
    ez_blob_unref(blob);
    return rule;
}

static ez_rule parse(ez_buffer *body, uint32_t *bad)
{
    ez_header header = sample_header(body);

    return parse_under(&header, body, bad);
}

/* A block that is known to be good. */
static ez_block *parse_good(const ez_network *network, ez_buffer *body)
{
    ez_header header = sample_header(body);
    ez_blob *blob = sample_blob(body);
    ez_block *block;

    cr_assert_eq(ez_block_parse(&block, network, &header, blob), EZ_RULE_OK);
    ez_blob_unref(blob);
    return block;
}

Test(block, vectors_break_the_rule_they_name)
{
    ez_network network = sample_network();
    vector_file vectors;

    vector_open(&vectors, "block.txt");
    while (vector_next(&vectors, "block")) {
        vector_data body = vector_bytes(&vectors, "body");
        uint8_t bytes[EZ_HEADER_BYTES];
        ez_header header;
        ez_block *block;
        ez_blob *blob = ez_blob_new(body.bytes, body.size);
        vector_copy(bytes, sizeof bytes, &vectors, "header");
        ez_header_decode(&header, bytes);
        ez_rule rule = ez_block_parse(&block, &network, &header, blob);
        cr_expect_eq((uint64_t)rule, vector_number(&vectors, "rule"), "line %zu: %s",
                     vectors.line_count, ez_rule_code(rule));
        if (rule == EZ_RULE_OK) {
            cr_expect_eq(block->tx_count, vector_number(&vectors, "count"));
        }
        ez_block_unref(block);
        ez_blob_unref(blob);
    }
}

Test(block, the_index_covers_the_body_without_gaps)
{
    ez_network network = sample_network();
    ez_buffer body = {0};

    sample_add(&body, sample_transfer());
    sample_add_notes(&body, 3, 1);
    sample_add(&body, sample_reward());
    ez_block *block = parse_good(&network, &body);
    uint32_t end = 0;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_tx_id id;
        cr_expect_eq(block->txs[i].offset, end);
        end += block->txs[i].size;
        ez_tx_id_of(&id, &network.genesis_id, ez_blob_data(block->body) + block->txs[i].offset,
                    block->txs[i].size);
        cr_expect(ez_tx_id_is_equal(&block->txs[i].id, &id));
    }
    cr_expect_eq(block->tx_count, 5);
    cr_expect_eq(end, ez_blob_size(block->body));
    ez_block_unref(block);
}

Test(block, id_header_and_entries_are_kept)
{
    ez_network network = sample_network();
    ez_buffer body = {0};
    ez_tx tx;

    sample_add_notes(&body, 2, 40);
    sample_add(&body, sample_reward());
    ez_block *block = parse_good(&network, &body);
    ez_block_id id;
    ez_header_id(&id, &block->header);
    cr_expect(ez_block_id_is_equal(&block->id, &id));
    cr_expect_eq(block->header.index, 2);
    ez_block_tx_get(&tx, block, 1);
    cr_expect_eq(tx.amount, 41);
    ez_block_tx_get(&tx, block, 2);
    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_REWARD);
    ez_block_unref(block);
}

Test(block, genesis_has_no_transactions)
{
    ez_network network = sample_network();
    ez_buffer empty = {0};
    uint32_t bad;

    cr_expect_eq(parse_under(&network.genesis, &empty, &bad), EZ_RULE_OK);
    ez_buffer body = {0};
    sample_add(&body, sample_reward());
    cr_expect_eq(parse_under(&network.genesis, &body, &bad), EZ_RULE_BODY_MERKLE);

    /* Not even on a network whose genesis was made for one: its ids change with the genesis. */
    sample_add(&body, sample_reward());
    network.genesis.merkle_root = sample_header(&body).merkle_root;
    ez_header_id(&network.genesis_id, &network.genesis);
    ez_blob *blob = sample_blob(&body);
    ez_block *block;
    ez_header header = network.genesis;
    cr_assert_eq(ez_block_parse(&block, &network, &header, blob), EZ_RULE_BODY_MERKLE);
    ez_blob_unref(blob);
}

Test(block, every_other_block_has_a_reward)
{
    ez_buffer empty = {0};
    uint32_t bad;

    cr_expect_eq(parse(&empty, &bad), EZ_RULE_BODY_REWARD);
    ez_buffer body = {0};
    sample_add(&body, sample_reward());
    cr_expect_eq(parse(&body, &bad), EZ_RULE_OK);
}

/* A body of exactly `size` bytes that is canonical: notes, one of them with a memo that fills up.
 */
static ez_buffer body_of_size(size_t size)
{
    ez_buffer body = {0};
    ez_buffer tail = {0};
    ez_buffer one = {0};
    uint64_t amount = 0;

    sample_add(&tail, sample_reward());
    sample_add_notes(&one, 1, 0);
    size_t note_size = one.size;
    while (body.size + 2 * note_size + tail.size <= size) {
        sample_add_notes(&body, 1, amount++);
    }
    size_t memo_size = size - body.size - note_size - tail.size;
    cr_assert_leq(memo_size, EZ_MEMO_BYTES_MAX);
    ez_tx tx = sample_note();
    tx.memo_size = (uint16_t)memo_size;
    memset(tx.memo, 'm', sizeof tx.memo);
    ez_tx_encode(&body, &tx);
    ez_buffer_add(&body, tail.data, tail.size);
    cr_assert_eq(body.size, size);
    ez_buffer_clear(&tail);
    ez_buffer_clear(&one);
    return body;
}

Test(block, a_body_of_the_largest_size_is_read_and_a_larger_one_is_not)
{
    uint32_t bad;
    ez_buffer largest = body_of_size(EZ_BLOCK_BODY_BYTES_MAX);
    ez_buffer larger = body_of_size(EZ_BLOCK_BODY_BYTES_MAX + 1);

    cr_expect_eq(parse(&largest, &bad), EZ_RULE_OK);
    cr_expect_eq(parse(&larger, &bad), EZ_RULE_BODY_SIZE);
}

Test(block, a_network_may_ask_for_smaller_bodies)
{
    ez_network network = sample_network();
    ez_buffer body = {0};

    sample_add(&body, sample_reward());
    ez_header header = sample_header(&body);
    ez_blob *blob = sample_blob(&body);
    ez_block *block;
    network.body_bytes_max = (uint32_t)ez_blob_size(blob) - 1;
    cr_expect_eq(ez_block_parse(&block, &network, &header, blob), EZ_RULE_BODY_SIZE);
    network.body_bytes_max++;
    cr_expect_eq(ez_block_parse(&block, &network, &header, blob), EZ_RULE_OK);
    ez_block_unref(block);
    ez_blob_unref(blob);
}

/* `body` may break rules, but must be cut at `cuts`. */
static ez_header header_over(const ez_buffer *body, const size_t *cuts, size_t count)
{
    ez_network network = sample_network();
    ez_header header = {.version = EZ_HEADER_VERSION, .index = 2};
    ez_tx_id ids[8];
    size_t start = 0;

    for (size_t i = 0; i < count; i++) {
        ez_tx_id_of(&ids[i], &network.genesis_id, body->data + start, cuts[i] - start);
        start = cuts[i];
    }
    ez_merkle_root(&header.merkle_root, ids, count);
    return header;
}

Test(block, a_broken_entry_condemns_the_block_only_under_its_own_header)
{
    ez_tx broken = sample_note();
    ez_buffer body = {0};
    ez_buffer again = {0};
    size_t cuts[3];
    uint32_t bad;

    broken.fee = 1;
    sample_add(&body, sample_transfer());
    cuts[0] = body.size;
    sample_add(&body, broken);
    cuts[1] = body.size;
    sample_add(&body, sample_reward());
    cuts[2] = body.size;
    ez_buffer_add(&again, body.data, body.size);
    ez_header own = header_over(&body, cuts, 3);
    ez_header foreign = own;
    foreign.merkle_root.bytes[0] ^= 1;
    cr_expect_eq(parse_under(&own, &body, &bad), EZ_RULE_BODY_TX);
    cr_expect_eq(bad, 1);
    cr_expect_eq(parse_under(&foreign, &again, &bad), EZ_RULE_BODY_MERKLE);
}

Test(block, a_repeat_is_found_wherever_it_stands)
{
    enum { COUNT = 40 };
    ez_buffer notes = {0};
    uint32_t bad;

    sample_add_notes(&notes, COUNT, 0);
    size_t size = notes.size / COUNT;
    for (size_t from = 0; from < COUNT; from += 13) {
        for (size_t to = from + 1; to <= COUNT; to += 13) {
            ez_buffer body = {0};
            ez_buffer_add(&body, notes.data, to * size);
            ez_buffer_add(&body, notes.data + from * size, size);
            ez_buffer_add(&body, notes.data + to * size, (COUNT - to) * size);
            sample_add(&body, sample_reward());
            cr_expect_eq(parse(&body, &bad), EZ_RULE_BODY_REPEAT);
            cr_expect_eq(bad, to);
        }
    }
    ez_buffer_clear(&notes);
}

Test(block, the_first_of_several_repeats_is_named)
{
    ez_buffer body = {0};
    uint32_t bad;

    sample_add_notes(&body, 3, 0);
    sample_add_notes(&body, 3, 0);
    sample_add(&body, sample_reward());
    cr_expect_eq(parse(&body, &bad), EZ_RULE_BODY_REPEAT);
    cr_expect_eq(bad, 3);
}

Test(block, one_reward_and_at_the_end)
{
    ez_tx second = sample_reward();
    ez_buffer body = {0};
    uint32_t bad;

    sample_add_notes(&body, 2, 0);
    cr_expect_eq(parse(&body, &bad), EZ_RULE_BODY_REWARD);
    cr_expect_eq(bad, 1); /* the last one ought to be a reward */

    sample_add_notes(&body, 1, 0);
    sample_add(&body, sample_reward());
    sample_add_notes(&body, 1, 1);
    cr_expect_eq(parse(&body, &bad), EZ_RULE_BODY_REWARD);
    cr_expect_eq(bad, 1);

    second.amount = 2;
    sample_add(&body, second);
    sample_add(&body, sample_reward());
    cr_expect_eq(parse(&body, &bad), EZ_RULE_BODY_REWARD);
    cr_expect_eq(bad, 0);
}

static ez_rule parse_reward(ez_tx reward)
{
    ez_buffer body = {0};
    uint32_t bad;

    sample_add_notes(&body, 1, 0);
    sample_add(&body, reward);
    ez_rule rule = parse(&body, &bad);
    cr_expect(rule == EZ_RULE_OK || bad == 1);
    return rule;
}

Test(block, a_reward_has_one_form)
{
    ez_tx reward = sample_reward();

    cr_expect_eq(parse_reward(reward), EZ_RULE_OK);
    reward.sequence = 1;
    cr_expect_eq(parse_reward(reward), EZ_RULE_BODY_REWARD_FORM);
    reward.sequence = 3;
    cr_expect_eq(parse_reward(reward), EZ_RULE_BODY_REWARD_FORM);
    reward = sample_reward();
    reward.fee = 1;
    cr_expect_eq(parse_reward(reward), EZ_RULE_BODY_REWARD_FORM);
    reward = sample_reward();
    reward.memo_size = 1;
    reward.memo[0] = 'm';
    cr_expect_eq(parse_reward(reward), EZ_RULE_BODY_REWARD_FORM);
    reward = sample_reward();
    reward.recipient = sample_label("miner");
    cr_expect_eq(parse_reward(reward), EZ_RULE_BODY_REWARD_FORM);
    reward = sample_reward();
    reward.amount = 1000; /* what it may be is the ledger's to say */
    cr_expect_eq(parse_reward(reward), EZ_RULE_OK);
}

Test(block, signatures_are_checked_in_the_range_asked_for)
{
    ez_network network = sample_network();
    ez_buffer body = {0};
    uint32_t bad = 99;

    sample_add(&body, sample_transfer());
    sample_add_notes(&body, 1, 0); /* signed with zeroes */
    sample_add(&body, sample_note());
    sample_add(&body, sample_reward());
    ez_block *block = parse_good(&network, &body);
    cr_expect_eq(ez_block_check_signatures(block, &network, NULL, 0, 1, &bad), EZ_RULE_OK);
    cr_expect_eq(ez_block_check_signatures(block, &network, NULL, 2, 2, &bad), EZ_RULE_OK);
    cr_expect_eq(ez_block_check_signatures(block, &network, NULL, 4, 0, &bad), EZ_RULE_OK);
    cr_expect_eq(bad, 99);
    cr_expect_eq(ez_block_check_signatures(block, &network, NULL, 0, 4, &bad),
                 EZ_RULE_TX_SIGNATURE);
    cr_expect_eq(bad, 1);
    cr_expect_eq(ez_block_check_signatures(block, &network, NULL, 1, 1, NULL),
                 EZ_RULE_TX_SIGNATURE);
    ez_block_unref(block);
}

Test(block, a_block_lives_as_long_as_its_last_reference)
{
    ez_network network = sample_network();
    ez_buffer body = {0};
    ez_tx tx;

    sample_add(&body, sample_reward());
    ez_block *block = parse_good(&network, &body);
    cr_expect_eq(ez_block_ref(block), block);
    ez_block_unref(block);
    ez_block_tx_get(&tx, block, 0); /* a sanitizer would see a block that is gone */
    cr_expect_eq(tx.amount, 1);
    ez_block_unref(block);
    ez_block_unref(NULL);
}
