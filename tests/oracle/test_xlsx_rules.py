#!/usr/bin/python3
"""The parts of our workbooks against the rules of ECMA-376 that decide whether Excel opens them without repair.

    test_xlsx_rules.py [TOOL]

TOOL is xlsx_write_tool.c, built; else it is looked for in the build that $SHEETFLOW belongs to. Checked are the
package (content types, relationships, names), the order of elements and the attributes of every part, references,
style indexes, shared limits, and the names of sheets. Prints TAP.
"""
import os
import random
import re
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_xlsx_write as writer  # noqa: E402

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
PREFIX = "application/vnd.openxmlformats-officedocument."

# Children in the order that the schema wants; (name, most) where there is a limit.
ORDER = {
    "worksheet": ["sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData",
                  "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState",
                  "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting",
                  "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter",
                  "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags",
                  "drawing", "legacyDrawing", "tableParts", "extLst"],
    "sheetViews": ["sheetView"], "sheetView": ["pane", "selection"], "cols": ["col"],
    "sheetData": ["row"], "row": ["c"], "c": ["f", "v", "is"], "is": ["t", "r"],
    "workbook": ["fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets",
                 "functionGroups", "externalReferences", "definedNames", "calcPr"],
    "bookViews": ["workbookView"], "sheets": ["sheet"], "definedNames": ["definedName"],
    "styleSheet": ["numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs",
                   "tableStyles", "colors", "extLst"],
    "numFmts": ["numFmt"], "fonts": ["font"], "fills": ["fill"], "borders": ["border"],
    "font": ["b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz", "color",
             "name", "family", "charset", "scheme"],
    "fill": ["patternFill", "gradientFill"], "patternFill": ["fgColor", "bgColor"],
    "border": ["left", "right", "top", "bottom", "diagonal"],
    "cellStyleXfs": ["xf"], "cellXfs": ["xf"], "xf": ["alignment", "protection"], "cellStyles": ["cellStyle"],
}
ATTRIBUTES = {
    "c": {"r", "s", "t"}, "row": {"r", "spans", "s", "customFormat", "ht", "hidden", "customHeight"},
    "col": {"min", "max", "width", "style", "customWidth", "bestFit", "hidden"},
    "pane": {"xSplit", "ySplit", "topLeftCell", "activePane", "state"},
    "sheet": {"name", "sheetId", REL + "id", "state"},
    "numFmt": {"numFmtId", "formatCode"},
}
COUNTED = {"numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles"}
CELL_TYPES = {"b", "n", "e", "str", "inlineStr", "s", "d"}
ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"}
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?$")


def need(condition, *what):
    assert condition, " ".join(str(w) for w in what)


def plain(tag):
    return tag.split("}")[-1]


def check_order(e, where):
    need(e.tag.startswith(MAIN), where, "namespace of", e.tag)
    name = plain(e.tag)
    children = [plain(c.tag) for c in e]
    if name in ORDER:
        places = [ORDER[name].index(c) if c in ORDER[name] else -1 for c in children]
        need(-1 not in places, where, name, "holds", set(children) - set(ORDER[name]))
        need(places == sorted(places), where, "order in", name, children[:8])
    if name in ATTRIBUTES:
        need(set(e.attrib) <= ATTRIBUTES[name], where, name, "has", set(e.attrib) - ATTRIBUTES[name])
    if name in COUNTED:
        need(e.get("count") in (None, str(len(e))), where, "count of", name)
    for c in e:
        check_order(c, where)


def column(letters):
    n = 0
    for c in letters:
        n = n * 26 + ord(c) - 64
    return n


def units(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_cell(c, row, last, n_styles, where):
    m = re.match(r"([A-Z]{1,3})(\d+)$", c.get("r", ""))
    need(m and int(m[2]) == row, where, "reference", c.get("r"))
    col = column(m[1])
    need(last < col <= 16384, where, "cells out of order at", c.get("r"))
    need(int(c.get("s", "0")) < n_styles, where, "style of", c.get("r"))
    kind = c.get("t", "n")
    need(kind in CELL_TYPES, where, "type of", c.get("r"))
    value, text = c.find(MAIN + "v"), c.find(MAIN + "is")
    need((text is not None) == (kind == "inlineStr"), where, c.get("r"), kind)
    if kind == "inlineStr":
        t = text.find(MAIN + "t")
        body = t.text or ""
        need(units(re.sub("_x[0-9A-Fa-f]{4}_", "x", body)) <= 32767, where, "text of", c.get("r"), "is too long")
        need(body == body.strip(" \t\n\r") or t.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve",
             where, "blanks of", c.get("r"))
    elif kind == "n" and value is not None:
        need(NUMBER.match(value.text or ""), where, "number in", c.get("r"), value.text)
    elif kind == "b":
        need(value.text in ("0", "1"), where, "boolean in", c.get("r"))
    elif kind == "e":
        need(value.text in ERRORS, where, "error in", c.get("r"))
    return col


def check_sheet(root, n_styles, where):
    row = 0
    last = 0
    for col in root.iter(MAIN + "col"):
        low, high = int(col.get("min")), int(col.get("max"))
        need(last < low <= high <= 16384, where, "columns", low, high)
        need(0 < float(col.get("width")) <= 255, where, "width", col.get("width"))
        last = high
    for r in root.find(MAIN + "sheetData"):
        need(row < int(r.get("r")) <= 1048576, where, "rows out of order at", r.get("r"))
        row, last = int(r.get("r")), 0
        for c in r:
            last = check_cell(c, row, last, n_styles, where)
    for pane in root.iter(MAIN + "pane"):
        need(pane.get("state") in ("frozen", "frozenSplit", "split"), where, "pane")
        need(re.match(r"[A-Z]+\d+$", pane.get("topLeftCell", "")), where, "pane's cell")


def check_styles(root):
    where = "styles.xml"
    fonts, fills, borders = (len(root.find(MAIN + n)) for n in ("fonts", "fills", "borders"))
    need(fills >= 2, where, "Excel wants two fills, none and gray125")
    patterns = [f.find(MAIN + "patternFill").get("patternType") for f in root.find(MAIN + "fills")]
    need(patterns[:2] == ["none", "gray125"], where, patterns[:2])
    custom = [int(f.get("numFmtId")) for f in root.iter(MAIN + "numFmt")]
    need(len(custom) == len(set(custom)) and all(i >= 164 for i in custom), where, "ids of formats")
    for f in root.iter(MAIN + "numFmt"):
        need(0 < units(f.get("formatCode")) <= 255, where, "length of a format code")
    base = len(root.find(MAIN + "cellStyleXfs"))
    cells = root.find(MAIN + "cellXfs")
    need(0 < len(cells) <= 65490, where, "number of styles")
    for group in ("cellStyleXfs", "cellXfs"):
        for xf in root.find(MAIN + group):
            need(int(xf.get("fontId", "0")) < fonts and int(xf.get("fillId", "0")) < fills and
                 int(xf.get("borderId", "0")) < borders, where, "parts of a style")
            need(int(xf.get("xfId", "0")) < base, where, "base of a style")
            number = int(xf.get("numFmtId", "0"))
            need(number < 164 or number in custom, where, "format", number)
    for style in root.iter(MAIN + "cellStyle"):
        need(int(style.get("xfId")) < base, where, "base of a named style")
    return len(cells)


def resolve(base, target):
    if target.startswith("/"):
        return target[1:]
    return os.path.normpath(os.path.join(os.path.dirname(base), target))


def check_relationships(book, names):
    """Targets by id of each part."""
    found = {}
    for name in names:
        if not name.endswith(".rels"):
            continue
        folder, file = os.path.split(name)
        source = os.path.join(os.path.dirname(folder), file[:-5])
        need(source == "" or source in names, name, "belongs to no part")
        root = ET.fromstring(book.read(name))
        need(root.tag == PACKAGE + "Relationships", name)
        found[source] = {}
        for r in root:
            need(r.get("Id") not in found[source], name, "has the id twice", r.get("Id"))
            need(re.match(r"[A-Za-z_]", r.get("Id")), name, "id", r.get("Id"))
            need(r.get("TargetMode", "Internal") == "Internal", name, "points outside")
            target = resolve(source, r.get("Target"))
            need(target in names, name, "has no part", target)
            found[source][r.get("Id")] = (r.get("Type").rsplit("/", 1)[1], target)
    return found


def check_types(book, names):
    root = ET.fromstring(book.read("[Content_Types].xml"))
    defaults = {d.get("Extension"): d.get("ContentType") for d in root.iter(TYPES + "Default")}
    overrides = [o.get("PartName") for o in root.iter(TYPES + "Override")]
    need(len(overrides) == len(set(o.lower() for o in overrides)), "a part has its type twice")
    types = {o.get("PartName")[1:]: o.get("ContentType") for o in root.iter(TYPES + "Override")}
    need(set(types) <= set(names), "types of parts that are not there", set(types) - set(names))
    for name in names:
        if name != "[Content_Types].xml":
            need(name in types or name.rsplit(".", 1)[-1] in defaults, name, "has no type")
    return types


def check_names(root):
    names = [s.get("name") for s in root.find(MAIN + "sheets")]
    ids = [s.get("sheetId") for s in root.find(MAIN + "sheets")]
    need(len(names) == len(set(n.lower() for n in names)), "names of sheets", names)
    need(len(ids) == len(set(ids)) and all(1 <= int(i) <= 65534 for i in ids), "ids of sheets", ids)
    for name in names:
        need(1 <= units(name) <= 31 and not re.search(r"[\[\]:*?/\\\x00-\x1f]", name) and name[0] != "'" and
             name[-1] != "'" and name.lower() != "history", "name of a sheet", name)


def check_book(path):
    with zipfile.ZipFile(path) as book:
        need(book.testzip() is None, "checksum")
        names = book.namelist()
        need(len(names) == len(set(n.lower() for n in names)), "a part twice")
        for info in book.infolist():
            need(info.compress_type in (0, 8) and not info.flag_bits & 1, info.filename, "method")
            need(re.match(r"[\x21-\x7e]+$", info.filename) and "\\" not in info.filename, info.filename)
            text = book.read(info.filename)
            need(text.startswith(b'<?xml version="1.0"') and b"<!DOCTYPE" not in text[:1000], info.filename, "begin")
        types = check_types(book, names)
        rels = check_relationships(book, names)
        office = [t for kind, t in rels[""].values() if kind == "officeDocument"]
        need(len(office) == 1, "one workbook is wanted")
        need(types[office[0]] == PREFIX + "spreadsheetml.sheet.main+xml", types[office[0]])
        workbook = ET.fromstring(book.read(office[0]))
        check_order(workbook, office[0])
        check_names(workbook)
        parts = rels[office[0]]
        styles = [t for kind, t in parts.values() if kind == "styles"]
        need(len(styles) == 1 and types[styles[0]] == PREFIX + "spreadsheetml.styles+xml", "styles")
        root = ET.fromstring(book.read(styles[0]))
        check_order(root, styles[0])
        n_styles = check_styles(root)
        for sheet in workbook.find(MAIN + "sheets"):
            kind, target = parts[sheet.get(REL + "id")]
            need(kind == "worksheet" and types[target] == PREFIX + "spreadsheetml.worksheet+xml", target)
            root = ET.fromstring(book.read(target))
            check_order(root, target)
            check_sheet(root, n_styles, target)


def test_odd_texts(folder):
    rows = [[("text", t)] for t in writer.ODD_TEXTS if writer.fits(("text", t))]
    check_book(writer.write(folder, "odd.xlsx", ["text"], rows))


def test_random_cells(folder):
    rng = random.Random(42)
    columns = ["c%d" % i for i in range(30)]
    check_book(writer.write(folder, "cells.xlsx", columns, [[writer.random_cell(rng) for _ in columns]
                                                            for _ in range(500)]))


def test_no_rows_and_one_column(folder):
    check_book(writer.write(folder, "none.xlsx", ["a"], []))


def test_all_columns(folder):
    columns = ["c%d" % i for i in range(16384)]
    check_book(writer.write(folder, "wide.xlsx", columns, [[("number", 1.0)] * 16384]))


def test_many_formats(folder):
    rows = [[("number", float(i), "0.%s \"%d\"" % ("0" * (i % 9 + 1), i))] for i in range(2000)]
    rows.append([("number", 1.0, "\"<&>'\\\"\" 0")])
    check_book(writer.write(folder, "formats.xlsx", ["n"], rows))


def test_sheet_names(folder):
    odd = ["[a]:*?/\\", "'quoted'", "History", "x" * 40, "😀" * 20, " ", "Info", "info", "a\tb", "\x01"]
    for i, name in enumerate(odd):
        check_book(writer.write(folder, "name%d.xlsx" % i, ["a"], [[("number", 1.0)]], "--sheet", name))


def test_two_sheets_for_too_many_rows(folder):
    rows = [[("blank",)]] * 1048580 + [[("number", 1.0)]]
    check_book(writer.write(folder, "long.xlsx", ["a"], rows))


def main():
    tests = [(n, f) for n, f in sorted(globals().items()) if n.startswith("test_")]
    failed = 0
    print("1..%d" % len(tests))
    for i, (name, test) in enumerate(tests, 1):
        folder = tempfile.mkdtemp(prefix="xlsx_rules_")
        try:
            test(folder)
            print("ok %d - %s" % (i, name))
        except Exception as e:  # A broken part makes a parser raise anything.
            failed += 1
            print("not ok %d - %s" % (i, name))
            print("# %s" % repr(e).replace("\n", " ")[:2000])
        finally:
            shutil.rmtree(folder)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
