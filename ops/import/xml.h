/* ops/import/xml.h: XML 1.0 with namespaces as a stream of tags, for importers; expat's owner.
 *
 * Foreign documents are hostile until shown otherwise: no DTD, so no entities of their own, no
 * expansion and nothing fetched; UTF-8 only; depth, names, attributes, texts and the size of a
 * single token are bounded, so that memory does not grow with the document. Errors say "line L,
 * column C (/Path/Of/Element): reason". Pure: no files, network or clock. */
#ifndef WEFT_OPS_IMPORT_XML_H
#define WEFT_OPS_IMPORT_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_XML_DEPTH_MAX = 64,              /* QIF nests 20 deep, MTConnect 14 */
    WEFT_XML_NAME_SIZE_MAX = 255,         /* namespace and local name, each */
    WEFT_XML_ATTRIBUTES_MAX = 64,         /* of one element */
    WEFT_XML_VALUE_SIZE_MAX = 16 * 1024,  /* one attribute's value */
    WEFT_XML_TEXT_SIZE_MAX = 64 * 1024,   /* text of an element that is wanted */
    WEFT_XML_TOKEN_SIZE_MAX = 512 * 1024, /* a tag, comment or instruction, however made up */
    WEFT_XML_PATH_SIZE = 200,             /* of a path in messages, cut from the front */
};

struct weft_xml_attribute {
    struct weft_text uri; /* Of its namespace; empty: none. */
    struct weft_text name;
    struct weft_text value;
};

struct weft_xml_tag {
    struct weft_text uri;
    struct weft_text name; /* Local. */
    const struct weft_xml_attribute *attributes;
    uint32_t attribute_count;
    uint32_t depth; /* Of the root: 1. */
};

/* Everything is borrowed until the callback returns. Anything but WEFT_OK ends the document:
 * `msg` gets the place in front of what the callback put there. */
struct weft_xml_handler {
    void *ctx;
    /* *ret_wants_text (false at first): on_end shall have the element's own text. */
    enum weft_err (*on_start)(
        void *ctx, const struct weft_xml_tag *tag, bool *ret_wants_text, struct weft_msg *msg);
    /* `text` is the element's own, without that of its children; empty if it was not wanted. */
    enum weft_err (*on_end)(
        void *ctx, struct weft_text name, struct weft_text text, struct weft_msg *msg);
};

struct weft_xml;

/* Keeps the handler. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_xml_create(
    const struct weft_xml_handler *handler, struct weft_xml **ret_xml, struct weft_msg *msg);
void weft_xml_destroy(struct weft_xml *xml); /* Accepts NULL. */

/* The next bytes, borrowed until weft_xml_run said WEFT_ENOTFOUND; to be fed only then. */
void weft_xml_feed(struct weft_xml *xml, struct weft_bytes bytes, bool is_last);
/* In a callback: weft_xml_run returns after it. */
void weft_xml_pause(struct weft_xml *xml);
/* Read on. WEFT_OK: paused. WEFT_ENOTFOUND: wants more bytes; after the last ones, the document
 * is whole and at its end. WEFT_EMALFORMED (not well-formed, truncated, not UTF-8), WEFT_EINVAL
 * (a DTD), WEFT_ETOOBIG (a limit), WEFT_ENOMEM, or what a callback said: it ends here. */
WEFT_MUST_USE enum weft_err weft_xml_run(struct weft_xml *xml, struct weft_msg *msg);

/* The last bytes were read and the document was well-formed. */
bool weft_xml_is_whole(const struct weft_xml *xml);

/* The place of the token under way. */
uint64_t weft_xml_line(const struct weft_xml *xml);
uint32_t weft_xml_column(const struct weft_xml *xml);
/* "/QIFDocument/Results", cut from the front. Valid until the next call. */
const char *weft_xml_path(const struct weft_xml *xml);
/* Put "line L, column C (/path): " in front. Returns `err`. */
enum weft_err weft_xml_place(const struct weft_xml *xml, struct weft_msg *msg, enum weft_err err);

/* The value of an attribute without a namespace; {NULL, 0}: it has none. */
struct weft_text weft_xml_attribute(const struct weft_xml_tag *tag, const char *name);
/* Without white space at its ends. */
struct weft_text weft_xml_trim(struct weft_text text);

#endif
