/* ops/import/epcis_document.h: the events of EPCIS documents, one by one as the text comes.
 *
 * Follows EPCIS 2.0, section 10, and its JSON schema. An event can be given as soon as it is
 * known what document it stands in: its type and its @context. Where these stand behind the
 * events, the events wait, in bounded memory. Pure. */
#ifndef WEFT_OPS_IMPORT_EPCIS_DOCUMENT_H
#define WEFT_OPS_IMPORT_EPCIS_DOCUMENT_H

#include "ops/import/epcis.h"
#include "proto/json_reader.h"

struct weft_epcis_document {
    struct weft_json_reader reader;
    struct weft_arena *around;     /* Memory of what documents stand in: arrays. */
    struct weft_arena *frame;      /* Of the document around the events, or of an event alone. */
    struct weft_arena *events;     /* May all be the same one. */
    bool is_kept;                  /* Nothing is taken back: all events are wanted together. */
    bool is_framed;                /* The frame has ended: it goes with the next event. */
    const struct weft_json *known; /* Frame of which type and context are known. */
    /* Events that wait, oldest first: [held_first, held_count). */
    struct weft_epcis_place *held;
    uint32_t held_first, held_count, held_capacity;
    bool has_master_data; /* There is a vocabulary list: it is not imported. */
    bool is_over;
};

void weft_epcis_document_init(struct weft_epcis_document *d, struct weft_arena *around,
    struct weft_arena *frame, struct weft_arena *events, bool is_kept);
/* As weft_json_reader_feed. */
void weft_epcis_document_feed(struct weft_epcis_document *d, struct weft_text chunk, bool is_last);
/* The next event; unless kept, it is valid until the next call.
 *
 * WEFT_ENOTFOUND: more bytes are wanted, or, with is_over, there are no more events. Other
 * errors end the document, is_over is set: WEFT_EMALFORMED (not JSON), WEFT_EINVAL (not EPCIS),
 * WEFT_ETOOBIG, WEFT_ENOMEM; `msg` starts with "line L, column C". */
WEFT_MUST_USE enum weft_err weft_epcis_document_next(
    struct weft_epcis_document *d, struct weft_epcis_place *ret_place, struct weft_msg *msg);
void weft_epcis_document_close(struct weft_epcis_document *d);

#endif
