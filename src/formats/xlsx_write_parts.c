/*
 * The fixed parts of a workbook, and what little of them depends on the data: the list of sheets and
 * the cell styles in use. Nothing here depends on the clock but through created_ns.
 */

#include "formats/xlsx_write_int.h"

#include "formats/xlsx_text.h"

#include <inttypes.h>
#include <stdio.h>

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define NS_PACKAGE "http://schemas.openxmlformats.org/package/2006/"
#define NS_OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/"
#define NS_SHEET "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define TYPE_SHEET "application/vnd.openxmlformats-officedocument.spreadsheetml."

enum {
    PART_MAX = 64 * 1024 * 1024,
    CODE_UNITS = 255, /* Longest number format that Excel takes. */
    FIRST_CUSTOM_ID = 164
};

/*
 * Formats that every Excel has under a number of its own; writing the number keeps those that follow the
 * user's locale (14, 22) doing so.
 */
static const struct {
    unsigned id;
    const char *code;
} builtin[] = {
    { 1, "0" },
    { 2, "0.00" },
    { 3, "#,##0" },
    { 4, "#,##0.00" },
    { 9, "0%" },
    { 10, "0.00%" },
    { 11, "0.00E+00" },
    { 12, "# ?/?" },
    { 13, "# ?\?/??" },
    { 14, "mm-dd-yy" },
    { 15, "d-mmm-yy" },
    { 16, "d-mmm" },
    { 17, "mmm-yy" },
    { 18, "h:mm AM/PM" },
    { 19, "h:mm:ss AM/PM" },
    { 20, "h:mm" },
    { 21, "h:mm:ss" },
    { 22, "m/d/yy h:mm" },
    { 37, "#,##0 ;(#,##0)" },
    { 38, "#,##0 ;[Red](#,##0)" },
    { 39, "#,##0.00;(#,##0.00)" },
    { 40, "#,##0.00;[Red](#,##0.00)" },
    { 45, "mm:ss" },
    { 46, "[h]:mm:ss" },
    { 47, "mmss.0" },
    { 48, "##0.0E+0" },
    { 49, "@" },
};

unsigned xlsx_write_style(struct xlsx_writer *w, uint16_t format)
{
    if (w->style_of[format])
        return w->style_of[format];
    if (w->n_styles == XLSX_MAX_STYLES) {
        w->too_many_styles = true;
        return 0;
    }
    w->style_format[w->n_styles] = format;
    w->style_of[format] = (uint16_t)w->n_styles;
    return w->n_styles++;
}

void xlsx_write_created(const struct xlsx_writer *w, char out[DATE_TEXT_MAX])
{
    char *fraction;

    date_format_utc(w->args.created_ns, out);
    fraction = strchr(out, '.');
    if (fraction)
        snprintf(fraction, 2, "Z");
}

static bool write_buf(struct xlsx_writer *w, const char *name, struct buf *xml, struct err *err)
{
    bool ok = buf_ok(xml, name, err) && zip_write_part(w->zip, name, xml->data, xml->len, err);

    buf_deinit(xml);
    return ok;
}

bool xlsx_write_first_parts(struct xlsx_writer *w, struct err *err)
{
    static const char rels[] = XML_HEAD
        "<Relationships xmlns=\"" NS_PACKAGE "relationships\">"
        "<Relationship Id=\"rId1\" Type=\"" NS_OFFICE "relationships/officeDocument\" "
        "Target=\"xl/workbook.xml\"/>"
        "<Relationship Id=\"rId2\" Type=\"" NS_PACKAGE "relationships/metadata/core-properties\" "
        "Target=\"docProps/core.xml\"/>"
        "<Relationship Id=\"rId3\" Type=\"" NS_OFFICE "relationships/extended-properties\" "
        "Target=\"docProps/app.xml\"/></Relationships>";
    char created[DATE_TEXT_MAX];
    struct buf xml;

    xlsx_write_created(w, created);
    buf_init(&xml, PART_MAX);
    buf_adds(&xml, XML_HEAD
        "<cp:coreProperties xmlns:cp=\"" NS_PACKAGE "metadata/core-properties\" "
        "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:creator>Sheetflow</"
        "dc:creator>");
    buf_addf(&xml,
        "<dcterms:created xsi:type=\"dcterms:W3CDTF\">%s</dcterms:created>"
        "<dcterms:modified xsi:type=\"dcterms:W3CDTF\">%s</dcterms:modified></cp:coreProperties>",
        created, created);
    if (!zip_write_part(w->zip, "_rels/.rels", rels, sizeof rels - 1, err)) {
        buf_deinit(&xml);
        return false;
    }
    return write_buf(w, "docProps/core.xml", &xml, err);
}

/* A format that Excel would refuse gives way to the usual one of its kind. */
static const char *usable_code(const struct xlsx_writer *w, uint16_t format)
{
    const char *code = formats_code(w->args.formats, format);
    enum date_kind kind;

    if (*code && xlsx_text_units(code, strlen(code)) <= CODE_UNITS)
        return code;
    if (*code && date_format_code_kind(code, &kind))
        return formats_code(w->args.formats, (uint16_t)(FORMAT_DATE + kind));
    return "General";
}

/* The built-in id of a code; 0 is General, FIRST_CUSTOM_ID and above a custom one. */
static unsigned format_id(const char *code, unsigned *n_custom)
{
    if (strcmp(code, "General") == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
        if (strcmp(builtin[i].code, code) == 0)
            return builtin[i].id;
    }
    return FIRST_CUSTOM_ID + (*n_custom)++;
}

static bool write_styles(struct xlsx_writer *w, struct err *err)
{
    unsigned n_custom = 0;
    struct buf formats, xfs, xml;

    buf_init(&formats, PART_MAX);
    buf_init(&xfs, PART_MAX);
    buf_init(&xml, PART_MAX);
    for (unsigned i = XLSX_STYLE_FIRST; i < w->n_styles; i++) {
        const char *code = usable_code(w, w->style_format[i]);
        unsigned id = format_id(code, &n_custom);

        buf_addf(&xfs,
            "<xf numFmtId=\"%u\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" "
            "applyNumberFormat=\"1\"/>",
            id);
        if (id < FIRST_CUSTOM_ID)
            continue;
        buf_addf(&formats, "<numFmt numFmtId=\"%u\" formatCode=\"", id);
        xlsx_text_attribute(&formats, code, strlen(code));
        buf_adds(&formats, "\"/>");
    }
    buf_adds(&xml, XML_HEAD "<styleSheet xmlns=\"" NS_SHEET "\">");
    if (n_custom > 0)
        buf_addf(&xml, "<numFmts count=\"%u\">", n_custom);
    buf_add(&xml, buf_str(&formats), formats.len);
    if (n_custom > 0)
        buf_adds(&xml, "</numFmts>");
    buf_adds(&xml,
        "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font>"
        "<font><b/><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>"
        "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
        "<fill><patternFill patternType=\"gray125\"/></fill></fills>"
        "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
        "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>"
        "</cellStyleXfs>");
    buf_addf(&xml, "<cellXfs count=\"%u\">", w->n_styles);
    buf_adds(&xml,
        "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>"
        "<xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>");
    buf_add(&xml, buf_str(&xfs), xfs.len);
    buf_adds(&xml, "</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" "
                   "builtinId=\"0\"/></cellStyles></styleSheet>");
    xml.failed = xml.failed || formats.failed || xfs.failed;
    buf_deinit(&formats);
    buf_deinit(&xfs);
    return write_buf(w, "xl/styles.xml", &xml, err);
}

/* The name of data sheet `number` (from 1). */
static void data_sheet_name(const struct xlsx_writer *w, unsigned number, char out[XLSX_NAME_MAX])
{
    if (number == 1)
        snprintf(out, XLSX_NAME_MAX, "%s", w->data_name);
    else
        xlsx_name_number(w->data_name, number, out);
}

/* Info gives way where the data has its name. */
static void info_sheet_name(const struct xlsx_writer *w, char out[XLSX_NAME_MAX])
{
    char name[XLSX_NAME_MAX];
    unsigned k = 1;

    snprintf(out, XLSX_NAME_MAX, "%s", w->info_name);
    for (unsigned i = 1; i <= w->n_sheets; i++) {
        data_sheet_name(w, i, name);
        if (!xlsx_name_same(name, out))
            continue;
        xlsx_name_number(w->info_name, ++k, out);
        i = 0; /* The new one may be taken too. */
        if (k == 2)
            warn_add(w->args.warnings, "sheet_name_repaired",
                "a sheet name that Excel does not accept was changed",
                "'%s': there is a sheet of that name", w->info_name);
    }
}

static void add_sheet(struct buf *xml, const char *name, unsigned number)
{
    buf_adds(xml, "<sheet name=\"");
    xlsx_text_attribute(xml, name, strlen(name));
    buf_addf(xml, "\" sheetId=\"%u\" r:id=\"rId%u\"/>", number, number);
}

static bool write_workbook(struct xlsx_writer *w, unsigned n_all, struct err *err)
{
    char name[XLSX_NAME_MAX];
    struct buf xml, rels;

    buf_init(&xml, PART_MAX);
    buf_init(&rels, PART_MAX);
    buf_adds(&xml,
        XML_HEAD "<workbook xmlns=\"" NS_SHEET "\" xmlns:r=\"" NS_OFFICE
                 "relationships\"><workbookPr/><bookViews><workbookView/></bookViews><sheets>");
    buf_adds(&rels, XML_HEAD "<Relationships xmlns=\"" NS_PACKAGE "relationships\">");
    for (unsigned i = 1; i <= n_all; i++) {
        if (i <= w->n_sheets)
            data_sheet_name(w, i, name);
        else
            info_sheet_name(w, name);
        add_sheet(&xml, name, i);
        buf_addf(&rels,
            "<Relationship Id=\"rId%u\" Type=\"" NS_OFFICE
            "relationships/worksheet\" Target=\"worksheets/sheet%u.xml\"/>",
            i, i);
    }
    buf_adds(&xml, "</sheets></workbook>");
    buf_addf(&rels,
        "<Relationship Id=\"rId%u\" Type=\"" NS_OFFICE
        "relationships/styles\" Target=\"styles.xml\"/></Relationships>",
        n_all + 1);
    if (!write_buf(w, "xl/workbook.xml", &xml, err)) {
        buf_deinit(&rels);
        return false;
    }
    return write_buf(w, "xl/_rels/workbook.xml.rels", &rels, err);
}

static bool write_content_types(struct xlsx_writer *w, unsigned n_all, struct err *err)
{
    struct buf xml;

    buf_init(&xml, PART_MAX);
    buf_adds(&xml, XML_HEAD
        "<Types xmlns=\"" NS_PACKAGE "content-types\">"
        "<Default Extension=\"rels\" "
        "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
        "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
        "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" TYPE_SHEET "sheet.main+xml\"/>");
    for (unsigned i = 1; i <= n_all; i++)
        buf_addf(&xml,
            "<Override PartName=\"/xl/worksheets/sheet%u.xml\" ContentType=\"" TYPE_SHEET
            "worksheet+xml\"/>",
            i);
    buf_adds(&xml,
        "<Override PartName=\"/xl/styles.xml\" ContentType=\"" TYPE_SHEET "styles+xml\"/>"
        "<Override PartName=\"/docProps/core.xml\" "
        "ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>"
        "<Override PartName=\"/docProps/app.xml\" "
        "ContentType=\"application/vnd.openxmlformats-officedocument.extended-properties+xml\"/>"
        "</Types>");
    return write_buf(w, "[Content_Types].xml", &xml, err);
}

bool xlsx_write_last_parts(struct xlsx_writer *w, struct err *err)
{
    static const char app[] = XML_HEAD "<Properties xmlns=\"" NS_OFFICE "extended-properties\">"
                                       "<Application>Sheetflow</Application></Properties>";
    unsigned n_all = w->n_sheets + (w->args.info_sheet_name != NULL);

    if (w->too_many_styles)
        return err_set(err, ERR_BUDGET,
            "the table uses more than %d number formats, and a workbook holds no more; write the "
            "result as CSV",
            XLSX_MAX_STYLES - XLSX_STYLE_FIRST);
    return write_styles(w, err) && write_workbook(w, n_all, err) &&
           zip_write_part(w->zip, "docProps/app.xml", app, sizeof app - 1, err) &&
           write_content_types(w, n_all, err);
}
