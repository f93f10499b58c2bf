#ifndef DESCRIBE_EMBEDDED_H
#define DESCRIBE_EMBEDDED_H

/*
 * Files that are part of the program; scripts/embed.mjs writes them at build time, as meson.build lists them.
 */

#include <stdbool.h>
#include <stddef.h>

struct embedded {
    const char *name;
    const char *data;
    size_t size;
    bool gzip; /* data is gzipped. */
};

extern const struct embedded embedded_files[], embedded_page_files[]; /* End with a NULL name. */

const struct embedded *embedded_find(const char *name); /* NULL when there is none. */
const struct embedded *embedded_page(const char *name); /* A file of the page at /. */

#endif
