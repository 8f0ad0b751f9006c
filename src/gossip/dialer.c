#include "ezp2p/gossip/dialer.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <stdlib.h>
#include <utlist.h>

typedef struct manual {
    char *host;
    uint16_t port;
    bool is_rest;  /* never dialled */
    uint64_t dial; /* under way, or 0 */
    uint64_t link; /* connected, or 0 */
    ez_time_ms due;
    ez_time_ms pause; /* after the next failure */
    struct manual *prev, *next;
} manual;

typedef struct automatic {
    uint64_t dial;
    ez_endpoint endpoint;
    bool feeler;
    struct automatic *prev, *next;
} automatic;

struct ez_dialer {
    manual *manuals;
    automatic *automatics;
    size_t manual_count;
    size_t automatic_count; /* without the feeler */
    bool is_feeling;
    uint64_t last_dial;
};

ez_dialer *ez_dialer_new(void)
{
    return ez_alloc(1, sizeof(ez_dialer));
}

void ez_dialer_free(ez_dialer *dialer)
{
    if (dialer == NULL) {
        return;
    }
    manual *item, *next;
    DL_FOREACH_SAFE (dialer->manuals, item, next) {
        free(item->host);
        free(item);
    }
    automatic *one, *following;
    DL_FOREACH_SAFE (dialer->automatics, one, following) {
        free(one);
    }
    free(dialer);
}

static manual *find_host(const ez_dialer *dialer, const char *host, uint16_t port)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (item->port == port && strcmp(item->host, host) == 0) {
            return item;
        }
    }
    return NULL;
}

static manual *find_link(const ez_dialer *dialer, ez_link_id link)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (item->link == link.value && link.value != 0) {
            return item;
        }
    }
    return NULL;
}

static manual *find_manual_dial(const ez_dialer *dialer, uint64_t dial)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (item->dial == dial) {
            return item;
        }
    }
    return NULL;
}

static automatic *find_automatic(const ez_dialer *dialer, uint64_t dial)
{
    automatic *item;
    DL_FOREACH (dialer->automatics, item) {
        if (item->dial == dial) {
            return item;
        }
    }
    return NULL;
}

bool ez_dialer_add(ez_dialer *dialer, const char *host, uint16_t port)
{
    if (find_host(dialer, host, port) != NULL) {
        return true;
    }
    if (dialer->manual_count == EZ_MANUAL_PEERS_MAX) {
        return false;
    }
    manual *item = ez_alloc(1, sizeof(*item));
    item->host = ez_strdup(host);
    item->port = port;
    item->is_rest = strncmp(host, EZ_REST_PREFIX, sizeof EZ_REST_PREFIX - 1) == 0;
    item->pause = EZ_REDIAL_MS_FIRST;
    DL_APPEND(dialer->manuals, item);
    dialer->manual_count++;
    return true;
}

bool ez_dialer_remove(ez_dialer *dialer, ez_link_id *link, const char *host, uint16_t port)
{
    manual *item = find_host(dialer, host, port);
    if (item == NULL) {
        return false;
    }
    if (link != NULL) {
        *link = (ez_link_id){item->link};
    }
    DL_DELETE(dialer->manuals, item);
    dialer->manual_count--;
    free(item->host);
    free(item);
    return true;
}

static bool is_waiting(const manual *item)
{
    return !item->is_rest && item->dial == 0 && item->link == 0;
}

uint64_t ez_dialer_next(ez_dialer *dialer, const char **host, uint16_t *port, ez_time_ms now)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (is_waiting(item) && item->due <= now) {
            item->dial = ++dialer->last_dial;
            *host = item->host;
            *port = item->port;
            return item->dial;
        }
    }
    return 0;
}

static automatic *add_automatic(ez_dialer *dialer, const ez_endpoint *endpoint)
{
    automatic *item = ez_alloc(1, sizeof(*item));
    item->dial = ++dialer->last_dial;
    item->endpoint = *endpoint;
    DL_APPEND(dialer->automatics, item);
    return item;
}

uint64_t ez_dialer_start(ez_dialer *dialer, const ez_endpoint *endpoint)
{
    dialer->automatic_count++;
    return add_automatic(dialer, endpoint)->dial;
}

uint64_t ez_dialer_feel(ez_dialer *dialer, const ez_endpoint *endpoint)
{
    if (dialer->is_feeling) {
        return 0;
    }
    automatic *item = add_automatic(dialer, endpoint);
    item->feeler = dialer->is_feeling = true;
    return item->dial;
}

static void schedule(manual *item, ez_rng *rng, ez_time_ms now)
{
    ez_time_ms half = item->pause / 2;
    item->due = now + half + ez_rng_below(rng, item->pause - half + 1);
    item->pause *= 2;
    if (item->pause > EZ_REDIAL_MS_MAX) {
        item->pause = EZ_REDIAL_MS_MAX;
    }
}

/* Take a finished automatic dial off the list. */
static bool end_automatic(ez_dialer *dialer, ez_dial_purpose *out, uint64_t dial)
{
    automatic *item = find_automatic(dialer, dial);
    if (item == NULL) {
        return false;
    }
    *out = (ez_dial_purpose){.feeler = item->feeler, .endpoint = item->endpoint};
    DL_DELETE(dialer->automatics, item);
    if (item->feeler) {
        dialer->is_feeling = false;
    } else {
        dialer->automatic_count--;
    }
    free(item);
    return true;
}

bool ez_dialer_failed(ez_dialer *dialer, ez_dial_purpose *out, uint64_t dial, ez_rng *rng,
                      ez_time_ms now)
{
    manual *item = dial == 0 ? NULL : find_manual_dial(dialer, dial);
    if (item == NULL) {
        return end_automatic(dialer, out, dial);
    }
    *out = (ez_dial_purpose){.manual = true};
    item->dial = 0;
    schedule(item, rng, now);
    return true;
}

bool ez_dialer_connected(ez_dialer *dialer, ez_dial_purpose *out, uint64_t dial, ez_link_id link)
{
    manual *item = dial == 0 ? NULL : find_manual_dial(dialer, dial);
    if (item == NULL) {
        return end_automatic(dialer, out, dial);
    }
    *out = (ez_dial_purpose){.manual = true};
    item->dial = 0;
    item->link = link.value;
    return true;
}

void ez_dialer_ready(ez_dialer *dialer, ez_link_id link)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (item->link == link.value) {
            item->pause = EZ_REDIAL_MS_MIN;
        }
    }
}

void ez_dialer_closed(ez_dialer *dialer, ez_link_id link, bool give_up, ez_rng *rng, ez_time_ms now)
{
    manual *item; /* one link serves all the names that its node was asked for by */
    while ((item = find_link(dialer, link)) != NULL) {
        item->link = 0;
        if (give_up) {
            item->pause = EZ_REDIAL_MS_MAX;
        }
        schedule(item, rng, now);
    }
}

void ez_dialer_replace(ez_dialer *dialer, ez_link_id from, ez_link_id to)
{
    manual *item;
    while ((item = find_link(dialer, from)) != NULL) {
        item->link = to.value;
    }
}

bool ez_dialer_is_manual(const ez_dialer *dialer, ez_link_id link)
{
    return find_link(dialer, link) != NULL;
}

bool ez_dialer_is_dialing(const ez_dialer *dialer, const ez_endpoint *endpoint)
{
    automatic *item;
    DL_FOREACH (dialer->automatics, item) {
        if (ez_endpoint_is_equal(&item->endpoint, endpoint)) {
            return true;
        }
    }
    return false;
}

bool ez_dialer_is_dialing_group(const ez_dialer *dialer, const ez_network_group *group)
{
    automatic *item;
    DL_FOREACH (dialer->automatics, item) {
        const ez_network_group other = ez_endpoint_group(&item->endpoint);
        if (memcmp(&other, group, sizeof(other)) == 0) {
            return true;
        }
    }
    return false;
}

bool ez_dialer_is_asked_for(const ez_dialer *dialer, const ez_endpoint *endpoint)
{
    const ez_endpoint_string ip = ez_endpoint_ip_text(endpoint);
    return find_host(dialer, ip.text, endpoint->port) != NULL;
}

size_t ez_dialer_pending(const ez_dialer *dialer)
{
    return dialer->automatic_count;
}

ez_time_ms ez_dialer_deadline(const ez_dialer *dialer)
{
    ez_time_ms deadline = EZ_TIME_NEVER;
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (is_waiting(item) && item->due < deadline) {
            deadline = item->due;
        }
    }
    return deadline;
}

bool ez_dialer_manual(const ez_dialer *dialer, size_t index, const char **host, uint16_t *port,
                      ez_link_id *link)
{
    manual *item;
    DL_FOREACH (dialer->manuals, item) {
        if (index-- == 0) {
            *host = item->host;
            *port = item->port;
            *link = (ez_link_id){item->link};
            return true;
        }
    }
    return false;
}
