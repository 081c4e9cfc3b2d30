/* node/state/across.h: what an asset is made of across organizations, as a view has it: this
 * site's own records, and behind them what partners have stated under the agreements.
 *
 * A tree, breadth first; each thing stands in it once, whatever it is called: names that an
 * agreement has joined are one. What it is in besides is a way. Where the tree ends although
 * somebody else may know more, or nobody has stated anything, there is a hole with its reason.
 * Rules: node/state/README.md, Across. Any thread; long. */
#ifndef WEFT_NODE_STATE_ACROSS_H
#define WEFT_NODE_STATE_ACROSS_H

#include "federation/cells/ask.h"
#include "node/state/lineage/search.h"
#include "node/state/query_cells.h"
#include "node/state/recalls.h"

enum {
    WEFT_ACROSS_NODES_MAX = 4096,    /* chosen: as an answer across tiers has parts */
    WEFT_ACROSS_WAYS_MAX = 8192,     /* chosen: an answer holds their lines */
    WEFT_ACROSS_NAMES_MAX = 64,      /* subjects that are one thing: as a set of aliases */
    WEFT_ACROSS_WITHHELD_MAX = 8192, /* as ways */
};

/* The template of the agreement that lets a partner be asked what is inside. */
#define WEFT_ACROSS_TEMPLATE "inside"

enum weft_across_hole {
    WEFT_ACROSS_NO_HOLE,
    WEFT_ACROSS_UNKNOWN,   /* Nobody has stated anything of it. */
    WEFT_ACROSS_STRANGER,  /* The same; with its maker there is no agreement. */
    WEFT_ACROSS_SILENT,    /* The same; its maker is a partner. */
    WEFT_ACROSS_NOT_ASKED, /* The knower may know what is inside. */
    WEFT_ACROSS_CLOSED,    /* The same; the agreement with him has no such template. */
    WEFT_ACROSS_CUT,       /* The tree is as large as one may be: it was not looked at. */
    WEFT_ACROSS_ASKED,     /* Somebody was asked, and `asked` says why it is not known. */
};

struct weft_across_node {
    struct weft_digest subjects[WEFT_ACROSS_NAMES_MAX]; /* All of it, by one agreement or another */
    uint32_t subject_count;
    struct weft_subject_name name; /* As whoever led here calls it. */
    uint32_t parent;               /* Its own place: the start. */
    uint32_t depth;
    struct weft_text rel;     /* Of an own record; empty: a partner's edge, or the start. */
    struct weft_text by;      /* "<org>/<site>" that says it is inside; empty: the start. */
    bool is_disputed;         /* Of that there are two words. */
    bool is_made_here;        /* This site has a record of kind as_built of it... */
    struct weft_text made_as; /* ...which calls it so. */
    bool is_told; /* A partner has stated a record of kind as_built of it, and shows its links. */
    uint32_t child_count;
    struct weft_text maker; /* As this site's records name him; empty: they do not. */
    uint32_t knower; /* Place of an agreement whose partner may know more; UINT32_MAX: none. */
    struct weft_ref place; /* Of an own record: which one it is. */
    enum weft_across_hole hole;
    bool is_ring;               /* Somebody says that in it is what it is in. */
    bool is_withheld;           /* More is known of what is in it than whoever asks may see. */
    bool is_kept_back;          /* A record that would say so, or who may know... */
    struct weft_text kept_back; /* ...of this kind. */
    enum weft_ask_fault asked;
    struct weft_text asked_of; /* Its site; empty: it is not known. */
};

/* A thing that stands in the tree is in that, too. Ways may go round. */
struct weft_across_way {
    uint32_t node, parent;
    struct weft_text rel, by; /* as a node's */
    bool is_disputed;
    struct weft_ref place;
    uint32_t agreement; /* By whose edge; UINT32_MAX: an own one. */
};

/* What whoever asks may not see of what is known of the inside of a thing: how much, by records of
 * which kind, and nothing else of it. */
struct weft_across_withheld {
    uint32_t node;
    uint32_t count;
    struct weft_text kind; /* Empty: partners have answered it, and no kind. */
};

struct weft_across {
    struct weft_recalls *site;   /* Agreements and partners; opened by the caller. */
    struct weft_cells_asking *a; /* What may be seen. */
    struct weft_around around;
    bool is_open;
    uint16_t as_built;
    struct weft_across_node *nodes; /* Their texts are in the site's arena of what is kept. */
    uint32_t count;
    uint32_t capacity;
    uint32_t *agreements;         /* By node: by whose edge it is there; UINT32_MAX: an own one. */
    struct weft_across_way *ways; /* Each edge once, and none that led to a node first. */
    uint32_t way_count;
    uint32_t way_capacity;
    struct weft_across_withheld *withheld; /* By node, and kind. */
    uint32_t withheld_count;
    uint32_t withheld_capacity;
    const struct weft_tiers_answer *told; /* What partners answered; NULL: nobody was asked. */
    bool *is_told;                        /* By part of that: something of it stands in the tree. */
};

/* The tree of `asset`, as this site calls it, as far as whoever asks may see it. Close it whatever
 * comes out. WEFT_ENOTFOUND, WEFT_EREFUSED: nothing is known of it here, or may be seen (NOD-173).
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_across_open(struct weft_across *across, struct weft_recalls *site,
    struct weft_cells_asking *asking, struct weft_text asset, const struct weft_tiers_answer *told);
/* The same of a thing of that name, for a partner who asks; nothing may be known of it. */
WEFT_MUST_USE enum weft_err weft_across_open_named(struct weft_across *across,
    struct weft_recalls *site, struct weft_cells_asking *asking,
    const struct weft_subject_name *name);
void weft_across_close(struct weft_across *across);
/* One thing more in as->parent; of what is in the tree already, one way more. `agreement`: by whose
 * edge. */
WEFT_MUST_USE enum weft_err weft_across_add(struct weft_across *across,
    const struct weft_subject_name *name, const struct weft_across_node *as, uint32_t agreement);
/* Into its subjects, whatever an agreement has joined with them, and with those; of `across` its
 * site is read alone. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_across_gather(
    struct weft_across *across, struct weft_across_node *node);
/* across_told.c: what partners answered of the thing at that place. */
WEFT_MUST_USE enum weft_err weft_across_graft(struct weft_across *across, uint32_t at);

/* A path of these (query_across.c): "across/ASSET". WEFT_ENOTFOUND, WEFT_EINVAL. */
bool weft_state_is_across_path(struct weft_text path);
WEFT_MUST_USE enum weft_err weft_query_across(
    struct weft_run *run, struct weft_client_message *ret_answer);

#endif
