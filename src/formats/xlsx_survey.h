#ifndef FORMATS_XLSX_SURVEY_H
#define FORMATS_XLSX_SURVEY_H

/*
 * The first look at a sheet: how wide and long the table is, whether its rows stand in order, and
 * which ranges are merged. What the part itself says of its size (<dimension>) is often wrong, so
 * only a look at every cell tells. A look at the first rows nearly always finds the same width and
 * order; a reader that goes by it checks the rest as it reads.
 */

#include "formats/xlsx_cells.h"

enum { XLSX_TOP_ROWS = 512 };

struct xlsx_survey {
    uint32_t first_row, last_row; /* That hold a value, from row `from` on; 0: none does. */
    bool partial;                 /* Only the first rows were looked at. */
    uint32_t width;               /* Columns up to the last that holds a value there. */
    bool ordered;                 /* Row numbers rise and every cell stands in its row. */
    bool irregular;               /* It could not be skimmed; nothing else is set. */
    struct sheet_range *merges;   /* By top row, then column. In the arena. */
    size_t n_merges;
};

/*
 * Read the sheet that `s` was opened on to its end. skim: look at the references of cells only,
 * where they have their usual shape; where they do not, the survey ends with `irregular` set and is
 * to be made again without. merges: collect merged ranges into this arena; NULL: do not.
 */
bool xlsx_survey(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from, bool skim,
    struct arena *merges, struct xlsx_survey *out, struct err *err) MUST_CHECK;

/*
 * The same of the first XLSX_TOP_ROWS rows from `from` on: out->partial is set when there are more.
 * Merged ranges are not collected.
 */
bool xlsx_survey_top(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *out, struct err *err) MUST_CHECK;

/* Test hook: another number than XLSX_TOP_ROWS; 0: that one. */
extern uint32_t xlsx_survey_top_rows;

/* For xlsx_skim.c: up to the end of the rows, or irregular. */
bool xlsx_skim(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *out, struct err *err) MUST_CHECK;
void xlsx_survey_value(struct xlsx_survey *out, const struct sheet_cell *c);

/* For other readers: put the merged ranges in order; what a value in the cell `c` says of them. */
void xlsx_survey_sort_merges(struct xlsx_survey *out);
void xlsx_survey_merged(struct xlsx_survey *out, const struct sheet_cell *c, uint32_t from);

/*
 * A second look, for filling merged ranges: those with a value in their first cell make the table
 * as wide and long as they are, unless they span all columns or rows of the sheet.
 */
bool xlsx_survey_merges(struct sheet_scan *s, const struct xlsx_strings *strings, uint32_t from,
    struct xlsx_survey *survey, struct err *err) MUST_CHECK;

#endif
