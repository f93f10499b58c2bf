/* The records of an old workbook. */

#include "formats/xls_records.h"

#include "formats/little_endian.h"

enum { RECORD_HEAD = 4 };

bool xls_records_damaged(const struct xls_records *s, size_t at, const char *what, struct err *err)
{
    err_set(err, ERR_DATA, "'%s' is damaged: %s (byte %zu of its workbook)", s->label, what, at);
    err->at.byte = at;
    return false;
}

bool xls_records_next(struct xls_records *s, struct xls_record *r, bool *got, struct err *err)
{
    const unsigned char *p = s->p + s->at;
    size_t left = s->n - s->at, n;

    *got = false;
    if (left == 0)
        return true;
    if (left < RECORD_HEAD)
        return xls_records_damaged(s, s->at, "a record is cut", err);
    n = le16(p + 2);
    if (n > left - RECORD_HEAD)
        return xls_records_damaged(s, s->at, "a record is cut", err);
    *r = (struct xls_record){ .id = le16(p), .at = s->at, .p = p + RECORD_HEAD, .n = n };
    s->at += RECORD_HEAD + n;
    *got = true;
    return true;
}

void xls_bytes_init(
    struct xls_bytes *b, const struct xls_records *behind, const struct xls_record *r)
{
    *b = (struct xls_bytes){ .rest = *behind, .p = r->p, .end = r->p + r->n };
}

bool xls_bytes_more(struct xls_bytes *b)
{
    struct xls_records rest = b->rest;
    struct xls_record r;
    struct err ignored;
    bool got;

    if (!xls_records_next(&rest, &r, &got, &ignored) || !got || r.id != XLS_CONTINUE)
        return false;
    b->rest = rest;
    b->p = r.p;
    b->end = r.p + r.n;
    return true;
}

bool xls_bytes_take(struct xls_bytes *b, void *out, size_t n)
{
    char *to = out;

    while (n > 0) {
        size_t have = (size_t)(b->end - b->p);

        if (have == 0) {
            if (!xls_bytes_more(b))
                return false;
            continue;
        }
        if (have > n)
            have = n;
        memcpy(to, b->p, have);
        to += have;
        b->p += have;
        n -= have;
    }
    return true;
}

bool xls_bytes_skip(struct xls_bytes *b, size_t n)
{
    while (n > (size_t)(b->end - b->p)) {
        n -= (size_t)(b->end - b->p);
        b->p = b->end;
        if (!xls_bytes_more(b))
            return false;
    }
    b->p += n;
    return true;
}
