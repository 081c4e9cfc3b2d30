#include "ops/weft/command.h"
#include "ops/weft/options_audit.h"
#include "ops/weft/options_bench.h"
#include "ops/weft/options_command.h"
#include "ops/weft/options_keys.h"
#include "ops/weft/options_partner.h"

/* The table of commands. One row says everything: help, usage, completion and the parser are
 * made from it. Descriptions are wrapped at 76 columns. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

#define READ_OPTIONS                                                                               \
    {"at", 0, "TIME", "true at that time, as known now (RFC 3339 with zone)"},                     \
        {"as-of", 0, "INDEX|TIME", "as known then"},                                               \
        {"stale", 0, NULL, "whatever the node has: no round to the others"},                       \
    {                                                                                              \
        "min-index", 0, "N", "once the node has applied that index"                                \
    }

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
    {"batch", 0, "N", "at most so many in one commit (64)"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (32)"},
    END,
};
static const struct weft_option import_csv_options[] = {
    {"map", 'm', "FILE", "which column is what, in JSON"},
    {"dry-run", 0, NULL, "show the records, commit nothing"},
    {"batch", 0, "N", "at most so many in one commit (64)"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (32)"},
    END,
};
static const struct weft_option get_options[] = {
    {"section", 0, "NAME",
        "only that: values, properties, configuration, issues or below (of a line\n"
        "of which nothing is said itself, below as well); may be repeated"},
    READ_OPTIONS, END};
static const struct weft_option diff_options[] = {
    {"from", 0, "TIME|INDEX", "the left state: true at that time, or as known at that index"},
    {"to", 0, "TIME|INDEX", "the right state; default: now"},
    {"designed", 0, NULL, "as designed: what counts for it"}, {"built", 0, NULL, "as built"},
    {"maintained", 0, NULL, "as maintained since"},
    {"exit-code", 0, NULL, "exit 1 if there is a difference"}, READ_OPTIONS, END};
static const struct weft_option import_mtconnect_options[] = {
    {"map", 'm', "FILE", "how files and parts are named here, as JSON"},
    {"devices", 0, "FILE", "the device model: an MTConnectDevices document"},
    {"dry-run", 0, NULL, "show the records, commit nothing"},
    {"batch", 0, "N", "at most so many in one commit (64)"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (32)"},
    END,
};
static const struct weft_option import_qif_options[] = {
    {"map", 'm', "FILE", "how parts and serials are named here, as JSON"},
    {"dry-run", 0, NULL, "show the records, commit nothing"},
    {"batch", 0, "N", "at most so many in one commit (64)"},
    {"outstanding", 0, "N", "commits sent ahead of their answers (32)"},
    END,
};
static const struct weft_option claims_options[] = {
    {"contradicted", 0, NULL, "only where the other side says otherwise"},
    {"kind", 'k', "KIND", "records of that kind (as_built, genealogy); may be repeated"},
    READ_OPTIONS, END};
static const struct weft_option story_options[] = {
    {"no-inside", 0, NULL, "leave out what happened to what is inside it"},
    {"limit", 'n', "N", "at most so many records"}, READ_OPTIONS, END};
static const struct weft_option find_options[] = {{"kind", 'k', "KIND", "records of that kind"},
    {"where", 'w', "CONDITION", "'PATH OP VALUE'; OP is = != < <= > >= or ~ (glob)"},
    {"asset", 'a', "GLOB", "assets by pattern: * any run, ? one"},
    {"differs", 0, "PATH", "assets whose newest records of each group differ there"},
    {"by", 0, "PATH", "what the groups are: a field, author (default) or source"},
    {"limit", 'n', "N", "at most so many records (25)"},
    {"cursor", 0, "C", "go on from the cursor of the last answer"}, READ_OPTIONS, END};
static const struct weft_option telemetry_get_options[] = {
    {"raw", 0, NULL, "the block as it is kept, compressed"},
    END,
};
static const struct weft_option telemetry_list_options[] = {READ_OPTIONS, END};
#define TRACE_OPTIONS                                                                              \
    {"via", 0, "REL,...", "follow these links; default: all that carry material"},                 \
        {"ids", 0, NULL, "only the names, one on a line"},                                         \
    {                                                                                              \
        "records", 0, NULL, "the records too that are the evidence"                                \
    }

static const struct weft_option trace_options[] = {
    {"depth", 'd', "N", "at most so many links from the asset"},
    {"to", 0, "KIND", "only assets that have a record of that kind, and the way there"},
    {"across", 0, NULL, "back, across organizations: what partners stated, holes by name"},
    {"ask", 0, NULL, "with --across: partners are asked, and by them theirs"},
    {"wait", 0, "S", "with --ask: at most so many seconds (5)"}, TRACE_OPTIONS, READ_OPTIONS, END};
static const struct weft_option recall_options[] = {
    {"lot", 0, "ASSET", "what this lot, or any other asset, went into"},
    {"machine", 0, "ASSET", "what was made on this machine,"},
    {"from", 0, "TIME", "from this time on (RFC 3339 with zone)"},
    {"to", 0, "TIME", "until before this time"},
    {"part", 0, "ASSET", "instances of this part type or revision"},
    {"rev", 0, "REV", "of its revision: PART/rev/REV"},
    {"across", 0, NULL, "recalls that cross companies: who was told, who answered, holes"},
    {"recall", 0, "DIGEST", "with --across: that one"},
    {"tell", 0, "ACTION", "with --lot: recall it, from everybody who got something of it"},
    {"reason", 0, "TEXT", "with --tell: why"}, TRACE_OPTIONS, READ_OPTIONS, END};
static const struct weft_option watch_options[] = {
    {"asset", 'a', "GLOB", "assets by pattern: * any run, ? one"},
    {"from", 0, "INDEX", "from that index on (default: what comes from now on)"},
    {"count", 'n', "N", "end after so many records"},
    {"idle", 0, "SECONDS", "end when nothing came for so long"},
    END,
};
static const struct weft_option model_add_options[] = {
    {"breaking", 0, NULL, "even if records or readers of the version before break"},
    {"dry-run", 0, NULL, "say what would change, commit nothing"},
    END,
};
static const struct weft_option model_list_options[] = {READ_OPTIONS, END};
static const struct weft_option model_show_options[] = {
    {"version", 0, "N", "that one; default: the newest"}, READ_OPTIONS, END};
static const struct weft_option backup_options[] = {
    {"newest", 0, NULL, "the newest checkpoint there is, instead of a new one"},
    END,
};
static const struct weft_option restore_options[] = {
    {"config", 0, "FILE", "configuration of the node to be made"},
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
    {"session", "requests and answers, line by line, over one connection", "", 0, 0, NULL, true,
        "For programs that ask often: reads a JSON object per line from stdin and\n"
        "answers each with one on stdout, in order, until stdin ends. Takes one\n"
        "endpoint and stays with it. A request is attempted once; after a lost\n"
        "connection the next request connects anew.\n"
        "\n"
        "Requests, with the options of the commands of that name:\n"
        " {\"op\": \"commit\", \"records\": [...], \"request_id\": \"...\"}\n"
        " {\"op\": \"read\", \"asset\": \"...\"}\n"
        " {\"op\": \"find\", \"asset\": \"GLOB\", \"kind\": ..., \"where\": ..., \"limit\": N,\n"
        "  \"cursor\": ...}\n"
        " {\"op\": \"trace\", \"asset\": \"...\", \"direction\": \"forward\" or \"back\",\n"
        "  \"depth\": N, \"via\": \"REL,...\", \"to\": \"KIND\", \"ids\": true, \"records\": "
        "true}\n"
        " {\"op\": \"watch\", \"from\": INDEX, \"asset\": \"GLOB\", \"limit\": N,\n"
        "  \"cursor\": ..., \"wait_ms\": N}   one page of the feed\n"
        " {\"op\": \"file\", \"path\": \"...\"}   a text of the site, as below /v1/audit/\n"
        " {\"op\": \"status\"}   of the node itself\n"
        " {\"op\": \"digest\"}   a marker, from the leader; with \"index\": N the node's digest\n"
        "read, find and trace take \"as_of\" (an index), \"at\", \"stale\", \"min_index\".\n"
        "\n"
        "Answers:\n"
        " {\"ok\": {...}}        done: what was asked for\n"
        " {\"refused\": {...}}   certainly not done: code, detail, perhaps pointer, leader\n"
        "                      and, of a conflict, rev\n"
        " {\"unknown\": {...}}   a commit that may be done, or be done yet; a question\n"
        "                      without an answer\n"
        " {\"error\": {...}}     the line is no request; detail says place and reason",
        "producer | weft session --endpoint 127.0.0.1:7102 --timeout 2", weft_cmd_session},
    {"import catenax", "Catena-X test data containers into records", "FILE...", 1, -1,
        import_options, true,
        "Takes containers of twins: serial parts and batches, what is in them as\n"
        "built, what they are used in, and any other aspect whole. Both spellings\n"
        "of ids and of aspects. Importing again changes nothing; an import that was\n"
        "broken off goes on when it is run again. weft claims shows where the two\n"
        "sides of an edge contradict each other.",
        "weft import catenax smallTestdata.json\n"
        "weft import catenax --dry-run - <container.json",
        weft_cmd_import_catenax},
    {"import csv", "tables into records", "FILE...", 1, -1, import_csv_options, true,
        "Takes tables of comma-separated values (RFC 4180, UTF-8, with a header)\n"
        "and a mapping file, which says what each row is: its kind, asset and time,\n"
        "and which columns are attributes, of what type and unit, or links. Try it\n"
        "with --dry-run. Rows that do not fit are named by line and column; then\n"
        "exit 2. Importing again changes nothing.\n"
        "\n"
        "A mapping: {\"kind\": \"inspection\", \"asset\": \"serial:box/{Serial}\",\n"
        " \"at\": {\"column\": \"Date\", \"format\": \"DD.MM.YYYY hh:mm\", \"zone\": \"+01:00\"},\n"
        " \"attrs\": {\"verdict\": \"Result\", \"flatness\": {\"column\": \"Flatness\",\n"
        " \"type\": \"real\", \"unit\": \"mm\"}},\n"
        " \"links\": [{\"rel\": \"made_on\", \"to\": \"plant1/{Machine}\"}]}",
        "weft import csv --map inspection.map.json inspections.csv\n"
        "weft import csv --map m.json --dry-run - <table.csv",
        weft_cmd_import_csv},
    {"import epcis", "EPCIS 2.0 documents into records", "FILE...", 1, -1, import_options, true,
        "Takes EPCIS 2.0 JSON-LD documents: ObjectEvent, AggregationEvent,\n"
        "TransformationEvent, TransactionEvent, AssociationEvent, error\n"
        "declarations, sensor data and user extensions. Importing again changes\n"
        "nothing. What is refused is named by file and JSON pointer; then exit 2.",
        "weft import epcis shipments/*.json\n"
        "weft import epcis --dry-run event.json",
        weft_cmd_import_epcis},
    {"import mtconnect", "machine logs into process runs and telemetry", "FILE...", 1, -1,
        import_mtconnect_options, true,
        "Takes adapter logs, lines of time|item|value, each file the run of one\n"
        "part. Its samples are packed into blocks that go to every node, and count\n"
        "once a majority has them on disk; then the run is committed, with what its\n"
        "data items came to and the digests of its blocks.\n"
        "\n"
        "The map says what a file's name means, e.g.\n"
        " {\"file\": \"{part}-{machine}-{number#}of*\", \"parts\": {\"Box\": \"box\"}}\n"
        "Importing again changes nothing. See weft telemetry get.",
        "weft import mtconnect --devices Devices.xml --map runs.json PartData/*.txt",
        weft_cmd_import_mtconnect},
    {"import qif", "QIF 2.1 and 3.0 results into inspections", "FILE...", 1, -1, import_qif_options,
        true,
        "Each MeasurementResults is an inspection of a unit: its verdict, and every\n"
        "characteristic with value, unit, nominal, limits and status.\n"
        "\n"
        "The map says how parts and serials are named here, who inspected, and what\n"
        "the documents leave out, e.g.\n"
        " {\"organization\": \"MTC\", \"inspection\": \"incoming\",\n"
        "  \"parts\": {\"*_box_*\": \"box\"}, \"serial\": \"*_A{number#}_*\"}\n"
        "What was inferred by it is marked in each record. A unit without a serial\n"
        "number becomes an asset of its own. Importing again changes nothing.",
        "weft import qif --map incoming.json results/*.QIF", weft_cmd_import_qif},
    {"get", "the twin of an asset", "ASSET", 1, 1, get_options, true,
        "What is known of the asset: its health and why, the effective value of each\n"
        "attribute with the record that it comes from, reported and desired\n"
        "properties, its configuration as designed, as built and as maintained, what\n"
        "deviates and what is out of date since when, open issues, and of a line or\n"
        "plant what is below it. Shared: what partners and this site state of it; of what\n"
        "partners alone speak of it is all. Exit 1 if nothing is said of it.",
        "weft get serial:box/7\nweft get serial:box/7 --section configuration --as-of 1200\n"
        "weft get plant1/line2 --section below",
        weft_cmd_get},
    {"diff", "what differs between two states of an asset", "ASSET", 1, 1, diff_options, true,
        "Two times (--from, --to: a time, or an index), or two configurations\n"
        "(two of --designed, --built, --maintained). One configuration and two times\n"
        "compare it with itself. Exit 0 whether there is a difference or not; with\n"
        "--exit-code 1 if there is one; 1 too if nothing is said of the asset.",
        "weft diff serial:box/7 --built --maintained\n"
        "weft diff serial:box/7 --from 2024-03-01T00:00:00Z\n"
        "weft diff serial:box/7 --designed --from 1200 --to 1300",
        weft_cmd_diff},
    {"claims", "edges that only one of whole and part states", "", 0, 0, claims_options, true,
        "Who builds a whole states what is in it; who supplies a part states what it\n"
        "went into. Both are kept. This holds them against each other and prints\n"
        "every edge that only one side states, or both with different quantities:\n"
        "unconfirmed where the other side makes no such statements at all,\n"
        "contradicted where it makes others. Exit 1 if any is contradicted.",
        "weft claims\n"
        "weft claims --contradicted -o json",
        weft_cmd_claims},
    {"story", "what happened to an asset and to what is inside it", "ASSET", 1, 1, story_options,
        true,
        "Records on the asset, about it, and on what is inside it, in order of the\n"
        "time they speak of; else what partners state. Exit 1 if there is none of that.",
        "weft story urn:epc:id:sgtin:4012345.011111.9876", weft_cmd_story},
    {"trace forward", "where an asset went", "ASSET", 1, 1, trace_options, true,
        "What the asset was used for, what contains that, and so on: a tree whose\n"
        "branches are links of records, each with its quantity, since when it holds\n"
        "and the record that says so. Each asset stands once, behind the earliest\n"
        "link that leads to it. What was taken out again is left out, unless --at\n"
        "asks for a time before; what was used up stays, with a note if it was\n"
        "taken out.\n"
        "\n"
        "Links that carry material: consumes, uses_lot, input, contains, installs,\n"
        "output, part_of, installed_in. Any other can be followed with --via: where\n"
        "a part type is used is trace forward PART --depth 1 --via bom_line.",
        "weft trace forward lot:AL6061/22\nweft trace forward lot:AL6061/22 --to shipment --ids\n"
        "weft trace forward part:lid --depth 1 --via bom_line,instance_of",
        weft_cmd_trace_forward},
    {"trace back", "what an asset is made of", "ASSET", 1, 1, trace_options, true,
        "What was used for the asset, what that is made of, and so on, as a tree. What has\n"
        "no record yet is shown as such. --across goes on with what partners have stated.",
        "weft trace back serial:car/1 --across\n"
        "weft trace back serial:box/7 --at 2017-08-01T00:00:00Z --records -o json",
        weft_cmd_trace_back},
    {"recall", "the finished units that something affects", "", 0, 0, recall_options, true,
        "Finished is what nothing contains any more. With a lot and a machine: only\n"
        "units with a part that has the lot in it and was made on that machine (its\n"
        "record or its run has a link made_on), within the window of time. Each\n"
        "unit comes with the path that is the evidence and where it is now: the\n"
        "newest location, shipped_to, installed_in or biz_location.\n"
        "\n"
        "With --tell the lot is recalled across companies: partners whom something of\n"
        "it was shipped to are told what they have, and tell on; --across shows how\n"
        "far that is, tier by tier, and what is not known by name (HOLE).",
        "weft recall --lot lot:AL6061/22\n"
        "weft recall --lot lot:AL6061/22 --machine plant1/line2/mill-2 \\\n"
        "    --from 2017-07-28T06:00:00Z --to 2017-07-28T14:00:00Z\n"
        "weft recall --part part:lid --rev B --ids\n"
        "weft recall --lot lot:AL6061/22 --tell stop --reason 'cracks at the weld'\n"
        "weft recall --across",
        weft_cmd_recall},
    {"find", "records by kind, asset and condition", "", 0, 0, find_options, true,
        "Records in the order of their commits. If there are more than the limit,\n"
        "the answer carries a cursor to go on with.\n"
        "\n"
        "With --differs, of each asset the newest record of each group is compared\n"
        "in one field; where two groups say different things, all of that asset's\n"
        "are shown, asset by asset. Groups that do not state the field do not count.",
        "weft find --kind inspection --where 'verdict = FAIL'\n"
        "weft find --asset 'serial:box/*' --limit 100\n"
        "weft find --kind inspection --differs verdict --by organization",
        weft_cmd_find},
    WEFT_AUDIT_COMMANDS,
    {"telemetry get", "the lines of blocks of telemetry", "DIGEST...", 1, -1, telemetry_get_options,
        true,
        "Blocks are named by their SHA-256 in the records of process runs. Any node\n"
        "gives them: what it lacks it fetches from another. The lines are those of\n"
        "the log that was imported, byte for byte; the blocks of a run in their\n"
        "order are the whole of it. Exit 1 if no node has a block.",
        "weft telemetry get "
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        weft_cmd_telemetry_get},
    {"telemetry list", "the blocks of telemetry of an asset's runs", "ASSET", 1, 1,
        telemetry_list_options, true,
        "Of a unit, a machine or a run: each block that a process run names, with\n"
        "the run and its time.",
        "weft telemetry list serial:box/7", weft_cmd_telemetry_list},
    {"watch", "commits as they come", "", 0, 0, watch_options, true,
        "Prints every record that is committed, one per line, without gap or\n"
        "duplicate, across lost connections and changes of leader. At the end it\n"
        "says from which index to go on.",
        "weft watch --asset 'serial:box/*'\n"
        "weft watch --from 1 -o jsonl",
        weft_cmd_watch},
    {"model add", "register the types of record kinds", "FILE...", 1, -1, model_add_options, true,
        "Each file is the model of one kind: DTDL v3, in the subset that weft model\n"
        "check knows. They are registered in one commit, all or nothing; from then\n"
        "on a record of the kind that does not fit is refused with a JSON pointer.\n"
        "Prints for each whether it is new, unchanged, compatible or breaking, and\n"
        "why. A changed model needs a higher version in its @id; a breaking one is\n"
        "refused, with exit 5, unless --breaking. The models of the usual kinds are\n"
        "in ops/models.",
        "weft model add ops/models/*.json\n"
        "weft model add inspection.json --dry-run",
        weft_cmd_model_add},
    {"model list", "the record kinds that are registered", "", 0, 0, model_list_options, true,
        "The newest version of each, since when and by whom.", "weft model list",
        weft_cmd_model_list},
    {"model show", "the type of a record kind", "KIND", 1, 1, model_show_options, true,
        "Attributes with type, unit (UCUM) and whether they are required, and links.\n"
        "With -o json the text as it was registered. Exit 1 if there is none.",
        "weft model show inspection\n"
        "weft model show inspection --version 1 -o json > inspection.json",
        weft_cmd_model_show},
    {"model check", "check a model file, and records against it", "FILE [RECORDS.jsonl|-]", 1, 2,
        NULL, false,
        "Compiles the model, without a connection: exit 2 and line, column and JSON\n"
        "pointer if it is none. With records, one JSON object per line, names each\n"
        "one of the kind that does not fit by line and pointer, and exits 1.",
        "weft model check inspection.json\n"
        "weft model check inspection.json records.jsonl",
        weft_cmd_model_check},
    {"policy check", "check a policy file", "FILE", 1, 1, NULL, false,
        "Compiles it, without a connection: exit 2 and FILE:LINE:COLUMN, what was\n"
        "expected and what was found, if it is none or over a bound. Prints what\n"
        "the worst request costs.",
        "weft policy check plant1.policy", weft_cmd_policy_check},
    {"policy show", "the policy in force", "", 0, 0, weft_policy_show_options, true,
        "Its text as it was signed.", "weft policy show\nweft policy show --next > plant1.policy",
        weft_cmd_policy_show},
    {"policy diff", "what a new policy widens and what it narrows", "[OLD] NEW", 1, 2, NULL, true,
        "Statement by statement, groups and scopes unfolded. With one file it is\n"
        "compared with the policy in force; with two no connection is made.",
        "weft policy diff plant1.policy", weft_cmd_policy_diff},
    {"policy sign", "sign a policy for somebody else to apply", "FILE", 1, 1,
        weft_policy_sign_options, false,
        "Prints a signature line for each key; the file stays as it is.",
        "weft policy sign plant1.policy --key ann.key > ann.sig", weft_cmd_policy_sign},
    {"policy apply", "bring a policy into force", "FILE", 1, 1, weft_policy_apply_options, true,
        "Signs it with keys, joins signatures of others, says what changes, and\n"
        "commits the note. The site refuses what does not follow the version in\n"
        "force (rollback, fork, fast-forward), is signed by too few admins, is not\n"
        "permitted to them, or would lock all of them out. FILE may be a note.",
        "weft policy apply plant1.policy --key ann.key --signature bo.sig", weft_cmd_policy_apply},
    {"policy why", "why somebody may do something, or not", "PRINCIPAL ACTION ASSET", 3, 3,
        weft_policy_why_options, true,
        "The statement that decides, its line, and near misses. Exit 1 if it is not\n"
        "permitted.",
        "weft policy why oem.example/plant1/op/ann write line2/press7 --kind inspection",
        weft_cmd_policy_why},
    {"policy who-can", "who may do something", "ACTION ASSET", 2, 2, weft_policy_who_can_options,
        true, "Of everybody whom the org document names, and of those given by --who.",
        "weft policy who-can admin-policy weft:policy --kind policy", weft_cmd_policy_who_can},
    {"policy what-if", "which requests a policy would decide otherwise", "FILE REQUESTS|-", 2, 2,
        weft_policy_what_if_options, true,
        "REQUESTS has one JSON object per line: principal, action, and asset, kind,\n"
        "verb, time where there are any. Prints the number of each line that flips.",
        "weft policy what-if plant1.policy requests.jsonl", weft_cmd_policy_what_if},
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
    {"command propose", "sign a command to a machine, and propose it", "VERB ASSET", 2, 2,
        weft_command_propose_options, true,
        "Written with the policy and the envelopes that are in force, checked against\n"
        "them, and shown in full before it is signed. Others approve it; the site sends\n"
        "it when policy and envelopes allow, and its gateway answers.",
        "weft command propose set-speed plant1/line2/press7 --arg 'speed=42.5 rpm' \\\n"
        "    --channel plant1/gw2/press7 --class B --tier 2 --reason 'batch 1187' \\\n"
        "    --post 'speed = 42.5 +- 0.5 rpm by 20s' --key ann/note.key",
        weft_cmd_command_propose},
    {"command approve", "approve somebody's command", "ID", 1, 1, weft_command_say_options, true,
        "The command is shown in full, then what is signed. Nobody approves his own,\n"
        "and a person counts once.",
        "weft command approve 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77 --reason seen --key bo/note.key",
        weft_cmd_command_approve},
    {"command reject", "reject a command for good", "ID", 1, 1, weft_command_say_options, true,
        "By who might have approved it.",
        "weft command reject 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77 --reason no --key bo/note.key",
        weft_cmd_command_reject},
    {"command cancel", "take a command back before it is sent", "ID", 1, 1,
        weft_command_say_options, true,
        "By who proposed it, or whom the policy lets. What is sent cannot be taken back.",
        "weft command cancel 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77 --reason no --key ann/note.key",
        weft_cmd_command_cancel},
    {"command resolve", "say what was found of a command that is UNKNOWN",
        "ID done|not-done|partly", 2, 2, weft_command_resolve_options, true,
        "It stays UNKNOWN; its channel is free again.",
        "weft command resolve 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77 not-done --reason 'looked' \\\n"
        "    --key bo/note.key",
        weft_cmd_command_resolve},
    {"command show", "a command, its state and its note", "ID", 1, 1, NULL, true,
        "With JSON the note is a member of its own.",
        "weft command show 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77", weft_cmd_command_show},
    {"command list", "the newest commands", "", 0, 0, weft_command_list_options, true,
        "Up to 200, by the end of their time, of those that you may read.",
        "weft command list --open", weft_cmd_command_list},
    {"command bundle", "what the gateway of a command acts on", "ID", 1, 1, NULL, true,
        "As a gateway gets it: command, approvals, envelopes, the leaf of its intent with\n"
        "its proof. While there is an intent; for nodes, the gateway, and readers.",
        "weft command bundle 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77", weft_cmd_command_bundle},
    {"command watch", "a command until its end", "ID", 1, 1, NULL, true,
        "Exit code 1 unless it was verified.",
        "weft command watch 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77", weft_cmd_command_watch},
    {"command take", "take a channel, and perhaps give it to others", "CHANNEL", 1, 1,
        weft_command_handover_options, true,
        "Whoever ranks as high as who has it, or higher, takes it: operator over\n"
        "automation over optimizer over partner. From then on commands of the rank that\n"
        "has it are taken alone, and those of others are cancelled when they are due.",
        "weft command take plant1/gw2/press7 --reason 'tool change' --key ann/note.key\n"
        "weft command take plant1/gw2/press7 --to automation --reason 'night shift' \\\n"
        "    --key ann/note.key",
        weft_cmd_command_take},
    {"command give-back", "give a channel back that one has", "CHANNEL", 1, 1,
        weft_command_handover_options, true, "To the operator, unless --to says to whom.",
        "weft command give-back plant1/gw2/press7 --reason 'shift is over' --key mes/note.key",
        weft_cmd_command_give_back},
    {"command authority", "who may command a channel", "CHANNEL", 1, 1, NULL, true,
        "By which hand-over, and why. A channel of which there is none is the operator's.",
        "weft command authority plant1/gw2/press7", weft_cmd_command_authority},
    {"shadow", "what a command would meet now, without sending anything", "VERB ASSET", 2, 2,
        weft_shadow_options, true,
        "Each envelope, each interlock and state by what the machine reports, and what the\n"
        "policy asks of who would propose it (labels are judged by the site alone). Exit 1 if\n"
        "it would not be carried out. What the shadow device does: weft command propose --shadow.",
        "weft shadow set-speed plant1/line2/press7 --arg 'speed=42.5 rpm' --tier 2 \\\n"
        "    --channel plant1/gw2/press7 --who ann",
        weft_cmd_shadow},
    {"envelope check", "is a file an envelope", "FILE", 1, 1, NULL, false,
        "The text, or the note that carries it: each line in its one form.",
        "weft envelope check press7-speed.txt", weft_cmd_envelope_check},
    {"envelope apply", "bring an envelope into force", "FILE", 1, 1, weft_envelope_apply_options,
        true, "Admins sign it to their threshold. It follows the version in force.",
        "weft envelope show press7-speed --next >next; weft envelope apply next --key ann.key",
        weft_cmd_envelope_apply},
    {"envelope show", "the envelopes in force, or one", "[NAME]", 0, 1, weft_envelope_show_options,
        true, "One with its note, as it was signed.", "weft envelope show press7-speed",
        weft_cmd_envelope_show},
    WEFT_PARTNER_COMMANDS,
    {"bench write", "a load of commits", "", 0, 0, weft_bench_write_options, true,
        "Closed loop: each connection keeps so many commits of one record in\n"
        "flight. Prints throughput and latency, from sending to the answer.",
        "weft bench write --clients 16 --outstanding 16 --seconds 30", weft_cmd_bench_write},
    {"bench read", "a load of reads", "", 0, 0, weft_bench_read_options, true,
        "Closed loop of linearizable reads of single assets. With --spread the\n"
        "connections go to all endpoints, so that followers serve too.",
        "weft bench read --clients 16 --spread", weft_cmd_bench_read},
    {"bench trace", "a load of traces", "ASSET", 1, 1, weft_bench_trace_options, true,
        "Closed loop of traces of one asset: the first page of each.",
        "weft bench trace lot:AL6061/22 --ids --clients 10", weft_cmd_bench_trace},
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
    {"pki init", "make an organization's trust root", "", 0, 0, weft_pki_init_options, false,
        "Writes ca.crt and ca.key (mode 0600). Keep ca.key offline: whoever has it\n"
        "can make any node or person of the organization.",
        "weft pki init --org oem.example --pki pki", weft_cmd_pki_init},
    {"pki node", "a node's key and certificate", "NAME", 1, 1, weft_pki_node_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/node/NAME; that, and no\n"
        "DNS name, says who it is. Writes an identity: ca.crt, tls.crt, tls.key;\n"
        "and the key that it signs the audit log with, log.key, which stays if it is\n"
        "there, with its public half, log.vkey.",
        "weft pki node n1 --site plant1 --host n1.plant1.oem.example", weft_cmd_pki_node},
    {"pki partner", "a node's certificate for the door where partners meet", "NAME", 1, 1,
        weft_pki_node_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/partner/NAME: for partners:\n"
        "of weftd.yaml, dialling and dialled, and good for no other door. A partner\n"
        "pins ca.crt with weft partner add.",
        "weft pki partner n1 --site plant1 --host n1.plant1.oem.example", weft_cmd_pki_partner},
    {"pki org", "what a site is governed by: keys, org document, first policy", "", 0, 0,
        weft_pki_org_options, false,
        "Makes root keys and a key for each admin, signs the org document, the\n"
        "enrolments of the admins' keys and the first policy, and prints what\n"
        "weftd.yaml of the first node says of them: they are the site's first\n"
        "commit. One passphrase protects all keys that are made; openssl pkcs8\n"
        "-topk8 -scrypt changes it key by key.",
        "weft pki org --org oem.example --site plant1 --admin ann --admin bo --out org",
        weft_cmd_pki_org},
    {"pki person", "a person's key and certificate", "NAME", 1, 1, weft_pki_person_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/op/NAME. Writes an\n"
        "identity: ca.crt, tls.crt, tls.key; and the key of the person's signatures,\n"
        "note.key, behind a passphrase, with its public half, note.vkey. That one is\n"
        "never written over, and nobody but the person needs to have it: made apart\n"
        "with --only note, on the person's own machine. A site takes it by weft pki\n"
        "enroll.",
        "weft pki person anna --site plant1\n"
        "weft pki person anna --site plant1 --org oem.example --only note --out anna",
        weft_cmd_pki_person},
    {"pki service", "a program's key and certificate", "NAME", 1, 1, weft_pki_person_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/svc/NAME. Writes an\n"
        "identity: ca.crt, tls.crt, tls.key; and the key of the program's signatures,\n"
        "note.key, without a passphrase unless --passphrase-file, with its public\n"
        "half, note.vkey.",
        "weft pki service mes --site plant1", weft_cmd_pki_service},
    {"pki gateway", "a gateway's key and certificate", "NAME", 1, 1, weft_pki_person_options, false,
        "Its name in the certificate is spiffe://ORG/SITE/gw/NAME. Writes an\n"
        "identity, and the key that it signs receipts with, note.key, without a\n"
        "passphrase unless --passphrase-file: what gateway.yaml of weft-gateway names\n"
        "as plant.identity and gateway.key. The site takes the key by weft pki enroll.",
        "weft pki gateway gw1 --site plant1", weft_cmd_pki_gateway},
    {"pki auditor", "a person who may read the audit log, and nothing else", "NAME", 1, 1,
        weft_pki_person_options, false,
        "As weft pki person; and prints the statements of a policy that let the\n"
        "auditor read and export the audit log and what governs the site, and\n"
        "nothing else.",
        "weft pki auditor vera --site plant1", weft_cmd_pki_auditor},
    {"pki enroll", "bring a key into a site", "[NAME.key]", 0, 1, weft_pki_enroll_options, true,
        "The key signs an enrolment over the site's nonce: it is in the hands of who\n"
        "asks, now. Who approves signs it too: admins to their threshold; of an\n"
        "admin's own key roots. It counts from its entry of the log on. The site\n"
        "refuses a key that was known before, that is of low order or not canonical,\n"
        "and a note that was used or is older than a week.\n"
        "\n"
        "In two steps, as approvers and key are mostly apart: --request writes what\n"
        "is signed so far, --sign takes it up and commits it, or with --request\n"
        "hands it on. A machine without a connection gets its nonce on paper, by\n"
        "weft pki nonce.",
        "weft pki enroll anna/note.key --request anna.request\n"
        "weft pki enroll --sign anna.request --key bo.key\n"
        "weft pki enroll anna/note.key --nonce 0123... --request anna.request",
        weft_cmd_pki_enroll},
    {"pki rotate", "a new key in the place of one's old one", "OLD.key NEW.key", 2, 2,
        weft_pki_rotate_options, true,
        "Makes NEW.key, unless it is there, and enrolls it by the signatures of both:\n"
        "the old key ends where the new one begins. Nobody approves, since nobody's\n"
        "rights change. Who has lost the old key is enrolled with --replaces.",
        "weft pki rotate anna/note.key anna/note-2.key", weft_cmd_pki_rotate},
    {"pki revoke", "end a key at a site", "[PRINCIPAL]", 0, 1, weft_pki_revoke_options, true,
        "From its entry of the log on nothing that the key signs counts; what it\n"
        "signed before stays good. Admins sign to their threshold; of an admin's key\n"
        "roots. PRINCIPAL is ORG/SITE/CLASS/NAME, CLASS/NAME, or NAME of a person.\n"
        "In two steps as weft pki enroll.",
        "weft pki revoke vic --reason 'left the company' --key ann.key\n"
        "weft pki revoke ann --reason 'laptop stolen' --key a.key --request ann.revoke\n"
        "weft pki revoke --sign ann.revoke --key b.key",
        weft_cmd_pki_revoke},
    {"pki keys", "whose keys count at a site", "[PRINCIPAL]", 0, 1, NULL, true,
        "All that were ever enrolled: from which index of the log on each counts,\n"
        "and until which.",
        "weft pki keys\nweft pki keys svc/mes", weft_cmd_pki_keys},
    {"pki nonce", "what the next enrolment of somebody answers", "PRINCIPAL", 1, 1, NULL, true,
        "For weft pki enroll --nonce on a machine without a connection. It changes\n"
        "with each of the principal's keys and with the org document.",
        "weft pki nonce anna", weft_cmd_pki_nonce},
    {"pki show", "what certificates say", "FILE...", 1, -1, NULL, false,
        "Principal, validity, usages, serial number and fingerprint. A directory\n"
        "stands for its tls.crt, which is then verified against its ca.crt and\n"
        "tls.key. Exit 1 if that fails.",
        "weft pki show pki/plant1/node/n1", weft_cmd_pki_show},
    {"pki token", "a bearer token for the HTTP door", "NAME", 1, 1, weft_pki_token_options, false,
        "Draws a secret, prints it once, and appends principal and SHA-256 to FILE.\n"
        "Copy FILE to every node and send them SIGHUP. Taking a line out takes the\n"
        "token back. Its principal is spiffe://ORG/SITE/svc/NAME.",
        "weft pki token mes --org oem.example --site plant1 --tokens tokens", weft_cmd_pki_token},
    {"token", "what a key signs, so that others can ask in its name", "", 0, 0, weft_token_options,
        false,
        "For Authorization: Bearer of the HTTP door, and for --token: it speaks for the\n"
        "key's principal at his site until it is over, or his key is revoked. Who has\n"
        "it can use it: keep it as a secret.",
        "weft token --key keys/ann.key --for 10m --actions read,subscribe", weft_cmd_token},
    {"completion", "shell completion", "bash", 1, 1, NULL, false,
        "Prints a script for the shell to read.", "source <(weft completion bash)",
        weft_cmd_completion},
    {"help", "help on a command", "[COMMAND...]", 0, 2, NULL, false, "As weft COMMAND --help.",
        "weft help put", weft_cmd_help},
    {NULL, NULL, NULL, 0, 0, NULL, false, NULL, NULL, NULL},
};
