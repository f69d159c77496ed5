#include "identity/principal_cache.hpp"

#include <algorithm>
#include <utility>

#include "crypto/secret.hpp"

namespace gh::identity {

std::uint64_t PrincipalCache::hash_of(std::string_view text) const {
    constexpr std::size_t tail = 64;
    return hash_(text.substr(text.size() - std::min(text.size(), tail))).low;
}

const std::shared_ptr<const access::Principal>* PrincipalCache::find(std::string_view text,
                                                                     SystemTime now) {
    if (entries_.empty()) return nullptr;
    const auto hash = hash_of(text);
    auto* places = places_of(hash);
    for (std::size_t i = 0; i < ways; ++i) {
        auto& entry = places[i];
        if (entry.used == 0 || entry.hash != hash || !crypto::constant_time_equal(entry.text, text))
            continue;
        if (now >= entry.good_until) {
            entry = {};
            return nullptr;
        }
        entry.used = ++clock_;
        return &entry.principal;
    }
    return nullptr;
}

void PrincipalCache::insert(std::string_view text,
                            std::shared_ptr<const access::Principal> principal,
                            SystemTime good_until) {
    if (text.size() > text_bytes_max) return;
    if (entries_.empty()) entries_.resize(entries_max);
    const auto hash = hash_of(text);
    auto* places = places_of(hash);
    auto* place = std::min_element(places, places + ways,
                                   [](const Entry& a, const Entry& b) { return a.used < b.used; });
    for (auto* same = places; same != places + ways; ++same) {
        if (same->used != 0 && same->text == text) place = same;
    }
    *place = {.hash = hash,
              .used = ++clock_,
              .good_until = good_until,
              .text = std::string(text),
              .principal = std::move(principal)};
}

void PrincipalCache::clear() {
    for (auto& entry : entries_) entry = {};
}

}  // namespace gh::identity
