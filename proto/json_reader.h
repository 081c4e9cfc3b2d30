/* proto/json_reader.h: JSON (RFC 8259) as it comes, in pieces of any size: what json.h parses with.
 *
 * Pure and incremental: fed with bytes, it builds the tree of json.h. Values that the caller
 * chooses are not kept in the tree but handed over one by one, each with its place and its
 * parents, so that a document of any size is read in the memory of its largest such value. yajl
 * parses; what is ours beside it: proto/README.md. */
#ifndef WEFT_PROTO_JSON_READER_H
#define WEFT_PROTO_JSON_READER_H

#include "proto/json.h"
#include "proto/limits.h"

/* Where a value that begins is to live: NULL: in the tree, with what is around it. Otherwise it
 * is handed over when it ends, and its parent does not list it, though it counts it. `value` has
 * type, key, place and parent so far. Only for the root and elements of arrays: the members of
 * an object are told apart when it ends. */
typedef struct weft_arena *weft_json_choose(void *ctx, const struct weft_json *value);

enum {
    WEFT_JSON_FINISHED_MAX = 2, /* A number is over where the array around it is. */
};

/* One open array or object, or a value to be handed over. */
struct weft_json_level {
    struct weft_json *value;
    struct weft_json *last; /* Its newest child that it lists. */
    struct weft_arena *arena;
    bool is_taken;
};

struct weft_json_reader {
    weft_json_choose *choose; /* NULL: everything is kept. */
    void *ctx;
    struct weft_arena *arena;    /* Of the tree. */
    struct weft_text repeatable; /* Key that an object may have more than once. */

    struct yajl_handle_t *parser; /* NULL until the first byte. */
    struct weft_text chunk;
    size_t at; /* Next byte of it. */
    bool is_last;
    uint8_t mark;             /* Bytes of a byte order mark there were so far; 3: none can come. */
    bool is_in_string;        /* Where the next piece goes on. */
    bool is_escaped;          /* A backslash stands before the next byte. */
    struct weft_buffer token; /* Beginning of one that goes on behind the chunk. */

    struct weft_text piece; /* That yajl was given last. */
    size_t offset;          /* In it, behind its last token. */
    uint64_t piece_start;   /* Its place in the text, in bytes; a byte order mark not counted. */
    uint64_t line_start;
    uint32_t line;

    struct weft_text key; /* Of the member whose value comes next. */
    struct weft_json_level finished[WEFT_JSON_FINISHED_MAX]; /* To be handed over. */
    uint32_t finished_count;
    struct weft_json_level levels[WEFT_JSON_DEPTH_MAX];
    uint32_t depth;

    struct weft_json *root; /* Set from its beginning on, unless it was handed over. */
    bool is_done;           /* The text has ended, well. */
    enum weft_err err;      /* It is not JSON; nothing more is read. */
    struct weft_msg reason; /* Of err. */
    bool is_told;           /* The caller has it. */
};

/* `repeatable` as in weft_json_parse_foreign, may be NULL; kept, as are the arena and ctx. */
void weft_json_reader_init(struct weft_json_reader *r, struct weft_arena *arena,
    uint32_t first_line, const char *repeatable, weft_json_choose *choose, void *ctx);
/* Borrowed until weft_json_reader_next has said WEFT_ENOTFOUND, and to be fed only then. */
void weft_json_reader_feed(struct weft_json_reader *r, struct weft_text chunk, bool is_last);
/* The next value that was chosen.
 *
 * WEFT_ENOTFOUND: more bytes are wanted, or, with is_done, the text has ended. WEFT_EMALFORMED,
 * WEFT_ETOOBIG (depth, an arena), WEFT_ENOMEM: `msg` says "line L, column C: reason". */
WEFT_MUST_USE enum weft_err weft_json_reader_next(
    struct weft_json_reader *r, struct weft_json **ret_value, struct weft_msg *msg);
/* Whether a value that has begun and was not handed over lives there. */
bool weft_json_reader_is_open_in(const struct weft_json_reader *r, const struct weft_arena *arena);
void weft_json_reader_close(struct weft_json_reader *r);

/* A member whose key an earlier one has. Unchanged if there is none. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_json_find_twin(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin);

#endif
