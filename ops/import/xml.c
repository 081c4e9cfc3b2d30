#include "ops/import/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/check.h"

enum {
    SLICE_SIZE = 64 * 1024, /* Given to expat at a time; how exactly a token is measured. */
    PATH_CAPACITY = WEFT_XML_DEPTH_MAX * (WEFT_XML_NAME_SIZE_MAX + 1),
};

/* Between namespace and name: no document can hold it, not even as a character reference. */
#define SEPARATOR '\f'

struct weft_xml {
    struct weft_xml_handler handler;
    XML_Parser parser;
    struct weft_bytes rest; /* Fed and not yet given to expat. */
    bool is_last;
    bool is_ended;     /* The last slice was given. */
    bool is_suspended; /* A callback asked for a pause: expat goes on within its own buffer. */
    bool wants_pause;
    bool has_moved;    /* Expat came past a token since the last slice. */
    size_t stuck_size; /* Bytes given since it did. */
    uint8_t head[2];   /* First bytes of the document. */
    uint32_t head_size;

    enum weft_err err; /* Why the document ended. */
    struct weft_msg msg;

    uint32_t depth;
    uint16_t starts[WEFT_XML_DEPTH_MAX + 1]; /* Of each name in the path. */
    size_t path_size;
    char path[PATH_CAPACITY + 1];
    bool wants[WEFT_XML_DEPTH_MAX + 1];    /* The element's text is wanted, ... */
    size_t begins[WEFT_XML_DEPTH_MAX + 1]; /* and starts here in `text`. */
    struct weft_buffer text;
    struct weft_xml_attribute attributes[WEFT_XML_ATTRIBUTES_MAX];
};

/* --- places ---------------------------------------------------------------------------------- */

uint64_t weft_xml_line(const struct weft_xml *xml)
{
    return XML_GetCurrentLineNumber(xml->parser);
}

uint32_t weft_xml_column(const struct weft_xml *xml)
{
    return (uint32_t)XML_GetCurrentColumnNumber(xml->parser) + 1;
}

const char *weft_xml_path(const struct weft_xml *xml)
{
    size_t cut = xml->path_size < WEFT_XML_PATH_SIZE ? 0 : xml->path_size - WEFT_XML_PATH_SIZE + 1;
    while (cut > 0 && cut < xml->path_size && xml->path[cut] != '/') {
        cut++; /* At a whole name, which also keeps it UTF-8. */
    }
    return xml->path + cut;
}

enum weft_err weft_xml_place(const struct weft_xml *xml, struct weft_msg *msg, enum weft_err err)
{
    return weft_wrap(msg, err, "line %llu, column %u (%s)", (unsigned long long)weft_xml_line(xml),
        weft_xml_column(xml), weft_xml_path(xml));
}

/* The first failure ends the document. */
static void stop(struct weft_xml *xml, enum weft_err err)
{
    if (xml->err == WEFT_OK) {
        xml->err = weft_xml_place(xml, &xml->msg, err);
        (void)XML_StopParser(xml->parser, XML_FALSE);
    }
}

/* --- tags ------------------------------------------------------------------------------------ */

static void split(const char *name, struct weft_text *ret_uri, struct weft_text *ret_local)
{
    const char *at = strrchr(name, SEPARATOR);
    *ret_uri = at != NULL ? (struct weft_text){name, (size_t)(at - name)} : weft_text_of(NULL);
    *ret_local = weft_text_of(at != NULL ? at + 1 : name);
}

static enum weft_err check_name(struct weft_xml *xml, struct weft_text uri, struct weft_text name)
{
    if (uri.size > WEFT_XML_NAME_SIZE_MAX || name.size > WEFT_XML_NAME_SIZE_MAX) {
        return weft_fail(&xml->msg, WEFT_ETOOBIG, "a name is %zu bytes, at most %d",
            uri.size > name.size ? uri.size : name.size, WEFT_XML_NAME_SIZE_MAX);
    }
    return WEFT_OK;
}

static enum weft_err read_attributes(
    struct weft_xml *xml, const char *const *list, struct weft_xml_tag *tag)
{
    uint32_t count = 0;
    for (; list[2 * count] != NULL; count++) {
        if (count == WEFT_XML_ATTRIBUTES_MAX) {
            return weft_fail(&xml->msg, WEFT_ETOOBIG, "more than %d attributes", count);
        }
        struct weft_xml_attribute *a = &xml->attributes[count];
        split(list[2 * count], &a->uri, &a->name);
        a->value = weft_text_of(list[2 * count + 1]);
        enum weft_err err = check_name(xml, a->uri, a->name);
        if (err != WEFT_OK) {
            return err;
        }
        if (a->value.size > WEFT_XML_VALUE_SIZE_MAX) {
            return weft_fail(&xml->msg, WEFT_ETOOBIG, "attribute %s is %zu bytes, at most %d",
                a->name.data, a->value.size, WEFT_XML_VALUE_SIZE_MAX);
        }
    }
    tag->attributes = xml->attributes;
    tag->attribute_count = count;
    return WEFT_OK;
}

static enum weft_err enter(struct weft_xml *xml, const struct weft_xml_tag *tag)
{
    if (xml->depth == WEFT_XML_DEPTH_MAX) {
        return weft_fail(
            &xml->msg, WEFT_ETOOBIG, "elements nest deeper than %d", WEFT_XML_DEPTH_MAX);
    }
    xml->depth++;
    xml->starts[xml->depth] = (uint16_t)xml->path_size;
    xml->path[xml->path_size++] = '/';
    memcpy(xml->path + xml->path_size, tag->name.data, tag->name.size);
    xml->path_size += tag->name.size;
    xml->path[xml->path_size] = '\0';
    xml->begins[xml->depth] = xml->text.size;
    xml->wants[xml->depth] = false;
    return WEFT_OK;
}

static void on_start(void *ctx, const char *name, const char **list)
{
    struct weft_xml *xml = ctx;
    struct weft_xml_tag tag = {.depth = xml->depth + 1};
    xml->has_moved = true;
    if (xml->err != WEFT_OK) {
        return;
    }
    split(name, &tag.uri, &tag.name);
    enum weft_err err = check_name(xml, tag.uri, tag.name);
    if (err == WEFT_OK) {
        err = enter(xml, &tag);
    }
    if (err == WEFT_OK) {
        err = read_attributes(xml, list, &tag);
    }
    if (err == WEFT_OK) {
        err = xml->handler.on_start(xml->handler.ctx, &tag, &xml->wants[xml->depth], &xml->msg);
    }
    if (err != WEFT_OK) {
        stop(xml, err);
    } else if (xml->wants_pause) {
        (void)XML_StopParser(xml->parser, XML_TRUE);
    }
}

static void on_end(void *ctx, const char *name)
{
    struct weft_xml *xml = ctx;
    struct weft_text uri, local, text = {NULL, 0};
    xml->has_moved = true;
    if (xml->err != WEFT_OK) {
        return;
    }
    split(name, &uri, &local);
    size_t begin = xml->begins[xml->depth];
    if (xml->wants[xml->depth] && xml->text.size > begin) {
        text = (struct weft_text){(char *)xml->text.data + begin, xml->text.size - begin};
    }
    enum weft_err err = xml->handler.on_end(xml->handler.ctx, local, text, &xml->msg);
    if (err != WEFT_OK) {
        stop(xml, err);
        return;
    }
    xml->text.size = xml->begins[xml->depth];
    xml->path_size = xml->starts[xml->depth];
    xml->path[xml->path_size] = '\0';
    xml->depth--;
    if (xml->wants_pause) {
        (void)XML_StopParser(xml->parser, XML_TRUE);
    }
}

static void on_text(void *ctx, const char *data, int size)
{
    struct weft_xml *xml = ctx;
    xml->has_moved = true;
    if (xml->err != WEFT_OK || !xml->wants[xml->depth]) {
        return;
    }
    if (xml->text.size - xml->begins[xml->depth] + (size_t)size > WEFT_XML_TEXT_SIZE_MAX) {
        stop(xml, weft_fail(&xml->msg, WEFT_ETOOBIG, "a text is more than %d bytes",
                      WEFT_XML_TEXT_SIZE_MAX));
    } else if (weft_buffer_append(&xml->text, data, (size_t)size) != WEFT_OK) {
        stop(xml, weft_fail(&xml->msg, WEFT_ENOMEM, "no memory for a text"));
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static void on_doctype(
    void *ctx, const char *name, const char *system, const char *public, int has_subset)
{
    struct weft_xml *xml = ctx;
    (void)name, (void)system, (void)public, (void)has_subset;
    stop(xml, weft_fail(&xml->msg, WEFT_EINVAL,
                  "a document type (DTD) is not read: it can define entities and name files"));
}

static void on_declaration(void *ctx, const char *version, const char *encoding, int standalone)
{
    struct weft_xml *xml = ctx;
    (void)version, (void)standalone;
    xml->has_moved = true;
    if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0 &&
        strcasecmp(encoding, "US-ASCII") != 0) {
        stop(xml, weft_fail(&xml->msg, WEFT_EMALFORMED, "its encoding is %.40s; only UTF-8 is read",
                      encoding));
    }
}

/* Comments, instructions, white space around the root. */
static void on_other(void *ctx, const char *data, int size)
{
    struct weft_xml *xml = ctx;
    (void)data, (void)size;
    xml->has_moved = true;
}

/* --- running --------------------------------------------------------------------------------- */

enum weft_err weft_xml_create(
    const struct weft_xml_handler *handler, struct weft_xml **ret_xml, struct weft_msg *msg)
{
    struct weft_xml *xml = calloc(1, sizeof(*xml));
    /* The encoding is ours, whatever the document says of itself. */
    XML_Parser parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
    if (xml == NULL || parser == NULL) {
        if (parser != NULL) {
            XML_ParserFree(parser);
        }
        free(xml);
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an XML parser");
    }
    xml->handler = *handler;
    xml->parser = parser;
    XML_SetUserData(parser, xml);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetXmlDeclHandler(parser, on_declaration);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    XML_SetDefaultHandler(parser, on_other);
    (void)XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_NEVER);
    *ret_xml = xml;
    return WEFT_OK;
}

void weft_xml_destroy(struct weft_xml *xml)
{
    if (xml != NULL) {
        XML_ParserFree(xml->parser);
        weft_buffer_destroy(&xml->text);
        free(xml);
    }
}

void weft_xml_feed(struct weft_xml *xml, struct weft_bytes bytes, bool is_last)
{
    weft_assert(xml->rest.size == 0 && !xml->is_last);
    xml->rest = bytes;
    xml->is_last = is_last;
}

void weft_xml_pause(struct weft_xml *xml)
{
    xml->wants_pause = true;
}

/* Expat's own complaints. */
static void translate(struct weft_xml *xml)
{
    enum XML_Error error = XML_GetErrorCode(xml->parser);
    if (error == XML_ERROR_NO_MEMORY) {
        stop(xml, weft_fail(&xml->msg, WEFT_ENOMEM, "no memory"));
    } else if (error == XML_ERROR_NO_ELEMENTS || error == XML_ERROR_UNCLOSED_TOKEN ||
               (xml->is_ended && error == XML_ERROR_PARTIAL_CHAR)) {
        stop(xml, weft_fail(&xml->msg, WEFT_EMALFORMED, "the document ends too early (%s)",
                      XML_ErrorString(error)));
    } else {
        stop(xml, weft_fail(&xml->msg, WEFT_EMALFORMED, "%s", XML_ErrorString(error)));
    }
}

/* Expat follows the marks of UTF-16, and what looks like it, against what it was told. */
static void check_head(struct weft_xml *xml, const uint8_t *data, size_t size)
{
    static const uint8_t wide[][2] = {{0xfe, 0xff}, {0xff, 0xfe}, {0, '<'}, {'<', 0}};
    for (size_t i = 0; i < size && xml->head_size < 2; i++) {
        xml->head[xml->head_size++] = data[i];
    }
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]) && xml->head_size == 2; i++) {
        if (memcmp(xml->head, wide[i], 2) == 0) {
            stop(xml, weft_fail(&xml->msg, WEFT_EMALFORMED, "it is UTF-16; only UTF-8 is read"));
        }
    }
}

/* The next slice into expat, or on with the one that was interrupted. */
static enum XML_Status parse(struct weft_xml *xml)
{
    if (xml->is_suspended) {
        xml->is_suspended = false;
        return XML_ResumeParser(xml->parser);
    }
    size_t size = xml->rest.size < SLICE_SIZE ? xml->rest.size : SLICE_SIZE;
    bool is_final = xml->is_last && size == xml->rest.size;
    const char *data = (const char *)xml->rest.data;
    if (size > 0) {
        xml->rest.data += size;
        xml->rest.size -= size;
    }
    if (xml->head_size < 2) {
        check_head(xml, xml->rest.data - size, size);
    }
    if (xml->err != WEFT_OK) {
        return XML_STATUS_ERROR;
    }
    xml->is_ended = is_final;
    xml->has_moved = false;
    enum XML_Status status = XML_Parse(xml->parser, data, (int)size, is_final);
    xml->stuck_size = xml->has_moved ? 0 : xml->stuck_size + size;
    if (status == XML_STATUS_OK && xml->stuck_size > WEFT_XML_TOKEN_SIZE_MAX) {
        stop(xml, weft_fail(&xml->msg, WEFT_ETOOBIG, "a tag or comment is more than %d bytes",
                      WEFT_XML_TOKEN_SIZE_MAX));
    }
    return status;
}

enum weft_err weft_xml_run(struct weft_xml *xml, struct weft_msg *msg)
{
    xml->wants_pause = false;
    while (xml->err == WEFT_OK &&
           (xml->is_suspended || xml->rest.size > 0 || (xml->is_last && !xml->is_ended))) {
        enum XML_Status status = parse(xml);
        if (status == XML_STATUS_ERROR && xml->err == WEFT_OK) {
            translate(xml);
        }
        if (status == XML_STATUS_SUSPENDED && xml->err == WEFT_OK) {
            xml->is_suspended = true;
            return WEFT_OK;
        }
    }
    if (xml->err != WEFT_OK) {
        if (msg != NULL) {
            *msg = xml->msg;
        }
        return xml->err;
    }
    return WEFT_ENOTFOUND;
}

bool weft_xml_is_whole(const struct weft_xml *xml)
{
    return xml->is_ended && !xml->is_suspended && xml->rest.size == 0 && xml->err == WEFT_OK;
}

/* --- small readers --------------------------------------------------------------------------- */

struct weft_text weft_xml_attribute(const struct weft_xml_tag *tag, const char *name)
{
    for (uint32_t i = 0; i < tag->attribute_count; i++) {
        if (tag->attributes[i].uri.size == 0 && weft_text_is(tag->attributes[i].name, name)) {
            return tag->attributes[i].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct weft_text weft_xml_trim(struct weft_text text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}
