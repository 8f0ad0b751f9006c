#include "driver_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "link_internal.h"

#include <event2/event.h>
#include <stdlib.h>

static void append(ez_link_table *table, ez_link *link)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 16 : 2 * table->capacity;
        table->list = ez_realloc(table->list, table->capacity, sizeof *table->list);
    }
    table->list[table->count++] = link;
    table->inbound += ez_link_is_inbound(link);
}

void ez_links_add(ez_driver *driver, int descriptor, const ez_endpoint *remote, uint64_t dial)
{
    ez_link_id id = {++driver->links.last_id};
    ez_link_config config = {.id = id, .remote = *remote, .inbound = dial == 0};
    append(&driver->links, ez_link_new(driver, &config, descriptor));
    ez_event event = {.type = EZ_EVENT_LINK_UP, .link = id};
    event.as.link_up.dial = dial;
    event.as.link_up.remote = *remote;
    ez_driver_handle(driver, &event);
}

ez_link *ez_links_find(const ez_driver *driver, ez_link_id id)
{
    size_t low = 0, high = driver->links.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        ez_link *link = driver->links.list[middle];
        uint64_t value = ez_link_id_of(link).value;
        if (value == id.value) {
            return link;
        }
        if (value < id.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void ez_links_reap_later(ez_driver *driver)
{
    struct timeval now = {0};
    int failed = event_add(driver->reap_timer, &now);
    EZ_ASSERT(failed == 0);
}

void ez_links_reap(ez_driver *driver)
{
    ez_link_table *table = &driver->links;
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        ez_link *link = table->list[i];
        if (ez_link_is_dead(link)) {
            table->inbound -= ez_link_is_inbound(link);
            ez_link_free(link);
        } else {
            table->list[kept++] = link;
        }
    }
    table->count = kept;
    ez_listen_update(driver);
}

/* A fault that is found here makes the core close the link, which frees nothing before the next
 * reaping: the table stays as it is. */
void ez_links_sweep(ez_driver *driver)
{
    ez_time_ms now = ez_driver_now(driver).mono;
    for (size_t i = 0; i < driver->links.count; i++) {
        ez_link_check(driver->links.list[i], now);
    }
}

void ez_links_flush_later(ez_driver *driver, ez_link *link)
{
    if (driver->dirty_count == driver->dirty_capacity) {
        driver->dirty_capacity = driver->dirty_capacity == 0 ? 16 : 2 * driver->dirty_capacity;
        driver->dirty = ez_realloc(driver->dirty, driver->dirty_capacity, sizeof *driver->dirty);
    }
    driver->dirty[driver->dirty_count++] = link;
}

/* Whatever the core queues when it hears that a link is drained has its turn in the same loop.
 * Links are freed between callbacks only, when the list is empty. */
void ez_links_flush(ez_driver *driver)
{
    for (size_t i = 0; i < driver->dirty_count; i++) {
        ez_link_flush(driver->dirty[i]);
    }
    driver->dirty_count = 0;
}

void ez_links_free(ez_driver *driver)
{
    for (size_t i = 0; i < driver->links.count; i++) {
        ez_link_free(driver->links.list[i]);
    }
    free(driver->links.list);
    free(driver->dirty);
    driver->links = (ez_link_table){0};
}
