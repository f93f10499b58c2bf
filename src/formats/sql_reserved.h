#ifndef FORMATS_SQL_RESERVED_H
#define FORMATS_SQL_RESERVED_H

/* Words that a dialect does not take as a bare identifier. */

#include "formats/sql_write.h"

/* Is word[0..n), in any case, reserved? */
bool sql_is_reserved(enum sql_dialect d, const char *word, size_t n);

#endif
