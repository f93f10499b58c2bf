/*
 * Excel number format codes: do they show a number as a date?
 *
 *   [Red][$-409]yyyy\-mm\-dd" at "h:mm AM/PM;@
 *        skip   skip  token         skip     end of the first section
 *
 * Only letters outside quotes, escapes and brackets speak. An `m` is minutes beside an `h` or `s`,
 * else the month; [h], [mm], [ss] count elapsed time.
 */

#include "base/date.h"

#include <string.h>

enum { BUILT_IN_LAST = 163 };

struct code {
    const char *p; /* What is still to be read. */
    bool day, clock, elapsed;
    char before;    /* The letter of the token before: 'h', 's', 'm', 0. */
    bool undecided; /* An m or mm that is minutes if an s follows, else the month. */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Does the code go on with `word`, in any case? */
static bool at_word(const char *p, const char *word)
{
    for (; *word; p++, word++) {
        if (lower(*p) != *word)
            return false;
    }
    return true;
}

static size_t run_length(const char *p)
{
    size_t n = 1;

    while (lower(p[n]) == lower(*p))
        n++;
    return n;
}

static void decide(struct code *c, bool minutes)
{
    if (c->undecided) {
        if (minutes)
            c->clock = true;
        else
            c->day = true;
        c->undecided = false;
    }
}

/* [h], [mm], [ss] but not [Red], [$-409], [<=9]; *p moves behind the bracket. */
static void take_bracket(struct code *c)
{
    const char *inside = c->p + 1, *end = strchr(inside, ']');
    char letter = lower(*inside);

    if (!end) {
        c->p += strlen(c->p);
        return;
    }
    if ((letter == 'h' || letter == 'm' || letter == 's') && inside + run_length(inside) == end) {
        decide(c, letter == 's');
        c->elapsed = true;
        c->before = letter;
    }
    c->p = end + 1;
}

static void take_letters(struct code *c)
{
    char letter = lower(*c->p);
    size_t n = run_length(c->p);

    c->p += n;
    if (letter == 'm' && n <= 2) {
        decide(c, false);
        if (c->before == 'h')
            c->clock = true;
        else
            c->undecided = true;
    } else if (letter == 'h' || letter == 's') {
        decide(c, letter == 's');
        c->clock = true;
    } else {
        decide(c, false);
        c->day = true;
    }
    c->before = letter;
}

/* Words that would be taken for letters of a date. */
static const struct {
    const char *word;
    bool clock;
} words[] = {
    { "general", false },
    { "standard", false }, /* "General" as some writers translate it. */
    { "e+", false },       /* 0.00E+00 */
    { "e-", false },
    { "am/pm", true },
    { "a/p", true },
};

static bool take_word(struct code *c)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (at_word(c->p, words[i].word)) {
            c->p += strlen(words[i].word);
            c->clock |= words[i].clock;
            return true;
        }
    }
    return false;
}

static void take_quoted(struct code *c)
{
    const char *end = strchr(c->p + 1, '"');

    c->p = end ? end + 1 : c->p + strlen(c->p);
}

/* One token; false at the end of the first section. */
static bool take_token(struct code *c)
{
    if (take_word(c))
        return true;
    switch (lower(*c->p)) {
    case '\0':
    case ';':
        return false;
    case '"':
        take_quoted(c);
        break;
    case '\\':
    case '_': /* A blank as wide as the next character. */
    case '*': /* The next character, to fill the cell. */
        c->p += c->p[1] ? 2 : 1;
        break;
    case '[':
        take_bracket(c);
        break;
    case 'a':
        if (at_word(c->p, "aaa")) /* Name of the day, in East Asian codes. */
            take_letters(c);
        else
            c->p++;
        break;
    case 'b':
    case 'd':
    case 'e':
    case 'g':
    case 'h':
    case 'm':
    case 's':
    case 'y':
        take_letters(c);
        break;
    default:
        c->p++;
    }
    return true;
}

bool date_format_code_kind(const char *code, enum date_kind *kind)
{
    struct code c = { .p = code };

    while (take_token(&c))
        ;
    decide(&c, false);
    if (c.day)
        *kind = c.clock || c.elapsed ? DATE_DATETIME : DATE_DATE;
    else if (c.elapsed)
        *kind = DATE_DURATION;
    else if (c.clock)
        *kind = DATE_TIME;
    else
        return false;
    return true;
}

/*
 * The ids that mean a date. 27-36 and 50-58 depend on the language of the program; those that are
 * a day in one and a time in another are shown as both, which hides nothing.
 */
static const struct {
    uint8_t first, last;
    uint8_t kind;
} built_in[] = {
    { 14, 17, DATE_DATE },
    { 18, 21, DATE_TIME },
    { 22, 22, DATE_DATETIME },
    { 27, 31, DATE_DATE },
    { 32, 33, DATE_TIME },
    { 34, 35, DATE_DATETIME },
    { 36, 36, DATE_DATE },
    { 45, 45, DATE_TIME },
    { 46, 46, DATE_DURATION },
    { 47, 47, DATE_TIME },
    { 50, 54, DATE_DATE },
    { 55, 56, DATE_DATETIME },
    { 57, 58, DATE_DATE },
};

bool date_format_id_kind(unsigned id, enum date_kind *kind)
{
    for (size_t i = 0; id <= BUILT_IN_LAST && i < ARRAY_LEN(built_in); i++) {
        if (id >= built_in[i].first && id <= built_in[i].last) {
            *kind = (enum date_kind)built_in[i].kind;
            return true;
        }
    }
    return false;
}
