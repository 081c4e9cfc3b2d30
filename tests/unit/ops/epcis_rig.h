/* tests/unit/ops/epcis_rig.h: opening documents in tests, and the events they are made of. */
#ifndef WEFT_TESTS_UNIT_OPS_EPCIS_RIG_H
#define WEFT_TESTS_UNIT_OPS_EPCIS_RIG_H

#include "ops/import/epcis.h"
#include "tests/lib/test.h"

/* The members that every event has, in front of others. */
#define HEAD(type)                                                                                 \
    "{\"type\":\"" type "\",\"eventTime\":\"2026-03-01T10:00:00+01:00\","                          \
    "\"eventTimeZoneOffset\":\"+01:00\""
#define FIELDS "\"eventTime\":\"2026-03-01T10:00:00+01:00\",\"eventTimeZoneOffset\":\"+01:00\""
#define EPC "urn:epc:id:sgtin:4012345.011111.987"
#define BARE HEAD("ObjectEvent") ",\"action\":\"ADD\",\"epcList\":[\"" EPC "\"]}"

extern struct weft_arena document_arena, event_arena;

void free_arenas(void);
/* With fresh arenas. */
enum weft_err open_text(
    struct weft_epcis *e, struct weft_text text, const char *name, struct weft_msg *msg);
/* The record of the only event of a document. */
struct weft_epcis_event only_event(const char *text);
void expect_not_opened(const char *text, enum weft_err expected, const char *reason);

#endif
