/* proto/model/dtmi.h: digital twin model identifiers and DTDL names.
 *
 * "dtmi:com:example:Thermostat;1": DTDL v3, "Digital Twin Model Identifier". */
#ifndef WEFT_PROTO_MODEL_DTMI_H
#define WEFT_PROTO_MODEL_DTMI_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_DTMI_INTERFACE_SIZE_MAX = 128, /* specified: DTDL v3, Interface */
    WEFT_DTMI_SIZE_MAX = 2048           /* specified: of a user DTMI */
};

struct weft_dtmi {
    struct weft_text path; /* Without the version: "dtmi:com:example:Thermostat". */
    uint32_t major;        /* 0: without a version. */
    uint32_t minor;        /* 0: without. */
};

/* A user DTMI outside the prefixes that DTDL keeps to itself. WEFT_EINVAL with the reason. */
WEFT_MUST_USE enum weft_err weft_dtmi_parse(
    struct weft_text text, size_t size_max, struct weft_dtmi *ret_dtmi, struct weft_msg *msg);

/* Letters, digits and underscores, a letter first, no underscore last, within our limit. */
bool weft_dtdl_name_is_valid(struct weft_text name);

#endif
