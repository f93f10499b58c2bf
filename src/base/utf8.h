#ifndef BASE_UTF8_H
#define BASE_UTF8_H

/*
 * UTF-8 text and Unicode case, over libunistring, with fast paths for ASCII.
 */

#include "base/arena.h"
#include "base/buf.h"

/* Bytes of the valid UTF-8 prefix of p[0..n); n when all of it is valid. */
size_t utf8_valid_prefix(const char *p, size_t n);

/* Decode one code point at p[0..n), n > 0; returns its length, 0 when invalid. */
size_t utf8_decode(const char *p, size_t n, uint32_t *code);
/* Encode; returns 1..4. What is no character (a surrogate) becomes U+FFFD. */
size_t utf8_encode(uint32_t code, char *out);

/* Code points in p[0..n) (invalid bytes count one each). */
size_t utf8_count(const char *p, size_t n);

/* Append p[0..n) with every invalid byte replaced by U+FFFD; returns how many were. */
size_t utf8_sanitize(const char *p, size_t n, struct buf *out);

/*
 * Full Unicode case mapping (straße -> STRASSE, final sigma). The result lives in `arena`, or is
 * p itself where nothing changes. NULL when memory ends.
 * title: first letter of every word upper, rest lower; a word is a run of letters, marks and digits
 * joined by nothing else, but an apostrophe between letters starts a new word only when one letter
 * other than I precedes it in the word (O'Neil, but 3rd Place's, I'm); digits begin a word (3rd).
 */
const char *utf8_upper(struct arena *arena, const char *p, size_t n, size_t *out_n);
const char *utf8_lower(struct arena *arena, const char *p, size_t n, size_t *out_n);
const char *utf8_title(struct arena *arena, const char *p, size_t n, size_t *out_n);
/* Full case folding, for comparing without case. */
const char *utf8_fold(struct arena *arena, const char *p, size_t n, size_t *out_n);

/* Move *p, *n inwards past Unicode white space (NBSP, ideographic, zero-width and BOM included). */
void utf8_trim(const char **p, size_t *n);

/*
 * Fold for matching names that people type: case folded, trimmed, inner blanks, `_` and `-`
 * as one blank, compatibility forms and zero-width characters out of the way. NULL when memory
 * ends.
 */
const char *utf8_name_key(struct arena *arena, const char *p, size_t n, size_t *out_n);

/*
 * Edit distance (with transpositions) of two names by code points, capped at `max` + 1. Names of
 * more than 128 code points are near only to themselves.
 */
unsigned utf8_distance(const char *a, const char *b, unsigned max);

/*
 * The nearest of names[0..n) to `name`, or NULL when none is near: compared by name key, at
 * most 1 edit for up to 4 code points (none for a single one), 2 for up to 8, else 3.
 */
const char *utf8_nearest(const char *name, const char *const *names, size_t n);

#endif
