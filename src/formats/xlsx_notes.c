/*
 * What lies beside the cells and changes what they mean.
 *
 *   workbook ── externalLinks/...     values that came from other files
 *   sheet ───── tables/table1.xml     ref="A1:C9" totalsRowCount="1": row 9 sums up the others
 */
#include "formats/xlsx_notes.h"

#include "formats/xlsx_parts_int.h"
#include "formats/xlsx_sheet.h"

#include <inttypes.h>
#include <string.h>

struct notes {
    struct xlsx_book *book;
    struct warnings *warnings;
    uint32_t first, last;
};

/* The last row of a table when it is one of totals; 0: none. */
static uint32_t totals_row(const char **attrs)
{
    const char *ref = xlsx_xml_attr(attrs, "ref"), *count = xlsx_xml_attr(attrs, "totalsRowCount");
    const char *end = ref ? strchr(ref, ':') : NULL;
    uint32_t col, row;

    if (!end || !count || strcmp(count, "1") != 0 ||
        !sheet_reference(end + 1, strlen(end + 1), &col, &row))
        return 0;
    return row;
}

static bool on_table(void *arg, const char *name, const char **attrs, struct err *err)
{
    const struct notes *n = arg;
    uint32_t row = strcmp(name, "table") == 0 ? totals_row(attrs) : 0;

    (void)err;
    if (row >= n->first && row <= n->last && row != n->book->totals_row)
        warn_add(n->warnings, "totals_row",
            "the last row of a table holds its totals and is read like the others", "row %" PRIu32,
            row);
    return true;
}

static bool look_at_table(void *arg, const char *target, struct err *err)
{
    struct notes *n = arg;
    const struct zip_entry *entry = zip_read_find(n->book->zip, target);

    return !entry || xlsx_parts_parse(n->book, entry, n, on_table, NULL, err);
}

void xlsx_notes_add(struct xlsx_book *book, const char *part, uint32_t first, uint32_t last,
    struct warnings *warnings)
{
    struct notes n = { .book = book, .warnings = warnings, .first = first, .last = last };
    struct err ignored;

    if (book->links)
        warn_add(warnings, "external_links",
            "the workbook refers to other files; the values that it stored are read", NULL);
    if (!xlsx_parts_related(book, part, "/table", look_at_table, &n, &ignored))
        return; /* Tables only name ranges. */
}

/* ---- The row of totals of the table that is read --------------------------------------------- */

struct totals {
    struct xlsx_book *book;
    uint32_t header_row;
    const struct schema *schema;
};

/* Does a table in these columns hold every column that has a name? */
static bool holds_all(const struct schema *schema, uint32_t first, uint32_t last)
{
    for (uint32_t c = 0; c < schema->n_columns; c++) {
        if ((c < first || c > last) && schema->columns[c].header && schema->columns[c].header[0])
            return false;
    }
    return true;
}

static bool on_own_table(void *arg, const char *name, const char **attrs, struct err *err)
{
    const struct totals *t = arg;
    const char *ref = xlsx_xml_attr(attrs, "ref"), *end = ref ? strchr(ref, ':') : NULL;
    uint32_t row, first, last, top, bottom;

    (void)err;
    row = strcmp(name, "table") == 0 ? totals_row(attrs) : 0;
    if (row && end && sheet_reference(ref, (size_t)(end - ref), &first, &top) &&
        sheet_reference(end + 1, strlen(end + 1), &last, &bottom) && top == t->header_row &&
        row > t->header_row && holds_all(t->schema, first, last))
        t->book->totals_row = row;
    return true;
}

static bool look_at_own_table(void *arg, const char *target, struct err *err)
{
    struct totals *t = arg;
    const struct zip_entry *entry = zip_read_find(t->book->zip, target);

    return !entry || xlsx_parts_parse(t->book, entry, t, on_own_table, NULL, err);
}

void xlsx_notes_totals(
    struct xlsx_book *book, const char *part, uint32_t header_row, const struct schema *schema)
{
    struct totals t = { .book = book, .header_row = header_row, .schema = schema };
    struct err ignored;

    book->totals_row = 0;
    if (!xlsx_parts_related(book, part, "/table", look_at_own_table, &t, &ignored))
        return; /* Tables only name ranges. */
}
