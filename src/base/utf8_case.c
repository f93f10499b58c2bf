/*
 * Unicode case. ASCII text is mapped here, byte by byte; the rest is libunistring's.
 */

#include "base/utf8.h"

#include "base/utf8_int.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>

enum { SMALL_TEXT = 512 }; /* Bytes mapped without a trip to the heap. */

/* u8_toupper() and its kin. */
typedef uint8_t *map_fn(const uint8_t *s, size_t n, const char *language, uninorm_t nf,
    uint8_t *result, size_t *length);

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char flip_upper(char c)
{
    return (char)(c + (is_upper(c) ? 32 : 0));
}

static char flip_lower(char c)
{
    return (char)(c - (is_lower(c) ? 32 : 0));
}

static const char *map_ascii(
    struct arena *arena, const char *p, size_t n, bool upper, size_t *out_n)
{
    size_t i = 0;
    char *copy;

    *out_n = n;
    while (i < n && !(upper ? is_lower(p[i]) : is_upper(p[i])))
        i++;
    if (i == n)
        return p;
    copy = arena_alloc(arena, n);
    if (!copy)
        return NULL;
    memcpy(copy, p, i);
    if (upper) {
        for (; i < n; i++)
            copy[i] = flip_lower(p[i]);
    } else {
        for (; i < n; i++)
            copy[i] = flip_upper(p[i]);
    }
    return copy;
}

/* The result of `map` in the arena, or p where nothing changed. */
static const char *map_unicode(
    struct arena *arena, const char *p, size_t n, map_fn *map, uninorm_t nf, size_t *out_n)
{
    uint8_t small[SMALL_TEXT];
    size_t len = sizeof small;
    uint8_t *mapped = map((const uint8_t *)p, n, NULL, nf, small, &len);
    const char *out;

    if (!mapped)
        return NULL;
    *out_n = len;
    out = len == n && memcmp(mapped, p, n) == 0 ? p : arena_dup(arena, (const char *)mapped, len);
    if (mapped != small)
        free(mapped);
    return out;
}

const char *utf8_upper(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    if (utf8_ascii_prefix(p, n) == n)
        return map_ascii(arena, p, n, true, out_n);
    return map_unicode(arena, p, n, u8_toupper, NULL, out_n);
}

const char *utf8_lower(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    if (utf8_ascii_prefix(p, n) == n)
        return map_ascii(arena, p, n, false, out_n);
    return map_unicode(arena, p, n, u8_tolower, NULL, out_n);
}

const char *utf8_fold(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    if (utf8_ascii_prefix(p, n) == n)
        return map_ascii(arena, p, n, false, out_n);
    return map_unicode(arena, p, n, u8_casefold, NULL, out_n);
}

/*
 * Finding the first letter of every word. A word is a run of letters, marks and digits:
 *
 *   O ' Neil     an apostrophe after a single letter, before another: the next letter begins a word
 *   Place ' s    after more, it does not
 *   3rd          the digit began the word
 */
struct word {
    uint32_t letters;  /* In the word so far. */
    bool inside;       /* A word has begun. */
    bool digits;       /* It holds some. */
    bool after_letter; /* Marks do not count. */
    bool apostrophe;   /* The last character was one, behind a letter. */
    bool pronoun;      /* Its only letter so far is an I. */
};

static bool in_category(uint32_t code, uint32_t mask)
{
    return uc_is_general_category_withtable(code, mask);
}

static bool is_letter(uint32_t code)
{
    if (code < 0x80)
        return is_upper((char)code) || is_lower((char)code);
    return in_category(code, UC_CATEGORY_MASK_L);
}

static bool is_number(uint32_t code)
{
    if (code < 0x80)
        return code >= '0' && code <= '9';
    return in_category(code, UC_CATEGORY_MASK_N);
}

static bool is_apostrophe(uint32_t code)
{
    return code == '\'' || code == 0x2019 || code == 0x2bc;
}

/* Take in one character; true when it is a letter that begins a word. */
static bool word_begins(struct word *w, uint32_t code)
{
    bool begins;

    if (is_apostrophe(code)) {
        w->apostrophe = w->inside = w->after_letter;
        w->after_letter = false;
        return false;
    }
    if (!is_letter(code)) {
        if (code >= 0x80 && in_category(code, UC_CATEGORY_MASK_M))
            return false; /* Part of the letter before. */
        if (!is_number(code)) {
            *w = (struct word){ 0 };
        } else if (!w->inside || w->apostrophe) {
            *w = (struct word){ .inside = true, .digits = true };
        } else {
            w->digits = true;
            w->after_letter = false;
        }
        return false;
    }
    begins = !w->inside || (w->apostrophe && !w->digits && w->letters == 1 && !w->pronoun);
    if (begins)
        *w = (struct word){ .inside = true };
    w->pronoun = w->letters == 0 && (code == 'i' || code == 'I'); /* I'm, I'll */
    w->letters++;
    w->after_letter = true;
    w->apostrophe = false;
    return begins;
}

static const char *title_ascii(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    struct word word = { 0 };
    size_t same = 0;
    char *copy = arena_alloc(arena, n);

    if (!copy)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = word_begins(&word, (uint8_t)p[i]) ? flip_lower(p[i]) : flip_upper(p[i]);
        same += copy[i] == p[i];
    }
    *out_n = n;
    return same == n ? p : copy;
}

/* Lower first, as only the whole text knows which sigma is final; then raise first letters. */
static const char *title_unicode(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    struct word word = { 0 };
    size_t lower_n, len = 0;
    const char *lower = map_unicode(arena, p, n, u8_tolower, NULL, &lower_n);
    char *out;

    /* One character becomes at most three, of at most twice its bytes each. */
    if (!lower || lower_n > SIZE_MAX / 6)
        return NULL;
    out = arena_alloc(arena, lower_n * 6);
    if (!out)
        return NULL;
    for (size_t i = 0; i < lower_n;) {
        uint32_t code = 0;
        size_t step = utf8_decode(lower + i, lower_n - i, &code);
        size_t room = step * 6;

        step += step == 0;
        if (!word_begins(&word, code)) {
            memcpy(out + len, lower + i, step);
            len += step;
        } else {
            uint8_t *got = u8_totitle(
                (const uint8_t *)lower + i, step, NULL, NULL, (uint8_t *)out + len, &room);

            if (!got)
                return NULL;
            if ((char *)got != out + len) { /* Longer than any mapping is known to be. */
                free(got);
                memcpy(out + len, lower + i, step);
                room = step;
            }
            len += room;
        }
        i += step;
    }
    *out_n = len;
    return len == n && memcmp(out, p, n) == 0 ? p : out;
}

const char *utf8_title(struct arena *arena, const char *p, size_t n, size_t *out_n)
{
    if (utf8_ascii_prefix(p, n) == n)
        return title_ascii(arena, p, n, out_n);
    return title_unicode(arena, p, n, out_n);
}
