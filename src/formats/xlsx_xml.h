#ifndef FORMATS_XLSX_XML_H
#define FORMATS_XLSX_XML_H

/*
 * Small XML parts through expat: elements by local name, no document types, no entities, and of
 * alternate content only the fallback.
 */

#include "formats/zip_read.h"

enum { XLSX_XML_DEPTH = 64 };

struct xlsx_xml {
    void *ctx;
    /* attrs: name, value, ..., NULL; names may have a namespace before them. */
    bool (*start)(void *ctx, const char *name, const char **attrs, struct err *err);
    bool (*end)(void *ctx, const char *name, struct err *err); /* May be NULL. */
};

/*
 * Parse a whole part of at most `max` bytes. Errors: ERR_DATA, ERR_TOO_LARGE, ERR_NOMEM, the
 * handlers'.
 */
bool xlsx_xml_parse(struct zip_reader *zip, const struct zip_entry *entry, const char *label,
    size_t max, struct budget *budget, const struct xlsx_xml *handler, struct err *err) MUST_CHECK;

/* The value of the attribute with this local name, or NULL. */
const char *xlsx_xml_attr(const char **attrs, const char *local);

#endif
