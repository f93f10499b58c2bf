/* What people ask for that no operation does, and what to tell them. */

#include "chat/grammar.h"

#include <string.h>

#define PHRASES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char by_number[] = "pick rows by chance or by number";
static const char counting[] = "count groups; each step tells how many rows it had";

static const struct {
    const char *reason;
    const char *const *phrases;
    const char *const *moot; /* Said in the same clause, they mean something else; or NULL. */
} impossible[] = {
    { "draw charts", PHRASES("chart", "charts", "graph", "graphs", "plot", "pie", "histogram"),
        NULL },
    { "make pivot tables", PHRASES("pivot"), NULL },
    { "sort rows: they keep the order of the file",
        PHRASES("sort", "sorted", "order by", "descending", "ascending", "alphabetically",
            "alphabetical order", "reverse the order"),
        PHRASES("sort out", "sort of") },
    { "rank rows; a filter keeps those over or under a number",
        PHRASES("highest", "lowest", "best", "worst", "largest", "smallest", "biggest", "top",
            "most recent"),
        PHRASES("best regards", "best wishes", "all the best") },
    { "calculate totals", PHRASES("sum", "total", "totals", "subtotals", "add up"),
        PHRASES("in total") },
    { "calculate averages; blanks can be filled with them",
        PHRASES("average", "averages", "mean of"),
        PHRASES("fill", "missing", "blanks", "blank", "empty") },
    { "group rows", PHRASES("group by", "grouped by", "group the"), NULL },
    { counting, PHRASES("count", "how many"), NULL },
    { "calculate with columns",
        PHRASES("multiply", "multiplied by", "divide", "divided by", "subtract", "times", "minus",
            "percentage of"),
        NULL },
    { "calculate with columns", PHRASES("new column", "add a column", "extra column"),
        PHRASES("from") },
    { "compare columns or files with one another", PHRASES("compare", "comparison"), NULL },
    { "put columns together or take them apart",
        PHRASES("concatenate", "concat", "split", "transpose", "unpivot", "into one column",
            "into a single column", "in one column", "into one field", "into one cell"),
        NULL },
    { "write that kind of file; tables become Excel, CSV or JSON",
        PHRASES("pdf", "docx", "word document", "powerpoint", "xml", "html", "parquet",
            "google sheets"),
        NULL },
    { by_number,
        PHRASES(
            "random", "first row", "last row", "top row", "sample of", "every other row", "limit"),
        NULL },
    { "know anything but your files", PHRASES("weather", "news", "joke"), NULL },
    { "translate texts", PHRASES("translate", "translation"), NULL },
    { "send anything anywhere; results are downloaded",
        PHRASES("send", "email it", "email the result", "email the file", "mail the result",
            "mail the file", "email this", "email that", "email them to", "mail it",
            "upload it to"),
        NULL },
    { "print", PHRASES("print"), NULL },
    { "work out formulas; their stored results are read", PHRASES("formula", "formulas"), NULL },
    { "run macros", PHRASES("macro", "macros"), NULL },
    { "train models", PHRASES("train"), NULL },
    { "predict values", PHRASES("predict", "forecast"), NULL },
};

static const char *const now[] = { "last week", "last month", "last year", "this week",
    "this month", "this year", "today", "yesterday", "days ago", "weeks ago", "months ago",
    "years ago", NULL };

/* "the last 30 days", "past week": from now, which nobody here knows. */
static size_t span_from_now(const struct words *w, size_t at, size_t end)
{
    static const char *const ways[] = { "last", "past", "previous", "next", "coming", NULL };
    static const char *const units[] = { "day", "days", "week", "weeks", "month", "months", "year",
        "years", "hours", NULL };
    size_t n = words_say_any(w, at, end, ways);

    if (n && at + n < end && w->v[at + n].kind == WORD_NUMBER)
        n++;
    else if (n)
        n += words_say_any(w, at + n, end, (const char *const[]){ "few", "two", "three", NULL });
    return n && words_say_any(w, at + n, end, units) ? n + 1 : 0;
}

static size_t find_now(const struct words *w, size_t at, size_t end)
{
    while (at < end && !words_say_any(w, at, end, now) && !span_from_now(w, at, end))
        at++;
    return at;
}

/* "signed up this month", "since yesterday"; but not "I need it today". */
static bool says_now(const struct mind *m, const struct clause *c)
{
    static const char *const befores[] = { "from", "in", "since", "of", "during", "within",
        "before", "after", "until", "the", NULL };
    size_t at = find_now(&m->words, c->from, c->to);
    struct mention mention;

    if (at == c->to)
        return false;
    if (at > c->from && words_say_any(&m->words, at - 1, c->to, befores))
        return true;
    for (size_t i = c->from; i < at; i++) {
        if (chat_mention(&m->words, i, at, &m->table, m->arena, &mention) &&
            chat_column_is_date(&m->table.columns[mention.columns[0]]))
            return true;
    }
    return false;
}

/* "how many are active?" is a filter, whose step tells its rows; "how many per city" is not. */
static bool counts_rows(const struct mind *m, const struct clause *c)
{
    static const char *const each[] = { "per", "by", "each", "every", "for each", NULL };

    return words_find(&m->words, c->from, c->to, each) == c->to && says_conditions(m, c);
}

/* "the first 10 rows", "rows 2 to 5" */
static bool picks_by_number(const struct mind *m, const struct clause *c)
{
    static const char *const firsts[] = { "first", "last", "top", "next", NULL };
    static const char *const rows[] = { "rows", "row", "records", "lines", "entries", NULL };
    const struct words *w = &m->words;

    for (size_t i = c->from; i + 1 < c->to; i++) {
        if (words_say_any(w, i, c->to, firsts) && w->v[i + 1].kind == WORD_NUMBER &&
            i + 2 < c->to &&
            (words_say_any(w, i + 2, c->to, rows) || chat_is_noun(&m->table, w->v[i + 2].key)))
            return true;
        if (words_say_any(w, i, c->to, rows) && w->v[i + 1].kind == WORD_NUMBER)
            return true;
    }
    return false;
}

const char *impossible_reason(const struct mind *m, const struct clause *c)
{
    const struct words *w = &m->words;
    struct mention mention;

    for (size_t i = c->from; i < c->to; i++) {
        for (size_t k = 0; k < ARRAY_LEN(impossible); k++) {
            const char *const *moot = impossible[k].moot;
            size_t n = words_say_any(w, i, c->to, impossible[k].phrases);

            if (n > 0 && impossible[k].reason == counting && counts_rows(m, c))
                continue;
            if (n > 0 && !(moot && says_any(m, c, moot)) &&
                !(chat_mention(w, i, c->to, &m->table, m->arena, &mention) && mention.n_words >= n))
                return impossible[k].reason;
        }
    }
    if (picks_by_number(m, c))
        return by_number;
    return says_now(m, c) ? "tell what day it is; name the days, like after 2024-03-01" : NULL;
}

bool read_cannot(struct mind *m, const struct clause *c)
{
    return cannot(m, impossible_reason(m, c));
}
