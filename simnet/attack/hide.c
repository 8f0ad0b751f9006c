/* Own blocks kept secret: their announcements are held, headers are served up to the last one that
 * is public, and a Hello does not mention them. What is not secret passes. */
#include "attack_internal.h"

struct hide_block {
    ez_block_id id;
    bool is_own;
    UT_hash_handle hh;
};

struct hide_item {
    ez_link_id link;
    ez_message message; /* an announcement; its pointers lead into `memory` */
    uint8_t *memory;
    hide_item *prev, *next;
};

static hide_block *find(const hide *hiding, const ez_block_id *id)
{
    hide_block *found = NULL;
    HASH_FIND(hh, hiding->blocks, id, sizeof(*id), found);
    return found;
}

/* Returns whether it was unknown. */
static bool note(hide *hiding, const ez_header *header, bool is_own, ez_block_id *id)
{
    ez_header_id(id, header);
    if (find(hiding, id) != NULL) {
        return false;
    }
    hide_block *const block = ez_alloc(1, sizeof(*block));
    block->id = *id;
    block->is_own = is_own;
    HASH_ADD(hh, hiding->blocks, id, sizeof(block->id), block);
    return true;
}

static void free_item(hide *hiding, hide_item *item)
{
    DL_DELETE(hiding->held, item);
    free(item->memory);
    free(item);
}

void hide_forget(hide *hiding)
{
    hide_item *item, *next;
    DL_FOREACH_SAFE (hiding->held, item, next) {
        free_item(hiding, item);
    }
}

void hide_clear(hide *hiding)
{
    hide_block *block, *next;
    HASH_ITER (hh, hiding->blocks, block, next) {
        HASH_DEL(hiding->blocks, block);
        free(block);
    }
    hide_forget(hiding);
}

void hide_hears(hide *hiding, const ez_message *message)
{
    ez_block_id id;
    if (message->type == EZ_MSG_ANNOUNCE_BLOCK) {
        note(hiding, &message->as.announce_block.header, false, &id);
    } else if (message->type == EZ_MSG_HEADERS) {
        for (size_t i = 0; i < message->as.headers.count; i++) {
            note(hiding, &message->as.headers.list[i], false, &id);
        }
    }
}

bool hide_is_own(const hide *hiding, const ez_block_id *id)
{
    const hide_block *const block = find(hiding, id);
    return block != NULL && block->is_own;
}

hide_news hide_looks(hide *hiding, const ez_message *message)
{
    ez_block_id id;
    if (message->type != EZ_MSG_ANNOUNCE_BLOCK ||
        !note(hiding, &message->as.announce_block.header, true, &id)) {
        return HIDE_NOTHING;
    }
    hiding->own_tip = id;
    hiding->own_height = message->as.announce_block.header.index;
    return HIDE_FOUND;
}

/* ---- on the way out -------------------------------------------------------------------------- */

static bool is_secret(const hide *hiding, const ez_header *header)
{
    ez_block_id id;
    if (header->index <= hiding->published) {
        return false;
    }
    ez_header_id(&id, header);
    return hide_is_own(hiding, &id);
}

static void keep(hide *hiding, ez_link_id link, const ez_message *message)
{
    hide_item *const item = ez_alloc(1, sizeof(*item));
    const size_t ids_bytes = message->as.announce_block.short_id_count * sizeof(uint64_t);
    const ez_byte_span reward = message->as.announce_block.reward;
    uint64_t *const memory = ez_alloc(1, ids_bytes + reward.size + 1);
    item->link = link;
    item->message = *message;
    item->memory = (uint8_t *)memory;
    if (ids_bytes > 0) {
        memcpy(item->memory, message->as.announce_block.short_ids, ids_bytes);
    }
    memcpy(item->memory + ids_bytes, reward.data, reward.size);
    item->message.as.announce_block.short_ids = memory;
    item->message.as.announce_block.reward.data = item->memory + ids_bytes;
    DL_APPEND(hiding->held, item);
}

bool hide_says(hide *hiding, ez_link_id link, ez_message *message)
{
    ez_hello *const hello = &message->as.hello;
    switch ((int)message->type) {
    case EZ_MSG_ANNOUNCE_BLOCK:
        if (is_secret(hiding, &message->as.announce_block.header)) {
            keep(hiding, link, message);
            return false;
        }
        return true;
    case EZ_MSG_HEADERS:
        for (size_t i = 0; i < message->as.headers.count; i++) {
            if (is_secret(hiding, &message->as.headers.list[i])) {
                message->as.headers.count = i;
            }
        }
        return true;
    case EZ_MSG_HELLO:
        if (hello->tip.height > hiding->published && hide_is_own(hiding, &hello->tip.id)) {
            hello->tip = (ez_tip){.id = hello->network, .height = 1};
        }
        return true;
    default:
        return true;
    }
}

/* ---- publishing ------------------------------------------------------------------------------ */

void hide_publish(hide *hiding, uint64_t height)
{
    hiding->published = height > hiding->published ? height : hiding->published;
}

static size_t host_of(const ez_link_id *links, const size_t *hosts, size_t count, ez_link_id link)
{
    for (size_t i = 0; i < count; i++) {
        if (links[i].value == link.value) {
            return hosts[i];
        }
    }
    return 0;
}

void hide_send(hide *hiding, ez_adversary *adversary,
               bool (*is_for)(const ez_adversary *adversary, size_t host))
{
    ez_link_id *links;
    size_t *hosts;
    const size_t count = attack_peers(adversary, &links, &hosts);
    hide_item *item, *next;
    DL_FOREACH_SAFE (hiding->held, item, next) {
        if (item->message.as.announce_block.header.index <= hiding->published &&
            (is_for == NULL || is_for(adversary, host_of(links, hosts, count, item->link)))) {
            ez_world_say(adversary->world, adversary->host, item->link, &item->message);
            free_item(hiding, item);
        }
    }
    free(links);
    free(hosts);
}

bool hide_has_secrets(const hide *hiding)
{
    return hiding->own_height > hiding->published;
}
