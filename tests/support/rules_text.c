#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define OUT_BYTES ((size_t)16 << 20)
#define TEXTS_MAX 16

struct shower {
    struct nsf_buf *out;
    const struct nsf_rules_text_options *options;
};

static void show_list(struct nsf_buf *out, const char *name, struct nsf_slices list)
{
    if (list.n == 0)
        return;
    nsf_buf_printf(out, " %s=", name);
    for (size_t i = 0; i < list.n; i++)
        nsf_buf_printf(out, "%s%.*s", i > 0 ? "|" : "", NSF_SLICE_ARG(list.items[i]));
}

static void show_text(struct nsf_buf *out, const char *name, struct nsf_slice text)
{
    if (text.len > 0)
        nsf_buf_printf(out, " %s=%.*s", name, NSF_SLICE_ARG(text));
}

static void show_rule(struct nsf_buf *out, const struct nsf_rule *rule)
{
    static const char *const directions[] = {"?", "in", "out"}, *const accesses[] = {"?", "allow", "deny"};
    nsf_buf_printf(out, "  %s%.*s %u %s %s %.*s", rule->is_default ? "default " : "", NSF_SLICE_ARG(rule->name),
                   rule->priority, directions[rule->direction], accesses[rule->access], NSF_SLICE_ARG(rule->protocol));
    show_list(out, "from", rule->sources);
    show_list(out, "sport", rule->source_ports);
    show_list(out, "to", rule->destinations);
    show_list(out, "port", rule->destination_ports);
    show_list(out, "from-asg", rule->source_asgs);
    show_list(out, "to-asg", rule->destination_asgs);
    show_list(out, "expanded", rule->expanded_sources);
    if (rule->unreadable.len > 0)
        nsf_buf_printf(out, " UNREADABLE %x (%.*s)", rule->unreadable_parts, NSF_SLICE_ARG(rule->unreadable));
    nsf_buf_add_str(out, "\n");
}

static void show_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct shower *shower = ctx;
    struct nsf_buf *out = shower->out;
    nsf_buf_printf(out, "nsg %.*s", NSF_SLICE_ARG(nsg->id));
    show_text(out, "name", nsg->name);
    show_text(out, "guid", nsg->guid);
    show_text(out, "owner", nsg->owner);
    nsf_buf_printf(out, "%s%s%s%s", nsg->is_partial ? " partial" : "", nsg->is_effective ? " effective" : "",
                   nsg->is_id_guessed ? " guessed" : "", nsg->may_have_more_rules ? " more" : "");
    if (nsg->has_subnets && nsg->subnets.n == 0)
        nsf_buf_add_str(out, " no-subnets");
    if (nsg->has_nics && nsg->nics.n == 0)
        nsf_buf_add_str(out, " no-nics");
    show_list(out, "subnets", nsg->subnets);
    show_list(out, "nics", nsg->nics);
    show_list(out, "macs", nsg->nic_macs);
    if (shower->options->no_rules)
        nsf_buf_printf(out, " %zu rules", nsg->n_rules);
    nsf_buf_add_str(out, "\n");
    for (size_t i = 0; i < nsg->n_rules && !shower->options->no_rules; i++)
        if (!nsg->rules[i].is_default || !shower->options->no_default)
            show_rule(out, &nsg->rules[i]);
    for (size_t i = 0; i < nsg->notes.n; i++)
        nsf_buf_printf(out, "  note %.*s\n", NSF_SLICE_ARG(nsg->notes.items[i]));
}

static void show_nic(struct nsf_buf *out, const struct nsf_nic *nic)
{
    nsf_buf_printf(out, "nic %.*s", NSF_SLICE_ARG(nic->id));
    show_text(out, "mac", nic->mac);
    show_text(out, "nsg", nic->nsg);
    if (nic->has_nsg && nic->nsg.len == 0)
        nsf_buf_add_str(out, " no-nsg");
    show_list(out, "subnets", nic->subnets);
    show_list(out, "public", nic->public_ips);
    if (nic->has_public_ips && nic->public_ips.n == 0)
        nsf_buf_add_str(out, " no-public");
    show_list(out, "private", nic->private_ips);
    show_text(out, "vm", nic->vm);
    nsf_buf_printf(out, "%s\n", nic->is_load_balanced ? " balanced" : "");
}

static void show_admin_rule(struct nsf_buf *out, const struct nsf_admin_rule *admin)
{
    static const char *const accesses[] = {"?", "Allow", "AlwaysAllow", "Deny"};
    nsf_buf_printf(out, "admin %s", accesses[admin->access]);
    show_text(out, "collection", admin->collection);
    show_list(out, "vnets", admin->vnets);
    show_text(out, "region", admin->region);
    nsf_buf_add_str(out, admin->is_direction_assumed ? " direction-assumed\n" : "\n");
    show_rule(out, &admin->rule);
}

static void show_attachment(void *ctx, const struct nsf_attachment *attachment)
{
    struct nsf_buf *out = ((struct shower *)ctx)->out;
    switch (attachment->kind) {
    case NSF_ATTACHMENT_NIC:
        show_nic(out, &attachment->u.nic);
        return;
    case NSF_ATTACHMENT_SUBNET:
        nsf_buf_printf(out, "subnet %.*s", NSF_SLICE_ARG(attachment->u.subnet.id));
        show_text(out, "nsg", attachment->u.subnet.nsg);
        nsf_buf_add_str(out, "\n");
        return;
    case NSF_ATTACHMENT_PUBLIC_IP:
        nsf_buf_printf(out, "public %.*s", NSF_SLICE_ARG(attachment->u.public_ip.id));
        show_text(out, "address", attachment->u.public_ip.address);
        show_text(out, "on", attachment->u.public_ip.attached_to);
        nsf_buf_add_str(out, "\n");
        return;
    case NSF_ATTACHMENT_ADMIN_RULE:
        show_admin_rule(out, &attachment->u.admin_rule);
        return;
    }
}

static void show_finding(void *ctx, const struct nsf_peer_finding *finding)
{
    static const char *const verdicts[] = {"open", "partial", "closed", "unknown"};
    struct nsf_buf *out = ((struct shower *)ctx)->out;
    nsf_buf_printf(out, "finding %.*s %.*s %s", NSF_SLICE_ARG(finding->tool), NSF_SLICE_ARG(finding->check),
                   verdicts[finding->verdict]);
    show_text(out, "said", finding->verdict_text);
    show_text(out, "nsg", finding->nsg);
    show_text(out, "rule", finding->rule);
    if (finding->priority > 0)
        nsf_buf_printf(out, " priority=%u", finding->priority);
    show_list(out, "from", finding->sources);
    show_text(out, "target", finding->target.file);
    if (finding->target.line > 0)
        nsf_buf_printf(out, ":%u", finding->target.line);
    nsf_buf_printf(out, "%s%s\n", finding->is_id ? " id" : "", finding->is_smtp ? " smtp" : "");
}

static void load(const struct nsf_rules_input *inputs, size_t n, const struct nsf_rules_text_options *options,
                 struct nsf_rules_text *result)
{
    static const struct nsf_rules_text_options none = {0};
    struct shower shower = {.out = &result->out, .options = options != NULL ? options : &none};
    struct nsf_rules_sinks sinks = {
        .ctx = &shower, .nsg = show_nsg, .attachment = show_attachment, .finding = show_finding};
    struct nsf_rules_options load_options = {.inputs = inputs, .n_inputs = n};
    load_options.shape = shower.options->shape;
    load_options.held_max_bytes = shower.options->held_max_bytes;
    nsf_buf_init(&result->out, OUT_BYTES);
    nsf_err_reset(&result->err);
    struct nsf_arena files;
    nsf_arena_init(&files);
    struct nsf_problems problems;
    nsf_problems_init(&problems);
    nsf_result r = nsf_rules_load(&load_options, &sinks, &files, &problems, &result->summary, &result->err);
    result->code = nsf_failed(r) ? result->err.code : NSF_E_NONE;
    nsf_problems_finish(&problems);
    for (size_t i = 0; i < problems.n; i++)
        nsf_buf_printf(&result->out, "problem %.*s %s: %.*s\n", NSF_SLICE_ARG(problems.items[i].path),
                       nsf_code_name(problems.items[i].code), NSF_SLICE_ARG(problems.items[i].detail));
    nsf_problems_release(&problems);
    nsf_arena_release(&files);
}

static int open_text(const char *text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_true(fd >= 0);
    size_t len = strlen(text);
    assert_true(len == 0 || write(fd, text, len) == (ssize_t)len);
    return fd;
}

void nsf_rules_text_load(const char *const *texts, size_t n, const struct nsf_rules_text_options *options,
                         struct nsf_rules_text *result)
{
    static const char *const names[TEXTS_MAX] = {"a.json", "b.json", "c.json", "d.json", "e.json", "f.json",
                                                 "g.json", "h.json", "i.json", "j.json", "k.json", "l.json",
                                                 "m.json", "n.json", "o.json", "p.json"};
    struct nsf_rules_input inputs[TEXTS_MAX];
    assert_true(n <= TEXTS_MAX);
    for (size_t i = 0; i < n; i++)
        inputs[i] = (struct nsf_rules_input){.path = names[i], .fd = open_text(texts[i])};
    load(inputs, n, options, result);
    for (size_t i = 0; i < n; i++)
        close(inputs[i].fd);
}

void nsf_rules_text_load_path(const char *path, const struct nsf_rules_text_options *options,
                              struct nsf_rules_text *result)
{
    struct nsf_rules_input input = {.path = path, .fd = -1};
    load(&input, 1, options, result);
}

void nsf_rules_text_check(const char *text, const char *expected)
{
    struct nsf_rules_text result;
    nsf_rules_text_load(&text, 1, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out), expected);
    nsf_buf_release(&result.out);
}
