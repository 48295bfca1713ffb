#include "core/nsf_common.h"

#include "judge/confidence.h"

#include "core/clock.h"

/* Below it counters count as absent: then a week is too little. */
#define COUNTERS_FEW_PERCENT 10

static bool is_share(uint64_t part, uint64_t whole, uint64_t percent)
{
    return whole > 0 && part * 100 >= whole * percent;
}

static bool has_counters(const struct nsf_confidence_facts *facts, uint64_t percent)
{
    return facts->connections == 0 ? facts->has_vnet4 : is_share(facts->with_counters, facts->connections, percent);
}

char nsf_confidence_of(const struct nsf_confidence_facts *facts)
{
    static const struct {
        char grade;
        int64_t days;
        uint64_t hours_percent;
        uint64_t counters_percent;
    } grades[] = {{'A', 28, 95, 90}, {'B', 14, 90, 50}, {'C', 7, 50, COUNTERS_FEW_PERCENT}, {'C', 14, 50, 0}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(grades); i++) {
        if (facts->is_smtp_only && grades[i].grade < 'C')
            continue;
        if (facts->window_ms >= grades[i].days * NSF_MS_PER_DAY &&
            is_share(facts->hours_seen, facts->hours_expected, grades[i].hours_percent) &&
            (grades[i].counters_percent == 0 || has_counters(facts, grades[i].counters_percent)))
            return grades[i].grade;
    }
    return 'D';
}
