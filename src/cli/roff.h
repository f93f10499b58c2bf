#ifndef CLI_ROFF_H
#define CLI_ROFF_H

/* Manual pages in the man(7) macros: text is escaped here and nowhere else. */

#include "base/buf.h"

/* Text of a paragraph: blank lines begin a new one. Ends with a line end. */
void roff_text(const char *text, struct buf *out);
/* Text in a line, as it stands: no line end. */
void roff_inline(const char *text, struct buf *out);
/* Lines that keep their form. */
void roff_block(const char *text, struct buf *out);

void roff_title(const char *name, int section, const char *manual, struct buf *out);
void roff_section(const char *name, struct buf *out);
void roff_subsection(const char *name, struct buf *out);
/* What follows explains `term` (bold) `value` (italic, may be NULL). */
void roff_term(const char *term, const char *value, struct buf *out);

#endif
