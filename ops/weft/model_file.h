/* ops/weft/model_file.h: models as files on this side and as records on the other. */
#ifndef WEFT_OPS_MODEL_FILE_H
#define WEFT_OPS_MODEL_FILE_H

#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "proto/model/model.h"

/* A model's text, compiled. Zero-initialized is empty. */
struct weft_model_text {
    struct weft_buffer text;
    struct weft_arena arena;
    struct weft_model model;
};

/* The newest `model` record of a kind. */
struct weft_model_present {
    struct weft_model_text text; /* Read only if `rev` is not 0. */
    uint64_t rev;                /* Of the asset kind:NAME; 0: there is none. */
    bool has_model;
};

/* "PATH: line L, column C (pointer): reason". WEFT_EINVAL and what weft_model_parse and
 * weft_files_read give. */
WEFT_MUST_USE enum weft_err weft_model_file_read(
    const char *path, struct weft_model_text *ret_text, struct weft_msg *msg);
/* Compile a text that is in memory already. */
WEFT_MUST_USE enum weft_err weft_model_text_compile(
    struct weft_text text, struct weft_model_text *ret_text, struct weft_msg *msg);
void weft_model_text_destroy(struct weft_model_text *text);

/* What the site has of a kind. The client's errors. */
WEFT_MUST_USE enum weft_err weft_model_present_read(struct weft_client *client,
    struct weft_text kind, struct weft_model_present *ret_present, struct weft_msg *msg);

/* A `model` record's field; NULL: it has none such. */
const struct weft_field *weft_model_record_field(
    const struct weft_record *record, const char *path);

/* Attributes and links as rows, for people. */
void weft_model_print(const struct weft_model *model);

#endif
