#include "identity/dpop_replays.hpp"

#include <string>
#include <utility>

namespace gh::identity {
namespace {

constexpr auto lifetime = dpop_age_max + dpop_ahead_max;
constexpr std::size_t places_first = 256;

}  // namespace

DpopReplays::Seen DpopReplays::take(const DpopProof& proof, SystemTime now) {
    // Thumbprints are of one length: nobody can move characters from one to the other.
    const auto hash = hash_(proof.thumbprint + proof.id);
    auto& part = parts_[hash_(proof.thumbprint).low % parts];
    const std::scoped_lock lock(part.mutex);
    if (now - part.since >= lifetime) {
        std::swap(part.current, part.previous);
        part.current.clear();
        if (now - part.since >= 2 * lifetime) part.previous.clear();
        part.since = now;
    }
    if (part.current.contains(hash) || part.previous.contains(hash)) return Seen::before;
    return part.current.insert(hash) ? Seen::never : Seen::full;
}

bool DpopReplays::Set::contains(const Hash128& hash) const {
    if (places_.empty()) return false;
    for (auto at = hash.low % places_.size();; at = (at + 1) % places_.size()) {
        if (places_[at] == hash) return true;
        if (places_[at] == Hash128{}) return false;
    }
}

bool DpopReplays::Set::insert(const Hash128& hash) {
    if (count_ >= proofs_max) return false;
    if ((count_ + 1) * 4 > places_.size() * 3) grow();
    put(hash);
    ++count_;
    return true;
}

void DpopReplays::Set::clear() {
    places_ = {};
    count_ = 0;
}

void DpopReplays::Set::grow() {
    const auto before = std::exchange(
        places_, std::vector<Hash128>(places_.empty() ? places_first : places_.size() * 2));
    for (const auto& hash : before) {
        if (!(hash == Hash128{})) put(hash);
    }
}

void DpopReplays::Set::put(const Hash128& hash) {
    auto at = hash.low % places_.size();
    while (!(places_[at] == Hash128{})) at = (at + 1) % places_.size();
    places_[at] = hash;
}

}  // namespace gh::identity
