/* Manual pages in the man(7) macros. */

#include "cli/roff.h"

static void add_char(char c, struct buf *out)
{
    switch (c) {
    case '\\':
        buf_adds(out, "\\e");
        break;
    case '-':
        buf_adds(out, "\\-");
        break;
    case '\'':
        buf_adds(out, "\\(aq");
        break;
    case '`':
        buf_adds(out, "\\(ga");
        break;
    case '^':
        buf_adds(out, "\\(ha");
        break;
    case '~':
        buf_adds(out, "\\(ti");
        break;
    case '"':
        buf_adds(out, "\\(dq"); /* It would end an argument of a macro. */
        break;
    default:
        buf_addc(out, c);
    }
}

/* A line that begins with a dot would be a macro. */
static void add_line(const char *text, size_t n, struct buf *out)
{
    if (n > 0 && text[0] == '.')
        buf_adds(out, "\\&");
    for (size_t i = 0; i < n; i++)
        add_char(text[i], out);
}

void roff_inline(const char *text, struct buf *out)
{
    size_t n = strcspn(text, "\n");

    add_line(text, n, out);
}

void roff_text(const char *text, struct buf *out)
{
    while (*text) {
        size_t n = strcspn(text, "\n"), blanks = strspn(text, " ");

        if (n == 0)
            buf_adds(out, ".PP\n");
        else if (blanks && blanks < n) { /* Indented: an example. */
            buf_adds(out, ".RS\n.nf\n");
            add_line(text + blanks, n - blanks, out);
            buf_adds(out, "\n.fi\n.RE\n");
        } else {
            add_line(text, n, out);
            buf_addc(out, '\n');
        }
        text += n + (text[n] == '\n');
    }
}

void roff_block(const char *text, struct buf *out)
{
    buf_adds(out, ".RS\n.nf\n");
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (n == 0)
            buf_adds(out, ".sp"); /* An empty line would end the indentation in some readers. */
        add_line(text, n, out);
        buf_addc(out, '\n');
        text += n + (text[n] == '\n');
    }
    buf_adds(out, ".fi\n.RE\n");
}

void roff_title(const char *name, int section, const char *manual, struct buf *out)
{
    buf_addf(out,
        ".\\\" Written by the program from its own declarations.\n"
        ".TH %s %d \"\" \"Sheetflow %s\" \"%s\"\n"
        ".nh\n.ad l\n",
        name, section, SHEETFLOW_VERSION, manual);
}

void roff_section(const char *name, struct buf *out)
{
    buf_addf(out, ".SH %s\n", name);
}

void roff_subsection(const char *name, struct buf *out)
{
    buf_adds(out, ".SS \"");
    roff_inline(name, out);
    buf_adds(out, "\"\n");
}

void roff_term(const char *term, const char *value, struct buf *out)
{
    buf_adds(out, ".TP\n\\fB");
    add_line(term, strlen(term), out);
    buf_adds(out, "\\fR");
    if (value && *value) {
        buf_adds(out, " \\fI");
        add_line(value, strlen(value), out);
        buf_adds(out, "\\fR");
    }
    buf_addc(out, '\n');
}
