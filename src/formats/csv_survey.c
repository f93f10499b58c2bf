/*
 * One quick pass over all records before the first is delivered: how many columns there must be.
 *
 * Regular stretches are counted by csv_tally(), and what it will not judge is parsed. The worse the
 * counting gets on, the longer it is left alone.
 */
#include "formats/csv_int.h"

enum {
    PATIENCE_MAX = 4096,   /* Records parsed between two attempts to count. */
    WORTH_BYTES = 4 * 1024 /* An attempt that gets as far was worth it. */
};

struct surveyor {
    struct csv_parser *p;
    struct csv_survey *out;
    uint64_t records, blank;  /* Records taken, and blank lines among them. */
    uint32_t patience, parse; /* Records to parse before the next attempt. */
};

/* Blank lines at the end of p[0..n), which ends with a line end. */
static uint64_t blank_lines(const char *p, size_t n)
{
    uint64_t ends = 0;

    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
        ends += p[--n] == '\n';
    return n == 0 ? ends : ends - 1;
}

/* The records so far end with `trailing` blank lines behind one that is none. */
static void set_last(struct surveyor *s, uint64_t trailing)
{
    s->out->last_record = s->records - trailing;
    s->out->inner_blank = s->blank - trailing;
}

static void count(struct surveyor *s)
{
    struct csv_parser *p = s->p;
    const char *text = p->data + p->pos;
    uint64_t line = p->line;
    struct csv_tally t;

    csv_tally(text, p->limit - p->pos, &p->marks, s->out->n_columns, &t);
    if (t.records > 0) {
        s->records += t.records;
        s->blank += t.blank;
        s->out->rows += t.records - t.blank;
        if (t.blank < t.records)
            set_last(s, t.blank ? blank_lines(text, t.taken) : 0);
        csv_parser_feed(p, p->data, p->pos + t.taken, p->limit, p->eof);
        p->line = line + t.lines;
    }
    if (t.taken < WORTH_BYTES && s->patience < PATIENCE_MAX)
        s->patience *= 2;
    else if (t.taken >= WORTH_BYTES)
        s->patience = 1;
    s->parse = s->patience;
}

bool csv_survey(struct csv_parser *p, struct csv_input *in, uint64_t records, uint32_t n_columns,
    bool whole, struct csv_survey *out, struct err *err)
{
    struct surveyor s = { .p = p, .out = out, .records = records, .patience = 1 };
    struct csv_row row = { 0 };

    *out = (struct csv_survey){ .n_columns = n_columns };
    for (;;) {
        if (s.parse == 0)
            count(&s);
        s.parse--;
        switch (csv_parse(p, &row)) {
        case CSV_ROW:
            s.records++;
            out->rows++;
            set_last(&s, 0);
            if (row.n_filled > out->n_columns) {
                out->n_columns = row.n_filled;
                out->widest_line = row.line;
            }
            break;
        case CSV_BAD:
            s.records++;
            set_last(&s, 0);
            break;
        case CSV_BLANK:
            s.records++;
            s.blank++;
            break;
        case CSV_MORE: {
            size_t pos = p->pos;
            uint64_t line = p->line;

            if (!whole)
                return true;
            if (!csv_input_fill(in, &pos, err)) {
                err->at.row = s.records + 1;
                return err_wrap(err, "line %llu", (unsigned long long)line);
            }
            csv_parser_feed(p, in->data, pos, in->limit, csv_input_eof(in));
            s.parse = s.patience > 1 ? s.parse : 0;
            break;
        }
        case CSV_END:
            return true;
        case CSV_HUGE:
        case CSV_NOMEM:
            err_set(err, ERR_BUDGET,
                "a field that begins in line %llu is longer than %d MB; is a closing quote "
                "missing?",
                (unsigned long long)row.open_line, CSV_MAX_FIELD >> 20);
            err->at.row = s.records + 1;
            return false;
        }
    }
}
