/* Templates and found proofs. The miner gets a header by value; the body it commits to stays here
 * under the same generation number. A template follows the tip at once and the pool at most once a
 * second, and is made only while somebody mines: a client that asked for one block, or --mine.
 */
#include "node_internal.h"

#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <stdlib.h>
#include <utlist.h>

#define VAIN_PAUSE_MS       1000
#define TEMPLATE_REFRESH_MS 1000

static void make_reward(const ez_node *node, uint64_t index, uint64_t fees, uint64_t timestamp,
                        ez_tx *out)
{
    *out = (ez_tx){0};
    out->sender.kind = EZ_PARTY_REWARD;
    out->recipient.kind = EZ_PARTY_ADDRESS;
    out->recipient.key = node->key;
    out->amount = node->network.reward + fees;
    out->sequence = index;
    out->timestamp = timestamp;
}

/* Room that the reward needs in a body. */
static size_t reward_bytes(const ez_node *node)
{
    ez_tx reward;
    ez_buffer bytes = {0};
    make_reward(node, 0, 0, 0, &reward);
    ez_tx_encode(&bytes, &reward);
    size_t size = bytes.size;
    ez_buffer_clear(&bytes);
    return size;
}

static ez_header next_header(const ez_node *node)
{
    uint64_t earliest = ez_entry_median_time(node->tip) + 1;
    return (ez_header){
        .version = 1,
        .index = ez_entry_height(node->tip) + 1,
        .previous = *ez_entry_id(node->tip),
        .timestamp = node->now.wall > earliest ? node->now.wall : earliest,
        .bits = ez_tree_next_bits(node->tree, node->tip),
    };
}

/* What goes into a block: the best of the pool that peers may know of, as far as one reward can
 * collect the fees: nothing that is taken builds on what comes behind it. */
static size_t select_entries(const ez_node *node, const ez_pool_entry **out, size_t max,
                             uint64_t *fees)
{
    size_t bytes_max = node->network.body_bytes_max - reward_bytes(node);
    size_t count = ez_pool_select(node->pool, out, max, bytes_max, node_held_from(node));
    *fees = 0;
    for (size_t i = 0; i < count; i++) {
        if (out[i]->fee > EZ_AMOUNT_MAX - node->network.reward - *fees) {
            return i;
        }
        *fees += out[i]->fee;
    }
    return count;
}

/* Fill the template's body from the pool, and its header. */
static void make_template(ez_node *node)
{
    ez_header header = next_header(node);
    size_t max = ez_pool_count(node->pool);
    const ez_pool_entry **entries = ez_alloc(max + 1, sizeof(const ez_pool_entry *));
    uint64_t fees;
    size_t count = select_entries(node, entries, max, &fees);
    ez_tx_id *ids = ez_alloc(count + 1, sizeof(*ids));
    ez_block_tx *txs = ez_alloc(count + 1, sizeof(*txs));
    ez_buffer body = {0};
    for (size_t i = 0; i < count; i++) {
        ids[i] = entries[i]->id;
        txs[i].id = entries[i]->id;
        txs[i].offset = (uint32_t)body.size;
        txs[i].size = (uint32_t)ez_blob_size(entries[i]->bytes);
        ez_buffer_add(&body, ez_blob_data(entries[i]->bytes), ez_blob_size(entries[i]->bytes));
    }
    ez_tx reward;
    make_reward(node, header.index, fees, header.timestamp, &reward);
    size_t at = body.size;
    ez_tx_encode(&body, &reward);
    ez_tx_id_of(&ids[count], &node->network.genesis_id, body.data + at, body.size - at);
    txs[count] = (ez_block_tx){ids[count], (uint32_t)at, (uint32_t)(body.size - at)};
    ez_merkle_root(&header.merkle_root, ids, count + 1);
    ez_blob_unref(node->template_body);
    node->template_body = ez_blob_new(body.data, body.size);
    free(node->template_txs.txs);
    node->template_txs = (node_known_txs){.txs = txs, .count = (uint32_t)count, .fresh = true};
    node->template_header = header;
    node->template_made = node->now.mono;
    ez_buffer_clear(&body);
    free(ids);
    free(entries);
}

static void start(ez_node *node, bool paced)
{
    make_template(node);
    node->template_on = true;
    node->template_paced = paced;
    node->template_stale = false;
    node_effect *item = node_push(node, EZ_EFFECT_MINE);
    item->effect.as.mine.generation = ++node->generation;
    item->effect.as.mine.header = node->template_header;
    item->effect.as.mine.paced = paced;
}

static void stop(ez_node *node)
{
    if (node->template_on) {
        node->template_on = false;
        node_push(node, EZ_EFFECT_MINE_STOP);
    }
}

/* The newest arrival in the pool, to see whether it grew since the template was made. */
static bool pool_moved(ez_node *node)
{
    const ez_pool_entry *entry = ez_pool_after(node->pool, node->template_pool_arrival);
    return entry != NULL && entry->arrival < node_held_from(node);
}

static void note_pool(ez_node *node)
{
    const ez_pool_entry *entry = ez_pool_after(node->pool, node->template_pool_arrival);
    for (; entry != NULL && entry->arrival < node_held_from(node);
         entry = ez_pool_next(node->pool, entry)) {
        node->template_pool_arrival = entry->arrival;
    }
}

void node_update_mining(ez_node *node)
{
    bool client = node->mine_requests != NULL;
    if (node->own_pending) {
        return; /* a block of ours is about to become the tip */
    }
    bool wanted = client || (node->mine_always && !node_is_behind(node));
    if (!wanted || node->stopping) {
        stop(node);
        return;
    }
    if (node->now.mono < node->mining_pause) {
        node_wake_at(node, node->mining_pause);
        return;
    }
    bool moved = node->template_stale ||
                 !ez_block_id_is_equal(&node->template_header.previous, ez_entry_id(node->tip));
    bool due = node->now.mono >= node->template_made + TEMPLATE_REFRESH_MS;
    bool again =
        !node->template_on || moved || node->template_paced == client || (due && pool_moved(node));
    if (again) {
        start(node, !client);
        note_pool(node);
    }
    if (pool_moved(node)) {
        node_wake_at(node, node->template_made + TEMPLATE_REFRESH_MS);
    }
}

/* Tell of our own block before it is checked and connected, as we pass on those of others. */
static void tell_of_template(ez_node *node, const ez_entry *entry)
{
    const node_known_txs *known = &node->template_txs;
    const ez_block_tx *last = &known->txs[known->count]; /* the reward */
    ez_byte_span reward = {ez_blob_data(node->template_body) + last->offset, last->size};
    node_announce_block(node, entry, known->txs, known->count, reward);
}

static void mined_in_vain(ez_node *node, ez_rule rule)
{
    NODE_LOG(node, EZ_LOG_WARN, "mined_in_vain", EZ_LOG_TEXT("rule", ez_rule_code(rule)));
    if (rule != EZ_RULE_HEADER_TIME_FUTURE) {
        return; /* another template may do better */
    }
    /* Our clock is hours behind the chain's, or was set back: what we mine is of the future, by our
     * own rule. Whoever waits is told, and the next try has time. */
    node->mining_pause = node->now.mono + VAIN_PAUSE_MS;
    node_request *request, *next;
    DL_FOREACH_SAFE (node->mine_requests, request, next) {
        DL_DELETE(node->mine_requests, request);
        node_reply_now(node, &(ez_reply){.request = request->request,
                                         .command = EZ_COMMAND_MINE_ONE,
                                         .status = EZ_ERR_LIMIT});
        free(request);
    }
}

void node_proof_found(ez_node *node, uint64_t generation, uint64_t proof)
{
    if (!node->template_on || generation != node->generation) {
        return; /* for a template that was replaced meanwhile */
    }
    node->template_on = false; /* the miner idles until it is given the next one */
    ez_header header = node->template_header;
    header.proof = proof;
    ez_entry *entry = NULL;
    ez_rule rule = ez_tree_add_header(node->tree, &entry, &header, node->now.wall);
    if (rule != EZ_RULE_OK) {
        mined_in_vain(node, rule);
        return;
    }
    node->generation++; /* a second proof for this template is of no use */
    node->own_pending = true;
    node->own_id = *ez_entry_id(entry);
    tell_of_template(node, entry);
    node_known_txs known = node->template_txs;
    known.txs = ez_memdup(known.txs, (known.count + 1) * sizeof(*known.txs));
    node_check_body(node, entry, node->template_body, known, JOB_BODY_OWN, (ez_link_id){0});
}

static void answer_mine_request(ez_node *node, const ez_block_id *block)
{
    node_request *request = node->mine_requests;
    if (request == NULL) {
        return;
    }
    DL_DELETE(node->mine_requests, request);
    ez_reply reply = {.request = request->request, .command = EZ_COMMAND_MINE_ONE, .block = *block};
    node_reply_later(node, &reply);
    free(request);
}

void node_own_block_checked(ez_node *node, ez_check_job *done)
{
    EZ_ASSERT(done->rule == EZ_RULE_OK);
    node->own_pending = false;
    ez_entry *entry = ez_tree_find(node->tree, &done->block->id);
    if (entry == NULL || ez_entry_state_of(ez_entry_parent(entry)) == EZ_ENTRY_HEADER) {
        node_serve_waiters(node, &done->block->id);
        return;
    }
    node_accept_block(node, entry, done->block, true);
    node_serve_waiters(node, &done->block->id); /* with it, or with a refusal */
    if (ez_entry_ancestor(node->tip, ez_entry_height(entry)) == entry) {
        node->counters.blocks_mined++;
        answer_mine_request(node, &done->block->id);
    }
}
