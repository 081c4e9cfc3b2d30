/* node/state/cells_desk.h: the cells of one agreement, read: by an apply, or by a view.
 *
 * What a cell comes to is worked out from its rows each time it is asked for: nothing of it is kept
 * but the digest of its state and that it is disputed. Answers are in the desk's arena until it is
 * reset. All may fail with WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
#ifndef WEFT_NODE_STATE_CELLS_DESK_H
#define WEFT_NODE_STATE_CELLS_DESK_H

#include "federation/cells/intake.h"
#include "federation/cells/shared.h"
#include "node/state/cells_code.h"
#include "node/state/cells_rows.h"

/* Kind of an edge's cell; it has no group. */
#define WEFT_CELLS_EDGE_KIND "edge"

enum {
    WEFT_CELLS_KNOWN = 64, /* places; chosen: more kinds and groups than most agreements have */
};

struct weft_cells_agreement {
    struct weft_cells_agreement *next;
    uint8_t id[WEFT_CELLS_AGREEMENT_SIZE];
    struct weft_buffer text;
    struct weft_arena arena; /* Of the contract. */
    struct weft_contract contract;
    struct weft_text parties[WEFT_CELL_PARTIES]; /* Organizations, or sites of one. */
    struct weft_cells_counts counts;
    bool is_counted_anew; /* Since the last put. */
    /* There certainly are no such rows: nothing to look for. Else there may be. */
    bool lacks_edges, lacks_named, lacks_handoffs;
    /* Of these kgs there certainly is a row that names them; zeros: an empty place. */
    uint8_t known[WEFT_CELLS_KNOWN][WEFT_CELLS_KG_SIZE];
};

struct weft_cells_desk {
    struct weft_cells_rows *rows;
    const struct weft_cells_agreement *agreement;
    struct weft_arena *arena;
    struct weft_msg *msg;
    /* Of the cell to be judged: nothing of it is in the store; its kind and group, if they are
     * known already (kind empty: not). */
    bool is_fresh;
    struct weft_text kind, group;
};

void weft_cells_agreement_id(struct weft_text name, uint8_t ret_id[WEFT_CELLS_AGREEMENT_SIZE]);
/* Its newest version, into an agreement that is zero, or holds the one before. */
WEFT_MUST_USE enum weft_err weft_cells_agreement_read(
    struct weft_cells_agreement *agreement, struct weft_text text, struct weft_msg *msg);
/* As the rows have it. WEFT_ENOTFOUND: there is none. */
WEFT_MUST_USE enum weft_err weft_cells_agreement_load(
    struct weft_cells_rows *rows, struct weft_cells_agreement *agreement, struct weft_msg *msg);
void weft_cells_agreement_close(struct weft_cells_agreement *agreement);

/* First bytes of SHA-256 of both, each behind its size. */
void weft_cells_kg(
    struct weft_text kind, struct weft_text group, uint8_t ret_kg[WEFT_CELLS_KG_SIZE]);
static inline struct weft_key weft_cells_desk_key(
    const struct weft_cells_desk *desk, enum weft_cells_table table)
{
    return weft_cells_key(desk->agreement->id, table);
}
/* Behind a table, one digest or two. */
struct weft_key weft_cells_key_of(const struct weft_cells_desk *desk, enum weft_cells_table table,
    const struct weft_digest *a, const struct weft_digest *b);
/* As the name of a thing in an agreement: what an asset is called by a site. Of `digest` the
 * statement that names it. */
enum weft_subject_place weft_cells_name_thing(struct weft_text authority, struct weft_text asset,
    bool has_serial, const struct weft_digest *digest, char ret_key[WEFT_SUBJECT_KEY_SIZE],
    struct weft_subject_name *ret_name);

/* The groups that a subject has something in, each once, in the order of their kgs. */
struct weft_cells_groups {
    struct weft_cells_cursor cursor;
    bool has_kg;
    uint8_t kg[WEFT_CELLS_KG_SIZE];
};
WEFT_MUST_USE enum weft_err weft_cells_groups_open(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, struct weft_cells_groups *ret_groups);
/* The next is in `kg`. *ret_has false: there is none. */
WEFT_MUST_USE enum weft_err weft_cells_groups_next(struct weft_cells_groups *groups, bool *ret_has);
WEFT_MUST_USE enum weft_err weft_cells_groups_close(
    struct weft_cells_groups *groups, enum weft_err err);
/* What a kg is of, in the desk's arena. WEFT_ENOTFOUND: no statement had it. */
WEFT_MUST_USE enum weft_err weft_cells_group(const struct weft_cells_desk *desk,
    const uint8_t kg[WEFT_CELLS_KG_SIZE], struct weft_text *ret_kind, struct weft_text *ret_group);

/* The subjects that are one thing. */
WEFT_MUST_USE enum weft_err weft_cells_set(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, struct weft_alias_set *ret_set);
/* WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_cells_subject(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, struct weft_cells_subject *ret_subject);
WEFT_MUST_USE enum weft_err weft_cells_place(const struct weft_cells_desk *desk,
    const struct weft_digest *statement, struct weft_cells_place *ret_place);

/* Who may state fields of a group of a kind. */
WEFT_MUST_USE enum weft_err weft_cells_authority(const struct weft_cells_desk *desk,
    struct weft_text kind, struct weft_text group, struct weft_cell_authority *ret_authority);

/* One cell, worked out. */
struct weft_cells_judged {
    struct weft_digest cell;
    struct weft_cell_set set; /* Empty: there is no such cell. */
    struct weft_cell_answer answer;
    struct weft_digest state;
    enum weft_cell_rule rule;
    struct weft_text kind;
    struct weft_text group;
    bool is_overfull; /* More statements than are judged. */
};

/* Of the subject's set; `ret_set` is it. */
WEFT_MUST_USE enum weft_err weft_cells_judge(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, const uint8_t kg[WEFT_CELLS_KG_SIZE],
    struct weft_alias_set *ret_set, struct weft_cells_judged *ret_judged);
/* Of edges that are filed under these two. */
WEFT_MUST_USE enum weft_err weft_cells_judge_edge(const struct weft_cells_desk *desk,
    const struct weft_digest *parent, const struct weft_digest *child,
    struct weft_cells_judged *ret_judged);
/* cells_recall.c: the value of an acknowledgement's row as counts; its recall is left as it is.
 * False: it is none. */
bool weft_cells_counts_parse(struct weft_text text, struct weft_acknowledgement *counts);
/* A node of the shared digest's trie. WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_cells_shared_node(const struct weft_cells_desk *desk,
    const struct weft_shared_path *path, struct weft_shared_node *ret_node);
struct weft_key weft_cells_shared_key(
    const struct weft_cells_desk *desk, const struct weft_shared_path *path);

#endif
