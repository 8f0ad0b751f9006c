/* Transactions: pushed to us, or announced and fetched from one announcer at a time; checked,
 * pooled, handed to the relay strategy, and announced to whom it left out.
 *
 * Every peer has a cursor into the pool's order of arrival: what lies behind it has been announced
 * to that peer or was announced by it. A new peer's cursor is at zero, so it learns the pool; what
 * comes back from a lost block arrives anew and is announced anew. So a transaction is announced
 * until it is in a block, without a queue per peer.
 * Once a minute the cursor goes back: a peer that could not take a transaction in when it was
 * announced hears of it again, unless it is so young that its relaying may not be over.
 */
#include "node_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Checks of transactions under way, of one peer and in all; what comes on top is dropped. */
#define TX_JOBS_PEER_MAX 2000
#define TX_JOBS_MAX      20000

#define ANNOUNCE_AGAIN_MS 60000
#define ASK_ROOM_MIN      100
static_assert(EZ_TXS_IN_FLIGHT_PEER <= EZ_IDS_MAX && EZ_TXS_IN_FLIGHT_PEER <= TX_JOBS_PEER_MAX,
              "what was asked for at once fits a message, and is checked");

/* A pool is announced in steps, the next once the peer has asked for all of the last: what it was
 * told of and does not have yet must fit EZ_ANNOUNCED_PEER, or it would learn the rest a minute
 * later. Who asks for nothing, because it has most of them, is told after a pause; who has asked
 * lately but is busy, after a long one. */
#define ANNOUNCE_STEP          500
#define ANNOUNCE_PAUSE_MS      200
#define ANNOUNCE_PAUSE_BUSY_MS 2000
static_assert(ANNOUNCE_STEP + EZ_TXS_IN_FLIGHT_PEER <= EZ_ANNOUNCED_PEER,
              "not asked for, asked for");
static_assert(ANNOUNCE_STEP <= EZ_IDS_MAX, "in one message");

/* ---- the order of checks --------------------------------------------------------------------- */

static void order_push(ez_node *node, uint64_t job)
{
    if (node->tx_order_count == node->tx_order_capacity) {
        size_t capacity = node->tx_order_capacity == 0 ? 64 : node->tx_order_capacity * 2;
        uint64_t *ring = ez_alloc(capacity, sizeof(*ring));
        for (size_t i = 0; i < node->tx_order_count; i++) {
            ring[i] = node->tx_order[(node->tx_order_at + i) % node->tx_order_capacity];
        }
        free(node->tx_order);
        node->tx_order = ring;
        node->tx_order_at = 0;
        node->tx_order_capacity = capacity;
    }
    size_t at = (node->tx_order_at + node->tx_order_count) % node->tx_order_capacity;
    node->tx_order[at] = job;
    node->tx_order_count++;
}

static node_job *find_job(const ez_node *node, uint64_t id)
{
    node_job *job = NULL;
    HASH_FIND(hh, node->jobs, &id, sizeof(id), job);
    return job;
}

/* The oldest check if it is done: entries of one signer must be taken in as they were sent. */
static node_job *order_pop(ez_node *node)
{
    if (node->tx_order_count == 0) {
        return NULL;
    }
    node_job *job = find_job(node, node->tx_order[node->tx_order_at]);
    EZ_ASSERT(job != NULL);
    if (job->done == NULL) {
        return NULL;
    }
    node->tx_order_at = (node->tx_order_at + 1) % node->tx_order_capacity;
    node->tx_order_count--;
    return job;
}

static node_job *check_tx(ez_node *node, const ez_byte_span *bytes, job_source source)
{
    ez_check_job *check = NULL;
    node_job *job = node_new_job(node, source, &check, EZ_CHECK_TX);
    check->bytes = ez_blob_new(bytes->data, bytes->size);
    job->bytes = ez_blob_ref(check->bytes);
    order_push(node, job->id);
    node_submit_job(node, check);
    return job;
}

/* ---- what was seen lately -------------------------------------------------------------------- */

ez_seen_tx *node_seen(ez_node *node, const ez_tx_id *id)
{
    ez_seen_tx *seen = ez_seen_find(node->seen, ez_short_id(&node->short_key, id));
    return seen != NULL && ez_tx_id_is_equal(&seen->id, id) ? seen : NULL;
}

static ez_seen_tx *get_seen(ez_node *node, const ez_tx_id *id)
{
    ez_seen_tx *seen = node_seen(node, id);
    return seen != NULL ? seen : ez_seen_add(node->seen, id, ez_short_id(&node->short_key, id));
}

void node_note_tx(ez_node *node, const ez_tx_id *id, ez_rule rule)
{
    ez_seen_tx *seen = get_seen(node, id);
    seen->state = rule == EZ_RULE_OK                ? EZ_SEEN_TAKEN
                  : rule == EZ_RULE_TX_SEQUENCE_GAP ? EZ_SEEN_EARLY
                                                    : EZ_SEEN_REFUSED;
    seen->refused = node->now.mono;
}

/* What an account could not do it may be able to after the next block; what comes too early is kept
 * until its turn comes, unless others pushed it out. */
bool node_seen_is_here(const ez_node *node, const ez_seen_tx *seen)
{
    bool refused = seen != NULL && seen->state == EZ_SEEN_REFUSED;
    if (ez_seen_is_here(seen, node->now.mono) && !(refused && seen->refused <= node->tip_moved)) {
        return true;
    }
    return seen != NULL && seen->state == EZ_SEEN_EARLY &&
           ez_pool_has_orphan(node->pool, &seen->id);
}

/* Whether another copy of it is of no use. */
static bool is_here(ez_node *node, const ez_tx_id *id)
{
    return ez_pool_find(node->pool, id) != NULL || node_seen_is_here(node, node_seen(node, id));
}

/* ---- in -------------------------------------------------------------------------------------- */

void node_txs_announced(ez_node *node, ez_peer *peer, const ez_message *message)
{
    for (size_t i = 0; i < message->as.tx_ids.count; i++) {
        const ez_tx_id *id = &message->as.tx_ids.list[i];
        node_peer_has_tx(node, peer, id);
        if (!is_here(node, id)) {
            ez_want_announce(node->want, ez_short_id(&node->short_key, id), id, peer->link,
                             node->now.mono);
        }
    }
}

void node_txs_missing(ez_node *node, ez_peer *peer, const ez_message *message)
{
    for (size_t i = 0; i < message->as.tx_ids.count; i++) {
        const ez_tx_id *id = &message->as.tx_ids.list[i];
        ez_want_missing(node->want, ez_short_id(&node->short_key, id), peer->link);
    }
}

/* It is here, so it is not asked for any more, and whoever told of it has it. */
static void stop_wanting(ez_node *node, const ez_tx_id *id)
{
    ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX];
    const uint64_t short_id = ez_short_id(&node->short_key, id);
    const size_t count = ez_want_received(node->want, short_id, announcers);
    for (size_t i = 0; i < count; i++) {
        ez_peer *const announcer = node_peer(node, announcers[i]);
        if (announcer != NULL) {
            node_peer_has_tx(node, announcer, id);
        }
    }
}

/* Whatever the check says of the first copy, no other one is better. */
static void first_copy(ez_node *node, ez_peer *peer, const ez_tx_id *id, const ez_byte_span *bytes,
                       uint32_t tree)
{
    stop_wanting(node, id);
    ez_seen_add(node->seen, id, ez_short_id(&node->short_key, id))->tree = tree;
    check_tx(node, bytes, JOB_TX_PEER)->peer = peer->link;
    peer->tx_jobs++;
}

static void further_copy(ez_node *node, ez_peer *peer, const ez_tx_id *id, uint32_t tree)
{
    const ez_seen_tx *const seen = node_seen(node, id);
    node->counters.txs_duplicate++;
    if (tree != 0 &&
        ez_relay_repeated(node->relay, peer->link, tree, seen == NULL ? 0 : seen->tree)) {
        ez_message prune = {.type = EZ_MSG_PRUNE};
        prune.as.tree.number = tree;
        node_send(node, peer, &prune, NULL, NULL);
    }
}

void node_txs_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    for (size_t i = 0; i < message->as.txs.count; i++) {
        const ez_byte_span *bytes = &message->as.txs.list[i];
        if (bytes->size > EZ_TX_BYTES_MAX) {
            node_close_peer(node, peer, EZ_GOODBYE_TX_INVALID, ez_rule_text(EZ_RULE_TX_MALFORMED));
            return;
        }
        ez_tx_id id;
        ez_tx_id_of(&id, &node->network.genesis_id, bytes->data, bytes->size);
        node_peer_has_tx(node, peer, &id);
        node->counters.txs_received++;
        if (is_here(node, &id)) {
            further_copy(node, peer, &id, message->as.txs.tree);
        } else if (node->tx_order_count < TX_JOBS_MAX && peer->tx_jobs < TX_JOBS_PEER_MAX) {
            first_copy(node, peer, &id, bytes, message->as.txs.tree);
        } else {
            /* Pushed faster than it can be checked: as good as announced, so it is asked for later
             * and not missed for a minute. */
            ez_want_announce(node->want, ez_short_id(&node->short_key, &id), &id, peer->link,
                             node->now.mono);
        }
    }
}

void node_check_client_tx(ez_node *node, const ez_byte_span *bytes, uint64_t request)
{
    if (bytes->size > EZ_TX_BYTES_MAX || node->tx_order_count >= TX_JOBS_MAX) {
        ez_rule rule = bytes->size > EZ_TX_BYTES_MAX ? EZ_RULE_TX_MALFORMED : EZ_RULE_TX_POOL_FULL;
        node_reply_now(
            node, &(ez_reply){.request = request, .command = EZ_COMMAND_SUBMIT_TX, .rule = rule});
        return;
    }
    check_tx(node, bytes, JOB_TX_CLIENT)->request = request;
}

/* ---- taking in ---------------------------------------------------------------------------------
 */

static void keep_durable(ez_node *node, const ez_tx_id *id, ez_blob *bytes)
{
    ez_write_op *op = node_write(node, EZ_WRITE_POOL_PUT);
    op->tx_id = *id;
    op->bytes = ez_blob_ref(bytes);
}

void node_tx_is_public(ez_node *node, const ez_tx_id *id, ez_blob *bytes, bool own, ez_link_id from)
{
    node->counters.txs_accepted++;
    node->pool_grew = true;
    ez_notice *notice = &node_push(node, EZ_EFFECT_NOTIFY)->effect.as.notice;
    notice->type = EZ_NOTICE_TX;
    notice->tx = *id;
    notice->own = own;
    ez_peer *peer = node_peer(node, from);
    if (peer != NULL) {
        peer->txs_given++;
        peer->last_tx = node->now.mono;
    }
    node_relay_fresh(node, id, bytes, from);
}

/* Entries that waited for this one may have their turn now. */
void node_take_orphans(ez_node *node)
{
    ez_tx tx;
    ez_tx_id id;
    ez_blob *bytes = NULL;
    while (ez_pool_take_orphan(node->pool, &tx, &id, &bytes, node->now.mono)) {
        const ez_rule rule =
            ez_pool_add(node->pool, NULL, &tx, &id, bytes, EZ_POOL_RELAYED, node->now.mono);
        node_note_tx(node, &id, rule);
        if (rule == EZ_RULE_OK) {
            node_tx_is_public(node, &id, bytes, false, (ez_link_id){0});
        }
        ez_blob_unref(bytes);
    }
}

ez_rule node_take_tx(ez_node *node, const ez_tx *tx, const ez_tx_id *id, ez_blob *bytes,
                     bool from_client, ez_link_id peer)
{
    stop_wanting(node, id);
    const ez_pool_entry *entry = NULL;
    const ez_pool_keep keep = from_client ? EZ_POOL_PROMISED : EZ_POOL_RELAYED;
    ez_rule rule = ez_pool_add(node->pool, &entry, tx, id, bytes, keep, node->now.mono);
    const bool taken = rule == EZ_RULE_OK || rule == EZ_RULE_TX_POOL_KNOWN;
    if (taken || !from_client) { /* a client is told why; peers may know better a moment later */
        node_note_tx(node, id, taken ? EZ_RULE_OK : rule);
    }
    if (rule == EZ_RULE_TX_POOL_KNOWN && from_client) {
        ez_pool_set_keep(node->pool, id, EZ_POOL_PROMISED);
        keep_durable(node, id, bytes);
    } else if (rule == EZ_RULE_TX_POOL_KNOWN) {
        node->counters.txs_duplicate++;
    } else if (rule == EZ_RULE_OK) {
        if (from_client) {
            keep_durable(node, id, bytes);
            node_hold(node, entry);
        } else {
            node_tx_is_public(node, id, bytes, false, peer);
        }
        if (tx->sender.kind == EZ_PARTY_ADDRESS) {
            node_retry_parked(node, &tx->signer);
        }
        node_take_orphans(node);
    }
    return rule;
}

static void finish_job(ez_node *node, node_job *job)
{
    ez_check_job *done = job->done;
    ez_peer *from = node_peer(node, job->peer);
    if (from != NULL) {
        from->tx_jobs--;
    }
    bool from_client = job->source == JOB_TX_CLIENT;
    ez_rule rule = done->rule;
    if (rule == EZ_RULE_OK) {
        rule = node_take_tx(node, done->tx, &done->tx_id, job->bytes, from_client, job->peer);
    }
    if (from_client) {
        bool early = rule == EZ_RULE_TX_SEQUENCE_GAP || rule == EZ_RULE_TX_FUNDS;
        rule = early && node_may_lack_blocks(node) ? EZ_RULE_TX_SYNCING : rule;
        ez_reply reply = {.request = job->request,
                          .command = EZ_COMMAND_SUBMIT_TX,
                          .rule = rule,
                          .tx_id = done->tx_id,
                          .next_height = ez_entry_height(node->tip) + 1};
        bool kept = rule == EZ_RULE_OK || rule == EZ_RULE_TX_POOL_KNOWN;
        if (kept) {
            node_reply_later(node, &reply);
        } else {
            node_reply_now(node, &reply);
        }
    } else if (ez_rule_verdict(rule) == EZ_REJECT) {
        node_note_tx(node, &done->tx_id, rule);
        ez_peer *peer = node_peer(node, job->peer);
        if (peer != NULL) {
            node_close_peer(node, peer, EZ_GOODBYE_TX_INVALID, ez_rule_text(rule));
        }
    }
    job->done = NULL;
    ez_check_job_free(done);
    node_drop_job(node, job);
}

void node_tx_checked(ez_node *node, node_job *job, ez_check_job *done)
{
    job->done = done;
    for (node_job *next; (next = order_pop(node)) != NULL;) {
        finish_job(node, next);
    }
}

void node_tx_left_pool(void *self, const ez_pool_entry *entry, ez_rule rule)
{
    ez_node *node = self;
    const bool kept = entry->keep != EZ_POOL_RELAYED;
    if (kept && node_may_stand_later(rule)) {
        node_park(node, &entry->id, entry->bytes, &entry->signer, entry->sequence, entry->keep);
    } else if (kept) {
        node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = entry->id;
    }
    if (rule != EZ_RULE_OK) {
        node_note_tx(node, &entry->id, rule);
        NODE_LOG(node, EZ_LOG_INFO, "transaction_dropped", EZ_LOG_HASH("id", &entry->id),
                 EZ_LOG_TEXT("rule", ez_rule_code(rule)));
    }
}

/* ---- out ------------------------------------------------------------------------------------- */

/* How many more transactions a peer may be asked for. Checks under way count with what is on its
 * way: what comes faster than it can be checked is dropped, and would be missed for a minute. Not
 * one by one while the checks go on. */
static size_t room_to_ask(const ez_node *node, const ez_peer *peer)
{
    const size_t busy = ez_want_in_flight(node->want, peer->link) + peer->tx_jobs;
    const size_t room = busy < EZ_TXS_IN_FLIGHT_PEER ? EZ_TXS_IN_FLIGHT_PEER - busy : 0;
    return busy == 0 || room >= ASK_ROOM_MIN ? room : 0;
}

static void ask_peer(ez_node *node, ez_peer *peer)
{
    ez_tx_id ids[EZ_IDS_MAX];
    uint64_t short_ids[EZ_IDS_MAX];
    size_t count = 0, short_count = 0;
    const size_t room = room_to_ask(node, peer);
    ez_want_ask ask;
    while (count + short_count < room &&
           ez_want_next(node->want, &ask, peer->link, node->now.mono)) {
        if (ask.has_id) {
            ids[count++] = ask.id;
        } else {
            short_ids[short_count++] = ask.short_id;
        }
    }
    if (count > 0) {
        node_send_ids(node, peer, EZ_MSG_GET_TXS, ids, count);
    }
    if (short_count > 0) {
        node_send_grafts(node, peer, short_ids, short_count);
    }
}

void node_ask_txs(ez_node *node)
{
    if (ez_want_is_due(node->want)) {
        for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
            if (peer->ready && !peer->closing) {
                ask_peer(node, peer);
            }
        }
    }
    node_wake_at(node, ez_want_deadline(node->want));
}

/* Announce what lies behind the peer's cursor, one message at a time. */
static void announce_to(ez_node *node, ez_peer *peer)
{
    ez_tx_id ids[ANNOUNCE_STEP];
    size_t count = 0;
    const ez_pool_entry *entry = ez_pool_after(node->pool, peer->pool_cursor);
    const uint64_t end = node_held_from(node);
    for (; entry != NULL && entry->arrival < end && count < ANNOUNCE_STEP;
         entry = ez_pool_next(node->pool, entry)) {
        peer->pool_cursor = entry->arrival;
        const bool again = entry->arrival <= peer->pool_told;
        if (again && node->now.mono < entry->since + ANNOUNCE_AGAIN_MS) {
            continue;
        }
        if (ez_known_add(&peer->known, node_known_mark(node, &entry->id))) {
            ids[count++] = entry->id;
        }
    }
    if (count > 0) {
        node_send_ids(node, peer, EZ_MSG_ANNOUNCE_TXS, ids, count);
    }
    if (entry != NULL && entry->arrival < end) {
        const bool asks =
            peer->asked_last != 0 && node->now.mono < peer->asked_last + ANNOUNCE_PAUSE_BUSY_MS;
        peer->announce_open = (uint32_t)count;
        peer->announce_next = node->now.mono + (asks ? ANNOUNCE_PAUSE_BUSY_MS : ANNOUNCE_PAUSE_MS);
        node->pool_grew = true; /* there is more */
        node_wake_at(node, peer->announce_next);
    }
}

void node_announced_asked(ez_node *node, ez_peer *peer, size_t count)
{
    peer->asked_last = node->now.mono == 0 ? 1 : node->now.mono;
    peer->announce_open -= count < peer->announce_open ? (uint32_t)count : peer->announce_open;
    if (peer->announce_open == 0) {
        peer->announce_next = 0;
    }
}

void node_announce_again(ez_node *node)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (!peer->ready || peer->closing) {
            continue;
        }
        bool again = peer->announce_again != 0 && node->now.mono >= peer->announce_again;
        if (again) {
            peer->pool_told = peer->pool_cursor;
            peer->pool_cursor = 0;
            ez_known_clear(&peer->known);
            node->pool_grew = true;
        }
        if (again || peer->announce_again == 0) {
            peer->announce_again = node->now.mono + ANNOUNCE_AGAIN_MS;
        }
        node_wake_at(node, peer->announce_again);
    }
}

void node_announce_txs(ez_node *node)
{
    if (!node->pool_grew) {
        return;
    }
    node->pool_grew = false;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (!peer->ready || peer->closing || peer->queued >= EZ_OUTPUT_BYTES_MAX / 2) {
            continue;
        }
        if (node->now.mono < peer->announce_next) {
            node->pool_grew = true;
            node_wake_at(node, peer->announce_next);
        } else {
            announce_to(node, peer);
        }
    }
}
