/*
 * JSON values over jansson, whose json_t is our struct json under another name: the casts are
 * confined to the two functions below.
 */

#include "base/json.h"

#include "base/num.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static json_t *in(const struct json *v)
{
    return (json_t *)(uintptr_t)v;
}

static struct json *out_of(json_t *v)
{
    return (struct json *)(void *)v;
}

/*
 * jansson tells of an end of memory as NULL, or as text that is no JSON, or not at all. So its allocations are watched:
 * what it made while one was denied is not whole.
 */
static void *allocate(size_t n)
{
    void *p = malloc(n);

    if (!p)
        memory_note_lost();
    return p;
}

__attribute__((constructor)) static void watch_allocations(void)
{
    json_set_alloc_funcs(allocate, free);
}

/* ---- writing ---- */

static void write_string(const char *p, size_t n, struct buf *out)
{
    size_t start = 0;

    buf_addc(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        const char *esc = NULL;
        char hex[8];

        if (c == '"')
            esc = "\\\"";
        else if (c == '\\')
            esc = "\\\\";
        else if (c == '\n')
            esc = "\\n";
        else if (c == '\r')
            esc = "\\r";
        else if (c == '\t')
            esc = "\\t";
        else if (c < ' ' || c == 0x7f) {
            static const char digits[] = "0123456789abcdef";

            memcpy(hex, "\\u00", 4);
            hex[4] = digits[c >> 4];
            hex[5] = digits[c & 15];
            hex[6] = '\0';
            esc = hex;
        }
        if (esc) {
            buf_add(out, p + start, i - start);
            buf_adds(out, esc);
            start = i + 1;
        }
    }
    buf_add(out, p + start, n - start);
    buf_addc(out, '"');
}

static void new_line(bool pretty, unsigned depth, struct buf *out)
{
    if (!pretty)
        return;
    buf_addc(out, '\n');
    for (unsigned i = 0; i < depth; i++)
        buf_add(out, "  ", 2);
}

static void write_value(json_t *v, bool pretty, unsigned depth, struct buf *out);

static void write_object(json_t *v, bool pretty, unsigned depth, struct buf *out)
{
    const char *key, *sep = "";
    json_t *value;

    if (json_object_size(v) == 0) {
        buf_adds(out, "{}");
        return;
    }
    buf_addc(out, '{');
    json_object_foreach(v, key, value)
    {
        buf_adds(out, sep);
        new_line(pretty, depth + 1, out);
        write_string(key, strlen(key), out);
        buf_adds(out, pretty ? ": " : ":");
        write_value(value, pretty, depth + 1, out);
        sep = ",";
    }
    new_line(pretty, depth, out);
    buf_addc(out, '}');
}

static void write_array(json_t *v, bool pretty, unsigned depth, struct buf *out)
{
    size_t n = json_array_size(v);

    if (n == 0) {
        buf_adds(out, "[]");
        return;
    }
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_addc(out, ',');
        new_line(pretty, depth + 1, out);
        write_value(json_array_get(v, i), pretty, depth + 1, out);
    }
    new_line(pretty, depth, out);
    buf_addc(out, ']');
}

static void write_value(json_t *v, bool pretty, unsigned depth, struct buf *out)
{
    char num[NUM_TEXT_MAX];

    if (json_is_object(v)) {
        write_object(v, pretty, depth, out);
    } else if (json_is_array(v)) {
        write_array(v, pretty, depth, out);
    } else if (json_is_string(v)) {
        write_string(json_string_value(v), json_string_length(v), out);
    } else if (json_is_integer(v)) {
        buf_add(out, num, num_format_int(json_integer_value(v), num));
    } else if (json_is_real(v)) {
        buf_add(out, num, num_format(json_real_value(v), num));
    } else {
        buf_adds(out, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null");
    }
}

void json_write(const struct json *value, bool pretty, struct buf *out)
{
    if (value)
        write_value(in(value), pretty, 0, out);
    else
        buf_adds(out, "null");
}

char *json_text(const struct json *value)
{
    struct buf b;

    buf_init(&b, (size_t)256 << 20);
    json_write(value, false, &b);
    return buf_take(&b);
}

/* ---- building ---- */

struct json *json_new_object(void)
{
    return out_of(json_object());
}

struct json *json_new_array(void)
{
    return out_of(json_array());
}

struct json *json_new_string(const char *s)
{
    return s ? json_new_stringn(s, strlen(s)) : json_new_null();
}

struct json *json_new_stringn(const char *p, size_t n)
{
    struct json *v = NULL;
    struct buf clean;

    if (utf8_valid_prefix(p, n) == n)
        return out_of(json_stringn_nocheck(p, n));
    buf_init(&clean, 4 * n + 16);
    utf8_sanitize(p, n, &clean);
    if (!clean.failed)
        v = out_of(json_stringn_nocheck(buf_str(&clean), clean.len));
    buf_deinit(&clean);
    return v;
}

struct json *json_new_int(int64_t v)
{
    return out_of(json_integer(v));
}

struct json *json_new_real(double v)
{
    return isfinite(v) ? out_of(json_real(v)) : json_new_null();
}

struct json *json_new_bool(bool v)
{
    return out_of(json_boolean(v));
}

struct json *json_new_null(void)
{
    return out_of(json_null());
}

struct json *json_clone(const struct json *value)
{
    unsigned lost = memory_lost();
    json_t *copy = value ? json_deep_copy(in(value)) : NULL;

    if (memory_lost() == lost)
        return out_of(copy);
    json_decref(copy); /* jansson copies without what memory did not suffice for. */
    return NULL;
}

struct json *json_ref(const struct json *value)
{
    return value ? out_of(json_incref(in(value))) : NULL;
}

void json_free(struct json *value)
{
    if (value)
        json_decref(in(value));
}

bool json_set(struct json *object, const char *key, struct json *value)
{
    if (!object || !value) {
        json_free(value);
        return false;
    }
    return json_object_set_new_nocheck(in(object), key, in(value)) == 0;
}

bool json_add(struct json *array, struct json *value)
{
    if (!array || !value) {
        json_free(value);
        return false;
    }
    return json_array_append_new(in(array), in(value)) == 0;
}

bool json_remove(struct json *object, const char *key)
{
    return object && json_object_del(in(object), key) == 0;
}

bool json_set_string(struct json *object, const char *key, const char *s)
{
    return json_set(object, key, json_new_string(s));
}

bool json_set_int(struct json *object, const char *key, int64_t v)
{
    return json_set(object, key, json_new_int(v));
}

bool json_set_real(struct json *object, const char *key, double v)
{
    return json_set(object, key, json_new_real(v));
}

bool json_set_bool(struct json *object, const char *key, bool v)
{
    return json_set(object, key, json_new_bool(v));
}

/* ---- reading ---- */

enum json_kind json_kind(const struct json *value)
{
    if (!value)
        return JSON_KIND_NULL;
    switch (json_typeof(in(value))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
        return JSON_KIND_INT;
    case JSON_REAL:
        return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return object ? out_of(json_object_get(in(object), key)) : NULL;
}

const struct json *json_at(const struct json *array, size_t i)
{
    return array ? out_of(json_array_get(in(array), i)) : NULL;
}

size_t json_len(const struct json *value)
{
    if (!value)
        return 0;
    return json_is_object(in(value)) ? json_object_size(in(value)) : json_array_size(in(value));
}

const char *json_str(const struct json *value)
{
    return value ? json_string_value(in(value)) : NULL;
}

size_t json_str_len(const struct json *value)
{
    return value ? json_string_length(in(value)) : 0;
}

int64_t json_int(const struct json *value, int64_t fallback)
{
    if (json_kind(value) == JSON_KIND_INT)
        return json_integer_value(in(value));
    if (json_kind(value) == JSON_KIND_REAL) {
        double v = json_real_value(in(value));

        if (v >= -9007199254740992.0 && v <= 9007199254740992.0 && v == trunc(v))
            return (int64_t)v;
    }
    return fallback;
}

double json_num(const struct json *value, double fallback)
{
    if (json_kind(value) == JSON_KIND_INT)
        return (double)json_integer_value(in(value));
    return json_kind(value) == JSON_KIND_REAL ? json_real_value(in(value)) : fallback;
}

bool json_bool(const struct json *value, bool fallback)
{
    return json_kind(value) == JSON_KIND_BOOL ? json_is_true(in(value)) : fallback;
}

bool json_isnull(const struct json *value)
{
    return json_kind(value) == JSON_KIND_NULL;
}

const char *json_get_string(const struct json *object, const char *key)
{
    return json_str(json_get(object, key));
}

int64_t json_get_int(const struct json *object, const char *key, int64_t fallback)
{
    return json_int(json_get(object, key), fallback);
}

bool json_get_bool(const struct json *object, const char *key, bool fallback)
{
    return json_bool(json_get(object, key), fallback);
}

double json_get_real(const struct json *object, const char *key, double fallback)
{
    return json_num(json_get(object, key), fallback);
}

const void *json_first(const struct json *object)
{
    return object ? json_object_iter(in(object)) : NULL;
}

const void *json_next(const struct json *object, const void *it)
{
    return json_object_iter_next(in(object), (void *)(uintptr_t)it);
}

const char *json_key(const void *it)
{
    return json_object_iter_key((void *)(uintptr_t)it);
}

const struct json *json_value(const void *it)
{
    return out_of(json_object_iter_value((void *)(uintptr_t)it));
}

/* ---- errors ---- */

static struct json *names_of(const char *list)
{
    struct json *array = json_new_array();

    while (*list) {
        size_t n = strcspn(list, (char[]){ ERR_LIST_SEP, '\0' });

        json_add(array, json_new_stringn(list, n));
        list += n + (list[n] != '\0');
    }
    return array;
}

static void set_places(struct json *o, const struct err *err)
{
    if (err->argument[0])
        json_set_string(o, "argument", err->argument);
    if (err->column[0])
        json_set_string(o, "column", err->column);
    if (err->at.row)
        json_set_int(o, "row", (int64_t)err->at.row);
    if (err->at.col)
        json_set_int(o, "column_number", err->at.col);
    if (err->at.byte)
        json_set_int(o, "byte", (int64_t)err->at.byte);
    if (err->suggestions[0])
        json_set(o, "suggestions", names_of(err->suggestions));
}

struct json *json_from_err(const struct err *err)
{
    struct json *o = json_new_object();

    json_set_string(o, "code", err_name(err->code));
    json_set_string(o, "text", err->text);
    set_places(o, err);
    if (err->available[0])
        json_set(o, "available", names_of(err->available));
    return o;
}

static void copy_text(char *to, size_t size, const struct json *from)
{
    const char *s = json_str(from);
    size_t n = s ? strlen(s) : 0;

    if (n >= size)
        n = size - 1;
    if (n)
        memcpy(to, s, n);
    to[n] = '\0';
}

static void copy_names(char *to, size_t size, const struct json *from)
{
    to[0] = '\0';
    for (size_t i = 0; i < json_len(from); i++) {
        const char *s = json_str(json_at(from, i));

        if (s && !err_list_add(to, size, s))
            break;
    }
}

void json_to_err(const struct json *value, struct err *err)
{
    const char *code = json_get_string(value, "code");

    *err = (struct err){ .code = code ? err_from_name(code) : ERR_INTERNAL };
    if (err->code == ERR_NONE)
        err->code = ERR_INTERNAL;
    copy_text(err->text, sizeof err->text, json_get(value, "text"));
    copy_text(err->argument, sizeof err->argument, json_get(value, "argument"));
    copy_text(err->column, sizeof err->column, json_get(value, "column"));
    copy_names(err->suggestions, sizeof err->suggestions, json_get(value, "suggestions"));
    copy_names(err->available, sizeof err->available, json_get(value, "available"));
    err->at.row = (uint64_t)json_get_int(value, "row", 0);
    err->at.col = (uint32_t)json_get_int(value, "column_number", 0);
    err->at.byte = (uint64_t)json_get_int(value, "byte", 0);
}

struct json *json_err_details(const struct err *err)
{
    struct json *o = json_new_object();

    set_places(o, err);
    if (err->available[0])
        json_set(o, err->code == ERR_COLUMN ? "available_columns" : "accepted",
            names_of(err->available));
    return o;
}
