#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "codec/jose.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {

struct JwksTimes {
    std::chrono::milliseconds refresh{300'000};  ///< of a set in which nobody missed a key
    std::chrono::milliseconds apart{
        10'000};  ///< between two fetches, whatever tokens name and whatever fails
};

/// The key set of one issuer, fetched from its `jwks_uri`: when to fetch, and what to believe
/// meanwhile. Makes no request itself and reads no clock. Any thread may call anything.
///
/// The last good set stays until a newer good one comes: neither an outage nor a broken document
/// locks anybody out.
class JwksCache {
 public:
    /// @param only  the algorithm that is believed, if one was named
    explicit JwksCache(std::string uri, std::optional<codec::JoseAlgorithm> only = {},
                       JwksTimes times = {});

    [[nodiscard]] const std::string& uri() const { return uri_; }
    [[nodiscard]] std::optional<codec::JoseAlgorithm> only() const { return only_; }
    [[nodiscard]] const JwksTimes& times() const { return times_; }
    /// Never null; empty before the first fetch.
    [[nodiscard]] std::shared_ptr<const KeySet> keys() const;

    /// A token named a key that the set lacks. Cheap: strangers can cause it. Calls the waker, once
    /// until the next fetch.
    void miss();
    /// Called on a miss, on the thread that saw it; must not block. Set before the cache is shared.
    void on_miss(std::function<void()> waker) { waker_ = std::move(waker); }

    /// When a fetch is wanted next: at once, before any.
    [[nodiscard]] SteadyTime next_fetch() const;
    /// Is one wanted now? Then it has begun, and `accept` or `give_up` must follow; until then
    /// nobody else may begin one.
    [[nodiscard]] bool begin(SteadyTime now);
    /// Takes a fetched document. Keys that cannot be used are passed over.
    /// @return whether the keys are others than before; or `invalid_argument` with the reasons of
    /// codec::parse_jwk_set,
    ///         or "jwks.empty" when no key can be used. The set stays as it was then.
    [[nodiscard]] Result<bool> accept(std::string_view document, SteadyTime now);
    void give_up(SteadyTime now);

 private:
    const std::string uri_;
    const std::optional<codec::JoseAlgorithm> only_;
    const JwksTimes times_;
    std::function<void()> waker_;
    std::atomic<bool> missed_ = false;

    mutable std::mutex mutex_;  // held for moments: what is below changes once in minutes
    std::shared_ptr<const KeySet> keys_ = std::make_shared<const KeySet>();
    std::string document_;
    bool fetching_ = false;
    std::optional<SteadyTime> begun_;    ///< the last fetch
    std::optional<SteadyTime> refresh_;  ///< when the set is due again; unset: as soon as allowed
};

/// Gets documents from elsewhere. Implemented where there is a network.
class JwksFetcher {
 public:
    virtual ~JwksFetcher() = default;
    /// GET over verified https, or plain http on loopback; no redirects, at most
    /// codec::jwk_set_bytes_max, within a deadline.
    /// @return the body of a 200, or the error
    [[nodiscard]] virtual Task<Result<std::string>> fetch(std::string uri) = 0;
};

/// One turn for one issuer: fetches when it is time, and takes or drops what comes.
/// @param clock  asked before and after the fetch
/// @return       whether the keys changed, or why the fetch or the document failed; `false` when it
/// was not time
[[nodiscard]] Task<Result<bool>> refresh_keys(std::shared_ptr<JwksCache> cache,
                                              JwksFetcher& fetcher,
                                              std::function<SteadyTime()> clock);

}  // namespace gh::identity
