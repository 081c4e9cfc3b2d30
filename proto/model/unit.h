/* proto/model/unit.h: DTDL's semantic types and units, and the UCUM codes that records carry.
 *
 * The table is that of the extension dtmi:dtdl:extension:quantitativeTypes;1. A model names a
 * unit as DTDL spells it (`millimetre`); a record's {"value": ..., "unit": "mm"} names it as UCUM
 * does. Units that UCUM has no code for are in the table without one. */
#ifndef WEFT_PROTO_MODEL_UNIT_H
#define WEFT_PROTO_MODEL_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

enum {
    WEFT_UNIT_SIZE_MAX = 32 /* of a UCUM code; chosen */
};

/* A unit type, such as LengthUnit; 0: none. */
struct weft_unit_type {
    uint16_t id;
};

/* Of a semantic type, such as Distance. id 0: there is no such semantic type. */
struct weft_unit_type weft_unit_type_of(struct weft_text semantic_type);
const char *weft_unit_type_name(struct weft_unit_type type);

/* A unit as DTDL spells it. False: there is no such unit. *ret_ucum is NULL if UCUM has no code
 * for it. Units of one name are of one type. */
bool weft_unit_find(struct weft_text name, struct weft_unit_type *ret_type, const char **ret_ucum);
/* The type of a UCUM code that stands in the table; id 0: it does not. */
struct weft_unit_type weft_unit_type_of_ucum(struct weft_text ucum);
/* The n-th UCUM code of a type, from 0; NULL past the last. */
const char *weft_unit_ucum_nth(struct weft_unit_type type, uint32_t n);

/* Could it be a UCUM code? ASCII without spaces, 1 to 32 bytes; whether it means something is
 * not looked at. */
bool weft_unit_ucum_is_plausible(struct weft_text ucum);

#endif
