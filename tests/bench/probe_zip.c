/*
 * Raw limits for workbooks: what inflating the sheet, or deflating it again, costs alone.
 *
 *   probe_zip inflate FILE.xlsx           xl/worksheets/sheet1.xml, thrown away
 *   probe_zip deflate SHEET.xml > out     ISA-L level 1, in blocks of 256 KiB
 *   probe_zip both FILE.xlsx > out        one after the other
 */

#include <isa-l/igzip_lib.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 * 1024 };

static struct isal_zstream deflater;
static uint8_t level_buf[ISAL_DEF_LVL1_DEFAULT], packed[2 * BLOCK];

static uint32_t get(const uint8_t *p, int n)
{
    uint32_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

static uint8_t *load(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        exit(2);
    rewind(f);
    data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        exit(2);
    fclose(f);
    *n = (size_t)size;
    return data;
}

static void deflate_block(uint8_t *p, size_t n)
{
    size_t got;

    isal_deflate_stateless_init(&deflater);
    deflater.level = 1;
    deflater.level_buf = level_buf;
    deflater.level_buf_size = sizeof level_buf;
    deflater.flush = FULL_FLUSH;
    deflater.next_in = p;
    deflater.avail_in = (uint32_t)n;
    deflater.next_out = packed;
    deflater.avail_out = sizeof packed;
    if (isal_deflate_stateless(&deflater) != COMP_OK)
        exit(1);
    got = sizeof packed - deflater.avail_out;
    if (fwrite(packed, 1, got, stdout) != got)
        exit(1);
}

/* The data of the first sheet, found from the central directory. */
static const uint8_t *find_sheet(const uint8_t *zip, size_t n, uint32_t *packed_n)
{
    static const char name[] = "xl/worksheets/sheet1.xml";
    const uint8_t *dir;

    for (size_t at = n < 22 ? 0 : n - 22; at > 0; at--) {
        if (get(zip + at, 4) != 0x06054b50)
            continue;
        dir = zip + get(zip + at + 16, 4);
        for (uint32_t i = get(zip + at + 10, 2); i > 0; i--) {
            uint32_t n_name = get(dir + 28, 2);

            if (n_name == strlen(name) && memcmp(dir + 46, name, n_name) == 0) {
                const uint8_t *local = zip + get(dir + 42, 4);

                *packed_n = get(dir + 20, 4);
                return local + 30 + get(local + 26, 2) + get(local + 28, 2);
            }
            dir += 46 + n_name + get(dir + 30, 2) + get(dir + 32, 2);
        }
        break;
    }
    exit(2);
}

static void inflate_sheet(const char *path, int again)
{
    static struct inflate_state state;
    static uint8_t block[BLOCK];
    size_t n;
    uint8_t *zip = load(path, &n);
    uint32_t packed_n = 0;

    isal_inflate_init(&state);
    state.next_in = (uint8_t *)find_sheet(zip, n, &packed_n);
    state.avail_in = packed_n;
    do {
        state.next_out = block;
        state.avail_out = BLOCK;
        if (isal_inflate(&state) != ISAL_DECOMP_OK)
            exit(1);
        if (again && state.avail_out < BLOCK)
            deflate_block(block, BLOCK - state.avail_out);
    } while (state.block_state != ISAL_BLOCK_FINISH && state.avail_out == 0);
    free(zip);
}

int main(int argc, char **argv)
{
    size_t n;
    uint8_t *xml;

    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "deflate") != 0) {
        inflate_sheet(argv[2], strcmp(argv[1], "both") == 0);
        return fflush(stdout) != 0;
    }
    xml = load(argv[2], &n);
    for (size_t at = 0; at < n; at += BLOCK)
        deflate_block(xml + at, n - at < BLOCK ? n - at : BLOCK);
    free(xml);
    return fflush(stdout) != 0;
}
