#include "jepsen/cluster/accord.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/parts.h"

enum {
    COMMAND_MS = 30000,
    PATH_BYTES = JEP_PART_PATH_BYTES + 64,
    VKEY_BYTES_MAX = 65536,
    WORDS_MAX = 32
};

static void site_path(
    const struct jep_plant *plant, unsigned cluster, const char *file, char ret_path[PATH_BYTES])
{
    (void)snprintf(ret_path, PATH_BYTES, "%.400s/pki-%u/%s", plant->out, cluster + 1, file);
}

const char *jep_accord_name(unsigned cluster)
{
    static const char *const names[JEP_CLUSTERS_MAX] = {"", "accord-2", "accord-3"};
    return names[cluster];
}

static bool is_partner(unsigned a, unsigned b)
{
    return a != b && (a == 0 || b == 0);
}

unsigned jep_accord_door(const struct jep_plant *plant, unsigned cluster)
{
    unsigned node = 0;
    while (node + 1 < plant->count && (plant->parts[node].info.cluster != cluster ||
                                          jep_node_state(plant, node) != JEP_NODE_UP)) {
        node++;
    }
    return node;
}

/* --- who is who -------------------------------------------------------------------------- */

/* vkeys of all nodes of the site, in one file; behind those that it has, if they are kept. */
static bool write_keys(
    struct jep_plant *plant, unsigned cluster, bool is_kept, struct jep_message *message)
{
    struct jep_text all = {0};
    char path[PATH_BYTES];
    site_path(plant, cluster, "vkeys", path);
    bool is_read = !is_kept || jep_text_read_file(&all, path, VKEY_BYTES_MAX, message);
    for (unsigned i = 0; i < plant->count && is_read; i++) {
        const struct jep_part *p = &plant->parts[i];
        struct jep_text one = {0};
        if (p->info.cluster == cluster) {
            (void)snprintf(path, sizeof(path), "%s/tls/log.vkey", p->home);
            is_read = jep_text_read_file(&one, path, VKEY_BYTES_MAX, message);
            jep_text_add(&all, one.bytes, one.size);
        }
        jep_text_free(&one);
    }
    site_path(plant, cluster, "vkeys", path);
    is_read = is_read && jep_text_write_file(&all, path, message);
    jep_text_free(&all);
    return is_read;
}

static bool tell_of_itself(
    const struct jep_plant *plant, unsigned cluster, struct jep_message *message)
{
    char keys[PATH_BYTES];
    site_path(plant, cluster, "vkeys", keys);
    const char *const add[] = {
        "partner", "add", jep_layout_full(cluster), "--keys", keys, "-q", NULL};
    return jep_part_weft(plant, jep_accord_door(plant, cluster), add, COMMAND_MS, message);
}

static bool tell_of_keys(
    const struct jep_plant *plant, unsigned cluster, unsigned other, struct jep_message *message)
{
    char keys[PATH_BYTES];
    site_path(plant, other, "vkeys", keys);
    const char *const add[] = {
        "partner", "add", jep_layout_full(other), "--keys", keys, "-q", NULL};
    return jep_part_weft(plant, jep_accord_door(plant, cluster), add, COMMAND_MS, message);
}

static bool tell_of_partner(
    const struct jep_plant *plant, unsigned cluster, unsigned other, struct jep_message *message)
{
    char keys[PATH_BYTES], org[PATH_BYTES], ca[PATH_BYTES];
    const char *words[WORDS_MAX] = {
        "partner", "add", jep_layout_full(other), "--org", org, "--keys", keys, "--ca", ca, "-q"};
    size_t count = 10;
    site_path(plant, other, "vkeys", keys);
    site_path(plant, other, "site/org.note", org);
    site_path(plant, other, "ca.crt", ca);
    for (unsigned i = 0; i < plant->count && count + 3 < WORDS_MAX; i++) {
        if (plant->parts[i].info.cluster == other) {
            words[count++] = "--partner-endpoint";
            words[count++] = plant->parts[i].door;
        }
    }
    words[count] = NULL;
    return jep_part_weft(plant, jep_accord_door(plant, cluster), words, COMMAND_MS, message);
}

bool jep_accords_rekey(struct jep_plant *plant, unsigned cluster, struct jep_message *message)
{
    bool is_told =
        write_keys(plant, cluster, true, message) && tell_of_itself(plant, cluster, message);
    for (unsigned c = 0; c < plant->options.clusters && is_told; c++) {
        is_told = !is_partner(c, cluster) || tell_of_keys(plant, c, cluster, message);
    }
    return is_told;
}

/* --- what they agree on ------------------------------------------------------------------ */

static unsigned threshold(const struct jep_plant *plant, unsigned cluster)
{
    return jep_plant_nodes_of(&plant->options, cluster) / 2 + 1;
}

static void put_provider(struct jep_text *text, const struct jep_plant *plant, unsigned cluster)
{
    jep_text_printf(text,
        "provider %s\n  threshold %u\n  kind inspection disclosed\n"
        "  mask inspection committed @author\n  mask inspection hidden cost\n  depth any\n\n",
        jep_layout_full(cluster), threshold(plant, cluster));
}

static bool write_draft(
    const struct jep_plant *plant, unsigned cluster, const char *path, struct jep_message *message)
{
    struct jep_text text = {0};
    jep_text_printf(&text,
        "party %s\nparty %s\n\ncell inspection JOIN verdict\ncell inspection UNION *\n\n",
        jep_layout_full(0), jep_layout_full(cluster));
    put_provider(&text, plant, 0);
    put_provider(&text, plant, cluster);
    bool is_written = jep_text_write_file(&text, path, message);
    jep_text_free(&text);
    return is_written;
}

/* The first site offers, the other signs, both bring it in. */
static bool agree(struct jep_plant *plant, unsigned cluster, struct jep_message *message)
{
    const char *name = jep_accord_name(cluster);
    char weft[PATH_BYTES], draft[PATH_BYTES], offer[PATH_BYTES], note[PATH_BYTES];
    char orgs[2][PATH_BYTES], keys[2][2][PATH_BYTES];
    const unsigned sides[] = {0, cluster};
    (void)snprintf(weft, sizeof(weft), "%s/weft", plant->bin);
    (void)snprintf(draft, sizeof(draft), "%.400s/%s.draft", plant->out, name);
    (void)snprintf(offer, sizeof(offer), "%.400s/%s.offer", plant->out, name);
    (void)snprintf(note, sizeof(note), "%.400s/%s.agreement", plant->out, name);
    for (unsigned s = 0; s < 2; s++) {
        site_path(plant, sides[s], "site/org.note", orgs[s]);
        site_path(plant, sides[s], "site/roots/a.key", keys[s][0]);
        site_path(plant, sides[s], "site/roots/b.key", keys[s][1]);
    }
    (void)unlink(offer);
    (void)unlink(note);
    const char *const propose[] = {weft, "partner", "propose", name, draft, "--org", orgs[0],
        "--org", orgs[1], "--key", keys[0][0], "--key", keys[0][1], "--yes", "--out", offer, "-q",
        NULL};
    const char *const sign[] = {weft, "partner", "sign", offer, "--org", orgs[0], "--org", orgs[1],
        "--key", keys[1][0], "--key", keys[1][1], "--yes", "--out", note, "-q", NULL};
    const char *const apply[] = {"partner", "apply", note, "-q", NULL};
    return write_draft(plant, cluster, draft, message) &&
           jep_run(propose, jep_layout_env, COMMAND_MS, message) &&
           jep_run(sign, jep_layout_env, COMMAND_MS, message) &&
           jep_part_weft(plant, jep_accord_door(plant, 0), apply, COMMAND_MS, message) &&
           jep_part_weft(plant, jep_accord_door(plant, cluster), apply, COMMAND_MS, message);
}

bool jep_accords_make(struct jep_plant *plant, struct jep_message *message)
{
    const unsigned clusters = plant->options.clusters;
    for (unsigned c = 0; c < clusters && clusters > 1; c++) {
        if (!write_keys(plant, c, false, message) || !tell_of_itself(plant, c, message)) {
            return false;
        }
    }
    for (unsigned c = 0; c < clusters; c++) {
        for (unsigned other = 0; other < clusters; other++) {
            if (is_partner(c, other) && !tell_of_partner(plant, c, other, message)) {
                return false;
            }
        }
    }
    for (unsigned c = 1; c < clusters; c++) {
        if (!agree(plant, c, message)) {
            return false;
        }
    }
    return true;
}
