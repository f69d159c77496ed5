// What rests sealed, as somebody may have left it in a file or a database.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "vault/barrier.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    static const auto barrier =
        vault::Barrier().with(1, crypto::Secret(std::string(32, 'k'))).value();
    constexpr vault::Place place{.kind = "fuzz", .path = "target", .version = 1};
    // Nobody makes what opens without the key, and what we make opens.
    if (barrier.open({data, size}, place)) std::abort();
    const auto sealed = barrier.seal({data, size}, place);
    const auto opened = barrier.open(crypto::bytes_of(sealed), place);
    if (!opened || !crypto::constant_time_equal(opened->bytes(), {data, size})) std::abort();
    return 0;
}
