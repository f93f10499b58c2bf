/*
 * Column profiles: one tally a column, and the profile made of it when asked for.
 */

#include "table/profile.h"

#include "base/utf8.h"
#include "table/profile_int.h"
#include "table/typing.h"

#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    SHOWN_CODES = 80, /* Code points of a text that are kept. */
    SHOWN_BYTES = SHOWN_CODES * 4
};
#define WHOLE_LIMIT 9007199254740992.0 /* 2^53: whole numbers past it are known only roughly. */

/* A text cut to SHOWN_CODES, in memory of the profile that is used again for the next. */
struct kept_text {
    char *p; /* SHOWN_BYTES + 1; NULL: none yet. */
    size_t n;
};

struct tally {
    uint64_t counts[CELL_ERROR + 1]; /* By enum cell_type. */
    uint8_t kinds;                   /* Bits of the enum date_kind seen. */
    bool fraction;                   /* A number that is not whole. */
    /* With details. */
    struct distinct distinct;
    struct reservoir numbers, dates;
    struct tops *tops;
    uint64_t n_numbers;
    long double mean, m2; /* Welford's: m2 is the sum of squares about the mean. */
    double min, max;
    struct kept_text least, greatest;
    struct cell first_date, last_date; /* Blank: none yet. */
    char first_text[CELL_SHOWN_MAX], last_text[CELL_SHOWN_MAX];
    struct column_profile out;
};

struct profile {
    uint32_t n_columns;
    bool details;
    uint64_t rows;
    struct arena arena;
    struct typing *typing; /* What columns of texts are, safely typed. */
    struct tally *tallies;
};

struct profile *profile_new(uint32_t n_columns, bool details, struct budget *budget)
{
    struct profile *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    arena_init(&p->arena, budget);
    p->details = details;
    p->typing = typing_new(n_columns);
    p->tallies = arena_calloc(&p->arena, n_columns, sizeof *p->tallies);
    if (!p->typing || !p->tallies) {
        profile_free(p);
        return NULL;
    }
    p->n_columns = n_columns;
    for (uint32_t i = 0; i < n_columns; i++) {
        p->tallies[i].distinct.budget = budget;
        p->tallies[i].numbers.budget = budget;
        p->tallies[i].dates.budget = budget;
    }
    return p;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n_columns; i++) {
        distinct_deinit(&p->tallies[i].distinct);
        reservoir_deinit(&p->tallies[i].numbers);
        reservoir_deinit(&p->tallies[i].dates);
    }
    typing_free(p->typing);
    arena_deinit(&p->arena);
    free(p);
}

uint64_t profile_rows(const struct profile *p)
{
    return p->rows;
}

static bool is_whole(double v)
{
    return fabs(v) <= WHOLE_LIMIT && v == (double)(int64_t)v;
}

static void count_column(struct tally *t, const struct cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct cell *c = &cells[i];

        t->counts[c->type]++;
        if (c->type == CELL_NUMBER)
            t->fraction |= !is_whole(c->number);
        else if (c->type == CELL_DATE)
            t->kinds |= (uint8_t)(1 << c->kind);
    }
}

/* Bytes of the first SHOWN_CODES code points. */
static size_t shown_length(const char *p, size_t n)
{
    size_t i = 0;

    if (n <= SHOWN_CODES)
        return n;
    for (int codes = 0; i < n && codes < SHOWN_CODES; codes++) {
        uint32_t code;
        size_t step = utf8_decode(p + i, n - i, &code);

        i += step ? step : 1;
    }
    return i;
}

static bool keep_text(struct arena *arena, struct kept_text *kept, const char *p, size_t n)
{
    if (!kept->p)
        kept->p = arena_alloc(arena, SHOWN_BYTES + 1);
    if (!kept->p)
        return false;
    kept->n = shown_length(p, n);
    memcpy(kept->p, p, kept->n);
    kept->p[kept->n] = '\0';
    return true;
}

/* By bytes, as far as the kept text goes. */
static int compare_text(const char *p, size_t n, const struct kept_text *kept)
{
    size_t common = n < kept->n ? n : kept->n;
    int order = memcmp(p, kept->p, common);

    if (order != 0)
        return order;
    return n < kept->n ? -1 : n > kept->n && kept->n < SHOWN_CODES;
}

static bool add_text_range(struct arena *arena, struct tally *t, const char *p, size_t n)
{
    if (!t->least.p || compare_text(p, n, &t->least) < 0) {
        if (!keep_text(arena, &t->least, p, n))
            return false;
    }
    if (!t->greatest.p || compare_text(p, n, &t->greatest) > 0)
        return keep_text(arena, &t->greatest, p, n);
    return true;
}

static void add_number(struct tally *t, double v)
{
    long double delta = v - t->mean;

    if (t->n_numbers == 0 || v < t->min)
        t->min = v;
    if (t->n_numbers == 0 || v > t->max)
        t->max = v;
    t->n_numbers++;
    t->mean += delta / (long double)t->n_numbers;
    t->m2 += delta * (v - t->mean);
    reservoir_add(&t->numbers, v);
}

static void add_date(struct tally *t, const struct cell *c)
{
    if (cell_is_blank(t->first_date) || c->number < t->first_date.number)
        t->first_date = *c;
    if (cell_is_blank(t->last_date) || c->number > t->last_date.number)
        t->last_date = *c;
    reservoir_add(&t->dates, c->number);
}

static uint64_t hash_cell(const struct cell *c)
{
    if (cell_has_text(*c))
        return XXH3_64bits_withSeed(c->text, c->len, c->type);
    return XXH3_64bits_withSeed(&c->number, sizeof c->number, c->type + 8U * c->kind);
}

static bool add_sample(struct arena *arena, struct tally *t, const struct cell *c)
{
    struct column_profile *out = &t->out;
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *shown = cell_shown(c, scratch, &n);
    char *kept;

    n = shown_length(shown, n);
    for (uint32_t i = 0; i < out->n_samples; i++) { /* The number 1 and the text 1 look alike. */
        if (strlen(out->samples[i]) == n && memcmp(out->samples[i], shown, n) == 0)
            return true;
    }
    kept = arena_dup(arena, shown, n);
    if (!kept)
        return false;
    out->samples[out->n_samples++] = kept;
    return true;
}

/* Texts and booleans only: numbers and dates have a histogram. */
static bool add_top(struct arena *arena, struct tally *t, const struct cell *c, uint64_t hash)
{
    char scratch[CELL_SHOWN_MAX];
    const char *shown;
    struct top *top;
    size_t n;

    if (!t->tops)
        t->tops = arena_calloc(arena, 1, sizeof *t->tops);
    if (!t->tops)
        return false;
    if (t->tops->many)
        return true;
    top = tops_find(t->tops, hash);
    if (!top && (top = tops_new(t->tops, hash))) {
        shown = cell_shown(c, scratch, &n);
        top->text = arena_dup(arena, shown, shown_length(shown, n));
        if (!top->text)
            return false;
    }
    if (top)
        top->count++;
    return true;
}

static bool add_cell(struct arena *arena, struct tally *t, const struct cell *c)
{
    uint64_t hash = hash_cell(c);
    double v;

    if (distinct_add(&t->distinct, hash) && t->out.n_samples < PROFILE_VALUES &&
        !add_sample(arena, t, c))
        return false;
    if ((c->type == CELL_TEXT || c->type == CELL_BOOL) && !add_top(arena, t, c, hash))
        return false;
    switch ((enum cell_type)c->type) {
    case CELL_TEXT:
        if (num_parse_safe(c->text, c->len, &v))
            add_number(t, v);
        return add_text_range(arena, t, c->text, c->len);
    case CELL_NUMBER:
        add_number(t, c->number);
        return true;
    case CELL_DATE:
        add_date(t, c);
        return true;
    case CELL_BOOL:
    case CELL_ERROR:
    case CELL_BLANK:
        break;
    }
    return true;
}

bool profile_add(struct profile *p, const struct batch *b, struct err *err)
{
    uint32_t n = b->n_columns < p->n_columns ? b->n_columns : p->n_columns;

    typing_scan(p->typing, b);
    for (uint32_t c = 0; c < n; c++) {
        struct tally *t = &p->tallies[c];
        const struct cell *cells = b->columns[c];

        count_column(t, cells, b->n_rows);
        for (uint32_t i = 0; p->details && i < b->n_rows; i++) {
            if (cells[i].type != CELL_BLANK && !add_cell(&p->arena, t, &cells[i]))
                return err_set(err, ERR_BUDGET,
                    "the profile of %u columns does not fit into the memory limit", p->n_columns);
        }
    }
    p->rows += b->n_rows;
    return true;
}

static enum column_type date_type(uint8_t kinds)
{
    enum { TIMES = 1 << DATE_TIME | 1 << DATE_DURATION };

    if (kinds & 1 << DATE_DATETIME)
        return COLUMN_DATETIME;
    if (kinds == 1 << DATE_DATE)
        return COLUMN_DATE;
    return kinds & 1 << DATE_DATE ? COLUMN_MIXED : COLUMN_TIME;
}

static enum column_type type_of(const struct profile *p, uint32_t column)
{
    const struct tally *t = &p->tallies[column];
    enum column_type typed;
    unsigned kinds = 0;

    for (int i = CELL_TEXT; i <= CELL_ERROR; i++)
        kinds += t->counts[i] > 0;
    if (kinds == 0)
        return COLUMN_EMPTY;
    if (kinds > 1)
        return COLUMN_MIXED;
    if (t->counts[CELL_NUMBER] > 0)
        return t->fraction ? COLUMN_NUMBER : COLUMN_INTEGER;
    if (t->counts[CELL_BOOL] > 0)
        return COLUMN_BOOLEAN;
    if (t->counts[CELL_DATE] > 0)
        return date_type(t->kinds);
    if (t->counts[CELL_ERROR] > 0)
        return COLUMN_TEXT;
    typed = typing_column(p->typing, column);
    return typing_whole(p->typing, column) ? COLUMN_INTEGER : typed;
}

static bool is_number_type(enum column_type type)
{
    return type == COLUMN_INTEGER || type == COLUMN_NUMBER;
}

/* The shown text of a date, printed into `text`; NULL when there is none. */
static const char *date_text(const struct cell *date, char *text)
{
    size_t n;

    if (cell_is_blank(*date))
        return NULL;
    return cell_shown(date, text, &n); /* NUL-terminated, as all that is printed. */
}

static void fill_details(struct tally *t)
{
    struct column_profile *out = &t->out;
    uint64_t n = t->n_numbers;

    out->distinct = distinct_count(&t->distinct);
    out->distinct_exact = distinct_exact(&t->distinct);
    out->min_text = out->max_text = NULL;
    if (n > 0) {
        out->min = t->min;
        out->max = t->max;
        out->mean = (double)t->mean;
        out->median = reservoir_median(&t->numbers);
    }
    if (n > 1)
        out->std = sqrt((double)(t->m2 / (long double)(n - 1)));
    if (is_number_type(out->type))
        return;
    if (t->least.p) {
        out->min_text = t->least.p;
        out->max_text = t->greatest.p;
    } else {
        out->min_text = date_text(&t->first_date, t->first_text);
        out->max_text = date_text(&t->last_date, t->last_text);
    }
}

const struct column_profile *profile_column(struct profile *p, uint32_t column)
{
    struct tally *t = &p->tallies[column];
    struct column_profile *out = &t->out;

    out->type = type_of(p, column);
    out->blanks = t->counts[CELL_BLANK];
    out->texts = t->counts[CELL_TEXT];
    out->numbers = t->counts[CELL_NUMBER];
    out->booleans = t->counts[CELL_BOOL];
    out->dates = t->counts[CELL_DATE];
    out->errors = t->counts[CELL_ERROR];
    out->min = out->max = out->mean = out->std = out->median = (double)NAN;
    if (p->details)
        fill_details(t);
    return out;
}

/* Whole numbers as JSON integers. */
static bool set_number(struct json *object, const char *key, double v)
{
    if (is_whole(v))
        return json_set_int(object, key, (int64_t)v);
    return json_set_real(object, key, v);
}

static bool set_range(struct json *object, const struct column_profile *c)
{
    if (is_number_type(c->type))
        return set_number(object, "min", c->min) && set_number(object, "max", c->max) &&
               set_number(object, "mean", c->mean) && set_number(object, "median", c->median) &&
               (isnan(c->std) || set_number(object, "std", c->std));
    if (!c->min_text)
        return true;
    return json_set_string(object, "min", c->min_text) &&
           json_set_string(object, "max", c->max_text);
}

static bool set_samples(struct json *object, const struct column_profile *c)
{
    struct json *samples = json_new_array();
    bool ok = samples != NULL;

    for (uint32_t i = 0; ok && i < c->n_samples && i < PROFILE_SAMPLES; i++)
        ok = json_add(samples, json_new_string(c->samples[i]));
    if (ok)
        return json_set(object, "samples", samples);
    json_free(samples);
    return false;
}

static bool set_histogram(struct json *object, struct tally *t, enum column_type type)
{
    uint64_t bins[PROFILE_BINS] = { 0 };
    struct json *counts;
    bool ok = true;

    if (is_number_type(type))
        reservoir_bins(&t->numbers, t->min, t->max, bins, PROFILE_BINS);
    else if (!cell_is_blank(t->first_date) && t->counts[CELL_DATE] > 0)
        reservoir_bins(&t->dates, t->first_date.number, t->last_date.number, bins, PROFILE_BINS);
    else
        return true;
    counts = json_new_array();
    for (uint32_t i = 0; ok && i < PROFILE_BINS; i++)
        ok = json_add(counts, json_new_int((int64_t)bins[i]));
    return json_set(object, "histogram", counts) && ok;
}

static bool set_top(struct json *object, struct tally *t, enum column_type type)
{
    struct json *list;
    bool ok = true;

    if (!t->tops || t->tops->many || is_number_type(type))
        return true;
    tops_sort(t->tops);
    list = json_new_array();
    for (uint32_t i = 0; ok && i < t->tops->len && i < PROFILE_TOP; i++) {
        struct json *top = json_new_object();

        ok = json_set_string(top, "value", t->tops->list[i].text) &&
             json_set_int(top, "count", (int64_t)t->tops->list[i].count);
        ok = json_add(list, top) && ok;
    }
    return json_set(object, "top", list) && ok;
}

struct json *profile_json(struct profile *p, uint32_t column)
{
    const struct column_profile *c = profile_column(p, column);
    struct json *object = json_new_object();
    bool ok = object && json_set_string(object, "type", column_type_name(c->type)) &&
              json_set_int(object, "blanks", (int64_t)c->blanks);

    if (ok && p->details)
        ok = json_set_int(object, "distinct", (int64_t)c->distinct) &&
             json_set_bool(object, "distinct_exact", c->distinct_exact) && set_range(object, c) &&
             set_samples(object, c) && set_histogram(object, &p->tallies[column], c->type) &&
             set_top(object, &p->tallies[column], c->type);
    if (ok)
        return object;
    json_free(object);
    return NULL;
}
