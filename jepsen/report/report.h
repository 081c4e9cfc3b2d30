/* jepsen/report/report.h: a run as one page that needs nothing beside it, and an index over runs.
 * What a page shows is told in README.md. */
#ifndef WEFT_JEPSEN_REPORT_REPORT_H
#define WEFT_JEPSEN_REPORT_REPORT_H

#include <stdbool.h>

#include "jepsen/core/text.h"

/* RUN/report.html from RUN/history.edn and, if it is there, RUN/results.edn. False: no history that
 * can be read, or the page cannot be written. */
bool jep_report_write(const char *run, struct jep_message *message)
    __attribute__((warn_unused_result));

/* ROOT/index.html over the directories of ROOT that hold a results.edn, the newest first. */
bool jep_report_index(const char *root, struct jep_message *message)
    __attribute__((warn_unused_result));

#endif
