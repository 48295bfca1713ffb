#include "core/nsf_common.h"

#include "report/explain_report.h"

#include "report/finding_json.h"
#include "report/text_out.h"

#define LINE_DEPTH 4

static const char *access_name(enum nsf_access access)
{
    switch (access) {
    case NSF_ACCESS_ALLOW:
        return "Allow";
    case NSF_ACCESS_DENY:
        return "Deny";
    case NSF_ACCESS_UNREADABLE:
        return "?";
    }
    return "?";
}

static const char *answer_words(enum nsf_answer answer)
{
    switch (answer) {
    case NSF_ANSWER_ALLOWED:
        return "is allowed";
    case NSF_ANSWER_DENIED:
        return "is denied";
    case NSF_ANSWER_DEPENDS:
        return "is allowed or denied depending on source port or destination";
    case NSF_ANSWER_UNKNOWN:
        return "may be allowed or denied: an earlier rule cannot be read, or names a tag whose addresses are not known";
    }
    return "";
}

static enum nsf_style say_style(const struct nsf_explained_rule *rule)
{
    if (rule->say == NSF_SAY_DECIDES || rule->say == NSF_SAY_NARROW)
        return rule->access == NSF_ACCESS_ALLOW ? NSF_STYLE_BAD : NSF_STYLE_GOOD;
    return rule->say == NSF_SAY_UNKNOWN ? NSF_STYLE_WARN : NSF_STYLE_FAINT;
}

static void say_reason(struct nsf_text *text, const struct nsf_explained_rule *rule)
{
    switch (rule->say) {
    case NSF_SAY_OTHER_TRAFFIC:
        nsf_text_para_addf(text, "another protocol or port");
        return;
    case NSF_SAY_OTHER_SOURCE:
        nsf_text_para_addf(text, "another source");
        return;
    case NSF_SAY_UNKNOWN:
        nsf_text_para_addf(text, "nobody can say: ");
        nsf_text_para_add(text, rule->because.len > 0 ? rule->because : NSF_SLICE_LIT("it cannot be read"));
        return;
    case NSF_SAY_NARROW:
        nsf_text_para_addf(text, "DECIDES for some source ports or destinations: source ");
        break;
    case NSF_SAY_DECIDES:
        nsf_text_para_addf(text, "DECIDES: source ");
        break;
    case NSF_SAY_BEHIND:
        nsf_text_para_addf(text, "never asked: source ");
        break;
    }
    nsf_text_para_add(text, rule->because);
}

void nsf_explained_write_text(const struct nsf_explained *explained, unsigned width, bool is_colour,
                              struct nsf_out *out)
{
    struct nsf_text text;
    char address[NSF_IP_TEXT_BYTES];
    const struct nsf_explained_rule *decides = &explained->rules[explained->decides_idx];
    nsf_text_init(&text, out, width, is_colour);
    nsf_text_para_begin(&text);
    nsf_text_para_addf(&text, "TCP %u from %s (%s) to ", (unsigned)explained->port,
                       nsf_ip_format(explained->source, address),
                       explained->is_public ? "a public address" : "not a public address");
    nsf_text_para_add(&text, explained->nsg_name.len > 0 ? explained->nsg_name : explained->nsg_id);
    nsf_text_para_addf(&text, " %s; rule ", answer_words(explained->answer));
    nsf_text_para_add(&text, decides->name);
    nsf_text_para_addf(&text, ", priority %u, %s.", (unsigned)decides->priority,
                       explained->answer == NSF_ANSWER_DEPENDS || explained->answer == NSF_ANSWER_UNKNOWN
                           ? "decides about the rest"
                           : "decides");
    nsf_text_para_end(&text, "", 0, NSF_STYLE_PLAIN);
    nsf_text_newline(&text);
    for (size_t i = 0; i < explained->n_rules; i++) {
        const struct nsf_explained_rule *rule = &explained->rules[i];
        char number[32];
        snprintf(number, sizeof(number), "%u", (unsigned)rule->priority);
        nsf_text_cell(&text, nsf_slice_str(number), -6, NSF_STYLE_PLAIN);
        nsf_out_str(out, "  ");
        nsf_text_cell(&text, nsf_slice_str(access_name(rule->access)), 7, NSF_STYLE_PLAIN);
        nsf_text_cell_cut(&text, rule->name, width - 15, false, say_style(rule));
        nsf_text_newline(&text);
        nsf_text_para_begin(&text);
        say_reason(&text, rule);
        nsf_text_para_end(&text, "", 15, NSF_STYLE_PLAIN);
    }
    nsf_text_release(&text);
}

static void write_rule(struct nsf_json_out *json, const struct nsf_explained_rule *rule)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "rule", rule->name);
    nsf_json_out_key_u64(json, "priority", rule->priority);
    nsf_json_out_key_str(json, "access", rule->access == NSF_ACCESS_UNREADABLE ? NULL : access_name(rule->access));
    nsf_json_out_key_str(json, "says", nsf_say_name(rule->say));
    nsf_json_key_text(json, "because", rule->because);
    nsf_json_out_end_map(json);
}

void nsf_explained_write_json(const struct nsf_explained *explained, size_t n, struct nsf_out *out)
{
    struct nsf_json_out json;
    char address[NSF_IP_TEXT_BYTES];
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "schema", "nsgflow.explain/1");
    nsf_json_tool(&json);
    nsf_json_out_key(&json, "answers");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < n; i++) {
        nsf_json_out_begin_map(&json);
        nsf_json_out_key_slice(&json, "nsg", explained[i].nsg_id);
        nsf_json_out_key_slice(&json, "name", explained[i].nsg_name);
        nsf_json_out_key_u64(&json, "port", explained[i].port);
        nsf_json_out_key_str(&json, "source", nsf_ip_format(explained[i].source, address));
        nsf_json_out_key_bool(&json, "public", explained[i].is_public);
        nsf_json_out_key_str(&json, "answer", nsf_answer_name(explained[i].answer));
        nsf_json_out_key_slice(&json, "decides", explained[i].rules[explained[i].decides_idx].name);
        nsf_json_out_key(&json, "rules");
        nsf_json_out_begin_array(&json);
        for (size_t r = 0; r < explained[i].n_rules; r++)
            write_rule(&json, &explained[i].rules[r]);
        nsf_json_out_end_array(&json);
        nsf_json_out_end_map(&json);
    }
    nsf_json_out_end_array(&json);
    nsf_json_out_end_map(&json);
}
