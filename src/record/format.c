#include "ezp2p/record/format.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/build.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/header.h"

#include <stdlib.h>
#include <string.h>

const char *ez_record_name(unsigned type)
{
    switch (type) {
#define NAME_CASE(name, number, text)                                                              \
    case number:                                                                                   \
        return text;
        EZ_RECORDS_EACH(NAME_CASE)
#undef NAME_CASE
    }
    return "unknown";
}

uint32_t ez_record_check(uint64_t offset, const void *body, size_t size)
{
    const ez_siphash_key key = {offset, 0};
    return (uint32_t)ez_siphash(&key, body, size);
}

void ez_record_put_text(ez_buffer *out, const char *text)
{
    size_t size = strlen(text);
    ez_buffer_add_u16(out, (uint16_t)size);
    ez_buffer_add(out, text, size + 1);
}

const char *ez_record_get_text(ez_reader *payload, size_t max)
{
    size_t size = ez_reader_u16(payload);
    const uint8_t *text = ez_reader_take(payload, size + 1);
    if (text == NULL || size > max || memchr(text, '\0', size + 1) != text + size) {
        payload->failed = true;
        return NULL;
    }
    return (const char *)text;
}

/* ---- start ------------------------------------------------------------------------------------
 */

#define PROGRAM_BYTES_MAX 128
#define RELAY_BYTES_MAX   64

static void put_network(ez_buffer *out, const ez_network *network)
{
    uint8_t genesis[EZ_HEADER_BYTES];
    ez_header_encode(genesis, &network->genesis);
    ez_record_put_text(out, network->name);
    ez_buffer_add(out, genesis, sizeof genesis);
    ez_buffer_add_u32(out, network->first_bits);
    ez_buffer_add_u64(out, network->interval_us);
    ez_buffer_add_u64(out, network->reward);
    ez_buffer_add_u32(out, network->body_bytes_max);
}

static void get_network(ez_network *out, ez_reader *payload)
{
    uint8_t genesis[EZ_HEADER_BYTES];
    const char *name = ez_record_get_text(payload, sizeof out->name - 1);
    if (name != NULL) {
        memcpy(out->name, name, strlen(name) + 1);
    }
    ez_reader_copy(payload, genesis, sizeof genesis);
    ez_header_decode(&out->genesis, genesis);
    ez_header_id(&out->genesis_id, &out->genesis);
    out->first_bits = ez_reader_u32(payload);
    out->interval_us = ez_reader_u64(payload);
    out->reward = ez_reader_u64(payload);
    out->body_bytes_max = ez_reader_u32(payload);
}

void ez_record_put_start(ez_buffer *out, const ez_node_config *config, const char *program,
                         ez_now now)
{
    ez_record_put_text(out, program);
    ez_record_put_text(out, ez_build_commit());
    ez_buffer_add_u64(out, now.mono);
    ez_buffer_add_u64(out, now.wall);
    put_network(out, &config->network);
    ez_buffer_add(out, config->key.bytes, sizeof config->key.bytes);
    ez_buffer_add(out, config->seed, sizeof config->seed);
    ez_buffer_add_u16(out, config->listen_port);
    ez_buffer_add_u32(out, config->outbound_max);
    ez_buffer_add_u32(out, config->inbound_max);
    ez_buffer_add_u8(out, config->mine);
    const ez_relay_strategy *relay = config->relay;
    ez_record_put_text(out, relay == NULL ? ez_relay_default()->name : relay->name);
    ez_record_put_text(out, config->user_agent);
    ez_buffer_add_u32(out, (uint32_t)config->peer_count);
    for (size_t i = 0; i < config->peer_count; i++) {
        ez_record_put_text(out, config->peers[i].host);
        ez_buffer_add_u16(out, config->peers[i].port);
    }
}

static void get_peers(ez_record_start *out, ez_reader *payload)
{
    uint32_t count = ez_reader_u32(payload);
    if (payload->failed || count > EZ_MANUAL_PEERS_MAX) {
        payload->failed = true;
        return;
    }
    out->peers = ez_alloc(count + 1, sizeof *out->peers);
    for (uint32_t i = 0; i < count; i++) {
        const char *host = ez_record_get_text(payload, EZ_MANUAL_HOST_BYTES_MAX);
        out->peers[i] = (ez_manual_peer){host, ez_reader_u16(payload)};
    }
    out->config.peers = out->peers;
    out->config.peer_count = count;
}

/* What the core takes for granted of its config and does not look at again. */
static bool is_usable(const ez_node_config *config)
{
    uint8_t target[EZ_HASH_BYTES];
    const ez_network *network = &config->network;
    return config->relay != NULL && network->genesis.index == 1 &&
           network->reward <= EZ_AMOUNT_MAX / 2 &&
           network->body_bytes_max <= EZ_BLOCK_BODY_BYTES_MAX &&
           ez_target_from_bits(target, network->genesis.bits) &&
           ez_target_from_bits(target, network->first_bits) &&
           config->outbound_max <= EZ_OUTBOUND_MAX && config->inbound_max <= EZ_INBOUND_MAX;
}

bool ez_record_get_start(ez_record_start *out, ez_reader *payload)
{
    *out = (ez_record_start){0};
    out->program = ez_record_get_text(payload, PROGRAM_BYTES_MAX);
    out->commit = ez_record_get_text(payload, PROGRAM_BYTES_MAX);
    out->now.mono = ez_reader_u64(payload);
    out->now.wall = ez_reader_u64(payload);
    ez_node_config *config = &out->config;
    get_network(&config->network, payload);
    ez_reader_copy(payload, config->key.bytes, sizeof config->key.bytes);
    ez_reader_copy(payload, config->seed, sizeof config->seed);
    config->listen_port = ez_reader_u16(payload);
    config->outbound_max = ez_reader_u32(payload);
    config->inbound_max = ez_reader_u32(payload);
    config->mine = ez_reader_u8(payload) != 0;
    const char *relay = ez_record_get_text(payload, RELAY_BYTES_MAX);
    config->relay = relay == NULL ? NULL : ez_relay_find(relay, strlen(relay));
    config->user_agent = ez_record_get_text(payload, EZ_USER_AGENT_BYTES_MAX);
    get_peers(out, payload);
    if (!ez_reader_is_done(payload) || !is_usable(config)) {
        ez_record_start_clear(out);
        return false;
    }
    return true;
}

void ez_record_start_clear(ez_record_start *start)
{
    free(start->peers);
    start->peers = NULL;
}
