/*
 * Cell styles, as far as they say what a number means: the number format of each.
 *
 *   <c s="3">  ──▶  cellXfs/xf[3] numFmtId  ──▶  numFmts/numFmt formatCode, or a built-in format
 */
#include "formats/xlsx_parts_int.h"

#include "base/num.h"

#include <stdlib.h>
#include <string.h>

struct custom {
    unsigned id;
    const char *code;
};

struct styles {
    struct xlsx_book *book;
    bool in_formats, in_cells;
    struct custom *custom;
    size_t n_custom, custom_room;
    unsigned *xfs; /* Format id of each. */
    size_t n_xfs, xfs_room;
};

/* Codes of the built-in formats (ECMA-376, 18.8.30), as Excel shows them in US English. */
static const char *const builtin[] = { [1] = "0",
    [2] = "0.00",
    [3] = "#,##0",
    [4] = "#,##0.00",
    [5] = "\"$\"#,##0_);(\"$\"#,##0)",
    [6] = "\"$\"#,##0_);[Red](\"$\"#,##0)",
    [7] = "\"$\"#,##0.00_);(\"$\"#,##0.00)",
    [8] = "\"$\"#,##0.00_);[Red](\"$\"#,##0.00)",
    [9] = "0%",
    [10] = "0.00%",
    [11] = "0.00E+00",
    [12] = "# ?/?",
    [13] = "# ?\?/??",
    [14] = "mm-dd-yy",
    [15] = "d-mmm-yy",
    [16] = "d-mmm",
    [17] = "mmm-yy",
    [18] = "h:mm AM/PM",
    [19] = "h:mm:ss AM/PM",
    [20] = "h:mm",
    [21] = "h:mm:ss",
    [22] = "m/d/yy h:mm",
    [37] = "#,##0 ;(#,##0)",
    [38] = "#,##0 ;[Red](#,##0)",
    [39] = "#,##0.00;(#,##0.00)",
    [40] = "#,##0.00;[Red](#,##0.00)",
    [41] = "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)",
    [42] = "_(\"$\"* #,##0_);_(\"$\"* (#,##0);_(\"$\"* \"-\"_);_(@_)",
    [43] = "_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"??_);_(@_)",
    [44] = "_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)",
    [45] = "mm:ss",
    [46] = "[h]:mm:ss",
    [47] = "mmss.0",
    [48] = "##0.0E+0",
    [49] = "@" };

static unsigned parse_id(const char *text)
{
    int64_t id;

    if (!text || !num_parse_int(text, strlen(text), &id) || id < 0 || id > INT32_MAX)
        return 0;
    return (unsigned)id;
}

/* Twice the room of an arena array; NULL when memory ends. */
static void *twice(struct arena *arena, const void *old, size_t n, size_t *room, size_t size)
{
    void *more;

    *room = *room ? *room * 2 : 64;
    more = arena_calloc(arena, *room, size);
    if (more && n)
        memcpy(more, old, n * size);
    return more;
}

static bool on_start(void *arg, const char *name, const char **attrs, struct err *err)
{
    struct styles *s = arg;

    if (strcmp(name, "numFmts") == 0) {
        s->in_formats = true;
    } else if (strcmp(name, "cellXfs") == 0) {
        s->in_cells = true;
    } else if (s->in_formats && strcmp(name, "numFmt") == 0) {
        const char *code = xlsx_xml_attr(attrs, "formatCode");

        if (s->n_custom == s->custom_room)
            s->custom =
                twice(s->book->arena, s->custom, s->n_custom, &s->custom_room, sizeof *s->custom);
        if (!s->custom)
            return err_nomem(err);
        s->custom[s->n_custom] = (struct custom){ parse_id(xlsx_xml_attr(attrs, "numFmtId")),
            arena_strdup(s->book->arena, code ? code : "General") };
        if (!s->custom[s->n_custom++].code)
            return err_nomem(err);
    } else if (s->in_cells && strcmp(name, "xf") == 0 && s->n_xfs < XLSX_MAX_STYLES) {
        if (s->n_xfs == s->xfs_room)
            s->xfs = twice(s->book->arena, s->xfs, s->n_xfs, &s->xfs_room, sizeof *s->xfs);
        if (!s->xfs)
            return err_nomem(err);
        s->xfs[s->n_xfs++] = parse_id(xlsx_xml_attr(attrs, "numFmtId"));
    }
    return true;
}

static bool on_end(void *arg, const char *name, struct err *err)
{
    struct styles *s = arg;

    (void)err;
    if (strcmp(name, "numFmts") == 0)
        s->in_formats = false;
    else if (strcmp(name, "cellXfs") == 0)
        s->in_cells = false;
    return true;
}

static int by_id(const void *a, const void *b)
{
    unsigned x = ((const struct custom *)a)->id, y = ((const struct custom *)b)->id;

    return x < y ? -1 : x > y;
}

static uint16_t usual_format(enum date_kind kind)
{
    switch (kind) {
    case DATE_DATETIME:
        return FORMAT_DATETIME;
    case DATE_TIME:
        return FORMAT_TIME;
    case DATE_DURATION:
        return FORMAT_DURATION;
    default:
        return FORMAT_DATE;
    }
}

struct xlsx_style xlsx_style_of(unsigned id, const char *own, struct formats *formats)
{
    const char *code = own ? own : id < ARRAY_LEN(builtin) ? builtin[id] : NULL;
    struct xlsx_style style = { .format = FORMAT_GENERAL };
    enum date_kind kind = DATE_DATE;

    style.date = own ? date_format_code_kind(code, &kind) : date_format_id_kind(id, &kind);
    style.kind = (uint8_t)kind;
    if (code && strcmp(code, "General") != 0)
        style.format = formats_intern(formats, code);
    if (style.date && style.format == FORMAT_GENERAL)
        style.format = usual_format(kind);
    return style;
}

static struct xlsx_style style_of(const struct styles *s, unsigned id, struct formats *formats)
{
    struct custom key = { .id = id };
    const struct custom *found =
        s->n_custom ? bsearch(&key, s->custom, s->n_custom, sizeof key, by_id) : NULL;

    return xlsx_style_of(id, found ? found->code : NULL, formats);
}

bool xlsx_styles_load(struct xlsx_book *book, struct formats *formats, struct err *err)
{
    struct styles s = { .book = book };
    const struct zip_entry *entry =
        book->styles_part ? zip_read_find(book->zip, book->styles_part) : NULL;

    if (!entry)
        return true;
    if (!xlsx_parts_parse(book, entry, &s, on_start, on_end, err))
        return false;
    if (s.n_custom)
        qsort(s.custom, s.n_custom, sizeof *s.custom, by_id);
    book->styles = arena_calloc(book->arena, s.n_xfs ? s.n_xfs : 1, sizeof *book->styles);
    if (!book->styles)
        return err_nomem(err);
    for (size_t i = 0; i < s.n_xfs; i++)
        book->styles[i] = style_of(&s, s.xfs[i], formats);
    book->n_styles = (uint32_t)s.n_xfs;
    return true;
}
