/*
 * A sentence cut into wishes, and what each of them is about.
 *
 * A comma or "and" ends a clause only where a new wish begins: "name, city and email" stays together,
 * "keep the active ones, uppercase their names and give me SQL" is three. Phrases that name an operation come from the
 * operations' declarations; those here are about the shape of a sentence.
 */

#include "base/utf8.h"
#include "chat/grammar.h"
#include "ops/op.h"
#include "ops/rules/rule.h"

#include <string.h>

static const char *const fillers[] = { "then", "also", "please", "finally", "first", "next", "now",
    "afterwards", "after that", "lastly", "second", "secondly", "third", "to", "i", "i want",
    "i want to", "i need", "we", "you", "would like", "would like to", "i'd like", "i'd like to",
    "can you", "could you", "and", "plus", "just", "let's", "me", "so", "additionally",
    "as well as", "start by", "begin by", NULL };

/* Verbs that begin a wish, besides what the declarations say. */
static const char *const verbs[] = { "filter", "keep", "find", "show", "list", "search", "get",
    "give", "take", "extract", "select", "pull", "remove", "drop", "delete", "exclude", "discard",
    "dedupe", "deduplicate", "uppercase", "lowercase", "capitalize", "capitalise", "trim", "strip",
    "round", "fill", "replace", "normalize", "normalise", "clean", "format", "convert", "turn",
    "make", "change", "scale", "standardize", "standardise", "export", "save", "create", "generate",
    "output", "write", "insert", "rename", "renamed", "map", "call", "name it", "join", "merge",
    "bind", "look", "lookup", "add", "combine", "match", "sort", "order by", "order the", "draw",
    "plot", "sum", "count", "calculate", "pivot", "group", "send", "only", "without duplicates",
    "no duplicates", "columns", "sql", "mysql", "postgres", "postgresql", "sqlite", "json", "use",
    "put", "load", "limit", "where", "unique", "distinct", "download", "return", "fetch", "split",
    "shorten", "leave", "omit", "forget", "undo", "set", "title", "upper", "lower", "merge",
    "append", "move", "place", NULL };

static const char *const formats[] = { "as json", "as jsonl", "as json lines", "as ndjson",
    "as excel", "as an excel file", "as xlsx", "as a workbook", "as an excel workbook", "as csv",
    "as a csv", "as a csv file", "as a json file", "as sql", "into sql", "as sql inserts",
    "as insert statements", NULL };

/* With one of these before it, "as json" belongs to them. */
static const char *const makers[] = { "convert", "export", "save", "turn", "output", "write",
    "generate", "create", "make", "download", "transform", "change", "give", "get me", "format",
    NULL };

/* A column's name is no filler: "first and last name", a column "now". */
static size_t skip_fillers(const struct mind *m, size_t at, size_t end)
{
    struct mention mention;
    size_t n;

    while (at < end && (n = words_say_any(&m->words, at, end, fillers)) != 0) {
        if (chat_mention(&m->words, at, end, &m->table, m->arena, &mention) &&
            mention.strength == MENTION_EXACT && mention.n_words >= n)
            break;
        at += n;
    }
    return at;
}

static bool says_rule(const struct mind *m, size_t at, size_t end)
{
    for (const struct rule *const *r = rule_table; *r; r++) {
        size_t n = words_say_any(&m->words, at, end, rule_says(*r));

        if (n > 0 && !is_column_name(m, at, n))
            return true;
    }
    return false;
}

static bool says_operation(const struct words *w, size_t at, size_t end)
{
    for (const struct op *const *op = op_table; *op; op++) {
        if ((*op)->says && words_say_any(w, at, end, (*op)->says))
            return true;
    }
    return false;
}

/* "names in upper case", "name to lowercase": the column comes first. */
static bool column_then_rule(const struct mind *m, size_t at, size_t end)
{
    static const char *const links[] = { "in", "to", "into", "as", "should be", "must be", NULL };
    struct mention mention;

    if (!chat_mention(&m->words, at, end, &m->table, m->arena, &mention))
        return false;
    at += mention.n_words;
    at += words_say_any(&m->words, at, end, links);
    return at < end && says_rule(m, at, end);
}

bool begins_wish(const struct mind *m, size_t at, size_t end)
{
    const struct words *w = &m->words;

    at = skip_fillers(m, at, end);
    return at < end &&
           (words_say_any(w, at, end, verbs) || words_say_any(w, at, end, formats) ||
               says_operation(w, at, end) || says_rule(m, at, end) || column_then_rule(m, at, end));
}

static bool is_stop(const struct word *w, const char *chars)
{
    return w->kind == WORD_STOP && strchr(chars, w->key[0]);
}

/* A dash between two thoughts, not between two numbers or days. */
static bool is_dash(const struct words *w, size_t i)
{
    static const char *const dashes[] = { "-", "–", "—", "*", "•", NULL };
    struct when when;

    return words_say_any(w, i, w->n, dashes) &&
           !(i + 1 < w->n && (w->v[i + 1].kind == WORD_NUMBER || chat_when(w, i + 1, w->n, &when)));
}

/* "trim" in "trim and lowercase the names": the columns come with the second one. */
static bool is_bare_rule(const struct words *w, size_t from, size_t to)
{
    for (const struct rule *const *r = rule_table; *r; r++) {
        if (words_say_any(w, from, to, rule_says(*r)) == to - from)
            return true;
    }
    return false;
}

/* "first name" in "first name and surname in proper case": nothing but columns, and the rule comes with the last. */
static bool is_first_of_columns(const struct mind *m, size_t from, size_t to, size_t behind)
{
    struct mention mention;

    if (!column_then_rule(m, behind, m->words.n))
        return false;
    from = skip_fillers(m, from, to);
    if (from == to)
        return false;
    while (from < to && (chat_mention(&m->words, from, to, &m->table, m->arena, &mention) ||
                            is_stop(&m->words.v[from], ",")))
        from += m->words.v[from].kind == WORD_STOP ? 1 : mention.n_words;
    return from == to;
}

/* Past fillers, and past the number of a list: "1) keep ...". */
static size_t clause_start(const struct mind *m, size_t from, size_t to)
{
    from = skip_fillers(m, from, to);
    if (from + 1 < to && m->words.v[from].kind == WORD_NUMBER && begins_wish(m, from + 1, to))
        from = skip_fillers(m, from + 1, to);
    return from;
}

/* "only London 2. drop ...": does the clause end with the number of the next one? */
static bool is_numbered(const struct mind *m, size_t from, size_t to, size_t n_before)
{
    const struct words *w = &m->words;

    return w->v[0].kind == WORD_NUMBER && w->v[0].number == 1 && to > from && to < w->n &&
           w->v[to].kind == WORD_STOP && w->v[to].key[0] == '.' &&
           w->v[to - 1].kind == WORD_NUMBER && begins_wish(m, to + 1, w->n) &&
           (w->v[to - 1].number == (double)n_before + 1 ||
               w->v[to - 1].number == (double)n_before + 2);
}

/* A file of the conversation other than the one at hand. */
static bool names_other_file(const struct mind *m, const struct clause *c)
{
    for (size_t i = c->from; i < c->to; i++) {
        for (size_t k = 1; k < m->n_files; k++) {
            if (strcmp(m->words.v[i].key, m->files[k].file) == 0 ||
                chat_is_noun(&m->files[k], m->words.v[i].key))
                return true;
        }
    }
    return false;
}

/* ", with the city from customers.csv": a file to join. */
static bool brings_file(const struct mind *m, size_t at)
{
    static const char *const withs[] = { "with", "including", "plus", "along with", "together with",
        NULL };
    struct clause rest = { at, at };

    while (rest.to < m->words.n && m->words.v[rest.to].kind != WORD_STOP)
        rest.to++;
    return words_say_any(&m->words, at, rest.to, withs) && names_other_file(m, &rest);
}

/* ", region and capacity only": columns, and nothing else but that. */
static bool lists_columns(const struct mind *m, size_t at)
{
    static const char *const around[] = { "the", "and", "&", "their", "its", ",", NULL };
    struct mention mention;
    size_t n = 0, skip;

    while (at < m->words.n) {
        if (words_say(&m->words, at, m->words.n, "only"))
            return n > 0;
        if (chat_mention(&m->words, at, m->words.n, &m->table, m->arena, &mention)) {
            at += mention.n_words;
            n++;
        } else if ((skip = words_say_any(&m->words, at, m->words.n, around)) != 0) {
            at += skip;
        } else {
            return false;
        }
    }
    return false;
}

/* "Dear team, ...": what stands before the comma is no wish. Returns where the rest begins. */
static size_t past_greeting(const struct words *w)
{
    static const char *const greetings[] = { "dear", "hi", "hello", "hey", "hiya", "good morning",
        "good afternoon", "good evening", NULL };
    enum { GREETED = 4 }; /* "all of you" */
    size_t at = words_say_any(w, 0, w->n, greetings), most = at + GREETED;

    for (size_t i = at; at && i < w->n && i <= most; i++) {
        if (is_stop(&w->v[i], ",;.!\n"))
            return i + 1;
    }
    return 0;
}

size_t divide(const struct mind *m, struct clause out[CLAUSES_MAX])
{
    static const char *const thens[] = { "then", "and then", "after that", "finally", "afterwards",
        NULL };
    static const char *const ands[] = { "and", "&", "plus", "as well as", "but", NULL };
    const struct words *w = &m->words;
    size_t n = 0, from = past_greeting(w);

    for (size_t i = from; i <= w->n && n < CLAUSES_MAX; i++) {
        size_t skip = 1, to;
        bool cut = i == w->n;

        if (!cut && is_stop(&w->v[i], ";.!?\n")) {
            cut = true;
        } else if (!cut && is_dash(w, i)) {
            cut = true;
        } else if (!cut && is_stop(&w->v[i], ",")) {
            cut = begins_wish(m, i + 1, w->n) || brings_file(m, i + 1) || lists_columns(m, i + 1);
        } else if (!cut && i > from && words_say_any(w, i, w->n, thens)) {
            cut = true;
            skip = words_say_any(w, i, w->n, thens);
        } else if (!cut && (skip = words_say_any(w, i, w->n, ands)) != 0) {
            cut = begins_wish(m, i + skip, w->n) && !is_bare_rule(w, from, i) &&
                  !is_first_of_columns(m, from, i, i + skip);
        } else if (!cut && i > from && words_say_any(w, i, w->n, formats)) {
            cut = words_find(w, from, i, makers) == i;
            skip = 0;
        }
        if (!cut)
            continue;
        from = clause_start(m, from, i);
        to = is_numbered(m, from, i, n) ? i - 1 : i;
        if (to > from)
            out[n++] = (struct clause){ from, to };
        from = i + skip;
        if (skip > 1)
            i += skip - 1;
    }
    return n;
}

/* ---- what a clause is about ---- */

static bool says_op(const struct mind *m, const struct clause *c, const char *name)
{
    const struct op *op = op_find(name);

    return op && op->says && says_any(m, c, op->says);
}

static bool begins_op(const struct mind *m, const struct clause *c, const char *name)
{
    const struct op *op = op_find(name);

    return op && op->says && words_say_any(&m->words, c->from, c->to, op->says);
}

static bool says_a_rule(const struct mind *m, const struct clause *c)
{
    for (size_t i = c->from; i < c->to; i++) {
        if (says_rule(m, i, c->to))
            return true;
    }
    return false;
}

static bool wants_join(const struct mind *m, const struct clause *c)
{
    static const char *const bringing[] = { "add", "append", "bring", "get", "take", "from", "with",
        NULL };

    return says_op(m, c, "excel/bind-single-key") || says_op(m, c, "excel/bind-multi-key") ||
           (names_other_file(m, c) && says_any(m, c, bringing));
}

static bool wants_rename(const struct mind *m, const struct clause *c)
{
    static const char *const column[] = { "column", "field", NULL };
    static const char *const call[] = { "call", NULL };
    static const char *const map[] = { "map", "rename", "renamed", NULL };
    static const char *const header[] = { "header", "headers", "heading", "headings", "column name",
        "column names", "column title", NULL };
    static const char *const change[] = { "change", "set", "make", "edit", "update", NULL };

    return says_op(m, c, "excel/map-columns") || says_any(m, c, map) || says_called(m, c) ||
           (says_any(m, c, call) && says_any(m, c, column)) ||
           (says_any(m, c, change) && says_any(m, c, header));
}

bool says_conditions(const struct mind *m, const struct clause *c)
{
    struct understanding out = { 0 };
    struct mind trial = *m; /* Asks and refusals of the trial are forgotten. */
    struct json *found;
    bool logic_or, any;

    trial.out = &out;
    found = read_conditions(&trial, c, &logic_or);
    any = json_len(found) > 0 || out.missing || out.what == UNDERSTOOD_CANNOT;
    json_free(found);
    return any;
}

static bool has_columns(const struct mind *m, const struct clause *c)
{
    struct mind trial = *m;
    const char *names[NAMES_MAX];

    return named_columns(&trial, c->from, c->to, names, NAMES_MAX) > 0;
}

/* "names and prices into a csv": columns are named, then a format. */
static bool columns_before(const struct mind *m, const struct clause *c, const char *const *kinds)
{
    struct clause before = { c->from, words_find(&m->words, c->from, c->to, kinds) };

    return before.to < c->to && has_columns(m, &before);
}

enum { UNKNOWN_MAX = 2 };

/* A column, no verb, and words that mean nothing here: "Betrag in Zahlen umwandeln". */
static bool is_doubtful(const struct mind *m, const struct clause *c)
{
    struct mention mention;
    size_t n = 0, skip;

    if (says_any(m, c, verbs))
        return false;
    for (size_t at = c->from; at < c->to; at += skip) {
        const struct word *w = &m->words.v[at];
        bool column = chat_mention(&m->words, at, c->to, &m->table, m->arena, &mention);

        skip = column ? mention.n_words : words_say_any(&m->words, at, c->to, fillers);
        if (skip == 0) {
            n += w->kind == WORD_PLAIN && strlen(w->key) > 1 && !chat_is_common(w->key) &&
                 !chat_is_noun(&m->table, w->key);
            skip = 1;
        }
    }
    return n >= UNKNOWN_MAX;
}

static bool wants_columns(const struct mind *m, const struct clause *c)
{
    static const char *const words[] = { "column", "columns", "field", "fields",
        "everything except", "everything but", "all but", "all except", NULL };

    return (says_any(m, c, words) || moves_columns(m, c)) && has_columns(m, c);
}

/* A workbook or CSV, and nothing else. */
static enum want wants_format(
    const struct mind *m, const struct clause *c, const char *const *csv, const char *const *excel)
{
    bool to_csv = says_any(m, c, csv), to_excel = says_any(m, c, excel);

    if (to_csv && to_excel) /* "a csv that excel opens", "this csv into excel" */
        to_csv = words_find(&m->words, c->from, c->to, csv) >
                     words_find(&m->words, c->from, c->to, excel) ||
                 strcmp(m->table.format, "csv") != 0 || says_op(m, c, "excel/convert-to-csv");
    if (to_csv)
        return WANT_CSV;
    return to_excel ? WANT_EXCEL : WANT_NOTHING;
}

enum want classify(const struct mind *m, const struct clause *c)
{
    static const char *const sql[] = { "sql", "mysql", "postgres", "postgresql", "sqlite",
        "inserts", "insert into", "insert statements", NULL };
    static const char *const json[] = { "json", "jsonl", "ndjson", NULL };
    static const char *const excel[] = { "excel", "xlsx", "workbook", "spreadsheet", "xls", NULL };
    static const char *const csv[] = { "csv", "tsv", NULL };
    static const char *const extracting[] = { "extract", "select", "pull out", "only", "columns",
        NULL };
    static const char *const naming[] = { "under the name", "by the name", NULL };
    static const char *const of_rows[] = { "rows", "records", "entries", NULL };
    bool rows;

    if (impossible_reason(m, c))
        return WANT_CANNOT;
    if (says_any(m, c, sql) || says_op(m, c, "sql/generate"))
        return WANT_SQL;
    if (wants_join(m, c))
        return WANT_JOIN;
    if (wants_rename(m, c))
        return WANT_RENAME;
    if (says_any(m, c, naming) && !says_any(m, c, csv) && !says_any(m, c, excel) &&
        !says_any(m, c, json))
        return WANT_NOTHING;
    if (says_rule(m, c->from, c->to)) /* "fill empty emails" is about no rows. */
        return WANT_RULES;
    if (says_removal(m, c))
        return WANT_RULES;
    rows = says_conditions(m, c);
    if (!rows && (says_a_rule(m, c) || says_date_shape(m, c->from, c->to)))
        return WANT_RULES;
    if (!rows && has_columns(m, c) && begins_op(m, c, "normalization/apply"))
        return WANT_RULES; /* "fix the phone numbers" */
    if (says_any(m, c, json))
        return WANT_JSON;
    if (wants_columns(m, c) && !rows)
        return WANT_COLUMNS;
    if (!rows && says_distinct(m, c))
        return has_columns(m, c) ? WANT_COLUMNS : WANT_DISTINCT;
    if (!rows && !(has_columns(m, c) && says_any(m, c, extracting)) && !columns_before(m, c, csv) &&
        !columns_before(m, c, excel)) {
        enum want format = wants_format(m, c, csv, excel);

        if (format != WANT_NOTHING)
            return format;
    }
    if (rows)
        return WANT_ROWS;
    if (has_columns(m, c))
        return is_doubtful(m, c) ? WANT_NOTHING : WANT_COLUMNS;
    if (says_op(m, c, "excel/search") || says_any(m, c, of_rows))
        return WANT_ROWS;
    if (says_op(m, c, "excel/extract-columns-to-file") || says_any(m, c, extracting))
        return WANT_COLUMNS;
    if (says_op(m, c, "normalization/apply"))
        return WANT_RULES;
    return WANT_NOTHING;
}

/* ---- slips ---- */

enum { SLIP_MIN = 6, SLIP_LONG = 8, NAME_WORDS = 5 };

/* The single word of the list that is nearest to `key`; NULL when none is near, or it is one of them. */
static const char *nearest_in(const char *key, const char *const *phrases, unsigned *best)
{
    const char *found = NULL;
    size_t len = strlen(key);

    for (; *phrases; phrases++) {
        size_t n = strlen(*phrases);
        unsigned d = *best;

        if (n < len + *best && len < n + *best && !strchr(*phrases, ' '))
            d = utf8_distance(key, *phrases, *best);

        if (d < *best) {
            *best = d;
            found = *phrases;
        }
    }
    return found;
}

static const char *intended(const char *key)
{
    unsigned best = strlen(key) >= SLIP_LONG ? 3 : 2;
    const char *found = nearest_in(key, verbs, &best), *near;

    for (const struct rule *const *r = rule_table; *r; r++) {
        near = nearest_in(key, rule_says(*r), &best);
        found = near ? near : found;
    }
    return best == 0 ? NULL : found;
}

/* "hasnt", "dont", "dups": what people leave out of words. NULL: it is none. */
static const char *in_full(const char *key)
{
    static const char *const shorts[][2] = { { "isnt", "isn't" }, { "arent", "aren't" },
        { "wasnt", "wasn't" }, { "werent", "weren't" }, { "hasnt", "hasn't" },
        { "havent", "haven't" }, { "dont", "don't" }, { "doesnt", "doesn't" },
        { "didnt", "didn't" }, { "lets", "let's" }, { "dups", "duplicates" },
        { "dupes", "duplicates" }, { "dup", "duplicate" }, { "dupe", "duplicate" }, { "&&", "and" },
        { "||", "or" } };

    for (size_t i = 0; i < ARRAY_LEN(shorts); i++) {
        if (strcmp(key, shorts[i][0]) == 0)
            return shorts[i][1];
    }
    return NULL;
}

/* "greater then 500": does the word before compare? */
static bool is_than(const struct words *w, size_t i)
{
    static const char *const mores[] = { "more", "less", "greater", "fewer", "higher", "lower",
        "larger", "smaller", "bigger", "older", "younger", "newer", "later", "earlier", "cheaper",
        "expensive", "warmer", "colder", "rather", "other", NULL };

    return i > 0 && words_say(w, i, w->n, "then") && words_say_any(w, i - 1, w->n, mores);
}

/* Is the word one of a phrase of a rule? Then it is written as it should be. */
static bool is_in_phrase(const char *key)
{
    size_t n = strlen(key);

    for (const struct rule *const *r = rule_table; *r; r++) {
        for (const char *const *says = rule_says(*r); *says; says++) {
            const char *p = strstr(*says, key);

            if (p && (p == *says || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
                return true;
        }
    }
    return false;
}

/* "rename Art.-Nr. to sku": a point that belongs to the name before it, with which a column is called. */
static bool is_of_name(const struct mind *m, size_t i)
{
    const struct words *w = &m->words;

    if (!is_stop(&w->v[i], "."))
        return false;
    for (size_t k = 0; k < m->table.n_columns; k++) {
        const char *name = m->table.columns[k].name;
        size_t n = strlen(name);

        if (n < 2 || name[n - 1] != '.')
            continue;
        for (size_t from = i; from > 0 && i - from < NAME_WORDS; from--) {
            const char *said = words_text(w, from - 1, i, m->arena);

            if (strlen(said) == n - 1 && strncasecmp(said, name, n - 1) == 0)
                return true;
        }
    }
    return false;
}

static void join_points(struct mind *m)
{
    for (size_t i = 1; i < m->words.n; i++) {
        struct word *at = &m->words.v[i];
        const char *raw, *key;

        if (!is_of_name(m, i))
            continue;
        raw = arena_printf(m->arena, "%s.", at[-1].raw);
        key = arena_printf(m->arena, "%s.", at[-1].key);
        if (!raw || !key)
            return; /* Then it is read as the end of a sentence. */
        at[-1].raw = raw;
        at[-1].key = key;
        memmove(at, at + 1, (m->words.n - i - 1) * sizeof *at);
        m->words.n--;
        chat_forget(&m->words);
    }
}

void correct_words(struct mind *m)
{
    join_points(m);
    for (size_t i = 0; i < m->words.n; i++) {
        struct word *w = &m->words.v[i];
        struct known_value value;
        struct mention mention;
        const char *meant = w->kind == WORD_PLAIN ? in_full(w->key) : NULL;

        if (meant || is_than(&m->words, i)) {
            w->key = meant ? meant : "than";
            chat_forget(&m->words);
        }
        if (w->kind != WORD_PLAIN || strlen(w->key) < SLIP_MIN || chat_is_common(w->key) ||
            is_in_phrase(w->key) || begins_wish(m, i, m->words.n) ||
            chat_mention(&m->words, i, m->words.n, &m->table, m->arena, &mention) ||
            chat_value(&m->words, i, m->words.n, &m->table, SIZE_MAX, m->arena, &value))
            continue;
        meant = intended(w->key);
        if (meant) {
            w->key = meant;
            chat_forget(&m->words);
        }
    }
}
