/*
 * The arguments that many operations share, declared once: how the
 * file is read, and how the result is written.
 */

#include "ops/bind_int.h"

#include "base/fs.h"
#include "base/utf8.h"
#include "formats/encoding.h"
#include "formats/sink.h"
#include "formats/source_view.h"

#include <string.h>

static const char *const merged_choices[] = { "top_left", "fill", NULL };
static const char *const errors_choices[] = { "keep", "blank", "fail", NULL };
static const char *const hidden_choices[] = { "keep", "skip", NULL };
static const char *const totals_choices[] = { "skip", "keep", NULL };
static const char *const values_choices[] = { "raw", "shown", NULL };
static const char *const blank_lines_choices[] = { "skip", "row", NULL };
static const char *const types_choices[] = { "safe", "text", NULL };
static const char *const dialect_choices[] = { "strict", "excel", NULL };
static const char *const table_formats[] = { "xlsx", "csv", "tsv", "json", "jsonl", NULL };
static const char *const table_format_aliases[] = { "excel", "xlsx", NULL };
static const char *const json_formats[] = { "json", "jsonl", NULL };

static const char *const sheet_aliases[] = { "sheet_name", NULL };
static const char *const output_filename_aliases[] = { "output_name", NULL };

/* An argument, and the operations that have it: those with all of `with` and none of `without`. */
struct shared_arg {
    struct arg arg;
    unsigned with, without;
};

/* The format is a choice of its own list, so it goes through a field that remembers "not given" as -1. */
static const struct shared_arg shared_list[] = {
    { { ARG_NAMED(struct shared_args, reader.sheet, "sheet", STR), .aliases = sheet_aliases,
        .help = "Sheet to read, by name or by number from 1; the first visible one by default." } },
    { { ARG_NAMED(struct shared_args, reader.header_row, "header_row", INT), .fallback = "1",
        .min = 0, .max = 1048576,
        .help = "Row that holds the column names, from 1; 0 when there is none and columns are A, "
                "B, C." } },
    { { ARG_NAMED(struct shared_args, reader.delimiter, "delimiter", STR),
          .help = "Character between the fields of a text file, or 'tab'; found out by default." },
        0, OP_DELIMITER },
    { { ARG_NAMED(struct shared_args, write_delimiter, "delimiter", STR),
          .help = "Character between the fields of the file that is written, or 'tab'." },
        OP_DELIMITER, 0 },
    { { ARG_NAMED(struct shared_args, reader.quote, "quote", STR),
        .help = "Character around the fields of a text file, or 'none'; found out by default." } },
    { { ARG_NAMED(struct shared_args, reader.encoding, "encoding", STR),
        .allowed = "file.supported_encodings",
        .help = "Encoding of a text file, such as utf-8 or windows-1252; found out by default." } },
    { { ARG_NAMED(struct shared_args, reader.merged, "merged", CHOICE), .fallback = "\"top_left\"",
        .choices = merged_choices,
        .help = "Merged cells keep their value in the top left cell, or fill all of their cells "
                "with it." } },
    { { ARG_NAMED(struct shared_args, reader.errors, "errors", CHOICE), .fallback = "\"keep\"",
        .choices = errors_choices,
        .help = "What to do with cells such as #N/A: keep them, read them as blank, or fail." } },
    { { ARG_NAMED(struct shared_args, reader.header_rows, "header_rows", INT), .fallback = "1",
        .min = 1, .max = VIEW_MAX_HEADER_ROWS,
        .help = "How many rows from header_row on hold the column names; they are joined." } },
    { { ARG_NAMED(struct shared_args, reader.hidden, "hidden", CHOICE), .fallback = "\"keep\"",
        .choices = hidden_choices,
        .help = "Rows and columns that are hidden in a workbook are read, or left out." } },
    { { ARG_NAMED(struct shared_args, reader.totals, "totals", CHOICE), .fallback = "\"skip\"",
        .choices = totals_choices,
        .help = "The row of totals of a workbook's table is left out, or read like the others." } },
    { { ARG_NAMED(struct shared_args, reader.values, "values", CHOICE), .fallback = "\"raw\"",
        .choices = values_choices,
        .help = "Numbers and dates of a workbook are read as such, or as text the way their "
                "number format shows them." } },
    { { ARG_NAMED(struct shared_args, reader.blank_lines, "blank_lines", CHOICE),
        .fallback = "\"skip\"", .choices = blank_lines_choices,
        .help = "Blank lines in a text of several columns are left out, or are blank rows." } },
    { { ARG_NAMED(struct shared_args, format, "output_format", CHOICE), .choices = table_formats,
          .choice_aliases = table_format_aliases, .help = "Format of the file that is written." },
        OP_TABLE, 0 },
    { { ARG_NAMED(struct shared_args, format, "output_format", CHOICE), .choices = json_formats,
          .help = "One JSON document, or one record a line." },
        OP_JSON_TEXT, 0 },
    { { ARG_NAMED(struct shared_args, output.output_filename, "output_filename", STR),
          .aliases = output_filename_aliases,
          .help = "Name of the file that is written, without folders." },
        0, OP_RESULT },
    { { ARG_NAMED(struct shared_args, output.sheet_name, "sheet_name", STR),
          .fallback = "\"Sheet1\"", .min = 1, .max = 255,
          .help = "Name of the sheet that is written." },
        OP_SHEET_NAME, 0 },
    { { ARG_NAMED(struct shared_args, output.types, "types", CHOICE), .fallback = "\"safe\"",
          .choices = types_choices,
          .help = "Text columns become numbers, booleans or dates where that changes no character, "
                  "or stay text." },
        0, OP_NO_TYPES },
    { { ARG_NAMED(struct shared_args, output.csv_dialect, "csv_dialect", CHOICE),
          .fallback = "\"strict\"", .choices = dialect_choices,
          .help = "How CSV is written: plain, or for opening in Excel (BOM, CRLF, formula starts "
                  "made harmless)." },
        OP_TABLE, 0 },
};

static bool has_shared(const struct op *op, const struct shared_arg *shared)
{
    if ((op->flags & shared->with) != shared->with || (op->flags & shared->without))
        return false;
    /* An operation's own argument of that name stands before the shared one. */
    for (const struct arg *a = op->args; a->name; a++) {
        if (strcmp(a->name, shared->arg.name) == 0)
            return false;
    }
    return true;
}

const struct arg *op_arg(const struct op *op, size_t i)
{
    size_t n = 0;

    for (; op->args[n].name; n++) {
        if (n == i)
            return &op->args[n];
    }
    for (size_t s = 0; s < ARRAY_LEN(shared_list); s++) {
        if (has_shared(op, &shared_list[s]) && n++ == i)
            return &shared_list[s].arg;
    }
    return NULL;
}

size_t op_args_all(const struct op *op, const struct arg **out)
{
    size_t n = 0;

    for (const struct arg *a; n < BIND_MAX_FIELDS && (a = op_arg(op, n)); n++)
        out[n] = a;
    return n;
}

bool op_takes_format(const struct op *op, enum file_format f)
{
    for (size_t i = 0; i < ARRAY_LEN(shared_list); i++) {
        const struct shared_arg *s = &shared_list[i];

        if (strcmp(s->arg.name, "output_format") != 0 || !has_shared(op, s))
            continue;
        for (const char *const *c = s->arg.choices; *c; c++) {
            if (file_format_find(*c) == f)
                return true;
        }
        return false;
    }
    return !(op->flags & OP_RESULT) && f == op->format;
}

size_t shared_slots(const struct op *op, struct shared_args *s, struct bind_slot *slots)
{
    size_t n = 0;

    *s = (struct shared_args){ .reader = reader_args_default, .format = -1 };
    for (size_t i = 0; i < ARRAY_LEN(shared_list); i++) {
        if (has_shared(op, &shared_list[i]))
            slots[n++] = (struct bind_slot){ .arg = &shared_list[i].arg, .base = (char *)s };
    }
    return n;
}

static bool fail_shared(struct err *err, const char *argument, const char *value, const char *want)
{
    const struct bind_path at = { NULL, argument, 0 };

    return bind_fail(&at, err, "'%.60s' is not %s", value, want);
}

/* One ASCII character or "tab"; \0 when it is neither. */
static char one_char(const char *s)
{
    if (strcmp(s, "tab") == 0 || strcmp(s, "\\t") == 0 || strcmp(s, "TAB") == 0)
        return '\t';
    return s[0] > 0 && !s[1] && s[0] != '\n' && s[0] != '\r' && s[0] != '"' ? s[0] : '\0';
}

bool shared_finish(const struct op *op, struct shared_args *s, struct op_args *out, struct err *err)
{
    const char *quote = s->reader.quote;

    if (s->reader.delimiter && !one_char(s->reader.delimiter))
        return fail_shared(err, "delimiter", s->reader.delimiter, "one character or 'tab'");
    if (s->write_delimiter) {
        s->output.delimiter = one_char(s->write_delimiter);
        if (!s->output.delimiter)
            return fail_shared(err, "delimiter", s->write_delimiter, "one character or 'tab'");
    }
    if (quote && quote[0] && strcmp(quote, "none") != 0 && (quote[1] || quote[0] < 0))
        return fail_shared(err, "quote", quote, "one character or 'none'");
    if (s->reader.encoding && !encoding_known(s->reader.encoding))
        return fail_shared(
            err, "encoding", s->reader.encoding, "a known encoding, such as utf-8 or windows-1252");
    if (s->output.output_filename && !fs_is_bare_name(s->output.output_filename))
        return fail_shared(
            err, "output_filename", s->output.output_filename, "a file name without folders");
    if (s->format >= 0) {
        const char *const *choices = (op->flags & OP_TABLE) ? table_formats : json_formats;

        s->output.format = (int)file_format_find(choices[s->format]);
    }
    out->reader = s->reader;
    out->output = s->output;
    return true;
}
