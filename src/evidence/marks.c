#include "core/nsf_common.h"

#include "evidence/marks.h"


enum {
    /* So much traffic of so many addresses that the whole internet takes part in it: then somebody also tried port 25,
     * and somebody was refused. A machine that only its users talk to has fewer. */
    PLENTY_TUPLES = 2000,
    PLENTY_SOURCES = 300,
    /* So many connections of which each would have a begin, and an end. */
    PLENTY_MAIL = 20,
};

void nsf_marks_release(struct nsf_marks *marks)
{
    nsf_free(marks->items);
    nsf_pairset_release(&marks->sources);
    *marks = (struct nsf_marks){0};
}

static struct nsf_log_marks *marks_of(struct nsf_marks *marks, uint32_t flow_log_id)
{
    if (flow_log_id >= marks->n) {
        NSF_GROW(marks->items, marks->capacity, (size_t)flow_log_id + 1);
        while (marks->n <= flow_log_id)
            marks->items[marks->n++] = (struct nsf_log_marks){0};
    }
    return &marks->items[flow_log_id];
}

/* Where everything was seen once nothing can be lacking, whoever else comes. */
static bool is_sampling(const struct nsf_log_marks *marks)
{
    return marks->n_sources < NSF_MARKED_SOURCES_MAX &&
           (!marks->has_port_25 || marks->denied == 0 || marks->allowed == 0);
}

static void sample(struct nsf_marks *marks, struct nsf_log_marks *own, uint32_t flow_log_id, struct nsf_ip src)
{
    if (!nsf_ip_is_private(src))
        own->n_sources +=
            nsf_pairset_add(&marks->sources, nsf_pair(flow_log_id, (uint32_t)nsf_hash_mix(src.lo, src.hi)));
}

void nsf_marks_contacts(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_contact *contacts, size_t n)
{
    struct nsf_log_marks *own = marks_of(marks, flow_log_id);
    size_t n_denied = 0, n_port_25 = 0;
    for (size_t i = 0; i < n; i++) {
        n_denied += contacts[i].is_denied;
        n_port_25 += contacts[i].dst_port == 25;
    }
    own->denied += n_denied;
    own->allowed += n - n_denied;
    own->has_port_25 |= n_port_25 > 0;
    for (size_t i = 0; i < n && is_sampling(own); i++)
        sample(marks, own, flow_log_id, nsf_ip_from_v4(contacts[i].src));
}

void nsf_marks_wide_contact(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_wide_contact *contact)
{
    struct nsf_log_marks *own = marks_of(marks, flow_log_id);
    own->denied += contact->is_denied;
    own->allowed += !contact->is_denied;
    own->has_port_25 |= contact->dst_port == 25;
    if (is_sampling(own))
        sample(marks, own, flow_log_id, contact->src);
}

void nsf_marks_mail(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_mail_event *event)
{
    struct nsf_log_marks *own = marks_of(marks, flow_log_id);
    bool is_denied = event->event == NSF_FLOW_DENIED;
    own->has_port_25 |= event->dst_port == 25;
    own->denied += is_denied;
    own->allowed += !is_denied;
    own->begins += event->event == NSF_FLOW_BEGIN;
    own->follows += event->event == NSF_FLOW_CONTINUE || event->event == NSF_FLOW_END;
}

void nsf_marks_join(const struct nsf_marks *marks, uint32_t flow_log_id, struct nsf_log_marks *sum)
{
    if (flow_log_id >= marks->n)
        return;
    const struct nsf_log_marks *own = &marks->items[flow_log_id];
    sum->allowed += own->allowed;
    sum->denied += own->denied;
    sum->begins += own->begins;
    sum->follows += own->follows;
    sum->n_sources += own->n_sources;
    sum->has_port_25 |= own->has_port_25;
}

void nsf_marks_judge(const struct nsf_log_marks *marks, uint64_t tuples, bool lacks[NSF_LACKS])
{
    bool is_plenty = tuples >= PLENTY_TUPLES && marks->n_sources >= PLENTY_SOURCES;
    lacks[NSF_LACK_PORT_25] = is_plenty && !marks->has_port_25;
    lacks[NSF_LACK_DENIED] = is_plenty && marks->denied == 0;
    /* Tuples that were only counted, outbound ones that are no mail, may well be allowed. */
    lacks[NSF_LACK_ALLOWED] = is_plenty && marks->allowed == 0 && tuples <= marks->denied;
    lacks[NSF_LACK_BEGIN] = marks->follows >= PLENTY_MAIL && marks->begins == 0;
    lacks[NSF_LACK_COUNTERS] = marks->begins >= PLENTY_MAIL && marks->follows == 0;
}
