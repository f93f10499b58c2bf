#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ns(
    void); /* Since the epoch, UTC. SOURCE_DATE_EPOCH (seconds) overrides it, for tests. */
int64_t clock_mono_ns(void); /* For durations and deadlines. */

#endif
