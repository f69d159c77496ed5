#include "vault/barrier.hpp"

#include <stdexcept>
#include <utility>

#include "base/try.hpp"
#include "crypto/append_number.hpp"

namespace gh::vault {
namespace {

using crypto::append_number;

constexpr char version = 1;

std::string header_of(KeyId id) {
    std::string header(1, version);
    append_number(header, id, 4);
    return header;
}

/// The header and the place, no two of them alike: lengths go before what is of any length.
std::string associated_data(std::string_view header, const Place& place) {
    std::string data(header);
    append_number(data, place.kind.size(), 4);
    data += place.kind;
    append_number(data, place.path.size(), 4);
    data += place.path;
    append_number(data, place.version, 8);
    return data;
}

}  // namespace

Result<Barrier> Barrier::with(KeyId id, crypto::Secret key) const {
    GH_TRY(auto xaes, crypto::Xaes::of_key(std::move(key)));
    auto more = *this;
    more.keys_.insert_or_assign(id, std::make_shared<const crypto::Xaes>(std::move(xaes)));
    return more;
}

std::string Barrier::seal(crypto::Bytes value, const Place& place) const {
    if (empty()) throw std::logic_error("a barrier without a key seals nothing");
    const auto& [id, xaes] = *keys_.rbegin();
    auto sealed = header_of(id);
    const auto data = associated_data(sealed, place);
    sealed += xaes->seal(value, crypto::bytes_of(data));
    return sealed;
}

Result<KeyId> Barrier::key_of(crypto::Bytes sealed) {
    if (sealed.size() < overhead_bytes || sealed[0] != version)
        return fail(ErrorKind::corrupt, "barrier.format",
                    "it does not begin as what is sealed does");
    KeyId id = 0;
    for (const auto octet : sealed.subspan(1, 4)) id = id << 8 | octet;
    return id;
}

Result<crypto::Secret> Barrier::open(crypto::Bytes sealed, const Place& place) const {
    GH_TRY(const auto id, key_of(sealed));
    const auto found = keys_.find(id);
    if (found == keys_.end())
        return fail(ErrorKind::not_found, "barrier.key",
                    "there is no data key " + std::to_string(id));
    const auto data = associated_data(crypto::text_of(sealed.first(header_bytes)), place);
    auto value = found->second->open(sealed.subspan(header_bytes), crypto::bytes_of(data));
    if (!value) return fail(ErrorKind::corrupt, "barrier.open", std::move(value.error().detail));
    return value;
}

}  // namespace gh::vault
