#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pki/acme/bodies.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/acme/problem.hpp"

namespace {

template <class T>
void judge(const gh::Result<T>& read) {
    if (!read && gh::pki::acme::problem_of(read.error().reason) == nullptr) std::abort();
}

}  // namespace

/// A payload whose signature is good: every reader takes it, or refuses it in words of the protocol.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::pki::acme;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    judge(read_new_account(text));
    judge(read_account_update(text));
    judge(read_key_change(text));
    judge(read_finalize(text));
    judge(read_deactivation(text));
    judge(read_readiness(text));
    judge(read_revocation(text));
    judge(read_renewal_id(text));
    const auto order = read_new_order(text);
    judge(order);
    if (!order) return 0;
    if (order->names.empty() || order->names.size() > identifiers_max) std::abort();
    for (const auto& name : order->names) {
        const auto again = read_identifier(name);
        if (!again || *again != name) std::abort();
    }
    return 0;
}
