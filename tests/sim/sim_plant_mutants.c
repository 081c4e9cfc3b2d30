/* Show that the simulation of the product can fail: each planted fault must be found within its
 * seeds. sim_plant_mutants [--mutant NAME] [--seeds COUNT]. Each runs in a process of its own,
 * since an assertion of the product is a finding too. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/mutants/planted.h"
#include "tests/sim/plant.h"

struct planted {
    const char *name;
    uint64_t seeds; /* At most so many until it is found; measured, then doubled at least. */
};

static const struct planted planted[] = {
    {"ack_before_sync", 300},
    {"vote_not_persisted", 100},
    {"read_without_term", 50},
    {"commit_alone", 20},
    {"read_before_applied", 20},
    {"apply_twice", 50},
    {"retry_twice", 50},
    {"requests_forgotten", 50},
    {"expect_stale", 50},
    {"commit_half", 20},
    {"links_half", 20},
    {"follower_skips", 20},
    {"empty_after_start", 50},
    {"as_of_now", 20},
    {"page_skips", 20},
    {"watch_skips", 50},
    {"watch_repeats", 20},
    {"read_unasked", 20},
    {"min_index_ignored", 20},
    {"lost_is_refused", 200},
    {"no_fencing", 100},
    {"answers_crossed", 50},
    {"checkpoint_behind", 100},
};

static char directory[PLANT_PATH_SIZE];

/* In the child: 1 once it is found. */
static int hunt(const struct planted *p, uint64_t seeds)
{
    if (!weft_planted_select(p->name, NULL)) {
        (void)printf("there is no mutant %s\n", p->name);
        return 0;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct plant_options plant = {.directory = directory,
            .workload = (enum plant_workload)(seed % PLANT_WORKLOADS),
            .check_data = seed % 10 == 0};
        struct sim_options options = {
            .seed = seed, .voters = seed % 4 == 0 ? 5 : 3, .duration_ms = 6000, .plant = &plant};
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
    (void)snprintf(directory, sizeof(directory), "%s/sim_plant_mutants.XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        exit(2);
    }
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
    if (WIFSIGNALED(status)) { /* It could not clean up. */
        char command[PLANT_PATH_SIZE + 10];
        (void)printf("found: ended by signal %d\n", WTERMSIG(status));
        (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
        return system(command) == 0;
    }
    (void)rmdir(directory);
    if (WEXITSTATUS(status) == 0) {
        (void)printf("%s: NOT FOUND within %" PRIu64 " seeds\n", p->name, seeds);
    }
    return WEXITSTATUS(status) != 0;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    uint64_t seeds = 0;
    bool all = true, any = false;
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
            any = true;
        }
    }
    return all && any ? 0 : 1;
}
