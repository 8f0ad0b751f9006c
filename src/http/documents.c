/* Answers that do not depend on the chain: the list of routes for programs, the page for people,
 * and the metrics. */
#include "http_internal.h"
#include "routes_internal.h"

void ez_route_metrics(ez_exchange *exchange)
{
    ez_buffer out = {NULL, 0, 0};
    ez_metrics_build(&out, exchange->http);
    ez_respond(exchange, 200, exchange->route->type, &out);
}

void ez_route_openapi(ez_exchange *exchange)
{
    const ez_buffer *document = &exchange->http->openapi;
    ez_respond_static(exchange, 200, exchange->route->type, (const char *)document->data,
                      document->size);
}

void ez_route_page(ez_exchange *exchange)
{
    const ez_buffer *page = &exchange->http->page;
    ez_respond_header(exchange, "Content-Security-Policy",
                      (const char *)exchange->http->page_policy.data);
    ez_respond_header(exchange, "Referrer-Policy", "no-referrer");
    ez_respond_static(exchange, 200, exchange->route->type, (const char *)page->data, page->size);
}
