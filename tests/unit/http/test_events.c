#include "events_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_event_ring ring;

static void add(uint64_t height)
{
    ez_notice notice = {.type = EZ_NOTICE_BLOCK, .height = height};
    ez_event_ring_add(&ring, &notice, 1000 + height);
}

Test(events, ring_keeps_its_maximum_and_forgets_the_oldest)
{
    ez_event_ring_init(&ring, 100);
    cr_assert_null(ez_event_ring_get(&ring, 100));
    for (uint64_t i = 0; i < EZ_EVENT_RING_MAX; i++) {
        add(i);
    }
    cr_assert_eq(ez_event_ring_get(&ring, 100)->notice.height, 0);
    add(EZ_EVENT_RING_MAX);
    cr_assert_null(ez_event_ring_get(&ring, 100));
    cr_assert_eq(ez_event_ring_get(&ring, 101)->notice.height, 1);
    cr_assert_eq(ez_event_ring_get(&ring, 100 + EZ_EVENT_RING_MAX)->notice.height,
                 EZ_EVENT_RING_MAX);
    cr_assert_null(ez_event_ring_get(&ring, 101 + EZ_EVENT_RING_MAX));
    cr_assert_null(ez_event_ring_get(&ring, 99));
    ez_event_ring_clear(&ring);
}

Test(events, kinds_are_a_list_of_names)
{
    cr_assert_eq(ez_event_kinds_parse("block"), EZ_EVENT_KIND_BLOCK);
    cr_assert_eq(ez_event_kinds_parse("peer,transaction"),
                 EZ_EVENT_KIND_PEER | EZ_EVENT_KIND_TRANSACTION);
    cr_assert_eq(ez_event_kinds_parse("block,reorg,transaction,peer,block"), EZ_EVENT_KINDS);
    static const char *const wrong[] = {"",       ",",       "block,", ",block",
                                        "blocks", "block,x", "Block",  "block, peer"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(ez_event_kinds_parse(wrong[i]), 0, "%s", wrong[i]);
    }
}

static void expect(const ez_notice *notice, const char *text)
{
    ez_buffer out = {NULL, 0, 0};
    ez_event_format(&out, &(ez_event_record){*notice, 5}, 42);
    ez_buffer_add_u8(&out, '\0');
    cr_assert_str_eq((const char *)out.data, text);
    ez_buffer_clear(&out);
}

#define ZEROES "0000000000000000000000000000000000000000000000000000000000000000"

Test(events, block_is_one_line_of_data)
{
    expect(&(ez_notice){.type = EZ_NOTICE_BLOCK, .height = 7, .tx_count = 3, .own = true},
           "id: 42\nevent: block\ndata: {\"at_us\":5,\"hash\":\"" ZEROES
           "\",\"height\":7,\"own\":true,\"transactions\":3}\n\n");
}

Test(events, reorg_names_both_tips)
{
    expect(&(ez_notice){.type = EZ_NOTICE_REORG, .height = 7, .depth = 2},
           "id: 42\nevent: reorg\ndata: {\"at_us\":5,\"depth\":2,\"hash\":\"" ZEROES
           "\",\"height\":7,\"old_hash\":\"" ZEROES "\"}\n\n");
}

Test(events, transaction_tells_its_id)
{
    expect(&(ez_notice){.type = EZ_NOTICE_TX},
           "id: 42\nevent: transaction\ndata: {\"at_us\":5,\"id\":\"" ZEROES
           "\",\"own\":false}\n\n");
}

Test(events, lost_peer_comes_with_the_reason)
{
    ez_notice notice = {
        .type = EZ_NOTICE_PEER_DOWN, .link = {9}, .inbound = true, .reason = EZ_GOODBYE_SHUTDOWN};
    cr_assert(ez_endpoint_parse(&notice.endpoint, "10.0.0.9:7333"));
    ez_buffer out = {NULL, 0, 0};
    ez_event_format(&out, &(ez_event_record){notice, 5}, 42);
    ez_buffer_add_u8(&out, '\0');
    const char *text = (const char *)out.data;
    cr_assert_not_null(strstr(text, "event: peer\n"));
    cr_assert_not_null(strstr(text, "\"address\":\"10.0.0.9:7333\",\"at_us\":5,\"by_us\":false,"
                                    "\"direction\":\"inbound\",\"id\":9,\"node\":\"ez1"));
    cr_assert_not_null(strstr(text, "\"reason\":\"shutdown\",\"state\":\"down\"}\n\n"));
    ez_buffer_clear(&out);
}

Test(events, new_peer_has_no_reason)
{
    ez_buffer out = {NULL, 0, 0};
    ez_notice notice = {.type = EZ_NOTICE_PEER_UP};
    ez_event_format(&out, &(ez_event_record){notice, 5}, 42);
    ez_buffer_add_u8(&out, '\0');
    cr_assert_null(strstr((const char *)out.data, "reason"));
    cr_assert_not_null(strstr((const char *)out.data, "\"state\":\"up\"}\n\n"));
    ez_buffer_clear(&out);
}
