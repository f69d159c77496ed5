#include "http/chunked.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "http/characters.hpp"
#include "http/h1_lines.hpp"

namespace gh::http {
namespace {

constexpr std::uint8_t digits_max = 16;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Fields unknown by id that frame, route, authenticate or steer the processing of a message.
constexpr std::string_view never_trailers[] = {"age",
                                               "content-range",
                                               "expires",
                                               "if-match",
                                               "if-none-match",
                                               "if-modified-since",
                                               "if-range",
                                               "if-unmodified-since",
                                               "max-forwards",
                                               "pragma",
                                               "range",
                                               "set-cookie",
                                               "content-disposition",
                                               "http2-settings",
                                               "www-authenticate"};

/// Known ones that may come late: they inform, and nothing acted without them.
constexpr FieldSet late_fields{FieldId::other, FieldId::date, FieldId::server,
                               FieldId::x_request_id, FieldId::x_correlation_id};

}  // namespace

bool is_trailer_allowed(const Field& field) {
    if (!late_fields.has(field.id)) return false;
    if (field.id != FieldId::other) return true;
    return std::ranges::none_of(never_trailers, [&](std::string_view name) {
        return equals_ignoring_case(field.name, name);
    });
}

void ChunkedDecoder::reset() {
    at_ = At::size_first;
    digits_ = 0;
    left_ = data_bytes_ = extension_bytes_ = 0;
    trailer_text_.clear();
    trailers_.clear();
}

ChunkedDecoder::Step ChunkedDecoder::refuse(std::string_view reason) {
    at_ = At::refused;
    reason_ = reason;
    return {.state = State::refused, .reason = reason};
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view bytes) {
    if (at_ == At::refused) return refuse(reason_);
    if (at_ == At::done) return {.state = State::done};
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        if (at_ == At::data) return read_data(bytes, at);
        if (at_ == At::trailer) return read_trailer(bytes, at);
        if (const auto reason = read_framing(bytes[at]); !reason.empty()) return refuse(reason);
    }
    return {.state = State::more, .bytes = bytes.size()};
}

/// One byte of what stands around the data.
/// @return the reason to refuse, or an empty view
std::string_view ChunkedDecoder::read_framing(char c) {
    switch (at_) {
        case At::size_first:
        case At::size: return read_size(c);
        case At::extension:
            if (c == '\r') {
                at_ = At::size_lf;
                return {};
            }
            // Bought by data, so that a body cannot consist of what nobody reads.
            if (++extension_bytes_ > limits_.extension_bytes_max + data_bytes_) {
                return "http.chunk_extension";
            }
            return value_prefix({&c, 1}) == 1 ? std::string_view{} : "http.chunk_extension";
        case At::size_lf:
            if (c != '\n') return "http.chunk_size";
            digits_ = 0;
            at_ = left_ == 0 ? At::trailer : At::data;
            return {};
        case At::data_cr:
            if (c != '\r') return "http.chunk_end";
            at_ = At::data_lf;
            return {};
        case At::data_lf:
            if (c != '\n') return "http.chunk_end";
            at_ = At::size_first;
            return {};
        default: return "http.chunk_size";
    }
}

std::string_view ChunkedDecoder::read_size(char c) {
    constexpr std::uint64_t size_max = std::numeric_limits<std::int64_t>::max();
    const int digit = hex_value(c);
    if (digit >= 0) {
        if (++digits_ > digits_max || left_ > (size_max >> 4)) return "http.chunk_size";
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        at_ = At::size;
        return {};
    }
    if (at_ == At::size_first) return "http.chunk_size";
    if (c == ';')
        at_ = At::extension;
    else if (c == '\r')
        at_ = At::size_lf;
    else
        return "http.chunk_size";  // whitespace too: readers differ in what they make of it
    return {};
}

ChunkedDecoder::Step ChunkedDecoder::read_data(std::string_view bytes, std::size_t at) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
    left_ -= size;
    data_bytes_ += size;
    if (left_ == 0) at_ = At::data_cr;
    return {.state = State::more, .bytes = at + size, .data = bytes.substr(at, size)};
}

/// Gathers lines until the empty one; a section without fields is not copied at all.
ChunkedDecoder::Step ChunkedDecoder::read_trailer(std::string_view bytes, std::size_t at) {
    while (at < bytes.size()) {
        const auto lf = bytes.find('\n', at);
        const auto end = lf == std::string_view::npos ? bytes.size() : lf + 1;
        if (trailer_text_.size() + (end - at) > limits_.trailer_bytes_max)
            return refuse("http.trailer");
        trailer_text_ += bytes.substr(at, end - at);
        at = end;
        if (lf == std::string_view::npos) break;
        if (!trailer_text_.ends_with("\r\n")) return refuse("http.trailer");
        if (trailer_text_ == "\r\n" || trailer_text_.ends_with("\r\n\r\n")) {
            const auto reason = finish();
            if (!reason.empty()) return refuse(reason);
            return {.state = State::done, .bytes = at};
        }
    }
    return {.state = State::more, .bytes = bytes.size()};
}

std::string_view ChunkedDecoder::finish() {
    const auto result = h1::read_fields(trailer_text_, 0, limits_.trailers_max, trailers_);
    if (result.state != HeadResult::State::complete || result.bytes != trailer_text_.size() ||
        !std::ranges::all_of(trailers_, is_trailer_allowed)) {
        trailers_.clear();
        return "http.trailer";
    }
    at_ = At::done;
    return {};
}

std::size_t write_chunk_header(char* out, std::uint64_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<char, digits_max> reversed;
    std::size_t count = 0;
    do {
        reversed[count++] = digits[size & 15];
        size >>= 4;
    } while (size != 0);
    std::reverse_copy(reversed.begin(), reversed.begin() + static_cast<std::ptrdiff_t>(count), out);
    out[count] = '\r';
    out[count + 1] = '\n';
    return count + 2;
}

void append_last_chunk(std::string& out, const Fields& trailers) {
    out += "0\r\n";
    for (const auto& line : trailers) {
        out += line.name;
        out += ": ";
        out += line.value;
        out += "\r\n";
    }
    out += "\r\n";
}

}  // namespace gh::http
