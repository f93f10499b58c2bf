/* Single texts in an old encoding. */

#include "formats/encoding_text.h"

#include "base/utf8.h"
#include "formats/encoding.h"

#include <iconv.h>
#include <stdlib.h>

struct encoding_text {
    iconv_t cd;
};

struct encoding_text *encoding_text_new(const char *encoding)
{
    struct encoding_text *t = malloc(sizeof *t);

    if (!t)
        return NULL;
    t->cd = iconv_open("UTF-8", encoding);
    if (t->cd == (iconv_t)-1) {
        free(t);
        return NULL;
    }
    return t;
}

void encoding_text_free(struct encoding_text *t)
{
    if (!t)
        return;
    iconv_close(t->cd);
    free(t);
}

size_t encoding_text_decode(struct encoding_text *t, const void *p, size_t n, char *out)
{
    char *in = (char *)(uintptr_t)p, *to = out;
    size_t left = n, room = n * ENCODING_TEXT_GROWTH;

    iconv(t->cd, NULL, NULL, NULL, NULL);
    while (left > 0 && iconv(t->cd, &in, &left, &to, &room) == (size_t)-1) {
        size_t made = left > 0 && room >= 3 ? utf8_encode(0xFFFD, to) : 0;

        if (made == 0)
            break;
        to += made;
        room -= made;
        in++;
        left--;
    }
    return (size_t)(to - out);
}
