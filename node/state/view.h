/* node/state/view.h: what struct weft_view holds, and what the kinds of queries share.
 *
 * A query is a run: a page under construction in the caller's arena, scratch of its own, a
 * budget of work. Its cursor pins the index that the first page spoke for, so that all pages
 * of an answer speak for one index while writes go on. */
#ifndef WEFT_NODE_STATE_VIEW_H
#define WEFT_NODE_STATE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/loader.h"
#include "node/state/names.h"
#include "node/state/reveal.h"
#include "node/state/state.h"
#include "node/state/store.h"

struct weft_trace;

struct weft_view {
    struct weft_state *state;
    struct weft_store *store;
    struct weft_store_snapshot *snapshot;
    struct weft_store_walk *walk; /* Of its queries, one after the other; NULL: none has asked. */
    struct weft_store_walk *memory_walk; /* Of weft_view_query_memory. */
    uint64_t index;
    uint64_t packs_generation;
    int64_t time_ns;                  /* Of the last commit. */
    struct weft_authority *authority; /* Of its index; NULL when read only. */
    struct weft_reveal *reveal;       /* Of who asked last; NULL: nobody has, or none is needed. */
    struct weft_labels_tally tally;   /* Of the query that was asked last. */
    struct weft_lineage *lineage;     /* NULL: there is no index of it. */
    struct weft_lineage_span span;
    struct weft_yield *yield;  /* Of the query that runs; NULL: none. */
    struct weft_buffer packed; /* Records of the last answer, if they are packed. */
};

/* Limits of one page's work; a page that meets one ends early and has a cursor. */
#define WEFT_RUN_FOREIGN_CURSOR "the cursor is not one of this query"

enum {
    WEFT_RUN_STEPS_MAX = 200 * 1000, /* records or index keys looked at; about 0.2 s */
    WEFT_RUN_LOADED_BYTES_MAX = 64 * 1024 * 1024,
    WEFT_RUN_TABLES_MAX = WEFT_MESSAGE_TABLES_MAX - 10 * 1000,
    /* Of an answer from memory. Chosen: far above the usual, and a bound for the loop. */
    WEFT_RUN_MEMORY_STEPS_MAX = 64,
    WEFT_RUN_MEMORY_BYTES_MAX = 256 * 1024,
    WEFT_RUN_SIZE_MAX = WEFT_ANSWER_SIZE_MAX / 2,
};

struct weft_run {
    struct weft_view *view;
    const struct weft_store_snapshot *snapshot; /* The view's, or what memory holds of it. */
    const struct weft_query *query;
    struct weft_arena *arena;
    struct weft_page *page;             /* Of records; of a trace the index and the cursor alone. */
    struct weft_trace_result *trace;    /* Of traces and recalls. */
    struct weft_document *document;     /* Of twins and differences. */
    struct weft_stored_record *records; /* Of the page; room for `limit`. NULL: it is packed. */
    struct weft_msg *msg;
    struct weft_reveal *reveal; /* The view's; NULL: all is shown. */
    struct weft_loader loader;
    struct weft_store_walk *walk; /* The view's. */
    uint64_t as_of;
    uint32_t limit;
    /* What the page may cost, and what it has cost. */
    bool is_brief; /* Over it there is no answer, not one that ends early. */
    uint64_t steps_max;
    size_t loaded_bytes_max;
    size_t size_max;
    uint64_t steps;
    size_t size_bytes; /* About what it will be, encoded. */
    size_t tables;
    char word_name[WEFT_KIND_SIZE_MAX];
    /* Where the last page ended: what follows comes after `after`, in the query's order. */
    bool has_after;
    struct weft_ref after;
    struct weft_ref stopped; /* Where this page ended, once weft_run_stop was called. */
};

/* Records of the page so far. */
static inline uint32_t weft_run_count(const struct weft_run *run)
{
    return run->page->record_count + run->page->packed.count;
}

static inline bool weft_run_is_within(const struct weft_run *run)
{
    return run->steps < run->steps_max && run->loader.loaded_bytes < run->loaded_bytes_max;
}

/* True while the budget lasts; takes one step of it. */
static inline bool weft_run_step(struct weft_run *run)
{
    run->steps++;
    return weft_run_is_within(run);
}

/* So many links or keys are looked at. Not WEFT_OK: the query ends with it. */
WEFT_MUST_USE static inline enum weft_err weft_run_yield(struct weft_run *run, uint32_t steps)
{
    return weft_yield_step(run->view->yield, steps);
}

static inline bool weft_run_sees(const struct weft_run *run, uint64_t index, int64_t at_ns)
{
    return index <= run->as_of && (!run->query->has_at || at_ns <= run->query->at_ns);
}

/* Id and head of an asset in the view. WEFT_ENOTFOUND: never mentioned up to as_of. */
WEFT_MUST_USE enum weft_err weft_run_head(
    struct weft_run *run, struct weft_text asset, struct weft_head *ret_head);
/* 0: there is no such kind ('k') or rel ('r'). */
WEFT_MUST_USE enum weft_err weft_run_word(
    struct weft_run *run, char words, struct weft_text name, uint16_t *ret_id);
/* The name of a kind ('k') or rel ('r'), until the next call. */
WEFT_MUST_USE enum weft_err weft_run_word_name(
    struct weft_run *run, char words, uint16_t id, struct weft_text *ret_name);
/* Who asks, into `reveal`: kept in the view for the next question of the same. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_run_find_reveal(struct weft_run *run);
/* WEFT_EREFUSED: he asks for evidence of the audit log, and may not read it. */
WEFT_MUST_USE enum weft_err weft_run_may_see_audit(struct weft_run *run);
/* Nothing of the answer is labelled yet. */
void weft_run_begin_tally(struct weft_run *run);
/* NOD-173: the refusal of whoever may not see all of what he asks about, instead of a
 * WEFT_ENOTFOUND, which it is for others. */
enum weft_err weft_run_be_opaque(struct weft_run *run);
/* May whoever asks see records of this kind on this asset, as the question asks for them? One that
 * asks for what was true by some time sees none whose time is hidden: NOD-172. */
bool weft_run_may_see(struct weft_run *run, struct weft_text kind, struct weft_text asset);
/* The same of whatever kind: no record on the asset is left out. */
bool weft_run_may_see_all(struct weft_run *run, struct weft_text asset);
/* The same of a kind by its id. */
WEFT_MUST_USE enum weft_err weft_run_may_see_kind(
    struct weft_run *run, uint16_t kind, struct weft_text asset, bool *ret_may);
/* The same of a stored record. */
WEFT_MUST_USE enum weft_err weft_run_may_see_record(
    struct weft_run *run, struct weft_bytes bytes, bool *ret_may);
/* And its link by `rel`, too. */
WEFT_MUST_USE enum weft_err weft_run_may_see_link(
    struct weft_run *run, const struct weft_ref *ref, struct weft_text rel, bool *ret_may);
/* The same of a rel by its id. */
WEFT_MUST_USE enum weft_err weft_run_may_see_rel(
    struct weft_run *run, const struct weft_ref *ref, uint16_t rel, bool *ret_may);
/* What stands in a cursor for the time of a place: itself where all is shown; else 0, or sealed
 * where the query needs it, so that it is not told, and no cursor is good that was not given out.
 * `*hash` is the query's, changed alike. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_run_seal(
    struct weft_run *run, const struct weft_ref *ref, uint64_t *ret_at, uint64_t *hash);
/* The time again, into ref->at_ns, whose other parts the cursor names. */
WEFT_MUST_USE enum weft_err weft_run_unseal(
    struct weft_run *run, struct weft_ref *ref, uint64_t at, uint64_t *hash);
/* A key or value that is not as it must be. */
enum weft_err weft_run_damaged(struct weft_run *run, const char *what);

/* Read a record and add it to the page. *ret_added false: the page is full without it. */
WEFT_MUST_USE enum weft_err weft_run_add(
    struct weft_run *run, const struct weft_ref *ref, bool *ret_added);
/* The same with its bytes in hand. */
WEFT_MUST_USE enum weft_err weft_run_add_bytes(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, bool *ret_added);
/* A record of an answer: copied, decoded, and counted. *ret_fits false: it is not, since the
 * answer would be too large; the first one always fits. */
WEFT_MUST_USE enum weft_err weft_run_decode(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, bool is_first, struct weft_stored_record *ret_record,
    bool *ret_fits);
/* A record into an answer, as it is stored, or stored anew with commitments for what whoever asks
 * may not see of it: every record that leaves the state by a query passes this or weft_run_decode
 * (NOD-170). `scratch` has what is made meanwhile. WEFT_ECORRUPT, WEFT_EIO, WEFT_EREFUSED (it may
 * not be seen at all, which the caller should have known), WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_run_give(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, struct weft_arena *scratch, struct weft_buffer *out);
/* First half of a digest over what the query asks for: a cursor is good for that alone. */
uint64_t weft_run_hash(const struct weft_query *query);
/* There is more behind `ref`: give the page a cursor. */
WEFT_MUST_USE enum weft_err weft_run_stop(struct weft_run *run, const struct weft_ref *ref);

/* VERSION keys and values. */
WEFT_MUST_USE enum weft_err weft_run_version(struct weft_run *run, struct weft_bytes key,
    struct weft_bytes value, struct weft_ref *ret_ref, uint16_t *ret_kind, bool *ret_late);

/* MIRROR keys and values: the record that links, and the asset it speaks of. */
WEFT_MUST_USE enum weft_err weft_run_mirror(struct weft_run *run, struct weft_bytes key,
    struct weft_bytes value, struct weft_ref *ret_ref, uint64_t *ret_asset);

/* The kinds of queries. */
WEFT_MUST_USE enum weft_err weft_query_asset(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_story(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_find(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_differs(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_commits(struct weft_run *run);
/* Answer with `search`, or go on with what was searched for the page before. */
WEFT_MUST_USE enum weft_err weft_query_paged(
    struct weft_run *run, enum weft_err (*search)(struct weft_trace *trace), bool is_forward);
WEFT_MUST_USE enum weft_err weft_query_trace(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_recall(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_twin(struct weft_run *run);
WEFT_MUST_USE enum weft_err weft_query_diff(struct weft_run *run);
/* The audit log's head, or the file of it that `path` names. WEFT_ENOTFOUND: it has no such one;
 * WEFT_EINVAL: no path of it. */
WEFT_MUST_USE enum weft_err weft_query_audit(struct weft_view *view, struct weft_text path,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg);
/* A path of commands (query_command.c). WEFT_ENOTFOUND: no such one, or it may not be seen.
 * WEFT_ESTATE: there is nothing to act on. WEFT_EBUSY: not yet. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_command(struct weft_view *view,
    const struct weft_query *query, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg);
/* A path of cells (query_cells.c). WEFT_ENOTFOUND: no such agreement, or it may not be seen.
 * WEFT_EINVAL. */
bool weft_state_is_cells_path(struct weft_text path);
WEFT_MUST_USE enum weft_err weft_query_cells(
    struct weft_run *run, struct weft_client_message *ret_answer);
/* A path of partners (query_partner.c). WEFT_ENOTFOUND: no such one, or it may not be seen.
 * WEFT_EREFUSED: it may be seen, and what is in it not. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_query_partner(struct weft_view *view,
    const struct weft_query *query, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg);

#endif
