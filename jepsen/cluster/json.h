/* jepsen/cluster/json.h: what the product's commands print (RFC 8259), as values: objects are maps
 * with strings for keys, arrays are vectors, null is nil, integers that fit 64 bits (unsigned ones
 * by their bits) are integers, other numbers are floats. */
#ifndef WEFT_JEPSEN_CLUSTER_JSON_H
#define WEFT_JEPSEN_CLUSTER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/edn.h"

/* Exactly one value in the text. False: not JSON, or deeper than JEP_EDN_DEPTH_MAX. */
bool jep_json_parse(struct jep_arena *arena, const char *text, size_t size,
    struct jep_edn *ret_value, struct jep_message *message) __attribute__((warn_unused_result));
/* The value of a key of an object; NULL: no object, or not in it. */
const struct jep_edn *jep_json_get(const struct jep_edn *object, const char *key);
/* An integer of an object; otherwise: what it is if it is not there. */
int64_t jep_json_int(const struct jep_edn *object, const char *key, int64_t otherwise);
/* A text of an object, or "". */
const char *jep_json_text(const struct jep_edn *object, const char *key);
/* As a JSON string, with its quotes. */
void jep_json_quote(struct jep_text *text, const char *zero_terminated);

#endif
