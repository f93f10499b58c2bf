#ifndef CHAT_NAMES_H
#define CHAT_NAMES_H

/* Names of participants: a word of the sea, the land or the sky and four digits: BlueWhale-4821. */

#include "base/err.h"

enum { NAMES_TEXT_MAX = 64 };

/*
 * A name that nobody has.
 *
 * Shape:  ^[A-Z][A-Za-z]+-[1-9]\d{3}$, chosen at random.
 * taken:  says whether a name is in use; false fails with its err. Two callers may get the same
 *         name at the same moment: the store refuses the second, who asks again.
 * Errors: those of `taken`; ERR_BUSY when NAMES_TRIES names in a row were taken.
 */
bool names_make(bool (*taken)(void *arg, const char *name, bool *yes, struct err *err), void *arg,
    char out[NAMES_TEXT_MAX], struct err *err) MUST_CHECK;

/* The words, theme by theme, for tests and docs; NULL past the last of a theme or past the last
 * theme. */
const char *names_word(unsigned theme, unsigned i);

#endif
