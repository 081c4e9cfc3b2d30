#include <stdio.h>
#include <string.h>

#include "ops/weft/args.h"

/* What scripts act on, and help: what every command shares. */

enum weft_exit weft_exit_of(enum weft_err err)
{
    switch (err) {
    case WEFT_OK:
        return WEFT_EXIT_DONE;
    case WEFT_ENOTFOUND:
    case WEFT_EBADSIG:
    case WEFT_ECORRUPT:
        return WEFT_EXIT_NO;
    case WEFT_EMALFORMED:
    case WEFT_EINVAL:
    case WEFT_EVERSION:
    case WEFT_ETOOBIG:
        return WEFT_EXIT_USAGE;
    case WEFT_EBUSY:
    case WEFT_ENOTLEADER:
    case WEFT_EUNAVAILABLE:
    case WEFT_ETIMEDOUT:
    case WEFT_ENOMEM:
    case WEFT_ENOSPC:
    case WEFT_EIO:
    case WEFT_ECLOSED:
    case WEFT_ERRS:
        return WEFT_EXIT_UNAVAILABLE;
    case WEFT_EREFUSED:
    case WEFT_EPEER:
        return WEFT_EXIT_REFUSED;
    case WEFT_ECONFLICT:
    case WEFT_ESTATE:
        return WEFT_EXIT_CONFLICT;
    }
    return WEFT_EXIT_UNAVAILABLE;
}

enum weft_exit weft_complain(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "weft: %s\n", msg->text);
    }
    return weft_exit_of(err);
}

/* `weft help`, `weft help put`, `weft pki --help`. */
enum weft_exit weft_cmd_help(const struct weft_args *args)
{
    char path[128] = "";
    if (args->operand_count == 0) {
        weft_args_help_all(stdout);
        return WEFT_EXIT_DONE;
    }
    for (int i = 0; i < args->operand_count; i++) {
        size_t used = strlen(path);
        (void)snprintf(
            path + used, sizeof(path) - used, "%s%.40s", i > 0 ? " " : "", args->operands[i]);
    }
    if (!weft_args_help(path, stdout)) {
        (void)fprintf(stderr, "weft: there is no command \"%s\"; weft --help lists them\n", path);
        return WEFT_EXIT_USAGE;
    }
    return WEFT_EXIT_DONE;
}
