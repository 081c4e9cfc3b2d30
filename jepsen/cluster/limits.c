#include "jepsen/cluster/limits.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    NUMBERS = 4096 /* chosen: above what a node of a small plant has open */
};

unsigned jep_limits_next_file(pid_t pid)
{
    char path[64];
    bool is_open[NUMBERS] = {false};
    struct dirent *entry;
    unsigned next = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *files = opendir(path);
    if (files == NULL) {
        return 0;
    }
    while ((entry = readdir(files)) != NULL) {
        unsigned long number = strtoul(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && number < NUMBERS) {
            is_open[number] = true;
        }
    }
    (void)closedir(files);
    while (next < NUMBERS && is_open[next]) {
        next++;
    }
    return next;
}

bool jep_limits_set_files(
    pid_t pid, uint64_t limit, uint64_t *ret_before, struct jep_message *message)
{
    struct rlimit before;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, &before) == 0) {
        struct rlimit wanted = {.rlim_cur = limit, .rlim_max = before.rlim_max};
        if (prlimit(pid, RLIMIT_NOFILE, &wanted, NULL) == 0) {
            if (ret_before != NULL) {
                *ret_before = before.rlim_cur;
            }
            return true;
        }
    }
    return jep_failed(message, "limit process %d to %llu files: %s", (int)pid,
        (unsigned long long)limit, strerror(errno));
}

unsigned jep_limits_files_below(unsigned next_file, unsigned below)
{
    return next_file > below + JEP_LIMITS_FILES_MIN ? next_file - below : JEP_LIMITS_FILES_MIN;
}

void jep_limits_no_core(pid_t pid)
{
    static const struct rlimit none = {0, 0};
    (void)prlimit(pid, RLIMIT_CORE, &none, NULL); /* at worst there is one */
}
