/* Show that the simulation can fail: each planted mutant must be found within its seeds. Mutants
 * that chance meets too seldom are killed by the unit tests (raft/README.md has the table).
 *
 * sim_mutants [--mutant NAME] [--seeds COUNT]. Each mutant runs in a process of its own, since an
 * assertion of the product or a crash of the library is a finding too. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raft/mutant.h"
#include "tests/sim/sim.h"

struct planted {
    enum weft_mutant mutant;
    const char *name;
    uint64_t seeds; /* At most so many until it is found; measured, then doubled at least. */
};

static const struct planted planted[] = {
    {WEFT_MUTANT_ACK_BEFORE_SYNC, "ack_before_sync", 150},
    {WEFT_MUTANT_VOTE_NOT_PERSISTED, "vote_not_persisted", 20},
    {WEFT_MUTANT_DISK_ERROR_IGNORED, "disk_error_ignored", 20},
    {WEFT_MUTANT_NO_LOG_RESET, "no_log_reset", 50},
    {WEFT_MUTANT_NO_SHIFT, "no_shift", 200},
    {WEFT_MUTANT_NO_STANDBY_VOTE, "no_standby_vote", 600},
    {WEFT_MUTANT_NO_LAST_STAND, "no_last_stand", 400},
    {WEFT_MUTANT_NO_SOLE_VOTER_TERM, "no_sole_voter_term", 150},
    {WEFT_MUTANT_READ_WITHOUT_ROUND, "read_without_round", 150},
    {WEFT_MUTANT_READ_WITHOUT_TERM, "read_without_term", 20},
    {WEFT_MUTANT_READ_JOINS_ROUND, "read_joins_round", 20},
    {WEFT_MUTANT_NO_SEQUENCE_GUARD, "no_sequence_guard", 150},
    {WEFT_MUTANT_SEND_BEFORE_TERM, "send_before_term", 900},
    {WEFT_MUTANT_READ_BEFORE_APPLIED, "read_before_applied", 20},
    {WEFT_MUTANT_COMMIT_ALONE, "commit_alone", 20},
};

/* In the child: 1 once it is found. */
static int hunt(const struct planted *p, uint64_t seeds)
{
    weft_mutants_on = UINT64_C(1) << p->mutant;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sim_options options = {
            .seed = seed, .voters = seed % 3 == 0 ? 5 : 3, .duration_ms = 12000};
        struct sim_result result;
        (void)printf("%s: seed %" PRIu64 ": ", p->name, seed);
        (void)fflush(stdout);
        sim_run(&options, &result);
        if (result.has_failed) {
            (void)printf("found: %s\n", result.failure);
            return 1;
        }
        (void)printf("\r");
    }
    return 0;
}

static bool is_found(const struct planted *p, uint64_t seeds)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int found = hunt(p, seeds);
        (void)fflush(stdout);
        _exit(found);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        (void)fprintf(stderr, "cannot run %s\n", p->name);
        exit(2);
    }
    if (WIFSIGNALED(status)) {
        (void)printf("found: ended by signal %d\n", WTERMSIG(status));
        return true;
    }
    if (WEXITSTATUS(status) == 0) {
        (void)printf("%s: NOT FOUND within %" PRIu64 " seeds\n", p->name, seeds);
    }
    return WEXITSTATUS(status) != 0;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    uint64_t seeds = 0;
    bool all = true;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--mutant") == 0) {
            only = argv[i + 1];
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = strtoull(argv[i + 1], NULL, 0);
        }
    }
    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
        if (only == NULL || strcmp(only, planted[i].name) == 0) {
            all = is_found(&planted[i], seeds > 0 ? seeds : planted[i].seeds) && all;
        }
    }
    return all ? 0 : 1;
}
