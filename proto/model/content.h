/* proto/model/content.h: one of an interface's `contents`: Property, Relationship or Component. */
#ifndef WEFT_PROTO_MODEL_CONTENT_H
#define WEFT_PROTO_MODEL_CONTENT_H

#include "proto/model/element.h"

struct interface; /* interface.c */

struct weft_content {
    const struct weft_json *at;
    struct weft_text name;
    bool is_link; /* A Relationship; else a Property or a Component. */
    struct weft_model_property property;
    struct weft_model_link link;
    const struct weft_json *component; /* Its `schema`, a DTMI. NULL: no Component. */
    struct interface *of;              /* What that stands for. */
};

WEFT_MUST_USE enum weft_err weft_content_read(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_content *ret_content);

/* What an asset's id may begin with. */
WEFT_MUST_USE enum weft_err weft_content_check_prefix(struct weft_text text, struct weft_msg *msg);

#endif
