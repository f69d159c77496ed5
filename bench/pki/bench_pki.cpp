// What the internal CA costs, in CPU time of this process: a P-256 leaf for a key that is there against OpenSSL's bare ECDSA
// signature, and a list of 100,000 revoked certificates, made and handed out. Rounds of each are interleaved;
// the median counts. Prints Markdown.

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "codec/hex.hpp"
#include "pki/authority.hpp"
#include "pki/crl.hpp"

namespace {

using namespace gh;

constexpr std::size_t revoked_count = 100'000;
constexpr int signatures = 200;
constexpr int rounds = 7;

double cpu_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// Microseconds of CPU a call.
double measure(int times, const std::function<void()>& call) {
    const auto before = cpu_seconds();
    for (int i = 0; i < times; ++i) call();
    return (cpu_seconds() - before) * 1e6 / times;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void sign(EVP_PKEY* key, const std::string& text) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::array<unsigned char, 128> signature{};
    std::size_t size = signature.size();
    const bool good =
        EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
        EVP_DigestSign(context, signature.data(), &size,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
    EVP_MD_CTX_free(context);
    if (!good) std::exit(1);
}

std::vector<pki::RevokedCertificate> many_revoked(const std::string& issuer, SystemTime now) {
    std::vector<pki::RevokedCertificate> all(revoked_count);
    for (auto& each : all) {
        std::array<std::uint8_t, 16> serial{};
        random_bytes(serial);
        each = {.serial = codec::encode_hex({reinterpret_cast<const char*>(serial.data()), 16}),
                .issuer_key_id = issuer,
                .reason = pki::RevocationReason::superseded,
                .revoked_at = now,
                .not_after = now + std::chrono::hours(24)};
    }
    return all;
}

}  // namespace

int main() {
    const auto now = std::chrono::system_clock::now();
    const auto root = pki::Authority::create({}, now).value();
    const auto issuer = root.sign_intermediate({}, nullptr, now).value();
    crypto::KeyHandle key(EVP_EC_gen("P-256"));
    const pki::LeafRequest request{.names = {.dns = {"api.example.com"}}};
    const std::string text(500, 'x');  // as long as a leaf's own part
    pki::RevokedCertificates revoked;
    revoked.add(many_revoked(issuer.key_id(), now));
    pki::CrlKeeper keeper;

    std::vector<double> bare, leaf, list, served;
    auto moment = now;
    for (int round = 0; round < rounds; ++round) {
        bare.push_back(measure(signatures, [&] { sign(issuer.key(), text); }));
        leaf.push_back(measure(signatures, [&] {
            if (!issuer.issue(request, key.get(), now)) std::exit(1);
        }));
        moment += pki::crl_renewed_after;
        list.push_back(measure(1, [&] {
            if (!keeper.keep(issuer, revoked, moment).value_or(false)) std::exit(1);
        }));
        served.push_back(measure(50, [&] {
            const std::string body = keeper.current()->der;  // as an answer takes it
            if (body.empty()) std::exit(1);
        }));
    }
    fmt::print("| what | CPU, us | / signature |\n| --- | --- | --- |\n");
    const auto row = [&](const std::string& what, double took) {
        fmt::print("| {} | {:.1f} | {:.2f} |\n", what, took, took / median(bare));
    };
    row("ECDSA P-256 signature, OpenSSL alone", median(bare));
    row("leaf for a key that is there", median(leaf));
    row(fmt::format("list of {} revoked, made and signed", revoked_count), median(list));
    row(fmt::format("the same handed out, {} bytes", keeper.current()->der.size()), median(served));
    return 0;
}
