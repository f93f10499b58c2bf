// The same work in SheetJS.
//
//   sheetjs.mjs xlsx-to-csv IN OUT
import { writeFileSync } from 'node:fs';
import XLSX from 'xlsx';

const [, source, target] = process.argv.slice(2);
const book = XLSX.readFile(source, { dense: true });
writeFileSync(target, XLSX.utils.sheet_to_csv(book.Sheets[book.SheetNames[0]]));
