#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/core/results.h"
#include "jepsen/report/report.h"
#include "jepsen/verbs.h"

static const char usage[] =
    "usage: jepsen report RUN...\n"
    "       jepsen report --index ROOT\n"
    "RUN is a directory with history.edn and results.edn: writes RUN/report.html, which needs\n"
    "nothing beside it. --index: writes ROOT/index.html over the runs in ROOT.\n";

int jep_verb_report(int argc, char **argv)
{
    struct jep_message message;
    bool is_index = argc == 3 && strcmp(argv[1], "--index") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return JEP_EXIT_VALID;
    }
    if (argc < 2 || (argv[1][0] == '-' && !is_index)) {
        (void)fputs(usage, stderr);
        return JEP_EXIT_HARNESS;
    }
    for (int i = is_index ? 2 : 1; i < argc; i++) {
        bool good =
            is_index ? jep_report_index(argv[i], &message) : jep_report_write(argv[i], &message);
        if (!good) {
            (void)fprintf(stderr, "jepsen report: %s\n", message.text);
            return JEP_EXIT_HARNESS;
        }
        (void)printf("%s/%s\n", argv[i], is_index ? "index.html" : "report.html");
    }
    return JEP_EXIT_VALID;
}
