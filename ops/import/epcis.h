/* ops/import/epcis.h: EPCIS 2.0 documents (JSON-LD) as records: bytes in, records out.
 *
 * One event is one record. Takes EPCISDocument, EPCISQueryDocument, a bare event, and arrays of
 * these; the five event types of the standard, error declarations, sensor data, quantities and
 * user extensions. Pure: no network, no files, no clock. What becomes what, and when two events
 * are the same, is told in ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_EPCIS_H
#define WEFT_OPS_IMPORT_EPCIS_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/import/importer.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/json.h"
#include "proto/record.h"

/* Where an event stands, and the JSON-LD context that it is read in. */
struct weft_epcis_place {
    const struct weft_json *event;
    const struct weft_json *context; /* Of its document; NULL: none. */
};

/* A document that was opened. Everything is in the arena it was opened with. */
struct weft_epcis {
    struct weft_text name;
    struct weft_epcis_place *places;
    uint32_t count; /* Events in the document. */
    uint32_t next;
    bool has_master_data; /* There is a vocabulary list: it is not imported. */
};

struct weft_epcis_event {
    struct weft_record record; /* expect.rev is 0: the asset must not exist yet. */
    /* Of the event's content alone, so that any retry and any second import has the same. */
    struct weft_request_id request_id;
    char pointer[256]; /* RFC 6901, of the event in its document. */
    uint32_t line;
    uint32_t column;
};

/* Parse a document and find its events. `name` (may be empty; a file's name) goes into the
 * records' source; it is copied. On error `msg` says "line L, column C (pointer): reason".
 *
 * WEFT_EMALFORMED (not JSON), WEFT_EINVAL (not EPCIS), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_epcis_open(struct weft_epcis *e, struct weft_text text,
    struct weft_text name, struct weft_arena *arena, struct weft_msg *msg);

/* The next event's record; it borrows from `arena` and from the document's. A refused event is
 * passed over by the next call; its pointer, line and column are in *ret_event all the same.
 *
 * WEFT_ENOTFOUND: there is none. WEFT_EINVAL, WEFT_EMALFORMED, WEFT_ETOOBIG: this event is
 * refused; `msg` says "line L, column C (pointer): reason". WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_epcis_next(struct weft_epcis *e, struct weft_arena *arena,
    struct weft_epcis_event *ret_event, struct weft_msg *msg);

/* One event alone. Errors, and what is borrowed, as weft_epcis_next. */
WEFT_MUST_USE enum weft_err weft_epcis_record(const struct weft_epcis_place *place,
    struct weft_text name, struct weft_arena *arena, struct weft_epcis_event *ret_event,
    struct weft_msg *msg);

/* As it comes: in the memory of the largest event, not of the document. */
extern const struct weft_importer_type weft_epcis_importer;

#endif
