#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/acme/resources.hpp"
#include "storage/database.hpp"

namespace gh::pki::acme {

/// An order with one authorization for each of its names.
struct WholeOrder {
    Order order;
    std::vector<Authorization> authorizations;
};

/// What one account may have.
struct OrderLimits {
    std::int64_t orders_per_hour = 300;
    std::int64_t pending_authorizations = 300;
};

/// Orders and authorizations.
///
/// Errors besides storage's: `not_found` "acme.not_found"; `exhausted` "acme.rate_limited"; `conflict` "acme.state" (over
/// already), "acme.order_not_ready", "acme.already_replaced".
class OrderRepository {
 public:
    explicit OrderRepository(storage::Database& database) : database_(database) {}

    /// Proofs and orders that came to nothing are kept so long.
    static constexpr std::chrono::hours lifetime{24};
    static constexpr std::size_t orders_page = 500;
    /// A challenge that was chosen, and that nobody has looked after for so long, is anybody's to try: the node has ended,
    /// or could not write down what it found.
    static constexpr seconds try_patience{30};
    static constexpr std::size_t abandoned_page = 100;

    struct New {
        std::string account_id;
        std::vector<std::string> names;
        std::string replaces;         ///< as the client has it; empty: none
        std::string replaced_serial;  ///< of that one
    };
    [[nodiscard]] Task<Result<WholeOrder>> create(New order, OrderLimits limits, SystemTime now);
    [[nodiscard]] Task<Result<WholeOrder>> find(std::string id);
    /// At most `orders_page` ids of an account's orders behind `after`, in their order.
    [[nodiscard]] Task<Result<std::vector<std::string>>> list(std::string account_id,
                                                              std::string after, SystemTime now);
    [[nodiscard]] Task<Result<Authorization>> find_authorization(std::string id);
    /// Chooses the challenge. @return whether it is the caller's to try: nobody has begun
    [[nodiscard]] Task<Result<bool>> begin(std::string authorization_id, ChallengeType type,
                                           SystemTime now);
    /// Before each try. @return false: it is over, or its order is
    [[nodiscard]] Task<Result<bool>> go_on(std::string authorization_id, SystemTime now);
    /// Chosen challenges that nobody looks after, at most `abandoned_page`: the caller's to try from now on.
    [[nodiscard]] Task<Result<std::vector<Authorization>>> take_over(SystemTime now);
    /// How the try ended; the order becomes ready with its last authorization, and invalid with the first that
    /// fails, which ends its others.
    /// @param error  a problem document; empty: proven
    [[nodiscard]] Task<Result<Authorization>> finish(std::string authorization_id,
                                                     std::string error, SystemTime now,
                                                     storage::Also<Authorization> also);
    /// The order of it is over, too.
    [[nodiscard]] Task<Result<Authorization>> deactivate(std::string authorization_id,
                                                         storage::Also<Authorization> also);
    /// Within the transaction that writes the certificate.
    struct Fulfilment {
        std::string order_id;
        std::string serial;
        std::string replaced_serial;  ///< of the certificate that it replaces; empty: none
    };
    [[nodiscard]] static Task<Result<void>> fulfil(storage::Session& session, Fulfilment done,
                                                   SystemTime now);
    /// Whether the account has proven all of `names`, and the proofs are good.
    [[nodiscard]] Task<Result<bool>> proven(std::string account_id, std::vector<std::string> names,
                                            SystemTime now);
    static constexpr std::size_t cleaned_page = 500;
    /// Removes orders whose time is over, with their authorizations; how many, at most `cleaned_page`.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime now);

 private:
    storage::Database& database_;
};

}  // namespace gh::pki::acme
