#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"
#include "vault/barrier.hpp"

/// Files outside of the database that only this house opens. docs/formats/sealed.md
namespace gh::vault {

/// What such a file begins with, in front of the barrier's.
inline constexpr std::string_view sealed_file_magic = "gatehouse-sealed-file-1\n";

/// @param kind  what the file is; it opens as nothing else, whatever its name
[[nodiscard]] std::string seal_as_file(const Barrier& barrier, std::string_view kind,
                                       crypto::Bytes content);

/// @return `corrupt` "sealed_file.format": nothing that was sealed so; "barrier.open": changed, or of another house
[[nodiscard]] Result<crypto::Secret> open_sealed_file(const Barrier& barrier, std::string_view kind,
                                                      std::string_view sealed);

}  // namespace gh::vault
