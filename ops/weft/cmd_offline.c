#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ops/weft/args.h"
#include "ops/weft/backup.h"
#include "ops/weft/files.h"
#include "ops/weft/offline.h"

enum {
    ARGUMENTS_MAX = 8,
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
};

enum weft_exit weft_offline_run(const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"weftd"};
    char program[WEFT_FILES_PATH_SIZE];
    for (int i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++) {
        argv[i + 1] = (char *)arguments[i]; /* execv does not write to them. */
    }
    (void)fflush(NULL);
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 16);
    program[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL) {
        memcpy(slash + 1, "weftd", sizeof("weftd"));
        (void)execv(program, argv);
    }
    (void)execvp("weftd", argv);
    (void)fprintf(
        stderr, "weft: weftd is neither at %s nor in PATH: %s\n", program, strerror(errno));
    return WEFT_EXIT_UNAVAILABLE;
}

static const char *config_of(const struct weft_args *args)
{
    const char *config = weft_args_text(args, "config", NULL);
    if (config == NULL) {
        (void)fprintf(stderr, "weft: %s needs --config FILE, the configuration of the node\n",
            args->command->path);
    }
    return config;
}

enum weft_exit weft_cmd_restore(const struct weft_args *args)
{
    const char *config = config_of(args);
    if (config == NULL) {
        return WEFT_EXIT_USAGE;
    }
    const char *const arguments[] = {"--config", config, "--restore", args->operands[0], NULL};
    return weft_offline_run(arguments);
}

/* A backup is checked here: it is no node's directory, and needs neither log nor state opened. */
static enum weft_exit check_backup(const char *directory)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_manifest manifest;
    struct weft_msg msg;
    enum weft_err err = weft_backup_check(directory, &manifest, &arena, &msg);
    if (err == WEFT_OK) {
        (void)printf("backup of site %.*s at index %" PRIu64 ": %u files, all good\n",
            (int)manifest.site.size, manifest.site.data, manifest.index, manifest.file_count);
    }
    weft_arena_destroy(&arena);
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_check_data(const struct weft_args *args)
{
    const char *const arguments[] = {"--check-data", args->operands[0], NULL};
    char path[WEFT_FILES_PATH_SIZE];
    struct weft_msg msg;
    if (weft_files_join(args->operands[0], "manifest", path, &msg) == WEFT_OK &&
        weft_files_exists(path)) {
        return check_backup(args->operands[0]);
    }
    return weft_offline_run(arguments);
}

enum weft_exit weft_cmd_member_recover(const struct weft_args *args)
{
    const char *config = config_of(args);
    if (config == NULL) {
        return WEFT_EXIT_USAGE;
    }
    if (!weft_args_has(args, "yes")) {
        (void)fprintf(stderr,
            "weft: member recover makes the node of %s the only voter of its site.\n"
            "  What the lost nodes alone had acknowledged is gone for good.\n"
            "  None of the other nodes may ever start again with the data it has: the site\n"
            "  would then have two histories.\n"
            "  Use the node that is furthest (weft check-data on each). Then: --yes\n",
            config);
        return WEFT_EXIT_USAGE;
    }
    const char *const arguments[] = {"--config", config, "--recover", NULL};
    return weft_offline_run(arguments);
}
