/* The form parser: the same parts however the bytes are cut, limits, and what it refuses. */

#include "net/multipart.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=xyz"

static char dir[64];
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sheetflow-form-XXXXXX");
    arena_init(&arena, NULL);
    return mkdtemp(dir) ? 0 : -1;
}

/* Nothing may be left in the folder. */
static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return rmdir(dir);
}

static struct multipart *open_form(const char *type, uint64_t max)
{
    struct multipart *m = NULL;
    struct err err = { 0 };

    if (!multipart_new(type, dir, max, &arena, &m, &err))
        fail_msg("%s", err.text);
    return m;
}

/* All parts as text, files with their content: name=[filename](type)"content" ... */
static char *describe(struct multipart *m)
{
    struct buf out;
    size_t n;
    struct http_part *parts = multipart_parts(m, &n);
    char *text;

    buf_init(&out, 1 << 24);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&out, "%s=", parts[i].name);
        if (parts[i].filename) {
            struct err err;
            char *data;
            size_t len;

            assert_true(fs_load(parts[i].path, 1 << 24, &data, &len, &err));
            assert_int_equal(len, parts[i].size);
            buf_addf(&out, "[%s]", parts[i].filename);
            if (parts[i].type)
                buf_addf(&out, "(%s)", parts[i].type);
            buf_addf(&out, "\"%s\" %.8s\n", data, parts[i].sha256);
            free(data);
        } else {
            buf_addf(&out, "\"%s\"\n", parts[i].value);
        }
    }
    text = strdup(buf_str(&out));
    assert_non_null(text);
    buf_deinit(&out);
    return text;
}

static const char form[] =
    "a preamble --xyz\r\n"
    "--xyz\r\n"
    "Content-Disposition: form-data; name=\"mode\"\r\n"
    "\r\n"
    "fast\r\nand\r\n--xy, \r\r\n-\r\n--\r\n"
    "--xyz  \r\n"
    "content-disposition:form-data;name=file;filename=\"a \\\"b\\\" c\\d.csv\"\r\n"
    "Content-Type:  text/csv \r\n"
    "\r\n"
    "a,b\r\n1,2\r\n"
    "\r\n--xyz\r\n"
    "Content-Disposition: form-data; name=\"empty\"; filename=\"e.csv\"\r\n"
    "\r\n"
    "\r\n--xyz\r\n"
    "Content-Disposition: form-data; name=\"nothing\"; filename=\"\"\r\n"
    "\r\n"
    "\r\n--xyz--\r\n"
    "an epilogue\r\n--xyz\r\n";

static const char form_parts[] = "mode=\"fast\r\nand\r\n--xy, \r\r\n-\r\n--\"\n"
                                 "file=[a \"b\" c\\d.csv](text/csv)\"a,b\r\n1,2\r\n\" ea14f99c\n"
                                 "empty=[e.csv]\"\" e3b0c442\n"
                                 "nothing=\"\"\n";

static void feed(struct multipart *m, const char *p, size_t n)
{
    struct err err = { 0 };
    char *copy = malloc(n); /* So that reading past the end shows. */

    assert_true(copy || n == 0);
    if (n)
        memcpy(copy, p, n);
    if (!multipart_feed(m, copy, n, &err))
        fail_msg("%s", err.text);
    free(copy);
}

static void check_form(struct multipart *m, const char *how, size_t at)
{
    struct err err = { 0 };
    char *got;

    if (!multipart_finish(m, &err))
        fail_msg("%s %zu: %s", how, at, err.text);
    got = describe(m);
    if (strcmp(got, form_parts) != 0)
        fail_msg("%s %zu: got\n%s\nwanted\n%s", how, at, got, form_parts);
    free(got);
    multipart_free(m);
}

static void test_every_split(void **state)
{
    size_t n = sizeof form - 1;

    (void)state;
    for (size_t at = 0; at <= n; at++) {
        struct multipart *m = open_form(TYPE, 1000);

        feed(m, form, at);
        feed(m, form + at, n - at);
        check_form(m, "split at", at);
    }
}

static void test_every_step(void **state)
{
    size_t n = sizeof form - 1;

    (void)state;
    for (size_t step = 1; step <= 64; step++) {
        struct multipart *m = open_form(TYPE, 1000);

        for (size_t at = 0; at < n; at += step)
            feed(m, form + at, n - at < step ? n - at : step);
        check_form(m, "steps of", step);
    }
}

static const struct {
    const char *label, *headers, *name, *filename;
} names[] = {
    { "UTF-8", "Content-Disposition: form-data; name=\"f\"; filename=\"Ums\xc3\xa4tze.xlsx\"", "f",
        "Umsätze.xlsx" },
    { "Latin-1", "Content-Disposition: form-data; name=\"f\"; filename=\"Ums\xe4tze.xlsx\"", "f",
        "Umsätze.xlsx" },
    { "RFC 5987",
        "Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''%e2%82%ac%20rates.csv", "f",
        "€ rates.csv" },
    { "RFC 5987 wins, with a language",
        "Content-Disposition: form-data; name=f; filename=\"x.csv\"; filename*=utf-8'en'%C3%BC.csv",
        "f", "ü.csv" },
    { "RFC 5987 in Latin-1",
        "Content-Disposition: form-data; name=f; filename*=iso-8859-1''%FC.csv", "f", "ü.csv" },
    { "a broken RFC 5987 gives way",
        "Content-Disposition: form-data; name=f; filename=x.csv; filename*=utf-8''%ff", "f",
        "x.csv" },
    { "escapes", "Content-Disposition: form-data; name=\"a\\\\b\\\"\"; filename=\"C:\\dir\\x.csv\"",
        "a\\b\"", "C:\\dir\\x.csv" },
    { "a trailing semicolon", "Content-Disposition: form-data; name=\"f\"; filename=x;", "f", "x" },
    { "other parameters and headers",
        "X-Other: 1\r\nContent-Disposition: form-data; x=y; name=f; filename=x\r\nContent-Length: "
        "9",
        "f", "x" },
    { "no file name", "Content-Disposition: form-data; name=f", "f", NULL },
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct multipart_headers got;
        struct err err = { 0 };
        char *copy = strdup(names[i].headers);

        if (!multipart_headers_read(copy, strlen(copy), &arena, &got, &err))
            fail_msg("%s: %s", names[i].label, err.text);
        if (strcmp(got.name, names[i].name) != 0)
            fail_msg("%s: name '%s'", names[i].label, got.name);
        if (!got.filename != !names[i].filename ||
            (got.filename && strcmp(got.filename, names[i].filename) != 0))
            fail_msg("%s: file name '%s'", names[i].label, got.filename ? got.filename : "none");
        free(copy);
    }
}

#define PART(headers) "--xyz\r\n" headers "\r\n\r\nv\r\n--xyz--\r\n"

static const struct {
    const char *label, *body, *says;
    size_t byte;
} refused[] = {
    { "nothing at all", "", "the form is malformed: it ends before its closing boundary", 0 },
    { "no closing boundary",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--xyz\r\n",
        "the form is malformed: it ends before its closing boundary", 59 },
    { "text behind a boundary", "--xyzzy\r\n",
        "the form is malformed: a boundary is not followed by a new line", 5 },
    { "a bare LF behind a boundary", "--xyz\nContent-Disposition: form-data; name=a\r\n\r\n",
        "the form is malformed: a boundary is not followed by a new line", 5 },
    { "no headers", "--xyz\r\n\r\nv\r\n--xyz--\r\n", "the form is malformed: a part has no headers",
        7 },
    { "no name", PART("Content-Type: text/plain"), "a part of the form has no name", 7 },
    { "a nameless disposition", PART("Content-Disposition: form-data"),
        "a part of the form has no name", 7 },
    { "two names",
        PART("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"),
        "a part of the form has two names", 7 },
    { "another disposition", PART("Content-Disposition: attachment; name=a"),
        "a part of the form is not form-data", 7 },
    { "an open quote", PART("Content-Disposition: form-data; name=\"a"),
        "a part of the form has a malformed Content-Disposition", 7 },
    { "a line without a colon", PART("Content-Disposition"),
        "a part of the form has a malformed header line", 7 },
    { "a folded line", PART("Content-Disposition: form-data;\r\n name=a"),
        "a part of the form has a malformed header line", 7 },
    { "a blank before the colon", PART("Content-Disposition : form-data; name=a"),
        "a part of the form has a malformed header name", 7 },
    { "base64", PART("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"),
        "a part of the form is sent as base64; send the bytes as they are", 7 },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        for (size_t step = 1; step < 100; step += 98) {
            struct multipart *m = open_form(TYPE, 1000);
            struct err err = { 0 };
            const char *p = refused[i].body;
            size_t n = strlen(p);
            bool ok = true;

            for (size_t at = 0; at < n && ok; at += step)
                ok = multipart_feed(m, p + at, n - at < step ? n - at : step, &err);
            ok = ok && multipart_finish(m, &err);
            if (ok || err.code != ERR_MALFORMED || strcmp(err.text, refused[i].says) != 0)
                fail_msg("%s: '%s'", refused[i].label, err.text);
            if (step > 1 && err.at.byte != refused[i].byte)
                fail_msg("%s: at byte %llu", refused[i].label, (unsigned long long)err.at.byte);
            multipart_free(m);
        }
    }
}

static void test_boundaries(void **state)
{
    static const struct {
        const char *type, *boundary;
    } cases[] = {
        { "multipart/form-data; boundary=a", "a" },
        { "Multipart/Form-Data; charset=utf-8; Boundary=\"a b'()+_,-./:=?c\"", "a b'()+_,-./:=?c" },
        { "multipart/form-data; boundary="
          "1234567890123456789012345678901234567890123456789012345678901234567890",
            "1234567890123456789012345678901234567890123456789012345678901234567890" },
        { "multipart/form-data; boundary="
          "12345678901234567890123456789012345678901234567890123456789012345678901",
            NULL },
        { "multipart/form-data; boundary=\"\"", NULL },
        { "multipart/form-data; boundary=\"a \"", NULL },
        { "multipart/form-data; boundary=\"a\\\"b\"", NULL },
        { "multipart/form-data", NULL },
        { "multipart/mixed; boundary=a", NULL },
        { "text/plain", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[MULTIPART_BOUNDARY_MAX + 1] = "";
        bool ok = multipart_boundary(cases[i].type, got);

        if (ok != (cases[i].boundary != NULL) || (ok && strcmp(got, cases[i].boundary) != 0))
            fail_msg("%s: '%s'", cases[i].type, got);
    }
}

/* --- Limits --- */

/* Feed one part with `n` bytes of content and these headers; the error's text, "" when there is none. */
static const char *one_part(uint64_t max, const char *headers, size_t n)
{
    static struct err err;
    struct multipart *m = open_form(TYPE, max);
    char *content = malloc(n + 1);
    bool ok;

    assert_non_null(content);
    memset(content, 'x', n);
    err = (struct err){ 0 };
    ok = multipart_feed(m, "--xyz\r\n", 7, &err) &&
         multipart_feed(m, headers, strlen(headers), &err) &&
         multipart_feed(m, "\r\n\r\n", 4, &err) && multipart_feed(m, content, n, &err) &&
         multipart_feed(m, "\r\n--xyz--", 9, &err) && multipart_finish(m, &err);
    assert_int_equal(ok, err.code == ERR_NONE);
    free(content);
    multipart_free(m);
    return err.text;
}

static void test_limits(void **state)
{
    static const char field[] = "Content-Disposition: form-data; name=a";
    static const char file[] = "Content-Disposition: form-data; name=a; filename=b";
    char headers[MULTIPART_HEADERS_MAX + 64];
    size_t n = sizeof field - 1;

    (void)state;
    assert_string_equal(one_part(1000, file, 1000), "");
    assert_string_equal(
        one_part(1000, file, 1001), "the upload is larger than the limit of 1000 bytes");
    assert_string_equal(
        one_part(3 << 20, file, (3 << 20) + 1), "the upload is larger than the limit of 3 MB");
    assert_string_equal(one_part(UINT64_MAX, field, MULTIPART_FIELDS_MAX), "");
    assert_string_equal(one_part(UINT64_MAX, field, MULTIPART_FIELDS_MAX + 1),
        "the form's plain fields are larger than 8 MB together");
    memcpy(headers, field, n);
    memcpy(headers + n, "\r\nX: ", 5);
    memset(headers + n + 5, 'x', sizeof headers - n - 5);
    headers[MULTIPART_HEADERS_MAX - 4] = '\0';
    assert_string_equal(one_part(1000, headers, 1), "");
    headers[MULTIPART_HEADERS_MAX - 4] = 'x';
    headers[MULTIPART_HEADERS_MAX - 3] = '\0';
    assert_string_equal(one_part(1000, headers, 1),
        "the form is malformed: the headers of a part are larger than 8 KB");
}

static void test_too_many_parts(void **state)
{
    static const char part[] =
        "--xyz\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nv\r\n";
    struct multipart *m = open_form(TYPE, 1000);
    struct err err = { 0 };

    (void)state;
    for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
        assert_true(multipart_feed(m, part, sizeof part - 1, &err));
    assert_false(multipart_feed(m, part, sizeof part - 1, &err));
    assert_string_equal(err.text, "the form has more than 64 parts");
    multipart_free(m);
}

static void test_missing_folder(void **state)
{
    struct multipart *m = NULL;
    struct err err = { 0 };
    static const char head[] =
        "--xyz\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n";

    (void)state;
    assert_true(multipart_new(TYPE, "/tmp/sheetflow-no-such-folder", 10, &arena, &m, &err));
    assert_false(multipart_feed(m, head, sizeof head - 1, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(strstr(err.text, "/tmp"));
    multipart_free(m);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_every_split),
        WITH(test_every_step),
        WITH(test_names),
        WITH(test_refused),
        WITH(test_boundaries),
        WITH(test_limits),
        WITH(test_too_many_parts),
        WITH(test_missing_folder),
    };

    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
