#!/usr/bin/python3
"""What other programs read from our workbooks: openpyxl, and LibreOffice where it is installed.

    test_xlsx_write.py [TOOL]

TOOL is xlsx_write_tool.c, built; else it is looked for in the build that $SHEETFLOW belongs to. The tables
are hard cases and random ones (always the same). Prints TAP.
"""
import csv
import datetime
import io
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import openpyxl

DATE, DATETIME, TIME, DURATION = range(4)
EPOCH = datetime.datetime(1899, 12, 30)
ODD_TEXTS = [
    "=1+1", "+1", "-1", "@x", "'quoted", "007", "1E5", "TRUE", "3-4", "12345678901234567890",
    " lead", "trail ", "\ttab", "line\nbreak", "\n", "  ", "a\r\nb", "\r", "<&>\"'", "]]>", "_x0041_",
    "_x005F_", "_x000D_", "_x0041\x01", "\x01\x02\x1f", "\x00", "\ufffe\uffff", "\ufffd", "\x7f\x80\x9f",
    "😀👩‍👩‍👧", "e\u0301", "مرحبا", "東京", "\u200b", "\xa0nbsp\xa0", "NULL", "#N/A", "#REF!x",
    "x" * 32767, "é" * 32767, "😀" * 16383, "&" * 32767, "a_x" * 10000,
]


def tool_path():
    if len(sys.argv) > 1:
        return sys.argv[1]
    program = os.environ.get("SHEETFLOW", "build-test/src/cli/sheetflow")
    return os.path.join(os.path.dirname(program), "../../tests/oracle/xlsx_write_tool")


def unescape(text):
    """ST_Xstring, which openpyxl leaves as it is."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m.group(1), 16)), text)


def field(cell):
    kind, value = cell[0], cell[1] if len(cell) > 1 else None
    if kind == "blank":
        return "-"
    if kind == "text":
        return "T:" + value.encode("utf-8", "surrogatepass").hex()
    if kind == "number":
        return "N:%r%s" % (value, ":" + cell[2].encode().hex() if len(cell) > 2 else "")
    if kind == "bool":
        return "B:%d" % value
    if kind == "error":
        return "E:" + value
    return "D:%r:%d%s" % (value, cell[2], ":" + cell[3].encode().hex() if len(cell) > 3 else "")


def write(folder, name, columns, rows, *args):
    lines = ["\t".join(c.encode().hex() for c in columns)]
    lines += ["\t".join(field(c) for c in row) for row in rows]
    run = subprocess.run([tool_path(), folder, name, *args], input="\n".join(lines) + "\n",
                         stdout=subprocess.PIPE, encoding="utf-8", timeout=300)
    assert run.returncode == 0, run.stdout
    return os.path.join(folder, name)


def random_double(rng):
    while True:
        choice = rng.randrange(4)
        if choice == 0:
            return float(rng.randrange(-10 ** 6, 10 ** 6))
        if choice == 1:
            return rng.randrange(-10 ** 8, 10 ** 8) / 100
        if choice == 2:
            return rng.random()
        v = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        if v == v and abs(v) != float("inf"):
            return v


def random_cell(rng):
    choice = rng.randrange(10)
    if choice == 0:
        return ("blank",)
    if choice <= 3:
        return ("number", random_double(rng))
    if choice == 4:
        return ("bool", rng.randrange(2))
    if choice == 5:
        return ("date", float(rng.randrange(61, 2958465)), DATE)
    if choice == 6:
        return ("date", rng.randrange(61, 60000) + rng.randrange(86400) / 86400, DATETIME)
    if choice == 7:
        return ("error", rng.choice(["#N/A", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"]))
    alphabet = "abc _x0041&<>\"'\n\t\r\x01é東😀ï\ufffe"
    return ("text", "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 60))))


def seen(cell):
    """A cell of openpyxl in the words of our tables; numbers as doubles."""
    value = cell.value
    if value is None:
        return ("blank",)
    if cell.data_type == "e":
        return ("error", value)
    if isinstance(value, bool):
        return ("bool", int(value))
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return ("date", value)
    if isinstance(value, (int, float)):
        return ("number", float(value))
    return ("text", unescape(value))


def wanted_date(serial, kind):
    span = datetime.timedelta(milliseconds=round(serial * 86400000))
    if kind == DURATION:
        return span
    if kind == TIME:
        return (EPOCH + span).time()
    return EPOCH + span


def close(want, got):
    """openpyxl rounds times its own way; a millisecond is what serials are rounded to."""
    if isinstance(got, datetime.time):
        got = datetime.datetime.combine(EPOCH, got)
        want = datetime.datetime.combine(EPOCH, want) if isinstance(want, datetime.time) else want
    if isinstance(want, datetime.datetime) != isinstance(got, datetime.datetime):
        return False
    return abs(want - got) <= datetime.timedelta(milliseconds=1)


def check_cell(want, cell):
    got = seen(cell)
    if want[0] == "date":
        return got[0] == "date" and close(wanted_date(want[1], want[2]), got[1])
    if want[0] == "text" and want[1].replace("\r\n", "\n") == "":
        return got in (want, ("blank",))
    return want[:2] == got


def check_with_openpyxl(path, columns, rows):
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [c.value for c in sheet[1]] == columns
    assert sheet.freeze_panes == "A2" and sheet["A1"].font.b
    assert sheet.max_row == len(rows) + 1, "%d rows" % sheet.max_row
    for i, row in enumerate(rows):
        for j, want in enumerate(row):
            cell = sheet.cell(i + 2, j + 1)
            assert check_cell(want, cell), "%s: wanted %.200r, got %.200r" % (
                cell.coordinate, want, seen(cell))


def test_odd_texts(folder):
    rows = [[("number", float(i)), ("text", text), ("text", "x" + text)]
            for i, text in enumerate(ODD_TEXTS)]
    rows = [[c if fits(c) else ("blank",) for c in row] for row in rows]
    path = write(folder, "texts.xlsx", ["n", "text", "again"], rows)
    check_with_openpyxl(path, ["n", "text", "again"], rows)


def fits(cell):
    return cell[0] != "text" or len(cell[1].encode("utf-16-le")) // 2 <= 32767


def test_random_cells(folder):
    rng = random.Random(20260206)
    columns = ["c%d" % j for j in range(12)]
    rows = [[random_cell(rng) for _ in columns] for _ in range(3000)]
    rows[-1][0] = ("text", "end")
    check_with_openpyxl(write(folder, "random.xlsx", columns, rows), columns, rows)
    again = write(folder, "random2.xlsx", columns, rows, "--batch", "7")
    a, b = zipfile.ZipFile(os.path.join(folder, "random.xlsx")), zipfile.ZipFile(again)
    assert a.testzip() is None
    assert [(i.filename, i.CRC) for i in a.infolist() if "sheet2" not in i.filename] == \
        [(i.filename, i.CRC) for i in b.infolist() if "sheet2" not in i.filename]


def dumped(cell):
    """A cell as xlsx_dump prints it: our own reader's view."""
    if cell[0] == "blank":
        return ""
    if cell[0] == "text":
        for raw, mark in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
            cell = ("text", cell[1].replace(raw, mark))
        return "s:" + cell[1]
    if cell[0] == "number":
        v = cell[1]
        whole = v.is_integer() and abs(v) < 1e16
        return "n:" + ("-0" if whole and repr(v) == "-0.0" else str(int(v)) if whole else repr(v))
    if cell[0] == "bool":
        return "b:" + ("true" if cell[1] else "false")
    if cell[0] == "error":
        return "e:" + cell[1]
    day = wanted_date(cell[1], cell[2])
    return "d:" + day.strftime("%Y-%m-%d" if cell[2] == DATE else "%Y-%m-%d %H:%M:%S")


def test_own_reader(folder):
    rng = random.Random(99)
    columns = ["c%d" % j for j in range(12)]
    rows = [[random_cell(rng) for _ in columns] for _ in range(3000)]
    rows[-1][0] = ("text", "end")
    path = write(folder, "own.xlsx", columns, rows)
    run = subprocess.run([os.path.join(os.path.dirname(tool_path()), "xlsx_dump"), path],
                         stdout=subprocess.PIPE, timeout=300)
    lines = run.stdout.decode("utf-8").split("\n")
    assert run.returncode == 0 and lines[0] == "\t".join(["columns"] + columns), lines[0]
    assert len(lines) == len(rows) + 2, "%d lines" % len(lines)
    for i, row in enumerate(rows):
        want = "\t".join([str(i + 2)] + [dumped(c) for c in row])
        assert lines[i + 1] == want, "wanted %r, got %r" % (want, lines[i + 1])


def test_number_formats(folder):
    codes = ["0.00", "#,##0.00", "0%", '0.0" <&> "', "@", "[Red]-0", "_(* #,##0_)", "mm-dd-yy"]
    rows = [[("number", 1.5, code), ("date", 45000.25, DATETIME, "d. mmm yyyy hh:mm"),
             ("date", 0.75, TIME), ("date", 1.25, DURATION)] for code in codes]
    path = write(folder, "formats.xlsx", ["a", "b", "c", "d"], rows)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [sheet.cell(i + 2, 1).number_format for i in range(len(codes))] == codes
    assert sheet["B2"].number_format == "d. mmm yyyy hh:mm"
    assert sheet["B2"].value == datetime.datetime(2023, 3, 15, 6, 0)
    assert sheet["C2"].value == datetime.time(18, 0) and sheet["C2"].number_format == "hh:mm:ss"
    assert sheet["D2"].number_format == "[h]:mm:ss"


def test_info_sheet(folder):
    path = write(folder, "info.xlsx", ["a", "b, c"], [[("number", 1.0), ("blank",)]] * 5)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Sheet1", "Info"]
    assert [[c.value for c in row] for row in book["Info"]] == [
        ["Property", "Value"], ["File", "info.xlsx"], ["Created", "2026-02-06T12:00:00Z"],
        ["Rows", 5], ["Columns", 2], ["Column Names", "a, b, c"]]
    assert book.properties.created == datetime.datetime(2026, 2, 6, 12, 0)


def test_sheet_names(folder):
    for raw, want in (("R&D \"<x>\"", "R&D \"<x>\""), ("a/b", "a_b"), ("東" * 40, "東" * 31)):
        path = write(folder, "name%d.xlsx" % len(want), ["a"], [], "--sheet", raw)
        assert openpyxl.load_workbook(path).sheetnames[0] == want


def soffice_csv(folder, path):
    """The first sheet as LibreOffice shows it, as CSV."""
    subprocess.run(["soffice", "--headless", "-env:UserInstallation=file://%s/profile" % folder,
                    "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true",
                    "--outdir", folder, path], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=300)
    with open(path[:-5] + ".csv", encoding="utf-8", newline="") as f:
        return list(csv.reader(io.StringIO(f.read())))


def test_libreoffice(folder):
    if not shutil.which("soffice"):
        return "soffice is not installed"
    rng = random.Random(7)
    words = ["=1+1", "007", "TRUE", "1E5", " lead", "a,b", "\"q\"", "ä東😀", "_x0041_", "<&>", "3-4"]
    columns = ["text", "whole", "decimal", "flag", "day", "moment", "error", "blank"]
    rows, want = [], [columns]
    for i in range(400):
        text, whole, cents = rng.choice(words), rng.randrange(-10 ** 9, 10 ** 9), rng.randrange(10 ** 6)
        day = datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(40000))
        serial = (datetime.datetime(day.year, day.month, day.day) - EPOCH).days
        second = rng.randrange(128) * 675  # A 128th of a day; LibreOffice cuts what doubles cannot hold.
        moment = datetime.datetime(day.year, day.month, day.day) + datetime.timedelta(seconds=second)
        rows.append([("text", text), ("number", float(whole)), ("number", cents / 4, "0.00"),
                     ("bool", i % 2), ("date", float(serial), DATE),
                     ("date", serial + second / 86400, DATETIME), ("error", "#N/A"), ("blank",)])
        want.append([text, str(whole), "%.2f" % (cents / 4), "TRUE" if i % 2 else "FALSE",
                     str(day), str(moment), "#N/A", ""])
    got = soffice_csv(folder, write(folder, "office.xlsx", columns, rows))
    assert len(got) == len(want), "%d rows" % len(got)
    for i, (w, g) in enumerate(zip(want, got)):
        assert w == g, "row %d: wanted %r, got %r" % (i + 1, w, g)
    return None


def main():
    tests = [(n, f) for n, f in sorted(globals().items()) if n.startswith("test_")]
    failed = 0
    print("1..%d" % len(tests))
    for i, (name, test) in enumerate(tests, 1):
        folder = tempfile.mkdtemp(prefix="xlsx_write_oracle_")
        try:
            skipped = test(folder)
            print("ok %d - %s%s" % (i, name, " # SKIP " + skipped if skipped else ""))
        except Exception as e:  # Whatever a reader raises is its verdict.
            failed += 1
            print("not ok %d - %s" % (i, name))
            print("# %s" % repr(e).replace("\n", " ")[:2000])
        finally:
            shutil.rmtree(folder)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
