/* From a request's head to its handler: the one place every request passes. */
#include "http_internal.h"

/* OPTIONS, and methods that a path does not have. */
static void answer_methods(ez_exchange *exchange, unsigned allowed)
{
    ez_allow_string allow = ez_route_allow(allowed);
    ez_respond_header(exchange, "Allow", allow.text);
    if (exchange->head.method == EZ_METHOD_OPTIONS) {
        ez_respond(exchange, 200, NULL, NULL);
        return;
    }
    char detail[128];
    (void)snprintf(detail, sizeof detail, "this path answers to: %s", allow.text);
    ez_respond_problem(exchange, 405, "method", detail);
}

static ez_refusal refusal_of(ez_decoded decoded)
{
    switch (decoded) {
    case EZ_DECODED:
        return EZ_NOT_REFUSED;
    case EZ_DECODED_TOO_LONG:
        return EZ_REFUSED(404, "not-found", "no route is that long");
    case EZ_DECODED_MALFORMED:
        break;
    }
    return EZ_REFUSED(400, "target-malformed",
                      "the path or query holds a broken or forbidden percent escape, or a "
                      "parameter twice");
}

/* Fill in route and parameter, or answer. */
static bool find_route(ez_exchange *exchange)
{
    ez_head *head = &exchange->head;
    if (head->path.size == 1 && head->path.data[0] == '*') {
        answer_methods(exchange, EZ_METHOD_GET | EZ_METHOD_HEAD | EZ_METHOD_POST |
                                     EZ_METHOD_DELETE | EZ_METHOD_OPTIONS);
        return false;
    }
    ez_refusal refusal = refusal_of(ez_path_decode(&exchange->path, head->path));
    unsigned allowed = 0;
    if (refusal.status == 0) {
        exchange->route = ez_route_find(ez_routes, ez_route_count, head->method, &exchange->path,
                                        &allowed, &exchange->param);
        if (allowed == 0) {
            refusal = EZ_REFUSED(404, "not-found", "no such path; / lists what there is");
        }
    }
    if (refusal.status != 0) {
        ez_respond_refusal(exchange, &refusal);
        return false;
    }
    if (exchange->route == NULL) {
        answer_methods(exchange, allowed);
        return false;
    }
    return true;
}

/* The checks that a route asks for. */
static ez_refusal check(ez_exchange *exchange)
{
    const ez_head *head = &exchange->head;
    ez_refusal refusal = EZ_NOT_REFUSED;
    if ((exchange->route->flags & EZ_ROUTE_CHANGES) != 0) {
        refusal = ez_gate_check_change(&exchange->http->policy, head);
    }
    if (refusal.status == 0 && head->method == EZ_METHOD_POST) {
        refusal = ez_gate_check_json(head);
    }
    if (refusal.status == 0) {
        ez_decoded decoded = ez_query_decode(&exchange->query, head->query);
        refusal = decoded == EZ_DECODED_TOO_LONG
                      ? EZ_REFUSED(400, "query-too-long", "the query is too long")
                      : refusal_of(decoded);
    }
    return refusal;
}

bool ez_dispatch_head(ez_exchange *exchange)
{
    if (!find_route(exchange)) {
        return false;
    }
    ez_refusal refusal = check(exchange);
    if (refusal.status != 0) {
        ez_respond_refusal(exchange, &refusal);
        return false;
    }
    return true;
}

void ez_dispatch(ez_exchange *exchange)
{
    const ez_route *route = exchange->route;
    if (exchange->head.method == EZ_METHOD_HEAD && (route->flags & EZ_ROUTE_HEAD_IDLE) != 0) {
        /* What GET would answer is not known without doing it, its length neither. */
        (void)ez_stream_begin(exchange, route->type);
        return;
    }
    route->handle(exchange);
}
