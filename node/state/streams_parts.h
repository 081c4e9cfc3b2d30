/* node/state/streams_parts.h: what struct weft_streams holds: for streams.c, terms.c, agreements.c,
 * exports.c, imports.c and stream_source.c alone. */
#ifndef WEFT_NODE_STATE_STREAMS_PARTS_H
#define WEFT_NODE_STATE_STREAMS_PARTS_H

#include "node/state/agreements.h"
#include "node/state/authority.h"
#include "node/state/deed.h"
#include "node/state/epochs.h"
#include "node/state/flow.h"
#include "node/state/scope.h"
#include "node/state/stream_code.h"
#include "node/state/stream_keys.h"
#include "node/state/streams.h"

enum {
    WEFT_STREAMS_EVIDENCE_MAX = 16 /* As a leaf of the audit log has room for. */
};

/* Versions that an agreement has in memory, each a reference. */
enum weft_accord_version {
    WEFT_ACCORD_NEWEST,
    WEFT_ACCORD_SENT,
    WEFT_ACCORD_RECEIVED,
    WEFT_ACCORD_NEXT, /* Right behind RECEIVED. */
    WEFT_ACCORD_VERSIONS
};

/* An agreement. One that is offered for the first time has no version and no partner yet. */
struct weft_accord {
    uint32_t number;
    char name[WEFT_CONTRACT_NAME_SIZE_MAX];
    struct weft_accord_row row;
    struct weft_sent_row sent;
    struct weft_received_row received;
    struct weft_deed *deeds[WEFT_ACCORD_VERSIONS];
    struct weft_flow flows[WEFT_DIRECTIONS];
    struct weft_terms_box *terms;         /* NULL: to be made anew. */
    bool is_changed[1 + WEFT_DIRECTIONS]; /* Since the last put: its row, then the streams'. */
};

/* What was checked last. */
enum weft_agreements_pending {
    WEFT_AGREEMENTS_NOTHING,
    WEFT_AGREEMENTS_PARTNER,
    WEFT_AGREEMENTS_OFFER,
    WEFT_AGREEMENTS_ACCEPTED,
    WEFT_AGREEMENTS_ACT,
};

struct weft_agreements_checked {
    enum weft_agreements_pending what;
    struct weft_pinned *pinned; /* PARTNER. */
    struct weft_deed *deed;     /* OFFER, ACCEPTED. */
    uint32_t party;
    uint32_t offer_by;          /* OFFER: whose roots have signed it. */
    struct weft_accord *accord; /* ACT; of the others NULL: there is none of that name. */
    struct weft_accord *place;  /* Then: the one whose place it takes; NULL: a new one. */
    bool is_linked;             /* It came by a link. */
    enum weft_chain_fault chain;
    enum weft_stream_fault blame; /* SOUND: as the chain's fault and the error say. */
    struct weft_text reason;      /* Of an act, of the commit that is looked at. */
    enum weft_stream_order order;
    uint64_t from;
    uint64_t until;
    struct weft_merkle_head lost, base; /* LOSE, SUPERSEDE. */
    struct weft_text path;              /* Of the commit that is looked at. */
};

/* A sequence that went to quarantine in the batch that is being written, or those that left it. */
struct weft_streams_fresh {
    uint32_t number;
    bool is_release;
    uint64_t from;
    uint64_t until; /* Of a release. */
};

/* A version whose row is in the batch that is being written. */
struct weft_streams_version {
    uint32_t number;
    struct weft_deed *deed; /* A reference. */
};

/* What became of a statement that was told again: an act of the audit log. */
enum weft_streams_deed {
    WEFT_STREAMS_DISCLOSED,
    WEFT_STREAMS_ERASED,
    WEFT_STREAMS_REFUSED, /* By this site's policy. */
    WEFT_STREAMS_DEEDS
};

struct weft_streams_note {
    const struct weft_accord *accord;
    enum weft_direction direction;
    uint64_t sequence;
    enum weft_streams_deed deed;
    /* REFUSED: what decided; as struct weft_policy_decision has it. */
    const struct weft_policy *policy;
    uint16_t statement;
    uint32_t line;
    uint32_t count;          /* Leaves. */
    uint32_t evidence_count; /* Their hashes, ascending; of many the root over them. */
    struct weft_digest evidence[WEFT_STREAMS_EVIDENCE_MAX];
};

struct weft_streams {
    struct weft_text site;
    struct weft_store *store;
    struct weft_names *names;
    const struct weft_epochs *epochs; /* Was the site ever restored? */
    struct weft_authority *authority; /* By whose org document terms were made; a reference. */
    struct weft_accord *accords[WEFT_AGREEMENTS_MAX];
    uint32_t count;
    struct weft_pinned *partners[WEFT_PARTNERS_MAX]; /* By site. */
    uint32_t partner_count;
    struct weft_agreements_checked checked;
    struct weft_scope scope;
    struct weft_streams_fresh *fresh;
    uint32_t fresh_count;
    uint32_t fresh_capacity;
    struct weft_streams_version *versions;
    uint32_t version_count;
    uint32_t version_capacity;
    struct weft_streams_listener listener;
    bool has_erased;                 /* The item has destroyed something of a partner's. */
    struct weft_streams_note *notes; /* Of the item. */
    uint32_t note_count;
    uint32_t note_capacity;
    uint64_t changed;         /* weft_streams_changed. */
    uint32_t open_count;      /* Agreements whose stream may be stated to: of no cost if 0. */
    bool is_asking;           /* One of them names parts or a depth. */
    bool is_stale;            /* Terms of some agreement are to be made. */
    struct weft_arena arena;  /* Of one item. */
    struct weft_arena again;  /* Of one statement that is told again. */
    struct weft_buffer value; /* Under construction. */
    struct weft_buffer projection;
};

/* --- streams.c -------------------------------------------------------------------------------- */

struct weft_accord *weft_streams_accord(
    const struct weft_streams *streams, struct weft_text name); /* NULL. */
struct weft_pinned *weft_streams_pinned(
    const struct weft_streams *streams, struct weft_text site); /* NULL. */
/* The place of the site among the partners, or where it would stand. */
uint32_t weft_streams_place(const struct weft_streams *streams, struct weft_text site);
/* A new one, without a version; in the place of another (NULL: its own). WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_add(struct weft_streams *streams, struct weft_text name,
    struct weft_accord *place, struct weft_accord **ret_accord, struct weft_msg *msg);
/* A version that both have signed is the newest: its row into the batch. It is the next one of what
 * is received, if it follows there. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_streams_put_version(struct weft_streams *streams,
    struct weft_accord *accord, struct weft_deed *deed, struct weft_store_batch *batch,
    struct weft_msg *msg);
/* That version's deed, of memory or of its row. *ret_deed is a reference, NULL: there is none.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_version(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t version, struct weft_deed **ret_deed,
    struct weft_msg *msg);
/* Takes the reference `deed`. Terms are to be made anew: weft_terms_make, before they are used. */
void weft_accord_set(
    struct weft_accord *accord, enum weft_accord_version which, struct weft_deed *deed);
/* Its row, or that of a direction, changed. */
void weft_streams_touch(struct weft_streams *streams, struct weft_accord *accord);
void weft_streams_touch_flow(
    struct weft_streams *streams, struct weft_accord *accord, enum weft_direction direction);
/* The listener hears of a version that a stream has, and of a statement. */
WEFT_MUST_USE enum weft_err weft_streams_tell_contract(
    struct weft_streams *streams, const struct weft_deed *deed, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_streams_tell_statement(struct weft_streams *streams,
    const struct weft_accord *accord, enum weft_direction direction, uint64_t sequence,
    const struct weft_digest *digest, struct weft_bytes projection, bool is_first,
    struct weft_msg *msg);
/* For the audit log, whoever carries the item out. Nothing if there are no leaves. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_note(struct weft_streams *streams,
    const struct weft_accord *accord, enum weft_direction direction, uint64_t sequence,
    enum weft_streams_deed deed, const struct weft_digest *leaves, uint32_t count,
    struct weft_msg *msg);
/* The same of a statement that came and is refused. */
WEFT_MUST_USE enum weft_err weft_streams_note_refused(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t sequence, const struct weft_digest *statement,
    const struct weft_policy *policy, const struct weft_policy_decision *decision,
    struct weft_msg *msg);
/* Terms of all agreements are to be made anew. */
void weft_streams_stale(struct weft_streams *streams);
/* Records are appended as they are accepted: it keeps up, is open, and not fenced. */
bool weft_accord_is_stated_to(const struct weft_accord *accord);
/* Count again which agreements may be stated to. */
void weft_streams_recount(struct weft_streams *streams);
static inline bool weft_accord_keeps_up(const struct weft_accord *accord)
{
    return accord->sent.looked_index == UINT64_MAX;
}
/* Records from that index on are to be looked at, by steps. */
static inline void weft_accord_fall_behind(struct weft_accord *accord, uint64_t index)
{
    if (accord->sent.looked_index > index) {
        accord->sent.looked_index = index;
    }
}

/* --- terms.c ---------------------------------------------------------------------------------- */

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_terms_make(
    struct weft_streams *streams, struct weft_accord *accord, struct weft_msg *msg);
const struct weft_terms *weft_accord_terms(const struct weft_accord *accord);
void weft_terms_box_release(struct weft_terms_box *box);

#endif
