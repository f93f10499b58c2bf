#ifndef OPS_TEMPLATE_H
#define OPS_TEMPLATE_H

/*
 * Templates: SQL or JSON text with places for the cells of a row, compiled once per step and
 * rendered once per row.
 *
 *   {name}  {name:type}  {name|default}  {name:type|default}     {{ and }} are braces, {} stays {}
 *
 * Types: int, float, bool, datetime, string. Blanks around the parts are ignored. The default takes the
 * place of a blank cell and of one that does not fit the type; it is read as a cell of a file
 * would be (0 is a number, 007 a text), and NULL means blank. Where a column's name holds `:`, `|` or
 * wildcards of its own, the longest reading that names a column wins. What is inserted is
 * never read again: braces in data are data.
 *
 * Names: column_mapping first; then the counter; then columns; then {auto_id},
 * {current_timestamp}, {current_date}.
 *
 * SQL. The template is read as the dialect reads it, and each value is written so that it cannot leave
 * the place it stands in:
 *
 *   outside                 'O''Brien', 42, TRUE, NULL; with wildcards {%name_} '%O''Brien_'
 *   '...', E'...'           escaped, blank gives nothing
 *   "...", `...`            quotes doubled
 *   comments                line breaks and comment signs taken apart
 *   [...], $tag$...$tag$    cannot be escaped: a row whose value would end it is refused
 *
 * A template that leaves this unclear (an open literal at its end, a backslash before a placeholder,
 * a placeholder in the code of a function) is refused when it is compiled. % and _ in the data stay
 * what they are.
 *
 * JSON. A string that is one placeholder becomes the value (blank: null; numbers beyond 2^53: a
 * string), any other string stays one. Keys are not expanded.
 */

#include "base/json.h"
#include "formats/sql_write.h"

struct template;

enum {
    TEMPLATE_MAX_BYTES = 1 << 20,
    TEMPLATE_MAX_SLOTS = 4096, /* Placeholders of one template. */
    TEMPLATE_MAX_NAME = 4096   /* Bytes between the braces. */
};

/* One entry of column_mapping; as ARG_MAP binds it. */
struct template_alias {
    const char *placeholder;
    const char *column;
};

enum template_on_error { TEMPLATE_FAIL, TEMPLATE_NULL };
enum template_counting { TEMPLATE_COUNT, TEMPLATE_UUID };

struct template_options {
    const struct schema *schema;
    const struct template_alias *aliases;
    size_t n_aliases;
    const char *argument; /* Path of the template for sentences; NULL: "template". */
    enum template_on_error on_error;
    int64_t now_ns; /* What {current_timestamp} means inside a literal and in JSON. */
    struct {
        const char *name; /* Besides auto_id; NULL: none. */
        enum template_counting counting;
        int64_t start; /* Of TEMPLATE_COUNT: the first number. */
        const char *
            expression; /* SQL: written as it stands outside literals: nextval('seq'). NULL: the value. */
    } counter;
};

/*
 * Compile a template.
 *
 * Shape:  `pretty` JSON is indented by two blanks, its lines behind the first by `depth` levels more. A JSON
 *         string that is the whole template counts as JSON text.
 * Errors: ERR_COLUMN for a placeholder that names nothing (column, suggestions and available are filled),
 *         ERR_ARG for all else that is wrong with the template, both with err->argument and the place in the sentence
 *         (and at.byte for SQL); ERR_ARG at "column_mapping.X".
 * Owns:   *out lives in `arena`, and so do all copies; options->schema must outlive it.
 */
bool template_sql_compile(const char *text, size_t n, enum sql_dialect dialect,
    const struct template_options *options, struct arena *arena, struct template **out,
    struct err *err) MUST_CHECK;
bool template_json_compile(const struct json *value, bool pretty, unsigned depth,
    const struct template_options *options, struct arena *arena, struct template **out,
    struct err *err) MUST_CHECK;

/*
 * Append what the template makes of one row. The counter moves on by one.
 *
 * Errors: ERR_DATA with at.row and column (a value that does not fit its type, or that cannot be made safe where
 *         it stands), ERR_BUDGET; `out` is then as it was.
 */
bool template_render(struct template *t, const struct batch *in, uint32_t row, struct buf *out,
    struct err *err) MUST_CHECK;

/* What a SQL template leaves to its user. */
struct template_shape {
    unsigned statements; /* In one rendering. */
    bool open;           /* The last one has no semicolon. */
    bool in_comment;     /* It ends in a line comment: a line break must come first. */
};
const struct template_shape *template_sql_shape(const struct template *t);

uint64_t template_misfits(const struct template *t); /* Values written as blank (TEMPLATE_NULL). */
uint64_t template_guessed(
    const struct template *t); /* Dates such as 01/02/2024 read month first. */

#endif
