/* Any bytes as a rules document, of a shape that is found out or forced by the first byte: nothing crashes, everything
 * given is within its bounds, and two documents in either order give the same NSGs. */
#include "core/nsf_common.h"

#include "core/hash.h"
#include "rules/rules.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t nsgs; /* of all texts of all NSGs, whatever their order */
    uint64_t n_bytes;
};

/* Reads every byte, so that a text outside its memory is seen. */
static uint64_t hash_text(struct nsf_slice text, uint64_t seed)
{
    return nsf_hash_bytes(text.len == 0 ? "" : text.ptr, text.len, seed + text.len);
}

static uint64_t hash_list(struct nsf_slices list, uint64_t seed)
{
    for (size_t i = 0; i < list.n; i++)
        seed = hash_text(list.items[i], seed);
    return seed;
}

static uint64_t hash_rule(const struct nsf_rule *rule, uint64_t seed)
{
    if (rule->priority > UINT16_MAX || (rule->unreadable.len > 0) != (rule->unreadable_parts != 0))
        abort();
    seed = hash_text(rule->name, seed + rule->priority);
    seed = hash_text(rule->id, seed + (uint64_t)rule->direction + 3 * (uint64_t)rule->access);
    seed = hash_text(rule->protocol, hash_text(rule->description, seed));
    const struct nsf_slices lists[] = {rule->sources,           rule->source_ports,     rule->destinations,
                                       rule->destination_ports, rule->expanded_sources, rule->source_asgs,
                                       rule->destination_asgs};
    for (size_t i = 0; i < NSF_ARRAY_LEN(lists); i++)
        seed = hash_list(lists[i], seed);
    return hash_text(rule->unreadable, seed);
}

static void take_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct sum *sum = ctx;
    if (nsg->id.len == 0 || nsg->place.file.ptr == NULL)
        abort();
    uint64_t hash = hash_text(nsg->id, 1);
    hash = hash_text(nsg->name, hash_text(nsg->guid, hash));
    hash = hash_text(nsg->owner, hash_text(nsg->location, hash));
    for (size_t i = 0; i < nsg->n_rules; i++)
        hash += hash_rule(&nsg->rules[i], 7);
    hash = hash_list(nsg->subnets, hash_list(nsg->nics, hash_list(nsg->nic_macs, hash)));
    sum->nsgs += hash;
}

static void take_attachment(void *ctx, const struct nsf_attachment *attachment)
{
    struct sum *sum = ctx;
    if (attachment->kind == NSF_ATTACHMENT_NIC)
        sum->n_bytes += hash_list(attachment->u.nic.subnets, hash_text(attachment->u.nic.id, 1));
    if (attachment->kind == NSF_ATTACHMENT_ADMIN_RULE)
        sum->n_bytes += hash_rule(&attachment->u.admin_rule.rule, 1);
}

static void take_finding(void *ctx, const struct nsf_peer_finding *finding)
{
    struct sum *sum = ctx;
    sum->n_bytes += hash_text(finding->nsg, hash_text(finding->rule, hash_text(finding->message, 1)));
}

static int open_bytes(const uint8_t *data, size_t size)
{
    int fd = memfd_create("rules", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    return fd;
}

static struct sum load(const struct nsf_rules_options *options)
{
    struct sum sum = {0};
    struct nsf_rules_sinks sinks = {
        .ctx = &sum, .nsg = take_nsg, .attachment = take_attachment, .finding = take_finding};
    struct nsf_rules_summary summary;
    struct nsf_problems problems;
    struct nsf_arena files;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_arena_init(&files);
    nsf_problems_init(&problems);
    nsf_result r = nsf_rules_load(options, &sinks, &files, &problems, &summary, &err);
    if (nsf_failed(r) != (summary.n_nsgs + summary.n_findings == 0) || (nsf_failed(r) && err.code == NSF_E_NONE))
        abort();
    nsf_problems_finish(&problems);
    nsf_problems_release(&problems);
    nsf_arena_release(&files);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] < NSF_INPUT_SHAPE_N) {
        struct nsf_rules_input forced = {"forced.json", open_bytes(data + 1, size - 1)};
        const struct nsf_rules_options options = {&forced, 1, (enum nsf_input_shape)data[0], 0};
        (void)load(&options);
        close(forced.fd);
        return 0;
    }
    struct nsf_rules_input inputs[] = {{"a.json", open_bytes(data, size)}, {"b.json", open_bytes(data, size / 2)}};
    struct nsf_rules_input swapped[] = {inputs[1], inputs[0]};
    const struct nsf_rules_options whole = {inputs, 2, NSF_INPUT_SHAPE_AUTO, 0},
                                   other = {swapped, 2, NSF_INPUT_SHAPE_AUTO, 0};
    const struct nsf_rules_options tight = {inputs, 2, NSF_INPUT_SHAPE_AUTO, 1};
    uint64_t expected = load(&whole).nsgs;
    if (load(&other).nsgs != expected || load(&tight).nsgs != expected)
        abort();
    close(inputs[0].fd);
    close(inputs[1].fd);
    return 0;
}
