/* node/state/machine.h: what struct weft_state holds: for the files of node/state alone. */
#ifndef WEFT_NODE_STATE_MACHINE_H
#define WEFT_NODE_STATE_MACHINE_H

#include <stdatomic.h>

#include "node/state/audit.h"
#include "node/state/audit_roots.h"
#include "node/state/authorities.h"
#include "node/state/cells.h"
#include "node/state/agreements.h"
#include "node/state/commands.h"
#include "node/state/epochs.h"
#include "node/state/govern.h"
#include "node/state/lineage/shelf.h"
#include "node/state/histories.h"
#include "node/state/packs.h"
#include "node/state/models.h"
#include "node/state/names.h"
#include "node/state/pack.h"
#include "node/state/persons.h"
#include "node/state/requests.h"
#include "node/state/stage.h"
#include "node/state/state.h"
#include "node/state/store.h"

enum {
    WEFT_STATE_FORMAT = 6
};

/* The value of the position's key. */
enum {
    WEFT_POSITION_WORDS = 8,
    WEFT_POSITION_SIZE = 8 * WEFT_POSITION_WORDS + WEFT_DIGEST_SIZE
};

struct weft_position {
    struct weft_state_position public; /* Its configuration is not part of the value. */
    struct weft_request_window window;
};

void weft_position_encode(
    const struct weft_position *position, uint8_t ret_bytes[WEFT_POSITION_SIZE]);
WEFT_MUST_USE enum weft_err weft_position_decode(
    struct weft_bytes bytes, struct weft_position *ret_position);

/* Whose state it is: written at creation. Texts borrow. */
struct weft_identity {
    uint32_t format;
    uint64_t cluster;
    struct weft_text site;
    struct weft_text org;
};

/* WEFT_EVERSION: of another format, which is given. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_identity_decode(
    struct weft_bytes bytes, struct weft_identity *ret_identity);

struct weft_state {
    struct weft_store *store;
    struct weft_store_batch *batch;
    struct weft_names *names;             /* NULL when read only. */
    struct weft_requests *requests;       /* NULL when read only. */
    struct weft_models *models;           /* NULL when read only. */
    struct weft_authorities *authorities; /* NULL when read only. */
    struct weft_persons *persons;
    struct weft_commands *commands;      /* NULL when read only. */
    struct weft_cells *cells;            /* NULL when read only. */
    struct weft_streams *streams;        /* NULL when read only. */
    struct weft_epochs epochs;           /* Of its statements. */
    struct weft_feed *feed;              /* The index of lineage, if there is one. */
    struct weft_govern *govern;          /* NULL when read only. */
    struct weft_audit *audit;            /* NULL when read only. */
    struct weft_packs *packs;            /* That queries have read of late. */
    struct weft_histories *histories;    /* The same of where records of assets stand. */
    struct weft_audit_roots audit_roots; /* Of its tiles, for queries. */
    struct weft_shelf shelf;
    struct weft_position position;
    struct weft_buffer configuration;
    struct weft_buffer authority; /* "<org>/<site>" */
    struct weft_stage stage;
    struct weft_denials denials;
    uint64_t redacted_index; /* Of the last redaction; 0: none. */
    atomic_uint views;       /* Open ones. */
    bool is_read_only;
    bool has_failed; /* An apply failed: memory and disk may differ. */
};

#endif
