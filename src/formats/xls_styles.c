/* Number formats of old workbooks. */

#include "formats/xls_styles.h"

#include "formats/little_endian.h"

#include <strings.h>

struct xls_own_format {
    uint16_t id;
    const char *code; /* NULL: General. */
};

/* Room for one more in an arena array; NULL when memory ends. */
static void *one_more(struct arena *arena, void *old, size_t n, size_t *room, size_t size)
{
    void *more;

    if (n < *room)
        return old;
    *room = *room ? *room * 2 : 64;
    more = arena_calloc(arena, *room, size);
    if (more && n)
        memcpy(more, old, n * size);
    return more;
}

static bool add_format(struct xls_styles *s, const struct xls_charset *set, struct xls_bytes *b,
    char *scratch, struct err *err)
{
    unsigned char id[2];
    const char *code = NULL;
    size_t n;

    if (s->n_own == XLS_MAX_FORMATS || !xls_bytes_take(b, id, sizeof id))
        return true;
    /* A code that is cut is of no use; its numbers are shown as they are. */
    if (!xls_string(b, set, set->biff8 ? 2 : 1, scratch, &n))
        return true;
    if (n != 7 || strncasecmp(scratch, "General", n) != 0) {
        code = arena_dup(s->arena, scratch, n);
        if (!code)
            return err_nomem(err);
    }
    s->own = one_more(s->arena, s->own, s->n_own, &s->own_room, sizeof *s->own);
    if (!s->own)
        return err_nomem(err);
    s->own[s->n_own++] = (struct xls_own_format){ le16(id), code };
    return true;
}

bool xls_styles_add(struct xls_styles *s, const struct xls_charset *set,
    const struct xls_records *behind, const struct xls_record *r, char *scratch, struct err *err)
{
    struct xls_bytes b;

    if (r->id == XLS_FORMAT) {
        xls_bytes_init(&b, behind, r);
        return add_format(s, set, &b, scratch, err);
    }
    if (r->id != XLS_XF || s->n_xfs == XLSX_MAX_STYLES)
        return true;
    s->xfs = one_more(s->arena, s->xfs, s->n_xfs, &s->xfs_room, sizeof *s->xfs);
    if (!s->xfs)
        return err_nomem(err);
    s->xfs[s->n_xfs++] = r->n >= 4 ? le16(r->p + 2) : 0;
    return true;
}

bool xls_styles_finish(
    struct xls_styles *s, struct xlsx_book *book, struct formats *formats, struct err *err)
{
    uint16_t *last = arena_calloc(s->arena, 65536, sizeof *last); /* Of each id, from 1. */

    book->styles = arena_calloc(s->arena, s->n_xfs + 1, sizeof *book->styles);
    if (!last || !book->styles)
        return err_nomem(err);
    for (size_t i = 0; i < s->n_own; i++)
        last[s->own[i].id] = (uint16_t)(i + 1);
    for (size_t i = 0; i < s->n_xfs; i++) {
        unsigned id = s->xfs[i];

        book->styles[i] = xlsx_style_of(id, last[id] ? s->own[last[id] - 1].code : NULL, formats);
    }
    book->n_styles = (uint32_t)s->n_xfs;
    return true;
}
