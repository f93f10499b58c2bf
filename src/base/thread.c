#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

unsigned thread_processors(void)
{
    cpu_set_t set;
    long n;

    /* The set has room for 1,024. */
    n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                    : sysconf(_SC_NPROCESSORS_ONLN);
    return n > 1 ? (unsigned)n : 1;
}

bool thread_start(pthread_t *out, size_t stack_bytes, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    bool ok;

    if (pthread_attr_init(&attr) != 0)
        return false;
    sigfillset(&all);
    ok = pthread_attr_setstacksize(&attr, stack_bytes) == 0 &&
         pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (ok) {
        ok = pthread_create(out, &attr, run, arg) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attr);
    return ok;
}
