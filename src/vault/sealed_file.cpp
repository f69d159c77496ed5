#include "vault/sealed_file.hpp"

namespace gh::vault {
namespace {

Place place_of(std::string_view kind) { return {.kind = "file", .path = kind, .version = 0}; }

}  // namespace

std::string seal_as_file(const Barrier& barrier, std::string_view kind, crypto::Bytes content) {
    std::string out(sealed_file_magic);
    return out += barrier.seal(content, place_of(kind));
}

Result<crypto::Secret> open_sealed_file(const Barrier& barrier, std::string_view kind,
                                        std::string_view sealed) {
    if (!sealed.starts_with(sealed_file_magic))
        return fail(ErrorKind::corrupt, "sealed_file.format", "it is no file that was sealed here");
    sealed.remove_prefix(sealed_file_magic.size());
    return barrier.open(crypto::bytes_of(sealed), place_of(kind));
}

}  // namespace gh::vault
