/* proto/json_reader.h: JSON (RFC 8259) as it comes, in pieces of any size: what json.h parses with.
 *
 * Pure and incremental: fed with bytes, it builds the tree of json.h. Values that the caller
 * chooses are not kept in the tree but handed over one by one, each with its place and its
 * parents, so that a document of any size is read in the memory of its largest such value. */
#ifndef WEFT_PROTO_JSON_READER_H
#define WEFT_PROTO_JSON_READER_H

#include "proto/json.h"
#include "proto/limits.h"

/* Where a value that begins is to live: NULL: in the tree, with what is around it. Otherwise it
 * is handed over when it ends, and its parent does not list it, though it counts it. `value` has
 * type, key, place and parent so far. Only for the root and elements of arrays: the members of
 * an object are told apart when it ends. */
typedef struct weft_arena *weft_json_choose(void *ctx, const struct weft_json *value);

enum weft_json_state {
    WEFT_JSON_VALUE,       /* A value must come. */
    WEFT_JSON_FIRST_VALUE, /* Or the end of the array. */
    WEFT_JSON_FIRST_KEY,   /* A key must come, or the end of the object. */
    WEFT_JSON_KEY,
    WEFT_JSON_COLON,
    WEFT_JSON_AFTER, /* A comma, or the end of what is open. */
    WEFT_JSON_END,   /* Nothing but white space. */
};

enum weft_json_token {
    WEFT_JSON_NO_TOKEN,
    WEFT_JSON_IN_STRING,
    WEFT_JSON_IN_WORD, /* A number or a literal. */
};

/* One open array or object. */
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

    struct weft_text chunk;
    size_t at; /* Next byte of it. */
    bool is_last;
    uint64_t chunk_start; /* Its place in the text, in bytes; a byte order mark not counted. */
    uint64_t line_start;
    uint32_t line;
    uint8_t mark; /* Bytes of a byte order mark there were so far; 3: none can come. */

    enum weft_json_state state;
    enum weft_json_token token;
    size_t token_at;              /* Where in the chunk it begins, or goes on. */
    uint32_t token_column;        /* Of its first byte. */
    bool is_escaped;              /* A backslash stands before the next byte. */
    bool has_escape, has_high;    /* The string has a backslash, a byte above 0x7f. */
    struct weft_buffer beginning; /* Of a token that began in an earlier chunk. */

    struct weft_text key;       /* Of the member whose value comes next. */
    struct weft_json *finished; /* To be handed over. */
    struct weft_json_level levels[WEFT_JSON_DEPTH_MAX];
    uint32_t depth;

    struct weft_json *root; /* Set from its beginning on, unless it was handed over. */
    bool is_done;           /* The text has ended, well. */
    enum weft_err err;      /* It is not JSON; nothing more is read. */
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
/* Whether a value that has begun and not ended lives there. */
bool weft_json_reader_is_open_in(const struct weft_json_reader *r, const struct weft_arena *arena);
void weft_json_reader_close(struct weft_json_reader *r);

/* --- its parts -------------------------------------------------------------------------------- */

/* What is wrong in a token, and where in it. */
struct weft_json_fault {
    size_t offset;
    const char *reason;
};

/* Undo the escapes of a string's content that has no byte under 0x20. `ret_text` has room for
 * raw.size. Returns the size; 0 and a fault where an escape is none. */
size_t weft_json_unescape(struct weft_text raw, char *ret_text, struct weft_json_fault *ret_fault);
/* What a run of letters, digits, '+', '-' and '.' is. WEFT_EMALFORMED: the fault is set; its
 * reason is NULL where a second number begins at once behind a first. */
WEFT_MUST_USE enum weft_err weft_json_classify(
    struct weft_text word, enum weft_json_type *ret_type, struct weft_json_fault *ret_fault);
/* A member whose key an earlier one has. Unchanged if there is none. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_json_find_twin(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin);

#endif
