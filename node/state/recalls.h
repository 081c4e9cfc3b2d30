/* node/state/recalls.h: recalls that cross companies, as a view has them: what of each is here,
 * who was told and is to be told, who has acknowledged, and what this site owes upwards.
 *
 * A recall begins with a record of kind `recall` of one's own, or with an Impact or a Recall that a
 * partner stated. What the site states of it are records of kind `impact` and `acknowledgement` on
 * the asset "partner:<org>/<site>" that they are meant for, which exports send to that partner
 * alone. Whoever leads proposes what is due (node/recaller.h); anybody may, and however often: what
 * was told is not due any more. Rules: node/state/README.md, Recalls. Any thread; long. */
#ifndef WEFT_NODE_STATE_RECALLS_H
#define WEFT_NODE_STATE_RECALLS_H

#include "federation/cells/recall.h"
#include "node/state/cells_desk.h"
#include "node/state/lineage/trace.h"
#include "node/state/view.h"

enum {
    WEFT_RECALLS_PARTNERS_MAX = 1024,   /* as WEFT_PARTNERS_MAX */
    WEFT_RECALLS_ACTS_MAX = 256 * 1024, /* impacts and acknowledgements; chosen */
    WEFT_RECALLS_NAMES_MAX = 17,        /* by which a partner is shipped to; as exports has them */
    WEFT_RECALLS_MEMORY_MAX = 512 * 1024 * 1024, /* chosen: 1,000,000 units that were shipped */
    WEFT_RECALLS_DUE_SUBJECTS = 4000, /* in the records of one commit: under WEFT_COMMIT_SIZE_MAX */
    WEFT_RECALLS_DUE_RECORDS = 256,
};

/* A site that there is an agreement with. */
struct weft_recalls_partner {
    struct weft_text site;  /* "<org>/<site>" */
    struct weft_text asset; /* "partner:<org>/<site>" */
    bool tells;             /* What we send him may have Impacts. */
    bool acknowledges;      /* And acknowledgements. */
    bool hears;             /* What he sends may have acknowledgements. */
    uint64_t ids[WEFT_RECALLS_NAMES_MAX];
    uint32_t id_count;
};

/* A recall, an Impact or an acknowledgement that was stated. */
struct weft_recalls_act {
    enum weft_act_kind kind;
    struct weft_digest recall;
    bool is_own;
    uint32_t partner;   /* Whose it is; of an own one for whom. UINT32_MAX: an own recall. */
    uint32_t agreement; /* Which knows its subjects; UINT32_MAX: an own one. */
    struct weft_digest statement;
    struct weft_cell_revision revision; /* Of an own one the index alone. */
    struct weft_text asset;
    struct weft_text action; /* Of a recall. */
    struct weft_text reason;
    struct weft_act_digests subjects;
    struct weft_acknowledgement counts;
    const struct weft_link *links; /* Of an own recall. */
    uint32_t link_count;
};

struct weft_recalls {
    struct weft_run *run;
    struct weft_arena kept;  /* What was stated. */
    struct weft_arena arena; /* Of the recall that is judged. */
    struct weft_cells_rows rows;
    struct weft_text site; /* This one. */
    struct weft_cells_agreement *agreements;
    uint32_t agreement_count;
    struct weft_recalls_partner *partners;
    uint32_t partner_count;
    struct weft_recalls_act *acts; /* By recall. */
    uint32_t act_count;
    uint32_t act_capacity;
    uint16_t shipped_to; /* Words of rels, and of kinds. */
    uint16_t events[3];
    uint16_t blocks;
    uint16_t disposes;
};

/* A run that has its view, snapshot, query and msg can look things up; its loader is to be closed,
 * unless this fails. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_recalls_begin(struct weft_run *run);
/* Everything that was stated about recalls, into `recalls`; the run was begun, and its arena is the
 * recalls' from now on. Close it whatever comes out. WEFT_ETOOBIG: past a limit above.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_recalls_open(struct weft_recalls *recalls, struct weft_run *run);
/* The same of agreements and partners alone. */
WEFT_MUST_USE enum weft_err weft_recalls_open_site(
    struct weft_recalls *recalls, struct weft_run *run);
void weft_recalls_close(struct weft_recalls *recalls);
/* The recalls that there are, each once; *place is 0 at first. False: no more. */
bool weft_recalls_next(
    const struct weft_recalls *recalls, uint32_t *place, struct weft_digest *ret_recall);

/* Who told of it. */
struct weft_recalls_upstream {
    uint32_t partner;
    uint64_t subjects; /* That he told of, each once. */
    uint64_t unknown;  /* Of them: this site has nothing of that name. */
    struct weft_acknowledgement own;
    bool is_first;                         /* Who is told of what is below, too. */
    const struct weft_recalls_act *newest; /* Our last acknowledgement to him; NULL: none. */
};

/* Who got something that has something recalled inside. */
struct weft_recalls_customer {
    uint32_t partner;       /* UINT32_MAX: it is nobody's with whom there is an agreement. */
    struct weft_text asset; /* By which it was shipped to. */
    uint64_t shipped;       /* Units. */
    uint64_t told;          /* Subjects. */
    uint64_t due;
    bool is_answered;
    struct weft_acknowledgement reply;
};

/* What was shipped, and the name that its subject is made of. */
struct weft_recalls_named {
    struct weft_digest subject;
    struct weft_text name;
};

/* A recall as it stands here, until the next one is judged. */
struct weft_recalls_account {
    struct weft_digest recall;
    const struct weft_recalls_act *origin; /* The Recall itself, if it is known here. */
    bool is_own;                           /* It is ours: nobody is upstream. */
    struct weft_acknowledgement own;       /* Of all that is here. */
    uint64_t unknown;
    struct weft_acknowledgement sum; /* With what is below. */
    struct weft_recalls_upstream *upstreams;
    uint32_t upstream_count;
    struct weft_recalls_customer *customers; /* Partners first, by their sites. */
    uint32_t customer_count;
    struct weft_recalls_named *named; /* By subject. */
    uint32_t named_count;
    struct weft_recall_impact *due; /* To partners that may be told. */
    uint32_t due_count;
};

WEFT_MUST_USE enum weft_err weft_recalls_judge(struct weft_recalls *recalls,
    const struct weft_digest *recall, struct weft_recalls_account *ret_account);
/* Is there any such recall? */
static inline bool weft_recalls_has(const struct weft_recalls_account *account)
{
    return account->origin != NULL || account->upstream_count > 0;
}
bool weft_recalls_is_same(
    const struct weft_acknowledgement *a, const struct weft_acknowledgement *b);
/* The records that are due of it, at most as many as one commit has room for; in the arena. */
WEFT_MUST_USE enum weft_err weft_recalls_due(struct weft_recalls *recalls,
    const struct weft_recalls_account *account, struct weft_record **ret_records,
    uint32_t *ret_count);

/* For whoever leads: of each recall that something is due of the records of one commit, which are
 * borrowed until the call returns. In the name of a node of the site, who sees all. What on_due
 * says ends it. *ret_recalls: how many there are. WEFT_ETOOBIG, WEFT_ECORRUPT, WEFT_EIO,
 * WEFT_ENOMEM. */
typedef enum weft_err weft_recalls_on_due(void *ctx, const struct weft_digest *recall,
    const struct weft_recalls_account *account, const struct weft_record *records, uint32_t count);
WEFT_MUST_USE enum weft_err weft_view_recalls(struct weft_view *view, struct weft_text principal,
    weft_recalls_on_due *on_due, void *ctx, uint32_t *ret_recalls, struct weft_msg *msg);

/* A path of recalls (query_recalls.c). WEFT_ENOTFOUND: no such one, or it may not be seen.
 * WEFT_EINVAL. */
bool weft_state_is_recalls_path(struct weft_text path);
WEFT_MUST_USE enum weft_err weft_query_recalls(
    struct weft_run *run, struct weft_client_message *ret_answer);

/* --- recalls_reach.c: where something is used ------------------------------------------------- */

/* What a set of assets went into. Arrays are in the recalls' arena. */
struct weft_recalls_reach {
    uint64_t *assets; /* Everything, the start too. */
    struct weft_text *names;
    bool *is_unit; /* Nothing contains it any more. */
    uint32_t count;
    struct weft_acknowledgement counts; /* Without what is below. */
};
/* Counts are of `recall`. */
WEFT_MUST_USE enum weft_err weft_recalls_search(struct weft_recalls *recalls,
    const struct weft_digest *recall, const uint64_t *starts, uint32_t start_count,
    struct weft_recalls_reach *ret_reach);
/* Assets of this site that subjects of an own act are; *ret_unknown: how many subjects it has
 * nothing of. In the arena. */
WEFT_MUST_USE enum weft_err weft_recalls_resolve(struct weft_recalls *recalls,
    const struct weft_recalls_act *act, uint64_t **ret_ids, uint32_t *ret_count,
    uint64_t *ret_unknown);
/* A subject as a partner told of it: by that agreement, as delivered or not. */
struct weft_recalls_named_by {
    struct weft_digest subject;
    uint32_t agreement;
    bool is_delivery;
};
/* The same of what one partner told: each subject counts once, by however many agreements and
 * however often it came, and is unknown if none of them knows it (NOD-274). Sorts `told`. */
WEFT_MUST_USE enum weft_err weft_recalls_resolve_told(struct weft_recalls *recalls,
    struct weft_recalls_named_by *told, uint32_t count, uint64_t **ret_ids, uint32_t *ret_count,
    uint64_t *ret_subjects, uint64_t *ret_unknown);
/* Assets of this site that are called one of these, by the names that agreements know the subjects
 * by; and `name`, if it is this site's or nobody's. In the arena. */
WEFT_MUST_USE enum weft_err weft_recalls_assets(struct weft_recalls *recalls,
    const struct weft_subject_name *name, const struct weft_digest *subjects, uint32_t count,
    uint64_t **ret_ids, uint32_t *ret_count);
/* Where each of what was reached was shipped to, by its place. */
struct weft_recalls_shipped {
    uint32_t place;
    uint64_t to;
};
WEFT_MUST_USE enum weft_err weft_recalls_find_shipped(struct weft_recalls *recalls,
    const struct weft_recalls_reach *reach, struct weft_recalls_shipped **ret_shipped,
    uint32_t *ret_count);
/* Who made one of these, as this site's own records have it (`made_by`); 0: they do not say. */
WEFT_MUST_USE enum weft_err weft_recalls_find_maker(
    struct weft_recalls *recalls, const uint64_t *ids, uint32_t count, uint64_t *ret_maker);
/* The name of an asset, in the arena. */
WEFT_MUST_USE enum weft_err weft_recalls_name(
    struct weft_recalls *recalls, uint64_t asset, struct weft_text *ret_name);

#endif
