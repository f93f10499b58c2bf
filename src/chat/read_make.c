/* What becomes of the table: SQL, JSON, another kind of file. */

#include "chat/grammar.h"

#include "base/fs.h"
#include "ops/op.h"

#include <string.h>

enum { CALL_WORDS = 6 }; /* "the file should be called", and one to spare. */

/* ---- SQL ---- */

static bool is_name(const struct word *w)
{
    static const char *const never[] = { "with", "without", "for", "and", "as", "in", "a", "an",
        "the", "please", "named", "called", "table", "mysql", "postgres", "postgresql", "sqlite",
        "sql", "into", "it", "me", "using", "script", "statements", "inserts", "insert", "generate",
        "create", "make", "give", "write", "export", "own", "new", "my", "each", "every", "one",
        NULL };

    if (w->kind == WORD_QUOTED)
        return true;
    if (w->kind != WORD_PLAIN)
        return false;
    for (const char *const *n = never; *n; n++) {
        if (strcmp(*n, w->key) == 0)
            return false;
    }
    return true;
}

/* "table clients", "into crm.clients", "the orders table", "table called x". */
static const char *table_name(const struct mind *m, const struct clause *c)
{
    static const char *const befores[] = { "table called", "table named", "into the table",
        "into table", "into a table called", "table", "into", "table name", "table name is",
        "table name should be", "name of the table is", "table should be called",
        "table should be named", "table is called", "call the table", "name the table", "table to",
        "table name to", NULL };

    for (size_t i = c->from; i < c->to; i++) {
        size_t n = words_say_any(&m->words, i, c->to, befores);

        if (n == 0)
            continue;
        if (i + n < c->to && !words_say(&m->words, i + n, c->to, "to") &&
            is_name(&m->words.v[i + n]))
            return m->words.v[i + n].raw;
        if (words_say(&m->words, i, c->to, "table") && i > c->from && is_name(&m->words.v[i - 1]))
            return m->words.v[i - 1].raw;
    }
    return NULL;
}

static const char *dialect(const struct mind *m, const struct clause *c)
{
    static const char *const dialects[][2] = { { "mysql", "mysql" }, { "mariadb", "mysql" },
        { "sqlite", "sqlite" }, { "sqlite3", "sqlite" }, { "postgres", "postgresql" },
        { "postgresql", "postgresql" }, { "postgre", "postgresql" } };

    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (says(m, c, dialects[i][0]))
            return dialects[i][1];
    }
    return NULL;
}

static void sql_settings(struct mind *m, const struct clause *c, struct json *arguments)
{
    const char *table = table_name(m, c), *database = dialect(m, c);

    if (table)
        json_set_string(arguments, "table_name", table);
    if (database)
        json_set_string(arguments, "database_type", database);
    if (says(m, c, "without a transaction") || says(m, c, "no transaction") ||
        says(m, c, "without transaction") || says(m, c, "without transactions"))
        json_set_bool(arguments, "include_transaction", false);
    name_result(m, c, "sql/generate", arguments);
}

bool read_sql(struct mind *m, const struct clause *c)
{
    struct json *last = last_arguments(m, "sql/generate"), *arguments;

    if (last) { /* "use mysql", "table people" */
        sql_settings(m, c, last);
        return true;
    }
    arguments = json_new_object();
    sql_settings(m, c, arguments);
    return add_step(m, "sql/generate", arguments);
}

/* ---- JSON ---- */

bool read_json(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX];
    struct json *arguments = json_new_object();
    size_t n = named_columns(m, c->from, c->to, names, NAMES_MAX);

    if (n > 0)
        json_set(arguments, "columns", names_json(names, n));
    if (says(m, c, "lines") || says(m, c, "jsonl") || says(m, c, "ndjson"))
        json_set_string(arguments, "output_format", "jsonl");
    if (says(m, c, "compact") || says(m, c, "minified") || says(m, c, "without spaces") ||
        says(m, c, "not pretty"))
        json_set_bool(arguments, "pretty_print", false);
    if (says(m, c, "without nulls") || says(m, c, "skip nulls") || says(m, c, "without blanks") ||
        says(m, c, "skip blanks"))
        json_set_string(arguments, "null_handling", "exclude");
    name_result(m, c, "json/generate", arguments);
    return add_step(m, "json/generate", arguments);
}

/* ---- workbooks and text ---- */

static const char *const makes_tables[] = { "excel/extract-columns-to-file", "excel/search",
    "csv/search", "normalization/apply", "excel/map-columns", "excel/bind-single-key" };

/* The last step, where it writes a table in any format; NULL when it does not. */
static struct json *table_before(const struct mind *m, const char **operation)
{
    for (size_t i = 0; i < ARRAY_LEN(makes_tables); i++) {
        struct json *last = last_arguments(m, makes_tables[i]);

        *operation = makes_tables[i];
        if (last)
            return last;
    }
    return NULL;
}

static const char *const sheets[] = { "sheet name should be", "sheet name is", "sheet name",
    "sheet should be called", "sheet should be named", "call the sheet", "name the sheet",
    "sheet named", "sheet called", "sheet is called", "sheet", NULL };

static const char *sheet_name(const struct mind *m, const struct clause *c)
{
    size_t at = words_find(&m->words, c->from, c->to, sheets);
    size_t n = words_say_any(&m->words, at, c->to, sheets);

    return n && at + n < c->to && is_name(&m->words.v[at + n]) ? m->words.v[at + n].raw : NULL;
}

/* "..., as csv": the step before writes it itself. */
static bool format_before(struct mind *m, const struct clause *c, const char *format)
{
    const char *operation;
    struct json *last = says(m, c, "as") ? table_before(m, &operation) : NULL;

    if (!last)
        return false;
    json_set_string(last, "output_format", format);
    name_result(m, c, operation, last);
    return true;
}

bool read_excel(struct mind *m, const struct clause *c)
{
    const char *sheet = sheet_name(m, c);
    struct json *arguments;

    if (format_before(m, c, "xlsx"))
        return true;
    arguments = json_new_object();
    if (sheet)
        json_set_string(arguments, "sheet_name", sheet);
    name_result(m, c, "csv/convert-to-excel", arguments);
    return add_step(m, "csv/convert-to-excel", arguments);
}

bool read_csv(struct mind *m, const struct clause *c)
{
    struct json *arguments;

    if (format_before(m, c, "csv"))
        return true;
    arguments = json_new_object();
    if (says(m, c, "semicolon") || says(m, c, "semicolons"))
        json_set_string(arguments, "delimiter", ";");
    else if (says(m, c, "tab") || says(m, c, "tabs") || says(m, c, "tsv"))
        json_set_string(arguments, "delimiter", "\t");
    else if (says(m, c, "pipe") || says(m, c, "pipes"))
        json_set_string(arguments, "delimiter", "|");
    if (says(m, c, "for excel") || says(m, c, "excel opens") || says(m, c, "excel can open"))
        json_set_string(arguments, "csv_dialect", "excel");
    name_result(m, c, "excel/convert-to-csv", arguments);
    return add_step(m, "excel/convert-to-csv", arguments);
}

/* ---- names ---- */

bool edit_names(struct mind *m, const struct clause *c, bool *done)
{
    struct json *sql = last_arguments(m, "sql/generate"),
                *excel = last_arguments(m, "csv/convert-to-excel");
    const char *sheet = excel ? sheet_name(m, c) : NULL;

    *done = (sql && says(m, c, "table") && table_name(m, c)) || sheet;
    if (sql && *done)
        sql_settings(m, c, sql);
    else if (sheet)
        json_set_string(excel, "sheet_name", sheet);
    return true;
}

/* What the name of a file tells of its format; NULL: nothing. */
static const char *format_of(const char *name)
{
    static const char *const formats[] = { "xlsx", "csv", "tsv", "json", "jsonl", "sql" };
    const char *suffix = fs_suffix(name);

    for (size_t i = 0; *suffix && i < ARRAY_LEN(formats); i++) {
        if (strcasecmp(suffix + 1, formats[i]) == 0)
            return formats[i];
    }
    return NULL;
}

static bool is_input(const struct mind *m, const char *name)
{
    for (size_t i = 0; i < m->n_files; i++) {
        if (strcasecmp(name, m->files[i].file) == 0)
            return true;
    }
    return false;
}

/* May the word be a name for the result? What stands before it says so. */
static bool is_named(const struct mind *m, size_t at, size_t from, size_t to)
{
    static const char *const calls[] = { "call it", "call that", "call the file", "call the result",
        "name it", "name the file", "save it as", "save as", "save this as", "save them as",
        "save the result as", "save the file as", "export it as", "with the name", "filename",
        "file name", "file name is", "filename is", "file called", "file named", "it called",
        "it named", "csv called", "csv named", "json called", "json named", "excel called",
        "workbook called", "workbook named", "spreadsheet called", "spreadsheet named",
        "script called", "script named", "result called", "output called", "sql called",
        "file should be called", "result should be called", "it should be called", "under the name",
        "under the name of", "by the name", "by the name of", NULL };
    static const char *const never[] = { "excel", "csv", "json", "xlsx", "sql", "a", "an", "the",
        "jsonl", NULL };

    if (m->words.v[at].kind == WORD_STOP || words_say_any(&m->words, at, to, never))
        return false;
    for (size_t i = at > from + CALL_WORDS ? at - CALL_WORDS : from; i < at; i++) {
        if (i + words_say_any(&m->words, i, to, calls) == at)
            return true;
    }
    return false;
}

/* The name that the clause gives the result, as typed; NULL: none. */
static const char *given_name(const struct mind *m, const struct clause *c)
{
    for (size_t at = c->from; at < c->to; at++) {
        const char *raw = m->words.v[at].raw;

        if (!fs_is_bare_name(raw) || is_input(m, raw))
            continue;
        if ((at > c->from && format_of(raw)) || is_named(m, at, c->from, c->to))
            return raw;
    }
    return NULL;
}

void name_result(
    struct mind *m, const struct clause *c, const char *operation, struct json *arguments)
{
    const char *name = given_name(m, c), *format = name ? format_of(name) : NULL;
    const struct op *op = op_find(operation);

    if (!name || !op)
        return;
    if (format && strcmp(format, "sql") != 0 && op->flags & OP_TABLE &&
        !strstr(operation, "/convert"))
        json_set_string(arguments, "output_format", format);
    else if (format && strcmp(format, "jsonl") == 0 && op->flags & OP_JSON_TEXT)
        json_set_string(arguments, "output_format", format);
    if (format)
        name = arena_dup(m->arena, name, strlen(name) - strlen(fs_suffix(name)));
    if (name && *name)
        json_set_string(arguments, "output_filename", name);
}

enum want name_last(struct mind *m, const struct clause *c)
{
    static const struct {
        const char *format;
        enum want want;
    } wants[] = { { "xlsx", WANT_EXCEL }, { "csv", WANT_CSV }, { "json", WANT_JSON },
        { "jsonl", WANT_JSON }, { "sql", WANT_SQL } };
    const char *name = given_name(m, c), *format = name ? format_of(name) : NULL, *operation;
    size_t n = json_len(m->steps);
    const struct json *step = n ? json_at(m->steps, n - 1) : NULL;
    bool table = step && table_before(m, &operation);

    for (size_t i = 0; format && i < ARRAY_LEN(wants); i++) {
        if (strcmp(format, wants[i].format) == 0 && (!step || (table && wants[i].want == WANT_SQL)))
            return wants[i].want;
    }
    if (name && step) {
        name_result(m, c, json_get_string(step, "operation"),
            (struct json *)(uintptr_t)json_get(step, "arguments"));
    }
    return WANT_NOTHING;
}
