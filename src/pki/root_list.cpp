#include "pki/root_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {
namespace {

constexpr std::string_view list_word = "root-list";
constexpr std::string_view intermediate_word = "intermediate";
constexpr std::size_t words_max = 6;

std::unexpected<Error> unreadable(std::string_view what) {
    return fail(ErrorKind::corrupt, "ca.list_unreadable",
                "what is kept of intermediates: " + std::string(what));
}

using Words = std::array<std::string_view, words_max>;

/// By single spaces; those that are missing are empty.
Words words_of(std::string_view line) {
    Words words;
    for (auto& word : words) {
        const auto end = std::min(line.find(' '), line.size());
        word = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

std::optional<std::uint64_t> number_in(std::string_view word) {
    std::uint64_t number = 0;
    const auto* end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, number);
    if (word.empty() || read.ec != std::errc{} || read.ptr != end) return {};
    return number;
}

std::optional<SystemTime> time_in(std::string_view word) {
    constexpr std::uint64_t latest = 253'402'300'799;  // of the year 9999
    const auto number = number_in(word);
    if (!number || *number > latest) return {};
    return SystemTime(seconds(static_cast<std::int64_t>(*number)));
}

std::string unix_text(SystemTime time) {
    return std::to_string(std::chrono::floor<seconds>(time.time_since_epoch()).count());
}

}  // namespace

Result<RootList> RootList::read(std::string_view text) {
    RootList list;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        GH_TRY_VOID(list.read_line(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

Result<void> RootList::read_line(std::string_view line) {
    const auto words = words_of(line);
    if (words[0] == list_word) {
        Crl crl;
        const auto number = number_in(words[1]);
        const auto made_at = time_in(words[2]);
        const auto next_update = time_in(words[3]);
        auto der = codec::decode_base64(words[4]);
        if (!number || !made_at || !next_update || !der || der->empty() || crl_)
            return unreadable(list_word);
        crl.etag = crl_etag(*der);
        crl.der = *std::move(der);
        crl.number = *number;
        crl.made_at = *made_at;
        crl.next_update = *next_update;
        crl_ = std::make_shared<const Crl>(std::move(crl));
    } else if (words[0] == intermediate_word) {
        const auto not_after = time_in(words[3]);
        const bool revoked = !words[4].empty();
        const auto revoked_at = time_in(words[4]);
        const auto reason = revocation_reason_of(words[5]);
        if (words[1].empty() || words[2].empty() || !not_after ||
            (revoked && (!revoked_at || !reason)))
            return unreadable(intermediate_word);
        intermediates_.push_back({.serial = std::string(words[1]),
                                  .key_id = std::string(words[2]),
                                  .not_after = *not_after,
                                  .revoked_at = revoked_at,
                                  .reason = reason.value_or(RevocationReason::unspecified)});
    }
    return {};
}

std::string RootList::text() const {
    std::string text;
    const auto add = [&text](std::initializer_list<std::string_view> words) {
        for (const auto word : words) text.append(word).append(" ");
        text.back() = '\n';
    };
    if (crl_) {
        add({list_word, std::to_string(crl_->number), unix_text(crl_->made_at),
             unix_text(crl_->next_update), codec::encode_base64(crl_->der)});
    }
    for (const auto& each : intermediates_) {
        const auto end = unix_text(each.not_after);
        if (each.revoked_at) {
            add({intermediate_word, each.serial, each.key_id, end, unix_text(*each.revoked_at),
                 name_of(each.reason)});
        } else {
            add({intermediate_word, each.serial, each.key_id, end});
        }
    }
    return text;
}

void RootList::remember(const Authority& intermediate) {
    auto serial = crypto::serial_of(intermediate.certificate());
    if (std::ranges::find(intermediates_, serial, &SignedIntermediate::serial) !=
        intermediates_.end())
        return;
    intermediates_.push_back({.serial = std::move(serial),
                              .key_id = intermediate.key_id(),
                              .not_after = intermediate.not_after()});
}

std::vector<std::string> RootList::revoke_all(RevocationReason reason, SystemTime now) {
    std::vector<std::string> serials;
    for (auto& each : intermediates_) {
        if (each.revoked_at || each.not_after <= now) continue;
        each.revoked_at = std::chrono::floor<seconds>(now);
        each.reason = reason;
        serials.push_back(each.serial);
    }
    return serials;
}

Result<void> RootList::sign(const Authority& root, SystemTime now) {
    // By two lists: a clock that was far ahead once must make nothing good again.
    std::erase_if(intermediates_, [&](const SignedIntermediate& each) {
        return crl_ != nullptr && crl_->made_at > each.not_after && now > each.not_after;
    });
    std::vector<RevokedCertificate> revoked;
    for (const auto& each : intermediates_) {
        if (!each.revoked_at) continue;
        revoked.push_back({.serial = each.serial,
                           .issuer_key_id = root.key_id(),
                           .reason = each.reason,
                           .revoked_at = *each.revoked_at,
                           .not_after = each.not_after});
    }
    GH_TRY(auto made, next_crl(root, std::move(revoked), crl_ ? crl_->number : 0,
                               std::chrono::floor<seconds>(now), root_list_lifetime));
    crl_ = std::make_shared<const Crl>(std::move(made));
    return {};
}

bool RootList::due(SystemTime now) const {
    return crl_ == nullptr || now < crl_->made_at - backdate ||
           now >= crl_->next_update - (crl_->next_update - crl_->made_at) / 3;
}

std::vector<std::string> RootList::revoked_keys() const {
    std::vector<std::string> key_ids;
    for (const auto& each : intermediates_) {
        if (each.revoked_at) key_ids.push_back(each.key_id);
    }
    std::ranges::sort(key_ids);
    const auto repeated = std::ranges::unique(key_ids);
    key_ids.erase(repeated.begin(), repeated.end());
    return key_ids;
}

}  // namespace gh::pki
