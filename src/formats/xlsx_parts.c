/*
 * The small parts of a workbook: content types, relationships and the list of sheets.
 */
#include "formats/xlsx_parts_int.h"

#include "base/num.h"
#include "base/utf8.h"
#include "formats/xlsx_rich.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct rel {
    struct rel *next;
    const char *id, *type, *target; /* target: a name for zip_read_find(). */
};

struct rels {
    struct xlsx_book *book;
    const char *base; /* The folder targets start from, with its '/', or "". */
    struct rel *first, **last;
    uint32_t n;
};

bool xlsx_parts_parse(struct xlsx_book *book, const struct zip_entry *entry, void *ctx,
    bool (*start)(void *, const char *, const char **, struct err *),
    bool (*end)(void *, const char *, struct err *), struct err *err)
{
    struct xlsx_xml handler = { .ctx = ctx, .start = start, .end = end };

    return xlsx_xml_parse(
        book->zip, entry, book->label, XLSX_PART_MAX, book->arena->budget, &handler, err);
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n >= m && strcasecmp(s + n - m, tail) == 0;
}

static bool on_rel(void *arg, const char *name, const char **attrs, struct err *err)
{
    struct rels *rels = arg;
    const char *id, *type, *target, *mode;
    struct rel *rel;

    if (strcmp(name, "Relationship") != 0)
        return true;
    id = xlsx_xml_attr(attrs, "Id");
    type = xlsx_xml_attr(attrs, "Type");
    target = xlsx_xml_attr(attrs, "Target");
    mode = xlsx_xml_attr(attrs, "TargetMode");
    /* What lies outside the package is never opened. */
    if (!id || !type || !target || (mode && strcasecmp(mode, "External") == 0))
        return true;
    if (rels->n++ == XLSX_MAX_RELS)
        return err_set(err, ERR_BUDGET, "'%s': a part has more than %d relationships",
            rels->book->label, XLSX_MAX_RELS);
    rel = arena_calloc(rels->book->arena, 1, sizeof *rel);
    if (!rel)
        return err_nomem(err);
    rel->id = arena_strdup(rels->book->arena, id);
    rel->type = arena_strdup(rels->book->arena, type);
    rel->target = target[0] == '/' || target[0] == '\\'
                      ? arena_strdup(rels->book->arena, target)
                      : arena_printf(rels->book->arena, "%s%s", rels->base, target);
    if (!rel->id || !rel->type || !rel->target)
        return err_nomem(err);
    *rels->last = rel;
    rels->last = &rel->next;
    return true;
}

/* The relationships of `part` ("" is the package); *found false when it has none. */
static bool load_rels(
    struct xlsx_book *book, const char *part, struct rels *rels, bool *found, struct err *err)
{
    const char *slash = strrchr(part, '/');
    size_t folder = slash ? (size_t)(slash - part) + 1 : 0;
    const struct zip_entry *entry;
    char *name;

    *rels = (struct rels){ .book = book, .base = arena_dup(book->arena, part, folder) };
    rels->last = &rels->first;
    name = arena_printf(book->arena, "%.*s_rels/%s.rels", (int)folder, part, part + folder);
    if (!rels->base || !name)
        return err_nomem(err);
    entry = zip_read_find(book->zip, name);
    *found = entry != NULL;
    return !entry || xlsx_parts_parse(book, entry, rels, on_rel, NULL, err);
}

static const struct rel *rel_by_type(const struct rels *rels, const char *tail)
{
    for (const struct rel *r = rels->first; r; r = r->next) {
        if (ends_with(r->type, tail))
            return r;
    }
    return NULL;
}

static const struct rel *rel_by_id(const struct rels *rels, const char *id)
{
    for (const struct rel *r = rels->first; r; r = r->next) {
        if (strcmp(r->id, id) == 0)
            return r;
    }
    return NULL;
}

bool xlsx_parts_related(struct xlsx_book *book, const char *part, const char *type,
    bool (*each)(void *arg, const char *target, struct err *err), void *arg, struct err *err)
{
    struct rels rels;
    bool found;

    if (!load_rels(book, part, &rels, &found, err))
        return false;
    for (const struct rel *r = rels.first; r; r = r->next) {
        if (ends_with(r->type, type) && !each(arg, r->target, err))
            return false;
    }
    return true;
}

/* The main part as [Content_Types].xml has it. */
struct content_types {
    struct xlsx_book *book;
    const char *workbook;
    bool binary;
};

static bool on_type(void *arg, const char *name, const char **attrs, struct err *err)
{
    struct content_types *ct = arg;
    const char *type = xlsx_xml_attr(attrs, "ContentType"),
               *part = xlsx_xml_attr(attrs, "PartName");

    if (strcmp(name, "Override") != 0 || !type || !part || ct->workbook)
        return true;
    if (strcasecmp(type, "application/vnd.ms-excel.sheet.binary.macroEnabled.main") == 0)
        ct->binary = true;
    if (!ends_with(type, ".main+xml") ||
        !(strstr(type, "spreadsheetml") || strstr(type, "ms-excel")))
        return true;
    ct->workbook = arena_strdup(ct->book->arena, part);
    return ct->workbook || err_nomem(err);
}

/* Some other program's package, told by its main part. */
static bool not_a_workbook(const struct xlsx_book *book, const char *part, struct err *err)
{
    const char *what = "a zip file without an Excel workbook in it";

    if (part && strstr(part, "word/"))
        what = "a Word document";
    else if (part && strstr(part, "ppt/"))
        what = "a PowerPoint presentation";
    else if (part && strstr(part, "visio/"))
        what = "a Visio drawing";
    else if (zip_read_find(book->zip, "Index/Document.iwa") ||
             zip_read_find(book->zip, "Index.zip"))
        what = "a Numbers document";
    else if (zip_read_find(book->zip, "content.xml"))
        what = "an OpenDocument file";
    return err_set(err, ERR_FORMAT,
        "'%s' is %s; upload an Excel workbook (.xlsx, .xlsm, .xls) or delimited text", book->label,
        what);
}

/* The workbook's part; NULL with *err set when there is none. */
static const struct zip_entry *find_workbook(struct xlsx_book *book, struct err *err)
{
    struct content_types ct = { .book = book };
    const struct zip_entry *types = zip_read_find(book->zip, "[Content_Types].xml"), *e = NULL;
    const struct rel *main_rel;
    struct rels rels;
    bool found;

    if (!load_rels(book, "", &rels, &found, err))
        return NULL;
    if (types && !xlsx_parts_parse(book, types, &ct, on_type, NULL, err))
        return NULL;
    main_rel = rel_by_type(&rels, "/officeDocument");
    if (ct.binary || (main_rel && ends_with(main_rel->target, ".bin"))) {
        err_set(err, ERR_FORMAT,
            "'%s' is an Excel binary workbook (.xlsb); save it as .xlsx and upload that file",
            book->label);
        return NULL;
    }
    if (main_rel)
        e = zip_read_find(book->zip, main_rel->target);
    if (ct.workbook && (!e || !ends_with(e->name, ".xml")))
        e = zip_read_find(book->zip, ct.workbook);
    if (!e)
        e = zip_read_find(book->zip, "xl/workbook.xml");
    if (!e)
        not_a_workbook(book, main_rel ? main_rel->target : NULL, err);
    return e;
}

struct workbook {
    struct xlsx_book *book;
    const struct rels *rels;
    bool have_rels, root_seen;
    const char *base;
    uint32_t room;
};

static enum xlsx_sheet_kind kind_of(const char *type)
{
    if (ends_with(type, "/worksheet"))
        return XLSX_WORKSHEET;
    return ends_with(type, "/chartsheet") ? XLSX_CHARTSHEET : XLSX_OTHER_SHEET;
}

static bool add_tab(struct workbook *w, const char **attrs, struct err *err)
{
    struct xlsx_book *book = w->book;
    const char *name = xlsx_xml_attr(attrs, "name"), *id = xlsx_xml_attr(attrs, "id");
    const char *state = xlsx_xml_attr(attrs, "state");
    const struct rel *rel = id ? rel_by_id(w->rels, id) : NULL;
    const struct zip_entry *e;
    struct xlsx_tab *tab;
    char *copy;

    if (book->n_tabs == XLSX_MAX_SHEETS)
        return err_set(
            err, ERR_BUDGET, "'%s' has more than %d sheets", book->label, XLSX_MAX_SHEETS);
    if (book->n_tabs == w->room) {
        struct xlsx_tab *more;

        w->room = w->room ? w->room * 2 : 16;
        more = arena_calloc(book->arena, w->room, sizeof *more);
        if (!more)
            return err_nomem(err);
        if (book->n_tabs)
            memcpy(more, book->tabs, book->n_tabs * sizeof *more);
        book->tabs = more;
    }
    tab = &book->tabs[book->n_tabs];
    copy = name ? arena_strdup(book->arena, name)
                : arena_printf(book->arena, "Sheet%u", book->n_tabs + 1);
    if (!copy)
        return err_nomem(err);
    copy[rich_unescape(copy, strlen(copy))] = '\0';
    tab->name = copy;
    tab->state = "visible";
    if (state && strcmp(state, "hidden") == 0)
        tab->state = "hidden";
    else if (state && strcmp(state, "veryHidden") == 0)
        tab->state = "veryHidden";
    tab->kind = rel ? kind_of(rel->type) : XLSX_WORKSHEET;
    tab->part = rel            ? rel->target
                : w->have_rels ? NULL
                               : arena_printf(book->arena, "%sworksheets/sheet%u.xml", w->base,
                                     book->n_tabs + 1);
    e = tab->part ? zip_read_find(book->zip, tab->part) : NULL;
    if (!e && tab->kind == XLSX_WORKSHEET)
        tab->kind = XLSX_LOST_SHEET;
    tab->part = e ? e->name : NULL;
    book->n_tabs++;
    return true;
}

static bool on_workbook(void *arg, const char *name, const char **attrs, struct err *err)
{
    struct workbook *w = arg;
    const char *value;

    if (!w->root_seen && strcmp(name, "workbook") != 0)
        return not_a_workbook(w->book, NULL, err);
    w->root_seen = true;
    if (strcmp(name, "workbookPr") == 0) {
        value = xlsx_xml_attr(attrs, "date1904");
        w->book->date1904 = value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
    } else if (strcmp(name, "sheet") == 0) {
        return add_tab(w, attrs, err);
    }
    return true;
}

/* A part that the workbook's relationships name, else the usual one beside it. */
static const char *side_part(
    struct xlsx_book *book, const struct rels *rels, const char *type, const char *usual)
{
    const struct rel *rel = rel_by_type(rels, type);
    const struct zip_entry *e = rel ? zip_read_find(book->zip, rel->target) : NULL;
    char *name;

    if (!e) {
        name = arena_printf(book->arena, "%s%s", rels->base, usual);
        e = name ? zip_read_find(book->zip, name) : NULL;
    }
    return e ? e->name : NULL;
}

bool xlsx_parts_load(struct xlsx_book *book, struct arena *arena, struct zip_reader *zip,
    const char *label, struct formats *formats, struct err *err)
{
    struct workbook w = { .book = book };
    const struct zip_entry *entry;
    struct rels rels;

    *book = (struct xlsx_book){ .arena = arena, .zip = zip, .label = label };
    entry = find_workbook(book, err);
    if (!entry || !load_rels(book, entry->name, &rels, &w.have_rels, err))
        return false;
    w.rels = &rels;
    w.base = rels.base;
    if (!xlsx_parts_parse(book, entry, &w, on_workbook, NULL, err))
        return false;
    if (book->n_tabs == 0)
        return err_set(err, ERR_DATA, "'%s' has no sheets", label);
    book->strings_part = side_part(book, &rels, "/sharedStrings", "sharedStrings.xml");
    book->styles_part = side_part(book, &rels, "/styles", "styles.xml");
    book->links = rel_by_type(&rels, "/externalLink") != NULL;
    return xlsx_styles_load(book, formats, err);
}

void xlsx_parts_list(const struct xlsx_book *book, char *out, size_t size)
{
    static const char more[] = ", ...";
    size_t len = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < book->n_tabs; i++) {
        const char *name = book->tabs[i].name;
        size_t n = strlen(name) + (i ? 2 : 0);

        if (n >= size - len || (i + 1 < book->n_tabs && n + sizeof more > size - len)) {
            snprintf(out + len, size - len, "%s", i ? more : "...");
            return;
        }
        snprintf(out + len, size - len, "%s%s", i ? ", " : "", name);
        len += n;
    }
}

void xlsx_parts_available(const struct xlsx_book *book, struct err *err)
{
    for (uint32_t i = 0; i < book->n_tabs; i++) {
        if (!err_list_add(err->available, sizeof err->available, book->tabs[i].name))
            break;
    }
}

static bool no_such_sheet(const struct xlsx_book *book, const char *sheet, struct err *err)
{
    const char *names[XLSX_MAX_SHEETS], *near;
    char list[160];

    for (uint32_t i = 0; i < book->n_tabs; i++)
        names[i] = book->tabs[i].name;
    near = utf8_nearest(sheet, names, book->n_tabs);
    xlsx_parts_list(book, list, sizeof list);
    err_set(err, ERR_ARG, "'%s' has no sheet '%s'%s%s%s Available: %s", book->label, sheet,
        near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "", list);
    xlsx_parts_available(book, err);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    memcpy(err->argument, "sheet", 6);
    return false;
}

static bool no_table(const struct xlsx_book *book, const struct xlsx_tab *tab, struct err *err)
{
    const char *what = tab->kind == XLSX_CHARTSHEET ? "holds a chart and no cells"
                       : tab->kind == XLSX_LOST_SHEET
                           ? "is listed in the workbook, but its part is missing"
                           : "is a macro or dialog sheet";

    err_set(err, tab->kind == XLSX_LOST_SHEET ? ERR_DATA : ERR_ARG, "'%s': the sheet '%s' %s",
        book->label, tab->name, what);
    memcpy(err->argument, "sheet", 6);
    return false;
}

static bool first_visible(const struct xlsx_book *book, uint32_t *tab, struct err *err)
{
    const struct xlsx_tab *lost = NULL;

    for (uint32_t i = 0; i < book->n_tabs; i++) {
        const struct xlsx_tab *t = &book->tabs[i];

        if (strcmp(t->state, "visible") != 0)
            continue;
        if (t->kind == XLSX_WORKSHEET) {
            *tab = i;
            return true;
        }
        if (t->kind == XLSX_LOST_SHEET && !lost)
            lost = t;
    }
    if (lost)
        return no_table(book, lost, err);
    return err_set(err, ERR_DATA,
        "'%s' has no visible worksheet; name one of its %u sheets in the argument 'sheet'",
        book->label, book->n_tabs);
}

/* Equal but for case, over all of Unicode. */
static bool same_name(struct arena *scratch, const char *a, const char *b)
{
    size_t n, m;
    const char *x = utf8_fold(scratch, a, strlen(a), &n);
    const char *y = utf8_fold(scratch, b, strlen(b), &m);

    return x && y && n == m && memcmp(x, y, n) == 0;
}

bool xlsx_parts_choose(
    const struct xlsx_book *book, const char *sheet, uint32_t *tab, struct err *err)
{
    uint32_t found = book->n_tabs;
    int64_t number;

    if (!sheet || !sheet[0])
        return first_visible(book, tab, err);
    for (uint32_t i = 0; i < book->n_tabs && found == book->n_tabs; i++) {
        if (strcmp(book->tabs[i].name, sheet) == 0)
            found = i;
    }
    for (uint32_t i = 0; i < book->n_tabs && found == book->n_tabs; i++) {
        struct arena scratch;

        arena_init(&scratch, NULL);
        if (same_name(&scratch, book->tabs[i].name, sheet))
            found = i;
        arena_deinit(&scratch);
    }
    if (found == book->n_tabs && num_parse_int(sheet, strlen(sheet), &number) && number >= 1 &&
        number <= book->n_tabs)
        found = (uint32_t)number - 1;
    if (found == book->n_tabs)
        return no_such_sheet(book, sheet, err);
    if (book->tabs[found].kind != XLSX_WORKSHEET)
        return no_table(book, &book->tabs[found], err);
    *tab = found;
    return true;
}
