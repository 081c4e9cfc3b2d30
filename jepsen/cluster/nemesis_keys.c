#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* Keys come and go, by the product's own commands.
 *
 * keys-renew: new keys and certificates for nodes that run: `weft pki node`, then SIGHUP. Seen to
 * have happened where the node's client door shows the new certificate to whoever connects:
 * openssl(1) does, which is neither the product nor ours.
 *
 * keys-revoke: a program is given a key, its token is used at every node, the key is revoked, the
 * token is used again. Seen to have happened where it counted before and was refused after; that it
 * counted after is for the judge (check/keys.c). */

enum {
    SERVED_MS = 8000, /* chosen: a busy machine; a reload takes milliseconds */
    CONNECT_MS = 2000,
    PEM_BYTES = 4096,
    COMMAND_MS = 2000, /* chosen: an election and some; at most a dozen of them in a start */
    PATH_BYTES = 1200,
    DONE = 0,
    REFUSED = 4, /* exit codes of weft */
};

/* --- plan -------------------------------------------------------------------------------- */

JEP_PLAN(plan_renew)
{
    struct jep_edn_list map = {0};
    bool is_all = jep_rng_chance(rng, 1, 2);
    jep_aim_nodes(&map, rng, shape, is_all ? JEP_TARGET_ALL : JEP_TARGET_ONE, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

/* --- what a node shows ------------------------------------------------------------------- */

/* The first certificate in a text, as its lines stand there. False: there is none. */
static bool first_certificate(const char *text, char *ret_pem, size_t size)
{
    static const char last[] = "-----END CERTIFICATE-----";
    const char *begin = text != NULL ? strstr(text, "-----BEGIN CERTIFICATE-----") : NULL;
    const char *end = begin != NULL ? strstr(begin, last) : NULL;
    if (end == NULL || (size_t)(end - begin) + sizeof(last) > size) {
        return false;
    }
    size_t bytes = (size_t)(end - begin) + sizeof(last) - 1;
    memcpy(ret_pem, begin, bytes);
    ret_pem[bytes] = 0;
    return true;
}

static bool read_certificate(const struct jep_part *p, char *ret_pem, size_t size)
{
    char path[JEP_PART_PATH_BYTES + 16], text[2 * PEM_BYTES] = "";
    (void)snprintf(path, sizeof(path), "%s/tls/tls.crt", p->home);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    (void)fclose(file);
    return first_certificate(text, ret_pem, size);
}

struct served {
    const struct jep_part *part;
    char wanted[PEM_BYTES];
};

/* Whoever comes without a certificate is shown the node's before it is sent away. */
static bool is_served(void *ctx)
{
    const struct served *s = ctx;
    const char *const argv[] = {"/usr/bin/openssl", "s_client", "-connect", s->part->client, NULL};
    struct jep_capture capture;
    struct jep_message ignored;
    char shown[PEM_BYTES] = "";
    if (!jep_capture_start(&capture, argv, NULL, NULL, &ignored)) {
        return false;
    }
    (void)jep_capture_finish(&capture, jep_now_ns() + CONNECT_MS * (int64_t)1000000);
    bool is_shown = first_certificate(capture.stdout_text.bytes, shown, sizeof(shown));
    jep_capture_free(&capture);
    return is_shown && strcmp(shown, s->wanted) == 0;
}

/* --- acting ------------------------------------------------------------------------------ */

JEP_ACT(start_renew)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL), renewed = 0, served = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        struct served s = {.part = p};
        char before[PEM_BYTES] = "";
        if ((nodes >> i & 1) == 0 || jep_node_state(plant, i) != JEP_NODE_UP) {
            continue;
        }
        (void)read_certificate(p, before, sizeof(before));
        if (!jep_layout_keys(&plant->options, &p->info, message)) {
            return false;
        }
        bool is_new = read_certificate(p, s.wanted, sizeof(s.wanted)) && before[0] != 0 &&
                      strcmp(before, s.wanted) != 0;
        (void)kill(p->pid, SIGHUP);
        renewed++;
        served += is_new && jep_part_wait(is_served, &s, SERVED_MS);
    }
    jep_evidence_int(&e, "renewed", renewed);
    jep_evidence_int(&e, "serve-new-certificate", served);
    *ret_value = jep_effect_told(
        plant, nodes, renewed > 0 && served == renewed ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

JEP_ACT(stop_nothing)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan, (void)message;
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

/* --- a key that is revoked --------------------------------------------------------------- */

JEP_PLAN(plan_revoke)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ONE, arena, NULL); /* where it is revoked */
    return jep_edn_take_map(&map, arena);
}

static unsigned names_used; /* of JEP_LAYOUT_GONE; each has one key, ever */

struct gone {
    struct jep_plant *plant;
    unsigned cluster, at; /* node that is asked to enroll, revoke and write */
    char name[32], principal[64], directory[PATH_BYTES], key[PATH_BYTES + 16];
    char admin[PATH_BYTES], token[PATH_BYTES + 16], record[PATH_BYTES + 16], asset[64];
};

static int ask(const struct gone *g, unsigned node, const char *const *arguments)
{
    return jep_part_ask(g->plant, node, arguments, COMMAND_MS);
}

/* By the node's own clock, which is ahead of ours. */
static bool make_token(const struct gone *g, const char *weft, struct jep_message *message)
{
    const struct jep_wish *wish = &g->plant->parts[g->at].wish;
    const char *const argv[] = {
        weft, "token", "--key", g->key, "--for", "1h", "-o", "table", "-q", NULL};
    char preload[JEP_PART_PATH_BYTES + 64];
    const char *const env[] = {preload, wish->clock_env, NULL};
    struct jep_capture capture;
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/libjepsen_clock.so", g->plant->shims);
    if (!jep_capture_start(
            &capture, argv, g->plant->shims[0] != 0 ? env : jep_layout_env, NULL, message)) {
        return false;
    }
    bool is_made = jep_capture_finish(&capture, jep_now_ns() + CONNECT_MS * (int64_t)1000000) == 0;
    is_made = is_made && jep_text_write_file(&capture.stdout_text, g->token, message);
    jep_capture_free(&capture);
    return is_made || jep_failed(message, "no token of %s", g->name);
}

/* Key, token and a record, as files. */
static bool make_key(struct gone *g, struct jep_message *message)
{
    char weft[JEP_PART_PATH_BYTES + 16], pki[PATH_BYTES];
    struct jep_text text = {0};
    (void)snprintf(weft, sizeof(weft), "%s/weft", g->plant->bin);
    (void)snprintf(pki, sizeof(pki), "%.900s/pki-%u", g->plant->options.out, g->cluster + 1);
    (void)snprintf(g->name, sizeof(g->name), "gone-%u", names_used++);
    (void)snprintf(g->principal, sizeof(g->principal), "svc/%s", g->name);
    (void)snprintf(g->asset, sizeof(g->asset), "gone/%s", g->name);
    (void)snprintf(g->directory, sizeof(g->directory), "%.900s/%s", pki, g->name);
    (void)snprintf(g->admin, sizeof(g->admin), "%.900s/site/admins/client.key", pki);
    (void)snprintf(g->key, sizeof(g->key), "%s/note.key", g->directory);
    (void)snprintf(g->token, sizeof(g->token), "%s/token", g->directory);
    (void)snprintf(g->record, sizeof(g->record), "%s/record", g->directory);
    const char *const service[] = {weft, "pki", "service", g->name, "--org",
        jep_layout_org(g->cluster), "--site", jep_layout_site(g->cluster), "--only", "note",
        "--out", g->directory, "-q", NULL};
    jep_text_printf(&text, "{\"kind\": \"jepsen.gone\", \"asset\": \"%s\"}\n", g->asset);
    bool is_made = jep_run(service, jep_layout_env, CONNECT_MS, message) &&
                   make_token(g, weft, message) && jep_text_write_file(&text, g->record, message);
    jep_text_free(&text);
    return is_made;
}

/* By the token: a write where the others are asked, and a read at every node that is up. */
static void use(const struct gone *g, int64_t *ret_done, int64_t *ret_refused)
{
    const char *const put[] = {"put", g->record, "--token", g->token, NULL};
    const char *const get[] = {"get", g->asset, "--token", g->token, NULL};
    int code = ask(g, g->at, put);
    *ret_done = code == DONE;
    *ret_refused = code == REFUSED;
    for (unsigned i = 0; i < g->plant->count; i++) {
        if (g->plant->parts[i].info.cluster != g->cluster || !jep_node_is_member(g->plant, i) ||
            jep_node_state(g->plant, i) != JEP_NODE_UP) {
            continue;
        }
        code = ask(g, i, get);
        *ret_done += code == DONE;
        *ret_refused += code == REFUSED;
    }
}

static bool skip(
    struct jep_plant *plant, struct jep_arena *arena, struct jep_edn *ret_value, const char *why)
{
    *ret_value = jep_effect_skipped(plant, arena, why);
    return true;
}

JEP_ACT(start_revoke)
{
    struct jep_evidence e = {.arena = arena};
    unsigned nodes = jep_effect_nodes(plant, plan, NULL);
    int64_t done = 0, refused = 0;
    if (plant->old_bin[0] != 0) {
        return skip(plant, arena, ret_value, "builds from before there were keys are among them");
    }
    if (nodes == 0 || names_used >= JEP_LAYOUT_GONE) {
        return skip(plant, arena, ret_value, "no name, or no node, is left");
    }
    struct gone g = {.plant = plant, .at = (unsigned)__builtin_ctz(nodes)};
    g.cluster = plant->parts[g.at].info.cluster;
    if (!make_key(&g, message)) {
        return false;
    }
    const char *const enroll[] = {"pki", "enroll", g.key, "--key", g.admin, NULL};
    const char *const revoke[] = {
        "pki", "revoke", g.principal, "--key", g.admin, "--reason", "a trial", NULL};
    bool is_enrolled = ask(&g, g.at, enroll) == DONE;
    if (is_enrolled) {
        use(&g, &done, &refused);
    }
    jep_evidence_bool(&e, "enrolled", is_enrolled);
    jep_evidence_int(&e, "accepted-before", done);
    bool was_known = done > 0, is_revoked = is_enrolled && ask(&g, g.at, revoke) == DONE;
    done = refused = 0;
    if (is_revoked) {
        use(&g, &done, &refused);
    }
    jep_evidence_int(&e, "revoked", is_revoked);
    jep_evidence_int(&e, "accepted-after", done);
    jep_evidence_int(&e, "refused-after", refused);
    *ret_value =
        jep_effect_told(plant, 0, was_known && refused > 0 ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    return true;
}

const struct jep_nemesis jep_nemeses_keys[] = {
    {"keys-renew", "keys", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_renew, start_renew,
        stop_nothing},
    {"keys-revoke", "keys", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_revoke, start_revoke,
        stop_nothing},
    {.name = NULL},
};
