#ifndef DESCRIBE_REFERENCE_H
#define DESCRIBE_REFERENCE_H

/*
 * docs/reference.md: every operation, every normalization, every setting; generated, so that it is true.
 * A test compares it with the file and says how to write it anew.
 */

#include "base/buf.h"

void reference_write(struct buf *out);

#endif
