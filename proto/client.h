/* proto/client.h: the messages of the client door, as plain structs.
 *
 * One request, one answer with the same request id, in any order; a request that fails is
 * answered by ERROR. Schemas: proto/schema/record.fbs (records, CommitRequest) and
 * proto/schema/client.fbs. Slices of decoded messages borrow from the message. */
#ifndef WEFT_PROTO_CLIENT_H
#define WEFT_PROTO_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/checkpoint.h"
#include "proto/digest.h"
#include "proto/entry.h"
#include "proto/envelope.h"
#include "proto/err.h"
#include "proto/record.h"

/* A record as the state keeps it: what was stated, and where and when it was agreed. */
struct weft_stored_record {
    uint64_t index;            /* Of its commit: the asset's revision after it. */
    uint32_t ordinal;          /* Place within everything that the index committed, from 0. */
    int64_t time_ns;           /* Commit time. */
    struct weft_digest digest; /* Statement digest (proto/statement.h). */
    struct weft_record record; /* author and at are filled in. */
    struct weft_bytes encoded; /* The record as weft_record_encode gives it. When a page is
                                * encoded and this is not empty, `record` is not read. */
};

/* COMMIT_RESULT, one per record of the commit, in order. */
struct weft_receipt {
    struct weft_text asset;
    uint64_t rev;
    struct weft_digest digest;
};

struct weft_commit_result {
    struct weft_request_id request_id;
    uint64_t index;
    int64_t time_ns;
    bool repeated; /* The request id was known: this is the first answer again. */
    const struct weft_receipt *receipts;
    uint32_t receipt_count;
};

enum weft_consistency {
    WEFT_LINEARIZABLE = 0,
    WEFT_STALE = 1,     /* Whatever this node has applied. */
    WEFT_MIN_INDEX = 2, /* Once this node has applied query.min_index. */
};

enum weft_query_type {
    WEFT_QUERY_ASSET = 1,   /* Records on the asset itself, newest revision of each kind. */
    WEFT_QUERY_STORY = 2,   /* Records on the asset, about it, and on what is inside it, by at. */
    WEFT_QUERY_FIND = 3,    /* Records by kind, asset glob and condition, by index. */
    WEFT_QUERY_COMMITS = 4, /* Records from index on, by index: the feed behind `watch`. */
    WEFT_QUERY_TRACE_FORWARD = 5, /* Where an asset went. */
    WEFT_QUERY_TRACE_BACK = 6,    /* What an asset is made of. */
    WEFT_QUERY_RECALL = 7,        /* Finished units that a lot, machine or part type affects. */
    WEFT_QUERY_TWIN = 8,          /* The state of an asset, derived from the thread. */
    WEFT_QUERY_DIFF = 9,          /* What differs between two of its states. */
    WEFT_QUERY_AUDIT = 10,        /* The audit log: its head, or a file of it. */
};

/* The configurations of a serialized asset, for DIFF. */
enum weft_twin_configuration {
    WEFT_TWIN_UNSPECIFIED = 0,
    WEFT_TWIN_DESIGNED = 1,
    WEFT_TWIN_BUILT = 2,
    WEFT_TWIN_MAINTAINED = 3,
};

enum weft_operator {
    WEFT_OP_NONE = 0,
    WEFT_OP_EQ = 1,
    WEFT_OP_NE = 2,
    WEFT_OP_LT = 3,
    WEFT_OP_LE = 4,
    WEFT_OP_GT = 5,
    WEFT_OP_GE = 6,
    WEFT_OP_GLOB = 7,
};

struct weft_query {
    enum weft_query_type type;
    enum weft_consistency consistency;
    uint64_t min_index;
    struct weft_text asset;      /* ASSET, STORY, traces, RECALL (a lot), TWIN, DIFF. AUDIT: empty
                                  * (the head), "checkpoint", or a path of policy/tile.h. */
    struct weft_text asset_glob; /* FIND, COMMITS: '*' any run of bytes, '?' one; empty: all. */
    struct weft_text kind;       /* FIND: empty for all. */
    struct weft_text where_path; /* FIND, COMMITS: field path; empty for no condition. */
    enum weft_operator where_op;
    struct weft_text where_value;
    uint64_t from_index; /* COMMITS: inclusive. */
    uint64_t as_of;      /* 0: now, or as as_of_ns says; otherwise what was known at that index. */
    int64_t as_of_ns;    /* Read only if has_as_of_ns: as_of and other_as_of, where they are 0, are
                          * the last index that had committed something by then. */
    bool has_as_of_ns;
    int64_t at_ns; /* Read only if has_at: leave out what was not yet true then. */
    bool has_at;
    bool no_inside;           /* STORY: leave out what is inside the asset. */
    uint32_t limit;           /* 0: WEFT_PAGE_RECORDS_DEFAULT; traces, RECALL: what fits. */
    uint32_t wait_ms;         /* COMMITS: wait so long for something new before an empty page.
                                 AUDIT of a bundle: so long for the checkpoint of its leaf. */
    struct weft_bytes cursor; /* Opaque, from the last page; empty: from the start. */

    /* Traces and RECALL. */
    uint32_t depth_max;       /* Links from the start; 0: any number. */
    struct weft_text rels;    /* To follow, with commas between; empty: all that carry material. */
    struct weft_text to_kind; /* Assets that have a record of this kind; empty: all. */
    struct weft_text machine; /* RECALL: what was made on it... */
    int64_t window_from_ns;   /* ...from this time... */
    int64_t window_to_ns;     /* ...until before this time; both read only if has_window. */
    bool has_window;
    uint32_t first_step;   /* With a cursor of the answer: begin there; 0: where it stands. */
    bool ids_only;         /* Names instead of steps. */
    bool with_records;     /* Also the records that the steps are read from. */
    struct weft_text part; /* RECALL: instances of this part type or revision. */

    /* TWIN and DIFF. */
    enum weft_twin_configuration left;
    enum weft_twin_configuration right;
    uint64_t other_as_of; /* DIFF: of the other state; 0: now. */
    int64_t other_at_ns;  /* DIFF: of the other state; read only if other_has_at. */
    bool other_has_at;
    uint32_t sections; /* TWIN: parts of the answer that are wanted, one bit each; 0: all. */
    int64_t now_ns;    /* Not on the wire: the answering node's clock, for ages; 0: none. */
    struct weft_text principal;  /* Not on the wire: who asks, a URI, as the door knows; empty:
                                  * nobody, to whom a governed site shows nothing. */
    bool has_warrant;            /* Not on the wire: by what the principal was known. */
    struct weft_warrant warrant; /* Read only if has_warrant. */

    /* FIND: not empty: instead of each record, of each asset whose newest records of the groups
     * differ in this field, those records. */
    struct weft_text differs_path;
    struct weft_text differs_by; /* What a group is: a field's path, "author" or "source". */
    bool packed; /* STORY, FIND: a page with packed records is welcome (weft_packed_open_page). */
};

/* Bits of weft_query.sections. What an asset is, and its health, are always told. */
enum {
    WEFT_TWIN_VALUES = 1,
    WEFT_TWIN_PROPERTIES = 2,
    WEFT_TWIN_CONFIGURATION = 4,
    WEFT_TWIN_ISSUES = 8,
    WEFT_TWIN_BELOW = 16,
};

/* So many things one behind the other, in bytes of our own: see proto/packed.h. */
struct weft_packed {
    struct weft_bytes bytes;
    uint32_t count;
};

struct weft_page {
    uint64_t index;           /* State index that the answer speaks for. */
    uint64_t next_index;      /* COMMITS: ask from here next. */
    uint64_t asset_rev;       /* ASSET: its revision; 0: no such asset. */
    struct weft_bytes cursor; /* Empty: this was the last page. */
    const struct weft_stored_record *records;
    uint32_t record_count;
    struct weft_packed packed; /* Instead of `records`, where that was asked for and is done. */
};

/* Bits of a step. */
enum {
    WEFT_STEP_DANGLING = 1, /* No record of its own has arrived. */
    WEFT_STEP_CYCLE = 2,    /* It is inside itself. */
    WEFT_STEP_ENDED = 4,    /* Made with it, but taken out again later. */
    WEFT_STEP_LEAF = 8,     /* The path cannot go on: a raw part, or a finished unit. */
    WEFT_STEP_ANSWER = 16,  /* Asked for, not only on the way to what is. */
};

/* One asset that a trace reached. Steps are numbered from 0 over the whole answer, in order of
 * discovery: those asked for first, then breadth first. */
struct weft_trace_step {
    struct weft_text asset;
    uint32_t from_step; /* The one before it on its path; of depth 0 itself. */
    uint32_t depth;
    uint32_t flags;
    struct weft_text rel;      /* Of the link. */
    struct weft_text quantity; /* A number's literal; empty: not said. */
    struct weft_text unit;
    /* The record that is the evidence; not at depth 0. */
    struct weft_text kind;
    uint64_t index;
    uint32_t ordinal;
    int64_t at_ns; /* When the link began to be true. */
    /* RECALL: where it is now; empty: not known. */
    struct weft_text location;
    struct weft_text location_rel;
    uint64_t location_index;
    uint32_t location_ordinal;
    int64_t location_at_ns;
};

struct weft_trace_result {
    uint64_t index;           /* State index that the answer speaks for. */
    struct weft_bytes cursor; /* Empty: this was the last page. */
    uint32_t first_step;      /* Number of steps[0], or of the first name. */
    uint32_t steps_total;     /* Of the whole answer. */
    uint32_t answers_total;   /* Of them, those that were asked for. */
    uint32_t depth_reached;
    bool has_cycles; /* Not told with ids_only. */
    struct weft_packed steps;
    struct weft_packed records; /* with_records: of these steps, each once. */
    struct weft_text assets;    /* ids_only: names of answers, each ended by '\n'. */
};

/* A JSON object in the flat form of a record's fields (proto/record.h). */
struct weft_document {
    uint64_t index;     /* State index that the answer speaks for. */
    uint64_t asset_rev; /* 0: no such asset, or about none. */
    const struct weft_field *fields;
    uint32_t field_count; /* At most WEFT_DOCUMENT_FIELDS_MAX. */
};

enum weft_role {           /* As in the Raft configuration. */
    WEFT_ROLE_STANDBY = 0, /* Receives the log, has no vote. */
    WEFT_ROLE_VOTER = 1,
    WEFT_ROLE_SPARE = 2, /* Neither. */
};

struct weft_member {
    uint64_t id;
    struct weft_text name;
    struct weft_text peer_address;   /* host:port of its peer door. */
    struct weft_text client_address; /* host:port of its client door. */
    enum weft_role role;
    bool wants_vote; /* Promote it once it has caught up. */
    bool is_leader;
    bool is_connected;    /* As the answering node sees it. */
    uint64_t match_index; /* Leader's view of its log; 0 elsewhere. */
};

struct weft_gauge {
    struct weft_text name; /* "log_bytes", "link_refused_total", ... : metrics by name. */
    uint64_t value;
};

struct weft_status {
    struct weft_text site;
    struct weft_text org;
    struct weft_text node;
    struct weft_text version;
    struct weft_text state; /* "leader", "follower", "candidate", "joining", "unavailable". */
    uint64_t node_id;
    uint64_t cluster;
    uint64_t leader_id; /* 0: unknown. */
    uint64_t term;
    uint64_t commit_index;
    uint64_t applied_index;
    uint64_t first_log_index;
    uint64_t last_log_index;
    uint64_t checkpoint_index;
    struct weft_digest chain; /* State chain at applied_index. */
    uint64_t audit_size;      /* Leaves of the audit log, and the root of their tree. */
    struct weft_digest audit_root;
    const struct weft_member *members;
    uint32_t member_count;
    const struct weft_gauge *gauges;
    uint32_t gauge_count;
    struct weft_text policy; /* "plant1-core 42", "ungoverned", "none"; empty: not told. */
};

enum weft_member_action {
    WEFT_MEMBER_JOIN = 1, /* By a node, of itself: its certificate's name. */
    WEFT_MEMBER_ADD = 2,
    WEFT_MEMBER_PROMOTE = 3,
    WEFT_MEMBER_DEMOTE = 4,
    WEFT_MEMBER_REMOVE = 5,
    WEFT_MEMBER_TRANSFER = 6, /* Hand leadership to `name` (empty: to the best voter). */
};

struct weft_member_request {
    enum weft_member_action action;
    uint64_t id; /* JOIN: of the joining node's data directory. */
    struct weft_text name;
    struct weft_text peer_address;
    struct weft_text client_address;
    bool wants_vote;
    bool force; /* Even if it costs the quorum. */
};

struct weft_member_result {
    uint64_t cluster;
    struct weft_text site;
    uint64_t index; /* Of the configuration entry. */
    const struct weft_member *members;
    uint32_t member_count;
};

/* DIGEST: with index 0 the leader commits a marker and answers its index; with an index the
 * node answers its state's digest at that marker (WEFT_EBUSY: still computing). */
struct weft_digest_request {
    uint64_t index;
};

struct weft_digest_result {
    uint64_t index;
    bool is_done;
    uint64_t keys; /* Key-value pairs digested. */
    struct weft_digest digest;
};

/* CHECKPOINT: take one now (or reuse the newest when `newest`), answer its manifest. Its files
 * are read with FILE and kept until the client disconnects or 60 s pass without a read. */
struct weft_checkpoint_request {
    bool newest;
};

struct weft_checkpoint_result {
    struct weft_bytes manifest; /* proto/checkpoint.h */
};

/* BLOCK_PUT, BLOCK_RESULT: telemetry, told by its SHA-256 (node/telemetry.h). */
struct weft_block {
    struct weft_digest digest;
    struct weft_bytes content; /* 1 to WEFT_BLOCK_SIZE_MAX bytes. */
};

struct weft_block_put_result {
    struct weft_digest digest;
    bool was_there;
};

struct weft_block_get {
    struct weft_digest digest;
    bool is_local; /* Do not ask other nodes for it. */
};

/* FORWARD: a commit that another member has taken, under the principal that it has verified.
 * Decoding leaves the commit as it is: see weft_commit_decode. */
struct weft_forward {
    struct weft_text principal;
    struct weft_bytes commit;
    bool has_warrant;
    struct weft_warrant warrant; /* Read only if has_warrant. */
    bool is_reads; /* The principal committed nothing, but read: `commit` is a report of that
                    * (proto/read_report.h). */
};

/* AUTHORIZED: a request for whom a signed note names (policy/warrant.h). Decoding leaves the
 * request as it is: see weft_client_decode_table. */
struct weft_authorized {
    struct weft_text note;
    enum weft_message_kind request_kind; /* One that weft_client_may_authorize. */
    struct weft_bytes request;
};

/* CARRY: a message of a partner (proto/partner.h), whole; it is not looked into. */
struct weft_carry {
    struct weft_bytes message;
    bool is_vouched; /* What whoever carried it could have done to it is the partner's own doing. */
};

/* The audit log at `index`, and a file of it (policy/tile.h), at most WEFT_ANSWER_SIZE_MAX. */
struct weft_audit_result {
    uint64_t index;
    uint64_t first_index; /* The entry that the log begins with; 0: there is none. */
    uint64_t size;
    struct weft_digest root;
    struct weft_bytes content;
};

struct weft_error_answer {
    enum weft_err err;
    struct weft_text detail;  /* For people; says place and remedy. */
    struct weft_text pointer; /* RFC 6901 pointer into the request's JSON form, or empty. */
    struct weft_text leader;  /* Client address of the leader, on WEFT_ENOTLEADER, or empty. */
    uint64_t present_rev;     /* On WEFT_ECONFLICT: the asset's revision. */
    uint64_t index;           /* Applied index when it was decided. */
};

struct weft_client_message {
    enum weft_message_kind kind; /* The tag of the union. */
    uint64_t request_id;         /* Envelope's. */
    union {
        struct weft_commit commit;
        struct weft_commit_result commit_result;
        struct weft_query query;
        struct weft_page page;
        struct weft_status status_result; /* STATUS has no fields. */
        struct weft_member_request member;
        struct weft_member_result member_result;
        struct weft_digest_request digest;
        struct weft_digest_result digest_result;
        struct weft_checkpoint_request checkpoint;
        struct weft_checkpoint_result checkpoint_result;
        struct weft_fetch file;
        struct weft_chunk file_result;
        struct weft_error_answer error;
        struct weft_forward forward;
        struct weft_authorized authorized;
        struct weft_carry carry;
        struct weft_trace_result trace;
        struct weft_document document;
        struct weft_block block; /* BLOCK_PUT, BLOCK_RESULT */
        struct weft_block_put_result block_put_result;
        struct weft_block_get block_get;
        struct weft_audit_result audit;
    };
};

/* A record alone, as the state stores it. Decoding verifies. */
WEFT_MUST_USE enum weft_err weft_record_encode(
    const struct weft_record *record, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_record_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_record *ret_record);

/* The CommitRequest table alone: the body of an entry item and of a COMMIT message. decode
 * also holds every record to weft_record_check; `msg` then says which. */
WEFT_MUST_USE enum weft_err weft_commit_encode(
    const struct weft_commit *commit, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_commit_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_commit *ret_commit, struct weft_msg *msg);

/* Append envelope and table to `out`. WEFT_ETOOBIG, WEFT_ENOMEM: `out` as before. */
WEFT_MUST_USE enum weft_err weft_client_encode(
    const struct weft_client_message *message, struct weft_buffer *out);

/* Verify a whole message (envelope first) and decode it. Slices borrow from `message`, arrays
 * from `arena`. A COMMIT is decoded in full (weft_commit_decode); `ret_body` (may be NULL)
 * receives its table's bytes, to be put into an entry as they are.
 *
 * WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION (kind or version), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_client_decode(struct weft_bytes message, struct weft_arena *arena,
    struct weft_client_message *ret_message, struct weft_bytes *ret_body, struct weft_msg *msg);

/* A request that somebody may make for somebody else: not FORWARD, which says it itself. */
bool weft_client_may_authorize(unsigned kind);
/* The table alone of such a request; at a multiple of 8. As weft_client_decode. */
WEFT_MUST_USE enum weft_err weft_client_decode_table(enum weft_message_kind kind,
    uint64_t request_id, struct weft_bytes table, struct weft_arena *arena,
    struct weft_client_message *ret_message, struct weft_msg *msg);

#endif
