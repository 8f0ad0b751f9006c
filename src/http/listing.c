#include "listing_internal.h"

#include "http_internal.h"

#include <stdlib.h>

#define ITEMS_AT_ONCE 16 /* between two looks at the clock: some tens of microseconds */

static bool on_turn(ez_exchange *exchange)
{
    ez_listing *listing = exchange->state;
    bool more = true;
    listing->writer.out = exchange->draft;
    exchange->draft = (ez_buffer){NULL, 0, 0};
    for (int i = 0; more && i < ITEMS_AT_ONCE; i++) {
        more = listing->add(exchange, listing);
    }
    if (!more) {
        listing->finish(exchange, listing);
        return true;
    }
    exchange->draft = listing->writer.out;
    listing->writer.out = (ez_buffer){NULL, 0, 0};
    ez_http_trim(exchange->http);
    return true;
}

static void free_listing(void *state)
{
    ez_listing *listing = state;
    if (listing->clear != NULL) {
        listing->clear(listing);
    }
    ez_buffer_clear(&listing->writer.out);
    free(listing);
}

void ez_listing_begin(ez_exchange *exchange, ez_listing *listing)
{
    exchange->draft = listing->writer.out;
    listing->writer.out = (ez_buffer){NULL, 0, 0};
    exchange->state = listing;
    exchange->free_state = free_listing;
    exchange->on_turn = on_turn;
}

void ez_listing_value(ez_json_writer *writer, const char *key, const ez_listing *listing)
{
    ez_buffer_add(ez_json_value(writer, key), listing->writer.out.data, listing->writer.out.size);
}
