#ifndef FORMATS_CSV_H
#define FORMATS_CSV_H

/*
 * CSV, as RFC 4180 has it and as people really write it.
 */

#include "formats/source.h"

enum {
    CSV_MAX_FIELD = 16 << 20,
    CSV_MAX_LINE = 64 << 20,
    CSV_SNIFF_BYTES = 256 * 1024,
    CSV_OPEN_QUOTE_LINES = 1000 /* An open quote is given up after so many lines. */
};

struct csv_reader;

/* For source.c: same contract as source_open(). `fd` is seekable. *schema and *info live with the reader. */
bool csv_read_open(int fd, const char *name, const struct reader_args *args,
    const struct source_env *env, struct csv_reader **out, const struct schema **schema,
    struct source_info *info, struct err *err) MUST_CHECK;
extern const struct source_class csv_read_class;

/* What sniffing the first bytes of UTF-8 text says; each is decided over many rows. */
struct csv_dialect {
    char delimiter; /* 0: a single column. */
    char quote;     /* 0: none. */
    bool backslash; /* \" is a quote inside quotes. */
    bool sep_line;  /* The first line is "sep=X" and not data. */
    uint32_t skip;  /* Preamble lines before the header. */
};
void csv_sniff(const char *text, size_t n, struct csv_dialect *out);

#endif
