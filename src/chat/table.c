#include "chat/table.h"

#include "base/fs.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

enum { SPAN_WORDS = 6, VALUE_WORDS = 5, PART_MIN = 3, TYPO_MIN = 4, TYPO_LONG = 6 };

const char *chat_singular(struct arena *arena, const char *key)
{
    size_t n = strlen(key);
    char *s;

    if (n < 4 || key[n - 1] != 's' || key[n - 2] == 's' || !(s = arena_dup(arena, key, n)))
        return key;
    if (n > 4 && memcmp(key + n - 3, "ies", 3) == 0) {
        memcpy(s + n - 3, "y", 2);
    } else if (n > 4 && memcmp(key + n - 2, "es", 2) == 0 &&
               (strchr("sx", key[n - 3]) || memcmp(key + n - 4, "ch", 2) == 0 ||
                   memcmp(key + n - 4, "sh", 2) == 0)) {
        s[n - 2] = '\0';
    } else {
        s[n - 1] = '\0';
    }
    return s;
}

const char *chat_key(struct arena *arena, const char *name)
{
    size_t n = 0;
    const char *key = utf8_name_key(arena, name, strlen(name), &n);

    return key ? words_plain(arena, key, n) : NULL;
}

/*
 * The letters and digits of a key, a bit each: a word that has others is none of its words, and an
 * edit changes two of them at most.
 */
static uint64_t letters_of(const char *key)
{
    uint64_t letters = 0;

    for (; *key; key++) {
        if (isalnum((unsigned char)*key) && !((unsigned char)*key & 0x80))
            letters |= UINT64_C(1) << ((unsigned char)*key & 63);
    }
    return letters;
}

/* FNV-1a of the letters between the blanks. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key; key++) {
        if (*key != ' ')
            hash = (hash ^ (unsigned char)*key) * 16777619u;
    }
    return hash;
}

bool chat_column_make(const char *name, struct arena *arena, struct chat_column *out)
{
    *out = (struct chat_column){ .name = arena_strdup(arena, name), .type = "text" };
    out->key = out->name ? chat_key(arena, out->name) : NULL;
    out->letters = out->key ? letters_of(out->key) : 0;
    out->singular = out->key ? chat_singular(arena, out->key) : NULL;
    out->hash = out->key ? hash_of(out->key) : 0;
    out->singular_hash = out->singular ? hash_of(out->singular) : 0;
    return out->singular != NULL;
}

/* FNV-1a, for a bit of `marks`. */
static unsigned mark_of(const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return (hash ^ hash >> 16) % (CHAT_MARKS * 64);
}

static bool is_marked(const struct chat_column *c, unsigned mark)
{
    return c->marks[mark / 64] >> mark % 64 & 1;
}

static bool add_value(struct chat_column *c, const char *text, const char **list, const char **keys,
    struct arena *arena)
{
    unsigned mark;

    if (!text || !*text)
        return true;
    list[c->n_values] = arena_strdup(arena, text);
    keys[c->n_values] = chat_key(arena, text);
    if (!list[c->n_values] || !keys[c->n_values])
        return false;
    mark = mark_of(keys[c->n_values++]);
    c->marks[mark / 64] |= UINT64_C(1) << mark % 64;
    return true;
}

/* "99.00", "1500.50": they are typed as texts, for the sake of the last zeros, and are numbers all the same. */
static bool holds_decimals(const struct chat_column *c)
{
    static const char digits[] = "0123456789";
    size_t decimals = 0;

    for (size_t i = 0; i < c->n_values; i++) {
        const char *p = c->values[i] + (c->values[i][0] == '-');
        size_t whole = strspn(p, digits), point = p[whole] == '.';

        if (whole == 0 || p[whole + point + strspn(p + whole + point, digits)])
            return false;
        decimals += point;
    }
    return decimals > 0;
}

/* Bytes of the key before the word that makes it an identifier, and its blank; 0: it is none. */
static size_t numbered_len(const char *key)
{
    static const char *const words[] = { "id", "no", "nr", "num", "number", NULL };
    const char *last = strrchr(key, ' ');

    for (const char *const *w = words; last && *w; w++) {
        if (strcmp(last + 1, *w) == 0)
            return (size_t)(last - key);
    }
    return 0;
}

bool chat_column_is_identifier(const struct chat_column *c)
{
    return numbered_len(c->key) > 0;
}

bool chat_table_read(
    const struct json *file, struct arena *arena, struct chat_table *out, struct err *err)
{
    const struct json *columns = json_get(file, "columns");
    const char *name = json_get_string(file, "filename"), *format = json_get_string(file, "format");
    size_t n = json_len(columns), base, numbered;

    name = name ? name : "";
    base = strlen(name) - strlen(fs_suffix(name));
    *out = (struct chat_table){ .file = arena_strdup(arena, name),
        .noun = chat_key(arena, arena_printf(arena, "%.*s", (int)base, name)),
        .format = arena_strdup(arena, format ? format : "csv"),
        .columns = arena_calloc(arena, n ? n : 1, sizeof *out->columns),
        .n_columns = n,
        .rows = json_get_int(file, "rows", 0) };
    if (!out->file || !out->noun || !out->format || !out->columns)
        return err_nomem(err);
    out->noun_singular = chat_singular(arena, out->noun);
    for (size_t i = 0; i < n; i++) {
        const struct json *one = json_at(columns, i), *values = json_get(one, "values");
        const char *type = json_get_string(one, "type"), *called = json_get_string(one, "name");
        struct chat_column *c = &out->columns[i];
        const char **list = arena_calloc(arena, json_len(values) + 1, sizeof *list);

        const char **keys = arena_calloc(arena, json_len(values) + 1, sizeof *keys);

        if (!list || !keys || !chat_column_make(called ? called : "", arena, c))
            return err_nomem(err);
        c->type = arena_strdup(arena, type ? type : "text");
        c->values = list;
        c->value_keys = keys;
        for (size_t k = 0; c->type && k < json_len(values); k++) {
            if (!add_value(c, json_str(json_at(values, k)), list, keys, arena))
                return err_nomem(err);
        }
        c->all_values = (size_t)json_get_int(one, "distinct", (int64_t)c->n_values) <= c->n_values;
        if (!c->type)
            return err_nomem(err);
        c->decimals = holds_decimals(c);
    }
    numbered = n > 0 ? numbered_len(out->columns[0].key) : 0;
    if (numbered > 0) {
        const char *what = arena_dup(arena, out->columns[0].key, numbered);

        if (!what)
            return err_nomem(err);
        out->numbered = chat_singular(arena, what);
    }
    return true;
}

const struct chat_column *chat_table_column(const struct chat_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    }
    return NULL;
}

bool chat_column_is_number(const struct chat_column *c)
{
    return c->decimals || strcmp(c->type, "number") == 0 || strcmp(c->type, "integer") == 0;
}

bool chat_column_is_date(const struct chat_column *c)
{
    return strncmp(c->type, "date", 4) == 0;
}

bool chat_column_is_bool(const struct chat_column *c)
{
    return strcmp(c->type, "boolean") == 0;
}

struct json *chat_column_flag(const struct chat_column *c, bool yes)
{
    static const char *const pairs[][2] = { { "no", "yes" }, { "n", "y" }, { "false", "true" } };

    if (chat_column_is_bool(c))
        return json_new_bool(yes);
    if (c->n_values != 2 || !c->all_values)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (size_t k = 0; k < 2; k++) {
            if (strcmp(c->value_keys[k], pairs[i][yes]) == 0 &&
                strcmp(c->value_keys[1 - k], pairs[i][!yes]) == 0)
                return json_new_string(c->values[k]);
        }
    }
    return NULL;
}

bool chat_is_noun(const struct chat_table *t, const char *key)
{
    bool noun = t->noun_singular && *key == *t->noun_singular;
    bool numbered = t->numbered && *key == *t->numbered;
    struct arena scratch;
    const char *singular;

    if (!noun && !numbered) /* Most words end here. */
        return false;
    arena_init(&scratch, NULL);
    singular = chat_singular(&scratch, key);
    noun = noun && strcmp(singular, t->noun_singular) == 0;
    numbered = numbered && strcmp(singular, t->numbered) == 0 && strcmp(key, singular) != 0;
    arena_deinit(&scratch);
    return noun || numbered;
}

/* What is said, and how names and values are compared with it. */
struct saying {
    const char *text, *key, *singular;
    uint32_t hash, singular_hash;
    unsigned mark, singular_mark;
};

static struct saying saying_of(const char *text, struct arena *arena)
{
    struct saying s = { .text = text, .key = chat_key(arena, text) };

    s.singular = s.key ? chat_singular(arena, s.key) : NULL;
    s.hash = s.key ? hash_of(s.key) : 0;
    s.singular_hash = s.key ? hash_of(s.singular) : 0;
    s.mark = s.key ? mark_of(s.key) : 0;
    s.singular_mark = s.key ? mark_of(s.singular) : 0;
    return s;
}

/* ---- what was found out already ---- */

/* One place is asked about again and again, with ends that make no difference mostly. */
struct word_memo {
    struct {
        const struct chat_column *columns; /* Of which table; NULL: nothing is known. */
        size_t end;
        struct mention mention;
    } mention;
    struct {
        const struct chat_column *columns;
        size_t end;
        bool found;
        struct known_value value;
    } value;
    struct saying spans[SPAN_WORDS]; /* Of so many words from here on; text NULL: not looked at. */
};

/* Beyond so many words nothing is looked at. */
enum { MEMO_WORDS = SPAN_WORDS + 5 };

static struct word_memo *memo_of(const struct words *w, size_t at, struct arena *arena)
{
    if (at >= w->n)
        return NULL;
    if (!*w->memo)
        *w->memo = arena_calloc(arena, w->n, sizeof **w->memo);
    return *w->memo ? &(*w->memo)[at] : NULL;
}

void chat_forget(const struct words *w)
{
    if (*w->memo)
        memset(*w->memo, 0, w->n * sizeof **w->memo);
}

/* The words [at, at + n). */
static struct saying span_of(const struct words *w, size_t at, size_t n, struct arena *arena)
{
    struct word_memo *memo = n <= SPAN_WORDS ? memo_of(w, at, arena) : NULL;

    if (!memo)
        return saying_of(words_text(w, at, at + n, arena), arena);
    if (!memo->spans[n - 1].text)
        memo->spans[n - 1] = saying_of(words_text(w, at, at + n, arena), arena);
    return memo->spans[n - 1];
}

/* ---- columns ---- */

/* Equal but for blanks between words: firstname, First Name. */
static bool same_letters(const char *a, const char *b)
{
    while (*a || *b) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (*a != *b)
            return false;
        if (*a) {
            a++;
            b++;
        }
    }
    return true;
}

bool chat_has_word(const char *key, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = key; (p = strstr(p, word)) != NULL; p++) {
        if ((p == key || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
            return true;
    }
    return false;
}

static void found(struct mention *m, enum mention_strength strength, size_t n_words, size_t column)
{
    if (m->n_columns == MENTION_MAX)
        return;
    m->strength = strength;
    m->n_words = n_words;
    m->columns[m->n_columns++] = column;
}

static bool find_exact(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *m)
{
    size_t most = end - at < SPAN_WORDS ? end - at : SPAN_WORDS;

    for (size_t n = most; n > 0; n--) {
        struct saying s = span_of(w, at, n, arena);

        for (size_t i = 0; s.key && *s.key && i < t->n_columns; i++) {
            const struct chat_column *c = &t->columns[i];

            if ((s.hash == c->hash && same_letters(s.key, c->key)) ||
                (s.singular_hash == c->hash && same_letters(s.singular, c->key)) ||
                (s.singular_hash == c->singular_hash && same_letters(s.singular, c->singular))) {
                if (m->n_columns == 0)
                    found(m, MENTION_EXACT, n, i);
                else if (strcmp(s.text, c->name) == 0) /* "Año" rather than "Ano". */
                    m->columns[0] = i;
            }
        }
        if (m->n_columns > 0)
            return true;
    }
    return false;
}

/* Columns whose names hold the words [at, at + n), each in the singular or as it is. */
static void find_parts(const struct words *w, size_t at, size_t n, const struct chat_table *t,
    struct arena *arena, struct mention *m)
{
    const char *singulars[2] = { NULL };
    uint64_t letters = 0;

    for (size_t k = 0; k < n && k < ARRAY_LEN(singulars); k++) {
        if (w->v[at + k].kind != WORD_PLAIN ||
            (strlen(w->v[at + k].key) < PART_MIN && strcmp(w->v[at + k].key, "id") != 0))
            return;
        singulars[k] = chat_singular(arena, w->v[at + k].key);
        if (!chat_has_other_form(singulars[k]))
            letters |= letters_of(w->v[at + k].key) & letters_of(singulars[k]);
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        bool all = (letters & ~t->columns[i].letters) == 0;

        for (size_t k = 0; all && k < n; k++)
            all = chat_has_such_word(t->columns[i].key, w->v[at + k].key, singulars[k]);
        if (all)
            found(m, MENTION_PART, n, i);
    }
}

static void find_sense(
    const struct words *w, size_t at, const struct chat_table *t, struct mention *m)
{
    size_t k = 0;

    for (const char *sense; (sense = chat_sense(w->v[at].key, &k)) != NULL;) {
        for (size_t i = 0; i < t->n_columns && m->n_columns == 0; i++) {
            if (chat_has_word(t->columns[i].key, sense))
                found(m, MENTION_SENSE, 1, i);
        }
    }
}

static void find_typo(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *m)
{
    unsigned best = 3;

    for (size_t n = at + 2 <= end ? 2 : 1; n > 0 && m->n_columns == 0; n--) {
        const char *key = span_of(w, at, n, arena).key;
        size_t len = key ? strlen(key) : 0;
        uint64_t letters = key ? letters_of(key) : 0;

        if (len < TYPO_MIN ||
            (n == 2 && (w->v[at + 1].kind != WORD_PLAIN || chat_is_common(w->v[at + 1].key))))
            continue;
        for (size_t i = 0; i < t->n_columns; i++) {
            unsigned most = len >= TYPO_LONG ? 2 : 1, d;

            if (__builtin_popcountll(letters ^ t->columns[i].letters) > (int)most * 2)
                continue;
            d = utf8_distance(key, t->columns[i].key, most);
            if (d < best && d <= most) {
                best = d;
                m->n_columns = 0;
                found(m, MENTION_TYPO, n, i);
            }
        }
    }
}

/* "first" in "first and last name": the word that both names end with is said once. */
static void find_shared(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *m)
{
    static const char *const ands[] = { "and", "or", "&", "/", "+", NULL };
    size_t skip = words_say_any(w, at + 1, end, ands);
    struct mention behind = { 0 };
    const char *shared, *name;

    if (skip == 0 || w->v[at].kind != WORD_PLAIN ||
        !find_exact(w, at + 1 + skip, end, t, arena, &behind))
        return;
    shared = strrchr(t->columns[behind.columns[0]].key, ' ');
    name = shared ? arena_printf(arena, "%s%s", w->v[at].key, shared) : NULL;
    for (size_t i = 0; name && i < t->n_columns && m->n_columns == 0; i++) {
        if (strcmp(t->columns[i].key, name) == 0)
            found(m, MENTION_EXACT, 1, i);
    }
}

static bool find_mention(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *out)
{
    const struct word *first = &w->v[at];

    *out = (struct mention){ 0 };
    if (at >= end || first->kind == WORD_STOP || first->kind == WORD_SIGN)
        return false;
    if (first->kind == WORD_QUOTED)
        return find_exact(w, at, at + 1, t, arena, out);
    if (find_exact(w, at, end, t, arena, out))
        return true;
    find_shared(w, at, end, t, arena, out);
    if (out->n_columns > 0)
        return true;
    if (first->kind != WORD_PLAIN || chat_is_common(first->key))
        return false;
    if (at + 2 <= end)
        find_parts(w, at, 2, t, arena, out);
    if (chat_is_noun(
            t, first->key)) /* "invoice" is the rows' own name, the invoice number is a column. */
        return out->n_columns > 0;
    if (out->n_columns == 0)
        find_parts(w, at, 1, t, arena, out);
    if (out->n_columns == 0)
        find_sense(w, at, t, out);
    if (out->n_columns == 0)
        find_typo(w, at, end, t, arena, out);
    return out->n_columns > 0;
}

bool chat_mention(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    struct arena *arena, struct mention *out)
{
    struct word_memo *memo = memo_of(w, at, arena);
    size_t last = end > at + MEMO_WORDS ? at + MEMO_WORDS : end;

    if (!memo || t->n_columns == 0)
        return find_mention(w, at, end, t, arena, out);
    if (memo->mention.columns != t->columns || memo->mention.end != last) {
        (void)find_mention(w, at, end, t, arena, &memo->mention.mention);
        memo->mention.columns = t->columns;
        memo->mention.end = last;
    }
    *out = memo->mention.mention;
    return out->n_columns > 0;
}

/* ---- values ---- */

/* The known value of a column with that key, or its singular; SIZE_MAX: none. */
static size_t find_value(const struct chat_column *c, const struct saying *s)
{
    size_t found = SIZE_MAX;

    if (!is_marked(c, s->mark) && !is_marked(c, s->singular_mark))
        return SIZE_MAX;
    for (size_t k = 0; k < c->n_values; k++) {
        if (strcmp(c->value_keys[k], s->key) != 0 && strcmp(c->value_keys[k], s->singular) != 0)
            continue;
        if (found == SIZE_MAX || strcmp(c->values[k], s->text) == 0)
            found = k;
    }
    return found;
}

static bool find_in_table(const struct saying *s, const struct chat_table *t, size_t only,
    size_t n_words, struct known_value *out)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct chat_column *c = &t->columns[i];
        size_t k = only == SIZE_MAX || i == only ? find_value(c, s) : SIZE_MAX;

        if (k == SIZE_MAX || chat_column_is_number(c) || chat_column_is_date(c) ||
            chat_column_is_bool(c))
            continue;
        *out =
            (struct known_value){ n_words, i, c->values[k], strcmp(c->value_keys[k], s->key) == 0 };
        return true;
    }
    return false;
}

static bool find_words_value(const struct words *w, size_t at, size_t end,
    const struct chat_table *t, size_t only, struct arena *arena, struct known_value *out)
{
    size_t most = end - at < VALUE_WORDS ? end - at : VALUE_WORDS;

    if (at >= end || w->v[at].kind == WORD_STOP || w->v[at].kind == WORD_SIGN)
        return false;
    for (size_t n = most; n > 0; n--) {
        struct saying s = span_of(w, at, n, arena);
        const char *other = n == 1 ? chat_other_value(s.key) : NULL;

        if (!s.key || (n == 1 && w->v[at].kind == WORD_PLAIN && chat_is_common(s.key)))
            continue;
        if (find_in_table(&s, t, only, n, out))
            return true;
        s = other ? saying_of(other, arena) : s;
        if (other && s.key && find_in_table(&s, t, only, n, out))
            return true;
    }
    return false;
}

bool chat_value(const struct words *w, size_t at, size_t end, const struct chat_table *t,
    size_t only, struct arena *arena, struct known_value *out)
{
    struct word_memo *memo = memo_of(w, at, arena);
    size_t last = end > at + MEMO_WORDS ? at + MEMO_WORDS : end;

    if (!memo || only != SIZE_MAX || t->n_columns == 0)
        return find_words_value(w, at, end, t, only, arena, out);
    if (memo->value.columns != t->columns || memo->value.end != last) {
        memo->value.found = find_words_value(w, at, end, t, only, arena, &memo->value.value);
        memo->value.columns = t->columns;
        memo->value.end = last;
    }
    if (memo->value.found)
        *out = memo->value.value;
    return memo->value.found;
}
