/* jepsen/work/client.h: what one worker speaks through: sessions with the nodes of a site. It reads
 * at its home node, whoever leads, and writes where a refusal last said that the leader is; it
 * never asks twice. Not for two threads at once. */
#ifndef WEFT_JEPSEN_WORK_CLIENT_H
#define WEFT_JEPSEN_WORK_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/cluster/plant.h"
#include "jepsen/core/history.h"
#include "jepsen/core/rng.h"
#include "jepsen/work/ledger.h"
#include "jepsen/work/session.h"

enum {
    JEP_SITE_NODES_MAX = 16,
    JEP_FIND_RECORDS_MAX = 200, /* in one page; small, so that there are several */
    JEP_ECHOES = 16             /* chosen: some seconds back, so that nodes started since */
};

/* Where the clients can go. */
struct jep_site {
    const struct jep_plant *plant; /* with gateways; NULL: whose is not known, or has none */
    const char *weft;              /* path of the command */
    const char *identity;          /* directory */
    const char *prefix;            /* of all assets; "" where the plant is new */
    unsigned timeout_ms;           /* of an operation */
    unsigned number;               /* among those of the plant */
    unsigned count;
    struct {
        const char *name;
        const char *endpoint;
    } nodes[JEP_SITE_NODES_MAX];
};

struct jep_client {
    const struct jep_site *site;
    struct jep_session *sessions[JEP_SITE_NODES_MAX]; /* NULL: not yet */
    int log;                                          /* of the sessions; 0: none */
    unsigned home;                                    /* node */
    int leader;                                       /* where writes go; -1: home */
    const char *spoke_with;                           /* name of the node asked last */
    char *echoes[JEP_ECHOES];  /* lines of commits that were acknowledged; NULL: not yet */
    unsigned echo_count;       /* so far */
    struct jep_ledger *ledger; /* where what is told of commits is noted; NULL: nowhere */
    bool is_broken;            /* the harness itself failed */
    struct jep_message why;
};

void jep_client_init(
    struct jep_client *client, const struct jep_site *site, unsigned home, int log);
void jep_client_close(struct jep_client *client);

/* A line at a certain node. */
struct jep_answer jep_client_ask(
    struct jep_client *client, unsigned node, const char *line, struct jep_arena *arena);
/* A commit, where it belongs; is_stubborn: at home, whoever leads. */
struct jep_answer jep_client_commit(
    struct jep_client *client, const char *line, bool is_stubborn, struct jep_arena *arena);

enum {
    JEP_ASSET_BYTES = 128
};

/* PREFIXkind/number; for a negative number the glob of all of the kind. */
void jep_client_asset(const struct jep_client *client, const char *kind, int64_t number,
    char ret_asset[JEP_ASSET_BYTES]);

/* Sends a commit that was acknowledged once more, under its request id: it must change nothing. */
void jep_client_echo(struct jep_client *client, struct jep_rng *rng, struct jep_arena *arena);

/* --- lines ------------------------------------------------------------------------------- */

/* {"op":"commit","request_id":...,"records":[...]}: begin, a record or more, end. The id is a new
 * one, of the machine's randomness: a plant may have seen this seed before. */
void jep_commit_begin(struct jep_text *line);
/* attrs and links: JSON, or NULL. expect_rev: -1: none; 0: the asset must not exist. */
void jep_commit_record(struct jep_text *line, const char *kind, const char *asset,
    const char *attrs, const char *links, int64_t expect_rev);
void jep_commit_end(struct jep_text *line);

/* --- what is read at home ---------------------------------------------------------------- */

/* as_of 0: the newest state, or, with min_index, the node's own as soon as it holds that index.
 * Otherwise that of the index, once the node has it. */
struct jep_read {
    const char *asset;
    int64_t as_of;
    int64_t min_index;
};

struct jep_seen {
    struct jep_edn records; /* vector of objects, in the order of their commits */
    int64_t rev;            /* 0: there is no such asset */
    int64_t index;          /* of the state that answered */
};

/* The newest record of each kind on the asset. */
struct jep_answer jep_client_read(struct jep_client *client, const struct jep_read *read,
    struct jep_arena *arena, struct jep_seen *ret_seen);
/* All records on assets that match the glob, page by page. rev is the newest index among them. */
struct jep_answer jep_client_find(struct jep_client *client, const struct jep_read *read,
    struct jep_arena *arena, struct jep_seen *ret_seen);
/* An integer among the attributes of a record; otherwise: what it is if it is not there. */
int64_t jep_record_int(const struct jep_edn *record, const char *attribute, int64_t otherwise);

/* --- outcomes ---------------------------------------------------------------------------- */

/* A question that was not answered changed nothing: fail. A commit: as the answer says. */
enum jep_op_type jep_outcome_of_read(const struct jep_answer *answer);
enum jep_op_type jep_outcome_of_commit(const struct jep_answer *answer);
/* [:code "detail"], nil for an answer that is ok. */
struct jep_edn jep_outcome_error(const struct jep_answer *answer, struct jep_arena *arena);

#endif
