/* Codes of number formats: their pieces, and which section a number is shown by. */
#include "table/shown_int.h"

#include "base/num.h"

#include <math.h>
#include <strings.h>

size_t shown_piece(const char *p, const char *end, const char **text, size_t *n)
{
    const char *close;

    *text = NULL;
    *n = 0;
    switch (*p) {
    case '"':
        close = memchr(p + 1, '"', (size_t)(end - p - 1));
        close = close ? close : end;
        *text = p + 1;
        *n = (size_t)(close - p - 1);
        return (size_t)((close < end ? close + 1 : end) - p);
    case '\\':
        *text = p + 1;
        for (*n = p + 1 < end; p + 1 + *n < end && ((unsigned char)p[1 + *n] & 0xC0) == 0x80;)
            ++*n;
        return 1 + *n;
    case '_':
        *text = " ";
        *n = 1;
        return p + 1 < end ? 2 : 1;
    case '*':
        *text = "";
        return p + 1 < end ? 2 : 1;
    case '[':
        close = memchr(p, ']', (size_t)(end - p));
        if (!close)
            return (size_t)(end - p);
        if (p[1] == '$') {
            const char *dash = memchr(p, '-', (size_t)(close - p));

            *text = p + 2;
            *n = (size_t)((dash ? dash : close) - p - 2);
        } else if (!strchr("hms", p[1] | 0x20)) {
            *text = "";
        }
        return (size_t)(close + 1 - p);
    default:
        return 1;
    }
}

static void find_condition(struct shown_section *s)
{
    const char *text;
    size_t n;

    for (const char *p = s->p; p < s->end; p += shown_piece(p, s->end, &text, &n)) {
        const char *close = *p == '[' ? memchr(p, ']', (size_t)(s->end - p)) : NULL, *q = p + 1;
        char compare;

        if (!close || !strchr("<>=", *q))
            continue;
        compare = *q++;
        if (*q == '=') {
            compare = compare == '<' ? 'l' : 'g';
            q++;
        } else if (compare == '<' && *q == '>') {
            compare = 'n';
            q++;
        }
        if (num_parse(q, (size_t)(close - q), &s->than))
            s->compare = compare;
    }
}

unsigned shown_split(const char *code, struct shown_section out[SHOWN_SECTIONS])
{
    const char *end = code + strlen(code), *begin = code, *text;
    unsigned k = 0;
    size_t n;

    for (const char *p = code; p < end && k < SHOWN_SECTIONS - 1;) {
        if (*p == ';') {
            out[k++] = (struct shown_section){ begin, p, 0, 0 };
            begin = ++p;
        } else {
            p += shown_piece(p, end, &text, &n);
        }
    }
    out[k++] = (struct shown_section){ begin, end, 0, 0 };
    for (unsigned i = 0; i < k; i++)
        find_condition(&out[i]);
    return k;
}

static bool holds(const struct shown_section *s, double v)
{
    switch (s->compare) {
    case '<':
        return v < s->than;
    case 'l':
        return v <= s->than;
    case '>':
        return v > s->than;
    case 'g':
        return v >= s->than;
    case '=':
        return v == s->than;
    default:
        return v != s->than;
    }
}

const struct shown_section *shown_choose(const struct shown_section *s, unsigned n, double *v)
{
    if (n > 3)
        n = 3; /* The fourth is for text. */
    if (s[0].compare) {
        for (unsigned i = 0; i < n; i++) {
            if (!s[i].compare || holds(&s[i], *v)) {
                if (i > 0 || s[i].compare == '<')
                    *v = fabs(*v);
                return &s[i];
            }
        }
        return NULL;
    }
    if (n > 2 && *v == 0)
        return &s[2];
    if (n > 1 && *v < 0) {
        *v = -*v;
        return &s[1];
    }
    return &s[0];
}

bool shown_starts(const char *p, const char *end, const char *with)
{
    size_t n = strlen(with);

    return (size_t)(end - p) >= n && strncasecmp(p, with, n) == 0;
}
