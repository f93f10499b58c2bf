/*
 * Workbooks made to order for tests: the parts that are given, the usual ones for the rest.
 */
#ifndef TESTS_BOOK_MAKE_H
#define TESTS_BOOK_MAKE_H

#include "zip_make.h"

#include <stdio.h>

#define MAIN_NS "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define REL_NS "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PKG_NS "http://schemas.openxmlformats.org/package/2006/relationships"
#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"

struct book {
    const char *rows;  /* The inside of <sheetData>; NULL: `sheet` counts. */
    const char *after; /* Behind </sheetData>. */
    const char *sheet; /* The whole part instead. */
    size_t sheet_len;  /* 0: strlen(sheet). */
    const char
        *strings; /* The inside of <sst>, or the whole part when it begins with "<?" or 0xFF. */
    size_t strings_len;
    const char *formats;  /* The inside of <styleSheet>. */
    const char *workbook; /* The whole part. */
    const char *rels;     /* Of the workbook, the whole part. */
    const char *root_rels;
    const char *sheet_name;   /* Of the part: xl/worksheets/sheet1.xml. */
    const char *strings_name; /* xl/sharedStrings.xml */
    bool deflate, descriptors, zip64, no_types;
};

static const char book_types[] =
    XML_HEAD "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
             "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/"
             "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>";
static const char book_root_rels[] =
    XML_HEAD "<Relationships xmlns=\"" PKG_NS "\"><Relationship Id=\"rId1\" Type=\"" REL_NS
             "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
static const char book_rels[] = XML_HEAD
    "<Relationships xmlns=\"" PKG_NS "\">"
    "<Relationship Id=\"rId1\" Type=\"" REL_NS "/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
    "<Relationship Id=\"rId2\" Type=\"" REL_NS "/styles\" Target=\"styles.xml\"/>"
    "<Relationship Id=\"rId3\" Type=\"" REL_NS
    "/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>";
static const char book_workbook[] =
    XML_HEAD "<workbook xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS
             "\"><sheets><sheet name=\"Data\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";

static inline char *book_text(const char *head, const char *body, const char *tail)
{
    size_t n = strlen(head) + strlen(body) + strlen(tail) + 1;
    char *out = malloc(n);

    assert(out);
    snprintf(out, n, "%s%s%s", head, body, tail);
    return out;
}

static inline void book_add(
    struct zip_make *z, const char *name, const char *p, size_t n, bool deflate)
{
    zip_make_add(z, name, p, n ? n : strlen(p), deflate ? 8 : 0);
}

/* The package; freed with zip_make_free(). */
static inline struct zip_make book_make(const struct book *b)
{
    struct zip_make z = { .descriptors = b->descriptors, .zip64 = b->zip64 };
    char *text;

    if (!b->no_types)
        book_add(&z, "[Content_Types].xml", book_types, 0, b->deflate);
    book_add(&z, "_rels/.rels", b->root_rels ? b->root_rels : book_root_rels, 0, b->deflate);
    book_add(&z, "xl/workbook.xml", b->workbook ? b->workbook : book_workbook, 0, b->deflate);
    book_add(&z, "xl/_rels/workbook.xml.rels", b->rels ? b->rels : book_rels, 0, b->deflate);
    if (b->formats) {
        text =
            book_text(XML_HEAD "<styleSheet xmlns=\"" MAIN_NS "\">", b->formats, "</styleSheet>");
        book_add(&z, "xl/styles.xml", text, 0, b->deflate);
        free(text);
    }
    if (b->strings && (b->strings_len || strncmp(b->strings, "<?", 2) == 0)) {
        book_add(&z, b->strings_name ? b->strings_name : "xl/sharedStrings.xml", b->strings,
            b->strings_len, b->deflate);
    } else if (b->strings) {
        text = book_text(XML_HEAD "<sst xmlns=\"" MAIN_NS "\">", b->strings, "</sst>");
        book_add(
            &z, b->strings_name ? b->strings_name : "xl/sharedStrings.xml", text, 0, b->deflate);
        free(text);
    }
    if (b->rows) {
        char *inside = book_text("<sheetData>", b->rows, "</sheetData>");
        char *body = book_text(inside, b->after ? b->after : "", "</worksheet>");

        text = book_text(XML_HEAD "<worksheet xmlns=\"" MAIN_NS "\" xmlns:r=\"" REL_NS
                                  "\"><dimension ref=\"A1\"/>",
            body, "");
        book_add(
            &z, b->sheet_name ? b->sheet_name : "xl/worksheets/sheet1.xml", text, 0, b->deflate);
        free(inside);
        free(body);
        free(text);
    } else if (b->sheet) {
        book_add(&z, b->sheet_name ? b->sheet_name : "xl/worksheets/sheet1.xml", b->sheet,
            b->sheet_len, b->deflate);
    }
    return z;
}

/* The finished package as a file. */
static inline int book_file(const struct book *b)
{
    struct zip_make z = book_make(b);
    int fd;

    zip_make_end(&z);
    fd = zip_make_file(z.data, z.len);
    zip_make_free(&z);
    return fd;
}

#endif
