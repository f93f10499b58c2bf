/*
 * Evaluating search conditions: each one over its whole column, then a mark a row says which rows are chosen.
 */

#include "ops/condition_int.h"

#include "base/utf8.h"

#include <math.h>
#include <string.h>

static inline unsigned lower(char c)
{
    unsigned u = (unsigned char)c;

    return u + ((u - 'A' < 26u) << 5);
}

static bool is_ascii(const char *p, size_t n)
{
    uint64_t any = 0, word;
    size_t i = 0;

    for (; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        any |= word;
    }
    for (; i < n; i++)
        any |= (unsigned char)p[i];
    return (any & UINT64_C(0x8080808080808080)) == 0;
}

/* Does p[0..n) begin with the folded ASCII needle, letter case aside? */
static bool begins_ascii(const char *p, const char *needle, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        if (lower(p[i]) != (unsigned char)needle[i])
            return false;
    }
    return true;
}

static bool contains_ascii(const char *p, size_t n, const char *needle, size_t m)
{
    unsigned first;

    if (m == 0)
        return true;
    first = (unsigned char)needle[0];
    for (size_t i = 0; i + m <= n; i++) {
        if (lower(p[i]) == first && begins_ascii(p + i + 1, needle + 1, m - 1))
            return true;
    }
    return false;
}

enum find { FIND_WHOLE, FIND_ANYWHERE, FIND_START, FIND_END };

static bool find_exact(const char *p, size_t n, const char *needle, size_t m, enum find how)
{
    if (n < m)
        return false;
    switch (how) {
    case FIND_WHOLE:
        return n == m && memcmp(p, needle, m) == 0;
    case FIND_START:
        return memcmp(p, needle, m) == 0;
    case FIND_END:
        return memcmp(p + n - m, needle, m) == 0;
    default:
        return m == 0 || memmem(p, n, needle, m) != NULL;
    }
}

static bool find_folded(const char *p, size_t n, const char *needle, size_t m, enum find how)
{
    if (n < m)
        return false;
    switch (how) {
    case FIND_WHOLE:
        return n == m && begins_ascii(p, needle, m);
    case FIND_START:
        return begins_ascii(p, needle, m);
    case FIND_END:
        return begins_ascii(p + n - m, needle, m);
    default:
        return contains_ascii(p, n, needle, m);
    }
}

/* 1, 0, or -1 when memory ends. */
static int text_matches(
    struct conditions *all, const struct condition *c, const struct cell *cell, enum find how)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);

    if (!c->ignore_case)
        return find_exact(p, n, c->a.text, c->a.len, how);
    if (is_ascii(p, n))
        return find_folded(p, n, c->a.text, c->a.len, how);
    p = utf8_fold(&all->scratch, p, n, &n);
    return p ? find_exact(p, n, c->a.text, c->a.len, how) : -1;
}

static int equals(struct conditions *all, const struct condition *c, const struct cell *cell)
{
    switch (c->a.kind) {
    case OPERAND_NUMBER:
        return condition_is_number(&c->a, cell);
    case OPERAND_BOOL:
        if (cell->type == CELL_BOOL)
            return (cell->number != 0) == (c->a.number != 0);
        return cell->type == CELL_TEXT &&
               find_folded(cell->text, cell->len, c->a.text, c->a.len, FIND_WHOLE);
    default:
        /* Numbers print the same way only when they are the same: no need to print them. */
        if (cell->type == CELL_NUMBER && !c->ignore_case)
            return c->a.has_shown && cell->number == c->a.number &&
                   signbit(cell->number) == signbit(c->a.number);
        return text_matches(all, c, cell, FIND_WHOLE);
    }
}

static int in_list(struct conditions *all, const struct condition *c, const struct cell *cell)
{
    char scratch[CELL_SHOWN_MAX];
    const char *p;
    size_t n;
    double v;

    if (c->n_numbers && cell_to_number(cell, &v)) {
        size_t low = 0, high = c->n_numbers;

        while (low < high) {
            size_t mid = low + (high - low) / 2;

            if (c->numbers[mid] < v)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < c->n_numbers && c->numbers[low] == v && fabs(v) <= 9007199254740992.0)
            return 1;
    }
    p = cell_shown(cell, scratch, &n);
    if (c->ignore_case) {
        p = utf8_fold(&all->scratch, p, n, &n);
        if (!p)
            return -1;
    }
    return hash_map_find(c->texts, p, n) != NULL;
}

/* -1, 0, 1 as the cell is less than, equal to or greater than the operand; 2 when they do not compare. */
static int compare_number(const struct operand *o, const struct cell *cell)
{
    int64_t whole;
    double v;

    if (o->whole && cell->type == CELL_TEXT && cell->len > CONDITION_EXACT_DIGITS &&
        num_parse_int(cell->text, cell->len, &whole))
        return (whole > o->integer) - (whole < o->integer);
    if (!cell_to_number(cell, &v))
        return 2;
    return (v > o->number) - (v < o->number);
}

static int compare_date(const struct condition *c, const struct operand *o, const struct cell *cell)
{
    struct date_reading r;
    int64_t ms;

    if (o->kind == OPERAND_TIME) {
        if (cell->type == CELL_DATE && cell->kind != DATE_DATE && cell->kind != DATE_DATETIME)
            ms = (int64_t)round(cell->number * 86400000.0);
        else if (cell->type != CELL_TEXT || !date_read_time(cell->text, cell->len, &ms))
            return 2;
        return (ms > o->ms) - (ms < o->ms);
    }
    if (!date_read_cell(cell, c->order, false, &r))
        return 2;
    if (o->day) { /* A day stands for all of it. */
        r.date.hour = r.date.minute = r.date.second = r.date.millis = 0;
    }
    ms = date_ms(&r.date);
    return (ms > o->ms) - (ms < o->ms);
}

static int compare(const struct condition *c, const struct operand *o, const struct cell *cell)
{
    return o->kind == OPERAND_NUMBER ? compare_number(o, cell) : compare_date(c, o, cell);
}

static bool ordered(const struct condition *c, const struct cell *cell)
{
    int order = compare(c, &c->a, cell);

    if (order == 2)
        return false;
    switch (c->op) {
    case COND_GREATER_THAN:
    case COND_AFTER:
        return order > 0;
    case COND_GREATER_THAN_OR_EQUAL:
        return order >= 0;
    case COND_LESS_THAN:
    case COND_BEFORE:
        return order < 0;
    case COND_LESS_THAN_OR_EQUAL:
        return order <= 0;
    default: {
        int upper = order < 0 ? 2 : compare(c, &c->b, cell);

        return upper <= 0;
    }
    }
}

enum { GAVE_UP = 2 };

/* A cell that is not blank: 1, 0, GAVE_UP, or -1 with the err. */
static int matches(struct conditions *all, const struct condition *c, const struct cell *cell,
    uint64_t row, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    const char *p;
    enum regex_found found;
    size_t n;
    int yes;

    switch (c->op) {
    case COND_IS_EMPTY:
        return 0;
    case COND_IS_NOT_EMPTY:
        return 1;
    case COND_EQUALS:
    case COND_NOT_EQUALS:
        yes = equals(all, c, cell);
        break;
    case COND_CONTAINS:
    case COND_NOT_CONTAINS:
        yes = text_matches(all, c, cell, FIND_ANYWHERE);
        break;
    case COND_STARTS_WITH:
        yes = text_matches(all, c, cell, FIND_START);
        break;
    case COND_ENDS_WITH:
        yes = text_matches(all, c, cell, FIND_END);
        break;
    case COND_IN:
    case COND_NOT_IN:
        yes = in_list(all, c, cell);
        break;
    case COND_MATCHES:
        p = cell_shown(cell, scratch, &n);
        if (!regex_match(c->regex, p, n, row, c->column_name, &found, err))
            return -1;
        return found == REGEX_GAVE_UP ? GAVE_UP : found == REGEX_YES;
    default:
        return ordered(c, cell);
    }
    if (yes < 0)
        err_nomem(err);
    return yes;
}

static bool is_negative(enum condition_op op)
{
    return op == COND_NOT_EQUALS || op == COND_NOT_CONTAINS || op == COND_NOT_IN;
}

/* The rows of a batch as conditions look at them. */
struct look {
    uint8_t chosen[BATCH_ROWS]; /* 0 or 1. */
    /* 1 + the first condition that could not tell, as its pattern takes too many steps; it counts as not matched and
     * leaves the row to the others. */
    uint16_t unsure[BATCH_ROWS];
    bool any_unsure;
};

/* Look at every row: count those the condition holds on, and let look->chosen know. */
static bool hold(
    struct conditions *all, size_t at, const struct batch *b, struct look *look, struct err *err)
{
    struct condition *c = &all->v[at];
    const struct cell *cells = b->columns[c->column];
    bool negative = is_negative(c->op), blank = negative || c->op == COND_IS_EMPTY;
    uint32_t matched = 0;

    for (uint32_t row = 0; row < b->n_rows; row++) {
        uint8_t *chosen = &look->chosen[row];
        int yes = blank;

        if (cells[row].type != CELL_BLANK) {
            yes = matches(all, c, &cells[row], batch_row(b, row), err);
            if (yes < 0)
                return false;
            if (yes == GAVE_UP) {
                if (!look->unsure[row])
                    look->unsure[row] = (uint16_t)(at + 1);
                look->any_unsure = true;
                continue;
            }
            yes ^= negative;
        }
        matched += (uint32_t)yes;
        *chosen = (uint8_t)(all->all ? *chosen & yes : *chosen | yes);
    }
    c->matched += matched;
    return true;
}

/* It matters on a row that the other conditions do not decide: such a row ends the run. */
static bool settle(
    const struct conditions *all, const struct batch *b, const struct look *look, struct err *err)
{
    for (uint32_t row = 0; row < b->n_rows; row++) {
        const char *column;

        if (!look->unsure[row])
            continue;
        column = all->v[look->unsure[row] - 1].column_name;
        if (look->chosen[row] == all->all)
            return regex_fail_steps(batch_row(b, row), column, err);
        warn_add(all->warnings, "pattern_steps",
            "A pattern needs too many steps on rows that the other conditions decide, and counts "
            "as not matched there",
            "row %llu, column %s", (unsigned long long)batch_row(b, row), column);
    }
    return true;
}

/*
 * Every condition looks at every row, also where another one has already decided: only so is what each of them matched
 * true by itself, and the same in any order.
 */
bool condition_eval(
    struct conditions *c, const struct batch *b, uint32_t *picks, uint32_t *n, struct err *err)
{
    struct look look;

    arena_reset(&c->scratch);
    memset(look.chosen, c->all, b->n_rows);
    memset(look.unsure, 0, b->n_rows * sizeof look.unsure[0]);
    look.any_unsure = false;
    for (size_t i = 0; i < c->n; i++) {
        if (!hold(c, i, b, &look, err))
            return false;
    }
    if (look.any_unsure && !settle(c, b, &look, err))
        return false;
    *n = 0;
    for (uint32_t row = 0; row < b->n_rows; row++) {
        picks[*n] = row;
        *n += look.chosen[row];
    }
    return true;
}

uint64_t condition_matched(const struct conditions *c, size_t i)
{
    return c->v[i].matched;
}
