/*
 * The peer for CSV to XLSX: libxlsxwriter in constant memory, numbers as numbers, the rest as text.
 *
 *   peer_libxlsxwriter IN.csv OUT.xlsx [shared]
 *
 * shared: not in constant memory, so that texts go into a table of shared strings.
 */

#include <xlsxwriter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECORD = 1 << 16 };

/* Cut the next field off *at, unquoted in place; NULL at the end of the record. */
static char *next_field(char **at)
{
    char *p = *at, *out, *start;

    if (!p)
        return NULL;
    if (*p != '"') {
        *at = strchr(p, ',');
        if (*at)
            *(*at)++ = '\0';
        return p;
    }
    for (start = out = ++p; *p && !(p[0] == '"' && p[1] != '"'); p++) {
        if (p[0] == '"')
            p++;
        *out++ = *p;
    }
    *at = p[0] == '"' && p[1] == ',' ? p + 2 : NULL;
    *out = '\0';
    return start;
}

int main(int argc, char **argv)
{
    lxw_workbook_options options = { .constant_memory = LXW_TRUE };
    static char record[MAX_RECORD];
    lxw_workbook *book;
    lxw_worksheet *sheet;
    FILE *in = argc >= 3 ? fopen(argv[1], "r") : NULL;

    if (!in)
        return 2;
    if (argc > 3)
        options.constant_memory = LXW_FALSE;
    book = workbook_new_opt(argv[2], &options);
    sheet = workbook_add_worksheet(book, NULL);
    for (lxw_row_t row = 0; fgets(record, sizeof record, in); row++) {
        char *at = record, *field, *end;

        record[strcspn(record, "\n")] = '\0';
        for (lxw_col_t col = 0; (field = next_field(&at)) != NULL; col++) {
            double v = strtod(field, &end);

            if (*field && *end == '\0')
                worksheet_write_number(sheet, row, col, v, NULL);
            else if (*field)
                worksheet_write_string(sheet, row, col, field, NULL);
        }
    }
    fclose(in);
    return workbook_close(book) != LXW_NO_ERROR;
}
