/* proto/model/schema.h: schemas, and what has one: properties, fields, values of maps. */
#ifndef WEFT_PROTO_MODEL_SCHEMA_H
#define WEFT_PROTO_MODEL_SCHEMA_H

#include "proto/model/element.h"

/* A Property of an Interface or Relationship. */
WEFT_MUST_USE enum weft_err weft_schema_read_property(struct weft_model_reader *r,
    const struct weft_json *element, struct weft_model_property *ret_property);

/* The `properties` of a Relationship, in order of their names. */
WEFT_MUST_USE enum weft_err weft_schema_read_properties(struct weft_model_reader *r,
    const struct weft_json *list, struct weft_model_object *ret_object);

/* The `schemas` of an interface, to be read when they are named; then those that were not. */
WEFT_MUST_USE enum weft_err weft_schema_open_named(
    struct weft_model_reader *r, const struct weft_json *interface);
WEFT_MUST_USE enum weft_err weft_schema_read_named(struct weft_model_reader *r);

/* Members in order, by name: no name twice. `at` tells their places, as many as there are
 * members; both arrays are brought into order. `others` are what else has names there, for the
 * message. WEFT_EINVAL, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_schema_sort(struct weft_model_reader *r,
    struct weft_model_property *properties, const struct weft_json **at, uint32_t count);

#endif
