#ifndef FORMATS_SQL_WRITE_H
#define FORMATS_SQL_WRITE_H

/*
 * SQL text: dialects, identifiers, literals, and INSERT scripts.
 */

#include "base/fs.h"
#include "table/batch.h"

enum sql_dialect { SQL_POSTGRESQL, SQL_MYSQL, SQL_SQLITE, SQL_DIALECT_COUNT };

const char *sql_dialect_name(enum sql_dialect d); /* "postgresql" */
const char *sql_begin(enum sql_dialect d);        /* "BEGIN;" and the like */

/*
 * Append `name` as an identifier: bare when it needs no quoting in this dialect (lower-case word, not
 * reserved), else quoted. dotted: "schema.table" has parts, each handled alone.
 * Errors: ERR_ARG (empty, NUL, longer than the dialect allows: 63 bytes, 64 characters; SQLite: none).
 */
bool sql_identifier(
    enum sql_dialect d, const char *name, bool dotted, struct buf *out, struct err *err) MUST_CHECK;

enum sql_empty { SQL_EMPTY_NULL, SQL_EMPTY_TEXT }; /* Blank as NULL, or as ''. */

/* Append the cell as a literal of the dialect. Text with NUL: ERR_DATA for PostgreSQL. */
bool sql_literal(enum sql_dialect d, const struct cell *cell, enum sql_empty empty, struct buf *out,
    struct err *err) MUST_CHECK;
/* Append text as a quoted literal / only escaped for the inside of '...'. */
bool sql_quote(
    enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err) MUST_CHECK;
bool sql_escape(
    enum sql_dialect d, const char *p, size_t n, struct buf *out, struct err *err) MUST_CHECK;

/* Append p[0..n) made safe for the inside of a `-- ` comment: no line break of any kind. */
void sql_comment_text(const char *p, size_t n, struct buf *out);

#endif
