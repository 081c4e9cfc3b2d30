/* weft: the command to operate a site. Each command is a row of commands.c and a function. */
#include <signal.h>
#include <stdio.h>

#include "ops/weft/args.h"

int main(int argc, char **argv)
{
    struct weft_args args;
    struct weft_msg msg = {""};
    /* A reader that closes the pipe early is seen as a failed write. */
    (void)signal(SIGPIPE, SIG_IGN);
    enum weft_err err = weft_args_parse(argc, argv, &args, &msg);
    if (err != WEFT_OK) {
        return (int)weft_complain(err, &msg);
    }
    enum weft_exit result;
    if (weft_args_wants_version(&args)) {
        (void)puts("weft " WEFT_VERSION);
        result = WEFT_EXIT_DONE;
    } else if (args.command != NULL && weft_args_has(&args, "help")) {
        (void)weft_args_help(args.command->path, stdout);
        result = WEFT_EXIT_DONE;
    } else if (args.command != NULL) {
        result = args.command->run(&args);
    } else if (weft_args_has(&args, "help")) {
        result = weft_cmd_help(&args);
    } else {
        weft_args_help_all(stderr);
        result = WEFT_EXIT_USAGE;
    }
    weft_args_destroy(&args);
    return (int)result;
}
