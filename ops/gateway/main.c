/* weft-gateway: the program beside a machine that alone may move it. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/gateway/config.h"
#include "ops/gateway/gateway.h"
#include "ops/gateway/machine_sim.h"
#include "ops/gateway/machine_sparkplug.h"
#include "ops/gateway/plant_client.h"
#include "ops/weft/args.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/net.h"
#include "proto/time.h"

enum {
    TURN_MS = 1000,
    TIMEOUT_MS = 4000, /* chosen: of one request: a bundle is of no use behind 5 s */
    KEYS_SIZE_MAX = 16 * 1024 * 1024,
};

static const char help[] =
    "usage: weft-gateway --config FILE [--check-config]\n"
    "\n"
    "The program beside a machine that alone may move it. It dials out to its plant, carries out\n"
    "dispatches that prove themselves, and answers with signed receipts.\n"
    "\n"
    "  --config FILE   settings, YAML; annotated: ops/samples/gateway/gateway.yaml\n"
    "  --check-config  read them and all that they name, say what is wrong, and end\n"
    "  --version, --help\n"
    "\n"
    "Ends on SIGTERM and SIGINT. Its log goes to stderr, a line each. Exit: 0 ended as it was "
    "told\n"
    "to; 2 settings; 3 it cannot go on (its journal): start it again.\n";

static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
    (void)number;
    is_stopped = 1;
}

/* All that the gateway was set up with. */
struct program {
    struct weft_gateway_config *config;
    struct weft_principal self;
    struct weft_signer signer;
    struct weft_verifier logs[WEFT_GATEWAY_LOGS_MAX];
    struct weft_keyring ring;
    struct weft_proof_trust trust;
    struct weft_proof_seen seen;
    char origin[WEFT_PRINCIPAL_TEXT_SIZE];
    char stem[WEFT_PRINCIPAL_TEXT_SIZE];
    char names[WEFT_ACTOR_CHANNELS_MAX][WEFT_CHANNEL_SIZE_MAX + 1];
    char client_ids[WEFT_ACTOR_CHANNELS_MAX][WEFT_CHANNEL_SIZE_MAX + 1];
    char password[256];
    struct weft_machine_sparkplug_read reads[WEFT_ACTOR_CHANNELS_MAX][WEFT_GATEWAY_METRICS_MAX];
    struct weft_machine_sparkplug_write writes[WEFT_ACTOR_CHANNELS_MAX][WEFT_GATEWAY_METRICS_MAX];
    struct weft_net *net;
    struct weft_gateway *gateway;
    bool has_failed;
};

static void log_line(void *ctx, const char *level, const char *word, const char *text)
{
    struct timespec now;
    char time[WEFT_TIME_TEXT_SIZE];
    (void)ctx;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    weft_time_format(ms * 1000000, time);
    (void)fprintf(
        stderr, "%s %s event=%s%s%s\n", time, level, word, text[0] != '\0' ? " " : "", text);
}

static void on_end(void *ctx, enum weft_err err, const char *text)
{
    struct program *p = ctx;
    char line[600];
    (void)snprintf(line, sizeof(line), "err=%s %s; next=\"ends, to be started again\"",
        weft_err_name(err), text);
    log_line(p, "error", "journal-failed", line);
    p->has_failed = true;
}

/* --- what is trusted ------------------------------------------------------------------------- */

static enum weft_err read_keys(struct program *p, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = KEYS_SIZE_MAX};
    enum weft_err err = weft_files_read(p->config->trust.keys, &text, msg);
    if (err == WEFT_OK) {
        err = weft_keyring_decode(weft_buffer_as_text(&text), &p->ring, msg);
        err = err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "%s", p->config->trust.keys);
    }
    weft_buffer_destroy(&text);
    return err;
}

static enum weft_err read_logs(struct program *p, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < p->config->trust.logs_count && err == WEFT_OK; i++) {
        err = weft_verifier_parse(weft_text_of(p->config->trust.logs[i]), &p->logs[i], msg);
        if (err == WEFT_OK && strcmp(p->logs[i].name, p->origin) != 0) {
            err = weft_fail(msg, WEFT_EINVAL, "its name is not %s", p->origin);
        }
        for (uint32_t k = 0; k < i && err == WEFT_OK; k++) {
            if (weft_verifier_equal(&p->logs[i], &p->logs[k])) {
                err = weft_fail(msg, WEFT_EINVAL, "a node's key twice");
            }
        }
        err =
            err == WEFT_OK ? WEFT_OK : weft_wrap(msg, WEFT_EINVAL, "trust.logs, number %u", i + 1);
    }
    return err;
}

static enum weft_err read_signer(struct program *p, struct weft_msg *msg)
{
    static const struct weft_option passphrase = {"passphrase-file", 0, "FILE", ""};
    const char *file = p->config->gateway.passphrase_file;
    struct weft_args args = {.given_count = file != NULL ? 1 : 0};
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    args.given[0] = (struct weft_given){&passphrase, file};
    enum weft_err err = weft_keys_open(&args, p->config->gateway.key, &p->signer, msg);
    weft_principal_format(&p->self, name);
    return err == WEFT_OK && strcmp(p->signer.verifier.name, name) != 0
               ? weft_fail(msg, WEFT_EINVAL, "%s: not the key of %s", p->config->gateway.key, name)
               : err;
}

static enum weft_err read_password(struct program *p, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = sizeof(p->password) - 1};
    if (p->config->mqtt.password_file == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_files_read(p->config->mqtt.password_file, &text, msg);
    if (err == WEFT_OK) {
        (void)snprintf(
            p->password, sizeof(p->password), "%.*s", (int)text.size, (const char *)text.data);
        p->password[strcspn(p->password, "\r\n")] = '\0';
    }
    weft_buffer_destroy(&text);
    return err;
}

static enum weft_err read_trust(struct program *p, struct weft_msg *msg)
{
    const struct weft_gateway_config *c = p->config;
    enum weft_err err = weft_principal_make(
        WEFT_PRINCIPAL_GW, c->gateway.org, c->gateway.site, c->gateway.name, &p->self, msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(p->origin, sizeof(p->origin), "%s/%s/audit", p->self.org, p->self.site);
    (void)snprintf(p->stem, sizeof(p->stem), "%s/%s/", p->self.site, p->self.name);
    err = read_signer(p, msg);
    if (err == WEFT_OK) {
        err = read_logs(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_keys(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_password(p, msg);
    }
    p->trust = (struct weft_proof_trust){.seen = &p->seen,
        .origin = weft_text_of(p->origin),
        .logs = p->logs,
        .log_count = c->trust.logs_count,
        .log_needed = c->trust.needed,
        .ring = &p->ring,
        .ring_index = WEFT_KEYRING_FOR_EVER - 1,
        .gateway = &p->self};
    for (uint32_t i = 0; i < c->trust.approvals_count; i++) {
        p->trust.approvals_min[i] = (uint8_t)c->trust.approvals[i];
    }
    return err;
}

/* --- machines -------------------------------------------------------------------------------- */

static struct weft_text text_of(const char *text)
{
    return text != NULL ? weft_text_of(text) : WEFT_TEXT("");
}

static enum weft_err open_sim(
    struct program *p, uint32_t i, struct weft_machine **ret_machine, struct weft_msg *msg)
{
    const struct weft_gateway_sim_config *sim = p->config->channels[i].sim;
    const struct weft_machine_sim_options options = {.loop = &p->net->loop,
        .directory = sim->directory,
        .kind = text_of(sim->kind),
        .channel = i,
        .answer_ms = sim->answer_ms != 0 ? sim->answer_ms : WEFT_MACHINE_SIM_ANSWER_MS,
        .callbacks = weft_gateway_machine_callbacks(p->gateway)};
    return weft_machine_sim_open(&options, ret_machine, msg);
}

static enum weft_err open_sparkplug(
    struct program *p, uint32_t i, struct weft_machine **ret_machine, struct weft_msg *msg)
{
    const struct weft_gateway_sparkplug_config *spark = p->config->channels[i].sparkplug;
    const struct weft_gateway_config *c = p->config;
    for (uint32_t k = 0; k < spark->reads_count; k++) {
        p->reads[i][k] = (struct weft_machine_sparkplug_read){text_of(spark->reads[k].metric),
            text_of(spark->reads[k].path), text_of(spark->reads[k].unit)};
    }
    for (uint32_t k = 0; k < spark->writes_count; k++) {
        p->writes[i][k] = (struct weft_machine_sparkplug_write){text_of(spark->writes[k].verb),
            text_of(spark->writes[k].arg), text_of(spark->writes[k].metric),
            text_of(spark->writes[k].confirm)};
    }
    (void)snprintf(p->client_ids[i], sizeof(p->client_ids[i]), "weft-%s-%s", p->self.name,
        c->channels[i].machine);
    const struct weft_machine_sparkplug_options options = {.loop = &p->net->loop,
        .host = c->mqtt.host,
        .port = (uint16_t)c->mqtt.port,
        .client_id = p->client_ids[i],
        .ca_file = c->mqtt.ca,
        .cert_file = c->mqtt.cert,
        .key_file = c->mqtt.key,
        .username = c->mqtt.username,
        .password = p->password[0] != '\0' ? p->password : NULL,
        .host_id = text_of(c->mqtt.host_id),
        .group = text_of(spark->group),
        .node = text_of(spark->node),
        .device = text_of(spark->device),
        .shadow = text_of(spark->shadow),
        .reads = p->reads[i],
        .read_count = spark->reads_count,
        .writes = p->writes[i],
        .write_count = spark->writes_count,
        .channel = i,
        .answer_ms = spark->answer_ms != 0 ? spark->answer_ms : WEFT_MACHINE_SPARKPLUG_ANSWER_MS,
        .callbacks = weft_gateway_machine_callbacks(p->gateway)};
    return weft_machine_sparkplug_open(&options, ret_machine, msg);
}

static enum weft_err open_machines(struct program *p, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < p->config->channels_count && err == WEFT_OK; i++) {
        struct weft_machine *machine = NULL;
        err = p->config->channels[i].sim != NULL ? open_sim(p, i, &machine, msg)
                                                 : open_sparkplug(p, i, &machine, msg);
        if (err == WEFT_OK) {
            weft_gateway_set_machine(p->gateway, i, machine);
        } else {
            err = weft_wrap(msg, err, "channel %s", p->config->channels[i].machine);
        }
    }
    return err;
}

/* --- the plant ------------------------------------------------------------------------------- */

static enum weft_err open_plant(struct program *p, struct weft_msg *msg)
{
    struct weft_context context = {.endpoint_count = 0};
    struct weft_client *client = NULL;
    struct weft_plant *plant = NULL;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < p->config->plant.endpoints_count && err == WEFT_OK; i++) {
        err = weft_context_add_endpoints(&context, p->config->plant.endpoints[i], msg);
    }
    if (err == WEFT_OK) {
        err = weft_client_create(p->net, &context, TIMEOUT_MS, false, &client, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_plant_client_options options = {.net = p->net,
        .client = client,
        .channel_stem = weft_text_of(p->stem),
        .callbacks = weft_gateway_plant_callbacks(p->gateway)};
    err = weft_plant_client_open(&options, &plant, msg);
    if (err != WEFT_OK) {
        weft_client_destroy(client);
        return err;
    }
    weft_gateway_set_plant(p->gateway, plant);
    return WEFT_OK;
}

static enum weft_err open_gateway(struct program *p, struct weft_msg *msg)
{
    struct weft_gateway_channel channels[WEFT_ACTOR_CHANNELS_MAX];
    const struct weft_gateway_config *c = p->config;
    for (uint32_t i = 0; i < c->channels_count; i++) {
        const struct weft_gateway_channel_config *channel = &c->channels[i];
        uint64_t lost_s = channel->lost_s != 0 ? channel->lost_s : WEFT_GATEWAY_LOST_S;
        (void)snprintf(p->names[i], sizeof(p->names[i]), "%s%s", p->stem, channel->machine);
        channels[i] = (struct weft_gateway_channel){.name = weft_text_of(p->names[i]),
            .asset = text_of(channel->asset),
            .lost_ms = lost_s * 1000,
            .show_ms = (uint64_t)channel->show_s * 1000};
    }
    const struct weft_gateway_options options = {.loop = &p->net->loop,
        .directory = c->gateway.data,
        .trust = &p->trust,
        .signer = &p->signer,
        .channels = channels,
        .channel_count = c->channels_count,
        .on_log = log_line,
        .on_end = on_end,
        .ctx = p};
    return weft_gateway_open(&options, &p->gateway, msg);
}

/* --- life ------------------------------------------------------------------------------------ */

static enum weft_err run(struct program *p, struct weft_msg *msg)
{
    enum weft_err err = weft_net_open(p->config->plant.identity, &p->net, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = open_gateway(p, msg);
    if (err == WEFT_OK) {
        err = open_machines(p, msg);
        if (err == WEFT_OK) {
            err = open_plant(p, msg);
        }
        if (err == WEFT_OK) {
            log_line(p, "info", "started", p->stem);
        }
        while (err == WEFT_OK && !is_stopped && !p->has_failed) {
            weft_net_turn(p->net, TURN_MS);
        }
        weft_gateway_close(p->gateway);
    }
    weft_net_close(p->net);
    return err;
}

static int work(struct program *p, const char *path, bool is_check)
{
    struct weft_msg msg = {""};
    enum weft_err err = weft_gateway_config_load(path, &p->config, &msg);
    if (err == WEFT_OK) {
        err = read_trust(p, &msg);
    }
    if (err == WEFT_OK && is_check) {
        (void)printf("%s: %u channels, %u keys of persons and programs, %u of nodes\n", path,
            p->config->channels_count, p->ring.count, p->config->trust.logs_count);
    } else if (err == WEFT_OK) {
        err = run(p, &msg);
    }
    weft_signer_wipe(&p->signer);
    weft_keyring_destroy(&p->ring);
    weft_gateway_config_destroy(p->config);
    return p->has_failed ? (int)WEFT_EXIT_UNAVAILABLE : (int)weft_complain(err, &msg);
}

int main(int argc, char **argv)
{
    static struct program program;
    const char *config = NULL;
    bool is_check = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            config = argv[++i];
        } else if (strcmp(argv[i], "--check-config") == 0) {
            is_check = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            (void)puts("weft-gateway " WEFT_VERSION);
            return WEFT_EXIT_DONE;
        } else if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(help, stdout);
            return WEFT_EXIT_DONE;
        } else {
            (void)fprintf(stderr, "weft-gateway: %s: what is that?\n%s", argv[i], help);
            return WEFT_EXIT_USAGE;
        }
    }
    if (config == NULL) {
        (void)fputs(help, stderr);
        return WEFT_EXIT_USAGE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    return work(&program, config, is_check);
}
