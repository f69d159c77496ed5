#include "identity/user_pages.hpp"

#include <utility>

#include "identity/user.hpp"
#include "storage/joined.hpp"

namespace gh::identity {
namespace {

using storage::Statement;

constexpr std::string_view select_users =
    "SELECT id, name, email, roles, password_change_required, disabled_at, "
    "tokens_valid_from, version, created_at, updated_at FROM user_records WHERE ";
constexpr std::string_view whoever;
constexpr std::string_view of_role = "id IN (SELECT user_id FROM user_roles WHERE role = $5) AND ";
// Where a list begins there is nothing to be behind of: both parameters are null.
constexpr std::string_view from_start =
    "CAST($1 AS TEXT) IS NULL AND CAST($2 AS TEXT) IS NULL ORDER BY ";
constexpr std::string_view oldest = "created_at, id";
constexpr std::string_view behind_oldest = "(created_at, id) > ($1, $2) ORDER BY ";
constexpr std::string_view newest = "created_at DESC, id DESC";
constexpr std::string_view behind_newest = "(created_at, id) < ($1, $2) ORDER BY ";
constexpr std::string_view by_name = "name_folded, id";
constexpr std::string_view behind_name = "(name_folded, id) > ($1, $2) ORDER BY ";
constexpr std::string_view by_name_backwards = "name_folded DESC, id DESC";
constexpr std::string_view before_name = "(name_folded, id) < ($1, $2) ORDER BY ";
constexpr std::string_view page = " LIMIT $3 OFFSET $4";

template <const std::string_view& who, const std::string_view& behind,
          const std::string_view& order>
constexpr Statement list_page{.name = "users.list",
                              .sql = storage::joined<select_users, who, behind, order, page>};

struct ListPages {
    Statement first, first_of_role, next, next_of_role;
};
template <const std::string_view& behind, const std::string_view& order>
constexpr ListPages list_pages{
    list_page<whoever, from_start, order>, list_page<of_role, from_start, order>,
    list_page<whoever, behind, order>, list_page<of_role, behind, order>};

}  // namespace

const Statement& page_statement(const UserPage& wanted) {
    const auto& pages = [&]() -> const ListPages& {
        switch (wanted.order) {
            case UserPage::Order::oldest: return list_pages<behind_oldest, oldest>;
            case UserPage::Order::newest: return list_pages<behind_newest, newest>;
            case UserPage::Order::name: return list_pages<behind_name, by_name>;
            case UserPage::Order::name_backwards: return list_pages<before_name, by_name_backwards>;
        }
        std::unreachable();
    }();
    if (wanted.role) return wanted.after ? pages.next_of_role : pages.first_of_role;
    return wanted.after ? pages.next : pages.first;
}

storage::Parameters page_parameters(const UserPage& wanted) {
    using Order = UserPage::Order;
    storage::Parameters all{nullptr, nullptr};
    if (wanted.after) {
        const bool named = wanted.order == Order::name || wanted.order == Order::name_backwards;
        all[0] = named ? storage::Value(folded(wanted.after->name))
                       : storage::to_value(wanted.after->created_at);
        all[1] = wanted.after->id;
    }
    all.emplace_back(static_cast<std::int64_t>(wanted.limit));
    all.emplace_back(static_cast<std::int64_t>(wanted.offset));
    if (wanted.role) all.emplace_back(*wanted.role);
    return all;
}

}  // namespace gh::identity
