#!/usr/bin/python3
"""Compare the CSV reader with Python's csv module, record by record and cell by cell.

    text_oracle.py DUMP_TOOL FOLDER...

DUMP_TOOL is xlsx_dump.c, built; it also tells encoding, delimiter and quote, which csv is given. Differences that
are right are listed with their reason in text_differences.tsv (file, reason); one that no longer occurs is an
error too.
"""
import csv
import gzip
import io
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
csv.field_size_limit(1 << 24)


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), text)


def ours(tool, path):
    """Dialect, and records by their number in the file."""
    out = subprocess.run([tool, path, "--header", "0", "--dialect"], stdout=subprocess.PIPE, timeout=60)
    if out.returncode:
        return None, out.stdout.decode("utf-8")
    lines = out.stdout.decode("utf-8").split("\n")
    rows = {}
    for line in lines[2:]:
        if line:
            number, *cells = line.split("\t")
            rows[int(number)] = [unescape(c.split(":", 1)[1]) if c else "" for c in cells]
    _, encoding, delimiter, quote = lines[0].split("\t")
    return (encoding, chr(int(delimiter)), chr(int(quote))), rows


def theirs(path, encoding, delimiter, quote):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        text = f.read().decode({"UTF-8": "utf-8-sig", "UTF-16LE": "utf-16"}.get(encoding, encoding), "replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\x1f" if delimiter == "\0" else delimiter,
                        quotechar=quote)
    return {i: row for i, row in enumerate(reader, 1) if row}


def trimmed(row):
    row = list(row)
    while row and row[-1] == "":
        row.pop()
    return row


def compare(tool, path):
    """None, or the first difference in words."""
    dialect, got = ours(tool, path)
    if dialect is None:
        return "ours: " + got.strip()
    want = theirs(path, *dialect)
    for i in sorted(set(want) | set(got)):
        w, g = trimmed(want.get(i, [])), trimmed(got.get(i, []))
        if w != g:
            return "record %d\n  csv  %.300r\n  ours %.300r" % (i, w, g)
    return None


def main():
    reasons, seen, bad, files = {}, set(), 0, 0
    with open(os.path.join(HERE, "text_differences.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, reason = line.rstrip("\n").split("\t")
                reasons[name] = reason
    for folder in sys.argv[2:]:
        for name in sorted(os.listdir(folder)):
            if not name.endswith((".csv", ".tsv", ".psv", ".ssv", ".csv.gz")):
                continue
            files += 1
            difference = compare(sys.argv[1], os.path.join(folder, name))
            if difference and name in reasons:
                seen.add(name)
            elif difference:
                bad += 1
                print("%s: %s" % (name, difference))
    for name in sorted(set(reasons) - seen):
        print("%s no longer differs: take it out of text_differences.tsv" % name)
        bad += 1
    print("%d texts, %d unexplained differences, %d explained" % (files, bad, len(seen)))
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
