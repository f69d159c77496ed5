#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/field.hpp"

namespace gh::http {

struct ChunkedLimits {
    std::size_t extension_bytes_max =
        4 * 1024;  // of all chunks together, beyond what data they carried
    std::size_t trailer_bytes_max = 8 * 1024;
    std::size_t trailers_max = 32;
};

/// Decodes the chunked transfer coding (RFC 9112 §7.1) as bytes come; data is handed out in place,
/// never copied.
///
///     while (!bytes.empty()) {
///         const auto step = decoder.next(bytes);
///         bytes.remove_prefix(step.bytes);
///         ...step.data...
///         if (step.state != ChunkedDecoder::State::more) break;
///     }
class ChunkedDecoder {
 public:
    enum class State : std::uint8_t {
        more,     // goes on; call again with what follows
        done,     // the body and its trailers are complete; what follows is the next message
        refused,  // broken; the connection is of no further use
    };
    struct Step {
        State state = State::more;
        std::size_t bytes =
            0;  ///< how many were used; all of them unless there is data, or the end
        std::string_view data;    ///< body bytes inside what was given, may be empty
        std::string_view reason;  ///< refused: "http.chunk_size", "http.chunk_extension",
                                  ///< "http.chunk_end", "http.trailer"
    };

    explicit ChunkedDecoder(const ChunkedLimits& limits = {}) : limits_(limits) {}
    ChunkedDecoder(const ChunkedDecoder&) = delete;  // trailers() looks into it
    ChunkedDecoder& operator=(const ChunkedDecoder&) = delete;

    /// Reads on. Refuses bare LF, whitespace around a size, sizes beyond 2^63-1, control characters
    /// in extensions (extensions are otherwise skipped, §7.1.1), and trailers that are malformed,
    /// over the limits, or of a kind that frames, routes, authorises or changes the message that
    /// was already acted upon (RFC 9110 §6.5.1).
    [[nodiscard]] Step next(std::string_view bytes);

    /// Trailer fields once done; views into the decoder.
    [[nodiscard]] const Fields& trailers() const { return trailers_; }
    [[nodiscard]] bool done() const { return at_ == At::done; }
    /// For the next message.
    void reset();

 private:
    enum class At : std::uint8_t {
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer,
        done,
        refused,
    };
    Step refuse(std::string_view reason);
    std::string_view read_framing(char c);
    std::string_view read_size(char c);
    Step read_data(std::string_view bytes, std::size_t at);
    Step read_trailer(std::string_view bytes, std::size_t at);
    std::string_view finish();

    ChunkedLimits limits_;
    At at_ = At::size_first;
    std::uint8_t digits_ = 0;            // of the size being read
    std::uint64_t left_ = 0;             // of the chunk being read
    std::uint64_t data_bytes_ = 0;       // handed out so far
    std::uint64_t extension_bytes_ = 0;  // skipped so far
    std::string_view reason_;
    std::string trailer_text_;
    Fields trailers_;
};

inline constexpr std::size_t chunk_header_bytes_max = 18;
inline constexpr std::string_view chunk_end = "\r\n";        ///< after the data of each chunk
inline constexpr std::string_view last_chunk = "0\r\n\r\n";  ///< ends a body without trailers

/// Writes size and CRLF of a chunk that carries `size` > 0 bytes.
/// @param out  room for chunk_header_bytes_max
/// @return     how many bytes were written
std::size_t write_chunk_header(char* out, std::uint64_t size);

/// Appends the last chunk and its trailer section.
void append_last_chunk(std::string& out, const Fields& trailers);

/// Whether a field may come after the body (RFC 9110 §6.5.1), from either side.
[[nodiscard]] bool is_trailer_allowed(const Field& field);

}  // namespace gh::http
