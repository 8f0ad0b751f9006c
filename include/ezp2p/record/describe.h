/* Events and effects in words, for a timeline: one line each, without its end. What peers and
 * clients wrote is escaped and cut.
 */
#ifndef EZP2P_RECORD_DESCRIBE_H
#define EZP2P_RECORD_DESCRIBE_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/node/event.h"

void ez_describe_event(ez_buffer *out, const ez_event *event);
void ez_describe_effect(ez_buffer *out, const ez_effect *effect);

/* ez_event_name, ez_effect_name: "link-up", "send", …; "unknown" for a number that is none. */
const char *ez_event_name(unsigned type);
const char *ez_effect_name(unsigned type);

#endif
