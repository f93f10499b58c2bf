/* Byte ranges and entity tags. Only one range a request is served; more give the whole file. */

#include "net/range.h"

#include <string.h>

/* Digits at *p; false when there are none or the number passes 64 bits. */
static bool read_number(const char **p, uint64_t *out)
{
    uint64_t v = 0;
    const char *s = *p;

    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *p = s;
    *out = v;
    return true;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

enum range_kind range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *n)
{
    const char *p = skip_blanks(header);
    uint64_t from, to = UINT64_MAX;

    if (strncmp(p, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    p = skip_blanks(p + 6);
    if (*p == '-') { /* The last `to` bytes. */
        p++;
        if (!read_number(&p, &to) || *skip_blanks(p) != '\0')
            return RANGE_WHOLE;
        if (to == 0 || size == 0)
            return RANGE_OUTSIDE;
        *n = to < size ? to : size;
        *first = size - *n;
        return RANGE_PART;
    }
    if (!read_number(&p, &from) || *p++ != '-')
        return RANGE_WHOLE;
    if (*skip_blanks(p) != '\0' && !read_number(&p, &to))
        return RANGE_WHOLE;
    if (*skip_blanks(p) != '\0' || to < from)
        return RANGE_WHOLE;
    if (from >= size)
        return RANGE_OUTSIDE;
    *first = from;
    *n = (to < size - 1 ? to : size - 1) - from + 1;
    return RANGE_PART;
}

/* The entity tag at *p without its W/ ("..." with the quotes); NULL when there is none. */
static const char *read_tag(const char **p, size_t *len, bool *weak)
{
    const char *s = *p, *end;

    *weak = s[0] == 'W' && s[1] == '/';
    if (*weak)
        s += 2;
    if (*s != '"' || !(end = strchr(s + 1, '"')))
        return NULL;
    *len = (size_t)(end - s) + 1;
    *p = end + 1;
    return s;
}

bool range_none_match(const char *header, const char *etag)
{
    const char *p = skip_blanks(header), *own = etag, *tag;
    size_t own_len, len;
    bool weak;

    if (*p == '*')
        return true;
    own = read_tag(&etag, &own_len, &weak);
    if (!own)
        return false;
    while (*p) {
        tag = read_tag(&p, &len, &weak);
        if (!tag)
            return false;
        if (len == own_len && memcmp(tag, own, len) == 0)
            return true;
        p += strspn(p, " \t,");
    }
    return false;
}

bool range_if_range(const char *header, const char *etag, const char *last_modified)
{
    const char *p = skip_blanks(header), *tag, *own;
    size_t len, own_len;
    bool weak, own_weak;

    if (*p == '"' || (p[0] == 'W' && p[1] == '/')) {
        tag = read_tag(&p, &len, &weak);
        own = etag ? read_tag(&etag, &own_len, &own_weak) : NULL;
        return tag && own && !weak && !own_weak && len == own_len && memcmp(tag, own, len) == 0;
    }
    return last_modified && strcmp(p, last_modified) == 0;
}
