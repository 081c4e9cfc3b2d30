#include <inttypes.h>
#include <string.h>

#include "ops/weft/client.h"
#include "ops/weft/offline.h"
#include "ops/weft/output.h"

enum {
    ARENA_SIZE_MAX = 4 * 1024 * 1024
};

static const char *role_name(const struct weft_member *m)
{
    switch (m->role) {
    case WEFT_ROLE_STANDBY:
        return m->wants_vote ? "standby, to be voter" : "standby";
    case WEFT_ROLE_VOTER:
        return "voter";
    case WEFT_ROLE_SPARE:
        return "spare";
    }
    return "unknown";
}

static void print_members(const struct weft_member *members, uint32_t count)
{
    struct weft_table t;
    weft_table_init(&t, "NAME|ROLE|LEADER|CONNECTED|>MATCH|PEER DOOR|CLIENT DOOR");
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_member *m = &members[i];
        weft_table_cell(&t, m->name);
        weft_table_cell(&t, weft_text_of(role_name(m)));
        weft_table_cell(&t, m->is_leader ? WEFT_TEXT("leader") : WEFT_TEXT(""));
        weft_table_cell(&t, m->is_connected ? WEFT_TEXT("yes") : WEFT_TEXT("no"));
        weft_table_format(&t, "%" PRIu64, m->match_index);
        weft_table_cell(&t, m->peer_address);
        weft_table_cell(&t, m->client_address);
    }
    weft_table_print(&t, stdout);
}

static void write_member(struct weft_writer *w, const struct weft_member *m)
{
    static const char *const roles[] = {"standby", "voter", "spare"};
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "name", m->name);
    weft_writer_unsigned(w, "id", m->id);
    weft_writer_text(w, "role", weft_text_of((unsigned)m->role < 3 ? roles[m->role] : "unknown"));
    weft_writer_bool(w, "wants_vote", m->wants_vote);
    weft_writer_bool(w, "is_leader", m->is_leader);
    weft_writer_bool(w, "is_connected", m->is_connected);
    weft_writer_unsigned(w, "match_index", m->match_index);
    weft_writer_text(w, "peer", m->peer_address);
    weft_writer_text(w, "client", m->client_address);
    weft_writer_close(w, '}');
}

static enum weft_err show(const struct weft_args *args, const struct weft_member *members,
    uint32_t count, uint64_t index, struct weft_msg *msg)
{
    struct weft_writer w = {0};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        print_members(members, count);
        return WEFT_OK;
    }
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '{');
        if (index != 0) {
            weft_writer_unsigned(&w, "index", index);
        }
        weft_writer_open(&w, "members", '[');
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        write_member(&w, &members[i]);
        if (format == WEFT_FORMAT_JSONL) {
            err = weft_writer_print(&w, stdout, msg);
        }
    }
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_close(&w, ']');
        weft_writer_close(&w, '}');
        err = weft_writer_print(&w, stdout, msg);
    }
    weft_writer_destroy(&w);
    return err;
}

/* Ask, and show the members as they are afterwards. `request` NULL: only show. */
static enum weft_exit run(const struct weft_args *args, const struct weft_member_request *request)
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_client_message message = {.kind = WEFT_KIND_STATUS};
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    if (request != NULL) {
        message.kind = WEFT_KIND_MEMBER;
        message.member = *request;
    }
    err = weft_client_call(client, &message, &arena, &answer, &msg);
    if (err == WEFT_OK && answer.kind == WEFT_KIND_MEMBER_RESULT) {
        err = show(args, answer.member_result.members, answer.member_result.member_count,
            answer.member_result.index, &msg);
    } else if (err == WEFT_OK) {
        err = show(args, answer.status_result.members, answer.status_result.member_count, 0, &msg);
    }
    weft_arena_destroy(&arena);
    weft_client_destroy(client);
    weft_net_close(net);
    return weft_complain(err, &msg);
}

static enum weft_exit change(const struct weft_args *args, enum weft_member_action action)
{
    struct weft_member_request request = {.action = action,
        .name = weft_text_of(args->operand_count > 0 ? args->operands[0] : ""),
        .force = weft_args_has(args, "force")};
    return run(args, &request);
}

enum weft_exit weft_cmd_member_list(const struct weft_args *args)
{
    return run(args, NULL);
}

enum weft_exit weft_cmd_member_add(const struct weft_args *args)
{
    const char *peer = weft_args_text(args, "peer", NULL);
    const char *client = weft_args_text(args, "client", NULL);
    if (peer == NULL || client == NULL) {
        (void)fprintf(stderr, "weft: member add needs --peer HOST:PORT and --client HOST:PORT\n");
        return WEFT_EXIT_USAGE;
    }
    struct weft_member_request request = {.action = WEFT_MEMBER_ADD,
        .name = weft_text_of(args->operands[0]),
        .peer_address = weft_text_of(peer),
        .client_address = weft_text_of(client),
        .wants_vote = !weft_args_has(args, "standby")};
    return run(args, &request);
}

enum weft_exit weft_cmd_member_promote(const struct weft_args *args)
{
    return change(args, WEFT_MEMBER_PROMOTE);
}

enum weft_exit weft_cmd_member_demote(const struct weft_args *args)
{
    return change(args, WEFT_MEMBER_DEMOTE);
}

enum weft_exit weft_cmd_member_remove(const struct weft_args *args)
{
    return change(args, WEFT_MEMBER_REMOVE);
}

enum weft_exit weft_cmd_member_transfer(const struct weft_args *args)
{
    return change(args, WEFT_MEMBER_TRANSFER);
}
