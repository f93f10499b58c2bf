/*
 * Records out of CSV text: a walk from mark to mark.
 *
 *   field start ──quote──▶ quoted ──quote──▶ closed ──delimiter──▶ field start
 *        │                   │ ▲               │  └───line end───▶ record
 *        │                   └─┘ "" or \"      └─other─▶ text after the quote: kept, flagged
 *        ├─other─▶ plain ──delimiter──▶ field start    (quotes inside are text)
 *        └─line end─▶ record
 *
 * A quote that is never closed would swallow the rest of the file. It is given up after
 * CSV_OPEN_QUOTE_LINES lines, at the end of the file, and when what closes it stands in the middle
 * of a later line; then only the line in which it opens is bad and the next one is parsed afresh.
 */
#include "formats/csv_int.h"

enum { SPACES_BEFORE_QUOTE = 4 }; /* More is text, not a slip of the writer's. */

_Static_assert(CELL_BLANK == 0 && CELL_TEXT == 1, "put() makes a cell's type of 'has text'");

/* One quoted field: its value and where it stops (at a mark, or at the end of the text). */
struct quoted {
    const char *text;
    size_t len;
    size_t end;
    uint32_t lines; /* Line ends inside. */
};

void csv_parser_init(struct csv_parser *p, const struct csv_dialect *dialect, struct arena *arena)
{
    p->marks.delimiter = dialect->delimiter ? (unsigned char)dialect->delimiter : -1;
    p->marks.quote = dialect->quote ? (unsigned char)dialect->quote : -1;
    p->marks.escape = dialect->backslash && dialect->quote ? '\\' : -1;
    p->arena = arena;
    p->line = 1;
    csv_parser_feed(p, NULL, 0, 0, false);
}

static void restart(struct csv_parser *p, size_t pos)
{
    p->pos = p->scanned = pos;
    p->at = p->n = 0;
    p->window = CSV_WINDOW_FIRST;
}

void csv_parser_feed(struct csv_parser *p, const char *data, size_t pos, size_t limit, bool eof)
{
    p->data = data;
    p->limit = limit;
    p->eof = eof;
    restart(p, pos);
}

/* Make index[at..n) hold a mark; false when the text holds no more. */
static bool scan_more(struct csv_parser *p)
{
    while (p->at == p->n) {
        size_t left = p->limit - p->scanned;

        if (left == 0)
            return false;
        if (left > p->window)
            left = p->window;
        if (p->window < CSV_WINDOW)
            p->window *= 2;
        p->n = (uint32_t)csv_scan(
            p->data + p->scanned, left, (uint32_t)p->scanned, &p->marks, p->index);
        p->at = 0;
        p->scanned += left;
    }
    return true;
}

/* Pass over the mark at `pos`, if there is one. */
static void skip_mark(struct csv_parser *p, size_t pos)
{
    if (scan_more(p) && p->index[p->at] == pos)
        p->at++;
}

static bool is_line_end(int c)
{
    return c == '\n' || c == '\r';
}

static inline void put(struct csv_row *row, uint32_t field, const char *text, size_t len)
{
    if (field < row->n_columns)
        row->columns[field][row->row] =
            (struct cell){ .text = text, .len = (uint32_t)len, .type = len != 0 };
    else if (len)
        row->n_filled = field + 1;
}

/* Is p[0..n) all blanks? */
static bool all_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != ' ' && p[i] != '\t')
            return false;
    }
    return true;
}

/*
 * The inside of a quoted field, doubled quotes and escapes undone, with `tail` bytes behind the
 * closing quote.
 */
static bool unescape(struct csv_parser *p, size_t begin, size_t close, struct quoted *q)
{
    size_t tail = q->end - (close < q->end ? close + 1 : q->end);
    char *out = arena_alloc(p->arena, close - begin + tail + 1), *to = out;

    if (!out)
        return false;
    for (size_t i = begin; i < close; i++) {
        int c = (unsigned char)p->data[i];

        if ((c == p->marks.quote || c == p->marks.escape) && i + 1 < close) {
            int next = (unsigned char)p->data[i + 1];

            if (next == p->marks.quote || (c == p->marks.escape && next == c))
                i++;
        }
        *to++ = p->data[i];
    }
    if (tail) {
        memcpy(to, p->data + close + 1, tail);
        to += tail;
    }
    q->text = out;
    q->len = (size_t)(to - out);
    return true;
}

/*
 * Find the quote that closes the one at `open`; *escaped tells whether the inside has to be
 * rewritten.
 */
static enum csv_outcome find_close(
    struct csv_parser *p, size_t open, size_t *close, bool *escaped, struct quoted *q)
{
    while (scan_more(p)) {
        size_t s = p->index[p->at++];
        int c = (unsigned char)p->data[s];
        bool last = s + 1 == p->limit;

        if (c == '\n' || (c == '\r' && (last || p->data[s + 1] != '\n'))) {
            if (++q->lines >= CSV_OPEN_QUOTE_LINES)
                return CSV_BAD;
        } else if (c == p->marks.escape && !last) {
            int next = (unsigned char)p->data[s + 1];

            if (next == p->marks.quote || next == c) {
                *escaped = true;
                skip_mark(p, s + 1);
            }
        } else if (c == p->marks.quote) {
            if (last && !p->eof)
                return CSV_MORE;
            if (last || (unsigned char)p->data[s + 1] != c) {
                *close = s;
                return s - open > CSV_MAX_FIELD ? CSV_HUGE : CSV_ROW;
            }
            *escaped = true;
            skip_mark(p, s + 1);
        }
    }
    if (p->limit - open > CSV_MAX_FIELD)
        return CSV_HUGE;
    return p->eof ? CSV_BAD : CSV_MORE;
}

/*
 * Parse the field whose opening quote stands at `open`. CSV_ROW: *q is filled, the mark at q->end
 * taken.
 */
static enum csv_outcome quoted_field(
    struct csv_parser *p, size_t open, struct csv_row *row, struct quoted *q)
{
    bool escaped = false, stopped = false;
    size_t close = 0;
    enum csv_outcome outcome;

    *q = (struct quoted){ 0 };
    outcome = find_close(p, open, &close, &escaped, q);
    if (outcome != CSV_ROW)
        return outcome;
    while (!stopped && scan_more(p)) {
        int c;

        q->end = p->index[p->at++];
        c = (unsigned char)p->data[q->end];
        stopped = c == p->marks.delimiter || is_line_end(c);
    }
    if (!stopped) {
        if (!p->eof)
            return CSV_MORE;
        q->end = p->limit;
    }
    if (q->end > close + 1) {
        if (q->lines > 0 && !all_blank(p->data + close + 1, q->end - close - 1))
            return CSV_BAD;
        row->flags |= CSV_TEXT_AFTER_QUOTE;
        escaped = true;
    }
    q->text = p->data + open + 1;
    q->len = close - open - 1;
    if (escaped && p->arena && !unescape(p, open + 1, close, q))
        return CSV_NOMEM;
    return CSV_ROW;
}

/* Give the record up: take only the line in which the quote at `open` stands. */
static enum csv_outcome reject(
    struct csv_parser *p, struct csv_row *row, size_t open, uint64_t line)
{
    size_t s = open;

    while (s < p->limit && !is_line_end((unsigned char)p->data[s]))
        s++;
    row->open_line = line;
    row->end = s;
    if (s < p->limit && p->data[s] == '\r' && s + 1 < p->limit && p->data[s + 1] == '\n')
        s++;
    restart(p, s < p->limit ? s + 1 : s);
    p->line = line + 1;
    return CSV_BAD;
}

/*
 * The record ends with the mark at s (or with the file, at limit). `inner` lines ended inside its
 * quotes.
 */
static enum csv_outcome end_record(
    struct csv_parser *p, struct csv_row *row, size_t s, uint64_t inner)
{
    size_t next = s < p->limit ? s + 1 : s;

    if (s < p->limit && p->data[s] == '\r') {
        if (next == p->limit && !p->eof)
            return CSV_MORE;
        if (next < p->limit && p->data[next] == '\n') {
            skip_mark(p, next);
            next++;
        }
    }
    row->end = s;
    if (s - row->begin > CSV_MAX_FIELD) {
        for (uint32_t i = 0; i < row->n_columns && i < row->n_fields; i++) {
            if (row->columns[i][row->row].len > CSV_MAX_FIELD)
                return CSV_HUGE;
        }
    }
    p->pos = next;
    p->line = row->line + inner + 1;
    return row->n_fields == 1 && s == row->begin ? CSV_BLANK : CSV_ROW;
}

/*
 * The next mark that ends a field of plain text beginning at `start`, in *s: a delimiter, a line
 * end, or the quote that makes the field a quoted one. False at the end of the text. (An escape
 * means nothing outside quotes.)
 */
static inline bool end_of_plain(struct csv_parser *p, struct csv_row *row, size_t start, size_t *s)
{
    const int delimiter = p->marks.delimiter, quote = p->marks.quote;

    while (p->at < p->n || scan_more(p)) {
        int c;

        *s = p->index[p->at++];
        c = (unsigned char)p->data[*s];
        if (c == delimiter || is_line_end(c))
            return true;
        if (c == quote) {
            if (*s == start)
                return true;
            if (*s - start <= SPACES_BEFORE_QUOTE && all_blank(p->data + start, *s - start))
                row->flags |= CSV_SPACE_BEFORE_QUOTE;
        }
    }
    return false;
}

/*
 * Take fields of plain text that end with a delimiter, from *start on: nearly all fields of nearly
 * all files.
 */
static inline void take_plain(
    struct csv_parser *p, struct csv_row *row, uint32_t *field, size_t *start)
{
    const char *const data = p->data;
    const int delimiter = p->marks.delimiter;
    const uint32_t n = p->n;
    struct csv_row to = *row; /* Nothing stored through a pointer can change it. */
    uint32_t at = p->at, f = *field;
    size_t from = *start;

    for (; at < n; at++, f++) {
        size_t s = p->index[at];

        if ((unsigned char)data[s] != delimiter)
            break;
        put(&to, f, data + from, s - from);
        from = s + 1;
    }
    row->n_filled = to.n_filled;
    p->at = at;
    *field = f;
    *start = from;
}

enum csv_outcome csv_parse(struct csv_parser *p, struct csv_row *row)
{
    const char *const data = p->data;
    size_t start = p->pos, s;
    uint32_t field = 0;
    uint64_t inner = 0;

    row->n_filled = row->flags = 0;
    row->begin = row->end = start;
    row->line = row->open_line = p->line;
    for (;; field++, start = s + 1) {
        take_plain(p, row, &field, &start);
        if (!end_of_plain(p, row, start, &s)) {
            if (!p->eof)
                return CSV_MORE;
            if (start == p->limit && field == 0)
                return CSV_END;
            s = p->limit;
        }
        if (s == start && s < p->limit && (unsigned char)data[s] == p->marks.quote) {
            struct quoted q;
            enum csv_outcome outcome = quoted_field(p, s, row, &q);

            row->open_line = row->line + inner;
            if (outcome == CSV_BAD)
                return reject(p, row, s, row->open_line);
            if (outcome != CSV_ROW)
                return outcome;
            inner += q.lines;
            put(row, field, q.text, q.len);
            s = q.end;
        } else {
            put(row, field, data + start, s - start);
        }
        if (s == p->limit || is_line_end((unsigned char)data[s]))
            break;
    }
    row->n_fields = field + 1;
    return end_record(p, row, s, inner);
}
