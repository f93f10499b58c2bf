/*
 * What a file is, told by its content.
 *
 * Signatures come first, most telling ones before others; then what looks like text is CSV.
 * Whatever is known but cannot be read is refused by its name, with the way out.
 */
#include "formats/detect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct head {
    const char *p;
    size_t n;
};

static const struct {
    const char *name, *suffix, *media_type;
} formats[FILE_FORMAT_COUNT] = {
    [FILE_UNKNOWN] = { "unknown", "", "application/octet-stream" },
    [FILE_CSV] = { "csv", ".csv", "text/csv; charset=utf-8" },
    [FILE_XLSX] = { "xlsx", ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    [FILE_XLS] = { "xls", ".xls", "application/vnd.ms-excel" },
    [FILE_GZIP] = { "gzip", ".gz", "application/gzip" },
    [FILE_TSV] = { "tsv", ".tsv", "text/tab-separated-values; charset=utf-8" },
    [FILE_JSON] = { "json", ".json", "application/json" },
    [FILE_JSONL] = { "jsonl", ".jsonl", "application/x-ndjson" },
    [FILE_SQL] = { "sql", ".sql", "application/sql" },
};

const char *file_format_name(enum file_format f)
{
    return formats[f].name;
}

const char *file_format_suffix(enum file_format f)
{
    return formats[f].suffix;
}

const char *file_format_media_type(enum file_format f)
{
    return formats[f].media_type;
}

enum file_format file_format_find(const char *name_or_suffix)
{
    const char *name = name_or_suffix + (name_or_suffix[0] == '.');

    for (int f = FILE_UNKNOWN + 1; f < FILE_FORMAT_COUNT; f++) {
        if (strcasecmp(formats[f].suffix + 1, name) == 0 || strcasecmp(formats[f].name, name) == 0)
            return (enum file_format)f;
    }
    return FILE_UNKNOWN;
}

static bool begins(struct head h, const char *with, size_t n)
{
    return h.n >= n && memcmp(h.p, with, n) == 0;
}

static bool begins_text(struct head h, const char *with)
{
    size_t n = strlen(with);

    return h.n >= n && strncasecmp(h.p, with, n) == 0;
}

static bool holds(struct head h, const char *what, size_t n)
{
    return memmem(h.p, h.n, what, n) != NULL;
}

#define BEGINS(h, s) begins((h), (s), sizeof(s) - 1)
#define HOLDS(h, s) holds((h), (s), sizeof(s) - 1)

/* Kinds of binary file that people take for spreadsheets, or upload by mistake. */
static const struct {
    const char *magic;
    size_t n;
    const char *what;
} binaries[] = {
#define MAGIC(s) s, sizeof(s) - 1
    { MAGIC("%PDF-"), "a PDF document" },
    { MAGIC("\x89PNG\r\n"), "a PNG image" },
    { MAGIC("\xFF\xD8\xFF"), "a JPEG image" },
    { MAGIC("GIF87a"), "a GIF image" },
    { MAGIC("GIF89a"), "a GIF image" },
    { MAGIC("{\\rtf"), "a rich text document" },
    { MAGIC("\x28\xB5\x2F\xFD"), "a Zstandard archive; unpack it first" },
    { MAGIC("\xFD"
            "7zXZ"),
        "an xz archive; unpack it first" },
    { MAGIC("7z\xBC\xAF"), "a 7-Zip archive; unpack it first" },
    { MAGIC("Rar!\x1A"), "a RAR archive; unpack it first" },
    { MAGIC("SQLite format 3"), "an SQLite database" },
    { MAGIC("PAR1"), "a Parquet file" },
    { MAGIC("\x7F"
            "ELF"),
        "a program" },
    { MAGIC("MZ\x90"), "a program" },
    { MAGIC("\x09\x08\x10\x00"), "a bare BIFF stream of an old Excel; save it as .xlsx" },
    { MAGIC("\x09\x00\x04\x00"), "a workbook of Excel 2; save it as .xlsx" },
    { MAGIC("\x09\x02\x06\x00"), "a workbook of Excel 3; save it as .xlsx" },
    { MAGIC("\x09\x04\x06\x00"), "a workbook of Excel 4; save it as .xlsx" },
#undef MAGIC
};

/* "BZh", the size of its blocks, and pi. */
static bool is_bzip2(struct head h)
{
    return h.n >= 10 && BEGINS(h, "BZh") && h.p[3] >= '1' && h.p[3] <= '9' &&
           memcmp(h.p + 4, "1AY&SY", 6) == 0;
}

static bool refuse(const char *name, const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT,
        "%s is %s; an Excel workbook or a text table (CSV, TSV) is needed", name, what);
}

/* A stream or storage name of a compound file, as UTF-16. */
static bool ole_holds(struct head h, const char *ascii)
{
    char wide[64];
    size_t n = strlen(ascii);

    for (size_t i = 0; i < n; i++) {
        wide[2 * i] = ascii[i];
        wide[2 * i + 1] = 0;
    }
    return holds(h, wide, 2 * n);
}

uint64_t detect_ole_offset(const void *head, size_t n)
{
    enum { SECTOR_SHIFT_AT = 30, DIRECTORY_AT = 48, SECTOR_SHIFT_MAX = 12 };
    const unsigned char *p = head;
    uint32_t sector;

    if (n < DIRECTORY_AT + 4 || p[SECTOR_SHIFT_AT] > SECTOR_SHIFT_MAX)
        return 0;
    sector = p[DIRECTORY_AT] | (uint32_t)p[DIRECTORY_AT + 1] << 8 |
             (uint32_t)p[DIRECTORY_AT + 2] << 16 | (uint32_t)p[DIRECTORY_AT + 3] << 24;
    return ((uint64_t)sector + 1) << p[SECTOR_SHIFT_AT];
}

/* Old workbooks, encrypted new ones, and other Office documents. */
bool detect_ole(
    const char *name, const void *directory, size_t n, enum file_format *out, struct err *err)
{
    struct head h = { directory, n };

    if (ole_holds(h, "EncryptedPackage") || ole_holds(h, "EncryptionInfo"))
        return err_set(err, ERR_FORMAT,
            "%s is a password-protected workbook; save it without the password", name);
    if (ole_holds(h, "WordDocument"))
        return refuse(name, "a Word document", err);
    if (ole_holds(h, "PowerPoint Document"))
        return refuse(name, "a PowerPoint presentation", err);
    *out = FILE_XLS;
    return true;
}

/*
 * Zip files by what their first entries are called; when that tells nothing, the workbook reader
 * looks further.
 */
static bool detect_zip(const char *name, struct head h, enum file_format *out, struct err *err)
{
    unsigned name_len =
        h.n >= 30 ? (unsigned char)h.p[26] | (unsigned)(unsigned char)h.p[27] << 8 : 0;
    struct head first = { h.p + 30, h.n >= 30 + name_len ? name_len : 0 };

    if (HOLDS(h, "application/vnd.oasis.opendocument.spreadsheet"))
        return refuse(name, "an OpenDocument spreadsheet (.ods); save it as .xlsx", err);
    if (HOLDS(h, "application/vnd.oasis.opendocument"))
        return refuse(name, "an OpenDocument file, but not a workbook", err);
    if (!HOLDS(h, "xl/") &&
        (HOLDS(h, "Index/Document.iwa") || HOLDS(h, "Index.zip") || HOLDS(h, "Index/Tables/")))
        return refuse(name, "an Apple Numbers file; export it as .xlsx", err);
    if (!HOLDS(h, "xl/") && HOLDS(h, "word/"))
        return refuse(name, "a Word document", err);
    if (!HOLDS(h, "xl/") && HOLDS(h, "ppt/"))
        return refuse(name, "a PowerPoint presentation", err);
    if (first.n > 4 && (strncasecmp(first.p + first.n - 4, ".csv", 4) == 0 ||
                           strncasecmp(first.p + first.n - 4, ".tsv", 4) == 0 ||
                           strncasecmp(first.p + first.n - 4, ".txt", 4) == 0 ||
                           strncasecmp(first.p + first.n - 4, ".xls", 4) == 0 ||
                           memmem(first.p, first.n, ".xlsx", 5)))
        return refuse(name, "a zip archive of other files; unpack it first", err);
    *out = FILE_XLSX;
    return true;
}

/* SYLK begins "ID;P", which a CSV may as well; its next line is a record of one letter. */
static bool is_sylk(struct head h)
{
    const char *line = h.n > 4 ? memchr(h.p, '\n', h.n) : NULL;

    if (!BEGINS(h, "ID;P") || !line)
        return false;
    line++;
    return line + 1 < h.p + h.n && line[1] == ';' && strchr("BCFOP", *line) != NULL && *line;
}

/* JSON objects, alone or as the first of an array: no CSV begins like this. */
static bool is_json(struct head h)
{
    static const char order[] = "[{\"";
    size_t at = h.n && h.p[0] == '{';

    for (size_t i = 0; i < h.n && at < 3; i++) {
        if (strchr(" \t\r\n", h.p[i]) && h.p[i])
            continue;
        if (h.p[i] != order[at])
            return false;
        if (++at == 3) {
            const char *close = memchr(h.p + i + 1, '"', h.n - i - 1);

            for (close = close ? close + 1 : NULL; close && close < h.p + h.n; close++) {
                if (*close == ':')
                    return true;
                if (!strchr(" \t\r\n", *close) || !*close)
                    return false;
            }
        }
    }
    return false;
}

/* `tag` and then no more of a name: "<html>", but not "<html_id>". */
static bool begins_tag(struct head h, const char *tag)
{
    size_t n = strlen(tag);

    return begins_text(h, tag) && (h.n == n || strchr(" \t\r\n/>", h.p[n]));
}

static bool detect_markup(const char *name, struct head h, struct err *err)
{
    static const char *const html[] = { "<!doctype html", "<html", "<head", "<body", "<table",
        "<meta", "<style", "<div", "<center", "<script" };

    if (BEGINS(h, "\xEF\xBB\xBF"))
        h = (struct head){ h.p + 3, h.n - 3 };
    while (h.n && strchr(" \t\r\n", h.p[0]) && h.p[0])
        h = (struct head){ h.p + 1, h.n - 1 };
    for (size_t i = 0; i < ARRAY_LEN(html); i++) {
        if (begins_tag(h, html[i]))
            return refuse(name,
                "an HTML page, whatever its name says; open it in Excel and save it as .xlsx", err);
    }
    if (begins_text(h, "MIME-Version:"))
        return refuse(name, "a web archive (MHTML); open it in Excel and save it as .xlsx", err);
    if (begins_text(h, "<?xml")) {
        if (HOLDS(h, "urn:schemas-microsoft-com:office:spreadsheet") ||
            HOLDS(h, "progid=\"Excel.Sheet\""))
            return refuse(name,
                "an XML spreadsheet of Excel 2003; open it in Excel and save it as .xlsx", err);
        if (HOLDS(h, "office:document") && HOLDS(h, "opendocument"))
            return refuse(name, "a flat OpenDocument file; save it as .xlsx", err);
        return refuse(name, "an XML file", err);
    }
    if (is_sylk(h))
        return refuse(name, "a SYLK file; open it in Excel and save it as .xlsx", err);
    if (BEGINS(h, "TABLE\r\n0,1") || BEGINS(h, "TABLE\n0,1"))
        return refuse(name, "a DIF file; open it in Excel and save it as .xlsx", err);
    if (is_json(h))
        return refuse(name, "a JSON file", err);
    return true;
}

/* Every other byte NUL, on one side: UTF-16. */
static bool looks_utf16(struct head h)
{
    size_t nul[2] = { 0, 0 };

    if (BEGINS(h, "\xFF\xFE") || BEGINS(h, "\xFE\xFF"))
        return true;
    for (size_t i = 0; i < h.n; i++)
        nul[i & 1] += h.p[i] == 0;
    return h.n >= 4 &&
           ((nul[0] * 5 >= h.n && nul[1] * 40 < h.n) || (nul[1] * 5 >= h.n && nul[0] * 40 < h.n));
}

/* Text has few control characters; some, and padding with NUL, are borne. */
static bool is_binary(struct head h)
{
    enum { FEW = 8 };
    size_t controls = 0, nuls = 0;

    for (size_t i = 0; i < h.n; i++) {
        unsigned char c = (unsigned char)h.p[i];

        controls += c < 0x20 && !(c >= '\t' && c <= '\r') && c != 0x1A && c != 0x1B;
        nuls += c == 0;
    }
    return (controls > 2 && controls * 10 > h.n) ||
           (controls - nuls > FEW && (controls - nuls) * 20 > h.n);
}

bool detect_format(const char *name, const void *head, size_t n, uint64_t size,
    enum file_format *out, struct err *err)
{
    struct head h = { head, n };
    const char *zip;

    (void)size;
    if (BEGINS(h, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
        return detect_ole(name, head, n, out, err);
    if (BEGINS(h, "PK\x03\x04"))
        return detect_zip(name, h, out, err);
    if (BEGINS(h, "PK\x05\x06"))
        return refuse(name, "an empty zip archive", err);
    if (BEGINS(h, "\x1F\x8B")) {
        *out = FILE_GZIP;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(binaries); i++) {
        if (begins(h, binaries[i].magic, binaries[i].n))
            return refuse(name, binaries[i].what, err);
    }
    if (is_bzip2(h))
        return refuse(name, "a bzip2 archive; unpack it first", err);
    if (!detect_markup(name, h, err))
        return false;
    *out = FILE_CSV;
    if (looks_utf16(h))
        return true;
    /* A workbook with something in front of it: the reader goes by the end of the file. */
    zip = h.n ? memmem(h.p, h.n, "PK\x03\x04", 4) : NULL;
    if (zip) {
        struct head tail = { zip, h.n - (size_t)(zip - h.p) };

        if (HOLDS(tail, "[Content_Types].xml") || HOLDS(tail, "xl/") || HOLDS(tail, "_rels/")) {
            *out = FILE_XLSX;
            return true;
        }
    }
    if (is_binary(h))
        return refuse(name, "a binary file of an unknown kind", err);
    return true;
}
