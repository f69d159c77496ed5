// Any bytes as a chunked body, read whole and in pieces: both must tell the same story, and what
// was read must mean the same when it is written again.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/chunked.hpp"

namespace {

using namespace gh::http;
using State = ChunkedDecoder::State;

void require(bool held) {
    if (!held) std::abort();
}

constexpr ChunkedLimits limits{
    .extension_bytes_max = 64, .trailer_bytes_max = 256, .trailers_max = 4};

struct Outcome {
    State state = State::more;
    std::size_t used = 0;
    std::string body;
    std::string_view reason;
};

Outcome decode(ChunkedDecoder& decoder, std::string_view bytes, std::size_t piece) {
    Outcome out;
    while (out.state == State::more && out.used < bytes.size()) {
        const std::string exact(bytes.substr(out.used, piece));
        const auto step = decoder.next(exact);
        require(step.state == State::refused || step.bytes > 0);
        require(step.bytes <= exact.size() && step.data.size() <= step.bytes);
        out.state = step.state;
        out.used += step.bytes;
        out.body += step.data;
        out.reason = step.reason;
    }
    return out;
}

std::string encode(std::string_view body, const Fields& trailers) {
    std::string text;
    while (!body.empty()) {
        const auto size = std::min<std::size_t>(body.size(), 17);
        char header[chunk_header_bytes_max];
        text.append(header, write_chunk_header(header, size));
        text += body.substr(0, size);
        text += chunk_end;
        body.remove_prefix(size);
    }
    append_last_chunk(text, trailers);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    ChunkedDecoder decoder(limits);
    const auto whole = decode(decoder, bytes, std::max<std::size_t>(bytes.size(), 1));
    ChunkedDecoder slow_decoder(limits);
    const auto slow = decode(slow_decoder, bytes, std::size_t{1} + data[0] % 16);
    // Pieces may end a body's framing early only together with the whole; the bytes before a
    // refusal are the same.
    require(slow.state == whole.state && slow.body == whole.body && slow.reason == whole.reason);
    if (whole.state != State::done) return 0;
    require(slow.used == whole.used);

    const auto text = encode(whole.body, decoder.trailers());
    ChunkedDecoder again(ChunkedLimits{.trailer_bytes_max = 1024});
    const auto second = decode(again, text, text.size());
    require(second.state == State::done && second.used == text.size());
    require(second.body == whole.body && again.trailers().size() == decoder.trailers().size());
    return 0;
}
