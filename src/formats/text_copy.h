#ifndef FORMATS_TEXT_COPY_H
#define FORMATS_TEXT_COPY_H

/*
 * Copying a short text while looking for characters that cannot go out as they stand: what the
 * writers do with every cell.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEXT_COPY_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TEXT_COPY_WATCHED 1
#endif
#endif

enum { TEXT_BRIEF = 32 }; /* The longest that text_brief() takes. */

/* What to look for. Known at compile time for the most part, so that it folds into the loop. */
struct text_set {
    char a, b, c, d;
    bool controls; /* Bytes below 0x20 as well. */
};

#define TEXT_COPY_INLINE static inline __attribute__((always_inline))

TEXT_COPY_INLINE bool text_set_has(struct text_set set, char c)
{
    return c == set.a || c == set.b || c == set.c || c == set.d ||
           (set.controls && (unsigned char)c < 0x20);
}

#if defined(__x86_64__)

/* Which of the bytes are in the set. */
TEXT_COPY_INLINE unsigned text_set_bits(struct text_set set, __m128i v)
{
    __m128i hit = _mm_or_si128(
        _mm_cmpeq_epi8(v, _mm_set1_epi8(set.a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(set.b)));

    if (set.c != set.a)
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(set.c)));
    if (set.d != set.a)
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(set.d)));
    if (set.controls)
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v));
    return (unsigned)_mm_movemask_epi8(hit);
}

TEXT_COPY_INLINE bool text_set_any(struct text_set set, __m128i v)
{
    return text_set_bits(set, v) != 0;
}

/* Copy p[0..n) to `to` and tell whether a character of the set is in it. */
TEXT_COPY_INLINE bool text_copy(char *to, const char *p, size_t n, struct text_set set)
{
    uint64_t a, b;
    bool found = false;

    if (n >= 16) {
        __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));

        for (size_t i = 0; i + 16 < n; i += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));

            _mm_storeu_si128((__m128i *)(void *)(to + i), v);
            found |= text_set_any(set, v);
        }
        _mm_storeu_si128((__m128i *)(void *)(to + n - 16), last);
        return found | text_set_any(set, last);
    }
    if (n >= 8) { /* Two halves that overlap. */
        memcpy(&a, p, 8);
        memcpy(&b, p + n - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + n - 8, &b, 8);
        return text_set_any(set, _mm_set_epi64x((long long)b, (long long)a));
    }
    if (n >= 4) {
        uint32_t low, high;

        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        memcpy(to, &low, 4);
        memcpy(to + n - 4, &high, 4);
        a = (uint64_t)high << 32 | low;
        return text_set_any(set, _mm_set_epi64x((long long)a, (long long)a));
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = p[i];
        found |= text_set_has(set, p[i]);
    }
    return found;
}

/*
 * Nearly all texts are brief, and their lengths are what a processor cannot guess. All TEXT_BRIEF bytes
 * are copied, whatever n is, where that reads within one page: the page of the text's first byte
 * is there. Who watches each access by tool is not to see that.
 */
TEXT_COPY_INLINE bool text_is_brief(const char *p, size_t n)
{
#ifdef TEXT_COPY_WATCHED
    (void)p;
    (void)n;
    return false;
#else
    return n <= TEXT_BRIEF && ((uintptr_t)p & 4095) <= 4096 - TEXT_BRIEF;
#endif
}

/* As text_copy() where text_is_brief(); `to` has room for TEXT_BRIEF bytes. */
TEXT_COPY_INLINE bool text_brief(char *to, const char *p, size_t n, struct text_set set)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));

    _mm_storeu_si128((__m128i *)(void *)to, a);
    _mm_storeu_si128((__m128i *)(void *)(to + 16), b);
    return (((uint64_t)text_set_bits(set, b) << 16 | text_set_bits(set, a)) &
               ((UINT64_C(1) << n) - 1)) != 0;
}

#else

TEXT_COPY_INLINE bool text_is_brief(const char *p, size_t n)
{
    (void)p;
    return n <= TEXT_BRIEF;
}

TEXT_COPY_INLINE bool text_copy(char *to, const char *p, size_t n, struct text_set set)
{
    bool found = false;

    for (size_t i = 0; i < n; i++) {
        to[i] = p[i];
        found |= text_set_has(set, p[i]);
    }
    return found;
}

TEXT_COPY_INLINE bool text_brief(char *to, const char *p, size_t n, struct text_set set)
{
    return text_copy(to, p, n, set);
}

#endif
#endif
