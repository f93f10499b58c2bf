/* The two clocks. The wall clock can be pinned for reproducible outputs. */

#include "base/clock.h"

#include "base/num.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static int64_t read_clock(clockid_t id)
{
    struct timespec ts = { 0 };

    clock_gettime(id, &ts); /* Cannot fail for these two clocks on Linux. */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    const char *pinned = getenv("SOURCE_DATE_EPOCH");
    int64_t seconds;

    if (pinned && num_parse_int(pinned, strlen(pinned), &seconds) && seconds >= 0 &&
        seconds < INT64_MAX / NS_PER_S)
        return seconds * NS_PER_S;
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
