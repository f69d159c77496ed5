#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "pki/ocsp.hpp"

namespace {

const gh::pki::Authority& issuer() {
    static const auto made =
        gh::pki::Authority::create({}, gh::SystemTime{std::chrono::seconds(1'750'000'000)}).value();
    return made;
}

}  // namespace

/// What a stranger asks the OCSP responder: whatever can be read can be answered.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = gh::pki::OcspRequest::parse({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    if (parsed->serials().empty() || parsed->serials().size() > gh::pki::ocsp_questions_max)
        std::abort();
    for (std::size_t i = 0; i < parsed->serials().size(); ++i) (void)parsed->is_about(i, issuer());
    const std::vector<gh::pki::OcspStatus> statuses(parsed->serials().size());
    const auto answer = gh::pki::answer_ocsp(*parsed, issuer(), statuses,
                                             gh::SystemTime{std::chrono::seconds(1'750'000'000)});
    if (!answer) std::abort();
    return 0;
}
