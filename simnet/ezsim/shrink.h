/* Making a scenario that fails smaller, as long as it still fails: fewer actions and keys, fewer
 * nodes, a shorter and an earlier time. Works on the text, so that whatever a scenario can say can
 * be left out. The idea is Zeller's delta debugging ("Simplifying and Isolating Failure-Inducing
 * Input", 2002).
 */
#ifndef EZP2P_SIMNET_SHRINK_H
#define EZP2P_SIMNET_SHRINK_H

#include "ezp2p/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether this scenario still fails in the way that is looked for. */
typedef bool (*ez_fails_fn)(void *self, const ez_buffer *text);

/* ez_shrink: replace *text, which fails, by a smaller scenario that fails too.
 *   returns  how many were tried, at most `tries_max` */
uint32_t ez_shrink(ez_buffer *text, void *self, ez_fails_fn fails, uint32_t tries_max);

#endif
