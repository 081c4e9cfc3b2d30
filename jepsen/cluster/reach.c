#include "jepsen/cluster/reach.h"

bool jep_reach_has_quorum(const struct jep_reach *reach)
{
    unsigned members = 0;
    for (unsigned i = 0; i < reach->count; i++) {
        members += reach->is_member[i];
    }
    for (unsigned i = 0; i < reach->count; i++) {
        unsigned reached = 0;
        for (unsigned k = 0; k < reach->count; k++) {
            bool is_connected = i == k || (!reach->is_cut[i][k] && !reach->is_cut[k][i]);
            reached += reach->is_member[k] && reach->is_up[k] && is_connected;
        }
        if (reach->is_member[i] && reach->is_up[i] && reached >= members / 2 + 1) {
            return true;
        }
    }
    return false;
}

static void cut_pair(struct jep_reach *reach, unsigned a, unsigned b)
{
    reach->is_cut[a][b] = true;
    reach->is_cut[b][a] = true;
}

void jep_reach_cut_group(struct jep_reach *reach, const bool *in_group)
{
    for (unsigned i = 0; i < reach->count; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (in_group[i] != in_group[k]) {
                cut_pair(reach, i, k);
            }
        }
    }
}

void jep_reach_cut_ring(struct jep_reach *reach, const unsigned *order)
{
    /* Kept on either side: a majority is n / 2 others, or one more where that is odd. */
    unsigned n = reach->count, wings = (n / 2 + 1) / 2;
    if (n == 3) {
        for (unsigned i = 0; i < n; i++) {
            reach->is_cut[order[i]][order[(i + 1) % n]] = true;
        }
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) {
            unsigned apart = i - k < n - (i - k) ? i - k : n - (i - k);
            if (apart > wings) {
                cut_pair(reach, order[i], order[k]);
            }
        }
    }
}

void jep_reach_cut_bridge(struct jep_reach *reach, const bool *in_group, unsigned bridge)
{
    for (unsigned i = 0; i < reach->count; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (i != bridge && k != bridge && in_group[i] != in_group[k]) {
                cut_pair(reach, i, k);
            }
        }
    }
}
