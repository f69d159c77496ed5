#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/keyed_hash.hpp"

namespace gh::identity {

/// Remembers whom a checked credential stands for, so that a signature is checked once. Belongs to
/// one thread.
///
/// A table of fixed size: a text has four places, and takes that of the one unused longest when
/// they are full. It finds a text by a keyed hash of its end (of a token, that is the signature)
/// and compares the whole of it in constant time.
class PrincipalCache {
 public:
    static constexpr std::size_t entries_max = 4096;
    static constexpr std::size_t text_bytes_max =
        2048;  ///< longer texts are not kept: 8 MiB a thread at most

    /// Null when unknown or no longer good; what expired is forgotten.
    [[nodiscard]] const std::shared_ptr<const access::Principal>* find(std::string_view text,
                                                                       SystemTime now);
    /// @param good_until  first moment at which the answer must be found out anew
    void insert(std::string_view text, std::shared_ptr<const access::Principal> principal,
                SystemTime good_until);
    void clear();

 private:
    struct Entry {
        std::uint64_t hash = 0;
        std::uint64_t used = 0;  ///< larger is later; 0: empty
        SystemTime good_until;
        std::string text;
        std::shared_ptr<const access::Principal> principal;
    };
    static constexpr std::size_t ways = 4;

    [[nodiscard]] std::uint64_t hash_of(std::string_view text) const;
    [[nodiscard]] Entry* places_of(std::uint64_t hash) {
        return &entries_[hash % (entries_max / ways) * ways];
    }

    KeyedHash hash_ = KeyedHash::random();
    std::vector<Entry> entries_;  ///< empty until the first insertion
    std::uint64_t clock_ = 0;
};

}  // namespace gh::identity
