#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * Errors: what went wrong, where, and how each front end reports it.
 *
 * A function that can fail returns bool and takes a `struct err *` last.
 * On false it has filled the err and freed whatever it had built; on true the
 * err is untouched. Whoever detects the fault writes the sentence; callers add
 * context with err_wrap() or pass it up unchanged.
 *
 * The struct owns nothing, so it may be copied, dropped and sent between
 * processes freely. Lists of names are kept whole-name by whole-name up to
 * their room; the sentence says so where names were left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* X(name, HTTP status, CLI exit status, error_type shown to clients, what it means) */
#define ERR_MAP(X)                                                                       \
    X(NONE, 200, 0, "None", "no error")                                                  \
    X(MALFORMED, 400, 2, "BadRequest", "the request cannot be parsed")                   \
    X(USAGE, 400, 2, "UsageError", "the command line is wrong")                          \
    X(ARG, 422, 2, "ValidationError", "an argument is missing, unknown or out of range") \
    X(COLUMN, 422, 65, "ColumnNotFound", "the table has no such column")                 \
    X(DATA, 422, 65, "DataError", "the file's content cannot be used")                   \
    X(FORMAT, 415, 65, "UnsupportedFormat", "not a spreadsheet that can be read")        \
    X(BUDGET, 422, 65, "LimitExceeded", "the data exceeds a named limit")                \
    X(UNAUTHORIZED, 401, 70, "Unauthorized", "no valid credentials")                     \
    X(FORBIDDEN, 403, 70, "Forbidden", "not allowed for this caller")                    \
    X(QUOTA, 403, 73, "QuotaExceeded", "the owner has as much as is allowed")            \
    X(NOT_FOUND, 404, 66, "NotFound", "no such conversation, file, run or operation")    \
    X(METHOD, 405, 2, "MethodNotAllowed", "the path does not answer this method")        \
    X(STATE, 409, 75, "Conflict", "not possible in the current state")                   \
    X(TOO_LARGE, 413, 65, "PayloadTooLarge", "larger than the configured limit")         \
    X(RANGE, 416, 2, "RangeNotSatisfiable", "the byte range lies outside the file")      \
    X(RATE, 429, 75, "TooManyRequests", "too many requests")                             \
    X(CANCELLED, 409, 130, "Cancelled", "stopped on request")                            \
    X(TIMEOUT, 422, 75, "Timeout", "took longer than the configured limit")              \
    X(BUSY, 503, 75, "Unavailable", "overloaded or shutting down")                       \
    X(NO_SPACE, 507, 73, "InsufficientStorage", "the disk is full")                      \
    X(CREATE, 500, 73, "InternalError", "an output file cannot be created")              \
    X(IO, 500, 74, "InternalError", "the operating system refused a read or write")      \
    X(NOMEM, 503, 75, "Unavailable", "out of memory")                                    \
    X(INTERNAL, 500, 70, "InternalError", "a fault of ours")

enum err_code {
#define X(name, http, exit_status, type, text) ERR_##name,
    ERR_MAP(X)
#undef X
        ERR_COUNT
};

/* Where in the input. Rows and columns count from 1; 0 means unknown. */
struct err_at {
    uint64_t byte; /* From 0. */
    uint64_t row;
    uint32_t col;
};

/* Separates names in the lists below; no name that people see holds it. */
#define ERR_LIST_SEP '\x1f'

struct err {
    enum err_code code;
    struct err_at at;
    char text[512];        /* A sentence for a person: no code, no newline, no server path. */
    char argument[128];    /* Path of the argument: "conditions[1].operator". */
    char column[128];      /* Name of the column. */
    char suggestions[256]; /* Near names, best first. */
    char available[1536];  /* What would be accepted. */
};

/* Fill *err (clearing all of it) and return false: `return err_set(...)`. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set(), and the path of the argument it is about. */
bool err_argument(struct err *err, enum err_code code, const char *argument, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Prefix the sentence with context ("step 2 of 3: "), keeping all else. Returns false. */
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ERR_NOMEM with the usual sentence. Returns false. */
bool err_nomem(struct err *err);

/*
 * How often this thread was denied memory by what builds texts and values (arenas, buffers, JSON), which does not tell at
 * every link of a chain. Whoever hands on what such a chain has made compares the number with the one before: when
 * it has grown, something is missing.
 */
unsigned memory_lost(void);
void memory_note_lost(void);

/*
 * An errno from the system, `what` naming the thing for a person ("the upload").
 * ENOSPC and EDQUOT become ERR_NO_SPACE, ENOENT ERR_NOT_FOUND, ENOMEM ERR_NOMEM, all else
 * ERR_IO. Returns false.
 */
bool err_errno(struct err *err, int errnum, const char *what);

/* Append one name to a list field of `size` bytes; false when it no longer fits. */
bool err_list_add(char *list, size_t size, const char *name);

int err_http_status(enum err_code code);
int err_exit_status(enum err_code code);
const char *err_name(enum err_code code); /* "ARG"; static storage. */
const char *err_type(enum err_code code); /* "ValidationError"; static storage. */
/* The code whose name is `name`, or ERR_INTERNAL. */
enum err_code err_from_name(const char *name);

#endif
