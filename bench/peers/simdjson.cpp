// Counts what a flow log allowed in on TCP port 25, with simdjson's on demand parser.
//
//   simdjson FILE        prints tuples and bytes
//
// Fields are found by name, only flowTuples are looked into, and a tuple is taken apart only when ",25," is in it.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <simdjson.h>

namespace od = simdjson::ondemand;

static uint64_t n_tuples, n_bytes;

static void take_tuple(std::string_view text)
{
    if (text.find(",25,") == text.npos)
        return;
    std::string_view fields[13];
    size_t n = 0;
    for (; n < 13; n++) {
        size_t comma = text.find(',');
        fields[n] = text.substr(0, comma);
        if (comma == text.npos) {
            n++;
            break;
        }
        text.remove_prefix(comma + 1);
    }
    if (n < 8 || fields[4] != "25" || (fields[5] != "T" && fields[5] != "6") || fields[6] != "I" || fields[7] == "D")
        return;
    n_tuples++;
    for (size_t i : {10, 12}) {
        uint64_t bytes = 0;
        if (n == 13 && std::from_chars(fields[i].data(), fields[i].data() + fields[i].size(), bytes).ec == std::errc())
            n_bytes += bytes;
    }
}

static void take_groups(od::array groups)
{
    for (od::object group : groups)
        for (std::string_view text : group.find_field("flowTuples").get_array())
            take_tuple(text);
}

static void take_record(od::object record)
{
    od::object body;
    // One pass in the order of the text: a virtual network record has the one, an NSG record the other.
    for (auto field : record) {
        std::string_view key = field.unescaped_key();
        if (key != "properties" && key != "flowRecords")
            continue;
        bool is_vnet = key == "flowRecords";
        body = field.value();
        for (od::object flow : body.find_field("flows").get_array())
            take_groups(flow.find_field(is_vnet ? "flowGroups" : "flows").get_array());
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::fprintf(stderr, "usage: simdjson FILE\n");
        return 2;
    }
    try {
        simdjson::padded_string text = simdjson::padded_string::load(argv[1]);
        od::parser parser;
        od::document document = parser.iterate(text);
        for (od::object record : document.find_field("records").get_array())
            take_record(record);
    } catch (const simdjson::simdjson_error &error) {
        std::fprintf(stderr, "simdjson: %s\n", error.what());
        return 1;
    }
    std::printf("%llu %llu\n", (unsigned long long)n_tuples, (unsigned long long)n_bytes);
    return 0;
}
