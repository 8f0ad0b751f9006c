/* One message of each type, the same as in tests/vectors/wire.txt. */
#ifndef EZP2P_TEST_SUPPORT_MESSAGES_H
#define EZP2P_TEST_SUPPORT_MESSAGES_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/gossip/message.h"

/* The sample of a type; it and what it points to live for ever. */
const ez_message *sample_message(ez_message_type type);

/* Field by field; for lists, entry by entry. */
bool message_is_equal(const ez_message *a, const ez_message *b);

/* The frame of a section of wire.txt, appended to *out; false when there is no such section. */
bool read_vector(ez_buffer *out, const char *section);

#endif
