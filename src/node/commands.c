/* What people and API clients ask for. */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define RESOLVE_MS        8000
#define MINE_REQUESTS_MAX 64

static void reply_rule(ez_node *node, const ez_command *command, ez_rule rule, const ez_tx_id *id)
{
    ez_reply reply = {.request = command->request,
                      .command = command->type,
                      .rule = rule,
                      .next_height = ez_entry_height(node->tip) + 1};
    if (id != NULL) {
        reply.tx_id = *id;
    }
    if (rule == EZ_RULE_OK) {
        node_reply_later(node, &reply);
    } else {
        node_reply_now(node, &reply);
    }
}

static void reply_status(ez_node *node, const ez_command *command, ez_status status)
{
    ez_reply reply = {.request = command->request, .command = command->type, .status = status};
    if (status == EZ_OK) {
        node_reply_later(node, &reply);
    } else {
        node_reply_now(node, &reply);
    }
}

/* The parties of an entry as a client wrote them; the node signs for labels and for itself. */
static ez_rule read_parties(const ez_node *node, ez_tx *tx, const ez_command *command)
{
    ez_rule rule =
        ez_party_parse(&tx->sender, (const char *)command->sender.data, command->sender.size);
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    rule = ez_party_parse(&tx->recipient, (const char *)command->recipient.data,
                          command->recipient.size);
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    if (tx->sender.kind == EZ_PARTY_ADDRESS &&
        !ez_public_key_is_equal(&tx->sender.key, &node->key)) {
        return EZ_RULE_TX_NOT_OURS;
    }
    return EZ_RULE_OK;
}

/* A timestamp that no other entry of ours has: two equal notes must not have one id. */
static uint64_t entry_timestamp(ez_node *node)
{
    uint64_t at = node->now.wall;
    if (at <= node->last_entry_timestamp) {
        at = node->last_entry_timestamp + 1;
    }
    node->last_entry_timestamp = at;
    return at;
}

static void submit_entry(ez_node *node, const ez_command *command)
{
    ez_tx tx = {.amount = command->amount};
    ez_rule rule = read_parties(node, &tx, command);
    if (rule == EZ_RULE_OK) {
        tx.timestamp = entry_timestamp(node);
        if (tx.sender.kind == EZ_PARTY_ADDRESS) {
            if (node_has_parked_own(node)) {
                /* They were promised, and claim the coins and the numbers that come next. */
                reply_rule(node, command, EZ_RULE_TX_FUNDS, NULL);
                return;
            }
            if (node_may_lack_blocks(node)) {
                /* One of them may hold an entry of ours with the number that this would get, which
                 * we do not remember: a lost disk, a restored copy. */
                reply_rule(node, command, EZ_RULE_TX_SYNCING, NULL);
                return;
            }
            tx.sequence = ez_pool_next_sequence(node->pool, &tx.sender.key, NULL);
        }
        ez_tx_sign_by(&tx, &node->network.genesis_id, &node->key, &node->signer);
        rule = ez_tx_check_form(&tx);
    }
    if (rule != EZ_RULE_OK) {
        reply_rule(node, command, rule, NULL);
        return;
    }
    ez_buffer encoded = {0};
    ez_tx_encode(&encoded, &tx);
    ez_tx_id id;
    ez_tx_id_of(&id, &node->network.genesis_id, encoded.data, encoded.size);
    ez_blob *bytes = ez_blob_new(encoded.data, encoded.size);
    ez_buffer_clear(&encoded);
    rule = node_take_tx(node, &tx, &id, bytes, true, (ez_link_id){0});
    ez_blob_unref(bytes);
    reply_rule(node, command, rule, &id);
}

static size_t count_requests(const ez_node *node)
{
    size_t count = 0;
    const node_request *item;
    DL_COUNT(node->mine_requests, item, count);
    return count;
}

static void mine_one(ez_node *node, const ez_command *command)
{
    if (count_requests(node) >= MINE_REQUESTS_MAX || node->stopping) {
        reply_status(node, command, EZ_ERR_LIMIT);
        return;
    }
    node_request *item = ez_alloc(1, sizeof(*item));
    item->request = command->request;
    DL_APPEND(node->mine_requests, item);
    node->template_stale = true;
}

static void add_peer(ez_node *node, const ez_command *command)
{
    if (!ez_dialer_add(node->dialer, command->text, command->port)) {
        reply_status(node, command, EZ_ERR_LIMIT);
        return;
    }
    node->dial_dirty = true;
    ez_write_op *op = node_write(node, EZ_WRITE_MANUAL_PUT);
    op->text = ez_strdup(command->text);
    op->port = command->port;
    reply_status(node, command, EZ_OK);
}

static void remove_peer(ez_node *node, const ez_command *command)
{
    ez_link_id link = {0};
    if (!ez_dialer_remove(node->dialer, &link, command->text, command->port)) {
        reply_status(node, command, EZ_ERR_NOT_FOUND);
        return;
    }
    ez_peer *peer = node_peer(node, link);
    if (peer != NULL) {
        node_close_peer(node, peer, EZ_GOODBYE_REQUESTED, "removed by a person");
    }
    ez_write_op *op = node_write(node, EZ_WRITE_MANUAL_DELETE);
    op->text = ez_strdup(command->text);
    op->port = command->port;
    reply_status(node, command, EZ_OK);
}

static void disconnect(ez_node *node, const ez_command *command)
{
    ez_peer *peer = node_peer(node, command->link);
    if (peer != NULL) {
        node_close_peer(node, peer, EZ_GOODBYE_REQUESTED, "asked for by a person");
    }
    reply_status(node, command, peer == NULL ? EZ_ERR_NOT_FOUND : EZ_OK);
}

/* ---- resolve ------------------------------------------------------------------------------------
 */

static void resolve(ez_node *node, const ez_command *command)
{
    node_resolve *item = ez_alloc(1, sizeof(*item));
    item->request = command->request;
    item->tip_before = *ez_entry_id(node->tip);
    item->deadline = node->now.mono + RESOLVE_MS;
    DL_APPEND(node->resolves, item);
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->ready && !peer->closing) {
            node_ask_headers(node, peer, ez_tree_best_header(node->tree));
            peer->resolving = true;
        }
    }
    node_wake_at(node, item->deadline);
}

static bool answers_are_here(const ez_node *node)
{
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->resolving && !peer->closing) {
            return false;
        }
    }
    return !node->has_target;
}

void node_check_resolves(ez_node *node)
{
    if (node->resolves == NULL) {
        return;
    }
    bool settled = answers_are_here(node);
    node_resolve *item, *next;
    DL_FOREACH_SAFE (node->resolves, item, next) {
        if (!settled && node->now.mono < item->deadline) {
            node_wake_at(node, item->deadline);
            continue;
        }
        DL_DELETE(node->resolves, item);
        node_reply_now(node, &(ez_reply){.request = item->request,
                                         .command = EZ_COMMAND_RESOLVE,
                                         .replaced = !ez_block_id_is_equal(
                                             &item->tip_before, ez_entry_id(node->tip))});
        free(item);
    }
}

/* ---- the rest
 * ------------------------------------------------------------------------------------ */

static void cancel(ez_node *node, const ez_command *command)
{
    node_request *mine, *next_mine;
    DL_FOREACH_SAFE (node->mine_requests, mine, next_mine) {
        if (mine->request == command->request) {
            DL_DELETE(node->mine_requests, mine);
            free(mine);
        }
    }
    node_resolve *item, *next;
    DL_FOREACH_SAFE (node->resolves, item, next) {
        if (item->request == command->request) {
            DL_DELETE(node->resolves, item);
            free(item);
        }
    }
}

void node_clear_requests(ez_node *node)
{
    node_request *mine, *next_mine;
    DL_FOREACH_SAFE (node->mine_requests, mine, next_mine) {
        free(mine);
    }
    node_resolve *item, *next;
    DL_FOREACH_SAFE (node->resolves, item, next) {
        free(item);
    }
    node->mine_requests = NULL;
    node->resolves = NULL;
}

static void shut_down(ez_node *node, const ez_command *command)
{
    node_note_anchors(node); /* while they are here */
    node->stopping = true;
    ez_peer *peer, *next;
    HASH_ITER (hh, node->peers, peer, next) {
        node_close_peer(node, peer, EZ_GOODBYE_SHUTDOWN, "shutting down");
    }
    node_save_book(node, true);
    reply_status(node, command, EZ_OK);
}

void node_command(ez_node *node, const ez_command *command)
{
    switch (command->type) {
    case EZ_COMMAND_SUBMIT_ENTRY:
        submit_entry(node, command);
        break;
    case EZ_COMMAND_SUBMIT_TX:
        node_check_client_tx(node, &command->bytes, command->request);
        break;
    case EZ_COMMAND_MINE_ONE:
        mine_one(node, command);
        break;
    case EZ_COMMAND_ADD_PEER:
        add_peer(node, command);
        break;
    case EZ_COMMAND_REMOVE_PEER:
        remove_peer(node, command);
        break;
    case EZ_COMMAND_DISCONNECT:
        disconnect(node, command);
        break;
    case EZ_COMMAND_RESOLVE:
        resolve(node, command);
        break;
    case EZ_COMMAND_CANCEL:
        cancel(node, command);
        break;
    case EZ_COMMAND_SHUTDOWN:
        shut_down(node, command);
        break;
    }
}
