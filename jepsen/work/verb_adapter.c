#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/core/results.h"
#include "jepsen/verbs.h"
#include "jepsen/work/options.h"

/* adapter: a client of one node for foreign harnesses, line by line. The operations are those of
 * the workloads register and append. */

enum {
    LINE_BYTES_MAX = 65536,
    PORT = 7102
};

struct adapter {
    struct jep_site site;
    struct jep_client client;
    struct jep_shared shared;
    struct jep_rng rng;
    struct jep_watcher watcher;
};

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: jepsen adapter NODE[,NODE...] --identity DIR [--timeout MS] [--bin DIR]\n\n"
        "NODE is an address, or ADDRESS:PORT of a client door (7102). Reads go to the first node,\n"
        "writes there too, and to another one that is named if the first says that it leads.\n\n"
        "Requests on stdin, one a line, each answered by one line:\n"
        "  read K         ok V, or ok nil before the first write\n"
        "  write K V      ok\n"
        "  cas K A B      ok, or fail if the value was not A\n"
        "  txn EDN        ok EDN: [[:append k v] [:r k nil]] with the reads filled in\n"
        "  fail MSG       it certainly did not happen\n"
        "  info MSG       it may have happened, or happen yet\n"
        "K, V, A, B are whole numbers. Nothing is tried twice.\n",
        out);
    return code;
}

/* --- a request --------------------------------------------------------------------------- */

/* An integer and what is left behind it. */
static bool take_number(char **text, int64_t *ret_number)
{
    char *end;
    *ret_number = strtoll(*text, &end, 10);
    bool is_number = end != *text && (*end == ' ' || *end == '\0');
    *text = end;
    return is_number;
}

static bool is_mop(const struct jep_edn *m)
{
    return jep_edn_is_vector(m, 3) && jep_edn_is_int(&m->items[1]) &&
           ((jep_edn_is_keyword(&m->items[0], "append") && jep_edn_is_int(&m->items[2])) ||
               jep_edn_is_keyword(&m->items[0], "r"));
}

static bool parse_txn(char *text, struct jep_arena *arena, struct jep_step *ret_step)
{
    struct jep_edn mops;
    bool is_txn = jep_edn_parse(arena, text, strlen(text), &mops, NULL) &&
                  mops.type == JEP_EDN_VECTOR && mops.count > 0 && mops.count <= JEP_TXN_MOPS_MAX;
    for (size_t i = 0; is_txn && i < mops.count; i++) {
        is_txn = is_mop(&mops.items[i]);
    }
    *ret_step = (struct jep_step){"txn", mops};
    return is_txn;
}

static bool parse(char *line, struct jep_arena *arena, struct jep_step *ret_step)
{
    static const struct {
        const char *name;
        int numbers;
    } forms[] = {{"read", 1}, {"write", 2}, {"cas", 3}};
    char *rest = strchr(line, ' ');
    int64_t n[3] = {0};
    if (rest == NULL) {
        return false;
    }
    *rest++ = '\0';
    if (strcmp(line, "txn") == 0) {
        return parse_txn(rest, arena, ret_step);
    }
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        bool is_form = strcmp(line, forms[f].name) == 0;
        for (int i = 0; is_form && i < forms[f].numbers; i++) {
            is_form = take_number(&rest, &n[i]);
        }
        if (is_form && *rest == '\0') {
            struct jep_edn value = f == 0 ? jep_edn_nil()
                                   : f == 1
                                       ? jep_edn_int(n[1])
                                       : jep_edn_pair(arena, jep_edn_int(n[1]), jep_edn_int(n[2]));
            *ret_step =
                (struct jep_step){forms[f].name, jep_edn_pair(arena, jep_edn_int(n[0]), value)};
            return true;
        }
    }
    return false;
}

/* --- its answer -------------------------------------------------------------------------- */

static void print_ok(const struct jep_call *call)
{
    struct jep_text text = {0};
    struct jep_edn value = call->value;
    bool is_read = strcmp(call->step->f, "read") == 0;
    if (is_read) {
        value = call->value.items[1];
        value = jep_edn_is_keyword(&value, "absent") ? jep_edn_nil() : value;
    }
    if (is_read || strcmp(call->step->f, "txn") == 0) {
        jep_edn_write(&text, &value);
        (void)printf("ok %s\n", text.bytes);
    } else {
        (void)puts("ok");
    }
    jep_text_free(&text);
}

static void answer(struct adapter *a, char *line, struct jep_arena *arena)
{
    struct jep_step step;
    if (!parse(line, arena, &step)) {
        (void)puts("fail not understood");
        return;
    }
    const struct jep_workload *workload =
        strcmp(step.f, "txn") == 0 ? &jep_workload_append : &jep_workload_register;
    struct jep_call call = {.client = &a->client,
        .shared = &a->shared,
        .arena = arena,
        .rng = &a->rng,
        .watcher = &a->watcher,
        .step = &step,
        .type = JEP_OK,
        .value = step.value};
    workload->apply(&call);
    if (call.type == JEP_OK) {
        print_ok(&call);
    } else {
        (void)printf("%s %s\n", call.type == JEP_FAIL ? "fail" : "info",
            jep_edn_show(arena, &call.error, 300));
    }
}

/* --- the verb ---------------------------------------------------------------------------- */

static void find_nodes(struct adapter *a, char *list)
{
    static char endpoints[JEP_SITE_NODES_MAX][300];
    char *rest;
    for (char *at = strtok_r(list, ",", &rest); at != NULL && a->site.count < JEP_SITE_NODES_MAX;
         at = strtok_r(NULL, ",", &rest)) {
        char *endpoint = endpoints[a->site.count];
        if (strchr(at, ':') != NULL) {
            (void)snprintf(endpoint, sizeof(endpoints[0]), "%s", at);
        } else {
            (void)snprintf(endpoint, sizeof(endpoints[0]), "%s:%d", at, PORT);
        }
        a->site.nodes[a->site.count].name = endpoint;
        a->site.nodes[a->site.count].endpoint = endpoint;
        a->site.count++;
    }
}

int jep_verb_adapter(int argc, char **argv)
{
    static struct adapter a;
    static char line[LINE_BYTES_MAX], weft[4352];
    struct jep_run_options options;
    int exit_code;
    jep_run_options_init(&options);
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        return usage(argc < 2 ? stderr : stdout, argc < 2 ? JEP_EXIT_HARNESS : JEP_EXIT_VALID);
    }
    if (!jep_run_options_parse(argc - 1, argv + 1, &options, &exit_code)) {
        return exit_code;
    }
    if (options.identity == NULL) {
        return usage(stderr, JEP_EXIT_HARNESS);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)snprintf(weft, sizeof(weft), "%s/weft", options.bin);
    a.site = (struct jep_site){
        .weft = weft, .identity = options.identity, .prefix = "", .timeout_ms = options.timeout_ms};
    find_nodes(&a, argv[1]);
    (void)pthread_mutex_init(&a.shared.mutex, NULL);
    a.rng = jep_rng_stream(options.seed, "adapter");
    jep_client_init(&a.client, &a.site, 0, 0);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct jep_arena *arena = jep_arena_create();
        line[strcspn(line, "\r\n")] = '\0';
        answer(&a, line, arena);
        jep_arena_destroy(arena);
    }
    jep_client_close(&a.client);
    return JEP_EXIT_VALID;
}
