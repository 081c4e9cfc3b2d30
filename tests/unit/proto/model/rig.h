/* tests/unit/proto/model/rig.h: models and records from texts in which ' stands for ". */
#ifndef WEFT_TESTS_UNIT_PROTO_MODEL_RIG_H
#define WEFT_TESTS_UNIT_PROTO_MODEL_RIG_H

#include "proto/model/model.h"

/* An interface of kind "box" with both extensions: its contents go where %s is. */
#define RIG_BOX                                                                                    \
    "{'@context':['dtmi:dtdl:context;3','dtmi:dtdl:extension:quantitativeTypes;1',"                \
    "'dtmi:weft:context;1'],'@id':'dtmi:example:box;1','@type':'Interface','weft:kind':'box',"     \
    "'contents':[%s]}"

/* Contents of a RIG_BOX as a model; the test fails if they are none. Valid until the next. */
const struct weft_model *rig_box(const char *contents);
/* A whole text. `which` 0 or 1: two models may be kept. */
const struct weft_model *rig_model(int which, const char *text);
/* The refusal's text; "" if it was taken. A line and column in front of a pointer are compared
 * with the place that the pointer names, and left out. */
const char *rig_refusal(const char *text, enum weft_err *ret_err);
/* The same of contents of a RIG_BOX. */
const char *rig_box_refusal(const char *contents);
/* A record {kind, asset, attrs, links}: NULL if it fits, else "POINTER: reason". */
const char *rig_check(const struct weft_model *model, const char *record);
/* With these attributes on asset serial:1. */
const char *rig_attrs(const struct weft_model *model, const char *attrs);
void rig_destroy(void);

#endif
