#include "pki/revoked.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

namespace gh::pki {
namespace {

constexpr std::array<std::pair<std::string_view, RevocationReason>, 6> reasons{{
    {"unspecified", RevocationReason::unspecified},
    {"key_compromise", RevocationReason::key_compromise},
    {"affiliation_changed", RevocationReason::affiliation_changed},
    {"superseded", RevocationReason::superseded},
    {"cessation_of_operation", RevocationReason::cessation_of_operation},
    {"privilege_withdrawn", RevocationReason::privilege_withdrawn},
}};

}  // namespace

std::string_view name_of(RevocationReason reason) {
    const auto* found = std::ranges::find(reasons, reason, &decltype(reasons)::value_type::second);
    return found == reasons.end() ? reasons.front().first : found->first;
}

std::optional<RevocationReason> revocation_reason_of(std::string_view name) {
    const auto* found = std::ranges::find(reasons, name, &decltype(reasons)::value_type::first);
    if (found == reasons.end()) return {};
    return found->second;
}

std::optional<RevocationReason> revocation_reason_of_code(std::int64_t code) {
    for (const auto& [name, reason] : reasons) {
        if (static_cast<std::int64_t>(reason) == code) return reason;
    }
    return {};
}

bool RevokedCertificates::covers_serial(std::string_view serial) const {
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    return by_serial_.contains(serial);
}

bool RevokedCertificates::covers_authority(std::string_view key_id) const {
    if (!any_authority_.load(std::memory_order_acquire)) return false;
    const std::shared_lock lock(mutex_);
    return std::ranges::binary_search(authorities_, key_id);
}

std::optional<RevokedCertificate> RevokedCertificates::find(std::string_view serial) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_serial_.find(serial);
    if (found == by_serial_.end()) return {};
    return found->second;
}

std::vector<RevokedCertificate> RevokedCertificates::of_issuer(std::string_view key_id,
                                                               SystemTime alive_at) const {
    std::vector<RevokedCertificate> found;
    const std::shared_lock lock(mutex_);
    for (const auto& [serial, each] : by_serial_) {
        if (each.issuer_key_id == key_id && each.not_after > alive_at) found.push_back(each);
    }
    return found;
}

std::size_t RevokedCertificates::size() const {
    const std::shared_lock lock(mutex_);
    return by_serial_.size();
}

void RevokedCertificates::forget(SystemTime over_before) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(by_serial_,
                  [over_before](const auto& each) { return each.second.not_after < over_before; });
}

void RevokedCertificates::add(std::vector<RevokedCertificate> some) {
    bool changed = false;
    {
        const std::scoped_lock lock(mutex_);
        for (auto& each : some) {
            auto serial = each.serial;
            changed = by_serial_.try_emplace(std::move(serial), std::move(each)).second || changed;
        }
        if (!changed) return;
        any_.store(true, std::memory_order_release);
        generation_.fetch_add(1, std::memory_order_release);
    }
    if (on_change_) on_change_();
}

void RevokedCertificates::set_authorities(std::vector<std::string> key_ids) {
    std::ranges::sort(key_ids);
    {
        const std::scoped_lock lock(mutex_);
        if (key_ids == authorities_) return;
        authorities_ = std::move(key_ids);
        any_authority_.store(!authorities_.empty(), std::memory_order_release);
    }
    if (on_change_) on_change_();
}

}  // namespace gh::pki
