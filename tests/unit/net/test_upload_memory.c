/*
 * An upload when memory ends: each allocation in turn is denied while a form is read and its file is named. It is read
 * as it stands, or refused for lack of memory; never for a fault that the sender has not made.
 */

#include "base/fs.h"
#include "net/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#include <cmocka.h>

enum { TRIES_MAX = 1000, NAME = 200 };

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
uint8_t *__real_u8_normalize(uninorm_t nf, const uint8_t *s, size_t n, uint8_t *out, size_t *len);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
uint8_t *__wrap_u8_normalize(uninorm_t nf, const uint8_t *s, size_t n, uint8_t *out, size_t *len);

static size_t left; /* Allocations until one is denied; 0: none is. */
static bool denied;

static bool deny(void)
{
    if (left == 0 || --left > 0)
        return false;
    denied = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return deny() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return deny() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return deny() ? NULL : __real_realloc(p, n);
}

/* Its library allocates out of our sight. */
uint8_t *__wrap_u8_normalize(uninorm_t nf, const uint8_t *s, size_t n, uint8_t *out, size_t *len)
{
    return deny() ? NULL : __real_u8_normalize(nf, s, n, out, len);
}

/* True: read as it stands, with the file's safe name; false: err tells why not. */
typedef bool attempt_fn(char name[FS_NAME_MAX + 1], struct err *err);

static void deny_each(attempt_fn *attempt, const char *wanted)
{
    char name[FS_NAME_MAX + 1] = "";
    struct err err = { 0 };
    size_t n;

    for (n = 1; n < TRIES_MAX; n++) {
        bool ok;

        left = n;
        denied = false;
        ok = attempt(name, &err);
        left = 0;
        if (!ok && err.code != ERR_NOMEM)
            fail_msg("allocation %zu denied: %s", n, err.text);
        if (ok)
            assert_string_equal(name, wanted);
        if (!denied)
            break;
    }
    assert_true(n > 1 && n < TRIES_MAX); /* Some were denied, and there was an end to them. */
}

static bool read_form(
    const char *type, const char *head, char name[FS_NAME_MAX + 1], struct err *err)
{
    static const char tail[] = "\r\n\r\nid\n1\n\r\n--x--\r\n";
    struct multipart *m = NULL;
    struct arena arena;
    size_t n = 0;
    bool ok;

    arena_init(&arena, NULL);
    ok = multipart_new(type, "/tmp", 1 << 20, &arena, &m, err) &&
         multipart_feed(m, "--x\r\n", 5, err) && multipart_feed(m, head, strlen(head), err) &&
         multipart_feed(m, tail, sizeof tail - 1, err) && multipart_finish(m, err);
    if (ok) {
        const struct http_part *part = multipart_parts(m, &n);

        assert_int_equal(n, 1);
        assert_non_null(part->filename);
        ok = fs_safe_name(part->filename, strlen(part->filename), name, err);
    }
    multipart_free(m);
    arena_deinit(&arena);
    return ok;
}

static bool plain(char name[FS_NAME_MAX + 1], struct err *err)
{
    return read_form("multipart/form-data; boundary=x",
        "Content-Disposition: form-data; name=file; filename=people.csv", name, err);
}

static bool quoted(char name[FS_NAME_MAX + 1], struct err *err)
{
    return read_form("multipart/form-data; boundary=\"x\"",
        "Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n"
        "Content-Type: text/csv",
        name, err);
}

static bool latin_1(char name[FS_NAME_MAX + 1], struct err *err)
{
    return read_form("multipart/form-data; charset=utf-8; boundary=x",
        "Content-Disposition: form-data; name=file; filename=\"Ums\xe4tze.csv\"", name, err);
}

static bool extended(char name[FS_NAME_MAX + 1], struct err *err)
{
    return read_form("multipart/form-data; boundary=x",
        "Content-Disposition: form-data; name=file; filename=\"x.csv\"; "
        "filename*=iso-8859-1''Ums%E4tze.csv",
        name, err);
}

static void a_form_is_refused_for_memory_alone(void **state)
{
    (void)state;
    deny_each(plain, "people.csv");
    deny_each(quoted, "people.csv");
    deny_each(latin_1, "Umsätze.csv");
    deny_each(extended, "Umsätze.csv");
}

/* An arena's first block has room for much; here each name needs a block of its own. */
static bool long_names(char name[FS_NAME_MAX + 1], struct err *err)
{
    static char head[MULTIPART_HEADERS_MAX];
    char *to = head + sizeof "Content-Disposition: form-data; name=\"" - 1;

    strcpy(head, "Content-Disposition: form-data; name=\"");
    memset(to, 'n', NAME * 20);
    strcpy(to + NAME * 20, "\"; filename=\"\xe4.csv\"");
    return read_form("multipart/form-data; boundary=x", head, name, err);
}

static void so_is_one_with_long_names(void **state)
{
    (void)state;
    deny_each(long_names, "ä.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_is_refused_for_memory_alone),
        cmocka_unit_test(so_is_one_with_long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
