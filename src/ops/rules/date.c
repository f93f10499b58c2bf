/*
 * Date rules: dates in one format, and parts of dates. Text is read as date_read.h says; where
 * 01/02/2024 could be read two ways, all of the column is looked at first.
 */

#include "ops/date_read.h"
#include "ops/rules/rule.h"

#include <stdio.h>
#include <string.h>

struct date_params {
    struct rule_params common;
    const char *format;
    const char *input_format;
    int order; /* enum date_order */
};

struct date_state {
    struct date_votes votes;
    enum date_order order;
};

static const char *const order_choices[] = { "auto", "mdy", "dmy", "ymd", NULL };
static const char *const order_aliases[] = { "month_first", "mdy", "day_first", "dmy", "year_first",
    "ymd", NULL };
static const char *const format_aliases[] = { "output_format", "target_format", NULL };
static const char *const input_aliases[] = { "source_format", NULL };

/* clang-format off */
#define READ_PARAMS                                                                                \
    { ARG(struct date_params, input_format, STR), .min = 1, .max = 100, .aliases = input_aliases,  \
        .help = "How the dates are written now, such as %d.%m.%Y; found out by default." },        \
    { ARG_NAMED(struct date_params, order, "date_order", CHOICE), .fallback = "\"auto\"",          \
        .choices = order_choices, .choice_aliases = order_aliases,                                 \
        .help = "How to read 01/02/2024: month first (mdy) or day first (dmy); the column decides by default." }, \
    RULE_ON_ERROR(struct date_params)

static const struct arg date_params[] = {
    { ARG(struct date_params, format, STR), .fallback = "\"%Y-%m-%d\"", .min = 1, .max = 100,
        .aliases = format_aliases, .help = "How to write the dates, such as %Y-%m-%d or %d %B %Y." },
    READ_PARAMS,
    { 0 },
};

static const struct arg datetime_params[] = {
    { ARG(struct date_params, format, STR), .fallback = "\"%Y-%m-%d %H:%M:%S\"", .min = 1, .max = 100,
        .aliases = format_aliases, .help = "How to write the dates and times, such as %Y-%m-%d %H:%M." },
    READ_PARAMS,
    { 0 },
};

static const struct arg part_params[] = { READ_PARAMS, { 0 } };
/* clang-format on */

static bool check_date(void *params, const char *path, struct arena *arena, struct err *err)
{
    const struct date_params *p = params;
    char where[128];

    (void)arena;
    snprintf(where, sizeof where, "%s.format", path);
    if (p->format && !date_check_format(p->format, where, err))
        return false;
    snprintf(where, sizeof where, "%s.input_format", path);
    return !p->input_format || date_check_format(p->input_format, where, err);
}

static bool open_date(struct rule_run *r, struct err *err)
{
    const struct date_params *p = r->params;
    struct date_state *s = r->state;

    (void)err;
    s->order = p->order == ORDER_AUTO ? ORDER_MDY : (enum date_order)p->order;
    return true;
}

/* Only a column whose order nobody has told needs to be asked. */
static bool wants_date_scan(const void *params)
{
    const struct date_params *p = params;

    return p->order == ORDER_AUTO && !p->input_format;
}

static bool scan_date(struct rule_run *r, const struct cell *cell, struct err *err)
{
    struct date_state *s = r->state;
    struct date_reading reading;

    (void)err;
    if (cell->type == CELL_TEXT && date_read_cell(cell, ORDER_AUTO, false, &reading))
        date_votes_add(&s->votes, &reading);
    return true;
}

static bool scan_date_end(struct rule_run *r, struct err *err)
{
    struct date_state *s = r->state;
    uint64_t guessed = date_votes_guessed(&s->votes);
    char place[160];

    (void)err;
    s->order = date_votes_order(&s->votes);
    if (guessed) {
        snprintf(place, sizeof place, "column %s", r->column);
        warn_addn(r->warnings, "ambiguous_dates",
            "Dates such as 01/02/2024 were read month first, as nothing in the column tells which "
            "is "
            "meant; date_order says it",
            guessed, place);
    }
    return true;
}

/*
 * With an input format the cell's shown text is read by it. What does not fit is still a date where it is written as one
 * beyond doubt, 2024-01-31, so that typed and untyped columns give the same.
 */
static bool read_as(const struct cell *cell, const char *format, struct date *out)
{
    char scratch[CELL_SHOWN_MAX];
    struct date_reading reading;
    const char *p;
    double serial;
    size_t n;

    if (cell->type == CELL_BOOL || cell->type == CELL_ERROR)
        return false;
    p = cell_shown(cell, scratch, &n);
    if (date_scan(p, n, format, out))
        return true;
    if (cell->type != CELL_DATE && !date_parse_iso_date(p, n, &serial) &&
        !date_parse_iso_datetime(p, n, &serial))
        return false;
    if (!date_read_cell(cell, ORDER_AUTO, false, &reading))
        return false;
    *out = reading.date;
    return true;
}

static bool read_cell(const struct rule_run *r, const struct cell *cell, struct date *out)
{
    const struct date_params *p = r->params;
    const struct date_state *s = r->state;
    struct date_reading reading;

    if (p->input_format)
        return read_as(cell, p->input_format, out);
    if (!date_read_cell(cell, s->order, p->order != ORDER_AUTO, &reading))
        return false;
    *out = reading.date;
    return true;
}

static enum rule_outcome apply_format(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct date_params *p = r->params;
    char text[DATE_FORMATTED_MAX], *copy;
    struct date d;
    size_t n;

    if (!read_cell(r, cell, &d))
        return RULE_UNCONVERTED;
    n = date_print(&d, p->format, text);
    if (cell->type == CELL_TEXT && n == cell->len && memcmp(text, cell->text, n) == 0)
        return RULE_DONE;
    copy = arena_dup(r->text, text, n);
    if (!copy)
        return rule_nomem(err);
    *cell = cell_text(copy, n);
    return RULE_DONE;
}

static enum rule_outcome apply_year(struct rule_run *r, struct cell *cell, struct err *err)
{
    struct date d;

    (void)err;
    if (!read_cell(r, cell, &d))
        return RULE_UNCONVERTED;
    *cell = cell_number(d.year);
    return RULE_DONE;
}

static enum rule_outcome apply_month(struct rule_run *r, struct cell *cell, struct err *err)
{
    struct date d;

    (void)err;
    if (!read_cell(r, cell, &d))
        return RULE_UNCONVERTED;
    *cell = cell_number(d.month);
    return RULE_DONE;
}

static enum rule_outcome apply_day(struct rule_run *r, struct cell *cell, struct err *err)
{
    struct date d;

    (void)err;
    if (!read_cell(r, cell, &d))
        return RULE_UNCONVERTED;
    *cell = cell_number(d.day);
    return RULE_DONE;
}

#define DATE_RULE(rule_name, list, fn, text)                   \
    const struct rule rule_##rule_name = { .name = #rule_name, \
        .description = text,                                   \
        .params = list,                                        \
        .params_size = sizeof(struct date_params),             \
        .state_size = sizeof(struct date_state),               \
        .check = check_date,                                   \
        .open = open_date,                                     \
        .wants_scan = wants_date_scan,                         \
        .scan = scan_date,                                     \
        .scan_end = scan_date_end,                             \
        .apply = fn }

DATE_RULE(date_format, date_params, apply_format, "Dates written in one format");
DATE_RULE(datetime_format, datetime_params, apply_format, "Dates with times written in one format");
DATE_RULE(date_extract_year, part_params, apply_year, "Dates replaced by their year");
DATE_RULE(date_extract_month, part_params, apply_month, "Dates replaced by their month, 1 to 12");
DATE_RULE(date_extract_day, part_params, apply_day, "Dates replaced by their day of the month");
