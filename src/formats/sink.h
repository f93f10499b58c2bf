#ifndef FORMATS_SINK_H
#define FORMATS_SINK_H

/*
 * A table being written to a file: batches in, bytes out.
 *
 *   sink_open ──┬─ xlsx_write
 *               ├─ csv_write  (csv, tsv)
 *               └─ json_write (json, jsonl)
 */

#include "base/fs.h"
#include "base/warn.h"
#include "formats/detect.h"
#include "table/batch.h"

enum csv_flavor {
    CSV_STRICT,
    CSV_EXCEL
}; /* EXCEL: BOM, CRLF, formula starts neutralised with '. */

enum null_handling { NULL_INCLUDE, NULL_EXCLUDE, NULL_DEFAULT };

struct sink_args {
    enum file_format format; /* XLSX, CSV, TSV, JSON or JSONL. */
    const char *file_label;  /* The file's name, for the Info sheet. */
    int64_t created_ns;      /* For the Info sheet. */
    struct formats *formats;
    struct warnings *warnings;
    struct budget *budget;
    const char *tmp_dir;
    /* XLSX */
    const char *sheet_name; /* NULL: Sheet1. Repaired where Excel forbids it, with a warning. */
    const char *info_sheet_name; /* NULL: no Info sheet. */
    bool auto_width;
    uint32_t max_width; /* Characters. */
    /* CSV */
    char delimiter; /* 0: comma, or tab for TSV. */
    int flavor;     /* enum csv_flavor */
    /* JSON */
    const char *const *keys; /* One per column; NULL: the column names. */
    int null_handling;       /* enum null_handling: null, left out, or "" */
    bool pretty;
    bool
        single_object_unwrapped; /* array_wrapper false: records without the array, one a line in JSON. */
};

struct sink;

/* The file stays the caller's, who commits or aborts it after sink_finish(). schema outlives the sink. */
bool sink_open(const struct sink_args *args, const struct schema *schema, struct fs_file *file,
    struct sink **out, struct err *err) MUST_CHECK;
bool sink_write(struct sink *s, const struct batch *b, struct err *err) MUST_CHECK;
bool sink_finish(struct sink *s, struct err *err) MUST_CHECK; /* All bytes are with the fs_file. */
void sink_close(struct sink *s);                              /* Frees; NULL is fine. */
uint64_t sink_rows(const struct sink *s);

/* What a format implements; sink.c only dispatches. Each open has the shape of sink_open(). */
struct sink_class {
    bool (*write)(void *self, const struct batch *b, struct err *err);
    bool (*finish)(void *self, struct err *err);
    void (*close)(void *self);
};
bool csv_write_open(const struct sink_args *args, const struct schema *schema, struct fs_file *file,
    void **self, struct err *err) MUST_CHECK;
bool xlsx_write_open(const struct sink_args *args, const struct schema *schema,
    struct fs_file *file, void **self, struct err *err) MUST_CHECK;
bool json_write_open(const struct sink_args *args, const struct schema *schema,
    struct fs_file *file, void **self, struct err *err) MUST_CHECK;
extern const struct sink_class csv_write_class, xlsx_write_class, json_write_class;

#endif
