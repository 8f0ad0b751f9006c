/* Effects as numbers: everything that two runs must agree on, encoded and hashed. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/record/format.h"

static void put_bytes(ez_buffer *out, const ez_blob *blob)
{
    size_t size = blob == NULL ? 0 : ez_blob_size(blob);
    ez_buffer_add_u64(out, size);
    if (size > 0) {
        ez_buffer_add(out, ez_blob_data(blob), size);
    }
}

static void put_header(ez_buffer *out, const ez_header *header)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_header_encode(bytes, header);
    ez_buffer_add(out, bytes, sizeof bytes);
}

static void put_message(ez_buffer *out, const ez_message *message)
{
    ez_buffer_add_u8(out, (uint8_t)message->type);
    if (message->type == EZ_MSG_BODY) {
        ez_buffer_add(out, message->as.body.id.hash.bytes, EZ_HASH_BYTES);
        ez_buffer_add_u64(out, message->as.body.bytes.size);
        return;
    }
    ez_wire_encode(out, message);
}

static void put_job(ez_buffer *out, const ez_check_job *job)
{
    ez_buffer_add_u64(out, job->id);
    ez_buffer_add_u8(out, (uint8_t)job->kind);
    ez_buffer_add_u8(out, job->verify);
    ez_buffer_add_u64(out, job->bytes == NULL ? 0 : ez_blob_size(job->bytes));
    if (job->block != NULL) {
        ez_buffer_add(out, job->block->id.hash.bytes, EZ_HASH_BYTES);
    } else if (job->kind != EZ_CHECK_TX) {
        put_header(out, &job->header);
    } else {
        put_bytes(out, job->bytes);
    }
    for (uint32_t i = 0; i < job->position_count; i++) {
        ez_buffer_add_u32(out, job->positions[i]);
    }
}

static void put_changes(ez_buffer *out, const ez_account_change *list, uint32_t count)
{
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        ez_buffer_add(out, list[i].key.bytes, sizeof list[i].key.bytes);
        ez_buffer_add_u64(out, list[i].account.balance);
        ez_buffer_add_u64(out, list[i].account.sequence);
    }
}

static void put_op(ez_buffer *out, const ez_write_op *op)
{
    ez_buffer_add_u8(out, (uint8_t)op->kind);
    const ez_block_id *block = op->block == NULL ? &op->block_id : &op->block->id;
    ez_buffer_add(out, block->hash.bytes, EZ_HASH_BYTES); /* it covers the body */
    ez_buffer_add(out, op->tx_id.hash.bytes, EZ_HASH_BYTES);
    put_changes(out, op->diff.before, op->diff.count);
    put_changes(out, op->diff.after, op->diff.count);
    put_bytes(out, op->bytes);
    if (op->text != NULL) {
        ez_record_put_text(out, op->text);
    }
    ez_buffer_add_u16(out, op->port);
}

static void put_write(ez_buffer *out, const ez_write *write)
{
    ez_buffer_add_u64(out, write->number);
    ez_buffer_add_u8(out, write->urgent);
    for (size_t i = 0; i < write->count; i++) {
        put_op(out, &write->ops[i]);
    }
}

static void put_reply(ez_buffer *out, const ez_reply *reply)
{
    ez_buffer_add_u64(out, reply->request);
    ez_buffer_add_u8(out, (uint8_t)reply->command);
    ez_buffer_add_u32(out, (uint32_t)reply->rule);
    ez_buffer_add(out, reply->tx_id.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add_u64(out, reply->next_height);
    ez_buffer_add(out, reply->block.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add_u8(out, reply->replaced);
    ez_buffer_add_u32(out, (uint32_t)reply->status);
}

static void put_notice(ez_buffer *out, const ez_notice *notice)
{
    ez_buffer_add_u8(out, (uint8_t)notice->type);
    ez_buffer_add(out, notice->block.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add(out, notice->old_tip.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add_u64(out, notice->height);
    ez_buffer_add_u64(out, notice->depth);
    ez_buffer_add_u32(out, notice->tx_count);
    ez_buffer_add_u8(out, notice->own);
    ez_buffer_add(out, notice->tx.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add(out, notice->node.bytes, sizeof notice->node.bytes);
    ez_buffer_add(out, notice->endpoint.ip, sizeof notice->endpoint.ip);
    ez_buffer_add_u16(out, notice->endpoint.port);
    ez_buffer_add_u64(out, notice->link.value);
    ez_buffer_add_u8(out, notice->inbound);
    ez_buffer_add_u32(out, notice->reason);
    ez_buffer_add_u8(out, notice->by_us);
}

static void put_effect(ez_buffer *out, const ez_effect *effect)
{
    switch (effect->type) {
    case EZ_EFFECT_CLOSE:
    case EZ_EFFECT_READY:
    case EZ_EFFECT_MINE_STOP:
        return;
    case EZ_EFFECT_DIAL:
        ez_buffer_add_u64(out, effect->as.dial.dial);
        ez_record_put_text(out, effect->as.dial.host);
        ez_buffer_add_u16(out, effect->as.dial.port);
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
        ez_buffer_add_u64(out, effect->as.mine.generation);
        ez_buffer_add_u8(out, effect->as.mine.paced);
        put_header(out, &effect->as.mine.header);
        return;
    case EZ_EFFECT_REPLY:
        put_reply(out, &effect->as.reply);
        return;
    case EZ_EFFECT_NOTIFY:
        put_notice(out, &effect->as.notice);
        return;
    }
    ez_assert_fail("an effect of no known type", __FILE__, __LINE__);
}

static const ez_siphash_key zero_key = {0, 0};

ez_effect_print ez_effect_print_of(const ez_effect *effect, ez_buffer *scratch)
{
    scratch->size = 0;
    put_effect(scratch, effect);
    uint64_t content = ez_siphash(&zero_key, scratch->data, scratch->size);
    return (ez_effect_print){(uint8_t)effect->type, effect->link.value, (uint32_t)content};
}

uint64_t ez_effect_fold(uint64_t digest, const ez_effect_print *print)
{
    const uint64_t parts[] = {digest, print->type, print->link, print->content};
    return ez_siphash(&zero_key, parts, sizeof parts);
}

void ez_record_put_print(ez_buffer *out, const ez_effect_print *print)
{
    ez_buffer_add_u8(out, print->type);
    ez_buffer_add_u64(out, print->link);
    ez_buffer_add_u32(out, print->content);
}

ez_effect_print ez_record_get_print(ez_reader *payload)
{
    ez_effect_print print;
    print.type = ez_reader_u8(payload);
    print.link = ez_reader_u64(payload);
    print.content = ez_reader_u32(payload);
    return print;
}
