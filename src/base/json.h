#ifndef BASE_JSON_H
#define BASE_JSON_H

/*
 * JSON values for requests, replies, specifications and results. Bulk data (files of
 * records) does not pass here: formats/json_write streams it.
 *
 * json.c is the only file that sees the JSON library (jansson, whose own names are json_string, JSON_OBJECT
 * and the like: ours differ on purpose). It holds the values; json_parse.c reads text into them. Objects keep the order of
 * their keys. Values are reference counted: json_set() and json_add() take over
 * the reference they are given, json_get() and json_at() lend one.
 *
 * Builders accept NULL, so that a chain of them needs no check at every link: what memory
 * did not suffice for is missing from the result and json_set()/json_add() return false.
 */

#include "base/buf.h"

struct json;

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INT,
    JSON_KIND_REAL,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

enum { JSON_MAX_DEPTH = 64, JSON_MAX_BYTES = 8 << 20 };

/*
 * Parse text[0..n) (any JSON value), strictly: UTF-8, no duplicate keys, at most
 * JSON_MAX_DEPTH deep and JSON_MAX_BYTES long.
 *
 * Errors: ERR_MALFORMED with line and column in the sentence and err->at.byte set; ERR_NOMEM.
 * Owns:   *out is the caller's, freed with json_free().
 */
bool json_parse(const char *text, size_t n, struct json **out, struct err *err) MUST_CHECK;

/* As json_parse(), up to `max` bytes: for what our own processes say to each other. */
bool json_parse_max(
    const char *text, size_t n, size_t max, struct json **out, struct err *err) MUST_CHECK;

/* Append the text of `value` to `out`; reals in their shortest form. pretty: 2 blanks. */
void json_write(const struct json *value, bool pretty, struct buf *out);

/* The text of `value` on the heap for the caller to free, or NULL. */
char *json_text(const struct json *value);

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *s); /* NULL s gives null. Bad UTF-8 is replaced. */
struct json *json_new_stringn(const char *p, size_t n); /* May hold NUL. Bad UTF-8 is replaced. */
struct json *json_new_int(int64_t v);
struct json *json_new_real(double v); /* Not finite gives null. */
struct json *json_new_bool(bool v);
struct json *json_new_null(void);
struct json *json_clone(const struct json *value); /* Deep: all of it, or NULL. */
struct json *json_ref(const struct json *value);   /* One more reference to the same value. */
void json_free(struct json *value);                /* Drops one reference; NULL is fine. */

bool json_set(struct json *object, const char *key, struct json *value);
bool json_add(struct json *array, struct json *value);
bool json_remove(struct json *object, const char *key);
/* Setters of plain values: json_set_string(o, "name", "x"). */
bool json_set_string(struct json *object, const char *key, const char *s);
bool json_set_int(struct json *object, const char *key, int64_t v);
bool json_set_real(struct json *object, const char *key, double v);
bool json_set_bool(struct json *object, const char *key, bool v);

enum json_kind json_kind(const struct json *value); /* NULL counts as JSON_KIND_NULL. */
const struct json *json_get(const struct json *object, const char *key); /* NULL when absent. */
const struct json *json_at(const struct json *array, size_t i);
size_t json_len(const struct json *value);      /* Of an array or object; else 0. */
const char *json_str(const struct json *value); /* NULL unless a string. */
size_t json_str_len(const struct json *value);
int64_t json_int(const struct json *value, int64_t fallback); /* Ints; reals that are whole. */
double json_num(const struct json *value, double fallback);   /* Ints and reals. */
bool json_bool(const struct json *value, bool fallback);
bool json_isnull(const struct json *value);
/* Shorthands: the member `key` of an object as a plain value. */
const char *json_get_string(const struct json *object, const char *key);
int64_t json_get_int(const struct json *object, const char *key, int64_t fallback);
bool json_get_bool(const struct json *object, const char *key, bool fallback);
double json_get_real(const struct json *object, const char *key, double fallback);

/* for (const void *it = json_first(o); it; it = json_next(o, it)) json_key(it), json_value(it) */
const void *json_first(const struct json *object);
const void *json_next(const struct json *object, const void *it);
const char *json_key(const void *it);
const struct json *json_value(const void *it);

/*
 * Errors as JSON: {code, text, argument?, column?, row?, col?, byte?, available?, suggestions?}
 * and back, for the worker protocol; and the `details` object that clients see.
 */
struct json *json_from_err(const struct err *err);
void json_to_err(const struct json *value, struct err *err);
struct json *json_err_details(const struct err *err);

#endif
