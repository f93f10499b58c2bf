/*
 * Compound files: streams in and out, and files that lie.
 */
#include "cfb_make.h"
#include "read_table.h"

#include "formats/cfb.h"
#include "formats/little_endian.h"

enum { HEADER_DIRECTORY = 48, HEADER_DIFAT_FIRST = 68, HEADER_DIFAT = 76 };

static char *pattern(size_t n)
{
    char *p = malloc(n + 1);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 2654435761U >> 13);
    return p;
}

/* Open, find `name`, load; false with *err. */
static bool load(const void *p, size_t n, const char *name, size_t budget_limit,
    struct arena *arena, const unsigned char **out, size_t *out_n, struct err *err)
{
    struct budget budget = { .limit = budget_limit };
    int fd = read_table_fd(p, n);
    struct cfb_entry entry;
    struct cfb *c;
    bool ok = false;

    if (cfb_open(fd, "t.xls", &budget, &c, err)) {
        if (!cfb_find(c, name, &entry))
            err_set(err, ERR_NOT_FOUND, "no stream");
        else
            ok = cfb_load(c, &entry, 64 << 20, arena, out, out_n, err);
        cfb_close(c);
    }
    close(fd);
    assert_int_equal(budget.used, 0);
    return ok;
}

static void check(
    const struct buf *file, const char *label, const char *name, const void *want, size_t want_n)
{
    const unsigned char *p = NULL;
    struct arena arena;
    struct err err;
    size_t n = 0;

    arena_init(&arena, NULL);
    if (!load(file->data, file->len, name, 0, &arena, &p, &n, &err))
        fail_msg("%s: %s", label, err.text);
    assert_int_equal(n, want_n);
    assert_memory_equal(p, want, n);
    arena_deinit(&arena);
}

static void expect(const struct buf *file, const char *label, const char *name, const char *want)
{
    const unsigned char *p;
    struct arena arena;
    struct err err;
    size_t n;

    arena_init(&arena, NULL);
    if (load(file->data, file->len, name, 0, &arena, &p, &n, &err))
        fail_msg("%s: was loaded", label);
    if (strcmp(err.text, want) != 0)
        fail_msg("%s: %s", label, err.text);
    arena_deinit(&arena);
}

static void streams_of_all_sizes(void **state)
{
    static const size_t sizes[] = { 1, 63, 64, 65, 511, 512, 4095, 4096, 4097, 100000 };
    static const unsigned shifts[] = { 9, 12 };
    char *p = pattern(100000);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(shifts); i++) {
        size_t size = sizes[i / 2];
        struct cfb_make_stream streams[] = { { "Small", "abc", 3 }, { "Other", p + 7, 5000 },
            { "Workbook", p, size }, { "Last", p + 1, 70 }, { NULL, NULL, 0 } };
        struct buf file;

        buf_init(&file, 1 << 22);
        cfb_make(&file, streams, shifts[i % 2]);
        check(&file, "the stream", "Workbook", p, size);
        check(&file, "a small one before", "Small", "abc", 3);
        check(&file, "a large one before", "Other", p + 7, 5000);
        check(&file, "one behind, in other case", "LAST", p + 1, 70);
        expect(&file, "none", "Book", "no stream");
        buf_deinit(&file);
    }
    free(p);
}

/* More sectors than the header can name FAT sectors for. */
static void a_chain_of_tables(void **state)
{
    size_t n = (size_t)240 * 128 * 512;
    struct cfb_make_stream streams[] = { { "Workbook", NULL, n }, { NULL, NULL, 0 } };
    char *p = pattern(n);
    struct buf file;

    (void)state;
    streams[0].p = p;
    buf_init(&file, 1 << 26);
    cfb_make(&file, streams, 9);
    check(&file, "DIFAT", "Workbook", p, n);
    /* A DIFAT that names itself as the next. */
    {
        uint32_t first = le32((unsigned char *)file.data + HEADER_DIFAT_FIRST);

        memcpy(file.data + ((size_t)first + 1) * 512 + 508, file.data + HEADER_DIFAT_FIRST, 4);
        memset(file.data + ((size_t)first + 1) * 512, 0, 508);
    }
    expect(&file, "a circle of tables", "Workbook",
        "'t.xls' is incomplete or damaged: its workbook is cut; open and save it in Excel");
    buf_deinit(&file);
    free(p);
}

struct damage {
    const char *label;
    size_t at;
    uint32_t value;
    const char *want;
};

#define DAMAGED(what) "'t.xls' is incomplete or damaged: " what "; open and save it in Excel"

/* One directory sector, then the stream's ten sectors, then the FAT. */
static void lies(void **state)
{
    enum { FAT_SECTOR = 11, FAT_AT = (FAT_SECTOR + 1) * 512, ENTRY = 512 + 128 };
    static const struct damage damages[] = {
        { "sector size", 30, 0x00060063, DAMAGED("its header names sizes that no such file has") },
        { "magic", 0, 0, "'t.xls' is no OLE compound file" },
        { "a circle", FAT_AT + 4 * 5, 3, DAMAGED("its workbook is cut") },
        { "a sector of itself", FAT_AT + 4 * 5, 5, DAMAGED("its workbook is cut") },
        { "past the end", FAT_AT + 4 * 5, 9999, DAMAGED("its workbook is cut") },
        { "ends too early", FAT_AT + 4 * 5, 0xFFFFFFFE, DAMAGED("its workbook is cut") },
        { "starts outside", ENTRY + 116, 77777, DAMAGED("its workbook is cut") },
        { "too large", ENTRY + 120, 0x7FFFFFFF, DAMAGED("its workbook is larger than the file") },
        { "no directory", HEADER_DIRECTORY, 0xFFFFFFFE, DAMAGED("its directory is missing") },
        { "directory outside", HEADER_DIRECTORY, 500, DAMAGED("its directory is missing") },
        { "no FAT", HEADER_DIFAT, 0xFFFFFFFF, DAMAGED("its workbook is cut") },
        { "small, and no mini FAT", ENTRY + 120, 100, DAMAGED("a stream is cut") },
        { "a name of no length", ENTRY + 64, 0, "no stream" },
        /* Of a directory that goes in a circle the first round is enough. */
        { "the tree of names in a circle", ENTRY + 68, 1, NULL },
        { "the directory in a circle", FAT_AT, 0, NULL },
        { "the tree of names is broken", 512 + 76, 12345, NULL },
    };
    char *p = pattern(5120);
    struct cfb_make_stream streams[] = { { "Workbook", p, 5120 }, { NULL, NULL, 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        const struct damage *d = &damages[i];
        struct buf file;

        buf_init(&file, 1 << 20);
        cfb_make(&file, streams, 9);
        assert_int_equal(file.len, FAT_AT + 512);
        for (size_t k = 0; k < 4; k++)
            file.data[d->at + k] = (char)(d->value >> 8 * k);
        if (d->want)
            expect(&file, d->label, "Workbook", d->want);
        else
            check(&file, d->label, "Workbook", p, 5120);
        buf_deinit(&file);
    }
    free(p);
}

/* Cut anywhere, a file gives its stream or says what is wrong; never other bytes. */
static void cut(void **state)
{
    char *p = pattern(5120);
    struct cfb_make_stream streams[] = { { "Small", p, 600 }, { "Workbook", p, 5120 },
        { NULL, NULL, 0 } };
    struct buf file;

    (void)state;
    buf_init(&file, 1 << 20);
    cfb_make(&file, streams, 9);
    for (size_t n = 0; n < file.len; n += n < 600 ? 1 : 37) {
        for (size_t i = 0; i < 2; i++) {
            const unsigned char *got;
            struct arena arena;
            struct err err;
            size_t got_n;

            arena_init(&arena, NULL);
            if (load(file.data, n, streams[i].name, 0, &arena, &got, &got_n, &err)) {
                assert_int_equal(got_n, streams[i].n);
                assert_memory_equal(got, p, got_n);
            } else {
                assert_true(err.code == ERR_DATA || err.code == ERR_NOT_FOUND);
            }
            arena_deinit(&arena);
        }
    }
    buf_deinit(&file);
    free(p);
}

static void limits(void **state)
{
    char *p = pattern(100000);
    struct cfb_make_stream streams[] = { { "Workbook", p, 100000 }, { NULL, NULL, 0 } };
    struct budget budget = { .limit = 50000 };
    const unsigned char *got;
    struct cfb_entry entry;
    struct arena arena;
    struct buf file;
    struct err err;
    struct cfb *c;
    size_t n;
    int fd;

    (void)state;
    buf_init(&file, 1 << 20);
    cfb_make(&file, streams, 9);
    arena_init(&arena, &budget);
    fd = read_table_fd(file.data, file.len);
    assert_true(cfb_open(fd, "t.xls", NULL, &c, &err));
    assert_true(cfb_find(c, "workbook", &entry));
    assert_false(cfb_load(c, &entry, 1 << 20, &arena, &got, &n, &err));
    assert_string_equal(err.text, "'t.xls' needs more memory than the limit allows");
    assert_int_equal(err.code, ERR_BUDGET);
    assert_false(cfb_load(c, &entry, 99999, &arena, &got, &n, &err));
    assert_int_equal(err.code, ERR_BUDGET);
    cfb_close(c);
    close(fd);
    arena_deinit(&arena);
    buf_deinit(&file);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_all_sizes),
        cmocka_unit_test(a_chain_of_tables),
        cmocka_unit_test(lies),
        cmocka_unit_test(cut),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests_name("cfb", tests, NULL, NULL);
}
