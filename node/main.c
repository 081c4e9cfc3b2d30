/* weftd: one node of a site. Everything but the command line is in node/node.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/config.h"
#include "node/node.h"
#include "node/offline.h"

enum {
    OPT_CONFIG = 256,
    OPT_CHECK_CONFIG,
    OPT_BOOTSTRAP,
    OPT_UNGOVERNED,
    OPT_JOIN,
    OPT_DROP_DAMAGED_LOG,
    OPT_RESTORE,
    OPT_CHECK_DATA,
    OPT_RECOVER,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"check-config", required_argument, NULL, OPT_CHECK_CONFIG},
    {"bootstrap", no_argument, NULL, OPT_BOOTSTRAP},
    {"ungoverned", no_argument, NULL, OPT_UNGOVERNED},
    {"join", required_argument, NULL, OPT_JOIN},
    {"drop-damaged-log", no_argument, NULL, OPT_DROP_DAMAGED_LOG},
    {"restore", required_argument, NULL, OPT_RESTORE},
    {"check-data", required_argument, NULL, OPT_CHECK_DATA},
    {"recover", no_argument, NULL, OPT_RECOVER},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void help(void)
{
    (void)puts(
        "weftd - a node of a Weft site\n"
        "\n"
        "    weftd --config FILE                     start; the data directory says what it is\n"
        "    weftd --config FILE --bootstrap         first start of the first node of a site: its\n"
        "                                            configuration names what governs it\n"
        "    weftd --config FILE --bootstrap --ungoverned\n"
        "                                            the same without a policy, for ever: if the\n"
        "                                            configuration says `policy: ungoverned`\n"
        "    weftd --config FILE --join HOST:PORT    first start of a further node, or of one\n"
        "                                            whose disk was lost: the client door of\n"
        "                                            any node of the site\n"
        "    weftd --check-config FILE               check a configuration file and print it\n"
        "\n"
        "With the node stopped:\n"
        "    weftd --check-data DIR                  read a data directory whole, change nothing\n"
        "    weftd --config FILE --restore BACKUP    a new site from a backup, with this node as\n"
        "                                            its first\n"
        "    weftd --config FILE --recover           quorum is lost for good: go on as the only\n"
        "                                            voter. Acknowledged commits that only the\n"
        "                                            lost nodes had are gone\n"
        "    weftd --config FILE --drop-damaged-log  start although the Raft log is damaged: cut\n"
        "                                            it at the damage. Read\n"
        "                                            ops/runbooks/corrupted-log.md first\n"
        "\n"
        "SIGTERM hands leadership over and stops; SIGHUP reads log.level and certificates\n"
        "again. Exit codes: 0 stopped, 1 failed (the log says why), 2 wrong usage or\n"
        "configuration.\n"
        "\n"
        "Configuration file:\n");
    weft_config_help(stdout);
}

static int check_config(const char *path)
{
    struct weft_config config;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_config_load(path, &config, &msg);
    if (rv == WEFT_OK) {
        rv = weft_config_check_files(&config, &msg);
    }
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "weftd: %s\n", msg.text);
        return 2;
    }
    weft_config_print(&config, stdout);
    return 0;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "weftd: %s; see weftd --help\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    struct weft_node_options node = {.start = WEFT_START_NORMAL};
    const char *restore = NULL;
    bool recover = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPT_CONFIG:
            node.config_path = optarg;
            break;
        case OPT_CHECK_CONFIG:
            return check_config(optarg);
        case OPT_BOOTSTRAP:
            node.start = WEFT_START_BOOTSTRAP;
            break;
        case OPT_UNGOVERNED:
            node.ungoverned = true;
            break;
        case OPT_JOIN:
            node.start = WEFT_START_JOIN;
            node.join_endpoint = optarg;
            break;
        case OPT_DROP_DAMAGED_LOG:
            node.drop_damaged_log = true;
            break;
        case OPT_RESTORE:
            restore = optarg;
            break;
        case OPT_CHECK_DATA:
            return weft_offline_check_data(optarg);
        case OPT_RECOVER:
            recover = true;
            break;
        case OPT_HELP:
            help();
            return 0;
        case OPT_VERSION:
            (void)puts("weftd " WEFT_VERSION);
            return 0;
        default:
            return usage("unknown or incomplete option");
        }
    }
    if (optind != argc) {
        return usage("too many arguments");
    }
    if (node.config_path == NULL) {
        return usage("--config FILE is missing");
    }
    if (node.ungoverned && node.start != WEFT_START_BOOTSTRAP) {
        return usage("--ungoverned goes with --bootstrap");
    }
    if (restore != NULL) {
        return weft_offline_restore(node.config_path, restore);
    }
    if (recover) {
        return weft_offline_recover(node.config_path);
    }
    return weft_node_run(&node);
}
