/*
 * Old workbooks in.
 *
 *   compound file ─▶ workbook stream, in memory ─▶ globals ─▶ cells of a sheet ─▶ the XLSX reader
 *
 * What cells, header rows, merged ranges and errors mean is the same as in an XLSX workbook, and so
 * is the code.
 */
#include "formats/xls.h"

#include "formats/cfb.h"
#include "formats/xls_sheet.h"

/* The sheet and the workbook it is in: what the reader is fed from. */
struct old_book {
    struct xls_sheet sheet; /* First, for close_feed(). */
    struct xls_book book;
};

static bool over_budget(const char *name, struct err *err)
{
    return err_set(err, ERR_BUDGET, "'%s' needs more memory than the limit allows", name);
}

static void close_feed(struct xlsx_feed *f)
{
    struct old_book *o = (struct old_book *)(void *)f;

    xls_book_deinit(&o->book);
}

/* The workbook stream, which Excel 97 and later call Workbook and older ones Book. */
static bool load_stream(
    struct xlsx_reader *r, int fd, const unsigned char **p, size_t *n, struct err *err)
{
    struct cfb_entry entry;
    struct cfb *cfb;
    bool ok = false;

    if (!cfb_open(fd, r->name, r->env.budget, &cfb, err))
        return false;
    if (!cfb_find(cfb, "Workbook", &entry) && !cfb_find(cfb, "Book", &entry)) {
        if (cfb_find(cfb, "EncryptedPackage", &entry))
            err_set(err, ERR_FORMAT,
                "%s is a password-protected workbook; save it without the password", r->name);
        else
            err_set(err, ERR_FORMAT,
                "%s is an OLE document without a workbook in it; an Excel workbook or a text table "
                "(CSV, TSV) is needed",
                r->name);
        goto out;
    }
    ok = cfb_load(cfb, &entry, XLS_STREAM_MAX, &r->arena, p, n, err);
out:
    cfb_close(cfb);
    return ok;
}

static bool survey(
    struct xlsx_reader *r, struct old_book *o, const struct reader_args *args, struct err *err)
{
    uint32_t from = args->header_row > 1 ? (uint32_t)args->header_row : 1;

    if (!xls_sheet_survey(
            &o->sheet, &r->strings, from, args->merged == MERGED_FILL, &r->survey, err))
        return false;
    r->sheet_bytes = o->sheet.end - o->sheet.begin;
    if (!r->survey.ordered)
        warn_addn(r->env.warnings, "unordered_rows",
            "the rows of the sheet stood in no order and were sorted", 1, r->cells.sheet);
    return true;
}

bool xls_read_load(struct xlsx_reader *r, int fd, const struct reader_args *args,
    struct source_info *info, struct err *err)
{
    struct old_book *o = arena_calloc(&r->arena, 1, sizeof *o);
    const unsigned char *p;
    uint32_t tab;
    size_t n;

    if (!o)
        return over_budget(r->name, err);
    o->sheet.feed.close = close_feed;
    r->feed = &o->sheet.feed;
    r->book.arena = &r->arena;
    r->book.label = r->name;
    if (!load_stream(r, fd, &p, &n, err) ||
        !xls_book_load(
            &o->book, p, n, &r->book, &r->strings, r->env.formats, r->env.warnings, err) ||
        !xlsx_read_choose(r, args->sheet, &tab, err) ||
        !xls_sheet_open(&o->sheet, &o->book, o->book.sheets[tab], &r->arena, err))
        return false;
    return survey(r, o, args, err) && xlsx_read_make_table(r, tab, args, info, err);
}
