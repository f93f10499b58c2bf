/*
 * Zip packages in: what is read although it is odd, and what is refused with which sentence.
 */
#include "formats/zip_read.h"
#include "zip_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char text[] = "A text that is long enough to be packed, packed, packed, packed.";

static struct zip_make make_two(int method, bool descriptors, bool zip64)
{
    struct zip_make z = { .descriptors = descriptors, .zip64 = zip64 };

    zip_make_add(&z, "one.txt", text, sizeof text - 1, method);
    zip_make_add(&z, "folder/two.txt", "", 0, 0);
    return z;
}

/* All of a part, read `step` bytes at a time; returns its length. */
static bool read_part(struct zip_reader *zip, const char *name, size_t step, char *out, size_t size,
    size_t *len, struct err *err)
{
    const struct zip_entry *e = zip_read_find(zip, name);
    struct zip_stream *s;
    size_t n;

    assert_non_null(e);
    *len = 0;
    if (!zip_stream_open(zip, e, &s, err))
        return false;
    do {
        if (!zip_stream_read(s, out + *len, step < size - *len ? step : size - *len, &n, err)) {
            zip_stream_close(s);
            return false;
        }
        *len += n;
        assert_true(*len < size);
    } while (n > 0);
    assert_true(zip_stream_packed_done(s) <= e->packed);
    zip_stream_close(s);
    return true;
}

static bool open_bytes(
    const void *p, size_t n, struct warnings *w, struct zip_reader **zip, int *fd, struct err *err)
{
    *fd = zip_make_file(p, n);
    if (zip_read_open(*fd, "book.xlsx", NULL, w, zip, err))
        return true;
    close(*fd);
    return false;
}

static void expect_two(const void *p, size_t n)
{
    struct zip_reader *zip;
    struct err err;
    char out[256];
    size_t len;
    int fd;

    if (!open_bytes(p, n, NULL, &zip, &fd, &err))
        fail_msg("%s", err.text);
    assert_int_equal(zip_read_count(zip), 2);
    for (size_t step = 1; step < 70; step += 3) {
        assert_true(read_part(zip, "one.txt", step, out, sizeof out, &len, &err));
        assert_int_equal(len, sizeof text - 1);
        assert_memory_equal(out, text, len);
    }
    assert_true(read_part(zip, "/folder/two.txt", 10, out, sizeof out, &len, &err));
    assert_int_equal(len, 0);
    assert_null(zip_read_find(zip, "three.txt"));
    zip_read_close(zip);
    close(fd);
}

static void ordinary_packages(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct zip_make z = make_two(i & 1 ? 8 : 0, i & 2, i & 4);

        zip_make_end(&z);
        expect_two(z.data, z.len);
        zip_make_free(&z);
    }
}

static void junk_around(void **state)
{
    static const char comment[] = "PK\5\6 looks like an end record but is a comment of the archive";

    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        struct zip_make z = make_two(8, false, zip64), junk = { .data = NULL };

        z.comment = comment;
        zip_make_end(&z);
        expect_two(z.data, z.len);
        zip_make_put(&junk, "#!/bin/sh and more of it\n", 25);
        zip_make_put(&junk, z.data, z.len);
        for (int i = 0; i < 1000; i++)
            zip_make_put(&junk, "\0\0\0", 3);
        expect_two(junk.data, junk.len);
        zip_make_free(&z);
        zip_make_free(&junk);
    }
}

static void names(void **state)
{
    static const char *const found[] = { "xl/workbook.xml", "/xl/workbook.xml", "XL/Workbook.XML",
        "xl/worksheets/../workbook.xml", "./xl//workbook.xml", "xl\\workbook.xml",
        "../../xl/workbook.xml", "xl/work%62ook.xml", "xl/a b.xml", "xl/a%20b.xml", "etc/passwd" };
    struct zip_make z = { .data = NULL };
    struct warnings *w = warn_new();
    struct zip_reader *zip;
    struct err err;
    char out[64];
    size_t len;
    int fd;

    (void)state;
    zip_make_add(&z, "xl\\Workbook.xml", "first", 5, 0);
    zip_make_add(&z, "xl/workbook.XML", "second", 6, 0);
    zip_make_add(&z, "/xl/a b.xml", "third", 5, 0);
    zip_make_add(&z, "../../etc/passwd", "fourth", 6, 0);
    zip_make_add(&z, "a\0b", "fifth", 5, 0)->name_len = 3;
    zip_make_put(&z, "  ", 2); /* Its local header was written with the shorter name. */
    zip_make_end(&z);
    assert_true(open_bytes(z.data, z.len, w, &zip, &fd, &err));
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        if (!zip_read_find(zip, found[i]))
            fail_msg("%s is not found", found[i]);
    }
    assert_null(zip_read_find(zip, "xl/work"));
    assert_null(zip_read_find(zip, "a"));
    assert_true(read_part(zip, "xl/workbook.xml", 64, out, sizeof out, &len, &err));
    assert_int_equal(len, 5);
    assert_true(warn_count(w, "duplicate_part") > 0);
    zip_read_close(zip);
    close(fd);
    warn_free(w);
    zip_make_free(&z);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void wrong_crc(struct zip_make *z)
{
    z->entries[0].crc ^= 1;
}

static void declared_shorter(struct zip_make *z)
{
    z->entries[0].size -= 10;
}

static void declared_longer(struct zip_make *z)
{
    z->entries[0].size += 10;
}

static void packed_shorter(struct zip_make *z)
{
    z->entries[0].packed -= 5;
}

static void lzma(struct zip_make *z)
{
    z->entries[0].method = 14;
}

static void unknown_method(struct zip_make *z)
{
    z->entries[0].method = 77;
}

static void stored_instead(struct zip_make *z)
{
    z->entries[0].method = 0;
    z->entries[0].size = z->entries[0].packed;
}

static void encrypted(struct zip_make *z)
{
    z->entries[0].flags |= 1;
}

static void bomb(struct zip_make *z)
{
    z->entries[0].size = (uint64_t)512 << 20;
}

static void same_offset(struct zip_make *z)
{
    z->entries[1].offset = z->entries[0].offset;
}

static void reaches_into_next(struct zip_make *z)
{
    z->entries[0].packed += 20;
}

static void outside(struct zip_make *z)
{
    z->entries[0].offset = 1 << 30;
}

static void not_a_header(struct zip_make *z)
{
    z->entries[0].offset = 3;
    z->entries[0].packed -= 3;
}

#define DAMAGED "'book.xlsx' is damaged: "
#define AGAIN " Open it in Excel, save it again and upload that file"

static const struct {
    const char *label;
    void (*spoil)(struct zip_make *);
    enum err_code code;
    const char *want;
} refusals[] = {
    { "a checksum that is wrong", wrong_crc, ERR_DATA,
        DAMAGED "the checksum is wrong in its part one.txt." AGAIN },
    { "more data than declared", declared_shorter, ERR_DATA,
        DAMAGED "there are more data than declared in its part one.txt." AGAIN },
    { "fewer data than declared", declared_longer, ERR_DATA,
        DAMAGED "data are missing in its part one.txt." AGAIN },
    { "a packed stream that is cut", packed_shorter, ERR_DATA,
        DAMAGED "the packed data cannot be read in its part one.txt." AGAIN },
    { "LZMA", lzma, ERR_DATA,
        "'book.xlsx': its part one.txt is packed with LZMA, which spreadsheet programs do not use; "
        "save the file again in Excel" },
    { "a method without a name", unknown_method, ERR_DATA,
        "'book.xlsx': its part one.txt is packed with method 77, which spreadsheet programs do not "
        "use; save the file again in Excel" },
    { "headers that disagree", stored_instead, ERR_DATA,
        DAMAGED "the headers disagree in its part one.txt." AGAIN },
    { "an encrypted entry", encrypted, ERR_DATA,
        "'book.xlsx' is encrypted (its part one.txt is): save it without a password and upload "
        "that" },
    { "a bomb by its own account", bomb, ERR_TOO_LARGE,
        "'book.xlsx': its part one.txt would unpack from 45 to 536870912 bytes; more than 128 MiB "
        "and 128 times the packed size is refused" },
    { "two entries at one place", same_offset, ERR_DATA, DAMAGED "parts of it overlap." AGAIN },
    { "an entry that reaches into the next", reaches_into_next, ERR_DATA,
        DAMAGED "parts of it overlap." AGAIN },
    { "an entry outside the file", outside, ERR_DATA,
        DAMAGED "a part lies outside the file." AGAIN },
    { "no local header where one should be", not_a_header, ERR_DATA,
        DAMAGED "the headers disagree in its part one.txt." AGAIN },
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct zip_make z = make_two(8, false, false);
        struct zip_reader *zip = NULL;
        struct err err = { 0 };
        char out[4096];
        size_t len;
        int fd = -1;

        refusals[i].spoil(&z);
        zip_make_end(&z);
        if (open_bytes(z.data, z.len, NULL, &zip, &fd, &err)) {
            assert_false(read_part(zip, "one.txt", 1000, out, sizeof out, &len, &err));
            zip_read_close(zip);
            close(fd);
        }
        if (strcmp(err.text, refusals[i].want) != 0 || err.code != refusals[i].code)
            fail_msg("%s: got %s '%s'", refusals[i].label, err_name(err.code), err.text);
        zip_make_free(&z);
    }
}

/* Nothing that was cut anywhere is taken for whole. */
static void truncated(void **state)
{
    struct zip_make z = make_two(8, false, false);
    struct zip_reader *zip;
    struct err err;
    char want[200];
    int fd;

    (void)state;
    zip_make_end(&z);
    for (size_t n = 0; n < z.len; n++) {
        assert_false(open_bytes(z.data, n, NULL, &zip, &fd, &err));
        snprintf(want, sizeof want,
            "'book.xlsx' is incomplete: it has %zu bytes and its end, with the list of contents, "
            "is missing. Upload the whole file again",
            n);
        assert_string_equal(err.text, want);
        assert_int_equal(err.code, ERR_DATA);
    }
    zip_make_free(&z);
}

static void too_many_entries(void **state)
{
    struct zip_make z = { .zip64 = true };
    struct zip_reader *zip;
    struct err err;
    char name[16];
    int fd;

    (void)state;
    for (int i = 0; i < 70000; i++) {
        snprintf(name, sizeof name, "%d", i);
        zip_make_add(&z, name, "", 0, 0);
    }
    zip_make_end(&z);
    assert_false(open_bytes(z.data, z.len, NULL, &zip, &fd, &err));
    assert_string_equal(err.text, "'book.xlsx' holds 70000 parts; at most 65535 are read");
    assert_int_equal(err.code, ERR_BUDGET);
    zip_make_free(&z);
}

/* Zeros packed a thousand times over: allowed up to ZIP_FREE_BYTES, whatever the ratio. */
static void real_bomb(void **state)
{
    size_t size = (size_t)ZIP_FREE_BYTES + (64 << 20);
    char *zeros = calloc(1, size), out[256];
    struct zip_make z = { .data = NULL };
    struct zip_reader *zip;
    struct err err;
    size_t len;
    int fd;

    (void)state;
    assert_non_null(zeros);
    zip_make_add(&z, "bomb", zeros, size, 8);
    zip_make_add(&z, "harmless", zeros, 8 << 20, 8);
    z.entries[1].size = 100; /* A lie: the stream has 8 MiB. */
    zip_make_end(&z);
    assert_true(open_bytes(z.data, z.len, NULL, &zip, &fd, &err));
    assert_false(read_part(zip, "bomb", 64, out, sizeof out, &len, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_false(read_part(zip, "harmless", 60, out, sizeof out, &len, &err));
    assert_string_equal(
        err.text, DAMAGED "there are more data than declared in its part harmless." AGAIN);
    zip_read_close(zip);
    close(fd);
    zip_make_free(&z);
    free(zeros);
}

static void rewinding(void **state)
{
    struct zip_make z = { .data = NULL };
    size_t n = 300000, got;
    char *data = malloc(n), *out = malloc(n);
    struct zip_reader *zip;
    struct zip_stream *s;
    struct err err;
    int fd;

    (void)state;
    for (size_t i = 0; i < n; i++)
        data[i] = (char)("0123456789abcdef"[(i * i >> 7) & 15]);
    zip_make_add(&z, "deflated", data, n, 8);
    zip_make_add(&z, "stored", data, n, 0);
    zip_make_end(&z);
    assert_true(open_bytes(z.data, z.len, NULL, &zip, &fd, &err));
    for (size_t part = 0; part < 2; part++) {
        assert_true(zip_stream_open(zip, zip_read_at(zip, part), &s, &err));
        assert_true(zip_stream_read(s, out, 100000, &got, &err));
        for (int round = 0; round < 2; round++) {
            size_t len = 0;

            assert_true(zip_stream_rewind(s, &err));
            do {
                assert_true(zip_stream_read(s, out + len, n - len + 1, &got, &err));
                len += got;
            } while (got > 0);
            assert_int_equal(len, n);
            assert_memory_equal(out, data, n);
        }
        zip_stream_close(s);
    }
    zip_read_close(zip);
    close(fd);
    zip_make_free(&z);
    free(data);
    free(out);
}

/* Whatever byte is changed, the reader answers: with the data, or with an error. */
static void any_byte_changed(void **state)
{
    struct zip_make z = make_two(8, false, false);
    uint32_t seed = 12345;

    (void)state;
    zip_make_end(&z);
    for (size_t at = 0; at < z.len; at++) {
        for (int k = 0; k < 8; k++) {
            uint8_t was = z.data[at];
            struct zip_reader *zip;
            struct err err;
            int fd;

            seed = seed * 1664525 + 1013904223;
            z.data[at] = (uint8_t)(k < 4 ? seed >> 24 : was ^ 1u << (seed >> 29));
            if (open_bytes(z.data, z.len, NULL, &zip, &fd, &err)) {
                for (size_t i = 0; i < zip_read_count(zip); i++) {
                    struct zip_stream *s;
                    char out[300];
                    size_t n;

                    if (!zip_stream_open(zip, zip_read_at(zip, i), &s, &err))
                        continue;
                    while (zip_stream_read(s, out, sizeof out, &n, &err) && n > 0)
                        ;
                    zip_stream_close(s);
                }
                zip_read_close(zip);
                close(fd);
            }
            z.data[at] = was;
        }
    }
    zip_make_free(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_packages),
        cmocka_unit_test(junk_around),
        cmocka_unit_test(names),
        cmocka_unit_test(refused),
        cmocka_unit_test(truncated),
        cmocka_unit_test(too_many_entries),
        cmocka_unit_test(real_bomb),
        cmocka_unit_test(rewinding),
        cmocka_unit_test(any_byte_changed),
    };

    return cmocka_run_group_tests_name("zip_read", tests, NULL, NULL);
}
