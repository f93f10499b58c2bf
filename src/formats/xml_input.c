/*
 * The window over a part, and the encodings a part may be in.
 *
 * Nearly every part is UTF-8 and is unpacked straight into the window. UTF-16 (with or without its
 * mark) and whatever else the XML declaration names go through iconv on the way.
 */
#include "formats/xml_scan.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { RAW_CHUNK = 64 << 10, DECLARATION_BYTES = 256, WINDOW_MAX = XML_MAX_TOKEN + XML_WINDOW };

struct xml_recode {
    iconv_t iconv;
    char encoding[48];
    size_t n;    /* Raw bytes waiting. */
    uint64_t at; /* Raw bytes done. */
    bool eof;    /* No more raw bytes. */
    char raw[RAW_CHUNK];
};

bool xml_input_bad(const struct xml_input *in, const char *at, const char *what, struct err *err)
{
    uint64_t byte = in->base + (uint64_t)(at - in->buf);

    err_set(err, ERR_DATA, "'%s' is damaged: %s (byte %" PRIu64 " of its part %s)", in->label, what,
        byte, in->part);
    err->at.byte = byte;
    return false;
}

static bool over_budget(const struct xml_input *in, struct err *err)
{
    return err_set(
        err, ERR_BUDGET, "'%s': the memory limit is too low to read %s", in->label, in->part);
}

static bool resize(struct xml_input *in, size_t cap, struct err *err)
{
    size_t unread = (size_t)(in->end - in->p), offset = in->buf ? (size_t)(in->p - in->buf) : 0;
    bool lent = in->buf != in->window;
    char *more;

    if (!budget_take(in->budget, cap - in->cap))
        return over_budget(in, err);
    more = realloc(in->window, cap);
    if (!more) {
        budget_give(in->budget, cap - in->cap);
        return err_nomem(err);
    }
    in->window = more;
    in->cap = cap;
    if (lent)
        return true;
    in->buf = more;
    in->p = more + offset;
    in->end = in->p + unread;
    return true;
}

/* Raw bytes recoded into out[0..size); *n is 0 at the end. */
static bool recode(struct xml_input *in, char *out, size_t size, size_t *n, struct err *err)
{
    struct xml_recode *rc = in->recode;
    char *o = out;

    *n = 0;
    while (*n == 0) {
        size_t got = 0, left, room = size;
        char *from = rc->raw;

        if (!rc->eof && rc->n < RAW_CHUNK / 2) {
            if (!zip_stream_read(in->stream, rc->raw + rc->n, RAW_CHUNK - rc->n, &got, err))
                return false;
            rc->eof = got == 0;
            rc->n += got;
        }
        if (rc->n == 0 && rc->eof)
            return true;
        left = rc->n;
        if (iconv(rc->iconv, &from, &left, &o, &room) == (size_t)-1 && errno != E2BIG &&
            (errno != EINVAL || rc->eof))
            return err_set(err, ERR_DATA,
                "'%s' is damaged: bytes that are not %s text (byte %" PRIu64 " of its part %s)",
                in->label, rc->encoding, rc->at + (uint64_t)(from - rc->raw), in->part);
        rc->at += rc->n - left;
        memmove(rc->raw, from, left);
        rc->n = left;
        *n = (size_t)(o - out);
    }
    return true;
}

static bool fill(struct xml_input *in, char *out, size_t size, size_t *n, struct err *err)
{
    if (in->recode)
        return recode(in, out, size, n, err);
    return zip_stream_read(in->stream, out, size, n, err);
}

/* Go over to what the stream has ready, instead of copying it into the window. */
static bool borrow(struct xml_input *in, size_t unread, struct err *err)
{
    size_t n;
    char *p;

    _Static_assert((int)XML_PAD <= (int)ZIP_LEND_PAD, "what is lent has the pad of a window");
    if (!zip_stream_lend(in->stream, in->p, unread, &p, &n, err))
        return false;
    in->eof = n == 0;
    if (n == 0)
        return true;
    in->base += (uint64_t)(in->p - in->buf);
    in->buf = p - unread;
    in->p = in->buf;
    in->end = p + n;
    memset(p + n, 0, XML_PAD);
    return true;
}

bool xml_input_more(struct xml_input *in, struct err *err)
{
    size_t unread = (size_t)(in->end - in->p), room, n;

    if (!in->stream) {
        in->eof = true;
        return true;
    }
    if (!in->recode && unread <= ZIP_LEND_HEAD && zip_stream_lends(in->stream))
        return borrow(in, unread, err);
    if (unread >= XML_MAX_TOKEN && !in->eof)
        return err_set(err, ERR_BUDGET, "'%s': a single element of its part %s is over %d MiB long",
            in->label, in->part, XML_MAX_TOKEN >> 20);
    if (unread > in->cap / 2 && in->cap < WINDOW_MAX &&
        !resize(in, in->cap * 2 < WINDOW_MAX ? in->cap * 2 : WINDOW_MAX, err))
        return false;
    if (in->p != in->window) {
        in->base += (uint64_t)(in->p - in->buf);
        memmove(in->window, in->p, unread);
        in->buf = in->window;
        in->p = in->buf;
        in->end = in->buf + unread;
    }
    room = in->cap - XML_PAD - unread;
    if (!fill(in, in->buf + unread, room, &n, err))
        return false;
    in->eof = n == 0;
    in->end = in->buf + unread + n;
    memset(in->buf + unread + n, 0, XML_PAD);
    return true;
}

/* The value of encoding="..." in an XML declaration, or "". */
static void declared_encoding(const char *p, size_t n, char *out, size_t size)
{
    struct xml_token t;
    struct str attrs, value;

    out[0] = '\0';
    if (n < 6 || memcmp(p, "<?xml", 5) != 0 || xml_token(p, p + n, &t) != XML_OTHER)
        return;
    attrs = (struct str){ p + 5, (size_t)(t.next - 2 - (p + 5)) };
    if (xml_attr_find(attrs, "encoding", &value) && value.n < size) {
        memcpy(out, value.p, value.n);
        out[value.n] = '\0';
    }
}

/* From the first bytes: what to recode from ("" for UTF-8) and how many bytes of mark to skip. */
static size_t detect(const char *p, size_t n, char *encoding, size_t size)
{
    const uint8_t *b = (const uint8_t *)p;

    encoding[0] = '\0';
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return 3;
    if (n >= 2 && b[0] == 0xff && b[1] == 0xfe)
        return memcpy(encoding, "UTF-16LE", 9), 2;
    if (n >= 2 && b[0] == 0xfe && b[1] == 0xff)
        return memcpy(encoding, "UTF-16BE", 9), 2;
    if (n >= 4 && memcmp(p, "<\0?\0", 4) == 0)
        return memcpy(encoding, "UTF-16LE", 9), 0;
    if (n >= 4 && memcmp(p, "\0<\0?", 4) == 0)
        return memcpy(encoding, "UTF-16BE", 9), 0;
    declared_encoding(p, n, encoding, size);
    /* Bytes that can be read as this far are not UTF-16, whatever the declaration says. */
    if (strcasecmp(encoding, "utf-8") == 0 || strcasecmp(encoding, "utf8") == 0 ||
        strcasecmp(encoding, "us-ascii") == 0 || strncasecmp(encoding, "utf-16", 6) == 0 ||
        strncasecmp(encoding, "utf16", 5) == 0)
        encoding[0] = '\0';
    return 0;
}

static bool start_recode(struct xml_input *in, const char *encoding, struct err *err)
{
    struct xml_recode *rc;
    size_t n = (size_t)(in->end - in->p);

    if (!budget_take(in->budget, sizeof *rc))
        return over_budget(in, err);
    rc = malloc(sizeof *rc);
    if (!rc) {
        budget_give(in->budget, sizeof *rc);
        return err_nomem(err);
    }
    *rc = (struct xml_recode){ .iconv = iconv_open("UTF-8", encoding), .n = n, .eof = in->eof };
    snprintf(rc->encoding, sizeof rc->encoding, "%s", encoding);
    if (rc->iconv == (iconv_t)-1) {
        budget_give(in->budget, sizeof *rc);
        free(rc);
        return err_set(err, ERR_DATA, "'%s': its part %s is in an unknown encoding, %s", in->label,
            in->part, encoding);
    }
    memcpy(rc->raw, in->p, n);
    in->recode = rc;
    in->p = in->end = in->buf;
    in->eof = false;
    return xml_input_more(in, err);
}

bool xml_input_open(struct xml_input *in, struct zip_stream *stream, const char *label,
    struct budget *budget, struct err *err)
{
    char encoding[48];
    size_t n, have = 0;

    *in = (struct xml_input){
        .stream = stream, .budget = budget, .label = label, .part = zip_stream_entry(stream)->name
    };
    if (!resize(in, XML_WINDOW, err))
        goto fail;
    memset(in->buf, 0, XML_PAD);
    /* Not more than recode() can take over. */
    do {
        if (!zip_stream_read(stream, in->buf + have, RAW_CHUNK / 2 - have, &n, err))
            goto fail;
        have += n;
    } while (n > 0 && have < DECLARATION_BYTES);
    in->p = in->buf;
    in->end = in->buf + have;
    in->eof = n == 0;
    memset(in->buf + have, 0, XML_PAD);
    in->p += detect(in->buf, have, encoding, sizeof encoding);
    if (encoding[0] && !start_recode(in, encoding, err))
        goto fail;
    return true;
fail:
    xml_input_close(in);
    return false;
}

void xml_input_open_text(
    struct xml_input *in, char *text, size_t n, const char *label, const char *part)
{
    *in = (struct xml_input){ .label = label,
        .part = part,
        .buf = text,
        .p = text,
        .end = text + n,
        .eof = true,
        .borrowed = true };
}

void xml_input_close(struct xml_input *in)
{
    if (in->recode) {
        iconv_close(in->recode->iconv);
        budget_give(in->budget, sizeof *in->recode);
        free(in->recode);
    }
    if (!in->borrowed) {
        budget_give(in->budget, in->cap);
        free(in->window);
    }
    *in = (struct xml_input){ .buf = NULL };
}
