#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// A long text sealed with a passphrase: a header, then chunks, each of 64 KiB but for the last one, which may be shorter.
///
/// The key is Argon2id (RFC 9106) of the passphrase and a salt that is new each time; every chunk is AES-256-GCM (NIST SP
/// 800-38D) with its number and whether it is the last as the nonce, and the header as associated data. So chunks that are
/// changed, left out, repeated, moved or cut off at the end are noticed (the STREAM construction of Hoang, Reyhanitabar,
/// Rogaway and Vizár, 2015). docs/formats/backup.md has the layout.
class SealedStream {
 public:
    static constexpr std::string_view magic = "gatehouse-sealed-1\n";
    static constexpr std::size_t salt_bytes = 16;
    static constexpr std::size_t header_bytes = magic.size() + 3 * 4 + salt_bytes;
    static constexpr std::size_t chunk_bytes = 64 * 1024;  ///< of the text
    static constexpr std::size_t tag_bytes = 16;
    static constexpr std::size_t sealed_chunk_bytes = chunk_bytes + tag_bytes;

    /// A new one. Takes a third of a second and 64 MiB.
    /// @return `invalid_argument` "sealed.passphrase": empty or longer than 1 KiB; `unavailable` "sealed.memory"
    [[nodiscard]] static Result<SealedStream> make(const Secret& passphrase);
    /// One that was made before.
    /// @param header  header_bytes of it
    /// @return also `corrupt` "sealed.header": none of ours, or dearer than 256 MiB and 1 GiB of passes
    [[nodiscard]] static Result<SealedStream> of_header(std::string_view header,
                                                        const Secret& passphrase);

    [[nodiscard]] const std::string& header() const { return header_; }

    /// Appends the next chunk, sealed, to `out`.
    /// @param text  chunk_bytes of it, or at most that many when it is the last
    void seal(std::string_view text, bool last, std::string& out);
    /// Appends the text of the next chunk to `out`; nothing is appended of one that is not what was sealed.
    /// @return `corrupt` "sealed.chunk"
    [[nodiscard]] Result<void> open(std::string_view sealed, bool last, std::string& out);

    /// Of chunks that were sealed or opened.
    [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
    SealedStream(std::string header, Secret key)
        : header_(std::move(header)), key_(std::move(key)) {}

    std::string header_;
    Secret key_;
    std::uint64_t count_ = 0;
};

}  // namespace gh::crypto
