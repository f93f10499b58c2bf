#ifndef FORMATS_XLSX_RICH_H
#define FORMATS_XLSX_RICH_H

/*
 * The text of string items, <si> and <is>: plain or in formatted runs, without phonetic hints.
 *
 *   <si><t>plain</t></si>                            plain
 *   <si><r><rPr/><t>for</t></r><r><t>matted</t></r>  formatted
 *       <rPh sb="0" eb="1"><t>hint</t></rPh></si>
 *
 * Blanks at the outer ends of the text count only under xml:space="preserve"; _xHHHH_ stands for
 * a UTF-16 unit.
 */

#include "formats/xml_scan.h"

/*
 * One run of character data into out, which has room for n bytes. trim: outer blanks are dropped.
 * flags: of xml_text_end(). False when it is not valid text: *why says how.
 */
bool rich_run(const char *p, size_t n, unsigned flags, bool trim, char *out, size_t *out_n,
    const char **why) MUST_CHECK;

/*
 * The item that begins at p, behind its start tag <name>, up to its end tag, appended to `out`.
 * Returns where it ends; NULL with *why NULL when it is cut by the end of the window, else with
 * what is wrong.
 */
const char *rich_item(
    const char *p, const char *end, struct str name, struct buf *out, const char **why);

/*
 * The end of the element that began before p with the start tag <name>: as rich_item(), without
 * text.
 */
const char *rich_skip(const char *p, const char *end, struct str name, const char **why);

/* _xHHHH_ in place; returns the new length. */
size_t rich_unescape(char *p, size_t n);

#endif
