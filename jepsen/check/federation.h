/* jepsen/check/federation.h: what the two halves of the judge of organizations share. */
#ifndef WEFT_JEPSEN_CHECK_FEDERATION_H
#define WEFT_JEPSEN_CHECK_FEDERATION_H

#include "jepsen/check/check.h"
#include "jepsen/check/faults.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"

enum {
    JEP_FEDERATION_ACCOUNTS_MAX = 64,
    JEP_FEDERATION_SITES_MAX = 8,
    JEP_FEDERATION_E_MAX = 1 << 20 /* elements; plans number them from 1 */
};

struct jep_federation {
    struct jep_findings findings;
    struct jep_history *history;
    struct jep_faults faults;
    struct jep_span *spans;
    size_t span_count;
    const struct jep_span **statements; /* by element; NULL: nobody stated it */
    int64_t e_end;
    const struct jep_edn *accounts[JEP_FEDERATION_ACCOUNTS_MAX];
    size_t account_count;
    int64_t crossed, disputed, looks;
};

/* -1: it is not there. */
int64_t jep_federation_int(const struct jep_edn *map, const char *key);
/* The site came back from a backup that may be older than this. */
bool jep_federation_may_lose(const struct jep_federation *f, int64_t site, int64_t at_ns);
/* It came back from a backup, and by from_ns was not seen to be no more fenced under that
 * agreement: what it acknowledged at at_ns, since the backup, need not be in the stream yet. */
bool jep_federation_may_owe(const struct jep_federation *f, int64_t site, int64_t agreement,
    int64_t at_ns, int64_t from_ns);
/* Heads, and how soon the sites were even. */
void jep_federation_judge_tides(
    struct jep_federation *f, const struct jep_check_options *options, struct jep_result *result);

#endif
