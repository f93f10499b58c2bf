#ifndef TABLE_PROFILE_H
#define TABLE_PROFILE_H

/*
 * What a column holds: types, blanks, distinct values, range, mean, median, samples. One pass,
 * bounded memory: distinct counts and the median are exact up to PROFILE_EXACT distinct values /
 * numbers, then approximate (distinct_exact false; the median from a reservoir), and earlier when
 * the budget is short.
 */

#include "base/json.h"
#include "table/batch.h"

enum {
    PROFILE_SAMPLES = 5,
    PROFILE_VALUES = 50,
    PROFILE_EXACT = 1 << 16,
    PROFILE_BINS = 20,
    PROFILE_TOP = 10
};

struct profile; /* Of all columns of a table. */

/* details: with distinct, samples and statistics; else only counts and types (cheap). */
struct profile *profile_new(uint32_t n_columns, bool details, struct budget *budget);
void profile_free(struct profile *p);
bool profile_add(struct profile *p, const struct batch *b, struct err *err) MUST_CHECK;

struct column_profile {
    enum column_type
        type; /* Text columns of a CSV that are safely typed count as their safe type. */
    uint64_t blanks, texts, numbers, booleans, dates, errors;
    uint64_t distinct; /* details only */
    bool distinct_exact;
    double min, max, mean, std,
        median; /* Numbers (and text that is a safe number); NAN when none. std with n-1. */
    const char *min_text,
        *max_text; /* Shown text of least and greatest date, or of text by bytes; may be NULL. */
    const char *samples[PROFILE_VALUES]; /* First distinct shown texts, cut to 80 code points. */
    uint32_t n_samples;
};
/* Valid until the next profile_add() or profile_free(). */
const struct column_profile *profile_column(struct profile *p, uint32_t column);
uint64_t profile_rows(const struct profile *p);
/*
 * {type, blanks, distinct, min, max, mean, median, std, samples (PROFILE_SAMPLES of them)}, and what a small picture needs: histogram (of numbers
 * and dates, PROFILE_BINS counts from min to max) or top (the PROFILE_TOP most frequent of few values, with counts).
 */
struct json *profile_json(struct profile *p, uint32_t column);

#endif
