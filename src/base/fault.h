#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/*
 * Mistakes on purpose, for tests of the tests: `make crash` builds the program with -Dfaults=true and sees to it that each
 * mistake, switched on by FAULT, is detected (tests/crash/mistakes.mjs). In every other build there is nothing
 * here but `false`.
 */

#ifdef SHEETFLOW_FAULTS
#include <stdlib.h>
#include <string.h>

static inline bool fault_is(const char *name)
{
    const char *on = getenv("FAULT");

    return on && strcmp(on, name) == 0;
}
#else
#define fault_is(name) false
#endif

#endif
