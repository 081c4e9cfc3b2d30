/* jepsen/core/edn.h: values as Clojure writes them (extensible data notation): what a history and
 * its results are made of. A value is 16 bytes, passed by value; what it points to (text, items)
 * belongs to an arena or is a literal, and never changes. The reader is strict: what Clojure's own
 * reader refuses, it refuses, with line and column. The writer prints as Clojure's `pr` does. */
#ifndef WEFT_JEPSEN_CORE_EDN_H
#define WEFT_JEPSEN_CORE_EDN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/arena.h"
#include "jepsen/core/text.h"

enum {
    JEP_EDN_DEPTH_MAX = 32 /* chosen: histories need 5; a reader that recurses needs a bound */
};

enum jep_edn_type {
    JEP_EDN_NIL, /* so that a zeroed struct is nil */
    JEP_EDN_BOOL,
    JEP_EDN_INT,
    JEP_EDN_FLOAT,
    JEP_EDN_STRING,
    JEP_EDN_KEYWORD, /* text without the colon */
    JEP_EDN_SYMBOL,
    JEP_EDN_LIST,
    JEP_EDN_VECTOR,
    JEP_EDN_SET,
    JEP_EDN_MAP,
    JEP_EDN_TAGGED /* #tag value: two items, the symbol and the value */
};

struct jep_edn {
    enum jep_edn_type type;
    uint32_t count; /* bytes of a text; items of a list, vector or set; pairs of a map */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *text;            /* ends with a zero byte, which count leaves out */
        const struct jep_edn *items; /* of a map: key, value, key, value ... */
    };
};

/* Borrows nothing. */
struct jep_edn jep_edn_nil(void);
struct jep_edn jep_edn_bool(bool boolean);
struct jep_edn jep_edn_int(int64_t integer);
struct jep_edn jep_edn_float(double real);
/* Keeps the pointer: for literals and texts of the arena. */
struct jep_edn jep_edn_keyword(const char *text);
struct jep_edn jep_edn_string(const char *text);
/* Copies text into the arena. */
struct jep_edn jep_edn_string_copy(struct jep_arena *arena, const char *text);
struct jep_edn jep_edn_keyword_copy(struct jep_arena *arena, const char *text);
/* Copy the items into the arena (what the items point to is shared). */
struct jep_edn jep_edn_vector(struct jep_arena *arena, const struct jep_edn *items, size_t count);
struct jep_edn jep_edn_set(struct jep_arena *arena, const struct jep_edn *items, size_t count);
struct jep_edn jep_edn_pair(struct jep_arena *arena, struct jep_edn first, struct jep_edn second);
/* items: pairs * 2 values, key first. Keys are not compared: the caller sees to it. */
struct jep_edn jep_edn_map(struct jep_arena *arena, const struct jep_edn *items, size_t pairs);
/* A whole copy in another arena. */
struct jep_edn jep_edn_copy(struct jep_arena *arena, const struct jep_edn *value);

/* Items one after the other, for maps and vectors whose size is not known before. Zeroed to start;
 * the arena given to each push is where the items end up. */
struct jep_edn_list {
    struct jep_edn *items;
    size_t count;
    size_t capacity;
};

void jep_edn_push(struct jep_edn_list *list, struct jep_edn value);
void jep_edn_put(struct jep_edn_list *list, const char *keyword, struct jep_edn value);
/* The list is empty and free afterwards. Items of which one is there twice are no set: they come as
 * a vector, which can be written and read, and judged. */
struct jep_edn jep_edn_take_vector(struct jep_edn_list *list, struct jep_arena *arena);
struct jep_edn jep_edn_take_set(struct jep_edn_list *list, struct jep_arena *arena);
struct jep_edn jep_edn_take_map(struct jep_edn_list *list, struct jep_arena *arena);

bool jep_edn_is_nil(const struct jep_edn *value);
bool jep_edn_is_int(const struct jep_edn *value);
bool jep_edn_is_keyword(const struct jep_edn *value, const char *text);
/* A vector (or list, which Clojure holds equal to it) of exactly count items. */
bool jep_edn_is_vector(const struct jep_edn *value, size_t count);
/* List, vector or set. */
bool jep_edn_is_sequence(const struct jep_edn *value);
/* The value of a keyword in a map; NULL: no map, or not in it. */
const struct jep_edn *jep_edn_get(const struct jep_edn *map, const char *keyword);
/* The value of any key in a map; NULL: no map, or not in it. */
const struct jep_edn *jep_edn_find(const struct jep_edn *map, const struct jep_edn *key);

/* Equality and order as values: sets and maps without regard to order; 1 and 1.0 differ; a list
 * equals a vector of the same items. The order is total, and otherwise of no meaning. */
int jep_edn_compare(const struct jep_edn *a, const struct jep_edn *b);
bool jep_edn_equal(const struct jep_edn *a, const struct jep_edn *b);
/* Equal values have equal hashes. */
uint64_t jep_edn_hash(const struct jep_edn *value);

/* Where a reader stands. Zeroed, then text and size; line and column count from 1 in messages. */
struct jep_edn_reader {
    const char *text;
    size_t size;
    size_t at;
    size_t line_start; /* offset of the line in which at lies */
    size_t line;       /* from 0 */
    uint32_t depth;
};

/* The next value; true with *ret_end at the end of the text. False: "line L, column C: ...". */
bool jep_edn_read(struct jep_edn_reader *reader, struct jep_arena *arena, struct jep_edn *ret_value,
    bool *ret_end, struct jep_message *message) __attribute__((warn_unused_result));
/* Exactly one value in the text. */
bool jep_edn_parse(struct jep_arena *arena, const char *text, size_t size,
    struct jep_edn *ret_value, struct jep_message *message) __attribute__((warn_unused_result));

/* On one line, as `pr` prints it: {:a 1, :b [1 2]} and #{1 2}. */
void jep_edn_write(struct jep_text *text, const struct jep_edn *value);
/* Maps with one key a line, indented: for results that people read. Ends without a newline. */
void jep_edn_write_pretty(struct jep_text *text, const struct jep_edn *value);
/* The one-line form in the arena, cut after max_bytes with " ..." at the end. */
const char *jep_edn_show(struct jep_arena *arena, const struct jep_edn *value, size_t max_bytes);

#endif
