/*
 * One quick pass over all records before the first is delivered: how many columns there must be.
 */
#include "formats/csv_int.h"

bool csv_survey(struct csv_parser *p, struct csv_input *in, uint64_t records,
    struct csv_survey *out, struct err *err)
{
    struct csv_row row = { 0 };

    *out = (struct csv_survey){ 0 };
    for (;;) {
        switch (csv_parse(p, &row)) {
        case CSV_ROW:
            records++;
            out->last_record = records;
            if (row.n_filled > out->n_columns) {
                out->n_columns = row.n_filled;
                out->widest_line = row.line;
            }
            break;
        case CSV_BAD:
            records++;
            out->last_record = records;
            break;
        case CSV_BLANK:
            records++;
            break;
        case CSV_MORE: {
            size_t pos = p->pos;

            if (!csv_input_fill(in, &pos, err)) {
                err->at.row = records + 1;
                return false;
            }
            csv_parser_feed(p, in->data, pos, in->limit, csv_input_eof(in));
            break;
        }
        case CSV_END:
            return true;
        case CSV_HUGE:
            err->at.row = records + 1;
            return err_set(err, ERR_BUDGET,
                "the quoted field that begins in line %llu is longer than %d MB; is its closing "
                "quote missing?",
                (unsigned long long)row.open_line, CSV_MAX_FIELD >> 20);
        case CSV_NOMEM:
            return err_nomem(err);
        }
    }
}
