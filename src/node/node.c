/* The door: events in, effects out, the deadline. */
#include "ezp2p/node/core.h"

#include "node_internal.h"

#include <stdlib.h>

/* ---- life --------------------------------------------------------------------------------------
 */

static void source_get_account(void *self, ez_account *out, const ez_public_key *key)
{
    const ez_node *node = self;
    node->store->get_account(node->store->self, out, key);
}

/* The pool holds nothing that is in the stored chain: what it took in was looked up then, and what
 * a block takes leaves it before the block is stored. */
static bool source_has_tx(void *self, const ez_tx_id *id)
{
    const ez_node *node = self;
    return ez_pool_find(node->pool, id) == NULL &&
           node->store->find_tx(node->store->self, NULL, id);
}

/* Its generator is one of its own, so that what a strategy draws changes nothing else. */
static void new_relay(ez_node *node, const ez_node_config *config)
{
    static const uint8_t label[16] = "relay";
    uint8_t seed[16];
    ez_rng rng;
    for (size_t i = 0; i < sizeof(seed); i++) {
        seed[i] = config->seed[i] ^ label[i];
    }
    ez_rng_init(&rng, seed);
    node->relay = ez_relay_new(config->relay == NULL ? ez_relay_default() : config->relay,
                               &config->key, &rng);
}

static void take_config(ez_node *node, const ez_node_config *config)
{
    node->network = config->network;
    node->key = config->key;
    node->listen_port = config->listen_port;
    node->outbound_max = config->outbound_max;
    node->inbound_max = config->inbound_max;
    node->mine_always = config->mine;
    node->user_agent = ez_strdup(config->user_agent);
    EZ_ASSERT(strlen(node->user_agent) <= EZ_USER_AGENT_BYTES_MAX);
    ez_rng_init(&node->rng, config->seed);
    node->table_key = ez_rng_key(&node->rng);
    node->mark = ez_known_mark(&node->table_key, &node->marked.hash);
    new_relay(node, config);
}

ez_status ez_node_new(ez_node **out, const ez_node_config *config, const ez_node_ports *ports,
                      ez_now now)
{
    *out = NULL;
    ez_node *node = ez_alloc(1, sizeof(*node));
    node->now = now;
    node->wake = now.mono;
    node->book_saved = now.mono;
    node->feeler_due = now.mono + EZ_FEELER_MS;
    node->dial_dirty = true;
    node->store = ports->store;
    node->log = ports->log;
    node->signer = ports->signer;
    node->source = (ez_chain_source){node, source_get_account, source_has_tx};
    node->body_bytes_mean = 1024;
    take_config(node, config);
    parked_init(&node->parked, node->table_key, EZ_PARKED_COUNT_MAX, EZ_PARKED_BYTES_MAX);
    node->tree = ez_tree_new(&node->network, ez_rng_key(&node->rng));
    node->tip = ez_tree_genesis(node->tree);
    node->ledger = ez_ledger_new(&node->source, ez_rng_key(&node->rng));
    node->pool = ez_pool_new(node->ledger, ez_rng_key(&node->rng), node_tx_left_pool, node);
    node->book = ez_book_new(ez_rng_key(&node->rng));
    node->dialer = ez_dialer_new();
    node->want = ez_want_new(ez_rng_key(&node->rng));
    node->seen = ez_seen_new(node->table_key);
    node->short_key = ez_short_id_key(ez_node_key(node)->bytes);
    node->hints_due = EZ_TIME_NEVER;
    node->fetch = ez_fetch_new();
    ez_status status = node_load(node);
    if (status != EZ_OK) {
        ez_node_free(node);
        return status;
    }
    for (size_t i = 0; i < config->peer_count; i++) {
        ez_dialer_add(node->dialer, config->peers[i].host, config->peers[i].port);
    }
    node_flush_write(node);
    *out = node;
    return EZ_OK;
}

void ez_node_free(ez_node *node)
{
    if (node == NULL) {
        return;
    }
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        peer->closing = node->has_closing = true;
    }
    node_sweep(node);
    node_job *job, *next;
    HASH_ITER (hh, node->jobs, job, next) {
        ez_check_job_free(job->done);
        node_drop_job(node, job);
    }
    node_clear_effects(node);
    node_clear_requests(node);
    node_clear_waiting(node);
    node_clear_partials(node);
    node_clear_held(node);
    parked_clear(&node->parked);
    node_recent_clear(node);
    ez_fetch_free(node->fetch);
    ez_want_free(node->want);
    ez_relay_free(node->relay);
    ez_dialer_free(node->dialer);
    ez_book_free(node->book);
    ez_pool_free(node->pool);
    ez_ledger_free(node->ledger);
    ez_tree_free(node->tree);
    ez_seen_free(node->seen);
    ez_blob_unref(node->template_body);
    free(node->template_txs.txs);
    free(node->tx_order);
    free(node->discouraged);
    free(node->user_agent);
    free(node);
}

/* ---- check jobs --------------------------------------------------------------------------------
 */

node_job *node_new_job(ez_node *node, job_source source, ez_check_job **job, ez_check_kind kind)
{
    node_job *item = ez_alloc(1, sizeof(*item));
    item->id = ++node->last_job;
    item->source = source;
    HASH_ADD(hh, node->jobs, id, sizeof(item->id), item);
    *job = ez_check_job_new(kind, item->id, &node->network);
    return item;
}

/* Of a body that a job holds on to. */
static size_t body_bytes_of(const ez_check_job *job)
{
    switch (job->kind) {
    case EZ_CHECK_TX:
        return 0; /* their number is bounded */
    case EZ_CHECK_BODY:
        return ez_blob_size(job->bytes);
    case EZ_CHECK_SIGNATURES:
        return ez_blob_size(job->block->body);
    }
    return 0;
}

void node_submit_job(ez_node *node, ez_check_job *job)
{
    node->checking_bytes += body_bytes_of(job);
    node_push(node, EZ_EFFECT_CHECK)->effect.as.job = job;
}

void node_drop_job(ez_node *node, node_job *job)
{
    HASH_DEL(node->jobs, job);
    ez_blob_unref(job->bytes);
    free(job);
}

static void job_done(ez_node *node, ez_check_job *done)
{
    node_job *job = NULL;
    HASH_FIND(hh, node->jobs, &done->id, sizeof(done->id), job);
    EZ_ASSERT(job != NULL);
    node->checking_bytes -= body_bytes_of(done);
    switch (job->source) {
    case JOB_TX_PEER:
    case JOB_TX_CLIENT:
        node_tx_checked(node, job, done); /* keeps both until their turn */
        return;
    case JOB_BODY_FETCHED:
    case JOB_BODY_PARTS:
    case JOB_BODY_REBUILT:
        node_body_checked(node, job, done);
        break;
    case JOB_BODY_OWN:
        node_own_block_checked(node, done);
        break;
    }
    ez_check_job_free(done);
    node_drop_job(node, job);
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void ping_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    ez_message pong = {.type = EZ_MSG_PONG};
    pong.as.ping.nonce = message->as.ping.nonce;
    node_send(node, peer, &pong, NULL, NULL);
}

static void message_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    if (node_shake(node, peer, message)) {
        return;
    }
    switch (message->type) {
    case EZ_MSG_HELLO:
    case EZ_MSG_READY:
        break; /* node_shake took them */
    case EZ_MSG_GOODBYE:
        node_goodbye_received(node, peer, message->as.goodbye.reason);
        break;
    case EZ_MSG_PING:
        ping_received(node, peer, message);
        break;
    case EZ_MSG_PONG:
        node_pong_received(node, peer, message->as.ping.nonce);
        break;
    case EZ_MSG_GET_ADDRESSES:
        node_addresses_wanted(node, peer);
        break;
    case EZ_MSG_ADDRESSES:
        node_addresses_received(node, peer, message);
        break;
    case EZ_MSG_ANNOUNCE_TXS:
        node_txs_announced(node, peer, message);
        break;
    case EZ_MSG_GET_TXS:
        node_txs_wanted(node, peer, message);
        break;
    case EZ_MSG_TXS:
        node_txs_received(node, peer, message);
        break;
    case EZ_MSG_MISSING_TXS:
        node_txs_missing(node, peer, message);
        break;
    case EZ_MSG_GET_HEADERS:
        node_headers_wanted(node, peer, message);
        break;
    case EZ_MSG_HEADERS:
        node_headers_received(node, peer, message);
        break;
    case EZ_MSG_ANNOUNCE_BLOCK:
        node_block_announced(node, peer, message);
        break;
    case EZ_MSG_GET_BODIES:
        node_bodies_wanted(node, peer, message);
        break;
    case EZ_MSG_BODY:
        node_body_received(node, peer, message);
        break;
    case EZ_MSG_MISSING_BODIES:
        node_bodies_missing(node, peer, message);
        break;
    case EZ_MSG_GET_PARTS:
        node_parts_wanted(node, peer, message);
        break;
    case EZ_MSG_PARTS:
        node_parts_received(node, peer, message);
        break;
    case EZ_MSG_HINT_TXS:
        node_hints_received(node, peer, message);
        break;
    case EZ_MSG_GRAFT_TXS:
        node_grafts_wanted(node, peer, message);
        break;
    case EZ_MSG_PRUNE:
        ez_relay_pruned(node->relay, peer->link, message->as.tree.number);
        break;
    case EZ_MSG_GROW:
        node_grow_received(node, peer, message);
        break;
    }
}

static void link_message(ez_node *node, const ez_event *event)
{
    ez_peer *peer = node_peer(node, event->link);
    if (peer == NULL) {
        return; /* closed in the meantime */
    }
    const ez_message *message = event->as.message.message;
    peer->last_received = node->now.mono;
    node->counters.messages_in[message->type]++;
    node->counters.message_bytes_in += event->as.message.wire_bytes;
    message_received(node, peer, message);
}

static const char *fault_text(ez_goodbye fault)
{
    return fault == EZ_GOODBYE_TIMEOUT         ? "a frame took too long to arrive"
           : fault == EZ_GOODBYE_SLOW_READER   ? "what we sent was not read"
           : fault == EZ_GOODBYE_FRAME_SIZE    ? "a frame of length zero or over the limit"
           : fault == EZ_GOODBYE_MESSAGE_LIMIT ? "a count or size in a message is over its limit"
                                               : "the frame is no valid message";
}

static void link_fault(ez_node *node, const ez_event *event)
{
    ez_peer *peer = node_peer(node, event->link);
    if (peer != NULL) {
        node_close_peer(node, peer, event->as.fault, fault_text(event->as.fault));
    }
}

/* Returns whether anything may follow from it: on most links nothing waited for the room. */
static bool link_drained(ez_node *node, const ez_event *event)
{
    ez_peer *peer = node_peer(node, event->link);
    if (peer == NULL) {
        return false;
    }
    bool was_full = peer->queued >= EZ_OUTPUT_BYTES_MAX / 2;
    peer->queued = 0;
    if (was_full) {
        node_serve(node, peer);
        node->pool_grew = true; /* announcements may have waited */
    }
    return was_full;
}

/* ---- the door ----------------------------------------------------------------------------------
 */

/* Returns whether anything may follow from the event. */
static bool dispatch(ez_node *node, const ez_event *event)
{
    switch (event->type) {
    case EZ_EVENT_TICK:
        break; /* timers are looked at after every event that comes late enough */
    case EZ_EVENT_LINK_UP:
        node_link_up(node, event);
        break;
    case EZ_EVENT_LINK_DOWN:
        node_link_down(node, event->link);
        break;
    case EZ_EVENT_DIAL_FAILED:
        node_dial_failed(node, event->as.dial_failed.dial);
        break;
    case EZ_EVENT_MESSAGE:
        link_message(node, event);
        break;
    case EZ_EVENT_LINK_FAULT:
        link_fault(node, event);
        break;
    case EZ_EVENT_LINK_DRAINED:
        return link_drained(node, event);
    case EZ_EVENT_CHECKED:
        job_done(node, event->as.job);
        break;
    case EZ_EVENT_STORED:
        node_stored(node, event->as.stored);
        node_connect_waiting(node); /* it may have paused for the disk */
        break;
    case EZ_EVENT_PROOF_FOUND:
        node_proof_found(node, event->as.proof_found.generation, event->as.proof_found.proof);
        break;
    case EZ_EVENT_COMMAND:
        node_command(node, &event->as.command);
        break;
    }
    return true;
}

/* Everything that is due by the clock; each part says when it is due again. */
static void run_timers(ez_node *node)
{
    node->wake = EZ_TIME_NEVER;
    node_check_links(node);
    node->counters.requests_expired += ez_want_expire(node->want, node->now.mono);
    node_check_stalls(node);
    node_announce_again(node);
    node_send_hints(node);
    node_save_book(node, false);
}

/* What follows from the event, whatever it was. */
static void follow_up(ez_node *node)
{
    if (node->plan_dirty) {
        node_plan(node);
    }
    node_sync_headers(node);
    node_connect_waiting(node);
    node_announce_tip(node);
    node_ask_bodies(node);
    node_ask_txs(node);
    node_announce_txs(node);
    node_dial_some(node);
    node_update_mining(node);
    node_check_resolves(node);
    node_flush_write(node);
    node_sweep(node);
}

void ez_node_handle(ez_node *node, const ez_event *event, ez_now now)
{
    node->now = now;
    const bool follows = dispatch(node, event);
    if (now.mono >= node->wake) {
        run_timers(node);
    } else if (!follows) {
        return;
    }
    follow_up(node);
}

ez_time_ms ez_node_deadline(const ez_node *node)
{
    return node->wake;
}

static void core_handle(void *self, const ez_event *event, ez_now now)
{
    ez_node_handle(self, event, now);
}

static bool core_next_effect(void *self, ez_effect *out)
{
    return ez_node_next_effect(self, out);
}

static ez_time_ms core_deadline(const void *self)
{
    return ez_node_deadline(self);
}

ez_core ez_node_core(ez_node *node)
{
    return (ez_core){node, core_handle, core_next_effect, core_deadline};
}
