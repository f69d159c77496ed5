#include "export/endpoint.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/try.hpp"
#include "config/types.hpp"

namespace gh::exporting {
namespace {

constexpr std::size_t ca_bytes_max = 1024 * 1024;
constexpr std::size_t fields_max = 10;

bool field_name(std::string_view name) {
    constexpr std::string_view ours[] = {"host", "content-length", "content-type", "connection"};
    const auto token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    std::string lower(name);
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return !name.empty() && std::ranges::all_of(name, token) &&
           std::ranges::find(ours, lower) == std::end(ours);
}

}  // namespace

config::Type<std::string> endpoint_url_type(std::string wanted) {
    const auto parse = [wanted =
                            std::move(wanted)](const std::string& text) -> Result<std::string> {
        if (text.empty() || codec::parse_https_url(text, codec::PlainHttp::anywhere)) return text;
        return fail(ErrorKind::invalid_argument, "config.value", "is no URL of " + wanted);
    };
    return config::parsed_text<std::string>(parse, [](const std::string& text) { return text; });
}

config::Type<RequestFields> request_fields_type() {
    return config::map_of(config::secret(), fields_max);
}

bool check_endpoint(const config::Node& node, config::Reader& reader, std::string_view url,
                    bool insecure, const RequestFields& fields, std::string_view what) {
    const auto name =
        std::ranges::find_if_not(fields, &field_name, &RequestFields::value_type::first);
    if (name != fields.end()) {
        reader.refuse(node, "has a header " + name->first + ", which is not for you to set");
        return false;
    }
    const bool breaks = std::ranges::any_of(fields, [](const auto& field) {
        return field.second.view().find_first_of(std::string_view("\r\n\0", 3)) !=
               std::string_view::npos;
    });
    if (breaks) {
        reader.refuse(node, "has a header whose value has a line break");
        return false;
    }
    if (insecure || url.empty() || codec::parse_https_url(url)) return true;
    reader.refuse(node, "sends " + std::string(what) +
                            " over plain http to another machine; make it https, or set "
                            "insecure: true where the network is yours");
    return false;
}

Result<Endpoint> make_endpoint(std::string url, std::string_view path,
                               const std::optional<std::filesystem::path>& ca_file,
                               const RequestFields& fields) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.ends_with(path)) url += path;
    Endpoint endpoint;
    GH_TRY(endpoint.url, codec::parse_https_url(url, codec::PlainHttp::anywhere));
    if (endpoint.url.tls) {
        net::TlsClientSettings settings;
        if (ca_file) {
            GH_TRY(settings.ca_pem, read_file_at(*ca_file, ca_bytes_max));
            settings.ca_source = ca_file->string();
        }
        GH_TRY(endpoint.tls, net::TlsClientContext::make(settings));
    }
    for (const auto& [name, value] : fields)
        endpoint.fields.emplace_back(name, std::string(value.view()));
    return endpoint;
}

}  // namespace gh::exporting
