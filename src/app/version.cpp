#include "app/version.hpp"

#include <fmt/format.h>
#include <nghttp2/nghttp2ver.h>
#include <openssl/crypto.h>

#include "app/crash_handler.hpp"

namespace gh::app {

std::string_view version() { return GATEHOUSE_VERSION; }

std::string version_text(bool json) {
    const std::string_view openssl = OpenSSL_version(OPENSSL_VERSION_STRING);
    const int fmt_version = FMT_VERSION;
    const auto fmt_text =
        fmt::format("{}.{}.{}", fmt_version / 10000, fmt_version / 100 % 100, fmt_version % 100);
    if (json) {
        return fmt::format(
            R"({{"version":"{}","commit":"{}","build_id":"{}","compiler":"{}","libraries":{{"openssl":"{}","nghttp2":"{}","fmt":"{}"}}}})"
            "\n",
            version(), GATEHOUSE_COMMIT, build_id(), GATEHOUSE_COMPILER, openssl, NGHTTP2_VERSION,
            fmt_text);
    }
    return fmt::format(
        "gatehouse {}\ncommit    {}\nbuild id  {}\ncompiler  {}\nopenssl   {}\nnghttp2   {}\nfmt   "
        "    {}\n",
        version(), GATEHOUSE_COMMIT, build_id(), GATEHOUSE_COMPILER, openssl, NGHTTP2_VERSION,
        fmt_text);
}

}  // namespace gh::app
