// Bodies of OpenBao's database engine: what rests of a connection is read as it was, and holds no password in its URL.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "storage/url.hpp"
#include "vault/leases/role.hpp"

namespace {

using namespace gh::vault;

void check_connection(std::string_view text) {
    const auto made = leases::parse_connection(text);
    if (!made) return;
    const auto url = gh::storage::parse_storage_url(made->url);
    const auto* server = url ? std::get_if<gh::storage::PostgresUrl>(&*url) : nullptr;
    if (server == nullptr || !server->password.view().empty()) std::abort();
    const auto fields = leases::fields_of(*made);
    const auto again = leases::connection_of(gh::crypto::text_of(fields.bytes()));
    if (!again || again->url != made->url || again->allowed_roles != made->allowed_roles ||
        again->password.size() != made->password.size())
        std::abort();
}

void check_role(std::string_view text) {
    const auto role = leases::parse_role("a", text);
    if (!role) return;
    if (role->creation.empty() || role->ttl() <= gh::seconds(0) || role->ttl() > role->longest())
        std::abort();
    if (leases::texts_of(leases::text_of(role->creation)) != role->creation) std::abort();
    (void)leases::creation_script(*role, "v-a", "verifier", gh::SystemTime(gh::seconds(1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_connection(text);
    check_role(text);
    const auto wish = leases::parse_wish(text);
    if (wish && wish->lease.empty()) std::abort();
    (void)leases::connection_of(text);
    if (leases::new_username(text, gh::SystemTime(gh::seconds(1))).size() > 63) std::abort();
    return 0;
}
