#ifndef STORE_UTF8_LOCALE_H
#define STORE_UTF8_LOCALE_H

/*
 * The archive library turns names into the character set of the thread's locale. While one of these
 * is entered, that is UTF-8, for this thread only; the process keeps its "C" locale.
 */

#include "base/err.h"

#include <locale.h>

struct utf8_locale {
    locale_t utf8, before;
};

bool utf8_locale_enter(struct utf8_locale *l, struct err *err) MUST_CHECK;
void utf8_locale_leave(struct utf8_locale *l);

#endif
