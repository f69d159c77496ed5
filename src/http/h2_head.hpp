#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace gh::http {

struct H2HeadLimits {
    std::size_t bytes_max = 32 * 1024;  // as RFC 9113 §6.5.2 counts: name + value + 32 a field
    std::size_t fields_max = 100;       // lines as decoded, cookie crumbs joined
    std::size_t target_bytes_max = 8 * 1024;
};

struct H2Verdict {
    enum class Kind : std::uint8_t {
        sound,
        malformed,  // reset the stream with PROTOCOL_ERROR (RFC 9113 §8.1.1)
        refused,    // answer with `status`
    };
    Kind kind = Kind::sound;
    std::uint16_t status = 0;
    std::string_view reason;
};

/// The decoded fields of one HEADERS block, gathered one by one, then judged and made a head or
/// trailers of. Knows nothing of frames. Owns the text; what it makes are views into it, valid
/// until clear().
class H2Head {
 public:
    /// Beyond the limits fields are counted and no longer kept.
    void add(std::string_view name, std::string_view value, const H2HeadLimits& limits);
    /// What came with the block cannot be trusted to be a field.
    void spoil() { spoiled_ = true; }
    void clear();

    /// Makes a request (RFC 9113 §8.3.1) that HTTP/1.1 can carry unchanged: cookie crumbs joined
    /// (§8.2.3), no connection-specific fields (§8.2.2), one authority whether from `:authority` or
    /// Host. `body` says length, or chunked where no length was declared, or none.
    [[nodiscard]] H2Verdict make_request(RequestHead& out, bool end_stream,
                                         const H2HeadLimits& limits);

    /// Makes trailers (RFC 9113 §8.1); refuses those that RFC 9110 §6.5.1 does not allow.
    [[nodiscard]] H2Verdict make_trailers(Fields& out, const H2HeadLimits& limits);

 private:
    struct Line {
        std::uint32_t name, name_size, value, value_size;
    };
    [[nodiscard]] Field field(const Line& line) const;
    [[nodiscard]] bool over(const H2HeadLimits& limits) const;
    bool make_fields(Fields& out) const;
    void join_cookies(Fields& fields);

    std::string text_;
    std::string cookies_;
    std::vector<Line> lines_;
    std::size_t bytes_ = 0;   // as counted, kept or not
    std::size_t crumbs_ = 0;  // cookie lines beyond the first
    bool spoiled_ = false;
};

}  // namespace gh::http
