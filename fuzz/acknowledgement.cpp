// An acknowledgement as it waits in the journal. Whatever is read is written again as the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bus/journalled.hpp"
#include "bus/message.hpp"
#include "codec/uuid.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::bus;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto read = acknowledgement_of(input);
    if (!read) return 0;
    for (const auto& id : read->ids) {
        if (!gh::codec::is_uuid(id)) std::abort();
    }
    if (!valid_address(read->recipient)) std::abort();
    const auto again = acknowledgement_of(payload_of(*read));
    if (!again || again->ids != read->ids || again->recipient != read->recipient) std::abort();
    return 0;
}
