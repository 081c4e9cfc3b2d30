/* proto/model/interface.h: the interfaces of a text, what they inherit and what they consist of. */
#ifndef WEFT_PROTO_MODEL_INTERFACE_H
#define WEFT_PROTO_MODEL_INTERFACE_H

#include "proto/model/element.h"

/* Compile the tree of a text into *ret_model. Errors as weft_model_parse. */
WEFT_MUST_USE enum weft_err weft_interface_compile(
    struct weft_model_reader *r, const struct weft_json *root, struct weft_model *ret_model);

#endif
