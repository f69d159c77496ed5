// A line of a backup that passed is written again as a line that reads as the same.

#include "storage/backup/line.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace gh::storage;

void demand(bool holds) {
    if (!holds) std::abort();
}

struct Check {
    void operator()(const Parameters& row) const {
        const auto line = backup::line_of(Row(row.data()), row.size());
        demand(line.has_value());
        const auto again = backup::parse_line(*line);
        demand(again && *again == backup::Line(row));
        demand(*backup::line_of(Row(row.data()), row.size()) == *line);
    }
    void operator()(const backup::End&) const {}
    void operator()(const auto& part) const {
        const auto again = backup::parse_line(backup::line_of(part));
        demand(again && *again == backup::Line(part));
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto line = backup::parse_line(input)) std::visit(Check{}, *line);
    return 0;
}
