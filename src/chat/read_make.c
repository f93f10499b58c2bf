/* What becomes of the table: SQL, JSON, another kind of file. */

#include "chat/grammar.h"

#include <string.h>

static bool says(const struct mind *m, const struct clause *c, const char *phrase)
{
    const char *const phrases[] = { phrase, NULL };

    return words_find(&m->words, c->from, c->to, phrases) < c->to;
}

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
        "into table", "into a table called", "table", "into", NULL };

    for (size_t i = c->from; i < c->to; i++) {
        size_t n = words_say_any(&m->words, i, c->to, befores);

        if (n == 0)
            continue;
        if (i + n < c->to && is_name(&m->words.v[i + n]))
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

static void sql_settings(const struct mind *m, const struct clause *c, struct json *arguments)
{
    const char *table = table_name(m, c), *database = dialect(m, c),
               *file = given_name(m, c->from, c->to);

    if (table)
        json_set_string(arguments, "table_name", table);
    if (database)
        json_set_string(arguments, "database_type", database);
    if (says(m, c, "without a transaction") || says(m, c, "no transaction") ||
        says(m, c, "without transaction") || says(m, c, "without transactions"))
        json_set_bool(arguments, "include_transaction", false);
    if (file)
        json_set_string(arguments, "output_filename", file);
}

bool read_sql(struct mind *m, const struct clause *c)
{
    struct json *last = last_arguments(m, "sql/generate"), *arguments;

    if (last) { /* "use mysql", "table people" */
        sql_settings(m, c, last);
        describe_last(m, NULL);
        return true;
    }
    arguments = json_new_object();
    sql_settings(m, c, arguments);
    return add_step(m, "sql/generate", arguments, NULL);
}

/* ---- JSON ---- */

bool read_json(struct mind *m, const struct clause *c)
{
    const char *names[NAMES_MAX], *file = given_name(m, c->from, c->to);
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
    if (file)
        json_set_string(arguments, "output_filename", file);
    return add_step(m, "json/generate", arguments, NULL);
}

/* ---- workbooks and text ---- */

static const char *const makes_tables[] = { "excel/extract-columns-to-file", "excel/search",
    "csv/search", "normalization/apply", "excel/map-columns", "excel/bind-single-key" };

/* "..., as csv": the step before writes it itself; NULL when there is none that could. */
static struct json *table_before(const struct mind *m, const struct clause *c)
{
    if (!words_say(&m->words, c->from, c->to, "as"))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(makes_tables); i++) {
        struct json *last = last_arguments(m, makes_tables[i]);

        if (last)
            return last;
    }
    return NULL;
}

static const char *sheet_name(const struct mind *m, const struct clause *c)
{
    static const char *const befores[] = { "sheet name", "sheet named", "sheet called", "sheet",
        NULL };
    size_t at = words_find(&m->words, c->from, c->to, befores);
    size_t n = words_say_any(&m->words, at, c->to, befores);

    return n && at + n < c->to && is_name(&m->words.v[at + n]) ? m->words.v[at + n].raw : NULL;
}

bool read_excel(struct mind *m, const struct clause *c)
{
    struct json *last = table_before(m, c), *arguments;
    const char *sheet = sheet_name(m, c), *file = given_name(m, c->from, c->to);

    if (last) {
        json_set_string(last, "output_format", "xlsx");
        describe_last(m, NULL);
        return true;
    }
    arguments = json_new_object();
    if (sheet)
        json_set_string(arguments, "sheet_name", sheet);
    if (file)
        json_set_string(arguments, "output_filename", file);
    return add_step(m, "csv/convert-to-excel", arguments, NULL);
}

bool read_csv(struct mind *m, const struct clause *c)
{
    struct json *last = table_before(m, c), *arguments;
    const char *file = given_name(m, c->from, c->to);

    if (last) {
        json_set_string(last, "output_format", "csv");
        describe_last(m, NULL);
        return true;
    }
    arguments = json_new_object();
    if (says(m, c, "semicolon") || says(m, c, "semicolons"))
        json_set_string(arguments, "delimiter", ";");
    else if (says(m, c, "tab") || says(m, c, "tabs") || says(m, c, "tsv"))
        json_set_string(arguments, "delimiter", "\t");
    else if (says(m, c, "pipe") || says(m, c, "pipes"))
        json_set_string(arguments, "delimiter", "|");
    if (says(m, c, "for excel") || says(m, c, "excel opens") || says(m, c, "excel can open"))
        json_set_string(arguments, "csv_dialect", "excel");
    if (file)
        json_set_string(arguments, "output_filename", file);
    return add_step(m, "excel/convert-to-csv", arguments, NULL);
}
