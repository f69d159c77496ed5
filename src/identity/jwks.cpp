#include "identity/jwks.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/jwk.hpp"

namespace gh::identity {

JwksCache::JwksCache(std::string uri, std::optional<codec::JoseAlgorithm> only, JwksTimes times)
    : uri_(std::move(uri)), only_(only), times_(times) {}

std::shared_ptr<const KeySet> JwksCache::keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

void JwksCache::miss() {
    if (!missed_.exchange(true, std::memory_order_relaxed) && waker_) waker_();
}

SteadyTime JwksCache::next_fetch() const {
    const std::lock_guard lock(mutex_);
    if (fetching_) return SteadyTime::max();
    if (!begun_) return SteadyTime::min();
    const auto allowed = *begun_ + times_.apart;
    if (missed_.load(std::memory_order_relaxed) || !refresh_) return allowed;
    return std::max(allowed, *refresh_);
}

bool JwksCache::begin(SteadyTime now) {
    if (now < next_fetch()) return false;
    const std::lock_guard lock(mutex_);
    if (fetching_) return false;  // somebody else was quicker
    fetching_ = true;
    begun_ = now;
    missed_.store(false, std::memory_order_relaxed);
    return true;
}

Result<bool> JwksCache::accept(std::string_view document, SteadyTime now) {
    auto set = codec::parse_jwk_set(document);
    auto keys = set ? KeySet::from_jwks(*std::move(set), {.only = only_}) : KeySet();
    if (!set || keys.size() == 0) {
        give_up(now);
        if (!set) return std::unexpected(set.error());
        return fail(ErrorKind::invalid_argument, "jwks.empty", "no key in it can be used");
    }
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    refresh_ = now + times_.refresh;
    if (document == document_) return false;
    document_ = document;
    keys_ = std::make_shared<const KeySet>(std::move(keys));
    return true;
}

void JwksCache::give_up(SteadyTime now) {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    refresh_.reset();
    begun_ = std::max(begun_.value_or(now),
                      now);  // a fetch that took long does not make the next one come sooner
}

Task<Result<bool>> refresh_keys(std::shared_ptr<JwksCache> cache, JwksFetcher& fetcher,
                                std::function<SteadyTime()> clock) {
    if (!cache->begin(clock())) co_return false;
    auto uri = cache->uri();
    auto document = co_await fetcher.fetch(std::move(uri));
    const auto now = clock();
    if (!document) {
        cache->give_up(now);
        co_return std::unexpected(std::move(document).error());
    }
    co_return cache->accept(*document, now);
}

}  // namespace gh::identity
