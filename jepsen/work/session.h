/* jepsen/work/session.h: one `weft session` process, bound to one node: a line in, a line out. It
 * is the only way in which the harness speaks with what it judges. Truthful: what cannot be shown
 * not to have happened is in doubt, also when the process itself dies or hangs. One thread. */
#ifndef WEFT_JEPSEN_WORK_SESSION_H
#define WEFT_JEPSEN_WORK_SESSION_H

#include <stdbool.h>

#include "jepsen/core/edn.h"

enum jep_answer_kind {
    JEP_ANSWER_OK,      /* body: what was asked for */
    JEP_ANSWER_REFUSED, /* certainly not done; body: {"code": ..., "detail": ..., ...} */
    JEP_ANSWER_UNKNOWN, /* body as above */
    JEP_ANSWER_BROKEN   /* the harness asked nonsense, or got it: exit 3 */
};

struct jep_answer {
    enum jep_answer_kind kind;
    struct jep_edn body; /* an object of cluster/json.h, in the arena of the question */
};

struct jep_session_options {
    const char *weft;     /* path of the command */
    const char *identity; /* directory */
    const char *endpoint; /* "10.9.1.2:7102" */
    unsigned timeout_ms;  /* of each request */
    int log;              /* descriptor for what it says on stderr; 0: /dev/null */
};

struct jep_session;

/* Starts nothing: the first question does. Keeps the options' texts. */
struct jep_session *jep_session_create(const struct jep_session_options *options);
/* Takes NULL too. Ends the process. */
void jep_session_destroy(struct jep_session *session);

/* One line of JSON without its end; blocks until the answer, at most timeout_ms and a grace of
 * JEP_SESSION_GRACE_MS, after which the process is killed and the outcome unknown. A process that
 * is gone is started anew by the next question. */
struct jep_answer jep_session_ask(
    struct jep_session *session, const char *line, struct jep_arena *arena);

enum {
    JEP_SESSION_GRACE_MS = 5000 /* chosen: a machine that is busy for seconds */
};

/* The code of a refusal or doubt ("conflict"), or "". */
const char *jep_answer_code(const struct jep_answer *answer);
bool jep_answer_is(const struct jep_answer *answer, enum jep_answer_kind kind, const char *code);

#endif
