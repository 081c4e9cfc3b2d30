/* jepsen/verbs.h: the verbs of the one program, each `int verb(argc, argv)` with argv[0] the verb.
 * It returns an exit code of core/results.h. A room that brings a verb adds it here and in main.c;
 * how a verb is called is told by `jepsen VERB --help`. */
#ifndef WEFT_JEPSEN_VERBS_H
#define WEFT_JEPSEN_VERBS_H

int jep_verb_env(int argc, char **argv);         /* cluster */
int jep_verb_break(int argc, char **argv);       /* cluster */
int jep_verb_check(int argc, char **argv);       /* check/verb.c */
int jep_verb_gen_history(int argc, char **argv); /* forge/verb.c */
int jep_verb_report(int argc, char **argv);      /* report/verb.c */
int jep_verb_selftest(int argc, char **argv);    /* forge/verb.c */
int jep_verb_run(int argc, char **argv);         /* these: work/verb_*.c */
int jep_verb_replay(int argc, char **argv);
int jep_verb_test_all(int argc, char **argv);
int jep_verb_adapter(int argc, char **argv);

#endif
