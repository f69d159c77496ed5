// Any bytes as a response head from an upstream; the first byte chooses the request's method.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/characters.hpp"
#include "http/h1_head.hpp"
#include "http/h1_write.hpp"

namespace {

using namespace gh::http;
using State = HeadResult::State;

void require(bool held) {
    if (!held) std::abort();
}

constexpr HeadLimits limits{.bytes_max = 4096, .fields_max = 32};

void check_sound(const ResponseHead& head, Method method) {
    require(head.status >= 100 && head.status <= 599);
    for (const auto& line : head.fields) {
        require(is_token(line.name) && is_field_value(line.value));
    }
    const bool bodiless =
        method == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
    if (bodiless && head.status != 101) require(head.body.kind == Framing::none);
    if (head.body.kind == Framing::until_close) require(!head.keep_alive);
}

void check_round_trip(const ResponseHead& head, Method method) {
    std::string text;
    append_response_head(text, head);
    ResponseHead again;
    std::size_t scanned = 0;
    const HeadLimits wide{.bytes_max = 16384, .fields_max = 64};
    const auto result = parse_response_head(text, wide, method, again, scanned);
    require(result.state == State::complete && result.bytes == text.size());
    require(again.status == head.status);
    require(again.body.kind == head.body.kind && again.body.length == head.body.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto method = (data[0] & 1) != 0 ? Method::head : Method::get;
    const auto bytes = std::string(reinterpret_cast<const char*>(data) + 1, size - 1) + "\r\n\r\n";

    ResponseHead head;
    std::size_t scanned = 0;
    const auto whole = parse_response_head(bytes, limits, method, head, scanned);
    if (whole.state == State::complete) {
        check_sound(head, method);
        check_round_trip(head, method);
    }

    ResponseHead slow_head;
    HeadResult slow;
    scanned = 0;
    for (std::size_t end = 1; end <= bytes.size() && slow.state == State::incomplete; ++end) {
        const std::string exact = bytes.substr(0, end);
        slow = parse_response_head(exact, limits, method, slow_head, scanned);
        if (slow.state != State::complete) continue;
        require(slow.bytes == end && whole.bytes == end);
        require(slow_head.status == head.status && slow_head.fields.size() == head.fields.size());
    }
    require(slow.state == whole.state);
    return 0;
}
