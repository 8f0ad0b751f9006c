#include "event_queue_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(event_queue, keeps_order)
{
    ez_event_queue queue = {0};
    for (uint64_t round = 0; round < 2; round++) { /* the second on a queue that was emptied */
        for (uint64_t i = 0; i < 3; i++) {
            ez_event event = {.type = EZ_EVENT_STORED, .as.stored = i};
            ez_event_queue_push(&queue, &event);
        }
        for (uint64_t i = 0; i < 3; i++) {
            ez_queued_event *queued = ez_event_queue_pop(&queue);
            cr_assert_eq(queued->event.as.stored, i);
            free(queued);
        }
        cr_assert_null(ez_event_queue_pop(&queue));
    }
}

Test(event_queue, copies_all_that_a_command_lends)
{
    char sender[] = "alice", recipient[] = "bob", bytes[] = "12345", host[] = "example.org";
    ez_event event = {.type = EZ_EVENT_COMMAND};
    ez_command *command = &event.as.command;
    command->sender = (ez_byte_span){(const uint8_t *)sender, 5};
    command->recipient = (ez_byte_span){(const uint8_t *)recipient, 3};
    command->bytes = (ez_byte_span){(const uint8_t *)bytes, 5};
    command->text = host;
    ez_event_queue queue = {0};
    ez_event_queue_push(&queue, &event);
    memset(sender, 0, sizeof sender);
    memset(recipient, 0, sizeof recipient);
    memset(bytes, 0, sizeof bytes);
    memset(host, 0, sizeof host);
    ez_queued_event *queued = ez_event_queue_pop(&queue);
    command = &queued->event.as.command;
    cr_assert_eq(memcmp(command->sender.data, "alice", 5), 0);
    cr_assert_eq(memcmp(command->recipient.data, "bob", 3), 0);
    cr_assert_eq(memcmp(command->bytes.data, "12345", 5), 0);
    cr_assert_str_eq(command->text, "example.org");
    free(queued);
}

Test(event_queue, clear_drops_jobs_with_their_events)
{
    ez_network network;
    ez_network_classic(&network);
    ez_event event = {.type = EZ_EVENT_CHECKED};
    event.as.job = ez_check_job_new(EZ_CHECK_TX, 1, &network);
    ez_event_queue queue = {0};
    ez_event_queue_push(&queue, &event);
    ez_event_queue_clear(&queue); /* a leak would show */
    cr_assert_null(ez_event_queue_pop(&queue));
}
