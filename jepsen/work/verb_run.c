#include <stdio.h>
#include <string.h>

#include "jepsen/verbs.h"
#include "jepsen/work/run.h"

int jep_verb_run(int argc, char **argv)
{
    struct jep_run_options options;
    int exit_code;
    jep_run_options_init(&options);
    if (!jep_run_options_parse(argc, argv, &options, &exit_code)) {
        return exit_code;
    }
    return (int)jep_run_options_play(&options);
}
