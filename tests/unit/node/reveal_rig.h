/* tests/unit/node/reveal_rig.h: a random history with marks in it, random policies that hide some
 * of them from a robot, and answers as both doors encode them, searched for the marks. */
#ifndef WEFT_TESTS_UNIT_NODE_REVEAL_RIG_H
#define WEFT_TESTS_UNIT_NODE_REVEAL_RIG_H

#include "tests/unit/node/authority_rig.h"

#define NODE_URI "spiffe://oem.example/plant1/node/n1"
#define ROBOT_URI "spiffe://" RIG_ROBOT

enum {
    REVEAL_ASSETS = 10,
    REVEAL_KINDS = 4,
    REVEAL_FIELDS = 3,
    REVEAL_RECORDS = 90,
    REVEAL_EVENTS = 30, /* Each of an asset of its own, behind the others. */
    REVEAL_NAMES = REVEAL_ASSETS + REVEAL_EVENTS,
    REVEAL_MARK_SIZE = 16,
};

/* A record of the history, and what only those see who may. */
struct reveal_written {
    uint32_t asset;
    uint32_t kind;
    uint64_t index;
    uint32_t lot; /* That it consumes, an asset before it; REVEAL_ASSETS: none. */
    char marks[REVEAL_FIELDS][REVEAL_MARK_SIZE + 1];
    char source[REVEAL_MARK_SIZE + 1];
    char quantity[REVEAL_MARK_SIZE + 1]; /* Of its link, digits; and its unit. */
    char unit[REVEAL_MARK_SIZE + 1];
    char place[REVEAL_MARK_SIZE + 1]; /* Where it is. */
    int64_t at_ns;
    char supplier[REVEAL_MARK_SIZE + 1]; /* What a link by supplied_by leads to. */
};

/* What the robot may read, by plain rules. */
struct reveal_plan {
    bool kinds[REVEAL_KINDS]; /* Permitted... */
    bool is_line1;            /* ...on line1/... alone... */
    bool forbids_asset;       /* ...and not on reveal_unit(3)... */
    bool forbids_label;       /* ...nor on what is labelled. */
    bool fields[REVEAL_FIELDS];
    bool at, source, consumes, quantity, supplier, place;
    bool is_only;    /* Said by what is shown. */
    bool names_time; /* Of a question: times that it names may be told again. */
};

struct reveal_answer {
    enum weft_err err;
    struct weft_client_message message;
    struct weft_buffer bytes; /* Encoded, of all pages; of an error its text. */
    struct weft_buffer json;  /* The same as the HTTP door gives it. */
    uint64_t reported;        /* Records that have the label, in what was said to be read. */
    uint64_t *indexes;
    uint32_t count;
    uint64_t index_room[8 * REVEAL_RECORDS];
};

/* Which assets have the label that policies forbid; reveal_relabel changes that of one. */
extern bool reveal_labelled[REVEAL_NAMES];
void reveal_relabel(struct fixture *f, uint32_t asset);

extern const char *const reveal_kinds[REVEAL_KINDS];
extern const char *const reveal_paths[REVEAL_FIELDS];
extern struct reveal_written reveal_history[REVEAL_RECORDS + REVEAL_EVENTS];
extern uint32_t reveal_written_count;
extern struct weft_arena reveal_arena; /* What answers lie in until the next one. */
/* Marks that stood in answers, those that must not, and those of what is labelled. */
extern uint32_t reveal_shown, reveal_hidden, reveal_reported;

/* A governed state with the history in it; gives the digest of its first policy. */
struct weft_digest reveal_start(struct fixture *f, const char *name);
/* Behind it, events as importers of EPCIS make them: between their parent and what is in it. */
void reveal_add_events(struct fixture *f);
void reveal_unit(uint32_t asset, char name[32]);

struct reveal_plan reveal_make_plan(void);
struct weft_record reveal_policy(
    const struct reveal_plan *p, uint64_t version, struct weft_digest *digest);
bool reveal_may_see_asset(const struct reveal_plan *p, uint32_t asset);
bool reveal_may_see(const struct reveal_plan *p, const struct reveal_written *w);

/* All pages of the answer, in one view. */
void reveal_ask(struct fixture *f, struct weft_query q, const char *who, struct reveal_answer *a);
bool reveal_has_text(const struct reveal_answer *a, const char *text);
/* Nothing of what is hidden stands in the answer: NOD-170. */
void reveal_expect_hidden(const struct reveal_answer *a, const struct reveal_plan *p);

#endif
