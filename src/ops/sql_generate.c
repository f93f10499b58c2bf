/*
 * The rows as SQL: sql/generate and sql/generate-to-text as INSERT statements or by a template,
 * sql/generate-custom-to-text by a template.
 *
 *   -- header, with totals                            sql_script.c
 *   BEGIN;                                            batch_size rows a transaction
 *   INSERT INTO t (id, a, b) VALUES (1, 'x', 2);      sql_insert.c, rows_per_insert rows each
 *   ...                                               or what the template makes of a row
 *   COMMIT;
 */

#include "ops/sql_insert.h"
#include "ops/sql_script.h"
#include "ops/template.h"
#include "ops/values.h"

#include "base/date.h"
#include "table/dedup.h"

#include <string.h>

struct sql_args {
    const char *table_name;      /* NULL: the operation has none. */
    struct items column_mapping; /* struct sql_column */
    int database_type;           /* enum sql_dialect */
    struct sql_auto auto_increment;
    const char *template;
    int64_t batch_size, rows_per_insert, max_statement_bytes;
    bool include_transaction;
    int empty_as; /* enum sql_empty */
    int on_error; /* enum template_on_error */
    struct strs columns;
    bool remove_duplicates;
};

_Static_assert(sizeof(struct sql_column) == sizeof(struct template_alias) &&
                   offsetof(struct sql_column, column) == offsetof(struct template_alias, column),
    "a mapping serves both");

enum { ROW_JOINT = 4 }; /* Bytes between the rows of a statement. */

struct sql {
    const struct sql_args *args;
    const struct op_env *env;
    enum sql_dialect dialect;
    struct sql_insert_args insert_args;
    struct sql_insert insert;
    struct template *template; /* NULL: INSERT statements. */
    struct columns columns;    /* That the rows are told apart by, and that a template sees. */
    struct batch *view;        /* For the template. */
    struct dedup *dedup;       /* remove_duplicates */
    struct sql_script *script;
    struct buf text; /* Of the row at hand. */
    uint64_t in_batch, in_insert;
    uint64_t statement_bytes; /* Of the open INSERT. */
};

/* ---- declaration ---- */

static const char *const dialect_choices[] = { "postgresql", "mysql", "sqlite", NULL };
static const char *const dialect_aliases[] = { "postgres", "postgresql", "pg", "postgresql",
    "mariadb", "mysql", "sqlite3", "sqlite", NULL };
static const char *const increment_choices[] = { "default", "none", "postgresql_serial",
    "mysql_auto_increment", "sqlite_autoincrement", "manual_sequence", "uuid_generate", NULL };
static const char *const empty_choices[] = { "null", "empty", NULL };
static const char *const on_error_choices[] = { "fail", "null", NULL };
static const char *const database_aliases[] = { "database", "dialect", NULL };
static const char *const auto_name_aliases[] = { "column", NULL };
static const char *const increment_aliases[] = { "type", NULL };
static const char *const start_aliases[] = { "start", NULL };

static const struct arg column_fields[] = {
    { ARG(struct sql_column, column, STR), .required = true, .is_column = true, .min = 1,
        .max = 32767, .help = "Column of the file." },
    { 0 },
};

static const struct arg auto_fields[] = {
    { ARG(struct sql_auto, enabled, BOOL), .fallback = "true",
        .help = "Whether there is such a column." },
    { ARG(struct sql_auto, column_name, STR), .fallback = "\"id\"", .min = 1, .max = 255,
        .aliases = auto_name_aliases, .help = "Name of the column that counts." },
    { ARG(struct sql_auto, increment_type, CHOICE), .fallback = "\"default\"",
        .aliases = increment_aliases, .choices = increment_choices,
        .help = "Who counts: the database (the column is left out), the script, or UUIDs." },
    { ARG(struct sql_auto, start_value, INT), .fallback = "1", .min = -9e15, .max = 9e15,
        .aliases = start_aliases, .help = "First number the script gives." },
    { ARG(struct sql_auto, sequence_name, STR), .min = 1, .max = 255,
        .help = "Sequence that PostgreSQL takes the numbers from; seq_COLUMN by default." },
    { 0 },
};

/* clang-format off */
#define TABLE_ARG                                                                                  \
    { ARG(struct sql_args, table_name, STR), .fallback = "\"data\"", .min = 1, .max = 255,         \
        .help = "Table to insert into; schema.table works.",                                       \
        .ask = "What is the table called?" }
#define MAPPING_ARG(text)                                                                          \
    { ARG_LIST(struct sql_args, column_mapping, MAP, struct sql_column, column_fields),            \
        .shorthand = "column", .is_column = true, .help = text }
#define DATABASE_ARGS                                                                              \
    { ARG(struct sql_args, database_type, CHOICE), .fallback = "\"postgresql\"",                   \
        .setting = "sql.default_database", .allowed = "sql.supported_databases",                  \
        .choices = dialect_choices, .choice_aliases = dialect_aliases, .aliases = database_aliases, \
        .help = "Database the script is for.",                                                     \
        .ask = "For which database: postgresql, mysql or sqlite?" },                               \
    { ARG_PLACE(struct sql_args, auto_increment, auto_fields), .shorthand = "enabled",             \
        .help = "A column that numbers the rows." }
#define SCRIPT_ARGS                                                                                \
    { ARG(struct sql_args, template, STR), .min = 1, .max = TEMPLATE_MAX_BYTES,                    \
        .help = "Statement to write for each row instead of an INSERT, with {column} for values." }, \
    { ARG(struct sql_args, batch_size, INT), .fallback = "1000", .min = 1, .max = 1000000,         \
        .setting = "sql.default_batch_size",                                                      \
        .help = "Rows in one transaction." },                                                      \
    { ARG(struct sql_args, rows_per_insert, INT), .fallback = "1", .min = 1, .max = 10000,         \
        .help = "Rows in one INSERT statement." },                                                 \
    { ARG(struct sql_args, max_statement_bytes, INT), .fallback = "4194304", .min = 1024,          \
        .max = 1073741824,                                                                         \
        .help = "Bytes of one INSERT statement of several rows; more rows begin a new one." },     \
    { ARG(struct sql_args, include_transaction, BOOL), .fallback = "true",                         \
        .setting = "sql.include_transaction",                                                     \
        .help = "Put the statements into transactions." },                                         \
    { ARG(struct sql_args, empty_as, CHOICE), .fallback = "\"null\"", .choices = empty_choices,    \
        .help = "Write blank cells as NULL, or as empty text." }
#define ON_ERROR_ARG                                                                               \
    { ARG(struct sql_args, on_error, CHOICE), .fallback = "\"fail\"", .choices = on_error_choices, \
        .help = "When a value does not fit its type in the template and has no default: fail, or write NULL." }
#define CHOSEN_ARGS                                                                                \
    { ARG(struct sql_args, columns, STRS), .is_column = true,                                      \
        .help = "Columns to use; all of them by default." },                                       \
    { ARG(struct sql_args, remove_duplicates, BOOL), .fallback = "false",                          \
        .help = "Write only the first of several rows whose used columns are all the same." }

static const char mapping_help[] = "SQL columns and the column of the file each is filled from; all columns by "
    "default. With a template, its placeholders.";

static const struct arg sql_arg_list[] = {
    TABLE_ARG,
    MAPPING_ARG(mapping_help),
    DATABASE_ARGS,
    SCRIPT_ARGS,
    ON_ERROR_ARG,
    { 0 },
};

static const struct arg sql_text_arg_list[] = {
    TABLE_ARG,
    MAPPING_ARG(mapping_help),
    DATABASE_ARGS,
    SCRIPT_ARGS,
    ON_ERROR_ARG,
    CHOSEN_ARGS,
    { 0 },
};

static const struct arg sql_custom_arg_list[] = {
    { ARG(struct sql_args, template, STR), .required = true, .min = 1, .max = TEMPLATE_MAX_BYTES,
        .help = "Text to write for each row, with {column} for values: UPDATE t SET a = {a} WHERE id = {id:int}.",
        .ask = "What should be written for each row?" },
    MAPPING_ARG("Placeholders and the column of the file each is filled from; columns of that name by default."),
    DATABASE_ARGS,
    ON_ERROR_ARG,
    CHOSEN_ARGS,
    { 0 },
};
/* clang-format on */

static const char *const sql_says[] = { "generate sql", "make sql", "sql inserts",
    "insert statements", "convert to sql", "to sql", NULL };
static const char *const sql_text_says[] = { "sql text", "sql as text", "sql statements as text",
    NULL };
static const char *const sql_custom_says[] = { "custom sql", "sql template", "update statements",
    "sql from a template", NULL };

#define EXAMPLE_HEADER(table, rows)                  \
    "-- Generated by Sheetflow\n"                    \
    "-- Generated at: 2026-02-06T12:00:00.000000Z\n" \
    "-- Database: sqlite\n" table "-- Total rows: " rows "\n-- Total statements: " rows "\n\n"

static const struct op_example sql_examples[] = {
    { .title = "Inserts for SQLite, without transactions",
        .args = "{\"table_name\": \"people\", \"database_type\": \"sqlite\", "
                "\"include_transaction\": false}",
        .in = "name,age\nMiles O'Brien,44\nAda,\n",
        .out = EXAMPLE_HEADER("-- Table: people\n",
            "2") "INSERT INTO people (name, age) VALUES ('Miles O''Brien', 44);\n"
                 "INSERT INTO people (name, age) VALUES ('Ada', NULL);\n" },
    { 0 },
};

static const struct op_example sql_custom_examples[] = {
    { .title = "Updates by number",
        .args = "{\"template\": \"UPDATE people SET name = {name} WHERE id = {id:int};\", "
                "\"database_type\": \"sqlite\"}",
        .in = "id,name\n1,Miles O'Brien\n2,\n",
        .out = EXAMPLE_HEADER("", "2") "UPDATE people SET name = 'Miles O''Brien' WHERE id = 1;\n"
                                       "UPDATE people SET name = NULL WHERE id = 2;\n" },
    { 0 },
};

/* ---- check and open ---- */

static bool sql_check(void *args, struct arena *arena, struct err *err)
{
    const struct sql_args *a = args;
    struct buf b;
    bool ok = true;

    (void)arena;
    buf_init(&b, 4096);
    if (a->table_name &&
        !sql_identifier((enum sql_dialect)a->database_type, a->table_name, true, &b, err)) {
        strcpy(err->argument, "table_name");
        ok = err_wrap(err, "table_name");
    }
    buf_deinit(&b);
    if (ok && a->column_mapping.n && a->columns.n && !a->template)
        return value_fail(err, "columns", "columns and column_mapping cannot both be given");
    if (ok && a->template && a->rows_per_insert > 1)
        return value_fail(err, "rows_per_insert", "a template writes one row at a time");
    return ok;
}

static bool open_template(struct sql *x, const struct schema *in, struct err *err)
{
    const struct sql_args *a = x->args;
    const struct sql_auto *counter = &a->auto_increment;
    struct template_options options = {
        .aliases = a->column_mapping.v,
        .n_aliases = a->column_mapping.n,
        .on_error = (enum template_on_error)a->on_error,
        .now_ns = x->env->now_ns,
        .counter.start = 1,
    };

    if (!columns_choose(in, &a->columns, "columns", x->env->arena, &x->columns, err))
        return false;
    options.schema = columns_schema(in, &x->columns, x->env->arena);
    x->view = columns_view_new(x->env->arena, x->columns.n);
    if (!options.schema || !x->view)
        return err_nomem(err);
    if (counter->enabled) {
        options.counter.name = counter->column_name;
        options.counter.start = counter->start_value;
        if (counter->increment_type == SQL_INCREMENT_UUID)
            options.counter.counting = TEMPLATE_UUID;
        if (!sql_auto_expression(
                counter, x->dialect, x->env->arena, &options.counter.expression, err))
            return false;
    }
    return template_sql_compile(
        a->template, strlen(a->template), x->dialect, &options, x->env->arena, &x->template, err);
}

static bool open_insert(struct sql *x, const struct schema *in, struct err *err)
{
    const struct sql_args *a = x->args;

    x->insert_args = (struct sql_insert_args){
        .dialect = x->dialect,
        .table = a->table_name,
        .mapping = &a->column_mapping,
        .columns = &a->columns,
        .auto_increment = &a->auto_increment,
        .empty = (enum sql_empty)a->empty_as,
    };
    if (!sql_insert_open(&x->insert, &x->insert_args, in, x->env->arena, err))
        return false;
    x->columns = x->insert.columns;
    return true;
}

static void sql_close(void *state)
{
    struct sql *x = state;

    dedup_free(x->dedup);
    sql_script_free(x->script);
    buf_deinit(&x->text);
}

static bool sql_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct sql *x = arena_calloc(env->arena, 1, sizeof *x);
    struct sql_header header = { .now_ns = env->now_ns };
    bool ok;

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->env = env;
    x->dialect = (enum sql_dialect)x->args->database_type;
    buf_init(&x->text, SQL_STATEMENT_MAX);
    ok = x->args->template ? open_template(x, in, err) : open_insert(x, in, err);
    if (ok && x->args->remove_duplicates) {
        x->dedup = dedup_new(
            env->tmp_dir, env->budget, env->arena, x->view ? x->columns.n : in->n_columns);
        ok = x->dedup || err_nomem(err);
    }
    header.dialect = x->dialect;
    header.table = x->args->table_name;
    ok = ok && sql_script_new(env->out, &header, &x->script, err);
    if (!ok) {
        sql_close(x);
        return false;
    }
    *out = in;
    *state = x;
    return true;
}

/* ---- rows ---- */

static bool add_line(struct sql *x, const char *line, struct err *err)
{
    return sql_script_add(x->script, line, strlen(line), err) &&
           sql_script_add(x->script, "\n", 1, err);
}

static bool begin_batch(struct sql *x, struct err *err)
{
    return x->in_batch || !x->args->include_transaction || add_line(x, sql_begin(x->dialect), err);
}

/* End the open INSERT statement, and with `commit` the transaction. */
static bool end_statement(struct sql *x, bool commit, struct err *err)
{
    if (x->in_insert) {
        if (!sql_script_add(x->script, ";\n", 2, err))
            return false;
        sql_script_end_statement(x->script, 1);
        x->in_insert = 0;
    }
    if (!commit || !x->in_batch)
        return true;
    x->in_batch = 0;
    return !x->args->include_transaction || add_line(x, "COMMIT;", err);
}

static bool end_row(struct sql *x, struct err *err)
{
    sql_script_count_row(x->script);
    x->in_batch++;
    if (x->args->batch_size && x->in_batch == (uint64_t)x->args->batch_size)
        return end_statement(x, true, err);
    return x->in_insert < (uint64_t)x->args->rows_per_insert || end_statement(x, false, err);
}

/* What stands between the rows of a statement, or before the first. */
static bool add_joint(struct sql *x, struct err *err)
{
    const char *joint = x->args->rows_per_insert > 1 ? "\n  " : " ";

    if (x->in_insert)
        return sql_script_add(x->script, ",\n  ", ROW_JOINT, err);
    sql_script_begin_statement(x->script);
    x->statement_bytes = x->insert.head_len + strlen(joint);
    return sql_script_add(x->script, x->insert.head, x->insert.head_len, err) &&
           sql_script_add(x->script, joint, strlen(joint), err);
}

static bool add_insert(struct sql *x, const struct batch *in, uint32_t row, struct err *err)
{
    buf_reset(&x->text);
    if (!sql_insert_tuple(&x->insert, in, row, &x->text, err))
        return false;
    if (x->in_insert &&
        x->statement_bytes + ROW_JOINT + x->text.len + 1 > (uint64_t)x->args->max_statement_bytes &&
        !end_statement(x, false, err))
        return false;
    if (!begin_batch(x, err) || !add_joint(x, err) ||
        !sql_script_add(x->script, x->text.data, x->text.len, err))
        return false;
    x->statement_bytes += ROW_JOINT + x->text.len;
    x->in_insert++;
    return end_row(x, err);
}

/* What the template makes of a row, ended so that the next one can follow. */
static bool add_rendered(struct sql *x, const struct batch *in, uint32_t row, struct err *err)
{
    const struct template_shape *shape = template_sql_shape(x->template);

    buf_reset(&x->text);
    if (!template_render(x->template, in, row, &x->text, err))
        return false;
    if (shape->open)
        buf_adds(&x->text, shape->in_comment ? "\n;" : ";");
    buf_addc(&x->text, '\n');
    if (!buf_ok(&x->text, "one row of the script", err) || !begin_batch(x, err))
        return false;
    sql_script_begin_statement(x->script);
    if (!sql_script_add(x->script, x->text.data, x->text.len, err))
        return false;
    sql_script_end_statement(x->script, shape->statements);
    return end_row(x, err);
}

static bool add_rows(struct sql *x, const struct batch *rows, struct err *err)
{
    for (uint32_t row = 0; row < rows->n_rows; row++) {
        if (!(x->view ? add_rendered(x, rows, row, err) : add_insert(x, rows, row, err)))
            return false;
    }
    return true;
}

static bool sql_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct sql *x = state;
    const struct batch *rows = x->view ? x->view : in;

    (void)emit; /* The engine passes the table on. */
    if (x->view)
        columns_view(in, &x->columns, x->view);
    if (x->dedup && !dedup_push(x->dedup, in, x->columns.at, x->columns.n, rows, &rows,
                        &x->env->dropped[DROP_DUPLICATE], err))
        return false;
    return !rows || add_rows(x, rows, err);
}

/* The rows that are known to be new only now. */
static bool add_late_rows(struct sql *x, struct err *err)
{
    const struct batch *rows;

    while (x->dedup) {
        if (!dedup_next(x->dedup, &rows, &x->env->dropped[DROP_DUPLICATE], err))
            return false;
        if (!rows)
            break;
        if (!add_rows(x, rows, err))
            return false;
    }
    return true;
}

static bool sql_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct sql *x = state;

    (void)emit;
    if (!add_late_rows(x, err))
        return false;
    if (x->template && template_misfits(x->template))
        warn_addn(x->env->warnings, "unfit_values",
            "Values that do not fit their type in the template were written as NULL",
            template_misfits(x->template), NULL);
    if (x->template && template_guessed(x->template))
        warn_addn(x->env->warnings, "ambiguous_dates",
            "Dates such as 01/02/2024 were read month first", template_guessed(x->template), NULL);
    return end_statement(x, true, err) && sql_script_finish(x->script, err);
}

static bool sql_result(void *state, struct json *result, struct err *err)
{
    struct sql *x = state;
    struct json *data = json_new_object();
    char stamp[DATE_TEXT_MAX];

    date_format_utc(x->env->now_ns, stamp);
    json_set_bool(data, "success", true);
    if (x->args->table_name)
        json_set_string(data, "table_name", x->args->table_name);
    json_set_string(data, "database_type", sql_dialect_name(x->dialect));
    json_set_int(data, "total_rows", (int64_t)sql_script_rows(x->script));
    json_set_int(data, "total_statements", (int64_t)sql_script_statements(x->script));
    json_set_string(data, "generated_at", stamp);
    json_set(data, "statements", sql_script_sample(x->script));
    return json_set(result, "data", data) || err_nomem(err);
}

#define SQL_OP                                                                    \
    .flags = OP_TEXT, .format = FILE_SQL, .args_size = sizeof(struct sql_args),   \
    .check = sql_check, .open = sql_open, .push = sql_push, .finish = sql_finish, \
    .result = sql_result, .close = sql_close

const struct op op_sql_generate = {
    .name = "sql/generate",
    .summary = "Write the rows as SQL INSERT statements",
    .suffix = "sql",
    .args = sql_arg_list,
    .says = sql_says,
    .examples = sql_examples,
    SQL_OP,
};

const struct op op_sql_generate_to_text = {
    .name = "sql/generate-to-text",
    .summary = "Write chosen columns as SQL INSERT statements",
    .suffix = "sql_text",
    .args = sql_text_arg_list,
    .says = sql_text_says,
    .examples = sql_examples,
    SQL_OP,
};

const struct op op_sql_generate_custom = {
    .name = "sql/generate-custom-to-text",
    .summary = "Write a statement for each row by a template",
    .suffix = "sql_custom",
    .args = sql_custom_arg_list,
    .says = sql_custom_says,
    .examples = sql_custom_examples,
    SQL_OP,
};
