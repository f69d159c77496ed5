// Lines that claim to be audit records; and records whose every text is what a stranger sent.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/record.hpp"

namespace {

using namespace gh;

void demand(bool holds) {
    if (!holds) std::abort();
}

/// What is written is one line that reads as the same record, and is written the same again.
void check_encoding(const audit::Record& record) {
    const auto line = audit::encode_record(record);
    demand(line.size() <= audit::record_bytes_max);
    for (const char c : line) demand(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
    const auto read = audit::parse_record(line);
    demand(read.has_value());
    demand(audit::encode_record(*read) == line);
}

/// Up to the next 0xfe, which no text holds.
std::string take(std::string_view& rest) {
    const auto end = rest.find('\xfe');
    std::string text(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return text;
}

audit::Record record_of(std::string_view rest) {
    audit::Record record;
    record.id = take(rest);
    record.actor = take(rest);
    record.action = take(rest);
    record.object_type = take(rest);
    record.object_id = take(rest);
    record.request_id = take(rest);
    record.correlation_id = take(rest);
    for (int i = 0; i < 10 && !rest.empty(); ++i) record.act.push_back(take(rest));
    while (!rest.empty() && record.details.size() < 40) {
        auto name = take(rest);
        audit::DetailValue value = take(rest);
        if (rest.starts_with('#'))
            value = static_cast<std::int64_t>(rest.size()) << (rest.size() % 60);
        if (rest.starts_with('?')) value = rest.size() % 2 == 0;
        record.details.push_back({.name = std::move(name), .value = std::move(value)});
    }
    return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto record = audit::parse_record(input)) check_encoding(*record);
    check_encoding(record_of(input));
    return 0;
}
