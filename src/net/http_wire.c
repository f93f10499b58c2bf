/* Where requests end, strictly; see http_wire.h. */

#include "net/http_wire.h"

#include "base/num.h"

#include <string.h>

static void is_bad(struct wire *w)
{
    if (!w->bad)
        w->bad = w->request;
}

/* So bad that there is no telling what the bytes behind it are. */
static void broken(struct wire *w)
{
    is_bad(w);
    w->state = WIRE_BROKEN;
}

static void begin_chunk(struct wire *w)
{
    w->state = WIRE_SIZE;
    w->digits = 0;
    w->left = 0;
}

static void begin_line(struct wire *w)
{
    w->state = WIRE_NAME;
    w->name_len = 0;
    w->line = NULL;
}

/* The empty line was seen. */
static void end_headers(struct wire *w)
{
    if (w->trailer || (!w->chunked && w->left == 0))
        w->state = WIRE_GAP;
    else if (w->chunked)
        begin_chunk(w);
    else
        w->state = WIRE_BODY;
}

static bool name_is(const struct wire *w, const char *name)
{
    return w->name_len == strlen(name) && memcmp(w->name, name, w->name_len) == 0;
}

/* The colon behind a name. */
static void named(struct wire *w)
{
    bool length = name_is(w, "content-length"), coding = name_is(w, "transfer-encoding");

    if (w->trailer && (length || coding || name_is(w, "host"))) {
        broken(w);
        return;
    }
    w->state = WIRE_VALUE;
    w->chunked = w->chunked || coding;
    w->digits = 0;
    if (!length || w->trailer)
        w->name_len = 0; /* Its value is no number that matters. */
}

static void see_name(struct wire *w, char *at)
{
    char c = *at;

    if (c == ':') {
        named(w);
    } else if (c == '\n') {
        if (w->trailer && !w->cr)
            broken(w); /* Of header lines http_request.c sees it. */
        else if (w->name_len == 0)
            end_headers(w);
        else
            begin_line(w);
    } else if (c != '\r') {
        if (w->name_len == 0)
            w->line = at;
        if (w->name_len < sizeof w->name)
            w->name[w->name_len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        else
            w->name_len = sizeof w->name; /* Longer than any of interest, and none is that long. */
    }
}

/* A byte of a Content-Length's value; false: it does not belong there. */
static bool see_length(struct wire *w, char c)
{
    if (c == ' ' || c == '\t')
        return w->digits == 0; /* The library takes blanks before the digits only. */
    if (c < '0' || c > '9' || w->digits == WIRE_LENGTH_DIGITS)
        return false;
    w->digits++;
    w->left = w->left * 10 + (unsigned)(c - '0');
    return true;
}

static void see_value(struct wire *w, char c)
{
    bool length = w->name_len > 0;

    /* A CR is a part of the line's end or wrong. */
    if (length && (c == '\n' ? w->digits == 0 : w->cr || (c != '\r' && !see_length(w, c)))) {
        is_bad(w);
        w->cut = w->cut || !w->line;
        if (w->line)
            *w->line = 'X';
        w->name_len = 0;
    }
    if (c == '\n') {
        if (w->trailer && !w->cr)
            broken(w);
        else
            begin_line(w);
    }
}

static void see_size(struct wire *w, char c)
{
    int digit = num_hex_digit(c);

    if (digit >= 0 && w->digits < WIRE_SIZE_DIGITS) {
        w->digits++;
        w->left = w->left << 4 | (unsigned)digit;
    } else if (w->digits > 0 && c == '\r') {
        w->state = WIRE_SIZE_LF;
    } else if (w->digits > 0 && c == ';') {
        w->state = WIRE_EXTENSION;
    } else {
        broken(w);
    }
}

static void see_extension(struct wire *w, char c)
{
    if (c == '\r')
        w->state = WIRE_SIZE_LF;
    else if (c == '\n' || ++w->extension > WIRE_EXTENSION_MAX)
        broken(w);
}

static void see_size_end(struct wire *w, char c)
{
    if (c != '\n') {
        broken(w);
    } else if (w->left > 0) {
        w->state = WIRE_DATA;
    } else {
        w->trailer = true;
        begin_line(w);
    }
}

static void see_gap(struct wire *w, char c)
{
    if (c == '\r' && !w->cr)
        return;
    if (c == '\n' && w->cr)
        return;
    w->request++;
    w->state = WIRE_FIRST_LINE;
    w->trailer = w->chunked = false;
    w->left = 0;
    w->extension = 0;
    if (w->cr || c == '\n')
        is_bad(w);
}

static void see_byte(struct wire *w, char *at)
{
    char c = *at;

    switch (w->state) {
    case WIRE_GAP:
        see_gap(w, c);
        break;
    case WIRE_FIRST_LINE:
        if (c == '\n')
            begin_line(w);
        break;
    case WIRE_NAME:
        see_name(w, at);
        break;
    case WIRE_VALUE:
        see_value(w, c);
        break;
    case WIRE_SIZE:
        see_size(w, c);
        break;
    case WIRE_EXTENSION:
        see_extension(w, c);
        break;
    case WIRE_SIZE_LF:
        see_size_end(w, c);
        break;
    case WIRE_DATA_CR:
        if (c == '\r')
            w->state = WIRE_DATA_LF;
        else
            broken(w);
        break;
    case WIRE_DATA_LF:
        if (c == '\n')
            begin_chunk(w);
        else
            broken(w);
        break;
    case WIRE_BODY:
    case WIRE_DATA:
    case WIRE_BROKEN:
        break;
    }
    w->cr = c == '\r';
}

bool wire_see(struct wire *w, char *p, size_t n)
{
    w->line = NULL;
    while (n > 0 && w->state != WIRE_BROKEN) {
        size_t step = 1;

        if (w->state == WIRE_BODY || w->state == WIRE_DATA) {
            step = w->left < n ? (size_t)w->left : n;
            w->left -= step;
            if (w->left == 0)
                w->state = w->state == WIRE_BODY ? WIRE_GAP : WIRE_DATA_CR;
            w->cr = false;
        } else {
            see_byte(w, p);
        }
        p += step;
        n -= step;
    }
    return !w->cut;
}

bool wire_is_broken(const struct wire *w, uint64_t request)
{
    return w->bad != 0 && request >= w->bad;
}
