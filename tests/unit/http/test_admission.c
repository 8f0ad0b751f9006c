#include "admission_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>

static ez_endpoint endpoint(const char *text)
{
    ez_endpoint out = {.port = 0};
    cr_assert(ez_endpoint_parse(&out, text), "%s", text);
    return out;
}

Test(admission, who_is_being_served_keeps_its_place)
{
    ez_claim served = {.kind = EZ_CLAIM_SERVED, .ms = 1000000};
    cr_assert_not(ez_claim_may_yield(&served));
}

Test(admission, who_asks_for_nothing_gives_way_at_once)
{
    ez_claim idle = {.kind = EZ_CLAIM_IDLE, .ms = 0};
    cr_assert(ez_claim_may_yield(&idle));
}

Test(admission, requests_and_answers_under_way_have_their_grace)
{
    static const ez_claim_kind kinds[] = {EZ_CLAIM_TAKING, EZ_CLAIM_SENDING};
    for (size_t i = 0; i < 2; i++) {
        ez_claim claim = {.kind = kinds[i], .ms = EZ_HTTP_GRACE_MS - 1};
        cr_assert_not(ez_claim_may_yield(&claim));
        claim.ms++;
        cr_assert(ez_claim_may_yield(&claim));
    }
}

Test(admission, idle_before_taking_before_sending)
{
    ez_claim idle = {.kind = EZ_CLAIM_IDLE, .ms = 1};
    ez_claim taking = {.kind = EZ_CLAIM_TAKING, .ms = 5000, .bytes = 1};
    ez_claim sending = {.kind = EZ_CLAIM_SENDING, .ms = 9000};
    cr_assert(ez_claim_is_weaker(&idle, &taking) && !ez_claim_is_weaker(&taking, &idle));
    cr_assert(ez_claim_is_weaker(&taking, &sending) && !ez_claim_is_weaker(&sending, &taking));
}

Test(admission, among_equals_the_longest_gives_way)
{
    for (int kind = EZ_CLAIM_IDLE; kind <= EZ_CLAIM_SENDING; kind++) {
        ez_claim old = {.kind = (ez_claim_kind)kind, .ms = 3000};
        ez_claim young = {.kind = (ez_claim_kind)kind, .ms = 2000};
        cr_assert(ez_claim_is_weaker(&old, &young) && !ez_claim_is_weaker(&young, &old));
        cr_assert_not(ez_claim_is_weaker(&old, &old));
    }
}

Test(admission, the_slowest_reader_gives_way_however_young)
{
    ez_claim fast = {.kind = EZ_CLAIM_TAKING, .ms = 20000, .bytes = 20000000};
    ez_claim slow = {.kind = EZ_CLAIM_TAKING, .ms = 1500, .bytes = 1500};
    cr_assert(ez_claim_is_weaker(&slow, &fast) && !ez_claim_is_weaker(&fast, &slow));
}

Test(admission, one_client_is_one_address_or_one_subscriber_of_ipv6)
{
    ez_endpoint a = endpoint("192.0.2.1:1"), b = endpoint("192.0.2.1:2");
    ez_endpoint c = endpoint("192.0.2.2:1");
    cr_assert(ez_is_one_client(&a, &b));
    cr_assert_not(ez_is_one_client(&a, &c));
    ez_endpoint d = endpoint("[2001:db8:0:1::1]:1"), e = endpoint("[2001:db8:0:1:ffff::]:9");
    ez_endpoint f = endpoint("[2001:db8:0:2::1]:1");
    cr_assert(ez_is_one_client(&d, &e));
    cr_assert_not(ez_is_one_client(&d, &f));
}

Test(admission, loopback_is_many_clients)
{
    ez_endpoint a = endpoint("127.0.0.1:1"), b = endpoint("[::1]:1");
    cr_assert_not(ez_is_one_client(&a, &a));
    cr_assert_not(ez_is_one_client(&b, &b));
}
