/* What goes wrong with hosts and links, beyond the stops, crashes and cuts of world.h. Each call
 * acts at once, at the present virtual time.
 */
#ifndef EZP2P_SIMNET_FAULTS_H
#define EZP2P_SIMNET_FAULTS_H

#include "world.h"

/* ez_world_pause, ez_world_resume: a host's process is halted, as by SIGSTOP. Nobody accepts its
 * links, what arrives waits unread, and all of it happens at once when it goes on. Resuming one
 * that runs, or pausing one that is paused or stopped, changes nothing. Do not hand events or
 * commands to a paused host. */
void ez_world_pause(ez_world *world, size_t host);
void ez_world_resume(ez_world *world, size_t host);
bool ez_world_is_paused(const ez_world *world, size_t host);

/* ez_world_skew: from now on a host's wall clock is off by so much. Timers are not. */
void ez_world_skew(ez_world *world, size_t host, int64_t skew_us);

/* ez_world_slow_disk: commits that begin from now on take so long. */
void ez_world_slow_disk(ez_world *world, size_t host, ez_time_ms commit_ms);

typedef struct ez_world_link {
    uint64_t number;
    size_t a, b; /* hosts, the dialler first */
    ez_time_ms latency;
} ez_world_link;

/* ez_world_links: the links with both ends open between hosts, in order of age.
 *   returns  how many were written to *out, which is the caller's to free */
size_t ez_world_links(const ez_world *world, ez_world_link **out);

/* ez_world_reset_link: both ends learn now that it broke. ez_world_mute_link: from now on nothing
 * sent on it arrives, and nobody is told (half-open); what was under way is lost. A link that is
 * gone is not an error. */
void ez_world_reset_link(ez_world *world, uint64_t number);
void ez_world_mute_link(ez_world *world, uint64_t number);

/* ez_world_unread_peak: the most bytes that ever waited on one link in one direction. */
size_t ez_world_unread_peak(const ez_world *world);

#endif
