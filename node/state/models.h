/* node/state/models.h: the models that a site has registered, and what they make of commits.
 *
 * A record of kind `model` on asset "kind:NAME" registers the type of kind NAME; a record of kind
 * `site_setting` on "site:settings" says whether other kinds may be used. Both are records like
 * any others: the registry is made of them again whenever a state is opened, and apply keeps it.
 * What an index registers is in force from the next index on, for every kind of question, so
 * that it follows from the records alone which model a record was held to. Rules and invariants:
 * node/state/README.md. One thread: apply's. */
#ifndef WEFT_NODE_STATE_MODELS_H
#define WEFT_NODE_STATE_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/names.h"
#include "node/state/store.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/record.h"

struct weft_models;

/* Why a commit is refused. */
struct weft_models_refusal {
    enum weft_err err; /* WEFT_OK: it is not. */
    char pointer[320]; /* Into the request: "/records/3/attrs/flatness/unit" */
    struct weft_msg detail;
};

/* Empty: every kind is free. `secret` as in weft_names_create. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_models_create(
    uint64_t secret, struct weft_models **ret_models, struct weft_msg *msg);
/* Accepts NULL. */
void weft_models_destroy(struct weft_models *models);

/* What the records of the store have registered, into an empty registry.
 * WEFT_ECORRUPT: one that apply would not have taken. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_models_load(struct weft_models *models, struct weft_names *names,
    struct weft_store *store, struct weft_msg *msg);
/* The same for one record that was accepted at `index`, in order; others are passed over. */
WEFT_MUST_USE enum weft_err weft_models_learn(struct weft_models *models,
    const struct weft_record *record, uint64_t index, struct weft_msg *msg);

/* Would the models take this commit at `index`? Nothing is registered yet. *ret_refusal says so
 * if not: WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG, or WEFT_ECONFLICT (with the version that is
 * registered). WEFT_ENOMEM: nothing is decided, the apply has failed. */
WEFT_MUST_USE enum weft_err weft_models_check(struct weft_models *models,
    const struct weft_commit *commit, uint64_t index, struct weft_models_refusal *ret_refusal,
    struct weft_msg *msg);
/* The commit that was checked last is accepted: register what it registers. */
void weft_models_accept(struct weft_models *models);

/* DTMI of the model that records of the kind at `index` are held to; empty: none. Borrowed until
 * the next model of the kind is in force. */
struct weft_text weft_models_schema(
    struct weft_models *models, struct weft_text kind, uint64_t index);

#endif
