#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/database.hpp"

namespace gh::vault {

/// What is known of an answer that waits.
struct WrappedAnswer {
    std::string id;
    std::string creator;  ///< the subject of who asked
    std::string path;     ///< what was asked for: "secret/data/a"
    seconds ttl{};
    SystemTime created_at;
    SystemTime expires_at;
};
struct MadeWrapping {
    WrappedAnswer answer;
    std::string token;  ///< to be shown once
};
struct UnwrappedAnswer {
    WrappedAnswer answer;
    std::shared_ptr<const crypto::Secret> body;
};

/// Answers that are kept for whoever holds their token: once, and not for long. The key that seals one is made of its token,
/// and lies nowhere: who has the database and the keys of this house cannot open it.
///
/// Errors besides storage's: `invalid_argument` "wrap.token" (none, or over, or of another: no more is told apart), "wrap.ttl";
/// `conflict` "wrap.too_many".
class WrappedAnswers {
 public:
    static constexpr seconds ttl_max = std::chrono::hours(32 * 24);
    static constexpr std::int64_t of_creator_max = 1'000;  ///< that wait

    explicit WrappedAnswers(storage::Database& database) : database_(database) {}

    /// @return `conflict` "wrap.too_many" where there is no room for another of theirs
    [[nodiscard]] Task<Result<void>> room_for(std::string creator, SystemTime now);
    /// @param wanted  of which id and times are not looked at
    [[nodiscard]] Task<Result<MadeWrapping>> wrap(WrappedAnswer wanted, crypto::Secret body,
                                                  SystemTime now,
                                                  storage::Also<WrappedAnswer> also = {});
    [[nodiscard]] Task<Result<WrappedAnswer>> look(std::string_view token, SystemTime now);
    /// For the first who asks.
    [[nodiscard]] Task<Result<UnwrappedAnswer>> unwrap(std::string_view token, SystemTime now,
                                                       storage::Also<WrappedAnswer> also = {});
    /// Under another token, for as long as it was made for; the token before is over.
    [[nodiscard]] Task<Result<MadeWrapping>> rewrap(std::string_view token, SystemTime now,
                                                    storage::Also<WrappedAnswer> also = {});

 private:
    storage::Database& database_;
};

}  // namespace gh::vault
