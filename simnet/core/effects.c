/* Carrying out what cores ask for. Nothing here calls back into a core. */
#include "world_internal.h"

#include <stdlib.h>

/* ---- the digest ------------------------------------------------------------------------------ */

static void fold_numbers(ez_world *world, const uint64_t *numbers, size_t count)
{
    world->digest = sim_hash(world->digest, numbers, count * sizeof(*numbers));
}

/* The bytes of messages are folded where they are sent; see sim_send. */
static uint64_t event_detail(const ez_event *event)
{
    switch (event->type) {
    case EZ_EVENT_TICK:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_DRAINED:
        return 0;
    case EZ_EVENT_LINK_UP:
        return event->as.link_up.dial;
    case EZ_EVENT_DIAL_FAILED:
        return event->as.dial_failed.dial;
    case EZ_EVENT_MESSAGE:
        return event->as.message.wire_bytes;
    case EZ_EVENT_LINK_FAULT:
        return event->as.fault;
    case EZ_EVENT_CHECKED:
        return event->as.job->id;
    case EZ_EVENT_STORED:
        return event->as.stored;
    case EZ_EVENT_PROOF_FOUND:
        return event->as.proof_found.proof;
    case EZ_EVENT_COMMAND:
        return event->as.command.request;
    }
    ez_assert_fail("an event of no known type", __FILE__, __LINE__);
}

void sim_fold_event(ez_world *world, const sim_host *host, const ez_event *event)
{
    const uint64_t numbers[] = {world->time, host->number, (uint64_t)event->type, event->link.value,
                                event_detail(event)};
    fold_numbers(world, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static uint64_t effect_detail(const ez_effect *effect)
{
    switch (effect->type) {
    case EZ_EFFECT_SEND:
        return (uint64_t)effect->as.message->type;
    case EZ_EFFECT_CLOSE:
    case EZ_EFFECT_READY:
    case EZ_EFFECT_MINE_STOP:
        return 0;
    case EZ_EFFECT_DIAL:
        return effect->as.dial.dial;
    case EZ_EFFECT_CHECK:
        return effect->as.job->id;
    case EZ_EFFECT_WRITE:
        return effect->as.write->number << 16 | effect->as.write->count;
    case EZ_EFFECT_MINE:
        return effect->as.mine.generation;
    case EZ_EFFECT_REPLY:
        return effect->as.reply.request;
    case EZ_EFFECT_NOTIFY:
        return (uint64_t)effect->as.notice.type << 32 | effect->as.notice.height;
    }
    ez_assert_fail("an effect of no known type", __FILE__, __LINE__);
}

/* ---- one by one ------------------------------------------------------------------------------ */

static void send_message(ez_world *world, const sim_host *host, const ez_effect *effect)
{
    ez_buffer *const bytes = &world->encoded;
    ez_message message = *effect->as.message;
    if (!sim_says(host, effect->link, &message)) {
        return;
    }
    bytes->size = 0;
    ez_wire_encode(bytes, &message);
    /* The core budgets its output by this figure. */
    const size_t said = ez_message_bytes(&message);
    EZ_ASSERT(said <= bytes->size + 16 && bytes->size <= said + 16);
    /* Each node's address reaches all others through all: at 10,000 hosts that start together it
     * would be all that there is to simulate. */
    if (!world->config.silent || message.type != EZ_MSG_ADDRESSES) {
        sim_send(world, effect->link.value, bytes->data, bytes->size);
    }
}

/* As the real writer does: what is queued when a commit begins becomes durable together, what comes
 * meanwhile with the next one. */
void sim_commit_later(ez_world *world, sim_host *host)
{
    const uint64_t last = ez_memory_store_last(host->store);
    if (last != 0 && !host->commit_due && host->commit_ms != EZ_TIME_NEVER) {
        host->commit_due = true;
        sim_at(world, host->commit_ms,
               &(sim_event){
                   .kind = SIM_COMMIT, .host = host->number, .life = host->life, .number = last});
    }
}

static void check(ez_world *world, const sim_host *host, ez_check_job *job)
{
    if (world->config.share_checks) {
        sim_shared_check(world->shared, job);
    } else {
        ez_check_run(job, NULL); /* by libsodium alone, for comparison */
    }
    sim_at(world, 0,
           &(sim_event){
               .kind = SIM_CHECKED, .host = host->number, .life = host->life, .payload = job});
}

static void keep_reply(sim_host *host, const ez_reply *reply)
{
    sim_reply *kept = NULL;
    HASH_FIND(hh, host->replies, &reply->request, sizeof(reply->request), kept);
    EZ_ASSERT(kept == NULL); /* one answer to a request */
    kept = ez_alloc(1, sizeof(*kept));
    kept->request = reply->request;
    kept->reply = *reply;
    HASH_ADD(hh, host->replies, request, sizeof(kept->request), kept);
}

static void keep_notice(ez_world *world, sim_host *host, const ez_notice *notice)
{
    if (notice->type == EZ_NOTICE_PEER_DOWN && notice->by_us &&
        ez_goodbye_is_fault(notice->reason) && sim_host_at(world, &notice->endpoint) != 0) {
        world->honest_faults++;
    }
    host->notice_counts[notice->type]++;
    host->notices[notice->type] = *notice;
}

static void carry_out(ez_world *world, sim_host *host, const ez_effect *effect)
{
    const ez_watcher *const watcher = world->config.watcher;
    switch (effect->type) {
    case EZ_EFFECT_DIAL:
        sim_dial_start(world, host, effect);
        break;
    case EZ_EFFECT_SEND:
        send_message(world, host, effect);
        break;
    case EZ_EFFECT_CLOSE:
        sim_close_end(world, effect->link.value);
        break;
    case EZ_EFFECT_READY:
        sim_set_frame_limit(world, effect->link.value);
        break;
    case EZ_EFFECT_CHECK:
        check(world, host, effect->as.job);
        break;
    case EZ_EFFECT_WRITE:
        ez_memory_store_write(host->store, effect->as.write);
        sim_commit_later(world, host);
        break;
    case EZ_EFFECT_MINE:
        EZ_ASSERT(effect->as.mine.generation > host->generation || !host->mining);
        host->mining = true;
        host->generation = effect->as.mine.generation;
        host->header = effect->as.mine.header;
        break;
    case EZ_EFFECT_MINE_STOP:
        host->mining = false;
        break;
    case EZ_EFFECT_REPLY:
        if (watcher != NULL) {
            watcher->reply(watcher->self, host->number, &effect->as.reply);
        } else {
            keep_reply(host, &effect->as.reply);
        }
        break;
    case EZ_EFFECT_NOTIFY:
        keep_notice(world, host, &effect->as.notice);
        if (watcher != NULL) {
            watcher->notice(watcher->self, host->number, &effect->as.notice);
        }
        break;
    }
}

void sim_carry_out(ez_world *world, sim_host *host)
{
    ez_effect effect;
    while (host->core.next_effect(host->core.self, &effect)) {
        const uint64_t numbers[] = {host->number, (uint64_t)effect.type, effect.link.value,
                                    effect_detail(&effect)};
        fold_numbers(world, numbers, sizeof(numbers) / sizeof(numbers[0]));
        carry_out(world, host, &effect);
    }
}
