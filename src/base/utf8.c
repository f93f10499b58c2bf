/*
 * UTF-8: validity, counting, and what is white space. Case is utf8_case.c; near names utf8_near.c.
 */

#include "base/utf8.h"

#include "base/utf8_int.h"

#include <unictype.h>
#include <unistr.h>

size_t utf8_ascii_prefix(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= 32; i += 32) {
        uint64_t w[4];

        memcpy(w, p + i, sizeof w);
        if ((w[0] | w[1] | w[2] | w[3]) & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && !(p[i] & 0x80))
        i++;
    return i;
}

size_t utf8_valid_prefix(const char *p, size_t n)
{
    size_t ascii = utf8_ascii_prefix(p, n);
    const uint8_t *bad;

    if (ascii == n)
        return n;
    bad = u8_check((const uint8_t *)p + ascii, n - ascii);
    return bad ? (size_t)(bad - (const uint8_t *)p) : n;
}

size_t utf8_decode(const char *p, size_t n, uint32_t *code)
{
    ucs4_t c;
    int len;

    if (!(*p & 0x80)) {
        *code = (uint8_t)*p;
        return 1;
    }
    len = u8_mbtoucr(&c, (const uint8_t *)p, n);
    if (len <= 0)
        return 0;
    *code = c;
    return (size_t)len;
}

size_t utf8_encode(uint32_t code, char *out)
{
    int len = u8_uctomb((uint8_t *)out, code, 4);

    if (len > 0)
        return (size_t)len;
    for (int i = 0; i < 3; i++) /* A surrogate, or past the last plane. */
        out[i] = UTF8_REPLACEMENT[i];
    return 3;
}

size_t utf8_count(const char *p, size_t n)
{
    size_t count = 0;

    while (n > 0) {
        size_t ascii = utf8_ascii_prefix(p, n);
        uint32_t code;

        count += ascii;
        p += ascii;
        n -= ascii;
        while (n > 0 && (*p & 0x80)) {
            size_t len = utf8_decode(p, n, &code);

            len += len == 0;
            p += len;
            n -= len;
            count++;
        }
    }
    return count;
}

size_t utf8_sanitize(const char *p, size_t n, struct buf *out)
{
    size_t replaced = 0;

    for (;;) {
        size_t valid = utf8_valid_prefix(p, n);

        buf_add(out, p, valid);
        if (valid == n)
            return replaced;
        buf_add(out, UTF8_REPLACEMENT, 3);
        replaced++;
        p += valid + 1;
        n -= valid + 1;
    }
}

bool utf8_is_zero_width(uint32_t code)
{
    return (code >= 0x200b && code <= 0x200d) || code == 0x2060 || code == 0xfeff;
}

bool utf8_is_blank(uint32_t code)
{
    if (code < 0x80)
        return code == ' ' || (code >= '\t' && code <= '\r');
    return uc_is_property_white_space(code) || utf8_is_zero_width(code);
}

/* Where the character that ends at p[n) begins. */
static size_t last_start(const char *p, size_t n)
{
    size_t i = n - 1;

    while (i > 0 && n - i < 4 && ((uint8_t)p[i] & 0xc0) == 0x80)
        i--;
    return i;
}

void utf8_trim(const char **p, size_t *n)
{
    uint32_t code = 0;

    while (*n > 0) {
        size_t len = utf8_decode(*p, *n, &code);

        if (len == 0 || !utf8_is_blank(code))
            break;
        *p += len;
        *n -= len;
    }
    while (*n > 0) {
        size_t start = last_start(*p, *n);

        if (utf8_decode(*p + start, *n - start, &code) != *n - start || !utf8_is_blank(code))
            break;
        *n = start;
    }
}
