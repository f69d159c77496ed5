#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.hpp"
#include "config/secret.hpp"
#include "config/type.hpp"
#include "export/collector.hpp"

// Servers that telemetry is pushed to, as gatehouse.yaml names them.

namespace gh::exporting {

/// Fields of every request, by name.
using RequestFields = std::vector<std::pair<std::string, config::Secret>>;

/// A URL, or nothing, as text. @param wanted  whose, and how one looks: "a collector, wanted: https://HOST:4318"
[[nodiscard]] config::Type<std::string> endpoint_url_type(std::string wanted);
[[nodiscard]] config::Type<RequestFields> request_fields_type();

/// What must hold between the keys of such a server: fields that are ours stay ours, and plain http leads to this machine
/// unless that is said aloud.
/// @param what  is sent: "spans"
[[nodiscard]] bool check_endpoint(const config::Node& node, config::Reader& reader,
                                  std::string_view url, bool insecure, const RequestFields& fields,
                                  std::string_view what);

/// @param path  behind the URL, unless that ends in it already
/// @return      `invalid_argument` "url.malformed"; of an https one errors of net::TlsClientContext::make()
[[nodiscard]] Result<Endpoint> make_endpoint(std::string url, std::string_view path,
                                             const std::optional<std::filesystem::path>& ca_file,
                                             const RequestFields& fields);

}  // namespace gh::exporting
