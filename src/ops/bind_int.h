#ifndef OPS_BIND_INT_H
#define OPS_BIND_INT_H

/*
 * What bind.c, bind_value.c, flags.c and common.c share.
 *
 *   bind.c        objects: which key is which argument, what is missing, what is unknown
 *   bind_value.c  values: one JSON value into one field, by the kind declared
 *   common.c      the arguments all operations share
 *   flags.c       command-line flags to JSON
 */

#include "ops/op.h"

enum {
    BIND_MAX_FIELDS = 48,                 /* Arguments of one object, shared ones included. */
    BIND_MAX_WORDS = 4 * BIND_MAX_FIELDS, /* Their names and aliases. */
    BIND_LISTED = 400,                    /* Bytes of a list of names in a sentence. */
    BIND_MAX_ITEMS = 10000,               /* Entries of one list or map. */
    BIND_SHOWN = 60                       /* Bytes of a wrong value that a sentence repeats. */
};

/* Where in the arguments we are; rendered only for errors: conditions[1].operator */
struct bind_path {
    const struct bind_path *up;
    const char *name; /* NULL: an index. */
    size_t index;
};

struct bind_ctx {
    const char *owner; /* "excel/search" */
    struct arena *arena;
};

/* One argument and where its value goes. */
struct bind_slot {
    const struct arg *arg;
    char *base;               /* The struct that arg->offset counts from. */
    const struct json *value; /* NULL: not given. */
    const char *key;          /* As it was spelled. */
};

void bind_path_render(const struct bind_path *path, char *out, size_t size);

/* Fill err: ERR_ARG at `path`, the sentence being "PATH: ...". Returns false. */
bool bind_fail(const struct bind_path *path, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* `value` as it would stand in a sentence, cut at BIND_SHOWN: 'ten', 5, a list. */
void bind_show(const struct json *value, char *out, size_t size);

bool bind_object(const struct bind_ctx *ctx, const struct bind_path *path, struct bind_slot *slots,
    size_t n, struct json *object, struct err *err) MUST_CHECK;

/* Bind one value that is not null. `holder`[key] is where the value stands: JSON text there is replaced by its value. */
bool bind_value(const struct bind_ctx *ctx, const struct bind_path *path, const struct arg *arg,
    struct json *holder, const char *key, const struct json *value, void *field,
    struct err *err) MUST_CHECK;

/* The slots of a list of fields for the struct at `base`; returns how many. */
size_t bind_slots(const struct arg *fields, void *base, struct bind_slot *slots);

/* true for true/1/yes/on/y/t, false for their opposites, in any case; NULL-safe. */
bool bind_bool_text(const char *s, bool *out);

/* Is `key` this name, or its camelCase spelling (autoIncrement for auto_increment)? */
bool arg_name_is(const char *name, const char *key);
/* Index of the argument that `key` names or is an alias of; -1 when there is none. */
int arg_find(const struct arg *const *args, size_t n, const char *key);
/* The name of the argument whose name or alias is near `key`; NULL when none is. */
const char *arg_nearest(const struct arg *const *args, size_t n, const char *key);

/* "a, b, c", cut at a whole name with "...". */
void bind_enumerate(const char *const *names, size_t n, char *out, size_t size);

/* Every argument of an operation; returns how many (at most BIND_MAX_FIELDS). */
size_t op_args_all(const struct op *op, const struct arg **out);

/* common.c: what the shared arguments are bound to, before they are checked and put into op_args. */
struct shared_args {
    struct reader_args reader;
    struct output_args output;
    int format; /* Index into the operation's formats; -1 when it is not given. */
    const char *write_delimiter;
};
/* The shared arguments of `op` as slots on *s, which is filled with defaults first. */
size_t shared_slots(const struct op *op, struct shared_args *s, struct bind_slot *slots);
/* Check them once bound and hand them over. */
bool shared_finish(
    const struct op *op, struct shared_args *s, struct op_args *out, struct err *err) MUST_CHECK;

#endif
