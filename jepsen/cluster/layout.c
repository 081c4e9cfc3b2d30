#include "jepsen/cluster/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/files.h"
#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/process.h"

enum {
    PKI_MS = 30000,
    PATH_BYTES = 1024
};

static const char *const orgs[JEP_CLUSTERS_MAX] = {
    "oem.example", "supplier.example", "foundry.example"};
static const char *const sites[JEP_CLUSTERS_MAX] = {"plant1", "plant2", "plant3"};
static const char *const full[JEP_CLUSTERS_MAX] = {
    "oem.example/plant1", "supplier.example/plant2", "foundry.example/plant3"};

const char *const jep_layout_env[] = {
    "WEFT_CONFIG_DIR=/nonexistent", "WEFT_CONTEXT=", "HOME=/nonexistent", NULL};

const char *jep_layout_org(unsigned cluster)
{
    return orgs[cluster];
}

const char *jep_layout_site(unsigned cluster)
{
    return sites[cluster];
}

const char *jep_layout_full(unsigned cluster)
{
    return full[cluster];
}

/* What each site is governed by: clients may do anything, programs that come and go (keys-revoke)
 * write below gone/, but nobody writes below sealed/; other sites get what agreements give them. */
static bool make_site(const struct jep_plant_options *o, unsigned cluster, const char *pki,
    struct jep_message *message)
{
    char weft[PATH_BYTES], policy[PATH_BYTES], out[PATH_BYTES];
    struct jep_text text = {0};
    (void)snprintf(weft, sizeof(weft), "%s/weft", o->bin);
    (void)snprintf(policy, sizeof(policy), "%.1000s/policy", pki);
    (void)snprintf(out, sizeof(out), "%.1000s/site", pki);
    jep_text_printf(&text, "policy %s 1\n\ngroup gone =", sites[cluster]);
    for (unsigned i = 0; i < JEP_LAYOUT_GONE; i++) {
        jep_text_printf(&text, "%s svc %s/gone-%u", i > 0 ? "," : "", sites[cluster], i);
    }
    jep_text_printf(&text,
        "\n\npermit client\n  who  op %s/client\n  do   any\n\n"
        "permit everybody\n  who  any\n  do   read subscribe\n\n"
        "permit gone\n  who  gone\n  do   write create\n  on   asset gone/...\n\n"
        "forbid sealed\n  do   write create retire\n  on   asset sealed/...\n",
        sites[cluster]);
    jep_text_puts(&text, cluster == 0 ? jep_gates_policy(o) : "");
    for (unsigned c = 0; c < o->clusters; c++) {
        if (c != cluster) {
            jep_text_printf(
                &text, "\npermit %s\n  who  partner %s\n  do   share\n", sites[c], orgs[c]);
        }
    }
    bool is_written = jep_text_write_file(&text, policy, message);
    jep_text_free(&text);
    const char *const argv[] = {weft, "pki", "org", "--org", orgs[cluster], "--site",
        sites[cluster], "--admin", "client", "--policy", policy, "--clear", "--out", out, "-q",
        NULL};
    return is_written && jep_run(argv, jep_layout_env, PKI_MS, message);
}

bool jep_layout_authority(const struct jep_plant_options *options, unsigned cluster,
    char *ret_identity, size_t size, struct jep_message *message)
{
    char weft[PATH_BYTES], pki[PATH_BYTES];
    (void)snprintf(weft, sizeof(weft), "%s/weft", options->bin);
    (void)snprintf(pki, sizeof(pki), "%s/pki-%u", options->out, cluster + 1);
    (void)snprintf(ret_identity, size, "%s/client", pki);
    const char *const root[] = {
        weft, "pki", "init", "--org", orgs[cluster], "--pki", pki, "--force", "-q", NULL};
    const char *const client[] = {weft, "pki", "person", "client", "--site", sites[cluster],
        "--only", "tls", "--pki", pki, "--out", ret_identity, "--force", "-q", NULL};
    /* An earlier run's, whose site's keys are never made over. */
    return jep_files_remove(pki, message) && jep_run(root, jep_layout_env, PKI_MS, message) &&
           jep_run(client, jep_layout_env, PKI_MS, message) &&
           make_site(options, cluster, pki, message);
}

static void write_configuration(struct jep_text *text, const struct jep_plant_options *o,
    const struct jep_node_info *node, const char *const *peers, unsigned peers_count)
{
    jep_text_printf(text, "node:\n  name: %s\n  site: %s\n  org: %s\n  data: %s\n", node->name,
        sites[node->cluster], orgs[node->cluster], node->data);
    jep_text_printf(text, "  listen_peer: %s\n  listen_client: %s\n", node->peer, node->client);
    if (o->clusters > 1) {
        jep_text_printf(text,
            "  listen_partner: %s\npartner:\n  cert: partner/tls.crt\n  key: partner/tls.key\n",
            node->door);
    }
    jep_text_printf(text, "tls:\n  cert: tls/tls.crt\n  key: tls/tls.key\n  ca: tls/ca.crt\n");
    /* Small, so that checkpoints and trimming happen within a minute, and a disk is soon full. */
    jep_text_printf(text,
        "limits:\n  log_bytes: 64 MiB\n  cache_bytes: 16 MiB\n  memtable_bytes: 8 MiB\n"
        "  lineage_bytes: 64 MiB\n  checkpoint_entries: %u\n  trailing_entries: %u\n",
        o->checkpoint_entries, o->trailing_entries);
    if (o->election_ms != 0) {
        jep_text_printf(text, "timers:\n  election_ms: %u\n  heartbeat_ms: %u\n", o->election_ms,
            o->election_ms / 5);
    }
    if (peers_count > 0) {
        jep_text_puts(text, "peers:\n");
    }
    for (unsigned i = 0; i < peers_count; i++) {
        jep_text_printf(text, "  - %s\n", peers[i]);
    }
}

/* A build of before there was a policy knows no such setting, so it has a file of its own. */
static bool write_both(const struct jep_plant_options *o, const struct jep_node_info *node,
    const char *const *peers, unsigned peers_count, struct jep_message *message)
{
    static const char *const names[] = {"weftd-old.yaml", "weftd.yaml"};
    struct jep_text text = {0};
    char site[PATH_BYTES];
    bool is_written = true;
    (void)snprintf(site, sizeof(site), "%.900s/pki-%u/site", o->out, node->cluster + 1);
    for (unsigned i = 0; i < 2 && is_written; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/%s", node->home, names[i]);
        jep_text_free(&text);
        text = (struct jep_text){0};
        write_configuration(&text, o, node, peers, peers_count);
        if (i == 1 && o->old_bin != NULL) {
            jep_text_puts(&text, "policy: ungoverned\n");
        } else if (i == 1) {
            jep_text_printf(&text,
                "policy:\n  org: %s/org.note\n  file: %s/policy.note\n  keys: %s/keys\n", site,
                site, site);
        }
        is_written = jep_text_write_file(&text, path, message);
    }
    jep_text_free(&text);
    return is_written;
}

bool jep_layout_keys(const struct jep_plant_options *options, const struct jep_node_info *node,
    struct jep_message *message)
{
    char weft[PATH_BYTES], pki[PATH_BYTES], tls[PATH_BYTES], partner[PATH_BYTES];
    (void)snprintf(weft, sizeof(weft), "%s/weft", options->bin);
    (void)snprintf(pki, sizeof(pki), "%s/pki-%u", options->out, node->cluster + 1);
    (void)snprintf(tls, sizeof(tls), "%s/tls", node->home);
    (void)snprintf(partner, sizeof(partner), "%s/partner", node->home);
    const char *const argv[] = {weft, "pki", "node", node->name, "--site", sites[node->cluster],
        "--host", node->ip, "--pki", pki, "--out", tls, "--force", "-q", NULL};
    const char *const door[] = {weft, "pki", "partner", node->name, "--site", sites[node->cluster],
        "--host", node->ip, "--pki", pki, "--out", partner, "--force", "-q", NULL};
    return jep_run(argv, jep_layout_env, PKI_MS, message) &&
           (options->clusters == 1 || jep_run(door, jep_layout_env, PKI_MS, message));
}

bool jep_layout_node(const struct jep_plant_options *options, const struct jep_node_info *node,
    const char *const *peers, unsigned peers_count, struct jep_message *message)
{
    if (mkdir(node->home, 0755) != 0 && errno != EEXIST) {
        return jep_failed(message, "%s: %s", node->home, strerror(errno));
    }
    return jep_layout_keys(options, node, message) &&
           write_both(options, node, peers, peers_count, message);
}

bool jep_layout_test_build(
    const char *bin, const char *out, char *ret_bin, size_t size, struct jep_message *message)
{
    static const char *const names[][2] = {
        {"weftd_mutants", "weftd"}, {"weft", "weft"}, {"weft-gateway_mutants", "weft-gateway"}};
    char from[PATH_BYTES], to[PATH_BYTES];
    (void)snprintf(ret_bin, size, "%s/bin", out);
    bool is_made = mkdir(ret_bin, 0755) == 0 || errno == EEXIST;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && is_made; i++) {
        (void)snprintf(from, sizeof(from), "%s/%s", bin, names[i][0]);
        (void)snprintf(to, sizeof(to), "%s/bin/%s", out, names[i][1]);
        is_made = access(from, X_OK) == 0 && (unlink(to) == 0 || errno == ENOENT) &&
                  symlink(from, to) == 0;
    }
    return is_made || jep_failed(message, "%s: %s: a test build is wanted", from, strerror(errno));
}
