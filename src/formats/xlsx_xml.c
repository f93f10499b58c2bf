/*
 * Small XML parts through expat.
 */
#include "formats/xlsx_xml.h"

#include "formats/xml_scan.h"

#include <expat.h>
#include <limits.h>

#define NS_SEP '\x1f'

static const char mc_uri[] = "http://schemas.openxmlformats.org/markup-compatibility/2006";

struct parse {
    XML_Parser parser;
    const struct xlsx_xml *handler;
    const struct xml_input *in;
    struct err *err;
    unsigned depth;
    unsigned skip; /* Depth of a branch of alternate content that is left out; 0: none. */
    bool failed;   /* *err is set. */
};

static const char *local_name(const char *name)
{
    const char *sep = strrchr(name, NS_SEP);

    return sep ? sep + 1 : name;
}

const char *xlsx_xml_attr(const char **attrs, const char *local)
{
    for (; attrs[0]; attrs += 2) {
        if (strcmp(local_name(attrs[0]), local) == 0)
            return attrs[1];
    }
    return NULL;
}

static void stop(struct parse *p)
{
    p->failed = true;
    XML_StopParser(p->parser, XML_FALSE);
}

static bool is_choice(const char *name)
{
    size_t n = sizeof mc_uri - 1;

    return strncmp(name, mc_uri, n) == 0 && strcmp(local_name(name), "Choice") == 0;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
    struct parse *p = arg;

    if (p->failed)
        return;
    if (++p->depth > XLSX_XML_DEPTH) {
        xml_input_bad(p->in, p->in->p, "elements are nested too deep", p->err);
        stop(p);
        return;
    }
    if (!p->skip && is_choice(name))
        p->skip = p->depth;
    if (!p->skip && !p->handler->start(p->handler->ctx, local_name(name), attrs, p->err))
        stop(p);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    struct parse *p = arg;

    if (p->failed)
        return;
    if (!p->skip && p->handler->end &&
        !p->handler->end(p->handler->ctx, local_name(name), p->err)) {
        stop(p);
        return;
    }
    if (p->skip == p->depth)
        p->skip = 0;
    p->depth--;
}

static void XMLCALL on_doctype(
    void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
    struct parse *p = arg;

    (void)name;
    (void)sysid;
    (void)pubid;
    (void)internal;
    xml_input_bad(
        p->in, p->in->p, "it holds a document type definition, which is never read", p->err);
    stop(p);
}

static bool parse_error(struct parse *p, struct err *err)
{
    enum XML_Error code = XML_GetErrorCode(p->parser);

    if (p->failed)
        return false;
    if (code == XML_ERROR_NO_MEMORY)
        return err_nomem(err);
    return err_set(err, ERR_DATA, "'%s' is damaged: its part %s is not XML at line %lu: %s",
        p->in->label, p->in->part, XML_GetCurrentLineNumber(p->parser), XML_ErrorString(code));
}

static bool feed(struct parse *p, struct xml_input *in, struct err *err)
{
    for (;;) {
        size_t n = (size_t)(in->end - in->p);

        if (XML_Parse(p->parser, in->p, (int)n, in->eof) != XML_STATUS_OK || p->failed)
            return parse_error(p, err);
        if (in->eof)
            return true;
        in->p = in->end;
        if (!xml_input_more(in, err))
            return false;
    }
}

bool xlsx_xml_parse(struct zip_reader *zip, const struct zip_entry *entry, const char *label,
    size_t max, struct budget *budget, const struct xlsx_xml *handler, struct err *err)
{
    struct parse p = { .handler = handler, .err = err };
    struct zip_stream *stream = NULL;
    struct xml_input in;
    bool ok = false;

    if (entry->size > max)
        return err_set(err, ERR_TOO_LARGE, "'%s': its part %s is larger than %zu MiB", label,
            entry->name, max >> 20);
    if (!zip_stream_open(zip, entry, &stream, err))
        return false;
    if (!xml_input_open(&in, stream, label, budget, err))
        goto out;
    p.in = &in;
    p.parser = XML_ParserCreateNS("UTF-8", NS_SEP);
    if (!p.parser) {
        err_nomem(err);
        goto close;
    }
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
    ok = feed(&p, &in, err);
    XML_ParserFree(p.parser);
close:
    xml_input_close(&in);
out:
    zip_stream_close(stream);
    return ok;
}
