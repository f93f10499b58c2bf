/*
 * The globals of an old workbook.
 *
 * They are gone through twice: texts can only be decoded when the code page is known, and nothing
 * makes sense when the workbook is encrypted.
 */
#include "formats/xls_book.h"

#include "formats/little_endian.h"

enum {
    VERSION_5 = 0x0500, /* Excel 5 and 95. */
    VERSION_8 = 0x0600, /* Excel 97 to 2003. */
    KIND_CHART = 0x20,  /* Of a BOF record. */
    KIND_MACRO = 0x40,
    TAB_SHEET = 0, /* Of a BOUNDSHEET record. */
    TAB_CHART = 2
};

/* Code pages by what CODEPAGE records call them. Others have no converter or are Unicode. */
static const struct {
    uint16_t id;
    const char *encoding;
} codepages[] = { { 367, "WINDOWS-1252" }, { 437, "CP437" }, { 737, "CP737" }, { 775, "CP775" },
    { 850, "CP850" }, { 852, "CP852" }, { 855, "CP855" }, { 857, "CP857" }, { 860, "CP860" },
    { 861, "CP861" }, { 862, "CP862" }, { 863, "CP863" }, { 864, "CP864" }, { 865, "CP865" },
    { 866, "IBM866" }, { 869, "CP869" }, { 874, "CP874" }, { 932, "CP932" }, { 936, "GBK" },
    { 949, "CP949" }, { 950, "BIG5-HKSCS" }, { 1250, "WINDOWS-1250" }, { 1251, "WINDOWS-1251" },
    { 1252, "WINDOWS-1252" }, { 1253, "WINDOWS-1253" }, { 1254, "WINDOWS-1254" },
    { 1255, "WINDOWS-1255" }, { 1256, "WINDOWS-1256" }, { 1257, "WINDOWS-1257" },
    { 1258, "WINDOWS-1258" }, { 1361, "JOHAB" }, { 10000, "MACINTOSH" }, { 10007, "MAC-CYRILLIC" },
    { 10029, "MAC-CENTRALEUROPE" }, { 32768, "MACINTOSH" }, { 32769, "WINDOWS-1252" } };

struct loader {
    struct xls_book *b;
    struct xlsx_book *book;
    struct xlsx_strings *strings;
    struct xls_styles styles;
    struct warnings *warnings;
    unsigned codepage; /* 0: not told. */
    size_t tab_room;
    char *scratch; /* For one text. */
};

static bool too_old(const struct loader *l, unsigned excel, struct err *err)
{
    return err_set(err, ERR_FORMAT,
        "'%s' is a workbook of Excel %u, which is too old to be read; open it in Excel or "
        "LibreOffice and save it as .xlsx",
        l->book->label, excel);
}

/* The first record: which Excel wrote it? */
static bool check_version(struct loader *l, const struct xls_record *r, struct err *err)
{
    unsigned version = r->id == XLS_BOF && r->n >= 4 ? le16(r->p) : 0;

    if (r->id == XLS_BOF_2 || r->id == XLS_BOF_3 || r->id == XLS_BOF_4)
        return too_old(l, r->id == XLS_BOF_2 ? 2 : r->id == XLS_BOF_3 ? 3 : 4, err);
    if (r->id != XLS_BOF || r->n < 4)
        return xls_records_damaged(&l->b->records, r->at, "it does not begin as a workbook", err);
    if (version >= 0x0200 && version < VERSION_5)
        return too_old(l, version >> 8, err);
    l->b->set.biff8 = version >= VERSION_8;
    return true;
}

/* Version, encryption, code page, dates. */
static bool first_pass(struct loader *l, struct err *err)
{
    struct xls_records s = l->b->records;
    struct xls_record r;
    bool got;

    for (bool first = true;; first = false) {
        if (!xls_records_next(&s, &r, &got, err))
            return false;
        if (first && !got)
            return err_set(err, ERR_DATA, "'%s' holds an empty workbook", l->book->label);
        if (first && !check_version(l, &r, err))
            return false;
        if (!got || r.id == XLS_EOF)
            return true;
        if (r.id == XLS_FILEPASS)
            return err_set(err, ERR_FORMAT,
                "%s is a password-protected workbook; save it without the password",
                l->book->label);
        if (r.id == XLS_CODEPAGE && r.n >= 2)
            l->codepage = le16(r.p);
        else if (r.id == XLS_DATEMODE && r.n >= 2)
            l->book->date1904 = le16(r.p) == 1;
    }
}

static void choose_codepage(struct loader *l)
{
    const char *encoding = l->codepage == 0 ? "WINDOWS-1252" : NULL;

    if (l->b->set.biff8)
        return;
    for (size_t i = 0; i < ARRAY_LEN(codepages) && !encoding; i++) {
        if (codepages[i].id == l->codepage)
            encoding = codepages[i].encoding;
    }
    l->b->set.codepage = encoding ? encoding_text_new(encoding) : NULL;
    if (!l->b->set.codepage) {
        warn_add(l->warnings, "unknown_codepage",
            "texts are in a code page that is not known here and were read as Windows-1252",
            "code page %u", l->codepage);
        l->b->set.codepage = encoding_text_new("WINDOWS-1252");
    }
}

/* What stands where the BOUNDSHEET record says that the sheet is? */
static enum xlsx_sheet_kind kind_of(const struct loader *l, size_t at, unsigned tab_kind)
{
    struct xls_records s = l->b->records;
    struct xls_record r;
    struct err ignored;
    unsigned kind;
    bool got;

    if (at >= s.n)
        return XLSX_LOST_SHEET;
    s.at = at;
    if (!xls_records_next(&s, &r, &got, &ignored) || !got || r.id != XLS_BOF || r.n < 4)
        return XLSX_LOST_SHEET;
    kind = le16(r.p + 2);
    if (kind == KIND_CHART || tab_kind == TAB_CHART)
        return XLSX_CHARTSHEET;
    return kind == KIND_MACRO || tab_kind != TAB_SHEET ? XLSX_OTHER_SHEET : XLSX_WORKSHEET;
}

static bool grow_tabs(struct loader *l, struct err *err)
{
    size_t n = l->book->n_tabs, room = l->tab_room ? l->tab_room * 2 : 16;
    struct xlsx_tab *tabs;
    size_t *sheets;

    if (n == XLSX_MAX_SHEETS)
        return err_set(
            err, ERR_BUDGET, "'%s' has more than %d sheets", l->book->label, XLSX_MAX_SHEETS);
    if (n < l->tab_room)
        return true;
    tabs = arena_calloc(l->book->arena, room, sizeof *tabs);
    sheets = arena_calloc(l->book->arena, room, sizeof *sheets);
    if (!tabs || !sheets)
        return err_nomem(err);
    if (n) {
        memcpy(tabs, l->book->tabs, n * sizeof *tabs);
        memcpy(sheets, l->b->sheets, n * sizeof *sheets);
    }
    l->book->tabs = tabs;
    l->b->sheets = sheets;
    l->tab_room = room;
    return true;
}

static bool add_tab(
    struct loader *l, const struct xls_records *behind, const struct xls_record *r, struct err *err)
{
    static const char *const states[] = { "visible", "hidden", "veryHidden", "veryHidden" };
    struct xlsx_tab *tab;
    unsigned char head[6];
    struct xls_bytes b;
    size_t n = 0;

    xls_bytes_init(&b, behind, r);
    if (!xls_bytes_take(&b, head, sizeof head) || !xls_string(&b, &l->b->set, 1, l->scratch, &n))
        return xls_records_damaged(&l->b->records, r->at, "the name of a sheet is cut", err);
    if (!grow_tabs(l, err))
        return false;
    n = strnlen(l->scratch, n);
    tab = &l->book->tabs[l->book->n_tabs];
    *tab = (struct xlsx_tab){ .name = n ? arena_dup(l->book->arena, l->scratch, n)
                                        : arena_printf(l->book->arena, "Sheet%u",
                                              (unsigned)l->book->n_tabs + 1),
        .state = states[head[4] & 3],
        .kind = kind_of(l, le32(head), head[5]) };
    l->b->sheets[l->book->n_tabs++] = le32(head);
    return tab->name || err_nomem(err);
}

static bool second_pass(struct loader *l, struct err *err)
{
    struct xls_records s = l->b->records;
    struct xls_record r;
    bool got, ok = true;

    while (ok) {
        if (!xls_records_next(&s, &r, &got, err))
            return false;
        if (!got || r.id == XLS_EOF)
            return true;
        if (r.id == XLS_BOUNDSHEET)
            ok = add_tab(l, &s, &r, err);
        else if (r.id == XLS_SST && !l->strings->ends)
            ok = xls_strings_load(l->strings, &s, &r, err);
        else
            ok = xls_styles_add(&l->styles, &l->b->set, &s, &r, l->scratch, err);
    }
    return false;
}

bool xls_book_load(struct xls_book *b, const unsigned char *p, size_t n, struct xlsx_book *book,
    struct xlsx_strings *strings, struct formats *formats, struct warnings *warnings,
    struct err *err)
{
    struct loader l = { .b = b,
        .book = book,
        .strings = strings,
        .styles = { .arena = book->arena },
        .warnings = warnings,
        .scratch = arena_alloc(book->arena, XLS_STRING_MAX) };

    if (!l.scratch)
        return err_nomem(err);
    b->records = (struct xls_records){ .p = p, .n = n, .label = book->label };
    if (!first_pass(&l, err))
        return false;
    choose_codepage(&l);
    if (!second_pass(&l, err))
        return false;
    if (book->n_tabs == 0)
        return err_set(err, ERR_DATA, "'%s' has no sheets", book->label);
    return xls_styles_finish(&l.styles, book, formats, err);
}

void xls_book_deinit(struct xls_book *b)
{
    encoding_text_free(b->set.codepage);
    b->set.codepage = NULL;
}
