#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/task.hpp"
#include "net/answer.hpp"

namespace gh::pki::acme {

/// Whose challenge may be tried now: so many at a time, of one account no more than leaves room for others, accounts one
/// after the other and those of an account in the order they came. From any thread; outlives its places.
class Turns {
 public:
    static constexpr std::size_t at_once_max = 64;
    static constexpr std::size_t of_account_max = 8;
    static constexpr std::size_t places_max = 2'000;
    static constexpr std::size_t places_of_account_max = 100;  ///< the names of a whole order

    /// In the line as long as it lives.
    class Place {
     public:
        /// Turns::line_up() makes them.
        Place(Turns& turns, std::string account_id, std::string what);
        ~Place();
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        /// Waits for its turn, on the loop that runs. It lasts until give_back(), or the end.
        [[nodiscard]] Task<> turn();
        /// For others, while nothing is done. The next turn comes behind those who wait.
        void give_back();

     private:
        Turns& turns_;
        const std::string account_id_, what_;
        bool begun_ = false;
    };

    /// @param what  what is tried; a second place for it may be had, see contains()
    /// @return null: too many are in the line, or too many of this account
    [[nodiscard]] std::unique_ptr<Place> line_up(const std::string& account_id,
                                                 const std::string& what);
    [[nodiscard]] bool contains(const std::string& what) const;
    /// Those whose turn it is, and those who pause, among them.
    [[nodiscard]] std::size_t in_line() const;

 private:
    using Waiter = net::Answer<bool>::Giver;
    struct Account {
        std::size_t places = 0, trying = 0;
        std::deque<Waiter> waiting;
    };

    void wait(const std::string& account_id, Waiter waiter);
    void end(const std::string& account_id);
    void leave(const std::string& account_id, const std::string& what);
    void call_next();

    mutable std::mutex mutex_;
    std::size_t trying_ = 0;
    std::map<std::string, Account> accounts_;  // those with places
    std::multiset<std::string> line_;
    std::string last_;  // whose turn came last
};

}  // namespace gh::pki::acme
