// Any bytes as a request head. What is complete must survive being written and read again, and a
// head that comes in pieces must be judged as the whole one is.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/characters.hpp"
#include "http/h1_head.hpp"
#include "http/h1_write.hpp"

namespace {

using namespace gh::http;
using State = HeadResult::State;

void require(bool held) {
    if (!held) std::abort();
}

constexpr HeadLimits limits{.bytes_max = 4096, .fields_max = 32, .target_bytes_max = 512};

void check_sound(const RequestHead& head) {
    require(is_token(head.method_text));
    require(is_target(head.target));
    require(head.target.front() == '/' || head.target == "*");
    require(head.authority.empty() ? head.version == Version::http_1_0
                                   : is_authority(head.authority));
    for (const auto& line : head.fields) {
        require(is_token(line.name) && is_field_value(line.value));
        require(line.id == field_id(line.name));
    }
    require(head.body.kind != Framing::until_close && head.body.kind != Framing::tunnel);
}

void check_round_trip(const RequestHead& head) {
    if (head.authority.empty() || head.target == "*") return;
    std::string text;
    append_request_head(text, head);
    RequestHead again;
    std::size_t scanned = 0;
    const HeadLimits wide{.bytes_max = 16384, .fields_max = 64, .target_bytes_max = 512};
    const auto result = parse_request_head(text, wide, again, scanned);
    require(result.state == State::complete && result.bytes == text.size());
    require(again.method_text == head.method_text && again.target == head.target);
    require(again.body.kind == head.body.kind && again.body.length == head.body.length);
    require(again.authority == head.authority);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Ended, so that even a slow reader comes to a verdict.
    const auto bytes = std::string(reinterpret_cast<const char*>(data), size) + "\r\n\r\n";

    RequestHead head;
    std::size_t scanned = 0;
    const auto whole = parse_request_head(bytes, limits, head, scanned);
    if (whole.state == State::complete) {
        check_sound(head);
        check_round_trip(head);
    }

    RequestHead slow_head;
    HeadResult slow;
    scanned = 0;
    for (std::size_t end = 1; end <= bytes.size() && slow.state == State::incomplete; ++end) {
        const std::string exact = bytes.substr(0, end);
        slow = parse_request_head(exact, limits, slow_head, scanned);
        if (slow.state != State::complete) continue;
        require(whole.state == State::complete && whole.bytes == slow.bytes && slow.bytes == end);
        check_sound(slow_head);
        require(slow_head.target == head.target && slow_head.fields.size() == head.fields.size());
    }
    require(slow.state == whole.state);
    return 0;
}
