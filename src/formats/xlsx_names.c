/* Repairs of sheet names: a file whose name breaks one of these rules does not open in Excel. */

#include "formats/xlsx_names.h"

#include "base/utf8.h"
#include "formats/xlsx_text.h"

#include <stdio.h>
#include <strings.h>

/* Most of a raw name that is looked at: far more than can stay. */
enum { RAW_MAX = 4096 };

static const char forbidden[] = "[]:*?/\\";

static const char *replace_forbidden(char *p, size_t n)
{
    const char *done = NULL;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c < 0x20 || c == 0x7f || strchr(forbidden, (char)c)) {
            p[i] = '_';
            done = "characters that a sheet name cannot have became _";
        }
    }
    return done;
}

const char *xlsx_name_repair(const char *raw, const char *fallback, char out[XLSX_NAME_MAX])
{
    const char *done = NULL, *p;
    struct buf clean;
    size_t n, kept;

    buf_init(&clean, RAW_MAX * 3); /* An invalid byte becomes three. */
    if (!raw || !*raw)
        raw = fallback;
    if (utf8_sanitize(raw, strnlen(raw, RAW_MAX), &clean) > 0)
        done = "bytes that are no UTF-8 were replaced";
    buf_str(&clean);
    if (clean.len > 0 && replace_forbidden(clean.data, clean.len))
        done = "characters that a sheet name cannot have became _";

    p = buf_str(&clean);
    n = clean.len;
    for (; n > 0 && *p == '\''; p++, n--)
        done = "apostrophes at its ends were dropped";
    kept = xlsx_text_cut(p, n, XLSX_NAME_UNITS);
    if (kept < n)
        done = "a sheet name has at most 31 characters";
    for (n = kept; n > 0 && p[n - 1] == '\''; n--)
        done = done ? done : "apostrophes at its ends were dropped";

    if (n == 0)
        snprintf(out, XLSX_NAME_MAX, "%s", fallback);
    else
        snprintf(out, XLSX_NAME_MAX, "%.*s", (int)n, p);
    if (strcasecmp(out, "History") == 0) {
        snprintf(out + strlen(out), 2, "_");
        done = "Excel keeps the name History for itself";
    }
    buf_deinit(&clean);
    return done;
}

void xlsx_name_number(const char *name, unsigned k, char out[XLSX_NAME_MAX])
{
    char number[16];
    int n_number = snprintf(number, sizeof number, " (%u)", k);
    size_t kept = xlsx_text_cut(name, strlen(name), XLSX_NAME_UNITS - (size_t)n_number);

    snprintf(out, XLSX_NAME_MAX, "%.*s%s", (int)kept, name, number);
}

bool xlsx_name_same(const char *a, const char *b)
{
    const char *fa, *fb;
    struct arena arena;
    size_t na, nb;
    bool same;

    arena_init(&arena, NULL);
    fa = utf8_fold(&arena, a, strlen(a), &na);
    fb = utf8_fold(&arena, b, strlen(b), &nb);
    same = fa && fb && na == nb && memcmp(fa, fb, na) == 0;
    arena_deinit(&arena);
    return same;
}
