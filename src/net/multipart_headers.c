/*
 * The headers of a part: Content-Disposition with its names, in the spellings that clients use.
 *
 *   name="file"; filename="Umsätze.xlsx"            raw UTF-8 (browsers, curl)
 *   filename*=UTF-8''Ums%C3%A4tze.xlsx              RFC 5987 (python-requests); wins over filename
 *   filename="a \"b\".csv"                          \" and \\ are escapes, any other backslash is itself
 */

#include "net/multipart.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct param {
    const char *name;
    size_t name_len;
    const char *value; /* Unescaped, in the arena. */
    size_t value_len;
};

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* A "quoted string" at *p into the arena. */
static bool read_quoted(const char **p, struct arena *arena, struct param *out)
{
    const char *s = *p + 1;
    char *to = arena_alloc(arena, strlen(s) + 1);
    size_t n = 0;

    if (!to)
        return false;
    for (; *s != '"'; s++) {
        if (*s == '\0')
            return false;
        if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
            s++;
        to[n++] = *s;
    }
    to[n] = '\0';
    *p = s + 1;
    out->value = to;
    out->value_len = n;
    return true;
}

/* `; name=value` at *p. False when what stands there is no parameter. */
static bool read_param(const char **p, struct arena *arena, struct param *out)
{
    const char *s = skip_blanks(*p);

    if (*s != ';')
        return false;
    s = skip_blanks(s + 1);
    out->name = s;
    while (is_token_char(*s))
        s++;
    out->name_len = (size_t)(s - out->name);
    s = skip_blanks(s);
    if (out->name_len == 0 || *s != '=')
        return false;
    s = skip_blanks(s + 1);
    if (*s == '"') {
        if (!read_quoted(&s, arena, out))
            return false;
    } else {
        const char *start = s;

        while (*s && *s != ';' && *s != ' ' && *s != '\t')
            s++;
        out->value_len = (size_t)(s - start);
        out->value = arena_dup(arena, start, out->value_len);
        if (!out->value || out->value_len == 0)
            return false;
    }
    *p = s;
    return true;
}

static bool param_is(const struct param *param, const char *name)
{
    return strlen(name) == param->name_len && strncasecmp(param->name, name, param->name_len) == 0;
}

/* Latin-1 bytes as UTF-8. */
static const char *from_latin1(struct arena *arena, const char *p, size_t n)
{
    char *out = arena_alloc(arena, 2 * n + 1);
    size_t len = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++)
        len += utf8_encode((unsigned char)p[i], out + len);
    out[len] = '\0';
    return out;
}

/* A name as UTF-8: what is not valid UTF-8 was Latin-1. */
static const char *as_utf8(struct arena *arena, const struct param *param)
{
    if (utf8_valid_prefix(param->value, param->value_len) == param->value_len)
        return param->value;
    return from_latin1(arena, param->value, param->value_len);
}

/* RFC 5987: charset'language'percent-encoded. NULL when it is not. */
static const char *read_extended(struct arena *arena, const char *value)
{
    const char *quote = strchr(value, '\''), *text = quote ? strchr(quote + 1, '\'') : NULL;
    size_t n = 0, charset_len = quote ? (size_t)(quote - value) : 0;
    char *out;

    if (!text)
        return NULL;
    text++;
    out = arena_alloc(arena, strlen(text) + 1);
    if (!out)
        return NULL;
    while (*text) {
        if (*text == '%') {
            int byte = num_hex_byte(text + 1);

            if (byte <= 0)
                return NULL;
            out[n++] = (char)byte;
            text += 3;
        } else {
            out[n++] = *text++;
        }
    }
    out[n] = '\0';
    if (charset_len == 5 && strncasecmp(value, "utf-8", 5) == 0)
        return utf8_valid_prefix(out, n) == n ? out : NULL;
    if (charset_len == 10 && strncasecmp(value, "iso-8859-1", 10) == 0)
        return from_latin1(arena, out, n);
    return NULL;
}

static bool read_disposition(
    const char *value, struct arena *arena, struct multipart_headers *out, struct err *err)
{
    const char *p = skip_blanks(value), *extended = NULL;
    struct param param;

    if (strncasecmp(p, "form-data", 9) != 0 || is_token_char(p[9]))
        return err_set(err, ERR_MALFORMED, "a part of the form is not form-data");
    p += 9;
    while (read_param(&p, arena, &param)) {
        if (param_is(&param, "name") && !out->name)
            out->name = as_utf8(arena, &param);
        else if (param_is(&param, "filename") && !out->filename)
            out->filename = as_utf8(arena, &param);
        else if (param_is(&param, "filename*") && !extended)
            extended = read_extended(arena, param.value);
    }
    p = skip_blanks(p);
    if (*p == ';')
        p = skip_blanks(p + 1);
    if (*p != '\0')
        return err_set(
            err, ERR_MALFORMED, "a part of the form has a malformed Content-Disposition");
    if (extended)
        out->filename = extended;
    if (out->filename && !*out->filename)
        out->filename = NULL; /* A file field that was left empty. */
    return true;
}

static bool read_line(
    char *line, size_t n, struct arena *arena, struct multipart_headers *out, struct err *err)
{
    char *colon = memchr(line, ':', n), *value;
    size_t name_len = colon ? (size_t)(colon - line) : 0;

    if (name_len == 0 || memchr(line, '\0', n))
        return err_set(err, ERR_MALFORMED, "a part of the form has a malformed header line");
    for (size_t i = 0; i < name_len; i++) {
        if (!is_token_char(line[i]))
            return err_set(err, ERR_MALFORMED, "a part of the form has a malformed header name");
    }
    while (n > name_len + 1 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    value = colon + 1;
    value = arena_dup(arena, value, n - name_len - 1);
    if (!value)
        return err_nomem(err);
    value += strspn(value, " \t");
    if (name_len == 19 && strncasecmp(line, "content-disposition", 19) == 0)
        return out->name ? err_set(err, ERR_MALFORMED, "a part of the form has two names")
                         : read_disposition(value, arena, out, err);
    if (name_len == 12 && strncasecmp(line, "content-type", 12) == 0)
        out->type = value;
    else if (name_len == 25 && strncasecmp(line, "content-transfer-encoding", 25) == 0 &&
             (strcasecmp(value, "base64") == 0 || strcasecmp(value, "quoted-printable") == 0))
        return err_set(err, ERR_MALFORMED,
            "a part of the form is sent as %s; send the bytes as they are", value);
    return true;
}

bool multipart_headers_read(
    char *p, size_t n, struct arena *arena, struct multipart_headers *out, struct err *err)
{
    unsigned lost = memory_lost();
    char *end = p + n;

    *out = (struct multipart_headers){ 0 };
    while (p < end) {
        char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
        char *next = eol ? eol + 2 : end;

        if (!eol)
            eol = end;
        if (!read_line(p, (size_t)(eol - p), arena, out, err))
            return memory_lost() != lost ? err_nomem(err) : false;
        p = next;
    }
    if (memory_lost() != lost) /* What looks as if it were not there may be. */
        return err_nomem(err);
    if (!out->name)
        return err_set(err, ERR_MALFORMED, "a part of the form has no name");
    return true;
}

bool multipart_boundary(const char *content_type, char out[MULTIPART_BOUNDARY_MAX + 1])
{
    static const char type[] = "multipart/form-data";
    const char *p = skip_blanks(content_type);
    struct arena arena;
    struct param param;
    bool found = false;

    if (strncasecmp(p, type, sizeof type - 1) != 0)
        return false;
    p += sizeof type - 1;
    arena_init(&arena, NULL);
    while (!found && read_param(&p, &arena, &param)) {
        if (!param_is(&param, "boundary"))
            continue;
        if (param.value_len == 0 || param.value_len > MULTIPART_BOUNDARY_MAX ||
            param.value[param.value_len - 1] == ' ')
            break;
        for (size_t i = 0; i < param.value_len; i++) {
            char c = param.value[i];

            if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
                !strchr("0123456789'()+_,-./:=? ", c))
                goto out;
        }
        memcpy(out, param.value, param.value_len + 1);
        found = true;
    }
out:
    arena_deinit(&arena);
    return found;
}
