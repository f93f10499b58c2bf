/* The words of a clause as items: columns, comparisons, values, small words. */

#include "chat/rows.h"

#include <ctype.h>
#include <string.h>

enum { PART_LETTERS = 4 };

static const struct {
    const char *phrase, *op, *about;
} compares[] = {
    { "is greater than or equal to", "greater_than_or_equal", NULL },
    { "greater than or equal to", "greater_than_or_equal", NULL },
    { "more than or equal to", "greater_than_or_equal", NULL },
    { "less than or equal to", "less_than_or_equal", NULL },
    { "is less than or equal to", "less_than_or_equal", NULL },
    { "at least", "greater_than_or_equal", NULL },
    { "on or after", "greater_than_or_equal", NULL },
    { "no earlier than", "greater_than_or_equal", NULL },
    { "not earlier than", "greater_than_or_equal", NULL },
    { "not before", "greater_than_or_equal", NULL },
    { "not under", "greater_than_or_equal", NULL },
    { "not below", "greater_than_or_equal", NULL },
    { "no less than", "greater_than_or_equal", NULL },
    { "not less than", "greater_than_or_equal", NULL },
    { "a minimum of", "greater_than_or_equal", NULL },
    { ">=", "greater_than_or_equal", NULL },
    { "≥", "greater_than_or_equal", NULL },
    { "at most", "less_than_or_equal", NULL },
    { "on or before", "less_than_or_equal", NULL },
    { "no later than", "less_than_or_equal", NULL },
    { "not later than", "less_than_or_equal", NULL },
    { "not after", "less_than_or_equal", NULL },
    { "not over", "less_than_or_equal", NULL },
    { "not above", "less_than_or_equal", NULL },
    { "no more than", "less_than_or_equal", NULL },
    { "not more than", "less_than_or_equal", NULL },
    { "up to", "less_than_or_equal", NULL },
    { "a maximum of", "less_than_or_equal", NULL },
    { "<=", "less_than_or_equal", NULL },
    { "≤", "less_than_or_equal", NULL },
    { "greater than", "greater_than", NULL },
    { "more than", "greater_than", NULL },
    { "larger than", "greater_than", NULL },
    { "bigger than", "greater_than", NULL },
    { "higher than", "greater_than", NULL },
    { "exceeds", "greater_than", NULL },
    { "exceeding", "greater_than", NULL },
    { "over", "greater_than", NULL },
    { "above", "greater_than", NULL },
    { ">", "greater_than", NULL },
    { "more expensive than", "greater_than", "price" },
    { "costing more than", "greater_than", "price" },
    { "less than", "less_than", NULL },
    { "fewer than", "less_than", NULL },
    { "smaller than", "less_than", NULL },
    { "lower than", "less_than", NULL },
    { "under", "less_than", NULL },
    { "below", "less_than", NULL },
    { "<", "less_than", NULL },
    { "cheaper than", "less_than", "price" },
    { "costing less than", "less_than", "price" },
    { "between", "between", NULL },
    { "from", "between", NULL },
    { "before", "before", NULL },
    { "earlier than", "before", NULL },
    { "prior to", "before", NULL },
    { "older than", "before", "age" },
    { "younger than", "after", "age" },
    { "in or after", "greater_than_or_equal", NULL },
    { "on or later than", "greater_than_or_equal", NULL },
    { "in or before", "less_than_or_equal", NULL },
    { "warmer than", "greater_than", "temperature" },
    { "hotter than", "greater_than", "temperature" },
    { "colder than", "less_than", "temperature" },
    { "cooler than", "less_than", "temperature" },
    { "heavier than", "greater_than", "weight" },
    { "lighter than", "less_than", "weight" },
    { "taller than", "greater_than", "height" },
    { "longer than", "greater_than", "length" },
    { "shorter than", "less_than", "length" },
    { "ahead of", "before", NULL },
    { "after", "after", NULL },
    { "later than", "after", NULL },
    { "newer than", "after", NULL },
    { "since", "greater_than_or_equal", NULL },
    { "starting from", "greater_than_or_equal", NULL },
    { "until", "less_than_or_equal", NULL },
    { "till", "less_than_or_equal", NULL },
    { "up until", "less_than_or_equal", NULL },
    { "during", "during", NULL },
    { "does not contain", "not_contains", NULL },
    { "doesn't contain", "not_contains", NULL },
    { "do not contain", "not_contains", NULL },
    { "not containing", "not_contains", NULL },
    { "contains", "contains", NULL },
    { "contain", "contains", NULL },
    { "like", "like", NULL },
    { "is like", "like", NULL },
    { "containing", "contains", NULL },
    { "includes", "contains", NULL },
    { "including", "contains", NULL },
    { "has the word", "contains", NULL },
    { "mention", "contains", NULL },
    { "mentions", "contains", NULL },
    { "mentioning", "contains", NULL },
    { "starts with", "starts_with", NULL },
    { "start with", "starts_with", NULL },
    { "starting with", "starts_with", NULL },
    { "begins with", "starts_with", NULL },
    { "beginning with", "starts_with", NULL },
    { "begin with", "starts_with", NULL },
    { "ends with", "ends_with", NULL },
    { "end with", "ends_with", NULL },
    { "ending with", "ends_with", NULL },
    { "ending in", "ends_with", NULL },
    { "ends in", "ends_with", NULL },
    { "matches", "matches", NULL },
    { "is one of", "in", NULL },
    { "are one of", "in", NULL },
    { "one of", "in", NULL },
    { "is any of", "in", NULL },
    { "any of", "in", NULL },
    { "is none of", "not_in", NULL },
    { "none of", "not_in", NULL },
    { "not one of", "not_in", NULL },
    { "equals", "equals", NULL },
    { "exactly", "equals", NULL },
    { "precisely", "equals", NULL },
    { "equal to", "equals", NULL },
    { "is equal to", "equals", NULL },
    { "not equal to", "not_equals", NULL },
    { "is not equal to", "not_equals", NULL },
    { "does not equal", "not_equals", NULL },
    { "other than", "not_equals", NULL },
    { "is different from", "not_equals", NULL },
    { "different from", "not_equals", NULL },
    { "!=", "not_equals", NULL },
    { "<>", "not_equals", NULL },
    { "≠", "not_equals", NULL },
};

/* Behind the value. */
static const struct {
    const char *phrase, *op;
} behinds[] = {
    { "or more", "greater_than_or_equal" },
    { "or over", "greater_than_or_equal" },
    { "or above", "greater_than_or_equal" },
    { "or higher", "greater_than_or_equal" },
    { "or greater", "greater_than_or_equal" },
    { "or later", "greater_than_or_equal" },
    { "or newer", "greater_than_or_equal" },
    { "and above", "greater_than_or_equal" },
    { "and over", "greater_than_or_equal" },
    { "and up", "greater_than_or_equal" },
    { "and later", "greater_than_or_equal" },
    { "onwards", "greater_than_or_equal" },
    { "upwards", "greater_than_or_equal" },
    { "or less", "less_than_or_equal" },
    { "or fewer", "less_than_or_equal" },
    { "or below", "less_than_or_equal" },
    { "or under", "less_than_or_equal" },
    { "or lower", "less_than_or_equal" },
    { "or earlier", "less_than_or_equal" },
    { "or older", "less_than_or_equal" },
    { "and below", "less_than_or_equal" },
    { "and under", "less_than_or_equal" },
    { "and earlier", "less_than_or_equal" },
};

static const struct {
    const char *phrase, *op;
} states[] = {
    { "is empty", "is_empty" },
    { "are empty", "is_empty" },
    { "is blank", "is_empty" },
    { "are blank", "is_empty" },
    { "is missing", "is_empty" },
    { "are missing", "is_empty" },
    { "is null", "is_empty" },
    { "has no value", "is_empty" },
    { "is not given", "is_empty" },
    { "is not empty", "is_not_empty" },
    { "isn't empty", "is_not_empty" },
    { "is not blank", "is_not_empty" },
    { "isn't blank", "is_not_empty" },
    { "are not empty", "is_not_empty" },
    { "is not missing", "is_not_empty" },
    { "is present", "is_not_empty" },
    { "is filled", "is_not_empty" },
    { "is filled in", "is_not_empty" },
    { "is not null", "is_not_empty" },
    { "has a value", "is_not_empty" },
    { "exists", "is_not_empty" },
    { "is given", "is_not_empty" },
    { "empty", "is_empty" },
    { "blank", "is_empty" },
};

static const char *const lacks[] = { "without", "with no", "with empty", "with a missing",
    "with missing", "has no", "have no", "having no", "no", "missing", "lacking", "lack", "lacks",
    "that have no", "don't have", "doesn't have", "do not have", "does not have", "hasn't",
    "haven't", "hasn't got", "haven't got", "has not got", "have not got", "hasn't any",
    "haven't any", "an empty", "with an empty", "with blank", "with a blank", NULL };
static const char *const haves[] = { "that have", "who have", "which have", "that has", "who has",
    "which has", "with", "having", "have", "has", NULL };
static const char *const ises[] = { "is", "are", "was", "were", "=", "==", "being", "equal", ":",
    NULL };
static const char *const nots[] = { "not", "isn't", "aren't", "wasn't", "weren't", "never", "non",
    "don't", "doesn't", "do not", "does not", "didn't", "did not", "don't want", "doesn't want",
    "do not want", "does not want", "didn't want", "is not", "are not", "was not", "have not been",
    "has not been", "haven't been", "hasn't been", "not been", "not yet", "neither", "nor", NULL };
static const char *const theres[] = { "are there", "is there", "there are", "there is", NULL };
static const char *const excepts[] = { "except", "except for", "apart from", "aside from",
    "but not", "excluding", "besides", "all but", "everything but", "everyone but", "everybody but",
    "anyone but", "anything but", NULL };
static const char *const ands[] = { "and", "&", "but", NULL };
static const char *const ors[] = { "or", NULL };
static const char *const yeses[] = { "true", "yes", NULL };
static const char *const noes[] = { "false", NULL };
static const char *const articles[] = { "a", "an", "the", "any", "some", "their", "its", "his",
    "her", NULL };

/* ---- items ---- */

static bool compare_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(compares); i++) {
        size_t n = words_say(w, at, end, compares[i].phrase);

        if (n > best) {
            best = n;
            it->op = compares[i].op;
            it->about = compares[i].about;
        }
    }
    it->to = at + best;
    return best > 0;
}

static bool state_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        size_t n = words_say(w, at, end, states[i].phrase);

        if (n > best) {
            best = n;
            it->op = states[i].op;
        }
    }
    it->to = at + best;
    return best > 0;
}

static bool behind_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    double number;

    for (size_t i = 0; i < ARRAY_LEN(behinds); i++) {
        size_t n = words_say(w, at, end, behinds[i].phrase);

        it->op = behinds[i].op;
        it->to = at + n;
        if (n > 0 && !(at + n < end && words_number(&w->v[at + n], &number))) /* "and below 9" */
            return true;
    }
    return false;
}

static bool small_at(const struct words *w, size_t at, size_t end, struct item *it)
{
    static const struct {
        const char *const *phrases;
        enum item_kind kind;
    } small[] = { { lacks, ITEM_LACK }, { nots, ITEM_NOT }, { haves, ITEM_HAVE }, { ises, ITEM_IS },
        { ands, ITEM_AND }, { ors, ITEM_OR }, { excepts, ITEM_EXCEPT }, { theres, ITEM_WORD },
        { yeses, ITEM_YES }, { noes, ITEM_NO } };
    size_t best = 0;

    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        size_t n = words_say_any(w, at, end, small[i].phrases);

        if (n > best) {
            best = n;
            it->kind = small[i].kind;
        }
    }
    it->to = at + best;
    return best > 0;
}

/* "unpaid", where a column Paid says yes or no. */
static bool lack_at(struct rows *r, size_t at, struct item *it)
{
    const char *key = r->m->words.v[at].key;
    const struct chat_table *t = &r->m->table;
    struct json *no;

    if (strncmp(key, "un", 2) != 0)
        return false;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i].key, key + 2) != 0 ||
            !(no = chat_column_flag(&t->columns[i], false)))
            continue;
        json_free(no);
        it->column = (struct mention){ MENTION_EXACT, 1, { i }, 1 };
        it->kind = ITEM_COLUMN;
        it->lacks = true;
        return true;
    }
    return false;
}

/*
 * "invoices for Acme", where a customer is called Acme Ltd: the only column that has the word in its values. It must
 * be said as a name is, or any word would do.
 */
static const struct chat_column *column_with_word(struct rows *r, size_t at)
{
    static const char *const befores[] = { "for", "from", "at", "by", "of", "about", "find", "only",
        "exclude", "excluding", "except", "not", "without", "to", NULL };
    const struct words *w = &r->m->words;
    const struct chat_table *t = &r->m->table;
    const struct chat_column *found = NULL;

    if (at == 0 || w->v[at].kind != WORD_PLAIN || strlen(w->v[at].key) < PART_LETTERS ||
        chat_is_common(w->v[at].key) || chat_is_noun(t, w->v[at].key) ||
        !(words_say_any(w, at - 1, w->n, befores) || isupper((unsigned char)w->v[at].raw[0])) ||
        begins_wish(r->m, at, at + 1))
        return NULL;
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct chat_column *c = &t->columns[i];
        bool has = false;

        for (size_t k = 0; k < c->n_values && !has; k++)
            has = chat_has_word(c->value_keys[k], w->v[at].key);
        if (has && found)
            return NULL;
        found = has ? c : found;
    }
    return found;
}

/* "an excel file named amazon": a name for the result is no value, whatever the file has. */
static bool names_result(const struct words *w, size_t at)
{
    static const char *const nameds[] = { "file named", "file called", "it called", "it named",
        "workbook named", "workbook called", "spreadsheet named", "spreadsheet called", "csv named",
        "csv called", "json named", "json called", "result named", "result called", "excel named",
        "excel called", "call it", "name it", "save it as", "save as", NULL };
    enum { LONGEST = 3 };

    for (size_t n = 2; n <= LONGEST && n <= at; n++) {
        if (words_say_any(w, at - n, at, nameds) == n)
            return true;
    }
    return false;
}

static struct item item_at(struct rows *r, size_t at, size_t end)
{
    const struct words *w = &r->m->words;
    const struct chat_table *t = &r->m->table;
    const struct word *word = &w->v[at];
    struct item it = { .kind = ITEM_WORD, .from = at, .to = at + 1 };
    struct item other = it;

    if (word->kind == WORD_STOP || word->kind == WORD_QUOTED) {
        bool column = chat_mention(w, at, end, t, r->m->arena, &it.column);

        it.kind = word->kind == WORD_STOP ? ITEM_COMMA : column ? ITEM_COLUMN : ITEM_QUOTED;
        return it;
    }
    if (lack_at(r, at, &it) || names_result(w, at))
        return it;
    if (behind_at(w, at, end, &it)) {
        it.kind = ITEM_BEHIND;
        return it;
    }
    if (state_at(w, at, end, &it)) {
        it.kind = ITEM_STATE;
        return it;
    }
    small_at(w, at, end, &other);
    if (compare_at(w, at, end, &it) && it.to >= other.to) {
        it.kind = ITEM_COMPARE;
        return it;
    }
    it.to = at + 1;
    if (chat_mention(w, at, end, t, r->m->arena, &it.column) &&
        it.column.strength == MENTION_EXACT) {
        it.kind = ITEM_COLUMN;
        it.to = at + it.column.n_words;
        return it;
    }
    if (small_at(w, at, end, &it))
        return it;
    it.to = at + 1;
    if (chat_when(w, at, end, &it.when)) {
        it.kind = ITEM_WHEN;
        it.to = at + it.when.n_words;
        return it;
    }
    if (chat_value(w, at, end, t, SIZE_MAX, r->m->arena, &it.value)) {
        it.kind = ITEM_VALUE;
        it.to = at + it.value.n_words;
        return it;
    }
    if (word->kind == WORD_NUMBER) {
        it.kind = ITEM_NUMBER;
        it.number = word->number;
        return it;
    }
    if (it.column.n_columns > 0) {
        it.kind = ITEM_COLUMN;
        it.to = at + it.column.n_words;
    } else {
        it.part_of = column_with_word(r, at);
    }
    return it;
}

void rows_collect(struct rows *r, const struct clause *c)
{
    for (size_t at = c->from; at < c->to && r->n < ITEMS_MAX; at = r->items[r->n - 1].to)
        r->items[r->n++] = item_at(r, at, c->to);
}

const struct item *rows_item(const struct rows *r, size_t i)
{
    static const struct item none = { .kind = ITEM_COMMA };

    return i < r->n ? &r->items[i] : &none;
}

bool rows_say(const struct rows *r, size_t i, const char *const *phrases)
{
    return i < r->n && words_say_any(&r->m->words, r->items[i].from, r->m->words.n, phrases) > 0;
}

bool rows_is_article(const struct rows *r, const struct item *it)
{
    return it->kind == ITEM_WORD && words_say_any(&r->m->words, it->from, it->to, articles);
}

bool rows_is_foreign(const struct rows *r, const struct item *it)
{
    const struct word *w = &r->m->words.v[it->from];

    return it->kind == ITEM_WORD && w->kind == WORD_PLAIN && !chat_is_common(w->key) &&
           !begins_wish(r->m, it->from, it->to);
}

size_t rows_skip_articles(const struct rows *r, size_t i)
{
    while (rows_is_article(r, rows_item(r, i)))
        i++;
    return i;
}

const struct chat_column *rows_column(const struct rows *r, const struct item *it)
{
    return &r->m->table.columns[it->column.columns[0]];
}
