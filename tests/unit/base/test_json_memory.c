/*
 * JSON when memory ends: each allocation in turn is denied, alone or with all after it. What is made is whole, or it is
 * told that it is not; nothing is read or written past its end (which the sanitizers see).
 */

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    TEXT_MAX = 64 << 10,
    LONGEST = 140, /* Of the strings: past 16, 32, 64 and 128 bytes, where buffers grow. */
    MEMBERS = 70
};

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);

static size_t left; /* Allocations until one is denied; 0: none is. */
static bool lasting;
static size_t denied;

static bool deny(void)
{
    if (left == 0)
        return false;
    if (left > 1) {
        left--;
        return false;
    }
    if (denied > 0 && !lasting)
        return false;
    denied++;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return deny() ? NULL : __real_malloc(n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return deny() ? NULL : __real_realloc(p, n);
}

static void arm(size_t n, bool for_all_after)
{
    left = n;
    lasting = for_all_after;
    denied = 0;
}

static struct json *parsed(const char *text)
{
    struct json *v;
    struct err err;

    if (!json_parse(text, strlen(text), &v, &err))
        fail_msg("%s: %s", text, err.text);
    return v;
}

/* Try with every allocation denied in turn, until there are no more; the try gets what it works on. */
typedef void attempt_fn(const char *text, const struct json *value);

static void deny_each(attempt_fn *attempt, const char *text, const struct json *value)
{
    for (int all_after = 0; all_after < 2; all_after++) {
        size_t n = 0;

        do {
            arm(++n, all_after);
            attempt(text, value);
        } while (denied > 0);
    }
    arm(0, false);
}

/* ---- the tries ---- */

static void try_parse(const char *text, const struct json *value)
{
    struct json *v = NULL;
    struct err err = { 0 };
    bool ok = json_parse(text, strlen(text), &v, &err);
    size_t n_denied = denied;
    char *out;

    (void)value;
    if (n_denied > 0) {
        assert_false(ok);
        assert_int_equal(err.code, ERR_NOMEM);
        return;
    }
    assert_true(ok);
    arm(0, false);
    out = json_text(v);
    assert_string_equal(out, text);
    free(out);
    json_free(v);
}

static void try_write(const char *text, const struct json *value)
{
    char *out = json_text(value);

    assert_int_equal(out == NULL, denied > 0);
    if (out)
        assert_string_equal(out, text);
    free(out);
}

static void try_clone(const char *text, const struct json *value)
{
    struct json *copy = json_clone(value);
    size_t n_denied = denied;
    char *out;

    assert_int_equal(copy == NULL, n_denied > 0);
    if (!copy)
        return;
    arm(0, false);
    out = json_text(copy);
    assert_string_equal(out, text);
    free(out);
    json_free(copy);
}

static void try_build(const char *text, const struct json *value)
{
    unsigned lost = memory_lost();
    struct json *o = json_new_object(), *a = json_new_array();
    size_t n_denied;
    char key[16], *out;

    (void)value;
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(key, sizeof key, "key%d", i);
        json_add(a, json_new_real(i + 0.5));
        json_set(o, key, json_ref(json_at(a, (size_t)i)));
        json_set_string(o, "same", key);
    }
    json_set(o, "bad", json_new_stringn("a\xff", 2));
    json_set(o, "list", a);
    n_denied = denied;
    assert_int_equal(memory_lost() != lost, n_denied > 0);
    arm(0, false);
    out = json_text(o);
    if (n_denied == 0)
        assert_non_null(strstr(out, text));
    free(out);
    json_free(o);
    denied = n_denied;
}

/* ---- the tests ---- */

static void all_of(const char *text)
{
    struct json *v = parsed(text);

    deny_each(try_parse, text, v);
    deny_each(try_write, text, v);
    deny_each(try_clone, text, v);
    json_free(v);
}

/* A buffer that could not grow must not lose the closing quote, nor half of an escape. */
static void strings_of_every_length(void **state)
{
    static const char *const ends[] = { "", "\\\"", "\\\\", "\\u0001", "\xc3\xa4" };
    char text[3 * LONGEST], word[LONGEST + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        for (int n = 0; n <= LONGEST; n++) {
            memset(word, 'x', (size_t)n);
            word[n] = '\0';
            snprintf(text, sizeof text, "[\"%s%s\"]", word, ends[i]);
            all_of(text);
            snprintf(text, sizeof text, "{\"%s%s\":\"%s\"}", word, ends[i], word);
            all_of(text);
        }
    }
}

static void numbers_of_every_length(void **state)
{
    static const char *const texts[] = { "[1,-9223372036854775808,2]", "0.1234567890123456",
        "1.234567890123456e+100", "-12345678901234.5", "123456789012345", "[1234567890123456,7]",
        "[1e-07,true,false,null]" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        all_of(texts[i]);
}

static void objects_and_arrays_that_grow(void **state)
{
    char *text = malloc(TEXT_MAX);
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < MEMBERS; i++)
        n += (size_t)snprintf(text + n, TEXT_MAX - n, "%s\"key %d\":[%d,{\"a\":[]},\"%0*d\"]",
            i ? "," : "{", i, i, i, i);
    snprintf(text + n, TEXT_MAX - n, "}");
    all_of(text);
    free(text);
}

/* A denied allocation is not told as a text too large. */
static void a_buffer_tells_why(void **state)
{
    struct err err = { 0 };
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    arm(1, false);
    buf_adds(&b, "1234");
    assert_false(buf_ok(&b, "the reply", &err));
    assert_int_equal(err.code, ERR_NOMEM);
    arm(0, false);
    buf_reset(&b);
    buf_adds(&b, "12345678");
    assert_true(buf_ok(&b, "the reply", &err));
    buf_addc(&b, '9');
    assert_false(buf_ok(&b, "the reply", &err));
    assert_int_equal(err.code, ERR_BUDGET);
    buf_deinit(&b);
}

static void building(void **state)
{
    (void)state;
    deny_each(try_build, "\"bad\":\"a\xef\xbf\xbd\"", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_every_length),
        cmocka_unit_test(numbers_of_every_length),
        cmocka_unit_test(objects_and_arrays_that_grow),
        cmocka_unit_test(a_buffer_tells_why),
        cmocka_unit_test(building),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
