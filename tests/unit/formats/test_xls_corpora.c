/*
 * Old workbooks of other projects, cell by cell: against what LibreOffice writes for them (checked in
 * under tests/corpora/libreoffice as NAME.SHEET.csv), and against the same workbooks as .xlsx.
 */
#include "read_table.h"

#include <fcntl.h>

enum { PATH_ROOM = 512, MAX_SHEETS = 16, COLUMNS = 80, ROWS = 512 };

/* A sheet as text, from cell A1 on. */
struct grid {
    bool ok;
    uint32_t n_sheets;
    size_t rows, columns;
    struct arena arena;
    const char *text[ROWS][COLUMNS]; /* NULL: blank. */
    char type[ROWS][COLUMNS];        /* enum cell_type */
    struct err err;
};

static void put(struct grid *g, size_t row, size_t column, const char *p, size_t n, int type)
{
    assert_true(row < ROWS && column < COLUMNS);
    if (n == 0)
        return;
    g->text[row][column] = arena_dup(&g->arena, p, n);
    assert_non_null(g->text[row][column]);
    g->type[row][column] = (char)type;
    if (row + 1 > g->rows)
        g->rows = row + 1;
    if (column + 1 > g->columns)
        g->columns = column + 1;
}

static void drain(struct source *s, struct grid *g)
{
    struct batch *b;

    while ((g->ok = source_next(s, &b, &g->err)) && b) {
        for (uint32_t i = 0; i < b->n_rows; i++) {
            for (uint32_t c = 0; c < b->n_columns; c++) {
                char scratch[CELL_SHOWN_MAX];
                size_t n;
                const char *p = cell_shown(&b->columns[c][i], scratch, &n);

                put(g, (size_t)batch_row(b, i) - 1, c, p, n, b->columns[c][i].type);
            }
        }
    }
}

static struct grid *read_book(const char *path, unsigned sheet, int merged)
{
    struct grid *g = calloc(1, sizeof *g);
    struct source_env env = { .formats = formats_new(), .warnings = warn_new(), .tmp_dir = "/tmp" };
    struct reader_args args = { .header_row = 0, .merged = merged };
    const char *slash = strrchr(path, '/');
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct source *s;
    char number[16];

    assert_non_null(g);
    assert_true(fd >= 0);
    arena_init(&g->arena, NULL);
    snprintf(number, sizeof number, "%u", sheet);
    args.sheet = number;
    g->ok = source_open(fd, slash + 1, &args, &env, &s, &g->err);
    if (g->ok) {
        g->n_sheets = source_info(s)->n_sheets;
        drain(s, g);
        source_close(s);
    } else {
        close(fd);
    }
    formats_free(env.formats);
    warn_free(env.warnings);
    return g;
}

static void release(struct grid *g)
{
    arena_deinit(&g->arena);
    free(g);
}

/* One field of CSV at *p, unquoted into `out`; returns what ended it. */
static int field(const char **p, const char *end, struct buf *out)
{
    bool quoted = *p < end && **p == '"';

    buf_reset(out);
    for (*p += quoted; *p < end; (*p)++) {
        if (quoted && **p == '"') {
            if (*p + 1 < end && (*p)[1] == '"')
                (*p)++;
            else {
                quoted = false;
                continue;
            }
        } else if (!quoted && (**p == ',' || **p == '\n')) {
            return *(*p)++;
        }
        buf_addc(out, **p);
    }
    return 0;
}

static struct grid *read_csv(const char *path)
{
    struct grid *g = calloc(1, sizeof *g);
    FILE *f = fopen(path, "rb");
    static char bytes[1 << 18];
    const char *p = bytes;
    size_t n, row = 0, column = 0;
    struct buf text;

    assert_non_null(g);
    arena_init(&g->arena, NULL);
    g->ok = f != NULL;
    if (!f)
        return g;
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    buf_init(&text, 1 << 16);
    while (p < bytes + n) {
        int stop = field(&p, bytes + n, &text);

        put(g, row, column, buf_str(&text), text.len, CELL_TEXT);
        row += stop == '\n';
        column = stop == '\n' ? 0 : column + 1;
    }
    buf_deinit(&text);
    return g;
}

/* LibreOffice writes 15 digits, booleans as numbers, percentages with their sign, and dates as its format says. */
static bool same_value(const char *ours, int type, const char *theirs)
{
    int month, day, year, used = 0;
    char date[80];
    size_t n = strlen(theirs), percent = n > 1 && theirs[n - 1] == '%';
    double a, b;

    if (strcmp(ours, theirs) == 0)
        return true;
    if (type == CELL_BOOL)
        return strcmp(theirs, ours[0] == 't' ? "1" : "0") == 0 || strcasecmp(theirs, ours) == 0;
    if (type == CELL_NUMBER && num_parse(ours, strlen(ours), &a) &&
        num_parse(theirs, n - percent, &b)) {
        b = percent ? b / 100 : b;
        return (a > b ? a - b : b - a) <= 1e-14 * (a < 0 ? -a : a);
    }
    if (type != CELL_DATE || sscanf(theirs, "%2d/%2d/%4d%n", &month, &day, &year, &used) != 3)
        return false;
    snprintf(date, sizeof date, "%04d-%02d-%02d%.40s", year, month, day, theirs + used);
    return strcmp(date, ours) == 0;
}

/* Where the two differ, and why ours is right. */
static const struct {
    const char *name;
    unsigned sheet;
    const char *cell, *ours, *theirs, *why;
} differences[] = {
    { "empty-string", 1, "B1", "false", "1", "the stored result; LibreOffice calculates anew" },
    { "issue_646_unsupported_formula_function", 1, "A1", "1", "#NAME?",
        "the stored result; LibreOffice does not know the function" },
    { "xls_formula_columns_beyond_z", 1, "A1", "", "6", "the file has no result stored" },
    { "xls_formula_columns_beyond_z", 1, "A2", "", "1", "the file has no result stored" },
    { "ptgexp-truncated-operand", 1, "A24",
        "H:\\EXCEL\\CONFIDNT\\Investments\\[microsoft.xls]Tab 1",
        "'file:///tmp/ptgexp-truncated-operand.xls'#$Tab 1",
        "the stored name of the file; LibreOffice puts its own" },
};

static bool explained(
    const char *name, unsigned sheet, const char *cell, const char *ours, const char *theirs)
{
    for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
        if (strcmp(differences[i].name, name) == 0 && differences[i].sheet == sheet &&
            strcmp(differences[i].cell, cell) == 0 && strcmp(differences[i].ours, ours) == 0 &&
            strcmp(differences[i].theirs, theirs) == 0)
            return true;
    }
    return false;
}

/* Compare all cells; returns how many differ without a reason. */
static unsigned compare(const char *name, unsigned sheet, const struct grid *ours,
    const struct grid *theirs, bool exact, unsigned *used)
{
    unsigned bad = 0;

    for (size_t row = 0; row < ours->rows || row < theirs->rows; row++) {
        for (size_t column = 0; column < ours->columns || column < theirs->columns; column++) {
            const char *a = ours->text[row][column], *b = theirs->text[row][column];
            char letters[4], cell[32];

            a = a ? a : "";
            b = b ? b : "";
            if (exact ? strcmp(a, b) == 0 && ours->type[row][column] == theirs->type[row][column]
                      : same_value(a, ours->type[row][column], b))
                continue;
            schema_letter((uint32_t)column, letters);
            snprintf(cell, sizeof cell, "%s%zu", letters, row + 1);
            if (!exact && explained(name, sheet, cell, a, b)) {
                (*used)++;
                continue;
            }
            print_error("%s sheet %u %s: ours '%s', theirs '%s'\n", name, sheet, cell, a, b);
            bad++;
        }
    }
    return bad;
}

/* What cannot be read, or only in part. */
static const struct {
    const char *name, *want;
} refused[] = {
    { "issue_385", "issue_385.xls is a password-protected workbook; save it without the password" },
    { "encrypted_no_password", "encrypted_no_password.xls is a password-protected workbook; save "
                               "it without the password" },
};

static const struct {
    const char *folder, *name;
    unsigned sheets;
} books[] = {
    { "calamine", "OOM_alloc", 10 },
    { "calamine", "OOM_alloc2", 1 },
    { "calamine", "any_sheets", 4 },
    { "calamine", "biff5-rich-text-string", 1 },
    { "calamine", "biff5_write", 1 },
    { "calamine", "capitalized_wbook_stream", 1 },
    { "calamine", "date", 1 },
    { "calamine", "date_1904", 1 },
    { "calamine", "empty-string", 1 },
    { "calamine", "formula-date-format", 1 },
    { "calamine", "gh548_incorrect_sst_unique_count", 7 },
    { "calamine", "issue127", 8 },
    { "calamine", "issue219", 1 },
    { "calamine", "issue343", 1 },
    { "calamine", "issue444", 1 },
    { "calamine", "issue_271", 2 },
    { "calamine", "issue_643_biff5_formula", 1 },
    { "calamine", "issue_646_unsupported_formula_function", 1 },
    { "calamine", "issues", 5 },
    { "calamine", "malformed_format", 1 },
    { "calamine", "merge_cells", 1 },
    { "calamine", "merged_range", 2 },
    { "calamine", "misc_biff5_parsing", 11 },
    { "calamine", "optional_records", 2 },
    { "calamine", "picture", 2 },
    { "calamine", "ptgexp-truncated-operand", 1 },
    { "calamine", "sheet_name_parsing", 1 },
    { "calamine", "sst_continue", 1 },
    { "calamine", "xls_cross_sheet_chart", 2 },
    { "calamine", "xls_formula", 2 },
    { "calamine", "xls_formula_columns_beyond_z", 1 },
    { "calamine", "xls_ref_String", 2 },
    { "calamine", "xls_wrong_decimals", 1 },
    { "messytables", "excel_properties", 1 },
    { "messytables", "simple", 1 },
    { "messytables", "span_rich", 1 },
    { "messytables", "unicode_sheet_name", 1 },
};

static void as_libreoffice(void **state)
{
    unsigned bad = 0, used = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(books); i++) {
        for (unsigned sheet = 1; sheet <= books[i].sheets; sheet++) {
            char path[PATH_ROOM];
            struct grid *ours, *theirs;

            snprintf(
                path, sizeof path, "%s/%s/%s.xls", CORPORA_DIR, books[i].folder, books[i].name);
            ours = read_book(path, sheet, MERGED_TOP_LEFT);
            snprintf(
                path, sizeof path, "%s/libreoffice/%s.%u.csv", CORPORA_DIR, books[i].name, sheet);
            theirs = read_csv(path);
            if (ours->ok && ours->n_sheets != books[i].sheets) {
                print_error("%s has %u sheets\n", books[i].name, ours->n_sheets);
                bad++;
            }
            if (!ours->ok && !strstr(ours->err.text, "is empty; it has no header row") &&
                !strstr(ours->err.text, "holds a chart and no cells")) {
                print_error("%s: %s\n", books[i].name, ours->err.text);
                bad++;
            }
            bad += compare(books[i].name, sheet, ours, theirs, false, &used);
            release(ours);
            release(theirs);
        }
    }
    assert_int_equal(bad, 0);
    assert_int_equal(used, ARRAY_LEN(differences)); /* None of them is stale. */
}

static void as_xlsx(void **state)
{
    static const struct {
        const char *name;
        unsigned sheets;
    } pairs[] = { { "any_sheets", 3 }, { "date", 1 }, { "date_1904", 1 }, { "issue127", 8 },
        { "issues", 5 }, { "merge_cells", 1 }, { "merged_range", 2 }, { "picture", 2 } };
    unsigned bad = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (unsigned k = 0; k < 2 * pairs[i].sheets; k++) {
            unsigned sheet = k / 2 + 1;
            int merged = k % 2 ? MERGED_FILL : MERGED_TOP_LEFT;
            struct grid *xls, *xlsx;
            char path[PATH_ROOM];

            snprintf(path, sizeof path, "%s/calamine/%s.xls", CORPORA_DIR, pairs[i].name);
            xls = read_book(path, sheet, merged);
            snprintf(path, sizeof path, "%s/calamine/%s.xlsx", CORPORA_DIR, pairs[i].name);
            xlsx = read_book(path, sheet, merged);
            if (xls->ok != xlsx->ok) {
                print_error(
                    "%s %u: '%s' and '%s'\n", pairs[i].name, sheet, xls->err.text, xlsx->err.text);
                bad++;
            }
            bad += compare(pairs[i].name, sheet, xls, xlsx, true, NULL);
            release(xls);
            release(xlsx);
        }
    }
    assert_int_equal(bad, 0);
}

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char path[PATH_ROOM];
        struct grid *g;

        snprintf(path, sizeof path, "%s/%s/%s.xls", CORPORA_DIR, i ? "messytables" : "calamine",
            refused[i].name);
        g = read_book(path, 1, MERGED_TOP_LEFT);
        assert_false(g->ok);
        assert_int_equal(g->err.code, ERR_FORMAT);
        assert_string_equal(g->err.text, refused[i].want);
        release(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_libreoffice),
        cmocka_unit_test(as_xlsx),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests_name("xls_corpora", tests, NULL, NULL);
}
