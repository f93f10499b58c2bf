/*
 * Encodings: guessed, named, decoded, and what becomes of bytes that are none.
 */
#include "chance.h"
#include "formats/encoding_int.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define T(s) s, sizeof(s) - 1

static const struct {
    const char *label, *in;
    size_t n;
    const char *want;
    size_t bom;
} samples[] = {
    { "nothing", T(""), "UTF-8", 0 },
    { "ASCII", T("a,b\n1,2\n"), "UTF-8", 0 },
    { "UTF-8 with a BOM",
        T("\xEF\xBB\xBF"
          "a"),
        "UTF-8", 3 },
    { "UTF-8", T("größe,naïve\n"), "UTF-8", 0 },
    { "only emoji", T("\xF0\x9F\x98\x80\xF0\x9F\x98\x81\xF0\x9F\x98\x82"), "UTF-8", 0 },
    { "UTF-8 cut in a character", T("gr\xC3\xB6\xC3"), "UTF-8", 0 },
    { "UTF-16LE with a BOM",
        T("\xFF\xFE"
          "a\0"),
        "UTF-16LE", 2 },
    { "UTF-16BE with a BOM", T("\xFE\xFF\0a"), "UTF-16BE", 2 },
    { "UTF-16LE", T("a\0,\0b\0\n\0"), "UTF-16LE", 0 },
    { "UTF-16BE", T("\0a\0,\0b\0\n"), "UTF-16BE", 0 },
    { "Windows-1252", T("na\xEFve caf\xE9 \x80 5\n"), "WINDOWS-1252", 0 },
    { "one odd byte", T("caf\xE9"), "WINDOWS-1252", 0 },
    { "German, small",
        T("Gr\xF6\xDF"
          "e,M\xFCller,\xC4rger,\xD6l\n"),
        "WINDOWS-1252", 0 },
    { "Windows-1251",
        T("\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0! \xDD\xF2\xEE \xF2\xE5\xEA\xF1\xF2 \xED\xE0 "
          "\xF0\xF3\xF1\xF1\xEA\xEE\xEC "
          "\xFF\xE7\xFB\xEA\xE5, \xE4\xEE\xF1\xF2\xE0\xF2\xEE\xF7\xED\xEE "
          "\xE4\xEB\xE8\xED\xED\xFB\xE9."),
        "WINDOWS-1251", 0 },
    { "Shift-JIS",
        T("\x93\xFA\x96{\x8C\xEA\x82\xCC\x83"
          "e\x83L\x83X\x83g\x82\xC5\x82\xB7\x81"
          "B\x82\xB1\x82\xEA\x82\xCD\x8E\x8E\x8C\xB1\x82\xC5\x82\xB7\x81"
          "B"),
        "CP932", 0 },
    { "a NUL or two in ASCII",
        T("a,b\n1\0"
          "2,3\n4,5\n6,7\n"),
        "UTF-8", 0 },
};

static void guesses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        size_t bom = 99;
        const char *got = encoding_detect(samples[i].in, samples[i].n, &bom);

        if (strcmp(got, samples[i].want) != 0 || bom != samples[i].bom)
            fail_msg("%s: %s, BOM of %zu bytes", samples[i].label, got, bom);
    }
}

/* A file in UTF-8 with a damaged byte stays one. */
static void damage_is_no_other_encoding(void **state)
{
    char text[2000];
    size_t n = 0, bom;

    (void)state;
    while (n < 1500)
        n += (size_t)sprintf(text + n, "größe,naïve,");
    text[700] = '\xFF';
    assert_string_equal(encoding_detect(text, n, &bom), "UTF-8");
}

/* Loading converters ahead changes nothing, and may be done twice. */
static void preload(void **state)
{
    (void)state;
    encoding_preload();
    encoding_preload();
    assert_true(encoding_known("windows-1251"));
    assert_true(encoding_known("GB18030"));
}

static void names(void **state)
{
    static const char *const known[][2] = { { "utf-8", "UTF-8" }, { "UTF8", "UTF-8" },
        { "utf-8-sig", "UTF-8" }, { "latin1", "WINDOWS-1252" }, { "cp1252", "WINDOWS-1252" },
        { "ISO-8859-1", "WINDOWS-1252" }, { "utf-16le", "UTF-16LE" },
        { "windows-1251", "windows-1251" }, { "Shift_JIS", "Shift_JIS" } };
    static const char *const unknown[] = { "klingon", "", "UTF-8//IGNORE", "../x" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_string_equal(encoding_find(known[i][0]), known[i][1]);
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_false(encoding_known(unknown[i]));
}

static const struct {
    const char *label, *encoding, *in;
    size_t n;
    const char *want;
    size_t want_n;
    uint64_t bad, first_bad, place;
} texts[] = {
#define NO_BAD 0, 0, UINT64_MAX
    { "UTF-8", "UTF-8", T("größe\n"), T("größe\n"), NO_BAD },
    { "UTF-8 with a bad byte", "UTF-8",
        T("ab\xFF"
          "cd"),
        T("ab\xEF\xBF\xBD"
          "cd"),
        1, 2, 2 },
    { "bad bytes in a row", "UTF-8", T("\xC3\xB6\xC3\xC3z"), T("\xC3\xB6\xEF\xBF\xBD\xEF\xBF\xBDz"),
        2, 2, 2 },
    { "UTF-8 cut off", "UTF-8", T("ab\xE4\xB8"), T("ab\xEF\xBF\xBD\xEF\xBF\xBD"), 2, 2, 2 },
    { "an encoded surrogate", "UTF-8", T("\xED\xA0\x80"), T("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"),
        3, 0, 0 },
    { "Windows-1252", "WINDOWS-1252", T("\x80 \x93q\x94 \xE9\xFF\x81"),
        T("\xE2\x82\xAC \xE2\x80\x9Cq\xE2\x80\x9D \xC3\xA9\xC3\xBF\xC2\x81"), NO_BAD },
    { "UTF-16LE", "UTF-16LE", T("a\0\xAC\x20\x3D\xD8\x00\xDE"), T("a\xE2\x82\xAC\xF0\x9F\x98\x80"),
        NO_BAD },
    { "UTF-16BE", "UTF-16BE", T("\0a\x20\xAC\xD8\x3D\xDE\x00"), T("a\xE2\x82\xAC\xF0\x9F\x98\x80"),
        NO_BAD },
    { "a lone surrogate", "UTF-16LE",
        T("a\0\x3D\xD8"
          "b\0"),
        T("a\xEF\xBF\xBD"
          "b"),
        1, 2, 1 },
    { "half a unit", "UTF-16LE", T("a\0b"), T("a\xEF\xBF\xBD"), 1, 2, 1 },
    { "NUL", "UTF-8", T("a\0b"), T("a\0b"), NO_BAD },
    { "Windows-1251", "WINDOWS-1251", T("\xCF\xF0\xE8"), T("При"), NO_BAD },
    { "Shift-JIS with a bad byte", "CP932",
        T("\x93\xFA\xFF"
          "a"),
        T("日\xEF\xBF\xBD"
          "a"),
        1, 2, 3 },
#undef NO_BAD
};

static int file_of(const void *p, size_t n)
{
    int fd = memfd_create("text", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Whatever is asked for at a time, the text is the same, and again after a rewind. */
static void decoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct encoding_reader *r;
        struct err err;
        int fd = file_of(texts[i].in, texts[i].n);

        assert_true(encoding_reader_open(fd, texts[i].encoding, &r, &err));
        for (size_t size = ENCODING_MIN_READ; size < 3 * ENCODING_MIN_READ; size++) {
            char out[256];
            size_t made = 0, n;
            uint64_t first = 0;

            assert_true(encoding_reader_rewind(r, &err));
            do {
                assert_true(encoding_reader_read(r, out + made, size, &n, &err));
                assert_true(utf8_valid_prefix(out + made, n) == n);
                made += n;
                assert_true(made + size <= sizeof out);
            } while (n > 0);
            if (made != texts[i].want_n || memcmp(out, texts[i].want, made) != 0)
                fail_msg("%s: %.*s", texts[i].label, (int)made, out);
            assert_int_equal(encoding_reader_bad(r, &first), texts[i].bad);
            assert_int_equal(first, texts[i].first_bad);
            assert_true(encoding_reader_bad_place(r, 0) == texts[i].place);
            assert_int_equal(encoding_reader_offset(r), texts[i].n);
        }
        encoding_reader_close(r);
        close(fd);
    }
}

static void long_text_with_much_damage(void **state)
{
    enum { N = 700 * 1024 };
    char *in = malloc(N), *out = malloc(256 * 1024);
    struct encoding_reader *r;
    size_t n, made = 0, bad = 0;
    struct err err;
    int fd;

    (void)state;
    assert_true(in && out);
    for (size_t i = 0; i < N; i++) {
        in[i] = i % 1000 == 999 ? '\xFE' : 'x';
        bad += i % 1000 == 999;
    }
    fd = file_of(in, N);
    assert_true(encoding_reader_open(fd, "UTF-8", &r, &err));
    do {
        assert_true(encoding_reader_read(r, out, 256 * 1024, &n, &err));
        made += n;
    } while (n > 0);
    assert_int_equal(made, N + 2 * bad);
    assert_int_equal(encoding_reader_bad(r, NULL), bad);
    encoding_reader_close(r);
    close(fd);
    free(in);
    free(out);
}

/* The fast check against the plain one. */
static void utf8_check(void **state)
{
    static const char *const pieces[] = { "a", "bcdefgh", "\xC3\xA9", "\xE4\xB8\xAD",
        "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF", "\xC2\x80",
        "\xED\x9F\xBF", /* Right ones up to here. */
        "\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80",
        "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xF5\x80\x80\x80", "\xFF" };
    enum { RIGHT = 9, ROUNDS = 100000 };
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char text[640];
        size_t n = 0, most = round % 2 ? 140 : 520;
        size_t wrong = round % 3 ? SIZE_MAX : (size_t)(round / 3 % 200);

        for (size_t k = 0; n < most; k++) {
            const char *piece;

            piece = k == wrong ? pieces[RIGHT + chance(&seed) % (ARRAY_LEN(pieces) - RIGHT)]
                               : pieces[chance(&seed) % RIGHT];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        n -= chance(&seed) % 5;
        if (encoding_valid_utf8(text, n) != utf8_valid_prefix(text, n))
            fail_msg("round %d: %zu, not %zu", round, encoding_valid_utf8(text, n),
                utf8_valid_prefix(text, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses),
        cmocka_unit_test(damage_is_no_other_encoding),
        cmocka_unit_test(preload),
        cmocka_unit_test(names),
        cmocka_unit_test(decoding),
        cmocka_unit_test(long_text_with_much_damage),
        cmocka_unit_test(utf8_check),
    };

    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
