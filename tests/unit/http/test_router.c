#include "router_internal.h"

#include <criterion/criterion.h>

static void handle(ez_exchange *exchange)
{
    (void)exchange;
}

static const ez_route table[] = {
    {EZ_METHOD_GET, "/", 0, handle, "", NULL, ""},
    {EZ_METHOD_GET, "/v1/peers", 0, handle, "", NULL, ""},
    {EZ_METHOD_POST, "/v1/peers", 0, handle, "", NULL, ""},
    {EZ_METHOD_DELETE, "/v1/peers/{id}", 0, handle, "", NULL, ""},
    {EZ_METHOD_GET, "/v1/tx/{id}/proof", 0, handle, "", NULL, ""},
};

static ez_path path;
static unsigned allowed;
static const char *param;

static const ez_route *find(ez_method method, const char *text)
{
    cr_assert_eq(ez_path_decode(&path, (ez_span){text, strlen(text)}), EZ_DECODED);
    return ez_route_find(table, sizeof table / sizeof table[0], method, &path, &allowed, &param);
}

Test(router, method_and_path_together_choose)
{
    cr_assert_eq(find(EZ_METHOD_GET, "/v1/peers"), &table[1]);
    cr_assert_eq(find(EZ_METHOD_POST, "/v1/peers"), &table[2]);
    cr_assert_eq(find(EZ_METHOD_GET, "/"), &table[0]);
    cr_assert_null(param);
}

Test(router, head_finds_the_route_of_get)
{
    cr_assert_eq(find(EZ_METHOD_HEAD, "/v1/peers"), &table[1]);
    cr_assert_null(find(EZ_METHOD_HEAD, "/v1/peers/1"));
}

Test(router, variable_segment_is_handed_over)
{
    cr_assert_eq(find(EZ_METHOD_DELETE, "/v1/peers/a%2fb"), &table[3]);
    cr_assert_str_eq(param, "a/b");
    cr_assert_eq(find(EZ_METHOD_GET, "/v1/tx/7/proof"), &table[4]);
    cr_assert_str_eq(param, "7");
}

Test(router, empty_variable_is_no_match)
{
    cr_assert_null(find(EZ_METHOD_DELETE, "/v1/peers/"));
    cr_assert_eq(allowed, 0);
}

Test(router, near_misses_are_not_found)
{
    static const char *const paths[] = {"/v1",         "/v1/peer", "/v1/peersx",      "//v1/peers",
                                        "/v1/peers/",  "/v1/tx/7", "/v1/tx/7/proofs", "/V1/peers",
                                        "/v1%2fpeers", "/{id}"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cr_assert_null(find(EZ_METHOD_GET, paths[i]));
        cr_assert_eq(allowed, 0, "%s", paths[i]);
    }
}

Test(router, other_method_learns_what_is_allowed)
{
    cr_assert_null(find(EZ_METHOD_DELETE, "/v1/peers"));
    cr_assert_str_eq(ez_route_allow(allowed).text, "GET, HEAD, POST, OPTIONS");
    cr_assert_null(find(EZ_METHOD_OTHER, "/v1/peers/1"));
    cr_assert_str_eq(ez_route_allow(allowed).text, "DELETE, OPTIONS");
}

Test(router, every_real_route_is_found_by_its_own_pattern)
{
    for (size_t i = 0; i < ez_route_count; i++) {
        const ez_route *route = &ez_routes[i];
        cr_assert_eq(ez_path_decode(&path, (ez_span){route->pattern, strlen(route->pattern)}),
                     EZ_DECODED);
        cr_assert_eq(
            ez_route_find(ez_routes, ez_route_count, route->method, &path, &allowed, &param), route,
            "%s is hidden by another route", route->pattern);
        cr_assert(route->method == EZ_METHOD_GET || (route->flags & EZ_ROUTE_CHANGES) != 0,
                  "%s changes the node unguarded", route->pattern);
    }
}
