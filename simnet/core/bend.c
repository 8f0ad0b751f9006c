#include "bend.h"

#include "world_internal.h"

void ez_world_bend(ez_world *world, size_t number, const ez_bend *bend)
{
    sim_host *const host = sim_host_of(world, number);
    EZ_ASSERT(host != NULL);
    host->bend = bend;
}

bool ez_world_say(ez_world *world, size_t number, ez_link_id link, const ez_message *message)
{
    const sim_end *const end = sim_end_of(world, link.value);
    if (end == NULL || !end->open || end->host != number) {
        return false;
    }
    ez_buffer bytes = {0};
    ez_wire_encode(&bytes, message);
    sim_send(world, link.value, bytes.data, bytes.size);
    ez_buffer_clear(&bytes);
    return true;
}

size_t ez_world_host_at(const ez_world *world, const ez_endpoint *endpoint)
{
    return sim_host_at(world, endpoint);
}

bool sim_says(const sim_host *host, ez_link_id link, ez_message *message)
{
    return host->bend == NULL || host->bend->says(host->bend->self, link, message);
}

bool sim_hears(const sim_host *host, ez_link_id link, const ez_message *message)
{
    return host->bend == NULL || host->bend->hears(host->bend->self, link, message);
}

void sim_told(const sim_host *host, ez_link_id link, const ez_message *message)
{
    if (host->bend != NULL) {
        host->bend->told(host->bend->self, link, message);
    }
}
