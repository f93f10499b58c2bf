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
    if (row >= n->first && row <= n->last)
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
