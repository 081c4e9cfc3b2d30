/* node/offline.h: what is done to a data directory while its node is stopped.
 *
 * Each prints what it does to stdout, errors to stderr, and returns the process's exit code:
 * 0 done, 1 damage found or not possible, 2 wrong usage. */
#ifndef WEFT_NODE_OFFLINE_H
#define WEFT_NODE_OFFLINE_H

/* Read identity, Raft log, state and checkpoints whole and say what is wrong; change nothing. */
int weft_offline_check_data(const char *directory);

/* Make the data directory of `config_path` out of a backup (weft backup): a new group, whose
 * only member is this node, that goes on from the backup's index. The directory must be empty. */
int weft_offline_restore(const char *config_path, const char *backup);

/* Quorum is lost for good: rewrite the configuration so that this node is the only voter. */
int weft_offline_recover(const char *config_path);

#endif
