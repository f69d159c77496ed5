#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crypto/x509.hpp"
#include "pki/signing_request.hpp"
#include "pki/subject_names.hpp"

/// A request for a certificate: what is taken of it is fit for logs, and its signature was good.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = gh::pki::parse_signing_request({reinterpret_cast<const char*>(data), size});
    if (!read) return 0;
    if (!read->key || read->common_name.size() > gh::pki::common_name_characters_max) std::abort();
    for (const auto* list : {&read->names.dns, &read->names.addresses, &read->names.uris}) {
        for (const auto& name : *list) {
            for (const char c : name) {
                if (c <= ' ' || c >= '\x7f') std::abort();
            }
        }
    }
    return 0;
}
