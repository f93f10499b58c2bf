/*
 * Near names: how alike are two names that people typed?
 */

#include "base/utf8.h"

#include "base/utf8_int.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

enum {
    NAME_MAX_CODES = 128, /* Longer names are near only to themselves. */
    /* Edits allowed for names of so many code points. */
    SHORT_NAME = 4,
    SHORT_EDITS = 1,
    MIDDLE_NAME = 8,
    MIDDLE_EDITS = 2,
    LONG_EDITS = 3
};

const char *utf8_name_key(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    size_t folded_n = 0, len = 0;
    uint8_t *folded;
    bool gap = false;
    char *out;

    *out_n = 0;
    if (n == 0)
        return "";
    folded = u8_casefold((const uint8_t *)p, n, NULL, UNINORM_NFKC, NULL, &folded_n);
    out = folded ? arena_alloc(arena, folded_n + 1) : NULL;
    for (size_t i = 0; out && i < folded_n;) {
        uint32_t code = 0;
        size_t step = utf8_decode((const char *)folded + i, folded_n - i, &code);

        step += step == 0;
        if (code == '_' || code == '-' || (utf8_is_blank(code) && !utf8_is_zero_width(code))) {
            gap = len > 0;
        } else if (!utf8_is_zero_width(code)) {
            if (gap)
                out[len++] = ' ';
            gap = false;
            memcpy(out + len, folded + i, step);
            len += step;
        }
        i += step;
    }
    *out_n = len;
    free(folded);
    return out;
}

/* The code points of s; false when there are more than NAME_MAX_CODES. */
static bool decode_name(const char *s, uint32_t *codes, size_t *n_codes)
{
    size_t n = strlen(s), count = 0;

    while (n > 0) {
        size_t step;

        if (count == NAME_MAX_CODES)
            return false;
        step = utf8_decode(s, n, &codes[count]);
        if (step == 0) {
            codes[count] =
                0x110000 + (uint8_t)*s; /* No code point: an invalid byte equals only itself. */
            step = 1;
        }
        count++;
        s += step;
        n -= step;
    }
    *n_codes = count;
    return true;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned utf8_distance(const char *a, const char *b, unsigned max)
{
    uint32_t x[NAME_MAX_CODES], y[NAME_MAX_CODES];
    unsigned rows[3][NAME_MAX_CODES + 1]; /* Of the table of edits: the last two and this one. */
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    size_t n, m;

    if (!decode_name(a, x, &n) || !decode_name(b, y, &m))
        return strcmp(a, b) == 0 ? 0 : max + 1;
    if ((n > m ? n - m : m - n) > max)
        return max + 1;
    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *spare = before;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned change = last[j - 1] + (x[i - 1] != y[j - 1]);

            now[j] = least(change, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = spare;
    }
    return least(last[m], max + 1);
}

static unsigned edits_allowed(size_t codes)
{
    if (codes <= 1)
        return 0; /* Any other letter would be one edit away. */
    if (codes <= SHORT_NAME)
        return SHORT_EDITS;
    return codes <= MIDDLE_NAME ? MIDDLE_EDITS : LONG_EDITS;
}

/* The name key as a string, in the arena; NULL when memory ends. */
static const char *key_of(struct arena *arena, const char *name, size_t *n)
{
    const char *key = utf8_name_key(arena, name, strlen(name), n);

    return key ? arena_dup(arena, key, *n) : NULL;
}

const char *utf8_nearest(const char *name, const char *const *names, size_t n)
{
    struct arena arena, scratch;
    const char *best = NULL, *key, *other;
    unsigned nearest, distance;
    size_t len;

    arena_init(&arena, NULL);
    arena_init(&scratch, NULL);
    key = key_of(&arena, name, &len);
    nearest = key ? edits_allowed(utf8_count(key, len)) + 1 : 0;
    for (size_t i = 0; i < n && nearest > 0; i++) {
        arena_reset(&scratch);
        other = key_of(&scratch, names[i], &len);
        distance = other ? utf8_distance(key, other, nearest) : nearest;
        if (distance < nearest) {
            nearest = distance;
            best = names[i];
        }
    }
    arena_deinit(&scratch);
    arena_deinit(&arena);
    return best;
}
