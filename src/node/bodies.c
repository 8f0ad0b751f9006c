/* Which bodies to fetch, and what becomes of those that arrive.
 *
 * The target is the header chain with the most work that some peer has shown, when it beats the
 * tip. The fetch window runs along it, from the first body we lack. Bodies are checked as they
 * come, in any order, wait in memory (bounded) and are accepted in order of height.
 *
 * A body that does not match its header condemns who sent it; one that we put together from an
 * announcement condemns nobody, since announcements are passed on unchecked, and is asked for as a
 * whole. A body that matches and breaks a rule condemns the block, and who served it or parts of
 * it, since that is done after checking (serve.c).
 *
 * Headers are cheap beside blocks. A chain of headers whose bodies do not come must not keep us
 * from another chain, from announcing or from mining: as soon as a peer fails to deliver, it does
 * not choose the target while a peer that does can.
 */
#include "node_internal.h"

#include <stdlib.h>

#define WRITE_BYTES_MAX     (64u << 20) /* not yet durable: connecting pauses above this */
#define WRITES_MAX          5000
#define CONNECT_BYTES_MAX   (1u << 19) /* of bodies in one event, so that the loop comes round */
#define CONNECT_BLOCK_BYTES 2048       /* what a block costs beside its bytes, in bytes */
#define ASKED_BYTES_PEER    (1u << 20) /* of bodies asked of one peer at a time, but for */
#define ASKED_MIN_PEER      16         /* at least so many, however large they are */
#define STALLS_MAX          4 /* bodies in a row that a peer may fail to deliver before we let it go */

/* ---- the plan ----------------------------------------------------------------------------------
 */

static node_waiting *find_waiting(const ez_node *node, const ez_block_id *id)
{
    node_waiting *item = NULL;
    unsigned hash = (unsigned)ez_siphash(&node->table_key, id, sizeof(*id));
    HASH_FIND_BYHASHVALUE(hh, node->waiting, id, sizeof(*id), hash, item);
    return item;
}

static void drop_waiting(ez_node *node, node_waiting *item)
{
    HASH_DEL(node->waiting, item);
    node->waiting_bytes -= ez_blob_size(item->block->body);
    ez_block_unref(item->block);
    free(item);
}

void node_clear_waiting(ez_node *node)
{
    node_waiting *item, *next;
    HASH_ITER (hh, node->waiting, item, next) {
        drop_waiting(node, item);
    }
}

/* The chain with the most work, above ours, that peers showed: those that deliver, or the others.
 */
static const ez_entry *choose_target(const ez_node *node, bool failing)
{
    const ez_entry *target = NULL;
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        bool asked = peer->ready && !peer->closing && (peer->stalls > 0) == failing;
        const ez_entry *best = asked ? node_best_of(node, peer) : NULL;
        if (best == NULL || ez_work_compare(ez_entry_work(best), ez_entry_work(node->tip)) <= 0) {
            continue;
        }
        if (target == NULL || ez_work_compare(ez_entry_work(best), ez_entry_work(target)) > 0) {
            target = best;
        }
    }
    return target;
}

/* The highest ancestor of `target` whose body we have. */
static const ez_entry *lowest_need(const ez_node *node, const ez_entry *target)
{
    const ez_entry *base = ez_entry_fork(target, node->tip);
    while (base != target) {
        const ez_entry *next = ez_entry_ancestor(target, ez_entry_height(base) + 1);
        if (ez_entry_state_of(next) == EZ_ENTRY_HEADER) {
            break;
        }
        base = next;
    }
    return base;
}

static void extend_window(ez_node *node, const ez_entry *target)
{
    while (ez_fetch_room(node->fetch) > 0 && ez_fetch_end(node->fetch) <= ez_entry_height(target)) {
        const ez_entry *next = ez_entry_ancestor(target, ez_fetch_end(node->fetch));
        ez_fetch_append(node->fetch, ez_entry_id(next));
    }
}

static void set_commons(ez_node *node, const ez_entry *target)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        const ez_entry *best = peer->ready ? node_best_of(node, peer) : NULL;
        peer->common = best == NULL ? 0 : ez_entry_height(ez_entry_fork(best, target));
    }
}

/* Whether the window lies on the way to `target`, so that it can go on. */
static bool window_leads_to(const ez_node *node, const ez_entry *target)
{
    uint64_t end = ez_fetch_end(node->fetch);
    if (end == ez_fetch_begin(node->fetch)) {
        return false;
    }
    const ez_entry *last = ez_entry_ancestor(target, end - 1);
    return last != NULL && ez_fetch_has(node->fetch, ez_entry_id(last), end - 1);
}

static void follow(ez_node *node, const ez_entry *target)
{
    node->target = *ez_entry_id(target);
    if (!window_leads_to(node, target)) {
        ez_fetch_reset(node->fetch, ez_entry_height(lowest_need(node, target)) + 1);
        node_clear_waiting(node);
    }
    extend_window(node, target);
    set_commons(node, target);
}

void node_plan(ez_node *node)
{
    node->plan_dirty = false;
    const ez_entry *target = choose_target(node, false);
    node->target_doubtful = target == NULL;
    if (target == NULL) {
        target = choose_target(node, true);
    }
    node->has_target = target != NULL;
    if (target != NULL) {
        follow(node, target);
    } else if (ez_fetch_end(node->fetch) != ez_fetch_begin(node->fetch)) {
        ez_fetch_reset(node->fetch, 0);
        node_clear_waiting(node);
        node_clear_partials(node);
    }
    bool wanted = node->has_target && !node->target_doubtful;
    node->catching_up = wanted && (node->catching_up || node_is_behind(node));
    node_refuse_waiters(node);
}

bool node_is_behind(const ez_node *node)
{
    bool catching_up = node->has_target && !node->target_doubtful;
    const ez_entry *target = catching_up ? ez_tree_find(node->tree, &node->target) : NULL;
    return target != NULL && ez_entry_height(target) > ez_entry_height(node->tip) + 1;
}

bool node_is_syncing(const ez_node *node)
{
    return node->headers_peer[0].value != 0 || node->headers_peer[1].value != 0 ||
           node_is_behind(node);
}

/* Not by a single block, or each that is announced would make clients wait; but down to the last of
 * a chain that was missing. Whoever comes to us can claim more than it shows for as long as it
 * likes, so that counts only while nobody is here whom we chose. */
bool node_may_lack_blocks(const ez_node *node)
{
    return node->catching_up || node->headers_peer[0].value != 0 ||
           (node->headers_peer[1].value != 0 && node->ready_outbound == 0);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

/* Peers may send faster than signatures are checked, so what is being checked counts, too. */
static bool has_memory_for_more(const ez_node *node)
{
    size_t in_flight = ez_fetch_in_flight_all(node->fetch) * node->body_bytes_mean;
    return node->waiting_bytes + node->checking_bytes + in_flight < EZ_BODIES_WAITING_BYTES_MAX &&
           node->write_bytes < WRITE_BYTES_MAX;
}

/* Up to which height `peer` may be asked now. The lowest slot always may: all that waits in memory
 * waits for it. */
static uint64_t ask_up_to(const ez_node *node, const ez_peer *peer, bool refill)
{
    uint64_t lowest = ez_fetch_begin(node->fetch);
    bool more = refill && has_memory_for_more(node);
    return more || peer->common < lowest ? peer->common : lowest;
}

static bool may_be_asked(const ez_node *node, const ez_peer *peer)
{
    return peer->ready && !peer->closing && peer->common >= ez_fetch_begin(node->fetch);
}

/* How many bodies one peer may be asked for at a time. Many small ones, so that they travel dozens
 * to a wake-up; but no more than leaves every peer its part, or one slow peer would hold back what
 * the others could have sent. */
static size_t share_of_one(const ez_node *node)
{
    size_t peers = 0;
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        peers += may_be_asked(node, peer);
    }
    size_t share = ASKED_BYTES_PEER / (node->body_bytes_mean + 1);
    if (share > EZ_BODIES_IN_FLIGHT_ALL / (peers + 1)) {
        share = EZ_BODIES_IN_FLIGHT_ALL / (peers + 1);
    }
    share = share < ASKED_MIN_PEER ? ASKED_MIN_PEER : share;
    return share > EZ_BODIES_IN_FLIGHT_PEER ? EZ_BODIES_IN_FLIGHT_PEER : share;
}

static void ask_peer(ez_node *node, ez_peer *peer, size_t share)
{
    /* Refill at half, so that a request names several; the lowest slot goes out at any time. */
    size_t in_flight = ez_fetch_in_flight(node->fetch, peer->link);
    bool refill = in_flight <= share / 2;
    size_t room = refill ? share - in_flight : 1;
    ez_block_id ids[EZ_BODIES_IN_FLIGHT_PEER];
    size_t count = 0;
    uint64_t height = 0;
    while (count < room && ez_fetch_next(node->fetch, &ids[count], &height, peer->link,
                                         ask_up_to(node, peer, refill), node->now.mono)) {
        count++;
    }
    if (count > 0) {
        node_send_ids(node, peer, EZ_MSG_GET_BODIES, ids, count);
    }
}

static void ask_peers(ez_node *node, bool failing, size_t share)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (may_be_asked(node, peer) && (peer->stalls > 0) == failing) {
            ask_peer(node, peer, share);
        }
    }
}

void node_ask_bodies(ez_node *node)
{
    if (!node->has_target) {
        return;
    }
    size_t share = share_of_one(node);
    ask_peers(node, false, share);
    ask_peers(node, true, share); /* who failed to deliver comes last */
    node_wake_at(node, ez_fetch_deadline(node->fetch));
    node_wake_at(node, ez_fetch_retry(node->fetch, node->now.mono));
}

/* A peer failed to deliver, or did: that decides whether it chooses the target. */
static void set_stalls(ez_node *node, ez_peer *peer, uint32_t stalls)
{
    node->plan_dirty |= (peer->stalls == 0) != (stalls == 0);
    peer->stalls = stalls;
}

void node_check_stalls(ez_node *node)
{
    ez_link_id link;
    while (ez_fetch_stalled(node->fetch, &link, node->now.mono)) {
        node->counters.requests_expired++;
        ez_peer *peer = node_peer(node, link);
        node_partials_peer_gone(node, link);
        if (peer != NULL && peer->stalls + 1 >= STALLS_MAX) {
            node_close_peer(node, peer, EZ_GOODBYE_TIMEOUT, "bodies asked for did not come");
        } else if (peer != NULL) {
            set_stalls(node, peer, peer->stalls + 1);
        }
    }
    node_wake_at(node, ez_fetch_deadline(node->fetch));
}

/* It does not have a block that it told us of, as happens to who passes headers on: so it has no
 * more than what is below, until it tells us again or is asked. It answered, so it did not stall.
 */
static void lower_best(ez_node *node, ez_peer *peer, const ez_entry *missing)
{
    const ez_entry *best = ez_tree_find(node->tree, &peer->best);
    if (best != NULL && ez_entry_ancestor(best, ez_entry_height(missing)) == missing) {
        peer->best = *ez_entry_id(ez_entry_parent(missing));
        node->plan_dirty = true;
        set_stalls(node, peer, 0);
        node_recheck_later(node, peer);
    }
}

void node_bodies_missing(ez_node *node, ez_peer *peer, const ez_message *message)
{
    for (size_t i = 0; i < message->as.block_ids.count; i++) {
        const ez_block_id *id = &message->as.block_ids.list[i];
        const ez_entry *entry = ez_tree_find(node->tree, id);
        if (entry == NULL || ez_entry_parent(entry) == NULL) {
            continue;
        }
        uint64_t height = ez_entry_height(entry);
        bool asked = ez_fetch_has(node->fetch, id, height) &&
                     ez_fetch_asked(node->fetch, height).value == peer->link.value;
        if (node_partial_refused(node, id, peer->link) && asked) {
            ez_fetch_again(node->fetch, height); /* it may have the whole of it */
            continue;
        }
        if (asked) {
            ez_fetch_failed(node->fetch, height, peer->link, node->now.mono);
        }
        lower_best(node, peer, entry); /* also when it says so late */
    }
}

/* Outside of the window, a body is of use when it can be connected at once and becomes the tip. */
bool node_body_is_wanted(const ez_node *node, const ez_entry *entry)
{
    uint64_t height = ez_entry_height(entry);
    if (ez_fetch_has(node->fetch, ez_entry_id(entry), height)) {
        return !ez_fetch_is_here(node->fetch, height);
    }
    return ez_entry_state_of(entry) == EZ_ENTRY_HEADER && !ez_entry_is_invalid(entry) &&
           ez_entry_state_of(ez_entry_parent(entry)) != EZ_ENTRY_HEADER &&
           ez_work_compare(ez_entry_work(entry), ez_entry_work(node->tip)) > 0;
}

/* ---- arriving ----------------------------------------------------------------------------------
 */

void node_check_body(ez_node *node, const ez_entry *entry, ez_blob *body, node_known_txs known,
                     job_source source, ez_link_id peer)
{
    ez_check_job *check = NULL;
    node_job *job = node_new_job(node, source, &check, EZ_CHECK_BODY);
    job->peer = peer;
    job->block = *ez_entry_id(entry);
    check->bytes = ez_blob_ref(body);
    check->header = ez_entry_header(entry);
    check->known = known.txs;
    check->known_count = known.count;
    check->known_fresh = known.fresh;
    /* With transactions in the pool, most signatures of a new block have been verified already. */
    check->verify = source == JOB_BODY_FETCHED && ez_pool_count(node->pool) == 0;
    if (ez_fetch_has(node->fetch, ez_entry_id(entry), ez_entry_height(entry)) &&
        source != JOB_BODY_OWN) {
        ez_fetch_here(node->fetch, ez_entry_height(entry));
    }
    node_submit_job(node, check);
}

void node_body_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    const ez_block_id *id = &message->as.body.id;
    const ez_entry *entry = ez_tree_find(node->tree, id);
    if (entry == NULL || !ez_fetch_has(node->fetch, id, ez_entry_height(entry)) ||
        ez_fetch_is_here(node->fetch, ez_entry_height(entry))) {
        return; /* late: it was asked elsewhere, or is no longer wanted */
    }
    set_stalls(node, peer, 0);
    peer->recheck_pause = 0;
    node_partial_drop(node, id);
    ez_byte_span bytes = message->as.body.bytes;
    node->body_bytes_mean = (node->body_bytes_mean * 7 + bytes.size) / 8;
    ez_blob *body = ez_blob_new(bytes.data, bytes.size);
    node_check_body(node, entry, body, (node_known_txs){0}, JOB_BODY_FETCHED, peer->link);
    ez_blob_unref(body);
}

/* Who served a body or parts of it, and so had checked it; value 0: nobody did. */
static ez_link_id served_by(const node_job *job)
{
    bool served = job->source == JOB_BODY_FETCHED || job->source == JOB_BODY_PARTS;
    return served ? job->peer : (ez_link_id){0};
}

static void blame(ez_node *node, ez_link_id link, ez_goodbye reason, ez_rule rule)
{
    ez_peer *peer = node_peer(node, link);
    if (peer != NULL) {
        node_close_peer(node, peer, reason, ez_rule_text(rule));
    }
}

/* What came is not the header's: the sender's doing when it sent all of it. */
static void body_is_foreign(ez_node *node, const node_job *job, const ez_entry *entry, ez_rule rule)
{
    uint64_t height = ez_entry_height(entry);
    bool wanted = ez_fetch_has(node->fetch, &job->block, height);
    if (job->source == JOB_BODY_FETCHED) {
        if (wanted) {
            ez_fetch_failed(node->fetch, height, job->peer, node->now.mono);
        }
        blame(node, job->peer, EZ_GOODBYE_BODY_MISMATCH, rule);
    } else if (wanted) {
        ez_fetch_again(node->fetch, height); /* whole, from anyone */
    }
}

static void body_failed(ez_node *node, const node_job *job, const ez_check_job *done)
{
    ez_entry *entry = ez_tree_find(node->tree, &job->block);
    bool foreign = done->rule == EZ_RULE_BODY_MERKLE || done->rule == EZ_RULE_BODY_SIZE;
    if (entry != NULL && foreign) {
        body_is_foreign(node, job, entry, done->rule);
    } else if (entry != NULL) {
        node_condemn(node, entry, done->rule, "judged alone");
        blame(node, served_by(job), EZ_GOODBYE_BLOCK_INVALID, done->rule);
    }
}

/* The positions of transactions whose signatures nobody here has checked. */
static uint32_t *unverified(const ez_node *node, const ez_block *block, uint32_t *count)
{
    uint32_t *positions = ez_alloc(block->tx_count, sizeof(*positions));
    *count = 0;
    for (uint32_t i = 0; i + 1 < block->tx_count; i++) { /* the reward has no signature */
        if (ez_pool_find(node->pool, &block->txs[i].id) == NULL) {
            positions[(*count)++] = i;
        }
    }
    return positions;
}

static bool needs_signatures(ez_node *node, const node_job *job, ez_check_job *done)
{
    if (done->kind == EZ_CHECK_SIGNATURES || done->verify || done->known != NULL) {
        return false;
    }
    uint32_t count = 0;
    uint32_t *positions = unverified(node, done->block, &count);
    if (count == 0) {
        free(positions);
        return false;
    }
    ez_check_job *check = NULL;
    node_job *next = node_new_job(node, job->source, &check, EZ_CHECK_SIGNATURES);
    next->peer = job->peer;
    next->block = job->block;
    check->block = ez_block_ref(done->block);
    check->positions = positions;
    check->position_count = count;
    node_submit_job(node, check);
    return true;
}

static void accept(ez_node *node, ez_entry *entry, ez_block *block, ez_link_id from)
{
    node_accept_block(node, entry, block, false);
    if (ez_entry_is_invalid(entry)) {
        blame(node, from, EZ_GOODBYE_BLOCK_INVALID, EZ_RULE_BODY_TX);
    }
}

/* The window has another block at its height, or nothing. */
static void accept_rival(ez_node *node, const node_job *job, ez_block *block)
{
    ez_entry *entry = ez_tree_find(node->tree, &job->block);
    if (entry != NULL && !ez_fetch_has(node->fetch, &job->block, ez_entry_height(entry)) &&
        node_body_is_wanted(node, entry) && node->write_bytes < WRITE_BYTES_MAX) {
        accept(node, entry, block, served_by(job));
        node->plan_dirty = true; /* what is being fetched may be worth no more than this */
    }
}

static void keep_waiting(ez_node *node, const node_job *job, ez_block *block)
{
    const ez_entry *entry = ez_tree_find(node->tree, &job->block);
    if (entry == NULL || !ez_fetch_has(node->fetch, &job->block, ez_entry_height(entry)) ||
        !ez_fetch_is_here(node->fetch, ez_entry_height(entry)) ||
        find_waiting(node, &job->block) != NULL) {
        return; /* the plan changed meanwhile */
    }
    node_waiting *item = ez_alloc(1, sizeof(*item));
    item->id = job->block;
    item->block = ez_block_ref(block);
    item->peer = served_by(job);
    node->waiting_bytes += ez_blob_size(block->body);
    unsigned hash = (unsigned)ez_siphash(&node->table_key, &item->id, sizeof(item->id));
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, node->waiting, &item->id, sizeof(item->id), hash, item);
}

void node_body_checked(ez_node *node, node_job *job, ez_check_job *done)
{
    node->counters.bodies_received += done->kind == EZ_CHECK_BODY;
    if (done->rule != EZ_RULE_OK) {
        body_failed(node, job, done);
    } else if (!needs_signatures(node, job, done)) {
        keep_waiting(node, job, done->block);
        accept_rival(node, job, done->block);
        node_connect_waiting(node);
    }
}

/* ---- connecting --------------------------------------------------------------------------------
 */

void node_connect_waiting(ez_node *node)
{
    size_t connected = 0;
    while (ez_fetch_is_here(node->fetch, ez_fetch_begin(node->fetch)) &&
           node->write_bytes < WRITE_BYTES_MAX &&
           node->last_write - node->stored_write < WRITES_MAX) {
        uint64_t height = ez_fetch_begin(node->fetch);
        const ez_entry *target = ez_tree_find(node->tree, &node->target);
        ez_entry *entry = target == NULL ? NULL : ez_entry_ancestor(target, height);
        node_waiting *item = entry == NULL ? NULL : find_waiting(node, ez_entry_id(entry));
        if (item == NULL) {
            return; /* still being checked */
        }
        ez_block *block = ez_block_ref(item->block);
        ez_link_id from = item->peer;
        connected += ez_blob_size(block->body) + CONNECT_BLOCK_BYTES;
        drop_waiting(node, item);
        ez_fetch_pop(node->fetch);
        accept(node, entry, block, from);
        ez_block_unref(block);
        if (node->plan_dirty) {
            node_plan(node);
        } else if (ez_fetch_room(node->fetch) > EZ_BODIES_WINDOW / 2) {
            extend_window(node, target);
        }
        if (connected > CONNECT_BYTES_MAX) {
            node_wake_at(node, node->now.mono); /* the rest in the next event */
            return;
        }
    }
}
