/* A block of 1,000 transactions that the pool knows on its way through one core, from the frame of
 * its announcement to the tip: one JSON object per figure on standard output. No socket, no disk
 * and no other process takes part; the caches hold nothing of the node, as after a switch between
 * processes. Beside it the least that any node has to do: hash the ids into a merkle root. */
#include "chain_fixture.h"
#include "ezp2p/gossip/short_id.h"
#include "ezp2p/node/node.h"
#include "ezp2p/node/query.h"
#include "ezp2p/wire/codec.h"
#include "ezp2p/wire/frame.h"
#include "memory_store.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES     1000
#define ROUNDS      24
#define LINKS       4
#define SIGNERS     100 /* of entries from addresses; notes from labels have one */
#define BATCH       500 /* entries to a message */
#define CACHE_BYTES (8u << 20)

/* Where the time of a round goes. */
typedef enum mark {
    MARK_RELAYED,   /* from the start: the announcements for the peers are encoded */
    MARK_CONNECTED, /* it is the tip, and observers hear of it */
    MARK_DONE,      /* the event is over: the pool is cleared, the write handed over */
    MARK_STORED,    /* by itself: the news that it is on disk taken in */
    MARK_ROOT,      /* by itself: the merkle root of as many ids */
    MARKS
} mark;

static const char *const mark_names[MARK_ROOT] = {"relayed", "connected", "done", "stored"};

typedef struct measure {
    double us;
    double instructions;
} measure;

typedef struct bench {
    ez_network network;
    ez_keypair keys[SIGNERS];
    ez_memory_store *store;
    ez_node *node;
    ez_now now;
    ez_header tip;
    ez_buffer out; /* what goes to the peers, to be thrown away */
    uint64_t salt;
    int counter; /* of instructions; -1: the kernel has none for us */
    measure start;
    measure rounds[MARKS][ROUNDS];
    size_t round;
    unsigned announced;
    ez_check_job *jobs[BATCH];
    size_t job_count;
} bench;

/* ---- counting -------------------------------------------------------------------------------- */

static int open_counter(void)
{
    struct perf_event_attr what = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof what,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
}

static measure read_measure(const bench *run)
{
    struct timespec now;
    uint64_t instructions = 0;
    if (run->counter >= 0) {
        ssize_t got = read(run->counter, &instructions, sizeof instructions);
        EZ_ASSERT(got == sizeof instructions);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (measure){(double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3, (double)instructions};
}

static void reach(bench *run, mark at)
{
    measure now = read_measure(run);
    run->rounds[at][run->round] =
        (measure){now.us - run->start.us, now.instructions - run->start.instructions};
}

/* What the processes that share a processor leave of its caches for each other. */
static void forget_caches(void)
{
    static uint8_t other[CACHE_BYTES];
    for (size_t i = 0; i < sizeof other; i += 64) {
        ((volatile uint8_t *)other)[i]++;
    }
}

static void begin(bench *run)
{
    forget_caches();
    run->start = read_measure(run);
}

/* ---- a driver without sockets ---------------------------------------------------------------- */

static void carry_out(bench *run, const ez_effect *effect)
{
    switch (effect->type) {
    case EZ_EFFECT_SEND:
        run->out.size = 0;
        ez_wire_encode(&run->out, effect->as.message);
        run->announced += effect->as.message->type == EZ_MSG_ANNOUNCE_BLOCK;
        break;
    case EZ_EFFECT_CHECK:
        EZ_ASSERT(run->job_count < BATCH);
        run->jobs[run->job_count++] = effect->as.job;
        break;
    case EZ_EFFECT_WRITE:
        ez_memory_store_write(run->store, effect->as.write);
        break;
    case EZ_EFFECT_NOTIFY:
        if (effect->as.notice.type == EZ_NOTICE_BLOCK) {
            reach(run, MARK_CONNECTED);
        }
        break;
    case EZ_EFFECT_CLOSE:
        ez_assert_fail("the node closed a link", __FILE__, __LINE__);
    case EZ_EFFECT_DIAL:
    case EZ_EFFECT_READY:
    case EZ_EFFECT_MINE:
    case EZ_EFFECT_MINE_STOP:
    case EZ_EFFECT_REPLY:
        break;
    }
}

static void step(bench *run, const ez_event *event)
{
    ez_effect effect;
    ez_node_handle(run->node, event, run->now);
    while (ez_node_next_effect(run->node, &effect)) {
        carry_out(run, &effect);
    }
}

static void handle(bench *run, const ez_event *event)
{
    run->now.mono++;
    step(run, event);
    reach(run, MARK_RELAYED); /* by an event without a check, too, but that of the block is last */
    for (size_t i = 0; i < run->job_count; i++) {
        ez_check_run(run->jobs[i], NULL);
        step(run, &(ez_event){.type = EZ_EVENT_CHECKED, .as.job = run->jobs[i]});
    }
    run->job_count = 0;
    reach(run, MARK_DONE);
}

static void commit(bench *run)
{
    const ez_event stored = {.type = EZ_EVENT_STORED,
                             .as.stored = ez_memory_store_commit(run->store, UINT64_MAX)};
    if (stored.as.stored != 0) {
        begin(run);
        step(run, &stored);
        reach(run, MARK_STORED);
    }
}

static void receive(bench *run, uint64_t link, const ez_message *message)
{
    ez_event event = {.type = EZ_EVENT_MESSAGE, .link = {link}};
    event.as.message.message = message;
    event.as.message.wire_bytes = ez_message_bytes(message);
    handle(run, &event);
}

/* ---- the node and its peers ------------------------------------------------------------------ */

static void join(bench *run, uint64_t link)
{
    static const char user_agent[] = "bench";
    ez_event event = {.type = EZ_EVENT_LINK_UP, .link = {link}};
    ez_message hello = {.type = EZ_MSG_HELLO};
    hello.as.hello = (ez_hello){.protocol = EZ_PROTOCOL_VERSION,
                                .network = run->network.genesis_id,
                                .node = fixture_keypair((uint32_t)(1000 + link)).public_key,
                                .nonce = link,
                                .tip = {.id = run->network.genesis_id, .height = 1},
                                .user_agent = user_agent,
                                .user_agent_size = sizeof user_agent - 1};
    EZ_ASSERT(ez_endpoint_parse(&event.as.link_up.remote, "127.0.0.1:9999"));
    handle(run, &event);
    receive(run, link, &hello);
    receive(run, link, &(ez_message){.type = EZ_MSG_READY});
}

static void start(bench *run)
{
    run->network = fixture_network();
    run->tip = run->network.genesis;
    run->store = ez_memory_store_new(&run->network);
    for (uint32_t i = 0; i < SIGNERS; i++) {
        run->keys[i] = fixture_keypair(i);
    }
    const ez_node_config config = {.network = run->network,
                                   .key = run->keys[0].public_key,
                                   .seed = "a bench's seed",
                                   .listen_port = 7333,
                                   .inbound_max = LINKS,
                                   .user_agent = "bench"};
    const ez_node_ports ports = {.store = ez_memory_store_port(run->store),
                                 .signer = ez_keypair_signer(&run->keys[0])};
    run->now = (ez_now){.mono = 1000, .wall = FIXTURE_GENESIS_TIME};
    ez_status status = ez_node_new(&run->node, &config, &ports, run->now);
    EZ_ASSERT(status == EZ_OK);
    for (uint64_t link = 1; link <= LINKS; link++) {
        join(run, link);
    }
}

/* ---- a round --------------------------------------------------------------------------------- */

static fixture_tx make_entry(bench *run, bool from_address, size_t i)
{
    if (from_address) {
        const ez_keypair *key = &run->keys[i % SIGNERS];
        uint64_t sequence = run->round * (ENTRIES / SIGNERS) + i / SIGNERS;
        return fixture_address_note(&run->network, key, "propagation", 1, 0, sequence);
    }
    return fixture_note(&run->network, run->keys, "bench", "propagation", 1, run->salt++);
}

static void fill_pool(bench *run, const fixture_tx *txs)
{
    ez_byte_span spans[BATCH];
    for (size_t i = 0; i < ENTRIES; i += BATCH) {
        ez_message message = {.type = EZ_MSG_TXS};
        message.as.txs.list = spans;
        message.as.txs.count = BATCH;
        for (size_t at = 0; at < BATCH; at++) {
            ez_blob *bytes = txs[i + at].bytes;
            spans[at] = (ez_byte_span){ez_blob_data(bytes), ez_blob_size(bytes)};
        }
        receive(run, 1, &message);
    }
}

static void encode_announcement(const ez_block *block, ez_buffer *out)
{
    const ez_siphash_key key = ez_short_id_key(block->id.hash.bytes);
    const ez_block_tx *reward = &block->txs[block->tx_count - 1];
    uint64_t short_ids[ENTRIES];
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    for (size_t i = 0; i < ENTRIES; i++) {
        short_ids[i] = ez_short_id(&key, &block->txs[i].id);
    }
    message.as.announce_block.header = block->header;
    message.as.announce_block.short_ids = short_ids;
    message.as.announce_block.short_id_count = ENTRIES;
    message.as.announce_block.reward =
        (ez_byte_span){ez_blob_data(block->body) + reward->offset, reward->size};
    ez_wire_encode(out, &message);
}

/* The way of one block, from the bytes of a frame. */
static void take_block(bench *run, const ez_buffer *frame)
{
    ez_decoded decoded;
    begin(run);
    ez_goodbye verdict = ez_wire_decode(&decoded, frame->data + EZ_FRAME_PREFIX_BYTES,
                                        frame->size - EZ_FRAME_PREFIX_BYTES);
    EZ_ASSERT(verdict == EZ_GOODBYE_UNSPECIFIED);
    receive(run, 1, &decoded.message);
    ez_decoded_clear(&decoded);
    commit(run);
}

static void hash_root(bench *run, const ez_block *block)
{
    ez_tx_id ids[ENTRIES + 1];
    ez_hash root;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ids[i] = block->txs[i].id;
    }
    begin(run);
    ez_merkle_root(&root, ids, block->tx_count);
    reach(run, MARK_ROOT);
    EZ_ASSERT(ez_hash_is_equal(&root, &block->header.merkle_root));
}

static void play_round(bench *run, bool from_address)
{
    fixture_tx txs[ENTRIES];
    ez_node_status status;
    ez_buffer frame = {0};
    for (size_t i = 0; i < ENTRIES; i++) {
        txs[i] = make_entry(run, from_address, i);
    }
    fill_pool(run, txs);
    ez_block *block =
        fixture_block_on(&run->network, &run->tip, &run->keys[1].public_key, txs, ENTRIES);
    encode_announcement(block, &frame);
    run->now.wall += FIXTURE_BLOCK_US;
    run->announced = 0;
    take_block(run, &frame);
    EZ_ASSERT(run->announced == LINKS - 1);
    ez_node_get_status(run->node, &status);
    EZ_ASSERT(status.tip.height == block->header.index);
    hash_root(run, block);
    run->tip = block->header;
    ez_block_unref(block);
    ez_buffer_clear(&frame);
    for (size_t i = 0; i < ENTRIES; i++) {
        fixture_tx_clear(&txs[i]);
    }
}

/* ---- figures --------------------------------------------------------------------------------- */

static int compare_us(const void *a, const void *b)
{
    double left = ((const measure *)a)->us, right = ((const measure *)b)->us;
    return (left > right) - (left < right);
}

static void print_figure(const char *kind, const char *name, double value, double limit,
                         const char *unit)
{
    printf("{\"name\":\"block_of_%s_%s\",\"value\":%.1f,\"limit\":%.1f,\"unit\":\"%s\"}\n", kind,
           name, value, limit, unit);
}

static measure median(bench *run, mark at)
{
    qsort(run->rounds[at], ROUNDS, sizeof run->rounds[at][0], compare_us);
    return run->rounds[at][ROUNDS / 2];
}

static void print_figures(bench *run, const char *kind)
{
    const measure root = median(run, MARK_ROOT);
    for (mark at = 0; at < MARK_ROOT; at++) {
        const measure took = median(run, at);
        print_figure(kind, mark_names[at], took.us, root.us, "us");
        if (run->counter >= 0) {
            print_figure(kind, mark_names[at], took.instructions / 1000, root.instructions / 1000,
                         "k instr.");
        }
    }
}

static void play(const char *kind, bool from_address)
{
    static bench run;
    run = (bench){.counter = open_counter()};
    start(&run);
    for (run.round = 0; run.round < ROUNDS; run.round++) {
        play_round(&run, from_address);
    }
    print_figures(&run, kind);
    ez_node_free(run.node);
    ez_memory_store_free(run.store);
    ez_buffer_clear(&run.out);
    if (run.counter >= 0) {
        close(run.counter);
    }
}

int main(void)
{
    play("notes", false);
    play("address_notes", true);
    return 0;
}
