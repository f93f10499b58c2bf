#!/usr/bin/python3
"""A workbook whose sheet is larger than 4 GiB unpacked (zip64), read by the program. SLOW_TESTS=1 runs it.

The sheet is one piece of rows, packed once and repeated: deflate's pieces can be put one behind the other after a
full flush. Prints TAP.
"""
import binascii
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

ROWS = 1048576 - 1
PIECE_ROWS = 2047
TEXT_BYTES = 4200
PROGRAM = os.environ.get("SHEETFLOW", "build-test/src/cli/sheetflow")
NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def row(text):
    return '<row><c t="inlineStr"><is><t>%s</t></is></c></row>' % text


def small_parts():
    return {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>' % (PACKAGE, RELS),
        "xl/workbook.xml": '<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="Huge" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>' % (NS, RELS),
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>' % (PACKAGE, RELS),
    }


class Archive:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.directory = []

    def add(self, name, packed_pieces, method, crc, size):
        offset = self.file.tell()
        packed = sum(len(p) * n for p, n in packed_pieces)
        extra = struct.pack("<HHQQ", 1, 16, size, packed)
        head = struct.pack("<HHHHHIIIHH", 45, 0, method, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra))
        self.file.write(b"PK\3\4" + head + name.encode() + extra)
        for piece, times in packed_pieces:
            for _ in range(times):
                self.file.write(piece)
        extra = struct.pack("<HHQQQ", 1, 24, size, packed, offset)
        self.directory.append(
            b"PK\1\2" + struct.pack("<H", 45) + struct.pack(
                "<HHHHHIIIHHHHHII", 45, 0, method, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra),
                0, 0, 0, 0, 0xFFFFFFFF) + name.encode() + extra)

    def close(self):
        begin = self.file.tell()
        directory = b"".join(self.directory)
        n = len(self.directory)
        self.file.write(directory)
        end = self.file.tell()
        self.file.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, n, n, len(directory), begin))
        self.file.write(b"PK\6\7" + struct.pack("<IQI", 0, end, 1))
        self.file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
        self.file.close()


def write_book(path):
    rng = random.Random(1)
    head = ('<worksheet xmlns="%s"><sheetData>' % NS + row("name")).encode()
    # Some of each text is noise, so that the part packs as real ones do and is not taken for a bomb.
    piece = "".join(row("%x" % rng.getrandbits(600) + "value " * ((TEXT_BYTES - 150) // 6))
                    for _ in range(PIECE_ROWS)).encode()
    tail = b"</sheetData></worksheet>"
    times = ROWS // PIECE_ROWS
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(tail) + packer.flush(zlib.Z_FINISH)
    crc = binascii.crc32(head)
    for _ in range(times):
        crc = binascii.crc32(piece, crc)
    crc = binascii.crc32(tail, crc)
    size = len(head) + len(piece) * times + len(tail)
    archive = Archive(path)
    for name, text in small_parts().items():
        archive.add(name, [(text.encode(), 1)], 0, binascii.crc32(text.encode()), len(text))
    archive.add("xl/worksheets/sheet1.xml", [(first, 1), (middle, times), (last, 1)], 8, crc, size)
    archive.close()
    return size, times * PIECE_ROWS


def main():
    print("1..1")
    if not os.environ.get("SLOW_TESTS"):
        print("ok 1 - a sheet over 4 GiB # SKIP it is read where SLOW_TESTS is set")
        return 0
    folder = tempfile.mkdtemp(prefix="huge_part_")
    try:
        book = os.path.join(folder, "huge.xlsx")
        size, rows = write_book(book)
        assert size > 1 << 32, size
        run = subprocess.run([PROGRAM, "op", "excel/search", "--conditions",
                              '[{"column": "name", "operator": "contains", "value": "no such text"}]',
                              book, os.path.join(folder, "out.csv")],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        assert run.returncode == 0, run.stdout
        run = subprocess.run([PROGRAM, "inspect", "--count", book], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding="utf-8")
        assert str(rows) in run.stdout.replace(",", ""), run.stdout
        print("ok 1 - a sheet of %d bytes, packed into %d" % (size, os.path.getsize(book)))
        return 0
    except AssertionError as e:
        print("not ok 1 - a sheet over 4 GiB\n# %s" % str(e).replace("\n", " ")[:2000])
        return 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
