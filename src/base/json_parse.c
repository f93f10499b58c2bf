/*
 * Text -> JSON values, by recursive descent over a text that is wholly in memory.
 *
 * The library's own parser is not used: it does not look at whether its buffer for the token under way could grow. When
 * that is denied at the closing quote of a string, it copies the string past the end of its memory.
 */

#include "base/json.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
    SHOWN_BYTES = 40, /* Of the text at fault, in the sentence. */
    UTF8_MAX = 4,
    HEX_DIGITS = 4,     /* Of a \u escape. */
    SURROGATE = 0xd800, /* The first of 1024 leading ones, then come 1024 trailing ones. */
    SURROGATES = 0x400,
    BEYOND_16_BITS = 0x10000
};

struct parser {
    const char *start, *p, *end;
    struct buf
        text; /* Strings under way: the keys of the objects p is in, each with a NUL, then the last string. */
    unsigned depth;
    struct err *err;
};

static bool parse_value(struct parser *s, struct json **out);

/* The character at `at` is wrong; at the end: the text is cut off there. */
static bool refuse(struct parser *s, const char *at, const char *what)
{
    const char *line = s->start, *shown = at;
    size_t number = 1, column;
    uint32_t code;
    char near[SHOWN_BYTES + sizeof " near ''"] = "";

    for (const char *p = s->start; p < at; p++) {
        if (*p == '\n') {
            number++;
            line = p + 1;
        }
    }
    column = utf8_count(line, (size_t)(at - line)) + (at < s->end);
    while (shown < s->end && shown - at < SHOWN_BYTES && (unsigned char)*shown > ' ' &&
           (shown == at || !strchr(",:[]{}", *shown)))
        shown++;
    if (shown > at && utf8_decode(at, (size_t)(s->end - at), &code) > 0)
        snprintf(near, sizeof near, " near '%.*s'", (int)(shown - at), at);
    err_set(s->err, ERR_MALFORMED, "not valid JSON at line %zu, column %zu: %s%s", number, column,
        what, at == s->end ? ", but the text ends" : near);
    s->err->at.byte = (uint64_t)(at - s->start) + (at < s->end);
    return false;
}

static bool out_of_memory(struct parser *s)
{
    return err_nomem(s->err);
}

static void skip_blanks(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* The next character that is no blank; NUL at the end. */
static char peek(struct parser *s)
{
    skip_blanks(s);
    return s->p < s->end ? *s->p : '\0';
}

/* ---- strings ---- */

static bool hex_unit(const char *p, const char *end, uint32_t *out)
{
    uint32_t v = 0;

    if (end - p < HEX_DIGITS)
        return false;
    for (int i = 0; i < HEX_DIGITS; i++) {
        int digit = num_hex_digit(p[i]);

        if (digit < 0)
            return false;
        v = v * 16 + (uint32_t)digit;
    }
    *out = v;
    return true;
}

/* s->p is after the u of \uXXXX; two of them make a character beyond 16 bits. */
static bool parse_unicode(struct parser *s)
{
    const char *escape = s->p - 2;
    char bytes[UTF8_MAX];
    uint32_t code, low;

    if (!hex_unit(s->p, s->end, &code))
        return refuse(s, escape, "\\u is followed by four hexadecimal digits");
    s->p += HEX_DIGITS;
    if (code >= SURROGATE && code < SURROGATE + SURROGATES) {
        if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u' ||
            !hex_unit(s->p + 2, s->end, &low) || low < SURROGATE + SURROGATES ||
            low >= SURROGATE + 2 * SURROGATES)
            return refuse(s, escape, "half of a pair of \\u escapes");
        s->p += 2 + HEX_DIGITS;
        code = BEYOND_16_BITS + ((code - SURROGATE) << 10) + (low - SURROGATE - SURROGATES);
    } else if (code >= SURROGATE + SURROGATES && code < SURROGATE + 2 * SURROGATES) {
        return refuse(s, escape, "half of a pair of \\u escapes");
    }
    buf_add(&s->text, bytes, utf8_encode(code, bytes));
    return true;
}

/* s->p is at the backslash. */
static bool parse_escape(struct parser *s)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (s->end - s->p < 2)
        return refuse(s, s->end, "a string ends with a quote");
    if (s->p[1] == 'u') {
        s->p += 2;
        return parse_unicode(s);
    }
    letter = s->p[1] ? strchr(letters, s->p[1]) : NULL;
    if (!letter)
        return refuse(s, s->p, "no such escape in a string");
    buf_addc(&s->text, meant[letter - letters]);
    s->p += 2;
    return true;
}

/* s->p is at the opening quote; the string is added to s->text. */
static bool parse_string(struct parser *s)
{
    s->p++;
    for (;;) {
        const char *from = s->p;

        while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= ' ')
            s->p++;
        buf_add(&s->text, from, (size_t)(s->p - from));
        if (s->p == s->end)
            return refuse(s, s->p, "a string ends with a quote");
        if (*s->p == '"')
            break;
        if (*s->p != '\\')
            return refuse(s, s->p, "a line break or another control character in a string");
        if (!parse_escape(s))
            return false;
    }
    s->p++;
    return s->text.failed ? out_of_memory(s) : true;
}

static bool parse_string_value(struct parser *s, struct json **out)
{
    size_t mark = s->text.len;

    if (!parse_string(s))
        return false;
    *out = json_new_stringn(s->text.len > mark ? s->text.data + mark : "", s->text.len - mark);
    s->text.len = mark;
    return *out ? true : out_of_memory(s);
}

/* ---- other plain values ---- */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static bool parse_number(struct parser *s, struct json **out)
{
    const char *from = s->p, *digits = s->p + (*s->p == '-');
    const char *p = skip_digits(digits, s->end), *part;
    bool whole = true;
    int64_t i;
    double d;

    if (p == digits)
        return refuse(s, p, "a digit belongs here");
    if (*digits == '0' && p - digits > 1)
        return refuse(s, from, "a number with leading zeros");
    if (p < s->end && *p == '.') {
        whole = false;
        part = p + 1;
        p = skip_digits(part, s->end);
        if (p == part)
            return refuse(s, p, "a digit belongs here");
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        whole = false;
        part = p + 1;
        part += part < s->end && (*part == '+' || *part == '-');
        p = skip_digits(part, s->end);
        if (p == part)
            return refuse(s, p, "a digit belongs here");
    }
    if (whole ? !num_parse_int(from, (size_t)(p - from), &i)
              : !num_parse(from, (size_t)(p - from), &d))
        return refuse(s, from, "a number too large");
    s->p = p;
    *out = whole ? json_new_int(i) : json_new_real(d);
    return *out ? true : out_of_memory(s);
}

static bool parse_word(struct parser *s, struct json **out)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);

        if ((size_t)(s->end - s->p) < n || memcmp(s->p, words[i], n) != 0)
            continue;
        s->p += n;
        *out = i < 2 ? json_new_bool(i == 0) : json_new_null();
        return true;
    }
    return refuse(s, s->p, "a value belongs here");
}

/* ---- arrays and objects ---- */

static bool enter(struct parser *s)
{
    s->p++;
    if (++s->depth > JSON_MAX_DEPTH)
        return err_set(
            s->err, ERR_MALFORMED, "the JSON is nested more than %d levels deep", JSON_MAX_DEPTH);
    return true;
}

/* After a member: true with *more while a comma follows. */
static bool next_member(struct parser *s, char close, bool *more)
{
    char c = peek(s);

    *more = c == ',';
    if (c != ',' && c != close)
        return refuse(s, s->p, close == ']' ? "a , or ] belongs here" : "a , or } belongs here");
    s->p++;
    return true;
}

static bool parse_items(struct parser *s, struct json *array)
{
    bool more = peek(s) != ']';

    if (!more)
        s->p++;
    while (more) {
        struct json *item;

        if (!parse_value(s, &item))
            return false;
        if (!json_add(array, item))
            return out_of_memory(s);
        if (!next_member(s, ']', &more))
            return false;
    }
    return true;
}

/* s->p is at the quote of the key, which stays in s->text until its value is there. */
static bool parse_member(struct parser *s, struct json *object)
{
    size_t mark = s->text.len, n;
    const char *at = s->p;
    struct json *value;

    if (!parse_string(s))
        return false;
    n = s->text.len - mark;
    buf_addc(&s->text, '\0');
    if (s->text.failed)
        return out_of_memory(s);
    if (memchr(s->text.data + mark, '\0', n))
        return refuse(s, at, "a key with a NUL");
    if (json_get(object, s->text.data + mark))
        return refuse(s, at, "a duplicate key");
    if (peek(s) != ':')
        return refuse(s, s->p, "a : belongs here");
    s->p++;
    if (!parse_value(s, &value))
        return false;
    if (!json_set(object, s->text.data + mark, value))
        return out_of_memory(s);
    s->text.len = mark;
    return true;
}

static bool parse_members(struct parser *s, struct json *object)
{
    bool more = peek(s) != '}';

    if (!more)
        s->p++;
    while (more) {
        if (peek(s) != '"')
            return refuse(s, s->p, "a key in quotes belongs here");
        if (!parse_member(s, object) || !next_member(s, '}', &more))
            return false;
    }
    return true;
}

static bool parse_group(struct parser *s, struct json **out)
{
    bool object = *s->p == '{';
    struct json *group;

    if (!enter(s))
        return false;
    group = object ? json_new_object() : json_new_array();
    if (!group)
        return out_of_memory(s);
    if (!(object ? parse_members(s, group) : parse_items(s, group))) {
        json_free(group);
        return false;
    }
    s->depth--;
    *out = group;
    return true;
}

static bool parse_value(struct parser *s, struct json **out)
{
    char c = peek(s);

    if (c == '{' || c == '[')
        return parse_group(s, out);
    if (c == '"')
        return parse_string_value(s, out);
    if (c == '-' || (c >= '0' && c <= '9'))
        return parse_number(s, out);
    return parse_word(s, out);
}

bool json_parse(const char *text, size_t n, struct json **out, struct err *err)
{
    return json_parse_max(text, n, JSON_MAX_BYTES, out, err);
}

bool json_parse_max(const char *text, size_t n, size_t max, struct json **out, struct err *err)
{
    struct parser s = { .start = text, .p = text, .end = text + n, .err = err };
    struct json *v = NULL;
    size_t valid;
    bool ok;

    if (n > max)
        return err_set(err, ERR_TOO_LARGE, "the JSON is longer than %zu MiB", max >> 20);
    valid = utf8_valid_prefix(text, n);
    if (valid < n)
        return refuse(&s, text + valid, "a byte that is no UTF-8");
    buf_init(&s.text, n); /* A NUL after a key takes the place of one of its quotes. */
    ok = parse_value(&s, &v);
    if (ok)
        skip_blanks(&s);
    if (ok && s.p < s.end) {
        ok = refuse(&s, s.p, "more text after the end of the value");
        json_free(v);
    }
    buf_deinit(&s.text);
    if (ok)
        *out = v;
    return ok;
}
