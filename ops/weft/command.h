/* ops/weft/command.h: what a command of `weft` is: a row of a table, and a function.
 *
 * Help, usage, completion and the parser are all made from these tables. A command writes data
 * to stdout and everything else to stderr, and returns an exit code of interfaces.md. */
#ifndef WEFT_OPS_COMMAND_H
#define WEFT_OPS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/err.h"

/* The numbers are relied on by scripts: they never change. */
enum weft_exit {
    WEFT_EXIT_DONE = 0,
    WEFT_EXIT_NO = 1,          /* Not found, verification failed, digest differs. */
    WEFT_EXIT_USAGE = 2,       /* Wrong usage or malformed input. */
    WEFT_EXIT_UNAVAILABLE = 3, /* Nobody answers, or not in time. */
    WEFT_EXIT_REFUSED = 4,     /* By policy. */
    WEFT_EXIT_CONFLICT = 5,    /* With the present state. */
};

struct weft_option {
    const char *name;     /* Without dashes. NULL ends a list. */
    char letter;          /* 0: none. */
    const char *argument; /* NULL: a flag. */
    const char *help;
};

struct weft_args;

struct weft_command {
    const char *path;     /* "pki node": one or two words. */
    const char *summary;  /* One line, no full stop. */
    const char *operands; /* "ASSET", "[FILE|-]"; "" for none. */
    int operands_min;
    int operands_max;                  /* -1: any number. */
    const struct weft_option *options; /* Its own; may be NULL. */
    bool is_online;                    /* Takes the options of the connection too. */
    const char *description;           /* Paragraphs; wrapped in the source at 76 columns. */
    const char *examples;
    enum weft_exit (*run)(const struct weft_args *args);
};

/* All of them, in the order of the help; ends with path NULL. */
extern const struct weft_command weft_commands[];
extern const struct weft_option weft_global_options[];
extern const struct weft_option weft_online_options[];
extern const struct weft_option weft_token_options[];

const struct weft_command *weft_command_find(const char *path);

/* What scripts act on, from what happened. */
enum weft_exit weft_exit_of(enum weft_err err);

/* "weft: TEXT" to stderr. Returns weft_exit_of(err). */
enum weft_exit weft_complain(enum weft_err err, const struct weft_msg *msg);

enum weft_exit weft_cmd_backup(const struct weft_args *args);
enum weft_exit weft_cmd_bench_read(const struct weft_args *args);
enum weft_exit weft_cmd_bench_trace(const struct weft_args *args);
enum weft_exit weft_cmd_bench_write(const struct weft_args *args);
enum weft_exit weft_cmd_check_data(const struct weft_args *args);
enum weft_exit weft_cmd_claims(const struct weft_args *args);
enum weft_exit weft_cmd_command_approve(const struct weft_args *args);
enum weft_exit weft_cmd_command_bundle(const struct weft_args *args);
enum weft_exit weft_cmd_command_cancel(const struct weft_args *args);
enum weft_exit weft_cmd_command_list(const struct weft_args *args);
enum weft_exit weft_cmd_command_propose(const struct weft_args *args);
enum weft_exit weft_cmd_command_reject(const struct weft_args *args);
enum weft_exit weft_cmd_command_resolve(const struct weft_args *args);
enum weft_exit weft_cmd_command_show(const struct weft_args *args);
enum weft_exit weft_cmd_command_watch(const struct weft_args *args);
enum weft_exit weft_cmd_shadow(const struct weft_args *args);
enum weft_exit weft_cmd_command_take(const struct weft_args *args);
enum weft_exit weft_cmd_command_give_back(const struct weft_args *args);
enum weft_exit weft_cmd_command_authority(const struct weft_args *args);
enum weft_exit weft_cmd_completion(const struct weft_args *args);
enum weft_exit weft_cmd_context_add(const struct weft_args *args);
enum weft_exit weft_cmd_context_list(const struct weft_args *args);
enum weft_exit weft_cmd_context_remove(const struct weft_args *args);
enum weft_exit weft_cmd_context_show(const struct weft_args *args);
enum weft_exit weft_cmd_context_use(const struct weft_args *args);
enum weft_exit weft_cmd_diff(const struct weft_args *args);
enum weft_exit weft_cmd_envelope_apply(const struct weft_args *args);
enum weft_exit weft_cmd_envelope_check(const struct weft_args *args);
enum weft_exit weft_cmd_envelope_show(const struct weft_args *args);
enum weft_exit weft_cmd_find(const struct weft_args *args);
enum weft_exit weft_cmd_get(const struct weft_args *args);
enum weft_exit weft_cmd_help(const struct weft_args *args);
enum weft_exit weft_cmd_import_catenax(const struct weft_args *args);
enum weft_exit weft_cmd_import_csv(const struct weft_args *args);
enum weft_exit weft_cmd_import_epcis(const struct weft_args *args);
enum weft_exit weft_cmd_import_mtconnect(const struct weft_args *args);
enum weft_exit weft_cmd_import_qif(const struct weft_args *args);
enum weft_exit weft_cmd_member_add(const struct weft_args *args);
enum weft_exit weft_cmd_member_demote(const struct weft_args *args);
enum weft_exit weft_cmd_member_list(const struct weft_args *args);
enum weft_exit weft_cmd_member_promote(const struct weft_args *args);
enum weft_exit weft_cmd_member_recover(const struct weft_args *args);
enum weft_exit weft_cmd_member_remove(const struct weft_args *args);
enum weft_exit weft_cmd_member_transfer(const struct weft_args *args);
enum weft_exit weft_cmd_model_add(const struct weft_args *args);
enum weft_exit weft_cmd_model_check(const struct weft_args *args);
enum weft_exit weft_cmd_model_list(const struct weft_args *args);
enum weft_exit weft_cmd_model_show(const struct weft_args *args);
enum weft_exit weft_cmd_partner_add(const struct weft_args *args);
enum weft_exit weft_cmd_partner_apply(const struct weft_args *args);
enum weft_exit weft_cmd_partner_amend(const struct weft_args *args);
enum weft_exit weft_cmd_partner_audit(const struct weft_args *args);
enum weft_exit weft_cmd_partner_check(const struct weft_args *args);
enum weft_exit weft_cmd_partner_decline(const struct weft_args *args);
enum weft_exit weft_cmd_partner_disputes(const struct weft_args *args);
enum weft_exit weft_cmd_partner_export(const struct weft_args *args);
enum weft_exit weft_cmd_partner_import(const struct weft_args *args);
enum weft_exit weft_cmd_partner_list(const struct weft_args *args);
enum weft_exit weft_cmd_partner_propose(const struct weft_args *args);
enum weft_exit weft_cmd_partner_prove(const struct weft_args *args);
enum weft_exit weft_cmd_partner_quarantine(const struct weft_args *args);
enum weft_exit weft_cmd_partner_release(const struct weft_args *args);
enum weft_exit weft_cmd_partner_disclose(const struct weft_args *args);
enum weft_exit weft_cmd_partner_resolve(const struct weft_args *args);
enum weft_exit weft_cmd_partner_resume(const struct weft_args *args);
enum weft_exit weft_cmd_partner_show(const struct weft_args *args);
enum weft_exit weft_cmd_partner_sign(const struct weft_args *args);
enum weft_exit weft_cmd_partner_status(const struct weft_args *args);
enum weft_exit weft_cmd_partner_suspend(const struct weft_args *args);
enum weft_exit weft_cmd_partner_terminate(const struct weft_args *args);
enum weft_exit weft_cmd_partner_withdraw(const struct weft_args *args);
enum weft_exit weft_cmd_pki_auditor(const struct weft_args *args);
enum weft_exit weft_cmd_pki_enroll(const struct weft_args *args);
enum weft_exit weft_cmd_pki_init(const struct weft_args *args);
enum weft_exit weft_cmd_pki_keys(const struct weft_args *args);
enum weft_exit weft_cmd_pki_node(const struct weft_args *args);
enum weft_exit weft_cmd_pki_nonce(const struct weft_args *args);
enum weft_exit weft_cmd_pki_org(const struct weft_args *args);
enum weft_exit weft_cmd_pki_partner(const struct weft_args *args);
enum weft_exit weft_cmd_pki_person(const struct weft_args *args);
enum weft_exit weft_cmd_pki_revoke(const struct weft_args *args);
enum weft_exit weft_cmd_pki_rotate(const struct weft_args *args);
enum weft_exit weft_cmd_pki_service(const struct weft_args *args);
enum weft_exit weft_cmd_pki_gateway(const struct weft_args *args);
enum weft_exit weft_cmd_pki_token(const struct weft_args *args);
enum weft_exit weft_cmd_pki_show(const struct weft_args *args);
enum weft_exit weft_cmd_policy_apply(const struct weft_args *args);
enum weft_exit weft_cmd_policy_check(const struct weft_args *args);
enum weft_exit weft_cmd_policy_diff(const struct weft_args *args);
enum weft_exit weft_cmd_policy_show(const struct weft_args *args);
enum weft_exit weft_cmd_policy_sign(const struct weft_args *args);
enum weft_exit weft_cmd_policy_what_if(const struct weft_args *args);
enum weft_exit weft_cmd_policy_who_can(const struct weft_args *args);
enum weft_exit weft_cmd_policy_why(const struct weft_args *args);
enum weft_exit weft_cmd_put(const struct weft_args *args);
enum weft_exit weft_cmd_recall(const struct weft_args *args);
enum weft_exit weft_cmd_restore(const struct weft_args *args);
enum weft_exit weft_cmd_session(const struct weft_args *args);
enum weft_exit weft_cmd_status(const struct weft_args *args);
enum weft_exit weft_cmd_story(const struct weft_args *args);
enum weft_exit weft_cmd_audit_tail(const struct weft_args *args);
enum weft_exit weft_cmd_audit_witness(const struct weft_args *args);
enum weft_exit weft_cmd_audit_redact(const struct weft_args *args);
enum weft_exit weft_cmd_audit_head(const struct weft_args *args);
enum weft_exit weft_cmd_audit_show(const struct weft_args *args);
enum weft_exit weft_cmd_audit_prove(const struct weft_args *args);
enum weft_exit weft_cmd_audit_export(const struct weft_args *args);
enum weft_exit weft_cmd_audit_verify(const struct weft_args *args);
enum weft_exit weft_cmd_telemetry_get(const struct weft_args *args);
enum weft_exit weft_cmd_telemetry_list(const struct weft_args *args);
enum weft_exit weft_cmd_token(const struct weft_args *args);
enum weft_exit weft_cmd_trace_back(const struct weft_args *args);
enum weft_exit weft_cmd_trace_forward(const struct weft_args *args);
enum weft_exit weft_cmd_watch(const struct weft_args *args);

#endif
