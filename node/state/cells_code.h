/* node/state/cells_code.h: what rows of cells hold, as bytes.
 *
 * Our own fixed-order form (proto/octets.h): the same on every replica. Each is written by encode
 * into a buffer, which is cleared first, and read by decode, which borrows the bytes. Encode:
 * WEFT_ENOMEM, WEFT_ETOOBIG. Decode: WEFT_ECORRUPT, `msg` says of what. */
#ifndef WEFT_NODE_STATE_CELLS_CODE_H
#define WEFT_NODE_STATE_CELLS_CODE_H

#include "federation/cells/act.h"
#include "federation/cells/cell.h"

enum {
    WEFT_CELLS_KG_SIZE = 16,
    WEFT_CELLS_VALUE_SIZE_MAX = 1024, /* bytes of a value in a cell; chosen: 4,096 of them, 4 MiB */
};

/* What a statement says to a cell, or of an edge; an act. */
struct weft_cells_word {
    struct weft_cell_statement statement; /* Its digest is in the key. */
    struct weft_text kind;                /* Of the statement; of a resolution the cell's. */
    struct weft_text group;               /* Of a resolution. */
    uint8_t rule;                         /* Of an edge: enum weft_cell_rule. */
};

/* Where a statement stands in the streams, and where it was filed. */
struct weft_cells_place {
    uint8_t party;
    bool is_act;
    uint64_t sequence;
    struct weft_text kind;
    struct weft_text asset;
    struct weft_digest subject; /* Zero: it has none. */
    uint32_t group_count;
    const struct weft_text *groups; /* Of its cells; in the arena. */
    uint32_t edge_count;
    const struct weft_digest *edges; /* Parent and child of each. */
};

/* A cell as it was judged last. Bytes: so it stands in the row. */
struct weft_cells_standing {
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    struct weft_digest state;
};

struct weft_cells_subject {
    struct weft_subject_name name;
    bool is_known;   /* Something was stated of it. */
    bool is_unnamed; /* Without a usable serial. */
    /* Of the lowest of a set: its cells, by their kgs. */
    uint32_t cell_count;
    const struct weft_cells_standing *cells;
};

struct weft_cells_pair {
    struct weft_subject_name names[2];
    uint8_t status; /* enum weft_alias_status */
};

/* Where an edge is filed: under the lowest of both sets of aliases. */
struct weft_cells_edge {
    struct weft_digest parent;
    struct weft_digest child;
    bool is_dangling;
};

struct weft_cells_dispute {
    struct weft_digest id;
    bool is_edge;
    struct weft_digest subject; /* Of an edge the parent. */
    struct weft_digest child;   /* Of an edge. */
    struct weft_text kind;
    struct weft_text group;
};

enum weft_cells_task_kind {
    WEFT_CELLS_TASK_ALL,   /* All cells and edges: another version is in force. */
    WEFT_CELLS_TASK_GROUP, /* The cells of a kg: authority over it moved. */
    WEFT_CELLS_TASK_EDGES, /* The edges at a subject. */
};

struct weft_cells_task {
    uint8_t kind; /* enum weft_cells_task_kind */
    struct weft_digest
        target;            /* Of GROUP the kg, and 1 if edges are it too; of EDGES the subject. */
    uint8_t stage;         /* Which table is gone through. */
    struct weft_text from; /* Behind that key; empty: from its beginning. */
};

struct weft_cells_counts {
    uint64_t statements;
    uint64_t disputes;
    uint64_t proposed;
    uint64_t joined; /* Pairs. */
    uint64_t unnamed;
    uint64_t left_over;
    uint64_t dangling;
    uint64_t tasks;     /* Still to be done. */
    uint64_t next_task; /* Number of the next one. */
};

#define WEFT_CELLS_CODE(what, noun)                                                                \
    WEFT_MUST_USE enum weft_err weft_cells_##what##_encode(                                        \
        const struct weft_##noun *value, struct weft_buffer *out, struct weft_msg *msg);           \
    WEFT_MUST_USE enum weft_err weft_cells_##what##_decode(struct weft_bytes bytes,                \
        struct weft_arena *arena, struct weft_##noun *ret_value, struct weft_msg *msg)

WEFT_CELLS_CODE(word, cells_word);
WEFT_CELLS_CODE(place, cells_place);
WEFT_CELLS_CODE(subject, cells_subject);
WEFT_CELLS_CODE(pair, cells_pair);
WEFT_CELLS_CODE(edge, cells_edge);
WEFT_CELLS_CODE(dispute, cells_dispute);
WEFT_CELLS_CODE(task, cells_task);
WEFT_CELLS_CODE(counts, cells_counts);
WEFT_CELLS_CODE(handoff, handoff_statement);
WEFT_CELLS_CODE(alias_word, alias_word);

#endif
