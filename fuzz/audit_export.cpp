// Lines that claim to be of an export of the audit log.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/export_lines.hpp"

namespace {

using namespace gh;

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto line = audit::parse_export_line(input);
    if (!line) return 0;
    // What is taken is what would be written.
    if (const auto* record = std::get_if<audit::ExportedRecord>(&*line)) {
        demand(record->inclusion.size() <= audit::proof_hashes_max);
        demand(audit::export_record(record->index, record->inclusion, record->record) ==
               std::string(input) + '\n');
    }
    if (const auto* checkpoint = std::get_if<audit::ExportedCheckpoint>(&*line)) {
        demand(audit::export_checkpoint(checkpoint->note, checkpoint->consistency) ==
               std::string(input) + '\n');
    }
    return 0;
}
