#include "pki/route_words.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "access/principal.hpp"
#include "access/revocable.hpp"
#include "base/try.hpp"
#include "pki/host_names.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

constexpr std::size_t name_characters_max = 2048;
constexpr std::size_t pem_characters_max = 64 * 1024;

}  // namespace

const api::Type<Profile>& profile_type() {
    static const auto type = api::choice<Profile>({{"server", Profile::server},
                                                   {"client", Profile::client},
                                                   {"agent", Profile::agent},
                                                   {"infrastructure", Profile::infrastructure}});
    return type;
}

const api::Type<std::vector<std::string>>& names_type() {
    static const auto type =
        api::list_of(api::text({.length_max = name_characters_max}),
                     {.items_min = 1, .items_max = subject_names_max, .distinct = true});
    return type;
}

const api::Type<std::string>& pem_type() {
    static const auto type = api::text({.length_max = pem_characters_max, .lines = true});
    return type;
}

std::vector<std::string> list_of_names(const crypto::CertificateNames& names) {
    std::vector<std::string> list;
    const auto text = text_of_names(names);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        list.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return list;
}

std::string holder_name(const api::Call& call) {
    return access::text_of({.type = call.principal.type, .name = call.principal.subject});
}

Result<LeafRequest> leaf_of(const WantedLeaf& wanted) {
    LeafRequest leaf{.profile = wanted.profile, .common_name = {}, .names = {}};
    GH_TRY(leaf.names, names_from(wanted.names));
    if (wanted.lifetime_seconds) leaf.lifetime = std::chrono::seconds(*wanted.lifetime_seconds);
    return leaf;
}

Result<api::Reply> refused_by_ca(const api::Call& call, Error error) {
    if (error.kind != ErrorKind::invalid_argument) return std::unexpected(std::move(error));
    const auto detail = error.detail.empty() ? std::string("This is not signed.") : error.detail;
    return api::refusal(call, 422, error.reason, detail);
}

}  // namespace gh::pki
