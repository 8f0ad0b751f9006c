/* Clients of the hosts: what they hand in, and the answers that they wait for. */
#include "run_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/address.h"
#include "ezp2p/chain/tx.h"

#include <stdio.h>
#include <stdlib.h>

#define BALANCE_ENOUGH 10 /* of a node that pays others */

uint64_t run_expect_reply(ez_run *run, size_t host, bool is_note)
{
    ez_request *const request = ez_alloc(1, sizeof(*request));
    request->number = ++run->last_request;
    request->host = host;
    request->note = is_note;
    HASH_ADD(hh, run->requests, number, sizeof(request->number), request);
    return request->number;
}

void run_forget_requests(ez_run *run, size_t host)
{
    ez_request *request, *next;
    HASH_ITER (hh, run->requests, request, next) {
        if (request->host == host) {
            HASH_DEL(run->requests, request);
            free(request);
        }
    }
}

static ez_byte_span span_of(const char *text)
{
    return (ez_byte_span){(const uint8_t *)text, strlen(text)};
}

/* Whoever lost its disk does not know what its key has signed that is not in a block yet, so it may
 * sign two entries of one number, of which one will be lost. No node can help that. */
static bool may_pay(const ez_run *run, size_t host)
{
    return run->wiped == NULL || !run->wiped[host];
}

/* A transfer with a fee, signed by the host's own key; false when it has not the coins. */
static bool submit_payment(ez_run *run, size_t host, size_t other)
{
    const uint32_t fee = run->scenario->fee;
    const ez_keypair *const key = ez_world_key(run->world, host);
    const ez_node *const node = ez_world_node(run->world, host);
    ez_account account;
    ez_node_account(node, &account, &key->public_key);
    const uint64_t sequence = ez_node_next_sequence(node, &key->public_key);
    const uint64_t waiting = sequence - account.sequence;
    if (fee == 0 || !may_pay(run, host) || account.balance < (waiting + 1) * (1 + fee)) {
        return false;
    }
    ez_tx tx = {.amount = 1, .fee = fee, .sequence = sequence};
    ez_buffer bytes = {0};
    tx.sender.kind = tx.recipient.kind = EZ_PARTY_ADDRESS;
    tx.recipient.key = ez_world_key(run->world, other)->public_key;
    tx.timestamp = ez_world_now(run->world).wall;
    ez_tx_sign(&tx, &ez_world_network(run->world)->genesis_id, key);
    ez_tx_encode(&bytes, &tx);
    ez_command command = {.type = EZ_COMMAND_SUBMIT_TX};
    command.bytes = (ez_byte_span){bytes.data, bytes.size};
    command.request = run_expect_reply(run, host, false);
    run->txs_submitted++;
    ez_world_command(run->world, host, command);
    ez_buffer_clear(&bytes);
    return true;
}

/* A note that a client signed. Now and then it has lost its patience, and hands the same one to
 * this host that another took in before. */
static void submit_signed_note(ez_run *run, size_t host)
{
    ez_buffer *const kept = &run->signed_notes[ez_rng_below(&run->rng, EZ_SIGNED_NOTES_KEPT)];
    if (kept->size == 0 || ez_rng_below(&run->rng, 2) == 0) {
        ez_tx tx = {.amount = 1, .timestamp = ez_world_now(run->world).wall};
        char sender[32];
        const int size =
            snprintf(sender, sizeof(sender), "wallet %llu", (unsigned long long)run->txs_submitted);
        EZ_ASSERT(ez_party_parse(&tx.sender, sender, (size_t)size) == EZ_RULE_OK);
        EZ_ASSERT(ez_party_parse(&tx.recipient, "shop", 4) == EZ_RULE_OK);
        ez_tx_sign(&tx, &ez_world_network(run->world)->genesis_id, ez_world_key(run->world, host));
        kept->size = 0;
        ez_tx_encode(kept, &tx);
    }
    ez_command command = {.type = EZ_COMMAND_SUBMIT_TX};
    command.bytes = (ez_byte_span){kept->data, kept->size};
    command.request = run_expect_reply(run, host, true);
    run->txs_submitted++;
    ez_world_command(run->world, host, command);
}

/* One transaction through a host: mostly notes, sometimes a transfer of what it mined; now and then
 * of so much that two of them are too much, or that a block which loses takes the coins away. */
void run_submit_through(ez_run *run, size_t host)
{
    const uint32_t again = run->scenario->tx_again_milli;
    const size_t other = run_random_honest(run);
    if (host > ez_world_count(run->world) || !run_is_awake(run, host)) {
        return; /* its client finds nobody */
    }
    if (submit_payment(run, host, other)) {
        return;
    }
    if (again > 0 && ez_rng_below(&run->rng, 1000) < again) {
        submit_signed_note(run, host);
        return;
    }
    const ez_keypair *const key = ez_world_key(run->world, host);
    const ez_address_string from = ez_address_text(&key->public_key);
    const ez_address_string to = ez_address_text(&ez_world_key(run->world, other)->public_key);
    char sender[32];
    ez_account account;
    ez_node_account(ez_world_node(run->world, host), &account, &key->public_key);
    snprintf(sender, sizeof(sender), "client %llu", (unsigned long long)run->txs_submitted);
    const bool pays =
        account.balance >= BALANCE_ENOUGH && may_pay(run, host) && ez_rng_below(&run->rng, 4) == 0;
    ez_command command = {.type = EZ_COMMAND_SUBMIT_ENTRY, .amount = 1};
    if (pays && ez_rng_below(&run->rng, 2) == 0) {
        command.amount += ez_rng_below(&run->rng, account.balance);
    }
    command.sender = span_of(pays ? from.text : sender);
    command.recipient = span_of(pays ? to.text : "shop");
    command.request = run_expect_reply(run, host, !pays);
    run->txs_submitted++;
    ez_world_command(run->world, host, command);
}

void run_submit(ez_run *run)
{
    const uint32_t sources = run->scenario->tx_sources;
    const size_t host = run_random_honest(run);
    run_submit_through(run, sources == 0 ? host : 1 + (host - 1) % sources);
}
