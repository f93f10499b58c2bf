/*
 * Templates of SQL: in which context each placeholder stands.
 *
 * The plain text is read as the dialect's own lexer reads it. Slots take no room in it: they stand
 * between two bytes, and nothing that is one sign for the lexer (--, '', $tag$) reaches across one.
 *
 *   bare ──'──▶ string          ──E'──▶ escaped       ──"──▶ double      ──`──▶ backtick
 *        ──[──▶ bracket         ──$t$─▶ dollar        ──/ *─▶ block      ──--──▶ line
 *
 * Where a value and the text beside it could be read as one (a sign and a minus, E and a quote, $ and a tag), the slot
 * is flagged to be set off by a blank, or the template is refused.
 */

#include "ops/template_int.h"

#include <stdio.h>
#include <strings.h>

struct lexer {
    struct parser ps;
    struct parsed p;
    struct template *t;
    size_t i;    /* Next byte of the plain text. */
    size_t slot; /* Next slot. */
    size_t from; /* Plain text not in a piece yet. */
    enum sql_context context;
    size_t opened;        /* Where the context began. */
    unsigned depth;       /* Of block comments. */
    bool executable;      /* A comment that MySQL runs. */
    bool pending_escape;  /* The byte before was a backslash that escapes. */
    bool backslash;       /* The quoted text at hand reads \ as an escape. */
    bool after_escaped;   /* Only blanks since an E'...' or U&'...': a literal here goes on it. */
    bool after_backslash; /* It was E'...'. */
    size_t resumed;       /* Where the bare text at hand began. */
    const char *tag;      /* $tag$ */
    size_t tag_n;
    bool in_statement; /* Something of the statement was seen. */
    bool creates;      /* It begins with CREATE. */
    bool defines_code; /* It is DO or CREATE FUNCTION: what it quotes is run. */
};

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* May be part of an identifier, `$` aside. */
static bool is_word(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool slot_at(const struct lexer *lx, size_t i)
{
    return lx->slot < lx->p.n_slots && lx->p.slots[lx->slot].at == i;
}

/* Byte i of the plain text; -1 past its end. */
static int byte_at(const struct lexer *lx, size_t i)
{
    return i < lx->p.n ? (unsigned char)lx->p.text[i] : -1;
}

/* The byte behind the one at hand, -1 when a slot comes first. */
static int peek(const struct lexer *lx)
{
    return slot_at(lx, lx->i + 1) ? -1 : byte_at(lx, lx->i + 1);
}

/* Does a slot stand before byte i? Those before lx->slot are behind us. */
static bool slot_before(const struct lexer *lx, size_t i)
{
    return lx->slot > 0 && lx->p.slots[lx->slot - 1].at == i;
}

/* Where byte i of the plain text came from: braces make the two differ. */
static size_t source_of(const struct lexer *lx, size_t i)
{
    size_t plain = 0, slot = 0, at = 0;
    const char *s = lx->p.source;

    while (plain < i || (slot < lx->p.n_slots && lx->p.slots[slot].at == plain)) {
        if (slot < lx->p.n_slots && lx->p.slots[slot].source_at == at) {
            at = (size_t)((const char *)memchr(s + at, '}', lx->p.source_n - at) - s) + 1;
            slot++;
        } else if (s[at] == '{' && s[at + 1] == '}') {
            at += 2;
            plain += 2;
        } else {
            at += (s[at] == '{' || s[at] == '}') && at + 1 < lx->p.source_n && s[at + 1] == s[at]
                      ? 2
                      : 1;
            plain++;
        }
    }
    return at;
}

static bool fail_slot(struct lexer *lx, const struct slot *s, struct err *err, const char *why)
{
    return parser_fail(&lx->ps, &lx->p, s->source_at, ERR_ARG, err, "%.80s %s", s->label, why);
}

static void enter(struct lexer *lx, enum sql_context context)
{
    lx->context = context;
    lx->opened = lx->i;
    lx->pending_escape = false;
}

static void leave(struct lexer *lx)
{
    lx->context = SQL_BARE;
    lx->resumed = lx->i;
}

/* ---- slots ---- */

/* Does the word that ends before byte i hold a `$`? Slots in it count for nothing. */
static bool word_has_dollar(const struct lexer *lx, size_t i)
{
    while (i > 0 && (is_word(byte_at(lx, i - 1)) || byte_at(lx, i - 1) == '$')) {
        if (byte_at(lx, i - 1) == '$')
            return true;
        i--;
    }
    return false;
}

static bool one_of(int c, const char *set)
{
    return c > 0 && c < 0x80 && strchr(set, c);
}

/* After `=` alone a minus is a sign; after `!=` PostgreSQL would read the operator `!=-`. */
static bool minus_needs_blank(int c, int before)
{
    if (c == '=')
        return one_of(before, "+-*/<>=~!@#%^&|`?:");
    return one_of(c, "+-*/<>~!@#%^&|`?");
}

static bool look_around(struct lexer *lx, struct slot *s, struct err *err)
{
    bool first = slot_before(lx, lx->i), next = lx->slot + 1 < lx->p.n_slots && s[1].at == lx->i;
    int before = lx->i > 0 ? byte_at(lx, lx->i - 1) : -1;
    int two_before = lx->i > 1 ? byte_at(lx, lx->i - 2) : -1;
    int after = next ? -1 : byte_at(lx, lx->i);

    if (before == '-' && two_before == '-')
        return fail_slot(lx, s, err,
            "follows -- at once, which is a comment for some values only; put a blank between");
    if (before == '$' || after == '$' || word_has_dollar(lx, lx->i))
        return fail_slot(lx, s, err,
            "touches a $, and together they could begin a quoted text; put a blank between");
    if (first || next || is_word(before) || is_word(after) || before == '.' || after == '.')
        s->flags |= SLOT_GLUED;
    else if (one_of(before, "'\"`]&:@#?\\"))
        s->flags |= SLOT_BLANK_BEFORE;
    else if (minus_needs_blank(before, two_before))
        s->flags |= SLOT_BLANK_MINUS;
    if (one_of(after, "'\"`"))
        s->flags |= SLOT_BLANK_AFTER;
    if (lx->after_escaped)
        s->flags |= SLOT_AFTER_ESCAPED;
    if ((s->flags & SLOT_GLUED) && (s->source == SLOT_TIMESTAMP || s->source == SLOT_DATE ||
                                       (s->source == SLOT_COUNTER && lx->t->expression)))
        return fail_slot(lx, s, err, "touches the text beside it; put a blank between");
    return true;
}

/* The same counter may be fine outside literals only. */
static bool check_expression(struct lexer *lx, struct slot *s, struct err *err)
{
    if (s->source != SLOT_COUNTER || !lx->t->expression)
        return true;
    if (lx->context == SQL_BARE ? !*s->before && !*s->after : lx->t->counting == TEMPLATE_UUID)
        return true;
    return fail_slot(
        lx, s, err, "is an expression that only the database can count; put it outside quotes");
}

/* MySQL runs what stands in a comment that begins with ! or M!, and heeds one that begins with +. */
static bool may_turn_code(const struct lexer *lx)
{
    size_t behind = lx->i - lx->opened;

    return behind == 2 || (behind == 3 && byte_at(lx, lx->i - 1) == 'M');
}

static bool take_slot(struct lexer *lx, struct err *err)
{
    struct slot *s = &lx->p.slots[lx->slot];
    struct piece *piece;

    if (lx->pending_escape)
        return fail_slot(lx, s, err,
            "follows a backslash, which would change its first character; write two backslashes");
    if (lx->defines_code &&
        (lx->context == SQL_DOLLAR || lx->context == SQL_STRING || lx->context == SQL_ESCAPED))
        return fail_slot(lx, s, err,
            "stands in the code of a function or DO block, where a value cannot be made safe");
    if (lx->context == SQL_BLOCK && lx->executable)
        return fail_slot(
            lx, s, err, "stands in a comment that MySQL runs, where a value cannot be made safe");
    if (!check_expression(lx, s, err))
        return false;
    s->context = lx->context;
    if (lx->context == SQL_BARE && !look_around(lx, s, err))
        return false;
    if (lx->context == SQL_BLOCK && one_of(byte_at(lx, lx->i), "*/"))
        s->flags |= SLOT_SIGN_AFTER;
    if (lx->context == SQL_BLOCK && may_turn_code(lx))
        s->flags |= SLOT_BLANK_BEFORE;
    if (lx->context == SQL_BARE)
        lx->in_statement = true;
    piece = template_add(lx->t, lx->p.text + lx->from, lx->i - lx->from, s);
    if (!piece)
        return err_nomem(err);
    if (lx->context == SQL_DOLLAR) {
        piece->tag = lx->tag;
        piece->tag_n = lx->tag_n;
    }
    lx->from = lx->i;
    lx->slot++;
    return true;
}

/* ---- dollar quotes ---- */

/*
 * Length of the $tag$ that begins at byte i, none of it parted by a slot; 0. Behind a number some
 * versions of PostgreSQL see a tag, and others do not: *unclear.
 */
static size_t tag_length(const struct lexer *lx, size_t i, bool *unclear)
{
    size_t n = 1, word = i;

    if (lx->t->dialect != SQL_POSTGRESQL || byte_at(lx, i) != '$')
        return 0;
    while (word > lx->resumed && (is_word(byte_at(lx, word - 1)) || byte_at(lx, word - 1) == '$'))
        word--;
    if (word < i && byte_at(lx, word) != '$' && !is_digit(byte_at(lx, word)))
        return 0; /* Within an identifier. */
    while (is_word(byte_at(lx, i + n)) && !(n == 1 && is_digit(byte_at(lx, i + n))))
        n++;
    if (byte_at(lx, i + n) != '$')
        return 0;
    n++;
    for (size_t k = lx->slot; k < lx->p.n_slots && lx->p.slots[k].at < i + n; k++) {
        if (lx->p.slots[k].at > i)
            return 0;
    }
    *unclear = word < i;
    return n;
}

static bool open_dollar(struct lexer *lx, size_t n, struct err *err)
{
    struct piece *piece;

    enter(lx, SQL_DOLLAR);
    lx->tag = lx->p.text + lx->i;
    lx->tag_n = n;
    lx->i += n;
    piece = template_add(lx->t, lx->p.text + lx->from, lx->i - lx->from, NULL);
    if (!piece)
        return err_nomem(err);
    piece->opens = true;
    lx->from = lx->i;
    return true;
}

static bool read_dollar(struct lexer *lx, struct err *err)
{
    struct piece *piece;

    if (lx->p.n - lx->i < lx->tag_n || memcmp(lx->p.text + lx->i, lx->tag, lx->tag_n) != 0) {
        lx->i++;
        return true;
    }
    for (size_t k = 1; k < lx->tag_n; k++) {
        if (slot_at(lx, lx->i + k)) {
            lx->i++;
            return true;
        }
    }
    lx->i += lx->tag_n;
    piece = template_add(lx->t, lx->p.text + lx->from, lx->i - lx->from, NULL);
    if (!piece)
        return err_nomem(err);
    piece->closes = true;
    piece->tag = lx->tag;
    piece->tag_n = lx->tag_n;
    lx->from = lx->i;
    leave(lx);
    return true;
}

/* ---- outside ---- */

/* E or U& right before the quote at hand, a word of its own. PostgreSQL. */
static bool has_prefix(const struct lexer *lx, const char *prefix)
{
    size_t n = strlen(prefix), at = lx->i - n;

    if (lx->t->dialect != SQL_POSTGRESQL || lx->i < n ||
        strncasecmp(lx->p.text + at, prefix, n) != 0)
        return false;
    for (size_t k = 1; k <= n; k++) {
        if (slot_before(lx, at + k))
            return false;
    }
    return at == 0 || slot_before(lx, at) ||
           !(is_word(byte_at(lx, at - 1)) || byte_at(lx, at - 1) == '$');
}

static void open_quote(struct lexer *lx)
{
    bool mysql = lx->t->dialect == SQL_MYSQL;
    int c = byte_at(lx, lx->i);

    if (c == '\'') {
        bool e = has_prefix(lx, "E") || (lx->after_escaped && lx->after_backslash);

        enter(lx, e || lx->after_escaped || has_prefix(lx, "U&") ? SQL_ESCAPED : SQL_STRING);
        lx->backslash = mysql || e;
    } else if (c == '"') {
        enter(lx, mysql || has_prefix(lx, "U&") ? SQL_DOUBLE_TEXT : SQL_DOUBLE);
        lx->backslash = mysql;
    } else {
        enter(lx, c == '[' ? SQL_BRACKET : SQL_BACKTICK);
        lx->backslash = false;
    }
    lx->i++;
    lx->in_statement = true;
    lx->after_escaped = false;
}

static bool opens_line(const struct lexer *lx, int c)
{
    if (lx->t->dialect == SQL_MYSQL && c == '#')
        return true;
    if (c != '-' || peek(lx) != '-')
        return false;
    if (lx->t->dialect != SQL_MYSQL)
        return true;
    /* MySQL wants a blank, or reads two minus signs. */
    return !slot_at(lx, lx->i + 2) && (lx->i + 2 >= lx->p.n || byte_at(lx, lx->i + 2) <= ' ');
}

static void open_block(struct lexer *lx)
{
    int third = byte_at(lx, lx->i + 2), fourth = byte_at(lx, lx->i + 3);

    enter(lx, SQL_BLOCK);
    lx->depth = 1;
    lx->executable =
        lx->t->dialect == SQL_MYSQL && (third == '!' || (third == 'M' && fourth == '!'));
    lx->i += 2;
}

static bool is_keyword(const struct lexer *lx, const char *word)
{
    size_t n = strlen(word);

    return lx->p.n - lx->i >= n && strncasecmp(lx->p.text + lx->i, word, n) == 0 &&
           !is_word(byte_at(lx, lx->i + n));
}

/* DO and CREATE FUNCTION hand what they quote to PostgreSQL as code. */
static void look_at_word(struct lexer *lx)
{
    if (lx->t->dialect != SQL_POSTGRESQL ||
        (lx->i > lx->resumed && is_word(byte_at(lx, lx->i - 1))))
        return;
    if (!lx->in_statement) {
        lx->creates = is_keyword(lx, "create");
        lx->defines_code = is_keyword(lx, "do");
    }
    if (lx->creates && (is_keyword(lx, "function") || is_keyword(lx, "procedure")))
        lx->defines_code = true;
}

static bool read_bare(struct lexer *lx, struct err *err)
{
    enum sql_dialect d = lx->t->dialect;
    int c = byte_at(lx, lx->i);
    bool unclear = false;
    size_t tag;

    if (is_space(c)) {
        lx->i++;
    } else if (opens_line(lx, c)) {
        enter(lx, SQL_LINE);
        lx->i += c == '#' ? 1 : 2;
    } else if (c == '/' && peek(lx) == '*') {
        open_block(lx);
    } else if (c == '\'' || c == '"' || (c == '`' && d != SQL_POSTGRESQL) ||
               (c == '[' && d == SQL_SQLITE)) {
        open_quote(lx);
    } else if ((tag = tag_length(lx, lx->i, &unclear)) > 0) {
        if (unclear)
            return parser_fail(&lx->ps, &lx->p, source_of(lx, lx->i), ERR_ARG, err,
                "a $ right behind a number may begin a quoted text or not; put a blank before it");
        lx->in_statement = true;
        lx->after_escaped = false;
        return open_dollar(lx, tag, err);
    } else {
        look_at_word(lx);
        lx->after_escaped = false;
        lx->t->shape.statements += c == ';' && lx->in_statement;
        lx->in_statement = c != ';';
        if (c == ';')
            lx->creates = lx->defines_code = false;
        lx->i++;
    }
    return true;
}

/* ---- inside ---- */

static void read_quoted(struct lexer *lx, int quote)
{
    int c = byte_at(lx, lx->i);
    bool ends = false;

    if (lx->pending_escape)
        lx->pending_escape = false;
    else if (lx->backslash && c == '\\')
        lx->pending_escape = true;
    else if (c == quote && quote != ']' && peek(lx) == quote)
        lx->i++;
    else
        ends = c == quote;
    lx->i++;
    if (ends) {
        lx->after_escaped = lx->context == SQL_ESCAPED;
        lx->after_backslash = lx->backslash;
        leave(lx);
    }
}

static void read_line(struct lexer *lx)
{
    int c = byte_at(lx, lx->i++);

    if (c == '\n' || (c == '\r' && lx->t->dialect == SQL_POSTGRESQL))
        leave(lx);
}

static void read_block(struct lexer *lx)
{
    int c = byte_at(lx, lx->i), next = peek(lx);

    lx->i++;
    if (c == '*' && next == '/') {
        lx->i++;
        if (--lx->depth == 0)
            leave(lx);
    } else if (c == '/' && next == '*' && lx->t->dialect == SQL_POSTGRESQL) {
        lx->i++;
        lx->depth++;
    }
}

static bool read_byte(struct lexer *lx, struct err *err)
{
    switch (lx->context) {
    case SQL_BARE:
        return read_bare(lx, err);
    case SQL_DOLLAR:
        return read_dollar(lx, err);
    case SQL_STRING:
    case SQL_ESCAPED:
        read_quoted(lx, '\'');
        return true;
    case SQL_DOUBLE:
    case SQL_DOUBLE_TEXT:
        read_quoted(lx, '"');
        return true;
    case SQL_BACKTICK:
        read_quoted(lx, '`');
        return true;
    case SQL_BRACKET:
        read_quoted(lx, ']');
        return true;
    case SQL_LINE:
        read_line(lx);
        return true;
    case SQL_BLOCK:
        read_block(lx);
        return true;
    }
    return true;
}

static const char *const context_names[] = {
    [SQL_BARE] = "",
    [SQL_STRING] = "the literal '...",
    [SQL_ESCAPED] = "the literal E'...",
    [SQL_DOUBLE] = "the name \"...",
    [SQL_DOUBLE_TEXT] = "the quotes \"...",
    [SQL_BACKTICK] = "the name `...",
    [SQL_BRACKET] = "the name [...",
    [SQL_LINE] = "",
    [SQL_BLOCK] = "the comment /*...",
    [SQL_DOLLAR] = "the quoted text $...",
};

static bool finish(struct lexer *lx, struct err *err)
{
    struct template_shape *shape = &lx->t->shape;

    if (*context_names[lx->context])
        return parser_fail(&lx->ps, &lx->p, source_of(lx, lx->opened), ERR_ARG, err,
            "%s is not closed before the template ends", context_names[lx->context]);
    shape->in_comment = lx->context == SQL_LINE;
    shape->open = lx->in_statement;
    shape->statements += shape->open;
    return template_add(lx->t, lx->p.text + lx->from, lx->p.n - lx->from, NULL) || err_nomem(err);
}

static bool check_text(const struct lexer *lx, struct err *err)
{
    const char *nul = memchr(lx->p.source, '\0', lx->p.source_n);

    if (lx->p.source_n > TEMPLATE_MAX_BYTES) {
        return err_argument(err, ERR_ARG, lx->ps.argument,
            "%s: %zu bytes are more than the %d allowed", lx->ps.argument, lx->p.source_n,
            TEMPLATE_MAX_BYTES);
    }
    if (nul)
        return parser_fail(&lx->ps, &lx->p, (size_t)(nul - lx->p.source), ERR_ARG, err,
            "the character U+0000 ends a script for most databases");
    return true;
}

bool template_sql_compile(const char *text, size_t n, enum sql_dialect dialect,
    const struct template_options *options, struct arena *arena, struct template **out,
    struct err *err)
{
    struct lexer lx = { .p = { .source = text, .source_n = n } };

    if (!parser_init(&lx.ps, options, true, arena, err) || !check_text(&lx, err) ||
        !parser_read(&lx.ps, &lx.p, err))
        return false;
    lx.t = template_new(options, arena);
    if (!lx.t)
        return err_nomem(err);
    lx.t->dialect = dialect;
    if (!template_set_now(lx.t, options->now_ns))
        return err_nomem(err);
    while (lx.i < lx.p.n || slot_at(&lx, lx.i)) {
        if (!(slot_at(&lx, lx.i) ? take_slot(&lx, err) : read_byte(&lx, err)))
            return false;
    }
    if (!finish(&lx, err))
        return false;
    *out = lx.t;
    return true;
}

const struct template_shape *template_sql_shape(const struct template *t)
{
    return &t->shape;
}
