// Bytes of a spool's segment, walked as its reader walks them. A record that passed is exactly what it is written as, and what is
// written is read again.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "export/spool_record.hpp"

namespace {

using namespace gh::exporting;

void require(bool held) {
    if (!held) std::abort();
}

void walk(std::string_view bytes) {
    while (const auto header = parse_spool_header(bytes)) {
        const auto record = parse_spool_record(bytes);
        if (record) {
            std::string again;
            append_spool_record(again, record->lines, record->body);
            require(bytes.starts_with(again) && again.size() == header->record_bytes);
        }
        if (header->record_bytes > bytes.size()) break;
        bytes.remove_prefix(header->record_bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    walk(input);
    if (const auto position = parse_spool_position(input))
        require(spool_position_text(*position) == input);
    // The same as a body behind its checksum, which nobody guesses.
    std::string record;
    append_spool_record(record, static_cast<std::uint32_t>(size), input);
    const auto followed = record + "tail";  // outlives what is read of it
    const auto read = parse_spool_record(followed);
    require(read && read->body == input && read->lines == size);
    walk(record + record);
    return 0;
}
