#include "ezp2p/record/describe.h"

#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"

#include <inttypes.h>

static const char *const event_names[] = {
    [EZ_EVENT_TICK] = "tick",
    [EZ_EVENT_LINK_UP] = "link-up",
    [EZ_EVENT_LINK_DOWN] = "link-down",
    [EZ_EVENT_DIAL_FAILED] = "dial-failed",
    [EZ_EVENT_MESSAGE] = "message",
    [EZ_EVENT_LINK_FAULT] = "link-fault",
    [EZ_EVENT_LINK_DRAINED] = "link-drained",
    [EZ_EVENT_CHECKED] = "checked",
    [EZ_EVENT_STORED] = "stored",
    [EZ_EVENT_PROOF_FOUND] = "proof-found",
    [EZ_EVENT_COMMAND] = "command",
};

static const char *const effect_names[] = {
    [EZ_EFFECT_DIAL] = "dial",     [EZ_EFFECT_SEND] = "send",           [EZ_EFFECT_CLOSE] = "close",
    [EZ_EFFECT_READY] = "ready",   [EZ_EFFECT_CHECK] = "check",         [EZ_EFFECT_WRITE] = "write",
    [EZ_EFFECT_MINE] = "mine",     [EZ_EFFECT_MINE_STOP] = "mine-stop", [EZ_EFFECT_REPLY] = "reply",
    [EZ_EFFECT_NOTIFY] = "notice",
};

static const char *const command_names[] = {
    [EZ_COMMAND_SUBMIT_ENTRY] = "submit-entry", [EZ_COMMAND_SUBMIT_TX] = "submit-transaction",
    [EZ_COMMAND_MINE_ONE] = "mine-one",         [EZ_COMMAND_ADD_PEER] = "add-peer",
    [EZ_COMMAND_REMOVE_PEER] = "remove-peer",   [EZ_COMMAND_DISCONNECT] = "disconnect",
    [EZ_COMMAND_RESOLVE] = "resolve",           [EZ_COMMAND_CANCEL] = "cancel",
    [EZ_COMMAND_SHUTDOWN] = "shutdown",
};

static const char *const write_names[] = {
    [EZ_WRITE_BODY] = "body",
    [EZ_WRITE_CONNECT] = "connect",
    [EZ_WRITE_DISCONNECT] = "disconnect",
    [EZ_WRITE_INVALID] = "invalid",
    [EZ_WRITE_POOL_PUT] = "pool-put",
    [EZ_WRITE_POOL_DELETE] = "pool-delete",
    [EZ_WRITE_BOOK] = "book",
    [EZ_WRITE_MANUAL_PUT] = "manual-put",
    [EZ_WRITE_MANUAL_DELETE] = "manual-delete",
};

#define NAME_OF(names, number)                                                                     \
    ((number) < sizeof(names) / sizeof *(names) && (names)[number] != NULL ? (names)[number]       \
                                                                           : "unknown")

const char *ez_event_name(unsigned type)
{
    return NAME_OF(event_names, type);
}

const char *ez_effect_name(unsigned type)
{
    return NAME_OF(effect_names, type);
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void put_escaped(ez_buffer *out, const void *text, size_t size)
{
    char escaped[160];
    ez_text_escape(escaped, sizeof escaped, text, size);
    ez_buffer_printf(out, " \"%s\"", escaped);
}

/* The first digits of a hash name it well enough beside others of one run. */
static void put_hash(ez_buffer *out, const char *what, const ez_hash *hash)
{
    ez_buffer_printf(out, " %s %.16s", what, ez_hash_text(hash->bytes).text);
}

static void put_ids(ez_buffer *out, const char *what, const void *list, size_t count)
{
    ez_buffer_printf(out, " %zu %s", count, what);
    if (count > 0) {
        put_hash(out, "from", list);
    }
}

static void put_header(ez_buffer *out, const ez_header *header)
{
    ez_block_id id;
    ez_header_id(&id, header);
    put_hash(out, "block", &id.hash);
    ez_buffer_printf(out, " height %" PRIu64, header->index);
}

static void put_hello(ez_buffer *out, const ez_hello *hello)
{
    char key[17];
    ez_hex_encode(key, hello->node.bytes, 8);
    ez_buffer_printf(out, " key %s port %u height %" PRIu64, key, hello->listen_port,
                     hello->tip.height);
    put_escaped(out, hello->user_agent, hello->user_agent_size);
}

static void put_message(ez_buffer *out, const ez_message *message)
{
    ez_buffer_printf(out, " %s", ez_message_name(message->type));
    switch (message->type) {
    case EZ_MSG_READY:
    case EZ_MSG_GET_ADDRESSES:
        return;
    case EZ_MSG_HELLO:
        put_hello(out, &message->as.hello);
        return;
    case EZ_MSG_GOODBYE:
        ez_buffer_printf(out, " %s", ez_goodbye_code(message->as.goodbye.reason));
        put_escaped(out, message->as.goodbye.text, message->as.goodbye.text_size);
        return;
    case EZ_MSG_PING:
    case EZ_MSG_PONG:
        ez_buffer_printf(out, " %016" PRIx64, message->as.ping.nonce);
        return;
    case EZ_MSG_ADDRESSES:
        ez_buffer_printf(out, " %zu addresses", message->as.addresses.count);
        return;
    case EZ_MSG_ANNOUNCE_TXS:
    case EZ_MSG_GET_TXS:
    case EZ_MSG_MISSING_TXS:
        put_ids(out, "ids", message->as.tx_ids.list, message->as.tx_ids.count);
        return;
    case EZ_MSG_TXS:
        ez_buffer_printf(out, " %zu transactions", message->as.txs.count);
        if (message->as.txs.tree != 0) {
            ez_buffer_printf(out, " tree %" PRIu32, message->as.txs.tree);
        }
        return;
    case EZ_MSG_HINT_TXS:
    case EZ_MSG_GRAFT_TXS:
        ez_buffer_printf(out, " %zu short ids", message->as.short_ids.count);
        return;
    case EZ_MSG_PRUNE:
    case EZ_MSG_GROW:
        ez_buffer_printf(out, " tree %" PRIu32, message->as.tree.number);
        return;
    case EZ_MSG_GET_HEADERS:
        put_ids(out, "ids", message->as.get_headers.locator, message->as.get_headers.count);
        return;
    case EZ_MSG_HEADERS:
        ez_buffer_printf(out, " %zu headers", message->as.headers.count);
        if (message->as.headers.count > 0) {
            put_header(out, &message->as.headers.list[0]);
        }
        return;
    case EZ_MSG_ANNOUNCE_BLOCK:
        put_header(out, &message->as.announce_block.header);
        ez_buffer_printf(out, " %zu short ids", message->as.announce_block.short_id_count);
        return;
    case EZ_MSG_GET_BODIES:
    case EZ_MSG_MISSING_BODIES:
        put_ids(out, "ids", message->as.block_ids.list, message->as.block_ids.count);
        return;
    case EZ_MSG_BODY:
        put_hash(out, "block", &message->as.body.id.hash);
        ez_buffer_printf(out, " %zu bytes", message->as.body.bytes.size);
        return;
    case EZ_MSG_GET_PARTS:
        put_hash(out, "block", &message->as.get_parts.id.hash);
        ez_buffer_printf(out, " %zu positions", message->as.get_parts.count);
        return;
    case EZ_MSG_PARTS:
        put_hash(out, "block", &message->as.parts.id.hash);
        ez_buffer_printf(out, " %zu transactions", message->as.parts.count);
        return;
    }
}

static void put_command(ez_buffer *out, const ez_command *command)
{
    ez_buffer_printf(out, " %s request %" PRIu64, NAME_OF(command_names, command->type),
                     command->request);
    if (command->type == EZ_COMMAND_SUBMIT_ENTRY) {
        put_escaped(out, command->sender.data, command->sender.size);
        put_escaped(out, command->recipient.data, command->recipient.size);
        ez_buffer_printf(out, " amount %" PRIu64, command->amount);
    } else if (command->type == EZ_COMMAND_SUBMIT_TX) {
        ez_buffer_printf(out, " %zu bytes", command->bytes.size);
    } else if (command->text != NULL) {
        put_escaped(out, command->text, strlen(command->text));
        ez_buffer_printf(out, " port %u", command->port);
    } else if (command->link.value != 0) {
        ez_buffer_printf(out, " link %" PRIu64, command->link.value);
    }
}

static void put_job(ez_buffer *out, const ez_check_job *job)
{
    static const char *const kinds[] = {[EZ_CHECK_TX] = "transaction",
                                        [EZ_CHECK_BODY] = "body",
                                        [EZ_CHECK_SIGNATURES] = "signatures"};
    ez_buffer_printf(out, " %" PRIu64 " %s", job->id, NAME_OF(kinds, job->kind));
    if (job->kind == EZ_CHECK_BODY) {
        put_header(out, &job->header);
    }
}

static void put_write(ez_buffer *out, const ez_write *write)
{
    ez_buffer_printf(out, " %" PRIu64 "%s:", write->number, write->urgent ? " urgent" : "");
    for (size_t i = 0; i < write->count && i < 8; i++) {
        ez_buffer_printf(out, " %s", NAME_OF(write_names, write->ops[i].kind));
    }
    if (write->count > 8) {
        ez_buffer_printf(out, " and %zu more", write->count - 8);
    }
}

static void put_reply(ez_buffer *out, const ez_reply *reply)
{
    ez_buffer_printf(out, " %s request %" PRIu64 " %s, %s", NAME_OF(command_names, reply->command),
                     reply->request, ez_rule_code(reply->rule), ez_status_text(reply->status));
}

static void put_notice(ez_buffer *out, const ez_notice *notice)
{
    switch (notice->type) {
    case EZ_NOTICE_BLOCK:
        put_hash(out, "block", &notice->block.hash);
        ez_buffer_printf(out, " height %" PRIu64 ", %u transactions", notice->height,
                         notice->tx_count);
        return;
    case EZ_NOTICE_REORG:
        put_hash(out, "reorg to", &notice->block.hash);
        ez_buffer_printf(out, " height %" PRIu64 ", %" PRIu64 " taken off", notice->height,
                         notice->depth);
        return;
    case EZ_NOTICE_TX:
        put_hash(out, "transaction", &notice->tx.hash);
        return;
    case EZ_NOTICE_PEER_UP:
    case EZ_NOTICE_PEER_DOWN:
        ez_buffer_printf(out, " peer %s %s link %" PRIu64,
                         notice->type == EZ_NOTICE_PEER_UP ? "up" : "down",
                         ez_endpoint_text(&notice->endpoint).text, notice->link.value);
        if (notice->type == EZ_NOTICE_PEER_DOWN) {
            ez_buffer_printf(out, " %s%s", ez_goodbye_code(notice->reason),
                             notice->by_us ? ", by us" : "");
        }
        return;
    }
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static void put_link(ez_buffer *out, ez_link_id link)
{
    if (link.value != 0) {
        ez_buffer_printf(out, " link %" PRIu64, link.value);
    }
}

void ez_describe_event(ez_buffer *out, const ez_event *event)
{
    ez_buffer_add_text(out, ez_event_name(event->type));
    put_link(out, event->link);
    switch (event->type) {
    case EZ_EVENT_TICK:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_DRAINED:
        return;
    case EZ_EVENT_LINK_UP:
        ez_buffer_printf(out, " %s", ez_endpoint_text(&event->as.link_up.remote).text);
        if (event->as.link_up.dial != 0) {
            ez_buffer_printf(out, " dial %" PRIu64, event->as.link_up.dial);
        }
        return;
    case EZ_EVENT_DIAL_FAILED:
        ez_buffer_printf(out, " dial %" PRIu64, event->as.dial_failed.dial);
        return;
    case EZ_EVENT_MESSAGE:
        put_message(out, event->as.message.message);
        return;
    case EZ_EVENT_LINK_FAULT:
        ez_buffer_printf(out, " %s", ez_goodbye_code((uint32_t)event->as.fault));
        return;
    case EZ_EVENT_CHECKED:
        put_job(out, event->as.job);
        ez_buffer_printf(out, ": %s", ez_rule_code(event->as.job->rule));
        return;
    case EZ_EVENT_STORED:
        ez_buffer_printf(out, " up to write %" PRIu64, event->as.stored);
        return;
    case EZ_EVENT_PROOF_FOUND:
        ez_buffer_printf(out, " template %" PRIu64 " proof %" PRIu64,
                         event->as.proof_found.generation, event->as.proof_found.proof);
        return;
    case EZ_EVENT_COMMAND:
        put_command(out, &event->as.command);
        return;
    }
}

void ez_describe_effect(ez_buffer *out, const ez_effect *effect)
{
    ez_buffer_add_text(out, ez_effect_name(effect->type));
    put_link(out, effect->link);
    switch (effect->type) {
    case EZ_EFFECT_CLOSE:
    case EZ_EFFECT_READY:
    case EZ_EFFECT_MINE_STOP:
        return;
    case EZ_EFFECT_DIAL:
        ez_buffer_printf(out, " %" PRIu64, effect->as.dial.dial);
        put_escaped(out, effect->as.dial.host, strlen(effect->as.dial.host));
        ez_buffer_printf(out, " port %u", effect->as.dial.port);
        return;
    case EZ_EFFECT_SEND:
        put_message(out, effect->as.message);
        return;
    case EZ_EFFECT_CHECK:
        put_job(out, effect->as.job);
        return;
    case EZ_EFFECT_WRITE:
        put_write(out, effect->as.write);
        return;
    case EZ_EFFECT_MINE:
        ez_buffer_printf(out, " template %" PRIu64 " height %" PRIu64 "%s",
                         effect->as.mine.generation, effect->as.mine.header.index,
                         effect->as.mine.paced ? " paced" : "");
        return;
    case EZ_EFFECT_REPLY:
        put_reply(out, &effect->as.reply);
        return;
    case EZ_EFFECT_NOTIFY:
        put_notice(out, &effect->as.notice);
        return;
    }
}
