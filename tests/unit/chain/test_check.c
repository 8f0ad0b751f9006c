#include "ezp2p/chain/check.h"

#include "ezp2p/base/alloc.h"
#include "support_samples.h"

#include <criterion/criterion.h>
#include <string.h>

/* Run a job over one encoded entry, which is cleared; the caller frees the job. */
static ez_check_job *check_tx(const ez_network *network, ez_buffer *encoded)
{
    ez_check_job *job = ez_check_job_new(EZ_CHECK_TX, 7, network);

    job->bytes = sample_blob(encoded);
    ez_check_run(job, NULL);
    cr_expect_eq(job->id, 7);
    return job;
}

Test(check, a_good_entry_comes_back_decoded_with_its_id)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};
    ez_tx_id id;

    sample_add(&encoded, sample_transfer());
    ez_tx_id_of(&id, &network.genesis_id, encoded.data, encoded.size);
    ez_check_job *job = check_tx(&network, &encoded);
    cr_expect_eq(job->rule, EZ_RULE_OK);
    cr_expect(ez_tx_id_is_equal(&job->tx_id, &id));
    cr_assert_not_null(job->tx);
    cr_expect_eq(job->tx->amount, 7);
    ez_check_job_free(job);
}

Test(check, a_forged_entry_has_an_id_and_no_value)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};
    ez_tx_id id;

    sample_add_notes(&encoded, 1, 5);
    ez_tx_id_of(&id, &network.genesis_id, encoded.data, encoded.size);
    ez_check_job *job = check_tx(&network, &encoded);
    cr_expect_eq(job->rule, EZ_RULE_TX_SIGNATURE);
    cr_expect(ez_tx_id_is_equal(&job->tx_id, &id));
    cr_expect_null(job->tx);
    ez_check_job_free(job);
}

Test(check, a_reward_does_not_travel_alone)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};

    sample_add(&encoded, sample_reward());
    ez_check_job *job = check_tx(&network, &encoded);
    cr_expect_eq(job->rule, EZ_RULE_TX_REWARD_ALONE);
    cr_expect_null(job->tx);
    ez_check_job_free(job);
}

Test(check, bytes_behind_an_entry_are_refused)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};
    const ez_tx_id none = {{{0}}};

    sample_add(&encoded, sample_transfer());
    ez_buffer_add_u8(&encoded, 0);
    ez_check_job *job = check_tx(&network, &encoded);
    cr_expect_eq(job->rule, EZ_RULE_TX_MALFORMED);
    cr_expect(ez_tx_id_is_equal(&job->tx_id, &none));
    ez_check_job_free(job);
}

Test(check, a_rule_broken_alone_is_named)
{
    ez_network network = sample_network();
    ez_tx tx = sample_note();
    ez_buffer encoded = {0};

    tx.sequence = 1;
    sample_add(&encoded, tx);
    ez_check_job *job = check_tx(&network, &encoded);
    cr_expect_eq(job->rule, EZ_RULE_TX_LABEL_SEQUENCE);
    ez_check_job_free(job);
}

static ez_check_job *body_job(const ez_network *network, ez_buffer *body, bool verify)
{
    ez_check_job *job = ez_check_job_new(EZ_CHECK_BODY, 1, network);

    job->header = sample_header(body);
    job->bytes = sample_blob(body);
    job->verify = verify;
    return job;
}

Test(check, a_body_is_verified_only_when_asked)
{
    ez_network network = sample_network();
    ez_buffer body = {0};

    sample_add(&body, sample_transfer());
    sample_add_notes(&body, 1, 0); /* signed with zeroes */
    sample_add(&body, sample_reward());
    ez_buffer copy = {0};
    ez_buffer_add(&copy, body.data, body.size);

    ez_check_job *job = body_job(&network, &body, false);
    ez_check_run(job, NULL);
    cr_expect_eq(job->rule, EZ_RULE_OK);
    cr_assert_not_null(job->block);
    cr_expect_eq(job->block->tx_count, 3);
    ez_check_job_free(job);

    job = body_job(&network, &copy, true);
    ez_check_run(job, NULL);
    cr_expect_eq(job->rule, EZ_RULE_TX_SIGNATURE);
    cr_expect_eq(job->bad_position, 1);
    cr_expect_not_null(job->block, "which transaction it was can be told");
    ez_check_job_free(job);
}

Test(check, a_bad_body_yields_no_block_but_the_position)
{
    ez_network network = sample_network();
    ez_buffer body = {0};

    sample_add_notes(&body, 2, 0);
    sample_add_notes(&body, 1, 1);
    sample_add(&body, sample_reward());
    ez_check_job *job = body_job(&network, &body, true);
    ez_check_run(job, NULL);
    cr_expect_eq(job->rule, EZ_RULE_BODY_REPEAT);
    cr_expect_eq(job->bad_position, 2);
    cr_expect_null(job->block);
    ez_check_job_free(job);
}

/* A job that is told the index of all but the last of `known_of`'s transactions. */
static ez_check_job *known_job(const ez_network *network, const ez_block *known_of,
                               const ez_header *header, const ez_buffer *body)
{
    ez_check_job *job = ez_check_job_new(EZ_CHECK_BODY, 1, network);

    job->header = *header;
    job->bytes = ez_blob_new(body->data, body->size);
    job->known_count = known_of->tx_count - 1;
    job->known = ez_memdup(known_of->txs, known_of->tx_count * sizeof *known_of->txs);
    ez_check_run(job, NULL);
    return job;
}

Test(check, what_is_known_of_a_body_changes_no_verdict)
{
    ez_network network = sample_network();
    ez_buffer body = {0}, copy = {0}, other = {0};

    sample_add(&body, sample_transfer());
    sample_add_notes(&body, 3, 7);
    size_t before_reward = body.size;
    sample_add(&body, sample_reward());
    ez_buffer_add(&copy, body.data, body.size);
    ez_check_job *plain = body_job(&network, &copy, false);
    ez_check_run(plain, NULL);
    cr_assert_eq(plain->rule, EZ_RULE_OK);

    ez_check_job *job = known_job(&network, plain->block, &plain->header, &body);
    cr_assert_eq(job->rule, EZ_RULE_OK);
    cr_assert_eq(job->block->tx_count, plain->block->tx_count);
    cr_expect_arr_eq(job->block->txs, plain->block->txs,
                     plain->block->tx_count * sizeof *plain->block->txs);
    cr_expect_eq(job->block->fresh_count, 0, "known, but not that the chain has none of them");
    ez_check_job_free(job);

    ez_buffer_add(&other, body.data, body.size);
    ez_buffer_add(&other, "x", 1);
    job = known_job(&network, plain->block, &plain->header, &other);
    cr_expect_eq(job->rule, EZ_RULE_BODY_MERKLE, "something stands behind the reward");
    ez_check_job_free(job);

    other.size = before_reward;
    job = known_job(&network, plain->block, &plain->header, &other);
    cr_expect_eq(job->rule, EZ_RULE_BODY_MERKLE, "no reward at all");
    ez_check_job_free(job);

    other.size = body.size;
    other.data[body.size - 1] ^= 1;
    job = known_job(&network, plain->block, &plain->header, &other);
    cr_expect_eq(job->rule, EZ_RULE_BODY_MERKLE, "another reward");
    ez_check_job_free(job);

    ez_header header = plain->header;
    header.merkle_root.bytes[0] ^= 1;
    job = known_job(&network, plain->block, &header, &body);
    cr_expect_eq(job->rule, EZ_RULE_BODY_MERKLE);
    ez_check_job_free(job);

    ez_check_job_free(plain);
    ez_buffer_clear(&body);
    ez_buffer_clear(&other);
}

Test(check, a_block_remembers_how_much_of_it_is_fresh)
{
    ez_network network = sample_network();
    ez_buffer body = {0};

    sample_add_notes(&body, 3, 7);
    sample_add(&body, sample_reward());
    ez_check_job *plain = body_job(&network, &body, false);
    ez_check_run(plain, NULL);
    cr_assert_eq(plain->rule, EZ_RULE_OK);
    cr_expect_eq(plain->block->fresh_count, 0);

    ez_check_job *job = ez_check_job_new(EZ_CHECK_BODY, 1, &network);
    job->header = plain->header;
    job->bytes = ez_blob_ref(plain->bytes);
    job->known_count = 3;
    job->known = ez_memdup(plain->block->txs, 3 * sizeof *plain->block->txs);
    job->known_fresh = true;
    ez_check_run(job, NULL);
    cr_assert_eq(job->rule, EZ_RULE_OK);
    cr_expect_eq(job->block->fresh_count, 3, "not the reward");
    ez_check_job_free(job);
    ez_check_job_free(plain);
}

static ez_rule check_positions(const ez_network *network, ez_block *block,
                               const uint32_t *positions, uint32_t count, uint32_t *bad)
{
    ez_check_job *job = ez_check_job_new(EZ_CHECK_SIGNATURES, 1, network);

    job->block = ez_block_ref(block);
    job->positions = ez_memdup(positions, count * sizeof *positions);
    job->position_count = count;
    cr_expect_eq(ez_check_cost(job), count);
    ez_check_run(job, NULL);
    ez_rule rule = job->rule;
    *bad = job->bad_position;
    ez_check_job_free(job);
    return rule;
}

Test(check, only_the_positions_given_are_verified)
{
    ez_network network = sample_network();
    ez_buffer body = {0};
    uint32_t bad;

    sample_add(&body, sample_transfer());
    sample_add_notes(&body, 1, 0); /* signed with zeroes */
    sample_add(&body, sample_note());
    sample_add(&body, sample_reward());
    ez_check_job *job = body_job(&network, &body, false);
    ez_check_run(job, NULL);
    cr_assert_eq(job->rule, EZ_RULE_OK);
    cr_expect_eq(check_positions(&network, job->block, (uint32_t[]){3, 0, 2}, 3, &bad), EZ_RULE_OK);
    cr_expect_eq(check_positions(&network, job->block, (uint32_t[]){2, 1}, 2, &bad),
                 EZ_RULE_TX_SIGNATURE);
    cr_expect_eq(bad, 1);
    ez_check_job_free(job);
}

/* NOTES notes and a reward; note `bad`, and one after it, are signed with zeroes. */
enum { NOTES = 50 };
static ez_check_job *notes_job(const ez_network *network, uint32_t bad)
{
    ez_buffer body = {0};

    for (uint32_t i = 0; i < NOTES; i++) {
        ez_tx note = sample_note();
        note.amount = i;
        if (i == bad || i == bad + 9) {
            sample_add_notes(&body, 1, i);
        } else {
            sample_add(&body, note);
        }
    }
    sample_add(&body, sample_reward());
    return body_job(network, &body, true);
}

/* Several batches, all but a few signatures by one key, which soon has a table: the answers are
 * those of libsodium alone. */
Test(check, a_verifier_finds_the_same_first_bad_one)
{
    ez_network network = sample_network();
    ez_verifier *verifier = ez_verifier_new((const uint8_t[EZ_VERIFIER_SEED_BYTES]){0});

    for (uint32_t i = 0; i <= 2 * NOTES + 1; i++) {
        const uint32_t bad = i / 2;
        ez_check_job *job = notes_job(&network, bad);
        ez_check_run(job, i % 2 == 0 ? verifier : NULL);
        cr_expect_eq(job->rule, bad < NOTES ? EZ_RULE_TX_SIGNATURE : EZ_RULE_OK);
        cr_expect(bad == NOTES || job->bad_position == bad);
        ez_check_job_free(job);
    }
    ez_verifier_stats stats;
    ez_verifier_get_stats(verifier, &stats);
    cr_expect(stats.tables_made == 0 || stats.by_table > NOTES * NOTES / 4);
    cr_expect_eq(stats.disputed, 0);
    ez_verifier_free(verifier);
}

/* Jobs of all kinds in one call, more than go to a verifier at once, bad ones among them. */
Test(check, many_jobs_come_out_as_each_alone)
{
    enum { JOBS = 40 };
    ez_network network = sample_network();
    ez_verifier *verifier = ez_verifier_new((const uint8_t[EZ_VERIFIER_SEED_BYTES]){0});
    ez_check_job *jobs[JOBS];

    for (uint32_t i = 0; i < JOBS; i++) {
        ez_buffer encoded = {0};
        ez_tx note = sample_note();
        note.amount = i;
        if (i % 13 == 5) {
            jobs[i] = notes_job(&network, i);
            continue;
        }
        jobs[i] = ez_check_job_new(EZ_CHECK_TX, i, &network);
        if (i % 7 == 3) {
            sample_add_notes(&encoded, 1, i); /* signed with zeroes */
        } else {
            sample_add(&encoded, i % 7 == 4 ? sample_reward() : note);
        }
        jobs[i]->bytes = sample_blob(&encoded);
    }
    ez_check_run_all(jobs, JOBS, verifier);
    for (uint32_t i = 0; i < JOBS; i++) {
        const ez_rule want = i % 13 == 5 || i % 7 == 3 ? EZ_RULE_TX_SIGNATURE
                             : i % 7 == 4              ? EZ_RULE_TX_REWARD_ALONE
                                                       : EZ_RULE_OK;
        cr_expect_eq(jobs[i]->rule, want, "job %u", i);
        cr_expect_eq(jobs[i]->tx != NULL, want == EZ_RULE_OK && i % 13 != 5);
        cr_expect(jobs[i]->tx == NULL || jobs[i]->tx->amount == i);
        ez_check_job_free(jobs[i]);
    }
    ez_check_run_all(jobs, 0, verifier);
    ez_verifier_free(verifier);
}

Test(check, cost_grows_with_the_work)
{
    ez_network network = sample_network();
    ez_buffer body = {0};
    ez_buffer copy = {0};
    ez_buffer encoded = {0};

    sample_add_notes(&body, 1000, 0);
    sample_add(&body, sample_reward());
    ez_buffer_add(&copy, body.data, body.size);
    ez_check_job *plain = body_job(&network, &body, false);
    ez_check_job *verifying = body_job(&network, &copy, true);
    sample_add_notes(&encoded, 1, 0);
    ez_check_job *tx = check_tx(&network, &encoded);
    cr_expect_eq(ez_check_cost(tx), 1);
    cr_expect_gt(ez_check_cost(plain), 10);
    cr_expect_lt(ez_check_cost(plain), 200);
    cr_expect_gt(ez_check_cost(verifying), 500);
    cr_expect_lt(ez_check_cost(verifying), 2000);
    ez_check_job_free(plain);
    ez_check_job_free(verifying);
    ez_check_job_free(tx);
}

Test(check, a_job_that_never_ran_is_freed_with_what_it_holds)
{
    ez_network network = sample_network();
    ez_check_job *job = ez_check_job_new(EZ_CHECK_SIGNATURES, 1, &network);

    job->bytes = ez_blob_new("x", 1);
    job->positions = ez_alloc(4, sizeof *job->positions);
    ez_check_job_free(job); /* a leak checker would see what is left */
    ez_check_job_free(NULL);
}
