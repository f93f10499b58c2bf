#include "chat/tell.h"

#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

enum { TELL_MAX = 4000, LIST_SHOWN = 8 };

void tell_plain(struct buf *b, const char *s)
{
    for (; s && *s; s++) {
        if (strchr("*`[]<>\\", *s))
            buf_addc(b, '\\');
        buf_addc(b, *s == '\n' || *s == '\r' ? ' ' : *s);
    }
}

void tell_name(struct buf *b, const char *s)
{
    buf_adds(b, "**");
    tell_plain(b, s);
    buf_adds(b, "**");
}

static void add_value(struct buf *b, const struct json *value)
{
    char *text;

    if (json_kind(value) == JSON_KIND_STRING) {
        tell_name(b, *json_str(value) ? json_str(value) : "nothing");
        return;
    }
    text = json_text(value);
    tell_name(b, text);
    free(text);
}

static void add_list(struct buf *b, const struct json *list, const char *last)
{
    size_t n = json_len(list);

    for (size_t i = 0; i < n && i < LIST_SHOWN; i++) {
        if (i > 0)
            buf_adds(b, i + 1 == n ? last : ", ");
        add_value(b, json_at(list, i));
    }
    if (n > LIST_SHOWN)
        buf_addf(b, " and %zu more", n - LIST_SHOWN);
}

static const char *operator_text(const char *op)
{
    static const char *const texts[][2] = { { "equals", "is" }, { "not_equals", "is not" },
        { "contains", "contains" }, { "not_contains", "does not contain" },
        { "starts_with", "starts with" }, { "ends_with", "ends with" }, { "is_empty", "is empty" },
        { "is_not_empty", "is not empty" }, { "greater_than", "is more than" },
        { "greater_than_or_equal", "is at least" }, { "less_than", "is less than" },
        { "less_than_or_equal", "is at most" }, { "between", "is between" },
        { "before", "is before" }, { "after", "is after" }, { "in", "is" }, { "not_in", "is not" },
        { "matches", "matches" } };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(op, texts[i][0]) == 0)
            return texts[i][1];
    }
    return op;
}

static void tell_search(struct buf *b, const struct json *a)
{
    const struct json *conditions = json_get(a, "conditions");
    const char *logic = json_get_string(a, "logic");
    const char *link = logic && strcmp(logic, "OR") == 0 ? " or " : " and ";

    buf_adds(b, "Keep the rows where ");
    for (size_t i = 0; i < json_len(conditions); i++) {
        const struct json *one = json_at(conditions, i), *value = json_get(one, "value");
        const char *op = json_get_string(one, "operator");

        buf_adds(b, i ? link : "");
        tell_name(b, json_get_string(one, "column"));
        buf_addf(b, " %s", operator_text(op ? op : ""));
        if (value)
            buf_addc(b, ' ');
        if (json_kind(value) == JSON_KIND_ARRAY)
            add_list(b, value, op && strcmp(op, "between") == 0 ? " and " : " or ");
        else if (value)
            add_value(b, value);
    }
}

static void tell_extract(struct buf *b, const struct json *a)
{
    const struct json *columns = json_get(a, "columns");

    buf_adds(b, json_len(columns) ? "Keep the columns " : "Keep all columns");
    add_list(b, columns, " and ");
    if (json_get_bool(a, "remove_duplicates", false))
        buf_adds(b, ", each row once");
}

static void tell_list(struct buf *b, const struct json *a)
{
    const struct json *columns = json_get(a, "columns");

    buf_adds(b, "List the values of ");
    if (json_len(columns))
        add_list(b, columns, " and ");
    else
        buf_adds(b, "all columns");
    if (json_get_bool(a, "remove_duplicates", false))
        buf_adds(b, ", each once");
    buf_adds(b, ", with counts and statistics");
}

/* "active becomes A, inactive becomes I" */
static void add_pairs(struct buf *b, const struct json *pairs)
{
    bool first = true;

    for (const void *it = json_first(pairs); it; it = json_next(pairs, it), first = false) {
        buf_adds(b, first ? "" : ", ");
        tell_name(b, json_key(it));
        buf_adds(b, " becomes ");
        add_value(b, json_value(it));
    }
}

static void tell_fill(struct buf *b, const struct json *parameters)
{
    const char *method = json_get_string(parameters, "method");

    buf_adds(b, "fill blanks with ");
    if (!method)
        add_value(b, json_get(parameters, "value"));
    else if (strcmp(method, "forward") == 0)
        buf_adds(b, "the value above");
    else
        buf_addf(b, "the %s", method);
}

static void tell_rules(struct buf *b, const struct json *a)
{
    const struct json *list = json_get(a, "normalizations");

    buf_adds(b, "Normalize ");
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i), *parameters = json_get(one, "parameters");
        const char *type = json_get_string(one, "normalization_type");

        buf_adds(b, i ? "; " : "");
        tell_name(b, json_get_string(one, "column_name"));
        buf_adds(b, ": ");
        if (type && strcmp(type, "fill_null_values") == 0) {
            tell_fill(b, parameters);
            continue;
        }
        for (const char *p = type ? type : ""; *p; p++)
            buf_addc(b, *p == '_' ? ' ' : *p);
        for (const void *it = json_first(parameters); it; it = json_next(parameters, it)) {
            bool pairs = json_kind(json_value(it)) == JSON_KIND_OBJECT;

            buf_adds(b, ", ");
            if (!pairs)
                buf_addf(b, "%s ", json_key(it));
            if (pairs)
                add_pairs(b, json_value(it));
            else
                add_value(b, json_value(it));
        }
    }
}

static void tell_map(struct buf *b, const struct json *a)
{
    const struct json *mapping = json_get(a, "mapping");
    bool first = true;

    buf_adds(b, "Rename ");
    for (const void *it = json_first(mapping); it; it = json_next(mapping, it), first = false) {
        buf_adds(b, first ? "" : ", ");
        add_value(b, json_value(it));
        buf_adds(b, " to ");
        tell_name(b, json_key(it));
    }
    if (!json_get_bool(a, "keep_unmapped", false))
        buf_adds(b, "; leave out all other columns");
}

static void tell_join(struct buf *b, const struct json *a)
{
    const struct json *columns = json_get(a, "bind_columns");

    buf_adds(b, "Add ");
    if (json_len(columns))
        add_list(b, columns, " and ");
    else
        buf_adds(b, "all columns");
    buf_adds(b, " from ");
    tell_name(b, json_get_string(a, "bind_file"));
    buf_adds(b, " by ");
    tell_name(b, json_get_string(a, "comparison_column"));
}

static void tell_sql(struct buf *b, const struct json *a)
{
    const char *database = json_get_string(a, "database_type"),
               *table = json_get_string(a, "table_name");

    buf_adds(b, "Generate SQL");
    if (database)
        buf_addf(b, " for %s",
            strcmp(database, "mysql") == 0    ? "MySQL"
            : strcmp(database, "sqlite") == 0 ? "SQLite"
                                              : "PostgreSQL");
    buf_adds(b, ", table ");
    tell_name(b, table ? table : "data");
}

static void tell_json(struct buf *b, const struct json *a)
{
    const struct json *columns = json_get(a, "columns");
    const char *format = json_get_string(a, "output_format");

    buf_adds(b, format && strcmp(format, "jsonl") == 0 ? "Generate JSON lines" : "Generate JSON");
    if (json_len(columns)) {
        buf_adds(b, " of ");
        add_list(b, columns, " and ");
    }
}

static const struct {
    const char *operation;
    void (*tell)(struct buf *b, const struct json *arguments);
} tellers[] = {
    { "excel/search", tell_search },
    { "csv/search", tell_search },
    { "excel/extract-columns-to-file", tell_extract },
    { "excel/extract-columns", tell_list },
    { "normalization/apply", tell_rules },
    { "excel/map-columns", tell_map },
    { "excel/bind-single-key", tell_join },
    { "sql/generate", tell_sql },
    { "json/generate", tell_json },
};

const char *tell_step(struct arena *arena, const char *operation, const struct json *arguments)
{
    const struct op *op = op_find(operation);
    const char *format = json_get_string(arguments, "output_format"), *text;
    const char *name = json_get_string(arguments, "output_filename");
    size_t i = 0;
    struct buf b;

    buf_init(&b, TELL_MAX);
    while (i < ARRAY_LEN(tellers) && strcmp(tellers[i].operation, operation) != 0)
        i++;
    if (i < ARRAY_LEN(tellers))
        tellers[i].tell(&b, arguments);
    else
        buf_adds(&b, op ? op->summary : operation);
    if (format && strcmp(operation, "json/generate") != 0)
        buf_addf(&b, ", as %s",
            strcmp(format, "xlsx") == 0  ? "an Excel file"
            : strcmp(format, "csv") == 0 ? "CSV"
                                         : format);
    if (name) {
        buf_adds(&b, ", in a file called ");
        tell_name(&b, name);
    }
    text = arena_dup(arena, b.len ? b.data : "", b.len);
    buf_deinit(&b);
    return text ? text : "";
}
