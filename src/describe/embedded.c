/*
 * Finding files that are part of the program.
 */

#include "describe/embedded.h"

#include <string.h>

static const struct embedded *find(const struct embedded *e, const char *name)
{
    for (; e->name; e++) {
        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

const struct embedded *embedded_find(const char *name)
{
    return find(embedded_files, name);
}

const struct embedded *embedded_page(const char *name)
{
    return find(embedded_page_files, name);
}
