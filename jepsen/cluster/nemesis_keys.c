#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* New keys and certificates for nodes that run, by the product's own commands: `weft pki node`,
 * then SIGHUP. Seen to have happened where the node's client door shows the new certificate to
 * whoever connects: openssl(1) does, which is neither the product nor ours. */

enum {
    SERVED_MS = 8000, /* chosen: a busy machine; a reload takes milliseconds */
    CONNECT_MS = 2000,
    PEM_BYTES = 4096
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

JEP_ACT(stop_renew)
{
    struct jep_evidence e = {.arena = arena};
    (void)plan, (void)message;
    *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
    return true;
}

const struct jep_nemesis jep_nemeses_keys[] = {
    {"keys-renew", "keys", JEP_CAN_SIGNAL, JEP_NEMESIS_INSTANT, plan_renew, start_renew,
        stop_renew},
    {.name = NULL},
};
