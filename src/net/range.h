#ifndef NET_RANGE_H
#define NET_RANGE_H

/* Conditional and partial requests (RFC 9110, chapters 13 and 14), as text. */

#include <stdbool.h>
#include <stdint.h>

enum range_kind {
    RANGE_WHOLE, /* No usable range: send everything (several ranges, another unit, nonsense). */
    RANGE_PART,
    RANGE_OUTSIDE /* Well-formed, but no byte of it exists: 416. */
};

/* `header` is the Range field's value. *first and *n are set for RANGE_PART only. */
enum range_kind range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *n);

/* If-None-Match: does its list (or `*`) hold `etag`? Weak comparison. */
bool range_none_match(const char *header, const char *etag);

/*
 * If-Range: does the range still apply? `header` is an entity tag (strong comparison) or a date, which
 * must equal `last_modified` (NULL: there is none) exactly.
 */
bool range_if_range(const char *header, const char *etag, const char *last_modified);

#endif
