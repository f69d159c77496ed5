// A recovery key that was read is the one that is shown, in whatever way a shell wrote it.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/backend/store_recovery_key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto key = vault::StoreRecoveryKey::parse(text);
    if (!key) return 0;
    const auto shown = key->text();
    const auto again = vault::StoreRecoveryKey::parse(crypto::text_of(shown.bytes()));
    if (!again || again->id() != key->id()) std::abort();
    return 0;
}
