// Any bytes as a client's WebSocket frames, read whole and in pieces: both must tell the same story, within the bound.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/websocket.hpp"

namespace {

using namespace gh::http::websocket;

constexpr std::size_t message_bytes_max = 300;

void require(bool held) {
    if (!held) std::abort();
}

/// What was read, as text, and why it ended.
std::string told(std::string_view bytes, std::size_t piece) {
    Reader reader(message_bytes_max);
    std::string story;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        const std::string exact(bytes.substr(0, piece));
        reader.append(exact);
        while (const auto one = reader.next()) {
            require(one->payload.size() <= message_bytes_max && !reader.fault());
            require(one->opcode != Opcode::continuation);
            append_frame(story, one->opcode, one->payload);
            story += std::to_string(static_cast<unsigned>(one->code));
        }
        if (reader.fault())
            return story + "!" + std::to_string(static_cast<unsigned>(*reader.fault()));
    }
    return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = told(bytes, std::max<std::size_t>(bytes.size(), 1));
    require(told(bytes, std::size_t{1} + data[0] % 16) == whole);
    require(is_key(bytes) <= (bytes.size() == 24));
    return 0;
}
