/*
 * Changes to the steps so far: a column more or less, a step less, one thing instead of another, other names.
 */

#include "chat/grammar.h"

#include "ops/rules/rule.h"

#include <string.h>

static const char extract_op[] = "excel/extract-columns-to-file";

/* ---- a column less, a column more ---- */

/* Do the words hold nothing but columns and such words as stand around them? */
static bool only_columns(const struct mind *m, const struct chat_table *t, const struct clause *c)
{
    static const char *const around[] = { "add", "include", "with", "put", "bring", "keep", "need",
        "want", "i", "we", "show", "the", "a", "an", "too", "as well", "also", "please", "column",
        "columns", "field", "fields", "back", "in", "and", "&", "plus", "me", "give", "as a",
        "as well as", NULL };
    const struct words *w = &m->words;
    struct mention mention;
    size_t n = 0;

    for (size_t at = c->from; at < c->to;) {
        if (chat_mention(w, at, c->to, t, m->arena, &mention)) {
            at += mention.n_words;
            n++;
            continue;
        }
        if (w->v[at].kind == WORD_STOP)
            at++;
        else if (words_say_any(w, at, c->to, around))
            at += words_say_any(w, at, c->to, around);
        else
            return false;
    }
    return n > 0;
}

/* "not the email": a column less, in the last step that lists columns. */
static bool take_out(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const nots[] = { "not", "without", "but not", "except", "no", "drop",
        "leave out", "remove", "skip", "delete", "take out", "forget", NULL };
    static const char *const outs[] = { "out", "off", "away", NULL };
    static const char *const takes[] = { "take", "leave", "throw", NULL };
    const char *names[NAMES_MAX];
    struct json *arguments = last_arguments(m, extract_op), *left;
    const struct json *columns = json_get(arguments, "columns");
    size_t n = words_say_any(&m->words, c->from, c->to, nots);
    struct clause rest = { c->from + n, c->to };
    size_t out_at = words_find(&m->words, c->from, c->to, outs);

    if (n == 0 && out_at < c->to) { /* "take the city out again" */
        n = words_say_any(&m->words, c->from, c->to, takes);
        rest = (struct clause){ c->from + n, out_at };
    }
    if (json_len(columns) == 0 || n == 0 || !only_columns(m, &m->table, &rest))
        return true;
    n = named_columns(m, c->from, c->to, names, NAMES_MAX);
    left = json_new_array();
    for (size_t i = 0; i < json_len(columns); i++) {
        bool out = false;

        for (size_t k = 0; k < n; k++)
            out = out || strcmp(json_str(json_at(columns, i)), names[k]) == 0;
        if (!out)
            json_add(left, json_ref(json_at(columns, i)));
    }
    *done = json_len(left) > 0 && json_len(left) < json_len(columns);
    if (*done)
        json_set(arguments, "columns", json_ref(left));
    *done = *done && keep_columns(m, left);
    json_free(left);
    return true;
}

/* "add the credit too": a column more, of those that there were before the step. */
static bool put_in(struct mind *m, const struct clause *c, bool *done)
{
    struct mind wide = *m;
    const char *names[NAMES_MAX];
    struct json *arguments = last_arguments(m, extract_op), *columns;
    size_t n, before = json_len(json_get(arguments, "columns"));
    bool ok = true;

    wide.table = m->wide;
    if (before == 0 || !only_columns(m, &m->wide, c))
        return true;
    n = named_columns(&wide, c->from, c->to, names, NAMES_MAX);
    columns = json_clone(json_get(arguments, "columns"));
    for (size_t i = 0; i < n; i++) {
        if (!chat_table_column(&m->table, names[i]))
            json_add(columns, json_new_string(names[i]));
    }
    if (json_len(columns) > before) {
        m->table = m->wide;
        ok = keep_columns(m, columns);
        json_set(arguments, "columns", json_ref(columns));
        *done = true;
    }
    json_free(columns);
    return ok;
}

/* ---- a step less ---- */

/* The rule that all of the words say; NULL: none. */
static const char *whole_rule(const struct mind *m, size_t from, size_t to)
{
    for (const struct rule *const *r = rule_table; *r; r++) {
        if (words_say_any(&m->words, from, to, rule_says(*r)) == to - from)
            return (*r)->name;
    }
    return NULL;
}

static const struct {
    const char *word, *operation; /* As operations begin. */
} kinds[] = { { "sql", "sql/" }, { "inserts", "sql/" }, { "json", "json/" },
    { "filter", "csv/search" }, { "filter", "excel/search" }, { "filtering", "csv/search" },
    { "filtering", "excel/search" }, { "search", "csv/search" }, { "search", "excel/search" },
    { "renaming", "excel/map" }, { "rename", "excel/map" }, { "join", "excel/bind" },
    { "lookup", "excel/bind" }, { "excel", "csv/convert" }, { "csv", "excel/convert" },
    { "conversion", "csv/convert" }, { "conversion", "excel/convert" },
    { "normalization", "normalization/" }, { "cleaning", "normalization/" } };

/* The last step that the words at `at` mean, as its number; SIZE_MAX: none. */
static size_t meant_step(const struct mind *m, size_t at, size_t end)
{
    static const char *const last[] = { "last step", "last one", "that", "it", "that step", NULL };
    static const char *const steps[] = { "step", "number", "step number", NULL };
    const char *phrase;
    size_t n = words_say_any(&m->words, at, end, steps);
    double number;

    if (words_say_any(&m->words, at, end, last))
        return json_len(m->steps) - 1;
    if (n && at + n < end && words_number(&m->words.v[at + n], &number))
        return number >= 1 && number <= (double)json_len(m->steps) ? (size_t)number - 1 : SIZE_MAX;
    for (size_t i = json_len(m->steps); i > 0; i--) {
        const char *operation = json_get_string(json_at(m->steps, i - 1), "operation");

        for (size_t k = 0; operation && k < ARRAY_LEN(kinds); k++) {
            phrase = kinds[k].operation;
            if (words_say(&m->words, at, end, kinds[k].word) &&
                strncmp(operation, phrase, strlen(phrase)) == 0)
                return i - 1;
        }
    }
    return SIZE_MAX;
}

/* The steps without those; follows what is left. */
static bool keep_steps(struct mind *m, struct json *left, bool *done)
{
    json_free(m->steps);
    m->steps = left;
    *done = true;
    return follow_steps(m);
}

/* The steps without a rule, wherever it is applied; NULL: it is in none, or nothing would be left. */
static struct json *steps_without_rule(const struct mind *m, const char *rule)
{
    struct json *left = json_new_array();
    bool found = false;

    for (size_t i = 0; i < json_len(m->steps); i++) {
        struct json *step = json_clone(json_at(m->steps, i)), *kept = json_new_array(), *arguments;
        const struct json *list;

        arguments = (struct json *)(uintptr_t)json_get(step, "arguments");
        list = json_get(arguments, "normalizations");
        for (size_t k = 0; k < json_len(list); k++) {
            const char *type = json_get_string(json_at(list, k), "normalization_type");

            if (type && strcmp(type, rule) == 0)
                found = true;
            else
                json_add(kept, json_ref(json_at(list, k)));
        }
        if (json_len(list) == 0 || json_len(kept) > 0)
            json_add(left, json_ref(step));
        if (json_len(kept) > 0)
            json_set(arguments, "normalizations", json_ref(kept));
        json_free(kept);
        json_free(step);
    }
    if (found && json_len(left) > 0)
        return left;
    json_free(left);
    return NULL;
}

static bool drop_step(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const drops[] = { "skip", "drop", "without", "no", "remove", "forget",
        "leave out", "undo", "not", "i don't need", "i don't want", "don't need", "delete", "don't",
        "cancel", NULL };
    static const char *const ends[] = { "step", "part", "please", "file", "after all", "anymore",
        NULL };
    const struct words *w = &m->words;
    size_t at = c->from + words_say_any(w, c->from, c->to, drops), step, end = c->to;
    struct json *left;

    if (at == c->from || json_len(m->steps) < 2)
        return true;
    at += words_say(w, at, c->to, "the") + words_say(w, at, c->to, "any");
    while (end > at + 1 && words_say_any(w, end - 1, c->to, ends))
        end--;
    left = whole_rule(m, at, end) ? steps_without_rule(m, whole_rule(m, at, end)) : NULL;
    if (left)
        return keep_steps(m, left, done);
    step = end <= at + 3 ? meant_step(m, at, c->to) : SIZE_MAX;
    if (step == SIZE_MAX)
        return true;
    left = json_new_array();
    for (size_t i = 0; i < json_len(m->steps); i++) {
        if (i != step)
            json_add(left, json_ref(json_at(m->steps, i)));
    }
    return keep_steps(m, left, done);
}

/* "keep the duplicates" */
static bool keep_duplicates(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const keeps[] = { "keep", "with", "keep the", "with the", "allow", "leave",
        "don't remove", "don't remove the", "don't drop", "don't drop the", "leave the",
        "keep all the", NULL };
    struct json *arguments = last_arguments(m, extract_op);
    size_t n = words_say_any(&m->words, c->from, c->to, keeps);

    *done = n > 0 && words_say(&m->words, c->from + n, c->to, "duplicates") &&
            json_get_bool(arguments, "remove_duplicates", false);
    if (*done)
        json_remove(arguments, "remove_duplicates");
    return true;
}

/* ---- one thing instead of another ---- */

/* What a side of "A instead of B" may stand for. */
struct side {
    const char *text, *column, *value, *rule, *word, *day;
    double number;
    bool is_number;
};

static const char *wire_word(const char *key)
{
    static const char *const words[][2] = { { "excel", "xlsx" }, { "spreadsheet", "xlsx" },
        { "workbook", "xlsx" }, { "postgres", "postgresql" }, { "mariadb", "mysql" } };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i][0], key) == 0)
            return words[i][1];
    }
    return key;
}

/* False unless the words [from, to) are one thing. */
static bool read_side(const struct mind *m, size_t from, size_t to, struct side *out)
{
    static const char *const around[] = { "actually", "make", "it", "that", "this", "use", "with",
        "be", "i", "meant", "mean", "want", "no", "should", "the", "a", "an", "to", "as", "take",
        "me", "give", "sorry", NULL };
    const struct words *w = &m->words;
    struct known_value value;
    struct mention mention;
    struct when when;

    *out = (struct side){ 0 };
    while (from < to && (w->v[from].kind == WORD_STOP || words_say_any(w, from, to, around)))
        from++;
    while (to > from && (w->v[to - 1].kind == WORD_STOP || words_say(w, to - 1, to, "please")))
        to--;
    if (from == to)
        return false;
    out->text = words_text(w, from, to, m->arena);
    if (chat_mention(w, from, to, &m->wide, m->arena, &mention) && mention.n_words == to - from)
        out->column = m->wide.columns[mention.columns[0]].name;
    if (chat_value(w, from, to, &m->wide, SIZE_MAX, m->arena, &value) && value.n_words == to - from)
        out->value = value.text;
    out->rule = whole_rule(m, from, to);
    if (chat_when(w, from, to, &when) && when.n_words == to - from)
        out->day = arena_strdup(m->arena, when.first);
    if (to == from + 1) {
        out->word = wire_word(w->v[from].key);
        out->is_number = w->v[from].kind == WORD_NUMBER;
        out->number = w->v[from].number;
    }
    return to == from + 1 || out->column || out->value || out->rule || out->day;
}

static struct json *swap_text(
    const char *key, const char *text, const struct side *old, const struct side *new)
{
    bool column = strcmp(key, "column") == 0 || strcmp(key, "columns") == 0 ||
                  strcmp(key, "column_name") == 0;

    if (column)
        return old->column && new->column &&strcmp(text, old->column) == 0
                   ? json_new_string(new->column)
                   : NULL;
    if (strcmp(key, "normalization_type") == 0)
        return old->rule && new->rule &&strcmp(text, old->rule) == 0 ? json_new_string(new->rule)
                                                                     : NULL;
    if (strcmp(key, "database_type") == 0 || strcmp(key, "output_format") == 0)
        return old->word && new->word &&strcmp(text, old->word) == 0 ? json_new_string(new->word)
                                                                     : NULL;
    if (old->day && new->day && strcmp(text, old->day) == 0)
        return json_new_string(new->day);
    if (strcasecmp(text, old->text) == 0 || (old->value && strcmp(text, old->value) == 0))
        return json_new_string(new->value ? new->value : new->text);
    return NULL;
}

/* The value with `new` for `old` wherever it is said; *n counts how often. */
static struct json *swapped(const char *key, const struct json *value, const struct side *old,
    const struct side *new, size_t *n)
{
    static const char *const fixed[] = { "operation", "operator", "description", "logic" };
    struct json *out = NULL;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (strcmp(key, fixed[i]) == 0)
            return json_ref(value);
    }
    switch (json_kind(value)) {
    case JSON_KIND_OBJECT:
        out = json_new_object();
        for (const void *it = json_first(value); it; it = json_next(value, it))
            json_set(out, json_key(it), swapped(json_key(it), json_value(it), old, new, n));
        return out;
    case JSON_KIND_ARRAY:
        out = json_new_array();
        for (size_t i = 0; i < json_len(value); i++)
            json_add(out, swapped(key, json_at(value, i), old, new, n));
        return out;
    case JSON_KIND_STRING:
        out = swap_text(key, json_str(value), old, new);
        break;
    case JSON_KIND_INT:
    case JSON_KIND_REAL:
        if (old->is_number && new->is_number && json_num(value, 0) == old->number)
            out = number_json(new->number);
        break;
    default:
        break;
    }
    *n += out != NULL;
    return out ? out : json_ref(value);
}

/* Where the two sides are: "A instead of B", "A, not B", "change B to A". */
static bool read_sides(
    const struct mind *m, const struct clause *c, struct side *old, struct side *new)
{
    static const char *const insteads[] = { "instead of", "rather than", "not", NULL };
    static const char *const changes[] = { "change", "switch", "replace", "swap", NULL };
    static const char *const links[] = { "to", "with", "by", "for", "into", NULL };
    const struct words *w = &m->words;
    size_t at = words_find(w, c->from, c->to, insteads),
           n = words_say_any(w, c->from, c->to, changes);

    if (at < c->to)
        return read_side(m, c->from, at, new) &&
               read_side(m, at + words_say_any(w, at, c->to, insteads), c->to, old);
    at = words_find(w, c->from, c->to, links);
    if (n == 0 || at == c->to || !read_side(m, c->from + n, at, old) ||
        !read_side(m, at + 1, c->to, new))
        return false;
    /* "replace offen with open" is about values, unless the file has both of them. */
    return !words_say(w, c->from, c->to, "replace") || !old->value || new->value;
}

static bool swap_sides(struct mind *m, const struct side *old, const struct side *new, bool *done)
{
    size_t n = 0;
    struct json *steps = swapped("", m->steps, old, new, &n);

    if (n == 0 || !steps) {
        json_free(steps);
        return true;
    }
    json_free(m->steps);
    m->steps = steps;
    *done = true;
    return follow_steps(m);
}

static bool swap(struct mind *m, const struct clause *c, bool *done)
{
    struct side old, new;

    return !read_sides(m, c, &old, &new) || swap_sides(m, &old, &new, done);
}

/* "lowercase instead": another rule in the place of the last one. */
static bool another_rule(struct mind *m, const struct clause *c, bool *done)
{
    static const char *const befores[] = { "make it", "make that", "make them", "use", "rather",
        "actually", "no", NULL };
    static const char *const insteads[] = { "instead", "rather", "please", NULL };
    const struct words *w = &m->words;
    size_t from = c->from, to = c->to, n;
    const struct json *list = json_get(last_arguments(m, "normalization/apply"), "normalizations");
    struct side old = { .text = "" }, new = { .text = "" };

    while (
        from < to && (n = w->v[from].kind == WORD_STOP ? 1 : words_say_any(w, from, to, befores)))
        from += n;
    while (to > from && words_say_any(w, to - 1, c->to, insteads))
        to--;
    new.rule = to > from && (from > c->from || to < c->to) ? whole_rule(m, from, to) : NULL;
    old.rule = json_get_string(json_at(list, json_len(list) - 1), "normalization_type");
    if (!new.rule || json_len(list) == 0 || !old.rule)
        return true;
    return swap_sides(m, &old, &new, done);
}

/* The only number among the conditions; false: there is none, or several. */
static bool only_number(const struct json *value, double *out, size_t *n)
{
    if (json_kind(value) == JSON_KIND_INT || json_kind(value) == JSON_KIND_REAL) {
        *out = json_num(value, 0);
        *n += 1;
    }
    for (size_t i = 0; json_kind(value) == JSON_KIND_ARRAY && i < json_len(value); i++)
        (void)only_number(json_at(value, i), out, n);
    for (const void *it = json_kind(value) == JSON_KIND_OBJECT ? json_first(value) : NULL; it;
         it = json_next(value, it))
        (void)only_number(json_value(it), out, n);
    return *n == 1;
}

/* "make it 200": another number, where there is only one that it can be for. */
static bool another_number(struct mind *m, const struct clause *c, bool *done)
{
    struct side old = { .text = "", .is_number = true }, new;
    size_t n = 0;

    if (!read_side(m, c->from, c->to, &new) || !new.is_number ||
        !only_number(m->steps, &old.number, &n))
        return true;
    return swap_sides(m, &old, &new, done);
}

/* ---- all of them ---- */

bool edit_steps(struct mind *m, const struct clause *c, bool *done)
{
    bool (*const edits[])(struct mind *, const struct clause *, bool *) = { drop_step,
        keep_duplicates, take_out, put_in, swap, another_rule, another_number, edit_names,
        edit_rows };

    *done = false;
    for (size_t i = 0; json_len(m->steps) > 0 && i < ARRAY_LEN(edits); i++) {
        if (!edits[i](m, c, done))
            return false;
        if (*done)
            return true;
    }
    return true;
}
