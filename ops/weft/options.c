#include "ops/weft/command.h"
#include "ops/weft/keys.h"

/* Options of more than one command: of all, and of those that ask a site. */

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
    {"as-key", 0, "FILE",
        "NAME.key of whom the requests are for, NAME.vkey beside it: they are\n"
        "signed; default: WEFT_KEY, then who you are"},
    {"as", 0, "PRINCIPAL", "whose key that is: op/ann, or with organization and site"},
    {"token", 0, "FILE", "what weft token printed, instead of a key; default: WEFT_TOKEN"},
    {"as-passphrase", 0, "FILE", "its first line opens that key; default: the terminal"},
    {"timeout", 't', "SECONDS", "give up after so long (10); 500ms, 30s, 2m"},
    END,
};

const struct weft_option weft_token_options[] = {
    {"key", 0, "FILE", "NAME.key of a person or program, NAME.vkey beside it"},
    {"for", 0, "DURATION", "how long it counts: 10m, 8h (10m; less than 12 h)"},
    {"actions", 0, "LIST", "what it is good for, with commas: read,subscribe; default: all"},
    {"note", 0, NULL, "the signed note itself, not as it stands in a header"},
    WEFT_KEYS_OPTIONS,
    END,
};
