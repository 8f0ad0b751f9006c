/* Time as the core sees it: handed in by the driver, never read from a clock. */
#ifndef EZP2P_BASE_TIME_H
#define EZP2P_BASE_TIME_H

#include <stdint.h>

typedef uint64_t ez_time_ms; /* monotonic milliseconds since an arbitrary start */
typedef uint64_t ez_wall_us; /* microseconds since 1970-01-01 UTC */

#define EZ_TIME_NEVER UINT64_MAX

/* The two clocks of one moment. `mono` drives timers; `wall` only stamps and judges blocks, stamps
 * transactions and ages addresses in the book. No peer adjusts either. */
typedef struct ez_now {
    ez_time_ms mono;
    ez_wall_us wall;
} ez_now;

#endif
