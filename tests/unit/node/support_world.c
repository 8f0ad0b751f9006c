#include "support_world.h"

ez_world_config world_config(uint64_t seed)
{
    return (ez_world_config){.network = fixture_network(),
                             .seed = seed,
                             .latency_ms = LATENCY_MS,
                             .commit_ms = COMMIT_MS};
}

ez_world *world_new(uint64_t seed, size_t hosts)
{
    const ez_world_config config = world_config(seed);
    ez_world *const world = ez_world_new(&config);
    for (size_t host = 1; host <= hosts; host++) {
        const size_t before = host - 1;
        ez_world_add(world, &before, host > 1 ? 1 : 0);
    }
    return world;
}

void world_end(ez_world *world)
{
    world_end_faulted(world, 0);
}

void world_end_faulted(ez_world *world, uint64_t faults)
{
    cr_expect_eq(ez_world_faults(world), faults, "%zu peers were dropped for breaking a rule",
                 (size_t)ez_world_faults(world));
    ez_world_free(world);
}

ez_node_status status_of(ez_world *world, size_t host)
{
    ez_node_status status;
    ez_node_get_status(ez_world_node(world, host), &status);
    return status;
}

const ez_node_counters *counters_of(ez_world *world, size_t host)
{
    return ez_node_get_counters(ez_world_node(world, host));
}

uint64_t height_of(ez_world *world, size_t host)
{
    return status_of(world, host).tip.height;
}

ez_block_id tip_of(ez_world *world, size_t host)
{
    return status_of(world, host).tip.id;
}

ez_header tip_header_of(ez_world *world, size_t host)
{
    ez_block_info info;
    const ez_block_id tip = tip_of(world, host);
    EZ_ASSERT(ez_node_block_by_id(ez_world_node(world, host), &info, &tip));
    return info.header;
}

size_t peers_of(ez_world *world, size_t host)
{
    const ez_node_status status = status_of(world, host);
    return status.peers_inbound + status.peers_outbound;
}

size_t pool_of(ez_world *world, size_t host)
{
    return status_of(world, host).pool_count;
}

bool pool_has(ez_world *world, size_t host, const ez_tx_id *id)
{
    return ez_pool_find(ez_node_pool(ez_world_node(world, host)), id) != NULL;
}

uint64_t balance_of(ez_world *world, size_t host, const ez_public_key *key)
{
    ez_account account;
    ez_node_account(ez_world_node(world, host), &account, key);
    return account.balance;
}

bool peer_of(ez_world *world, size_t host, ez_link_id link, ez_peer_info *out)
{
    ez_peer_info rows[256];
    const size_t count = ez_node_peers(ez_world_node(world, host), rows, 256);
    EZ_ASSERT(count <= 256);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].link.value == link.value) {
            *out = rows[i];
            return true;
        }
    }
    return false;
}

void mine(ez_world *world, size_t host, size_t count, ez_time_ms gap)
{
    for (size_t i = 0; i < count; i++) {
        ez_world_mine(world, host);
        ez_world_run(world, gap);
    }
}

ez_tx_id note(ez_world *world, size_t host, const char *text)
{
    const uint64_t request = ez_world_note(world, host, "somebody", text, 1);
    ez_world_run(world, COMMIT_MS);
    const ez_reply reply = answer(world, host, request);
    cr_assert_eq(reply.rule, EZ_RULE_OK);
    return reply.tx_id;
}

fixture_tx numbered_note(const ez_world *world, uint64_t number)
{
    const ez_keypair signer = fixture_keypair(50);
    return fixture_note(ez_world_network(world), &signer, "from", "to", number, number);
}

fixture_tx transfer_of(const ez_world *world, const ez_keypair *from, uint32_t to, uint64_t amount,
                       uint64_t sequence)
{
    const ez_keypair recipient = fixture_keypair(to);
    return fixture_transfer(ez_world_network(world), from, &recipient.public_key, amount, 0,
                            sequence);
}

uint64_t coins_of(ez_world *world, uint32_t number)
{
    const ez_public_key key = fixture_keypair(number).public_key;
    return balance_of(world, 1, &key);
}

uint64_t submit(ez_world *world, size_t host, const fixture_tx *tx)
{
    ez_command command = {.type = EZ_COMMAND_SUBMIT_TX};
    command.bytes = (ez_byte_span){ez_blob_data(tx->bytes), ez_blob_size(tx->bytes)};
    const uint64_t request = ez_world_command(world, host, command);
    ez_world_run(world, 0); /* the check */
    return request;
}

ez_reply answer(ez_world *world, size_t host, uint64_t request)
{
    ez_reply reply = {0};
    cr_assert(ez_world_reply(world, host, request, &reply), "no reply to request %zu",
              (size_t)request);
    return reply;
}

static bool agree(ez_world *world, void *self)
{
    (void)self;
    return ez_world_agrees(world);
}

bool run_to_agreement(ez_world *world, ez_time_ms ms)
{
    return ez_world_run_until(world, ms, NULL, agree);
}
