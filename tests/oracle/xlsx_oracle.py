#!/usr/bin/python3
"""Compare the XLSX reader with openpyxl, sheet by sheet.

    xlsx_oracle.py DUMP_TOOL FOLDER...     compare; exit 1 on a difference that is not explained
    xlsx_oracle.py --csv DUMP_TOOL FOLDER  compare NAME.xlsx with NAME.csv beside it
    xlsx_oracle.py --dump FILE SHEET       print what openpyxl makes of a sheet

DUMP_TOOL is xlsx_dump.c, built. Differences that are right are listed with their reason in
xlsx_differences.tsv (file, sheet, reason) and csv_differences.tsv (file, reason); one that no
longer occurs is an error too.
"""
import csv
import datetime
import os
import re
import subprocess
import sys
import warnings

try:
    import openpyxl
except ImportError:
    print("openpyxl is not here: skipped")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.simplefilter("ignore")


def escape(text):
    return (text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
            .replace("\r", "\\r"))


def number(v):
    v = float(v)
    if v.is_integer() and abs(v) < 1e16:
        return "-0" if v == 0 and str(v)[0] == "-" else str(int(v))
    return repr(v)


def fraction(micros):
    ms = micros // 1000
    return (".%03d" % ms).rstrip("0") if ms else ""


def shown_date(v, code):
    if isinstance(v, datetime.timedelta):
        ms = round(v.total_seconds() * 1000)
        s, ms = divmod(ms, 1000)
        return "%02d:%02d:%02d%s" % (s // 3600, s // 60 % 60, s % 60, fraction(ms * 1000))
    if isinstance(v, datetime.time):
        return v.strftime("%H:%M:%S") + fraction(v.microsecond)
    if not isinstance(v, datetime.datetime):
        return v.strftime("%Y-%m-%d")
    plain = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code.split(";")[0]).lower()
    plain = plain.replace("am/pm", "h").replace("a/p", "h")
    day = "%04d-%02d-%02d" % (v.year, v.month, v.day)
    if (v.hour, v.minute, v.second, v.microsecond) == (0, 0, 0, 0) and not re.search("[hs]", plain):
        return day
    return day + v.strftime(" %H:%M:%S") + fraction(v.microsecond)


def cell_text(cell):
    """(letter, shown text) or None for blank."""
    v = cell.value
    if v is None or v == "":
        return None
    if isinstance(v, bool):
        return "b", "true" if v else "false"
    if isinstance(v, (datetime.date, datetime.time, datetime.timedelta)):
        return "d", shown_date(v, cell.number_format)
    if isinstance(v, (int, float)):
        return "n", number(v)
    if cell.data_type == "e":
        return "e", v
    return "s", str(v)


def repair(names):
    taken, out = set(n for n in names if n and n.strip()), []
    seen = set()
    for i, name in enumerate(names):
        if not name or not name.strip():
            name, k = "column_%d" % (i + 1), 1
        elif name in seen:
            k = 2
            while "%s_%d" % (name, k) in seen | taken:
                k += 1
            name = "%s_%d" % (name, k)
        seen.add(name)
        out.append(name)
    return out


def dump(path, sheet):
    ws = openpyxl.load_workbook(path, data_only=True)[sheet]
    if not hasattr(ws, "iter_rows"):
        return None
    rows = {}
    for cell in list(ws._cells.values()):  # iter_rows() makes every cell that a sheet of a million rows may have.
        text = cell_text(cell)
        if text:
            rows.setdefault(cell.row, {})[cell.column] = text
    if not rows:
        return ["empty"]
    first, last = min(rows), max(rows)
    width = max(max(r) for r in rows.values())
    head = [rows[first].get(c, ("", ""))[1] for c in range(1, width + 1)]
    lines = ["\t".join(["columns"] + [escape(n) for n in repair(head)])]
    for r in range(first + 1, last + 1):
        cells = rows.get(r, {})
        lines.append("\t".join([str(r)] + ["%s:%s" % (cells[c][0], escape(cells[c][1]))
                                           if c in cells else "" for c in range(1, width + 1)]))
    return lines


def ours(tool, path, sheet):
    out = subprocess.run([tool, path, "--sheet", sheet], stdout=subprocess.PIPE, timeout=60)
    text = out.stdout.decode("utf-8")
    if out.returncode and "is empty" in text:
        return ["empty"]
    return text.rstrip("\n").split("\n") if text else []


def explained():
    table = {}
    with open(os.path.join(HERE, "xlsx_differences.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, sheet, reason = line.rstrip("\n").split("\t")
                table[name, sheet] = reason
    return table


def compare(tool, path, reasons, seen):
    """Number of differences that nothing explains."""
    name, bad = os.path.basename(path), 0
    try:
        sheets = openpyxl.load_workbook(path, read_only=False).sheetnames
    except Exception as e:  # openpyxl raises whatever its parts raise.
        if (name, "*") in reasons:
            seen.add((name, "*"))
            return 0
        print("%s: openpyxl cannot read it: %s" % (name, e))
        return 1
    for sheet in sheets:
        want = dump(path, sheet)
        if want is None:
            continue
        got = ours(tool, path, sheet)
        key = (name, sheet)
        if want == got:
            continue
        if key in reasons:
            seen.add(key)
            continue
        bad += 1
        print("%s, sheet %s differs" % key)
        for i in range(max(len(want), len(got))):
            w = want[i] if i < len(want) else "(none)"
            g = got[i] if i < len(got) else "(none)"
            if w != g:
                print("  openpyxl %s\n  ours     %s" % (w[:300], g[:300]))
                break
    return bad


def unescape(text):
    return re.sub(r"\\\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), text)


def our_grid(tool, path):
    """All rows of the first visible sheet from row 1 on, as shown text."""
    out = subprocess.run([tool, path, "--header", "0"], stdout=subprocess.PIPE, timeout=60)
    grid = []
    for line in out.stdout.decode("utf-8").rstrip("\n").split("\n")[1:]:
        row, *cells = line.split("\t")
        while len(grid) < int(row) - 1:
            grid.append([])
        grid.append([unescape(c.split(":", 1)[1]) if c else "" for c in cells])
    return grid


def compare_csv(tool, folder):
    reasons, seen, bad, files = {}, set(), 0, 0
    with open(os.path.join(HERE, "csv_differences.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, reason = line.rstrip("\n").split("\t")
                reasons[name] = reason
    for name in sorted(os.listdir(folder)):
        base, ext = os.path.splitext(name)
        if ext not in (".xlsx", ".xlsm"):
            continue
        files += 1
        with open(os.path.join(folder, base + ".csv"), encoding="utf-8", newline="") as f:
            want = [list(r) for r in csv.reader(f)]
        got = our_grid(tool, os.path.join(folder, name))
        for grid in (want, got):
            for row in grid:
                while row and row[-1] == "":
                    row.pop()
            while grid and not grid[-1]:
                grid.pop()
        if want == got:
            continue
        if name in reasons:
            seen.add(name)
            continue
        bad += 1
        for i in range(max(len(want), len(got))):
            w = want[i] if i < len(want) else None
            g = got[i] if i < len(got) else None
            if w != g:
                print("%s, line %d\n  csv  %s\n  ours %s" % (name, i + 1, w, g))
                break
    for name in sorted(set(reasons) - seen):
        print("%s no longer differs: take it out of csv_differences.tsv" % name)
        bad += 1
    print("%d workbooks, %d unexplained differences, %d explained" % (files, bad, len(seen)))
    return 1 if bad or not files else 0


def main():
    if sys.argv[1] == "--csv":
        return compare_csv(sys.argv[2], sys.argv[3])
    if sys.argv[1] == "--dump":
        print("\n".join(dump(sys.argv[2], sys.argv[3]) or []))
        return 0
    tool, bad, files = sys.argv[1], 0, 0
    reasons, seen = explained(), set()
    for folder in sys.argv[2:]:
        for name in sorted(os.listdir(folder)):
            if name.endswith((".xlsx", ".xlsm")):
                files += 1
                bad += compare(tool, os.path.join(folder, name), reasons, seen)
    for key in sorted(set(reasons) - seen):
        print("%s, sheet %s no longer differs: take it out of xlsx_differences.tsv" % key)
        bad += 1
    print("%d workbooks, %d unexplained differences, %d explained" % (files, bad, len(seen)))
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
