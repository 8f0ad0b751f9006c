/* A scenario out of a seed: a small network, and a mix of faults in which some kinds are missing
 * altogether, since what always comes together hides what happens when it does not.
 */
#ifndef EZP2P_SIMNET_DRAW_H
#define EZP2P_SIMNET_DRAW_H

#include "ezp2p/base/buffer.h"

#include <stdint.h>

/* ez_draw_scenario: append the text of scenario number `seed`, its own `seed` key included. It is
 * one that every check should pass: hosts are honest, lines have room for the traffic, and there is
 * time to agree in the end. */
void ez_draw_scenario(ez_buffer *out, uint64_t seed);

#endif
