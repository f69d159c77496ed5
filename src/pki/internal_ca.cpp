#include "pki/internal_ca.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {
namespace {

constexpr std::string_view root_name = "ca-root";
constexpr std::size_t certificate_bytes_max = 64 * 1024;
constexpr std::chrono::seconds lock_patience{10};

Result<FileLock> take_turn(const std::filesystem::path& data_dir) {
    auto lock = FileLock::acquire(data_dir / "ca.lock", lock_patience);
    if (lock) return lock;
    const bool held = lock.error().reason == "file.locked";
    return fail(ErrorKind::unavailable, held ? "ca.locked" : "ca.io",
                std::move(lock.error().detail));
}

std::unexpected<Error> io_error(Error&& error) {
    return fail(ErrorKind::unavailable, "ca.io", std::move(error.detail));
}

/// Nothing when it is missing or no file of ours: then it is written anew.
std::optional<std::string> read_exported(const std::filesystem::path& file) {
    auto content = read_file_at(file, certificate_bytes_max);
    if (!content) return std::nullopt;
    return std::move(*content);
}

Result<void> export_certificate(const std::filesystem::path& data_dir, const std::string& pem) {
    if (read_exported(data_dir / "ca.pem") == pem) return {};
    auto directory = open_directory(data_dir);
    if (!directory) return io_error(std::move(directory.error()));
    if (auto written = replace_file(*directory, "ca.pem", pem, 0644); !written) {
        return io_error(std::move(written.error()));
    }
    return {};
}

/// The key is stored before ca.pem is written, and with its certificate in one value: a process killed in between
/// leaves an authority that the next start completes.
Result<Authority> load_or_make_root(crypto::KeyStore& keys, const std::filesystem::path& data_dir,
                                    SystemTime now) {
    auto stored = keys.load(root_name);
    if (stored) {
        auto root = Authority::restore(*stored);
        if (root) return root;
        return fail(ErrorKind::corrupt, root.error().reason,
                    "the internal CA's key '" + std::string(root_name) +
                        "': " + root.error().detail + "; restore it from a backup");
    }
    if (stored.error().kind != ErrorKind::not_found)
        return std::unexpected(std::move(stored.error()));
    if (std::error_code ignored; std::filesystem::exists(data_dir / "ca.pem", ignored)) {
        return fail(ErrorKind::corrupt, "ca.key_lost",
                    (data_dir / "ca.pem").string() + " is there, but its key is not: restore '" +
                        stored.error().detail +
                        "', or remove ca.pem to begin with a new authority");
    }
    GH_TRY(auto root, Authority::create(RootRequest{}, now));
    GH_TRY_VOID(keys.store(root_name, root.secret_pem()));
    return root;
}

crypto::CertificateNames sorted(crypto::CertificateNames names) {
    for (auto* list : {&names.dns, &names.addresses, &names.uris}) std::ranges::sort(*list);
    return names;
}

/// What the store holds, if it can serve this request now.
std::optional<IssuedCertificate> reusable(std::string_view pem, const Authority& root,
                                          const LeafRequest& request, SystemTime now) {
    auto key = crypto::read_private_key(pem);
    auto certificates = crypto::read_certificates(pem);
    if (!key || !certificates) return std::nullopt;
    X509* leaf = certificates->front().get();
    const bool belongs = X509_check_private_key(leaf, key->get()) == 1;
    ERR_clear_error();
    if (!belongs || !root.signed_by_us(leaf)) return std::nullopt;
    if (sorted(crypto::names_of(leaf)) != sorted(request.names)) return std::nullopt;
    const auto not_before = crypto::not_before_of(leaf);
    const auto not_after = crypto::not_after_of(leaf);
    if (renewal_due(not_before, not_after, now)) return std::nullopt;
    return IssuedCertificate{.chain_pem = crypto::to_pem(leaf),
                             .key_pem = crypto::to_pem(key->get()),
                             .not_before = not_before,
                             .not_after = not_after,
                             .serial = crypto::serial_of(leaf),
                             .fingerprint = crypto::fingerprint_of(leaf)};
}

}  // namespace

bool renewal_due(SystemTime not_before, SystemTime not_after, SystemTime now) {
    return now < not_before || now >= not_after - (not_after - not_before) / 3;
}

Result<InternalCa> InternalCa::open(crypto::KeyStore& keys, std::filesystem::path data_dir,
                                    SystemTime now) {
    GH_TRY(const auto turn, take_turn(data_dir));
    GH_TRY(auto root, load_or_make_root(keys, data_dir, now));
    GH_TRY_VOID(export_certificate(data_dir, root.certificate_pem()));
    return InternalCa(keys, std::move(data_dir), std::move(root));
}

Result<IssuedCertificate> InternalCa::leaf(std::string_view name, const LeafRequest& request,
                                           SystemTime now) {
    const auto key_name = "leaf-" + std::string(name);
    GH_TRY(const auto turn, take_turn(data_dir_));
    auto stored = keys_->load(key_name);
    if (stored) {
        const auto pem = crypto::text_of(stored->bytes());
        if (auto kept = reusable(pem, root_, request, now)) return *std::move(kept);
    } else if (stored.error().kind != ErrorKind::not_found &&
               stored.error().kind != ErrorKind::corrupt) {
        return std::unexpected(std::move(stored.error()));
    }
    GH_TRY(auto issued, root_.issue(request, now));
    auto both = issued.key_pem + issued.chain_pem;
    const crypto::Secret secret(both);
    crypto::wipe(both.data(), both.size());
    GH_TRY_VOID(keys_->store(key_name, secret));
    return issued;
}

}  // namespace gh::pki
