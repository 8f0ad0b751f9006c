/* Headers, blocks and transactions that no node would make, signed and proved as the rules ask. */
#include "attack_internal.h"
#include "ezp2p/chain/block.h"
#include "ezp2p/chain/merkle.h"

#define KEY_NOTES_MAX (EZ_POOL_SIGNER_MAX - 5000) /* by one key, which pools take 25,000 of */

void forge_proof(ez_header *header)
{
    ez_block_id id;
    ez_header_id(&id, header);
    while (!ez_header_has_work(&id, header->bits)) {
        header->proof++;
        ez_header_id(&id, header);
    }
}

ez_header forge_header(ez_adversary *adversary, const ez_header *parent)
{
    ez_header header = {.version = EZ_HEADER_VERSION,
                        .index = parent->index + 1,
                        .timestamp = parent->timestamp + 1000,
                        .bits = ez_world_network(adversary->world)->first_bits};
    ez_header_id(&header.previous, parent);
    ez_rng_fill(&adversary->rng, &header.merkle_root, sizeof(header.merkle_root));
    forge_proof(&header);
    return header;
}

void forge_block(ez_adversary *adversary, forged_block *out, const ez_header *parent,
                 uint64_t reward)
{
    const ez_network *const network = ez_world_network(adversary->world);
    ez_tx_id id;
    out->header = forge_header(adversary, parent);
    const ez_tx tx = {
        .sender = {.kind = EZ_PARTY_REWARD},
        .recipient = {.kind = EZ_PARTY_ADDRESS,
                      .key = ez_world_key(adversary->world, adversary->host)->public_key},
        .amount = reward,
        .sequence = out->header.index,
        .timestamp = out->header.timestamp};
    out->body = (ez_buffer){0};
    ez_tx_encode(&out->body, &tx);
    ez_tx_id_of(&id, &network->genesis_id, out->body.data, out->body.size);
    ez_merkle_root(&out->header.merkle_root, &id, 1);
    forge_proof(&out->header);
    ez_header_id(&out->id, &out->header);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void new_key(ez_adversary *adversary)
{
    uint8_t seed[EZ_SEED_BYTES];
    ez_rng_fill(&adversary->rng, seed, sizeof(seed));
    ez_keypair_from_seed(&adversary->key, seed);
    adversary->key_used = 0;
}

static void set_label(ez_party *out, const char *text)
{
    out->kind = EZ_PARTY_LABEL;
    out->label_size = (uint8_t)strlen(text);
    memcpy(out->label, text, out->label_size);
}

void forge_note(ez_adversary *adversary, ez_buffer *out)
{
    ez_tx tx = {.amount = 1, .timestamp = adversary->key_used};
    if (adversary->key_used % KEY_NOTES_MAX == 0) {
        new_key(adversary);
    }
    tx.timestamp = ++adversary->key_used;
    set_label(&tx.sender, "flood");
    set_label(&tx.recipient, "everybody");
    ez_tx_sign(&tx, &ez_world_network(adversary->world)->genesis_id, &adversary->key);
    ez_tx_encode(out, &tx);
}

void forge_orphan(ez_adversary *adversary, ez_buffer *out)
{
    ez_tx tx = {.amount = 1, .sequence = 1 + ez_rng_below(&adversary->rng, 1000)};
    new_key(adversary);
    tx.sender.kind = EZ_PARTY_ADDRESS;
    set_label(&tx.recipient, "nobody");
    ez_tx_sign(&tx, &ez_world_network(adversary->world)->genesis_id, &adversary->key);
    ez_tx_encode(out, &tx);
}

void forge_transfer(ez_adversary *adversary, ez_buffer *out, ez_tx_id *id, const ez_public_key *to,
                    uint64_t sequence)
{
    const ez_block_id *const network = &ez_world_network(adversary->world)->genesis_id;
    ez_tx tx = {.amount = 1, .sequence = sequence};
    tx.sender.kind = EZ_PARTY_ADDRESS;
    tx.recipient = (ez_party){.kind = EZ_PARTY_ADDRESS, .key = *to};
    tx.timestamp = ez_world_now(adversary->world).wall;
    ez_tx_sign(&tx, network, ez_world_key(adversary->world, adversary->host));
    ez_tx_encode(out, &tx);
    ez_tx_id_of(id, network, out->data, out->size);
}

/* ---- saying it ------------------------------------------------------------------------------- */

bool attack_says(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    return ez_world_say(adversary->world, adversary->host, link, message);
}

void attack_announce(ez_adversary *adversary, ez_link_id link, const ez_header *header,
                     const ez_buffer *reward)
{
    static const uint8_t nothing[1] = {0}; /* a reward takes at least a byte */
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    message.as.announce_block.header = *header;
    message.as.announce_block.reward = reward == NULL ? (ez_byte_span){nothing, sizeof(nothing)}
                                                      : (ez_byte_span){reward->data, reward->size};
    adversary->figures.sent += attack_says(adversary, link, &message);
}

void attack_push_tx(ez_adversary *adversary, ez_link_id link, const ez_buffer *tx)
{
    const ez_byte_span span = {tx->data, tx->size};
    ez_message message = {.type = EZ_MSG_TXS};
    message.as.txs.list = &span;
    message.as.txs.count = 1;
    adversary->figures.sent += attack_says(adversary, link, &message);
}

ez_header attack_tip(const ez_adversary *adversary, uint64_t back)
{
    const ez_node *const node = attack_node(adversary);
    ez_node_status status;
    ez_block_info block;
    ez_node_get_status(node, &status);
    const uint64_t height = status.tip.height > back ? status.tip.height - back : 1;
    const bool found = ez_node_block_at(node, &block, height);
    EZ_ASSERT(found);
    return block.header;
}
