#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "vault/transit/key.hpp"
#include "vault/transit/material.hpp"
#include "vault/transit/repository.hpp"

namespace gh::vault::transit {

using SharedFacts = std::shared_ptr<const KeyFacts>;

/// Keys that were opened lately, so that most uses of one ask the database nothing. What this node changes it knows at once;
/// what another does within `fresh_for`, and a version of another's making as soon as somebody names it. Any thread.
class OpenKeys {
 public:
    static constexpr milliseconds fresh_for{2'000};
    static constexpr std::size_t keys_max = 500;
    static constexpr std::size_t versions_max = 8;  ///< of each
    using Clock = std::function<SteadyTime()>;

    /// @param repository  outlives it
    explicit OpenKeys(Repository& repository, Clock now = std::chrono::steady_clock::now)
        : repository_(repository), now_(std::move(now)) {}

    enum class Age : std::uint8_t { fresh, now };
    /// As of now, or of `fresh_for` ago. @return errors of Repository::find()
    [[nodiscard]] Task<Result<SharedFacts>> facts(std::string name, Age age = Age::fresh);
    /// Those of them that are there.
    /// @return errors of Repository::open(); `conflict` "transit.changed": another key has its name by now
    [[nodiscard]] Task<Result<Materials>> materials(SharedFacts facts,
                                                    std::set<std::uint32_t> versions);
    /// It was changed, or may have been: whoever asks from now on is told anew.
    void forget(std::string_view name);

 private:
    struct Entry {
        SharedFacts facts;
        SteadyTime read_at;
        std::map<std::uint32_t, SharedMaterial> versions;
    };
    [[nodiscard]] SharedFacts known(std::string_view name) const;
    /// Takes what it finds out of `versions`.
    [[nodiscard]] Materials known(const KeyFacts& facts, std::set<std::uint32_t>& versions) const;
    [[nodiscard]] std::uint64_t changes() const;
    void keep(SharedFacts facts, std::uint64_t changes);
    void keep(const KeyFacts& facts, const Materials& read);

    Repository& repository_;
    Clock now_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::uint64_t changes_ = 0;  ///< what was read before one is not kept after it
};

}  // namespace gh::vault::transit
