/* jepsen/work/accounts.h: at the end of a run of several sites, each is asked what it stated, what
 * it was told, and what both come to. */
#ifndef WEFT_JEPSEN_WORK_ACCOUNTS_H
#define WEFT_JEPSEN_WORK_ACCOUNTS_H

#include "jepsen/work/worker.h"

/* `:f :account`, one for each site and agreement: waits until the sites are even, asks by `weft
 * partner export`, reads what was exported by the format that federation/README.md tells, and looks
 * for what is hidden on the disks of the others. workers[s] is one of the site s. */
void jep_accounts_tell(struct jep_worker *const *workers, unsigned sites,
    const struct jep_plant *plant, const char *out);

#endif
