#include "ops/weft/command.h"

/* The table of commands. One row says everything: help, usage, completion and the parser are
 * made from it. Descriptions are wrapped at 76 columns. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

const struct weft_option weft_global_options[] = {
    {"output", 'o', "FORMAT", "table, json or jsonl; default: table on a terminal, else json"},
    {"quiet", 'q', NULL, "no progress"},
    {"help", 'h', NULL, "this"},
    {"version", 0, NULL, "the version"},
    END,
};

const struct weft_option weft_online_options[] = {
    {"endpoint", 'e', "LIST", "client doors, tls+tcp://HOST:PORT or HOST:PORT, with commas"},
    {"identity", 'i', "DIR", "who you are: a directory with ca.crt, tls.crt, tls.key"},
    {"context", 'c', "NAME",
        "a context (weft context add); default: WEFT_CONTEXT,\n"
        "then the one in use"},
    {"timeout", 't', "SECONDS", "give up after so long (10); 500ms, 30s, 2m"},
    END,
};

#define KEY_OPTIONS                                                                                \
    {"pki", 0, "DIR", "directory of the trust root (pki)"},                                        \
        {"days", 0, "N", "validity in days (365)"}, {"key", 0, "TYPE", "p256 or ed25519 (p256)"},  \
        {"out", 0, "DIR", "where to write; default: PKI/SITE/CLASS/NAME"},                         \
    {                                                                                              \
        "force", 0, NULL, "replace what is there"                                                  \
    }

#define READ_OPTIONS                                                                               \
    {"at", 0, "TIME", "true at that time, as known now (RFC 3339 with zone)"},                     \
        {"as-of", 0, "INDEX|TIME", "as known then"},                                               \
        {"stale", 0, NULL, "whatever the node has: no round to the others"},                       \
    {                                                                                              \
        "min-index", 0, "N", "once the node has applied that index"                                \
    }

static const struct weft_option pki_init_options[] = {
    {"org", 0, "ORG", "the organization: its trust domain, such as oem.example"},
    {"pki", 0, "DIR", "directory to make (pki)"},
    {"days", 0, "N", "validity in days (3650)"},
    {"key", 0, "TYPE", "p256 or ed25519 (p256)"},
    {"force", 0, NULL, "replace what is there: every certificate below it becomes void"},
    END,
};
static const struct weft_option pki_node_options[] = {{"site", 0, "SITE", "the plant"},
    {"host", 0, "HOST",
        "DNS name or address it is reached by; may be repeated. localhost,\n"
        "127.0.0.1 and ::1 are always there"},
    KEY_OPTIONS, END};
static const struct weft_option pki_leaf_options[] = {
    {"site", 0, "SITE", "the plant"}, KEY_OPTIONS, END};
static const struct weft_option pki_token_options[] = {
    {"tokens", 0, "FILE", "the file that http.tokens of weftd.yaml names; made if it is not there"},
    {"org", 0, "ORG", "the organization"}, {"site", 0, "SITE", "the plant"},
    {"person", 0, NULL, "for a person; default: for a program"}, END};
static const struct weft_option context_add_options[] = {
    {"endpoint", 'e', "LIST", "client doors, tls+tcp://HOST:PORT or HOST:PORT, with commas"},
    {"identity", 'i', "DIR", "a directory with ca.crt, tls.crt, tls.key"},
    {"use", 0, NULL, "use it from now on; the first one always is"},
    {"force", 0, NULL, "replace the one of that name"},
    END,
};
static const struct weft_option status_options[] = {
    {"digest", 0, NULL, "compare the digests of the state of all nodes at one index"},
    {"gauges", 0, NULL, "every counter of every node too"},
    END,
};
static const struct weft_option member_add_options[] = {
    {"peer", 0, "HOST:PORT", "its door for nodes"},
    {"client", 0, "HOST:PORT", "its door for clients"},
    {"standby", 0, NULL, "it stays without a vote"},
    END,
};
static const struct weft_option member_force_options[] = {
    {"force", 0, NULL, "even if it costs the quorum"},
    END,
};
static const struct weft_option member_recover_options[] = {
    {"config", 0, "FILE", "configuration of the stopped node"},
    {"yes", 0, NULL, "the consequences are understood"},
    END,
};
static const struct weft_option put_options[] = {
    {"atomic", 0, NULL, "all records in one commit (default)"},
    {"batch", 0, "N", "commits of N records each, at most 1024"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (1: order is kept)"},
    {"request-id", 0, "ID", "32 hexadecimal digits or a UUID: makes a repeated put harmless"},
    {"check", 0, NULL, "read and check everything, commit nothing"},
    END,
};
static const struct weft_option import_options[] = {
    {"dry-run", 0, NULL, "show the records, commit nothing"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (64)"},
    END,
};
static const struct weft_option get_options[] = {READ_OPTIONS, END};
static const struct weft_option story_options[] = {
    {"no-inside", 0, NULL, "leave out what happened to what is inside it"},
    {"limit", 'n', "N", "at most so many records"}, READ_OPTIONS, END};
static const struct weft_option find_options[] = {{"kind", 'k', "KIND", "records of that kind"},
    {"where", 'w', "CONDITION", "'PATH OP VALUE'; OP is = != < <= > >= or ~ (glob)"},
    {"asset", 'a', "GLOB", "assets by pattern: * any run, ? one"},
    {"limit", 'n', "N", "at most so many records (25)"},
    {"cursor", 0, "C", "go on from the cursor of the last answer"}, READ_OPTIONS, END};
static const struct weft_option watch_options[] = {
    {"asset", 'a', "GLOB", "assets by pattern: * any run, ? one"},
    {"from", 0, "INDEX", "from that index on (default: what comes from now on)"},
    {"count", 'n', "N", "end after so many records"},
    {"idle", 0, "SECONDS", "end when nothing came for so long"},
    END,
};
static const struct weft_option backup_options[] = {
    {"newest", 0, NULL, "the newest checkpoint there is, instead of a new one"},
    END,
};
static const struct weft_option restore_options[] = {
    {"config", 0, "FILE", "configuration of the node to be made"},
    END,
};
static const struct weft_option bench_write_options[] = {
    {"clients", 0, "N", "connections (8)"},
    {"outstanding", 0, "N", "requests in flight per connection (1)"},
    {"seconds", 's', "S", "how long is measured (10)"},
    {"warmup", 0, "S", "how long before that (1)"},
    {"size", 0, "BYTES", "of a record, about (300)"},
    {"assets", 0, "N", "written in turn (100000)"},
    {"count", 0, "N", "stop after so many commits"},
    {"prefix", 0, "ID", "of the assets (bench)"},
    END,
};
static const struct weft_option bench_read_options[] = {
    {"clients", 0, "N", "connections (8)"},
    {"outstanding", 0, "N", "requests in flight per connection (1)"},
    {"seconds", 's', "S", "how long is measured (10)"},
    {"warmup", 0, "S", "how long before that (1)"},
    {"size", 0, "BYTES", "of a record, about (300)"},
    {"assets", 0, "N", "read at random (1000); written first"},
    {"count", 0, "N", "stop after so many reads"},
    {"prefix", 0, "ID", "of the assets (bench)"},
    {"spread", 0, NULL, "connections to all endpoints in turn instead of the first"},
    {"stale", 0, NULL, "not linearizable"},
    END,
};

const struct weft_command weft_commands[] = {
    {"status", "the site and its nodes", "", 0, 0, status_options, true,
        "Asks one node for the site and then each member for itself: role, state,\n"
        "term, commit and applied index, lag behind the leader, version and disk.\n"
        "\n"
        "With --digest the leader commits a marker, every node computes the digest\n"
        "of its whole state at that index, and they are compared. Exit 1 if they\n"
        "differ, 3 if a member could not be asked.",
        "weft status\n"
        "weft status --digest -o json",
        weft_cmd_status},
    {"put", "commit records", "[FILE|-]", 0, 1, put_options, true,
        "Reads one JSON object per line and commits them: all or nothing by\n"
        "default, up to 1024 records and 896 KiB in one commit, or in commits of N\n"
        "records with --batch. A file is read and checked whole before anything is\n"
        "committed; from a pipe, batches are committed as they come.\n"
        "\n"
        "A commit keeps its request id while it is tried again, so it counts once.\n"
        "Give --request-id to make the repetition of the whole put harmless too.\n"
        "\n"
        "A record: {\"kind\": \"inspection\", \"asset\": \"serial:box/7\",\n"
        " \"at\": \"2017-07-28T08:16:42Z\", \"source\": \"qif:Box_Results.qif#7\",\n"
        " \"attrs\": {\"verdict\": \"FAIL\"}, \"links\": [{\"rel\": \"made_on\",\n"
        " \"to\": \"plant1/line2/mill-2\"}], \"expect\": {\"rev\": 12}}",
        "weft put records.jsonl\n"
        "producer | weft put --batch 500 -",
        weft_cmd_put},
    {"import epcis", "EPCIS 2.0 documents into records", "FILE...", 1, -1, import_options, true,
        "Takes EPCIS 2.0 JSON-LD documents: ObjectEvent, AggregationEvent,\n"
        "TransformationEvent, TransactionEvent, AssociationEvent, error\n"
        "declarations, sensor data and user extensions. Importing again changes\n"
        "nothing. What is refused is named by file and JSON pointer; then exit 2.",
        "weft import epcis shipments/*.json\n"
        "weft import epcis --dry-run event.json",
        weft_cmd_import_epcis},
    {"get", "the twin of an asset", "ASSET", 1, 1, get_options, true,
        "The effective values of the asset, each with the record it comes from:\n"
        "kind, time, author, source and revision. Exit 1 if there is no such asset.",
        "weft get serial:box/7\n"
        "weft get serial:box/7 --as-of 2017-08-01T00:00:00Z",
        weft_cmd_get},
    {"story", "what happened to an asset and to what is inside it", "ASSET", 1, 1, story_options,
        true,
        "Records on the asset, about it, and on what is inside it, in order of the\n"
        "time they speak of. Exit 1 if there is no such asset.",
        "weft story urn:epc:id:sgtin:4012345.011111.9876", weft_cmd_story},
    {"find", "records by kind, asset and condition", "", 0, 0, find_options, true,
        "Records in the order of their commits. If there are more than the limit,\n"
        "the answer carries a cursor to go on with.",
        "weft find --kind inspection --where 'verdict = FAIL'\n"
        "weft find --asset 'serial:box/*' --limit 100",
        weft_cmd_find},
    {"watch", "commits as they come", "", 0, 0, watch_options, true,
        "Prints every record that is committed, one per line, without gap or\n"
        "duplicate, across lost connections and changes of leader. At the end it\n"
        "says from which index to go on.",
        "weft watch --asset 'serial:box/*'\n"
        "weft watch --from 1 -o jsonl",
        weft_cmd_watch},
    {"member list", "the members of the site", "", 0, 0, NULL, true,
        "Name, role and addresses of each member, and how far it is.", "weft member list",
        weft_cmd_member_list},
    {"member add", "announce a further node", "NAME", 1, 1, member_add_options, true,
        "Adds a node that is not yet running. A node that is started with\n"
        "weftd --join adds itself; that is the usual way. It gets a vote once it has\n"
        "caught up, unless --standby.",
        "weft member add n4 --peer 10.0.0.4:7101 --client 10.0.0.4:7102", weft_cmd_member_add},
    {"member promote", "give a member a vote", "NAME", 1, 1, NULL, true,
        "Once it has caught up with the log.", "weft member promote n4", weft_cmd_member_promote},
    {"member demote", "take a member's vote away", "NAME", 1, 1, member_force_options, true,
        "It goes on receiving the log. Refused if it costs the quorum.", "weft member demote n2",
        weft_cmd_member_demote},
    {"member remove", "remove a member", "NAME", 1, 1, member_force_options, true,
        "One at a time; the leader may remove itself. Refused if the rest would\n"
        "have no quorum.",
        "weft member remove n2", weft_cmd_member_remove},
    {"member transfer", "hand leadership over", "[NAME]", 0, 1, NULL, true,
        "To the member named, or to the voter that is furthest.", "weft member transfer n3",
        weft_cmd_member_transfer},
    {"member recover", "go on with one node after the quorum is lost for good", "", 0, 0,
        member_recover_options, false,
        "Offline, on the data directory of the stopped node that is furthest: it\n"
        "becomes the only voter. What was acknowledged by the lost nodes alone is\n"
        "gone; none of them may ever start again. Runs weftd --recover.",
        "weft member recover --config n1/weftd.yaml --yes", weft_cmd_member_recover},
    {"backup", "a consistent copy of the site while it runs", "DIR", 1, 1, backup_options, true,
        "Takes a checkpoint and reads its files, each verified by its digest. Files\n"
        "that DIR already has are not read again. The manifest is put in place at\n"
        "the end: an interrupted backup leaves the one before it whole.",
        "weft backup /backup/plant1", weft_cmd_backup},
    {"restore", "make a node's data directory out of a backup", "DIR", 1, 1, restore_options, false,
        "Offline. Makes the data directory that the configuration names; the node\n"
        "is then the first of a new group. Runs weftd --restore.",
        "weft restore /backup/plant1 --config n1/weftd.yaml", weft_cmd_restore},
    {"check-data", "check a data directory or a backup offline", "DIR", 1, 1, NULL, false,
        "Reads identity, log, state and checkpoints of a stopped node whole, and\n"
        "says what is wrong. Changes nothing. Runs weftd --check-data. Of a backup's\n"
        "directory it reads the manifest and every file against its digest.",
        "weft check-data /var/lib/weft/n1", weft_cmd_check_data},
    {"bench write", "a load of commits", "", 0, 0, bench_write_options, true,
        "Closed loop: each connection keeps so many commits of one record in\n"
        "flight. Prints throughput and latency, from sending to the answer.",
        "weft bench write --clients 16 --outstanding 16 --seconds 30", weft_cmd_bench_write},
    {"bench read", "a load of reads", "", 0, 0, bench_read_options, true,
        "Closed loop of linearizable reads of single assets. With --spread the\n"
        "connections go to all endpoints, so that followers serve too.",
        "weft bench read --clients 16 --spread", weft_cmd_bench_read},
    {"context list", "the contexts there are", "", 0, 0, NULL, false,
        "The one in use is marked with *.", "weft context list", weft_cmd_context_list},
    {"context add", "remember where and who", "NAME", 1, 1, context_add_options, false,
        "A context is a site's endpoints and an identity under a name, kept in\n"
        "~/.config/weft (or WEFT_CONFIG_DIR). Options override it.",
        "weft context add plant1 --endpoint 127.0.0.1:7102 --identity pki/plant1/op/anna",
        weft_cmd_context_add},
    {"context use", "choose a context", "NAME", 1, 1, NULL, false,
        "WEFT_CONTEXT in the environment overrides it.", "weft context use plant1",
        weft_cmd_context_use},
    {"context show", "a context's content", "[NAME]", 0, 1, NULL, false,
        "Of the one named, or the one in use.", "weft context show", weft_cmd_context_show},
    {"context remove", "forget a context", "NAME", 1, 1, NULL, false, "The identity's files stay.",
        "weft context remove plant1", weft_cmd_context_remove},
    {"pki init", "make an organization's trust root", "", 0, 0, pki_init_options, false,
        "Writes ca.crt and ca.key (mode 0600). Keep ca.key offline: whoever has it\n"
        "can make any node or person of the organization.",
        "weft pki init --org oem.example --pki pki", weft_cmd_pki_init},
    {"pki node", "a node's key and certificate", "NAME", 1, 1, pki_node_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/node/NAME; that, and no\n"
        "DNS name, says who it is. Writes an identity: ca.crt, tls.crt, tls.key.",
        "weft pki node n1 --site plant1 --host n1.plant1.oem.example", weft_cmd_pki_node},
    {"pki person", "a person's key and certificate", "NAME", 1, 1, pki_leaf_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/op/NAME. Writes an\n"
        "identity: ca.crt, tls.crt, tls.key.",
        "weft pki person anna --site plant1", weft_cmd_pki_person},
    {"pki service", "a program's key and certificate", "NAME", 1, 1, pki_leaf_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/svc/NAME. Writes an\n"
        "identity: ca.crt, tls.crt, tls.key.",
        "weft pki service mes --site plant1", weft_cmd_pki_service},
    {"pki show", "what certificates say", "FILE...", 1, -1, NULL, false,
        "Principal, validity, usages, serial number and fingerprint. A directory\n"
        "stands for its tls.crt, which is then verified against its ca.crt and\n"
        "tls.key. Exit 1 if that fails.",
        "weft pki show pki/plant1/node/n1", weft_cmd_pki_show},
    {"pki token", "a bearer token for the HTTP door", "NAME", 1, 1, pki_token_options, false,
        "Draws a secret, prints it once, and appends principal and SHA-256 to FILE.\n"
        "Copy FILE to every node and send them SIGHUP. Taking a line out takes the\n"
        "token back. Its principal is spiffe://ORG/SITE/svc/NAME.",
        "weft pki token mes --org oem.example --site plant1 --tokens tokens", weft_cmd_pki_token},
    {"completion", "shell completion", "bash", 1, 1, NULL, false,
        "Prints a script for the shell to read.", "source <(weft completion bash)",
        weft_cmd_completion},
    {"help", "help on a command", "[COMMAND...]", 0, 2, NULL, false, "As weft COMMAND --help.",
        "weft help put", weft_cmd_help},
    {NULL, NULL, NULL, 0, 0, NULL, false, NULL, NULL, NULL},
};
