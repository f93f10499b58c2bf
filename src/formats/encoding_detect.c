/*
 * Which encoding a text is in, guessed from a sample; and the names encodings go by.
 *
 * Guessers like Western text to be anything but what it is, so they are asked last, and only about
 * text whose high bytes come in runs, as they do in East Asian and Cyrillic text but not in words
 * with an accent here and there.
 */
#include "formats/encoding_int.h"

#include <iconv.h>
#include <stdlib.h>
#include <strings.h>
#include <uchardet/uchardet.h>

enum {
    GUESS_BYTES = 64 * 1024, /* More does not make the guess better. */
    GUESS_HIGH_MIN = 16,     /* High bytes below which no guess is worth anything. */
    CUT_MAX = 3,             /* Bytes of a character that the sample's end may cut. */
    CUT_SAMPLE_MIN = 4096,   /* A smaller sample is the whole text, and so not cut. */
    GOOD_PER_BAD = 20        /* Right characters beyond ASCII for a bad byte in UTF-8. */
};

/* Names as people write them, and ours. Latin-1 is read as the web does: as Windows-1252. */
static const char *const names[][2] = {
    { "UTF-8", "UTF-8" },
    { "UTF8", "UTF-8" },
    { "UTF-8-SIG", "UTF-8" },
    { "UTF-16LE", "UTF-16LE" },
    { "UTF-16-LE", "UTF-16LE" },
    { "UTF-16BE", "UTF-16BE" },
    { "UTF-16-BE", "UTF-16BE" },
    { "UTF-16", "UTF-16LE" }, /* A BOM, where there is one, has been looked at before. */
    { "UTF16", "UTF-16LE" },
    { "UTF_16", "UTF-16LE" },
    { "UTF_8", "UTF-8" },
    { "ASCII", "WINDOWS-1252" },
    { "US-ASCII", "WINDOWS-1252" },
    { "WINDOWS-1252", "WINDOWS-1252" },
    { "CP1252", "WINDOWS-1252" },
    { "ANSI", "WINDOWS-1252" },
    { "LATIN1", "WINDOWS-1252" },
    { "LATIN-1", "WINDOWS-1252" },
    { "LATIN_1", "WINDOWS-1252" },
    { "ISO-8859-1", "WINDOWS-1252" },
    { "ISO8859-1", "WINDOWS-1252" },
    { "ISO_8859-1", "WINDOWS-1252" },
};

/* What uchardet is believed, by its name and ours. */
static const char *const believed[][2] = {
    { "SHIFT_JIS", "CP932" },
    { "EUC-JP", "EUC-JP" },
    { "ISO-2022-JP", "ISO-2022-JP" },
    { "GB18030", "GB18030" },
    { "GB2312", "GB18030" },
    { "BIG5", "BIG5-HKSCS" },
    { "EUC-KR", "CP949" },
    { "UHC", "CP949" },
    { "EUC-TW", "EUC-TW" },
    { "WINDOWS-1251", "WINDOWS-1251" },
    { "KOI8-R", "KOI8-R" },
    { "ISO-8859-5", "ISO-8859-5" },
    { "IBM866", "IBM866" },
    { "MAC-CYRILLIC", "MAC-CYRILLIC" },
    { "WINDOWS-1253", "WINDOWS-1253" },
    { "ISO-8859-7", "ISO-8859-7" },
    { "WINDOWS-1255", "WINDOWS-1255" },
    { "ISO-8859-8", "WINDOWS-1255" },
    { "WINDOWS-1256", "WINDOWS-1256" },
    { "TIS-620", "CP874" },
};

/* Asked for now and then. */
static const char *const others[] = { "ISO-8859-2", "ISO-8859-9", "ISO-8859-15", "WINDOWS-1250",
    "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257", "WINDOWS-1258",
    "MACINTOSH", "CP437", "CP850", "CP852", "CP874", "WINDOWS-1252", "GBK", "SHIFT_JIS", "EUC-KR",
    "BIG5", "UTF-32" };

/* Open for good, which is what keeps a converter in memory. */
static iconv_t loaded[ARRAY_LEN(believed) + ARRAY_LEN(others)];

void encoding_preload(void)
{
    for (size_t i = 0; i < ARRAY_LEN(loaded); i++) {
        const char *name =
            i < ARRAY_LEN(believed) ? believed[i][1] : others[i - ARRAY_LEN(believed)];

        if (!loaded[i])
            loaded[i] = iconv_open("UTF-8", name);
    }
}

const char *encoding_find(const char *name)
{
    iconv_t cd;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(names[i][0], name) == 0)
            return names[i][1];
    }
    if (!*name ||
        strchr(name, '/')) /* iconv takes options behind slashes, and nothing for the locale's. */
        return NULL;
    cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1)
        return NULL;
    iconv_close(cd);
    return name;
}

bool encoding_known(const char *name)
{
    return encoding_find(name) != NULL;
}

/* UTF-16 without a BOM: Latin text has a NUL in every other byte, on one side only. */
static const char *utf16_by_nuls(const unsigned char *p, size_t n)
{
    size_t pairs = n / 2, nul[2] = { 0, 0 };

    if (n < 4)
        return NULL;
    for (size_t i = 0; i < pairs * 2; i++)
        nul[i & 1] += p[i] == 0;
    if (nul[1] * 10 >= pairs * 6 && nul[0] * 20 < pairs)
        return "UTF-16LE";
    if (nul[0] * 10 >= pairs * 6 && nul[1] * 20 < pairs)
        return "UTF-16BE";
    return NULL;
}

/* Characters beyond ASCII in valid text. */
static size_t count_wide(const char *p, size_t n)
{
    size_t wide = 0;

    for (size_t i = 0; i < n; i++)
        wide += (unsigned char)p[i] >= 0xC2;
    return wide;
}

/*
 * UTF-8, or UTF-8 with a few bytes damaged: in other encodings valid sequences are rare accidents.
 */
static bool is_utf8(const char *p, size_t n)
{
    size_t i = encoding_valid_utf8(p, n), bad = 0, good;

    if (i == n)
        return true;
    good = count_wide(p, i);
    while (i < n) {
        size_t valid;

        /* What is left may be a character that goes on behind the sample. */
        if (n - i <= CUT_MAX && (unsigned char)p[i] >= 0xC2 && (good > 0 || n >= CUT_SAMPLE_MIN))
            break;
        bad++;
        i++;
        if (bad > GOOD_PER_BAD && good < bad)
            return false;
        valid = encoding_valid_utf8(p + i, n - i);
        good += count_wide(p + i, valid);
        i += valid;
    }
    return good >= bad * GOOD_PER_BAD;
}

/* Do high bytes come in runs, or lie where Shift-JIS has its first bytes? */
static bool worth_a_guess(const unsigned char *p, size_t n)
{
    size_t high = 0, runs = 0, low_half = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x80)
            continue;
        high++;
        low_half += p[i] >= 0x81 && p[i] <= 0x9F;
        runs += i == 0 || p[i - 1] < 0x80;
    }
    return high >= GUESS_HIGH_MIN && (high >= 2 * runs || low_half * 2 > high);
}

/* Does the sample decode without a fault? A character cut by its end is none. */
static bool decodes(const char *encoding, const char *p, size_t n)
{
    iconv_t cd = iconv_open("UTF-8", encoding);
    char out[4096], *in = (char *)(uintptr_t)p;
    bool ok = cd != (iconv_t)-1;

    while (ok && n > CUT_MAX) {
        char *to = out;
        size_t room = sizeof out, before = n;

        if (iconv(cd, &in, &n, &to, &room) == (size_t)-1 && n == before)
            ok = false;
    }
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    return ok;
}

static const char *guess(const char *p, size_t n)
{
    const char *found = NULL;
    uchardet_t ud;

    if (n > GUESS_BYTES)
        n = GUESS_BYTES;
    if (!worth_a_guess((const unsigned char *)p, n))
        return NULL;
    ud = uchardet_new();
    if (!ud)
        return NULL;
    if (uchardet_handle_data(ud, p, n) == 0) {
        const char *name;

        uchardet_data_end(ud);
        name = uchardet_get_charset(ud);
        for (size_t i = 0; i < ARRAY_LEN(believed); i++) {
            if (strcasecmp(believed[i][0], name) == 0 && decodes(believed[i][1], p, n))
                found = believed[i][1];
        }
    }
    uchardet_delete(ud);
    return found;
}

const char *encoding_detect(const void *sample, size_t n, size_t *bom)
{
    const unsigned char *p = sample;
    const char *found;

    *bom = 0;
    if (n >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF) {
        *bom = 3;
        return "UTF-8";
    }
    if (n >= 2 && p[0] == 0xFF && p[1] == 0xFE) {
        *bom = 2;
        return "UTF-16LE";
    }
    if (n >= 2 && p[0] == 0xFE && p[1] == 0xFF) {
        *bom = 2;
        return "UTF-16BE";
    }
    found = utf16_by_nuls(p, n);
    if (found)
        return found;
    if (is_utf8(sample, n))
        return "UTF-8";
    found = guess(sample, n);
    return found ? found : "WINDOWS-1252";
}
