/*
 * What stands before and behind the cells of a worksheet part: stepped over, but checked to be XML
 * whose tags match, so that a part that was cut or spoilt never passes for a whole one.
 */
#include "formats/xlsx_sheet.h"

/* Open elements, as hashes of their names. */
struct nest {
    uint64_t names[XML_MAX_DEPTH];
    unsigned depth;
};

static uint64_t name_hash(struct str name)
{
    uint64_t h = 0xcbf29ce484222325;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (uint8_t)name.p[i]) * 0x100000001b3;
    return h;
}

/* The next token, with the nesting kept; kind XML_MORE at the end of the part. */
static bool step(struct sheet_scan *s, struct nest *nest, struct xml_token *t, struct err *err)
{
    if (!xml_input_next(&s->in, t, err))
        return false;
    if (t->kind == XML_START) {
        if (nest->depth == XML_MAX_DEPTH)
            return xml_input_bad(&s->in, t->name.p, "elements are nested too deep", err);
        nest->names[nest->depth++] = name_hash(t->name);
    } else if (t->kind == XML_END) {
        if (nest->depth == 0 || nest->names[--nest->depth] != name_hash(t->name))
            return xml_input_bad(&s->in, t->name.p, "an end tag does not match its start tag", err);
    }
    return true;
}

static bool open_root(struct sheet_scan *s, struct nest *nest, bool *empty, struct err *err)
{
    struct xml_token t;
    struct str local;

    do {
        if (!step(s, nest, &t, err))
            return false;
        if (t.kind == XML_MORE)
            return xml_input_bad(&s->in, s->in.p, "it is empty", err);
    } while (t.kind != XML_START && t.kind != XML_EMPTY);
    local = xml_local(t.name);
    if (!str_is(local, "worksheet") || t.name.n > sizeof s->names)
        return xml_input_bad(&s->in, t.name.p, "it is not a worksheet", err);
    memcpy(s->names, t.name.p, t.name.n);
    s->n_root = (unsigned)t.name.n;
    s->n_prefix = (unsigned)(t.name.n - local.n);
    *empty = t.kind == XML_EMPTY;
    return true;
}

bool sheet_open(struct sheet_scan *s, struct xml_input *in, struct err *err)
{
    struct nest nest = { .depth = 0 };
    struct xml_token t;
    bool empty = false;

    *s = (struct sheet_scan){ .in = *in, .state = SHEET_BEHIND };
    *in = (struct xml_input){ .buf = NULL };
    buf_init(&s->text, XML_MAX_TOKEN);
    if (!open_root(s, &nest, &empty, err))
        goto fail;
    while (!empty && nest.depth > 0) {
        if (!step(s, &nest, &t, err))
            goto fail;
        if (t.kind == XML_MORE) {
            xml_input_bad(&s->in, s->in.p, "it ends before the cells", err);
            goto fail;
        }
        if ((t.kind == XML_START ? nest.depth == 2 : t.kind == XML_EMPTY && nest.depth == 1) &&
            str_is(xml_local(t.name), "sheetData")) {
            s->state = t.kind == XML_START ? SHEET_BETWEEN : SHEET_BEHIND;
            return true;
        }
    }
    s->state =
        SHEET_DONE; /* A sheet without cells; whatever follows is checked by sheet_finish(). */
    return true;
fail:
    sheet_close(s);
    return false;
}

/* "A1:C3", "B2" */
static bool parse_range(struct str ref, struct sheet_range *range)
{
    const char *colon = memchr(ref.p, ':', ref.n);
    size_t first = colon ? (size_t)(colon - ref.p) : ref.n;
    uint32_t swap;

    if (!sheet_reference(ref.p, first, &range->col1, &range->row1))
        return false;
    range->col2 = range->col1;
    range->row2 = range->row1;
    if (colon && !sheet_reference(colon + 1, ref.n - first - 1, &range->col2, &range->row2))
        return false;
    if (range->col2 < range->col1) {
        swap = range->col1;
        range->col1 = range->col2;
        range->col2 = swap;
    }
    if (range->row2 < range->row1) {
        swap = range->row1;
        range->row1 = range->row2;
        range->row2 = swap;
    }
    return true;
}

static bool merge_cell(struct sheet_scan *s, const struct xml_token *t, sheet_merged_fn *merged,
    void *arg, struct err *err)
{
    struct sheet_range range;
    struct str ref;

    if (!xml_attr_find(t->attrs, "ref", &ref) || !parse_range(ref, &range))
        return xml_input_bad(&s->in, t->name.p, "a merged range is not one that a sheet has", err);
    return merged(arg, &range, err);
}

static bool only_blanks(const struct xml_token *t)
{
    if (t->kind == XML_OTHER)
        return true;
    if (t->kind != XML_TEXT)
        return false;
    for (size_t i = 0; i < t->text.n; i++) {
        if (!xml_space(t->text.p[i]))
            return false;
    }
    return true;
}

bool sheet_finish(struct sheet_scan *s, sheet_merged_fn *merged, void *arg, struct err *err)
{
    struct nest nest = { .depth = 0 };
    struct xml_token t;
    struct str local;

    if (s->state != SHEET_DONE)
        nest.names[nest.depth++] = name_hash((struct str){ s->names, s->n_root });
    while (nest.depth > 0) {
        if (!step(s, &nest, &t, err))
            return false;
        if (t.kind == XML_MORE)
            return xml_input_bad(&s->in, s->in.p, "it ends before its last tag", err);
        if (t.kind != XML_START && t.kind != XML_EMPTY)
            continue;
        local = xml_local(t.name);
        if (str_is(local, "sheetData"))
            return xml_input_bad(&s->in, t.name.p, "it holds two tables of cells", err);
        if (merged && str_is(local, "mergeCell") && !merge_cell(s, &t, merged, arg, err))
            return false;
    }
    s->state = SHEET_DONE;
    do {
        if (!step(s, &nest, &t, err))
            return false;
        if (t.kind != XML_MORE && !only_blanks(&t))
            return xml_input_bad(&s->in, s->in.p, "there is something behind its end", err);
    } while (t.kind != XML_MORE);
    return true;
}
