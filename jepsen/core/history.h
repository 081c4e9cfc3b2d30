/* jepsen/core/history.h: what clients did and saw and what was broken when, one operation a line,
 * exactly as Jepsen writes it. It is the only thing that checkers believe, so it is read strictly:
 * a history that breaks the rules below is refused, never repaired.
 *
 *   {:index 4, :time 79018035, :type :invoke, :process 1, :f :read, :value [0 nil], :node "n2"}
 *
 * :index is dense from 0, :time (ns since the start, monotonic) never falls. A client's :invoke has
 * exactly one :ok (happened), :fail (certainly did not happen) or :info (unknown); after :info its
 * process never comes back (the thread goes on as process + concurrency). An invocation without an
 * end is one that the end of the run cut off: unknown. The nemesis writes :info alone. */
#ifndef WEFT_JEPSEN_CORE_HISTORY_H
#define WEFT_JEPSEN_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/edn.h"

enum jep_op_type {
    JEP_INVOKE,
    JEP_OK,
    JEP_FAIL,
    JEP_INFO
};

enum {
    JEP_NEMESIS = -1
};

#define JEP_UNPAIRED UINT32_MAX
#define JEP_HISTORY_FILE_BYTES_MAX ((size_t)1 << 31) /* chosen: ten times the largest run */
#define JEP_HISTORY_OPS_MAX ((size_t)1 << 26)        /* chosen: 5 GiB of operations */

struct jep_op {
    uint64_t index;
    int64_t time_ns;
    enum jep_op_type type;
    int64_t process; /* or JEP_NEMESIS */
    const char *f;   /* without the colon; equal names of one history are the same pointer */
    struct jep_edn value;
    struct jep_edn error; /* nil: no :error */
    const char *node;     /* the node that the client spoke with; NULL: no :node */
};

/* In memory. Read freely; change only through the functions. */
struct jep_history {
    struct jep_arena *arena; /* its values live here; checkers may put theirs here too */
    struct jep_op *ops;
    size_t count;
    size_t capacity;
    /* Of an invocation its end, of an end its invocation, else JEP_UNPAIRED. Set by
     * jep_history_check. */
    uint32_t *pairs;
    const char **names; /* interned */
    size_t names_count;
};

struct jep_history *jep_history_create(void);
/* Takes NULL too. */
void jep_history_destroy(struct jep_history *history);
/* The same pointer for the same name. */
const char *jep_history_intern(struct jep_history *history, const char *name);
/* At the end, with the next index; op->index is ignored, op->f and op->node are interned; value
 * and error keep pointing where they point: to the history's arena, or to what outlives it. */
void jep_history_add(struct jep_history *history, const struct jep_op *op);

/* Holds the rules above and sets pairs. False: the message names the line (index + 1). */
bool jep_history_check(struct jep_history *history, struct jep_message *message)
    __attribute__((warn_unused_result));

/* Reads and checks. False: "LINE: why" with nothing given. */
bool jep_history_parse(const char *text, size_t size, struct jep_history **ret_history,
    struct jep_message *message) __attribute__((warn_unused_result));
bool jep_history_read(const char *path, struct jep_history **ret_history,
    struct jep_message *message) __attribute__((warn_unused_result));

/* One line, with its newline. */
void jep_op_write(struct jep_text *text, const struct jep_op *op);
const char *jep_op_type_name(enum jep_op_type type);

/* Writes a history as it happens. Every function may be called by any thread: index and time are
 * given under the writer's lock, and the line is in the kernel when the call returns. */
struct jep_history_writer;

/* An empty file at path; time starts now. False: cannot write there. */
bool jep_history_writer_create(const char *path, struct jep_history_writer **ret_writer,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Writes op with the next index. A negative op->time_ns is replaced by the time now; any other is
 * that of a virtual clock and stays. ret_op (may be NULL) is op as written. A disk that does not
 * take the line ends the process with exit code 3: a history with holes is worse than none. */
void jep_history_write(
    struct jep_history_writer *writer, const struct jep_op *op, struct jep_op *ret_op);
/* ns since the start, by the clock that stamps the lines. */
int64_t jep_history_writer_now_ns(const struct jep_history_writer *writer);
/* Takes NULL too. */
void jep_history_writer_destroy(struct jep_history_writer *writer);

#endif
