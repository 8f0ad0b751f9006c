/* Lists that take more than one turn: items are written a few at a time, and the answer is given
 * when the last is there. Between turns the text is the exchange's draft, which counts as unsent.
 */
#ifndef EZP2P_HTTP_LISTING_INTERNAL_H
#define EZP2P_HTTP_LISTING_INTERNAL_H

#include "json_internal.h"
#include "router_internal.h"

typedef struct ez_listing ez_listing;

/* The head of what a handler keeps of its list; it lives on the heap. */
struct ez_listing {
    ez_json_writer writer;
    /* write one more item; false: there is none, and nothing was written */
    bool (*add)(ez_exchange *exchange, ez_listing *listing);
    /* answer, with the items that are in `writer` */
    void (*finish)(ez_exchange *exchange, ez_listing *listing);
    void (*clear)(ez_listing *listing); /* let go of what it holds besides; may be NULL */
};

/* ez_listing_begin: answer with a list; `listing` moves in. */
void ez_listing_begin(ez_exchange *exchange, ez_listing *listing);

/* ez_listing_value: in `writer`, the finished list as the value of `key`. */
void ez_listing_value(ez_json_writer *writer, const char *key, const ez_listing *listing);

#endif
