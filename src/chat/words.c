#include "chat/words.h"

#include "base/num.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

struct cutter {
    const char *p;
    struct arena *arena;
    struct words *out;
    struct err *err;
};

/* What opens a quotation closes it with; NULL for what opens none. */
static const char *closing_quote(const char *p, size_t *opening_len)
{
    static const char *const quotes[][2] = { { "\"", "\"" }, { "“", "”" }, { "„", "“" },
        { "«", "»" }, { "'", "'" }, { "‘", "’" }, { "`", "`" } };

    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        *opening_len = strlen(quotes[i][0]);
        if (strncmp(p, quotes[i][0], *opening_len) == 0)
            return quotes[i][1];
    }
    return NULL;
}

static bool is_blank(const char *p, size_t *n)
{
    uint32_t code = 0;

    *n = 1;
    if (*p == ' ' || *p == '\t' || *p == '\r')
        return true;
    if ((unsigned char)*p < 0x80)
        return false;
    *n = utf8_decode(p, strlen(p), &code);
    if (*n == 0)
        *n = 1;
    return code == 0xA0 || (code >= 0x2000 && code <= 0x200B) || code == 0x202F || code == 0x3000;
}

/* The end of a sentence, or a point within a word (3.5, customers.csv)? */
static bool ends_here(const char *p)
{
    return p[1] == '\0' || isspace((unsigned char)p[1]) || strchr("\"'),;!?", p[1]);
}

/* 1,500: a comma that groups digits. */
static bool groups_digits(const char *start, const char *p)
{
    if (p == start || !isdigit((unsigned char)p[-1]))
        return false;
    for (int i = 1; i <= 3; i++) {
        if (!isdigit((unsigned char)p[i]))
            return false;
    }
    return !isdigit((unsigned char)p[4]);
}

static bool add(struct cutter *c, enum word_kind kind, const char *p, size_t n)
{
    struct word *w = &c->out->v[c->out->n];
    size_t key_n = 0;
    const char *key;
    char *own;

    if (c->out->n == WORDS_MAX)
        return err_set(c->err, ERR_ARG, "the message has more than %d words", WORDS_MAX);
    w->kind = kind;
    w->raw = arena_dup(c->arena, p, n);
    key = w->raw ? utf8_fold(c->arena, w->raw, n, &key_n) : NULL;
    own = key ? arena_dup(c->arena, key, key_n) : NULL;
    if (!own)
        return err_nomem(c->err);
    for (char *q = own; (q = strstr(q, "’")) != NULL;) {
        *q = '\'';
        memmove(q + 1, q + 3, strlen(q + 3) + 1);
    }
    w->key = own;
    c->out->n++;
    return true;
}

/* $1,500.50, 10k, 15%: digits with what people put around them. */
static bool read_number(const char *key, double *out)
{
    static const char *const currencies[] = { "$", "€", "£", "¥" };
    char digits[64];
    size_t n = 0, len;
    double scale = 1;

    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        if (strncmp(key, currencies[i], strlen(currencies[i])) == 0)
            key += strlen(currencies[i]);
    }
    for (; *key && n + 1 < sizeof digits; key++) {
        if (*key != ',')
            digits[n++] = *key;
    }
    len = n;
    if (*key || n < 1)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        size_t m = strlen(currencies[i]);

        if (len > m && memcmp(digits + len - m, currencies[i], m) == 0)
            len -= m;
    }
    if (len > 1 && (digits[len - 1] == 'k' || digits[len - 1] == 'm')) {
        scale = digits[len - 1] == 'k' ? 1e3 : 1e6;
        len--;
    } else if (len > 1 && digits[len - 1] == '%') {
        len--;
    }
    if (!isdigit((unsigned char)digits[len - 1]) || !num_parse(digits, len, out))
        return false;
    *out *= scale;
    return true;
}

static bool cut_sign(struct cutter *c, bool *done)
{
    static const char *const signs[] = { "->", "=>", "→", "<=", ">=", "!=", "<>", "==", "≤", "≥",
        "≠", "=", "<", ">" };

    *done = false;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        size_t n = strlen(signs[i]);

        if (strncmp(c->p, signs[i], n) != 0)
            continue;
        *done = true;
        c->p += n;
        return add(c, WORD_SIGN, c->p - n, n);
    }
    return true;
}

static bool cut_quoted(struct cutter *c, bool *done)
{
    size_t open_n = 0, close_n;
    const char *close = closing_quote(c->p, &open_n), *end;

    *done = false;
    if (!close)
        return true;
    close_n = strlen(close);
    end = strstr(c->p + open_n, close);
    /* O'Neil's 'first' quote: one that is followed by a letter does not close. */
    while (end && *close == '\'' && isalnum((unsigned char)end[1]))
        end = strstr(end + 1, close);
    if (!end || (end == c->p + open_n && *close != '"')) /* "" is a text, '' is no word. */
        return true;
    *done = true;
    if (!add(c, WORD_QUOTED, c->p + open_n, (size_t)(end - c->p) - open_n))
        return false;
    c->p = end + close_n;
    return true;
}

static size_t word_len(const char *start)
{
    const char *p = start;
    size_t n;

    for (; *p && *p != '\n'; p++) {
        if (is_blank(p, &n) || strchr(";\"()[]{}=<>", *p) || strncmp(p, "→", 3) == 0)
            break;
        if (*p == ',' && !groups_digits(start, p))
            break;
        if ((*p == '.' || *p == '!' || *p == '?' || *p == ':') && ends_here(p))
            break;
        if (*p == '-' && p[1] == '>')
            break;
        if (*p == '!' && p[1] == '=')
            break;
    }
    return (size_t)(p - start);
}

static bool cut_word(struct cutter *c)
{
    size_t n = word_len(c->p);
    struct word *w;

    if (n == 0) {
        enum word_kind kind = strchr(",;.!?\n", *c->p) ? WORD_STOP : WORD_SIGN;
        bool noise = strchr("()[]{}\"", *c->p) != NULL;

        c->p++;
        return noise || add(c, kind, c->p - 1, 1);
    }
    if (!add(c, WORD_PLAIN, c->p, n))
        return false;
    w = &c->out->v[c->out->n - 1];
    if (read_number(w->key, &w->number))
        w->kind = WORD_NUMBER;
    c->p += n;
    return true;
}

bool words_split(const char *text, struct arena *arena, struct words *out, struct err *err)
{
    size_t n = strlen(text);
    struct cutter c;

    *out = (struct words){ .v = arena_calloc(
                               arena, (n < WORDS_MAX ? n : WORDS_MAX) + 1, sizeof *out->v),
        .memo = arena_calloc(arena, 1, sizeof(struct word_memo *)) };
    c = (struct cutter){ text, arena, out, err };
    if (!out->v || !out->memo)
        return err_nomem(err);
    while (*c.p) {
        bool done = false;

        if (is_blank(c.p, &n)) {
            c.p += n;
            continue;
        }
        if (!cut_quoted(&c, &done) || (!done && !cut_sign(&c, &done)) || (!done && !cut_word(&c)))
            return false;
    }
    return true;
}

const char *words_plain(struct arena *arena, const char *key, size_t n)
{
    /* From U+00E0 and from U+0100 on; a blank: stays as it is. */
    static const char latin1[] = "aaaaaa ceeeeiiii nooooo ouuuuy y",
                      extended[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii  jjkk "
                                   "llllll  llnnnnnn   oooooo  rrrrrrssssssssttttttuuuuuuuuuuuu"
                                   "wwyyyzzzzzz ";
    char *out = arena_dup(arena, key, n);
    size_t len = 0;

    for (size_t i = 0, step; out && i < n; i += step) {
        uint32_t code = 0;
        char plain = ' ';

        step = (unsigned char)key[i] < 0x80 ? 1 : utf8_decode(key + i, n - i, &code);
        if (step == 0)
            step = 1;
        if (code >= 0xE0 && code < 0xE0 + sizeof latin1 - 1)
            plain = latin1[code - 0xE0];
        else if (code >= 0x100 && code < 0x100 + sizeof extended - 1)
            plain = extended[code - 0x100];
        if (plain != ' ')
            out[len++] = plain;
        else
            for (size_t k = 0; k < step; k++)
                out[len++] = key[i + k];
    }
    if (out)
        out[len] = '\0';
    return out;
}

bool words_number(const struct word *w, double *out)
{
    static const char *const small[] = { "zero", "one", "two", "three", "four", "five", "six",
        "seven", "eight", "nine", "ten", "eleven", "twelve" };

    if (w->kind == WORD_NUMBER) {
        *out = w->number;
        return true;
    }
    for (size_t i = 0; w->kind == WORD_PLAIN && i < ARRAY_LEN(small); i++) {
        if (strcmp(w->key, small[i]) == 0) {
            *out = (double)i;
            return true;
        }
    }
    return false;
}

size_t words_say(const struct words *w, size_t at, size_t end, const char *phrase)
{
    size_t n = 0;

    if (at >= end || w->v[at].key[0] != *phrase) /* Most phrases end here. */
        return 0;
    while (*phrase) {
        size_t len = strcspn(phrase, " ");

        if (at + n >= end || w->v[at + n].kind == WORD_QUOTED || strlen(w->v[at + n].key) != len ||
            memcmp(w->v[at + n].key, phrase, len) != 0)
            return 0;
        n++;
        phrase += len + (phrase[len] == ' ');
    }
    return n;
}

size_t words_say_any(const struct words *w, size_t at, size_t end, const char *const *phrases)
{
    size_t best = 0;

    for (; *phrases; phrases++) {
        size_t n = words_say(w, at, end, *phrases);

        best = n > best ? n : best;
    }
    return best;
}

size_t words_find(const struct words *w, size_t at, size_t end, const char *const *phrases)
{
    for (; at < end; at++) {
        if (words_say_any(w, at, end, phrases))
            return at;
    }
    return end;
}

const char *words_text(const struct words *w, size_t from, size_t to, struct arena *arena)
{
    struct buf b;
    const char *text;

    buf_init(&b, 1 << 20);
    for (size_t i = from; i < to; i++) {
        if (i > from)
            buf_addc(&b, ' ');
        buf_adds(&b, w->v[i].raw);
    }
    text = b.failed ? NULL : arena_dup(arena, b.len ? b.data : "", b.len);
    buf_deinit(&b);
    return text ? text : "";
}
