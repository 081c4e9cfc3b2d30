/* proto/limits.h: every limit of queue, message, table and file, with unit and reason.
 *
 * Relations between limits are asserted at compile time at the end. A limit that an operator
 * may lower is read from the configuration; none can be raised past what stands here. */
#ifndef WEFT_PROTO_LIMITS_H
#define WEFT_PROTO_LIMITS_H

enum {
    /* Vocabulary, in bytes of UTF-8. */
    WEFT_ASSET_SIZE_MAX = 255,  /* specified: architecture, Words */
    WEFT_KIND_SIZE_MAX = 63,    /* chosen: a dotted name of a record kind */
    WEFT_REL_SIZE_MAX = 63,     /* chosen: as kinds */
    WEFT_SOURCE_SIZE_MAX = 255, /* chosen: as assets */
    WEFT_PRINCIPAL_SIZE_MAX = 255,
    WEFT_PATH_SIZE_MAX = 255,    /* field path; chosen: deep EPCIS extensions need 120 */
    WEFT_VALUE_SIZE_MAX = 65536, /* one attribute value; chosen: larger things are documents */

    /* Records and commits. */
    WEFT_RECORD_FIELDS_MAX = 1024,
    WEFT_RECORD_LINKS_MAX = 4096, /* an EPCIS aggregation of a full pallet has 1,000 to 3,000 */
    WEFT_RECORD_SIZE_MAX = 512 * 1024,
    WEFT_COMMIT_RECORDS_MAX = 1024,
    WEFT_COMMIT_SIZE_MAX = 896 * 1024, /* encoded request; fits in one Raft entry */
    WEFT_JSON_DEPTH_MAX = 32,
    WEFT_BUFFER_SIZE_MAX = 64 * 1024 * 1024,   /* of a buffer without a limit of its own; chosen */
    WEFT_JSON_LINE_SIZE_MAX = 4 * 1024 * 1024, /* one record as JSON text */

    /* Models (proto/model). A text of 64 KiB holds about 600 properties. */
    WEFT_MODEL_SIZE_MAX = WEFT_VALUE_SIZE_MAX,     /* its text is one attribute value */
    WEFT_MODEL_MEMORY_MAX = 1024 * 1024,           /* compiled; chosen: 16 times the text */
    WEFT_MODEL_SCRATCH_MAX = 16 * 1024 * 1024,     /* while it is compiled; its tree takes 4 MiB */
    WEFT_MODEL_INTERFACES_MAX = 256,               /* in one text; chosen */
    WEFT_MODEL_MEMBERS_MAX = 1024,                 /* of an object; a record has no more fields */
    WEFT_MODEL_LINKS_MAX = 256,                    /* rels of one kind; chosen */
    WEFT_MODEL_UNITS_MAX = 64,                     /* of one quantity; chosen */
    WEFT_MODEL_EXTENDS_DEPTH_MAX = 10,             /* specified: DTDL v3, Interface */
    WEFT_MODEL_SCHEMA_DEPTH_MAX = 5,               /* specified: DTDL v3, Complex schema */
    WEFT_MODEL_NAME_SIZE_MAX = WEFT_PATH_SIZE_MAX, /* DTDL's 512 would not fit in a path */
    WEFT_MODELS_MAX = 1024, /* registered kinds: with the line above, 1 GiB at the very worst */

    /* Statements (proto/statement_header.h). */
    WEFT_SCHEMA_SIZE_MAX = 255, /* a DTMI of an interface has at most 128; chosen: as assets */
    WEFT_BASIS_MAX = 64,        /* statements that one relied on; chosen: 2 KiB of digests */

    /* Messages between partners (proto/partner.h). A batch is committed as one Raft entry. */
    WEFT_STREAM_NAME_SIZE_MAX = 127,        /* an agreement, or "<org>/<site>" */
    WEFT_STREAM_NOTE_SIZE_MAX = 64 * 1024,  /* as policy's notes */
    WEFT_STREAM_TEXT_SIZE_MAX = 256 * 1024, /* evidence: a few notes and proofs; chosen */
    WEFT_STREAM_ITEMS_SIZE_MAX = 896 * 1024,
    WEFT_STREAM_ITEMS_MAX = 4096,            /* in one batch; chosen: as commits in an entry */
    WEFT_STREAM_PROOF_SIZE_MAX = 2048,       /* specified: RFC 6962, at most 64 hashes */
    WEFT_STREAM_BODY_SIZE_MAX = 1024 * 1024, /* repair: a round; a disclosed projection */
    WEFT_STREAM_MESSAGE_SIZE_MAX = 4 * 1024 * 1024,
    /* Items proven later, of kind 141; what sites of before take in one message is 4 KiB more. */
    WEFT_STREAM_MORE_SIZE_MAX = 2 * 1024 * 1024 - 4096,
    WEFT_STREAM_LEAVES_SIZE_MAX = 4 * 1024 * 1024 - 4096, /* of kind 144: all that fits */

    /* Raft. */
    WEFT_ENTRY_SIZE_MAX = 1024 * 1024,      /* one batch; specified: raft.md, Batching */
    WEFT_ENTRY_COMMITS_MAX = 4096,          /* commits in one batch */
    WEFT_APPEND_SIZE_MAX = 4 * 1024 * 1024, /* entries in one AppendEntries message */
    WEFT_APPEND_ENTRIES_MAX = 1024,         /* chosen: barriers are small */
    WEFT_MEMBERS_MAX = 16,                  /* voters 7, and learners and those on the way */
    WEFT_VOTERS_MAX = 7,                    /* specified: architecture */
    WEFT_ADDRESS_SIZE_MAX = 255,
    WEFT_CONFIGURATION_SIZE_MAX = 64 * 1024, /* encoded; chosen: 16 members need under 16 KiB */

    /* Messages on a link. */
    WEFT_MESSAGE_SIZE_MAX = 8 * 1024 * 1024, /* any envelope; larger is dropped unread */
    WEFT_CLIENT_MESSAGE_SIZE_MAX = 1024 * 1024,
    WEFT_ANSWER_SIZE_MAX = 4 * 1024 * 1024,
    WEFT_AUTHORIZATION_SIZE_MAX = 2048, /* a token or signed request; fits in an HTTP header */
    WEFT_AUDIT_LINE_SIZE_MAX = 512,     /* a name of 255 bytes and a signature, or a key */
    WEFT_CHUNK_SIZE_MAX = 1024 * 1024,  /* checkpoint bytes per message on the bulk link */
    WEFT_MESSAGE_DEPTH_MAX = 16,        /* FlatBuffers nesting */
    WEFT_MESSAGE_TABLES_MAX = 200000,   /* FlatBuffers tables in one message */

    /* The policy language (policy/policy_file.h). Specified: policy.md, Language, where not said.
     */
    WEFT_POLICY_SIZE_MAX = 256 * 1024,
    WEFT_POLICY_MEMORY_MAX = 48 * 1024 * 1024, /* compiled, and as much meanwhile; chosen: any text
                                                * fits (measured: unit.policy_file, 6 MiB) */
    WEFT_POLICY_STATEMENTS_MAX = 4096,
    WEFT_POLICY_DEFINITIONS_MAX = 4096, /* groups and scopes; chosen: as statements */
    WEFT_POLICY_CONDITIONS_MAX = 64,    /* of one statement, and field patterns of it */
    WEFT_POLICY_DEPTH_MAX = 16,         /* of groups and scopes within each other */
    WEFT_POLICY_STEPS_MAX = 100 * 1000, /* of one decision */
    WEFT_POLICY_NAME_SIZE_MAX = 63,     /* chosen: as kinds */
    WEFT_POLICY_CITE_SIZE_MAX = 255,    /* chosen */
    WEFT_POLICY_FACTS_MAX = 64,         /* roles, attributes, labels, agreements; chosen */
    WEFT_POLICY_APPROVALS_MAX = 16,     /* that are counted; chosen: k of n is small */
    WEFT_POLICY_LOCKOUT_TIMES = 256,    /* moments that a lock-out check tries; chosen */

    /* Telemetry. A block travels in one message of the client door, 1 MiB with its envelope. */
    WEFT_BLOCK_SIZE_MAX = 1024 * 1024 - 4096,

    /* Checkpoints. */
    WEFT_CHECKPOINT_FILES_MAX = 4096,
    WEFT_MANIFEST_SIZE_MAX = 768 * 1024, /* travels in InstallSnapshot */
    WEFT_FILE_NAME_SIZE_MAX = 127,

    /* Answers. */
    WEFT_PAGE_RECORDS_MAX = 1000, /* specified: interfaces, HTTP */
    WEFT_PAGE_RECORDS_DEFAULT = 25,
    WEFT_CURSOR_SIZE_MAX = 4096,           /* chosen: a place in the state, a few ids long */
    WEFT_TRACE_STEPS_MAX = 20 * 1000,      /* in one answer, of about 100 bytes each */
    WEFT_TRACE_IDS_MAX = 1000 * 1000,      /* in one answer without steps; its size is less */
    WEFT_RELS_SIZE_MAX = 1024,             /* chosen: 16 rels of the largest size */
    WEFT_DOCUMENT_FIELDS_MAX = 100 * 1000, /* chosen: half of the tables of a message */
    WEFT_DOCUMENT_PATH_SIZE_MAX = 1024,    /* chosen: a field's path below a few segments */
    WEFT_GAUGES_MAX = 1600,                /* metrics in one status; chosen */
    WEFT_DETAIL_SIZE_MAX = 4096, /* texts for people in an answer; struct weft_msg has 512 */
};

_Static_assert(WEFT_VALUE_SIZE_MAX < WEFT_RECORD_SIZE_MAX, "a record holds its largest value");
_Static_assert(WEFT_RECORD_SIZE_MAX < WEFT_COMMIT_SIZE_MAX, "a commit holds its largest record");
_Static_assert(WEFT_COMMIT_SIZE_MAX < WEFT_CLIENT_MESSAGE_SIZE_MAX, "a request holds a commit");
_Static_assert(WEFT_BLOCK_SIZE_MAX < WEFT_CLIENT_MESSAGE_SIZE_MAX, "a request holds a block");
_Static_assert(
    WEFT_BLOCK_SIZE_MAX + WEFT_AUTHORIZATION_SIZE_MAX + 512 < WEFT_CLIENT_MESSAGE_SIZE_MAX,
    "a request and whom it is for");
_Static_assert(WEFT_COMMIT_SIZE_MAX + 4096 < WEFT_ENTRY_SIZE_MAX, "an entry holds a commit");
_Static_assert(WEFT_ENTRY_SIZE_MAX < WEFT_APPEND_SIZE_MAX, "a message holds an entry");
_Static_assert(WEFT_APPEND_SIZE_MAX < WEFT_MESSAGE_SIZE_MAX, "a link carries an append");
_Static_assert(WEFT_MANIFEST_SIZE_MAX < WEFT_MESSAGE_SIZE_MAX, "a link carries a manifest");
_Static_assert(WEFT_STREAM_ITEMS_SIZE_MAX + 4096 < WEFT_ENTRY_SIZE_MAX, "an entry holds a batch");
_Static_assert(WEFT_STREAM_ITEMS_SIZE_MAX < WEFT_STREAM_MORE_SIZE_MAX, "more holds a batch");
_Static_assert(WEFT_STREAM_MORE_SIZE_MAX < WEFT_STREAM_LEAVES_SIZE_MAX, "leaves hold more");
_Static_assert(
    WEFT_STREAM_LEAVES_SIZE_MAX + WEFT_STREAM_PROOF_SIZE_MAX + 64 < WEFT_STREAM_MESSAGE_SIZE_MAX,
    "leaves come with their proof");
_Static_assert(WEFT_STREAM_MESSAGE_SIZE_MAX < WEFT_MESSAGE_SIZE_MAX, "a link carries a batch");
_Static_assert(WEFT_ANSWER_SIZE_MAX < WEFT_MESSAGE_SIZE_MAX, "a link carries an answer");
_Static_assert(WEFT_DOCUMENT_PATH_SIZE_MAX >= 2 * WEFT_PATH_SIZE_MAX, "a document holds a field");
_Static_assert(WEFT_DOCUMENT_FIELDS_MAX < WEFT_MESSAGE_TABLES_MAX, "a message holds a document");

#endif
