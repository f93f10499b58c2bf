/* UTF-8 for one thread: see the header. */

#include "store/utf8_locale.h"

bool utf8_locale_enter(struct utf8_locale *l, struct err *err)
{
    l->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (l->utf8 == (locale_t)0)
        return err_set(err, ERR_INTERNAL, "the system has no UTF-8 locale, which archives need");
    l->before = uselocale(l->utf8);
    return true;
}

void utf8_locale_leave(struct utf8_locale *l)
{
    uselocale(l->before);
    freelocale(l->utf8);
}
