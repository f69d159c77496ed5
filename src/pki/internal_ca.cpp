#include "pki/internal_ca.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/x509.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

constexpr std::string_view root_name = "ca-root";
constexpr std::string_view issuer_name = "ca-issuer";
constexpr std::size_t certificate_bytes_max = 64 * 1024;
constexpr std::chrono::seconds lock_patience{10};

/// It lies among the keys: nodes may share that folder alone.
Result<FileLock> take_turn(const std::filesystem::path& data_dir) {
    auto lock = FileLock::acquire(data_dir / "keys" / "ca.lock", lock_patience);
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

/// A value of the store that an authority depends on.
std::unexpected<Error> damaged(std::string_view name, const Error& error) {
    return fail(ErrorKind::corrupt, error.reason,
                "the internal CA's key '" + std::string(name) + "': " + error.detail +
                    "; restore it from a backup");
}

bool holds_key(std::string_view pem) { return pem.contains("PRIVATE KEY-----"); }

Result<RootCertificate> read_root(const crypto::Secret& stored) {
    const auto pem = crypto::text_of(stored.bytes());
    if (holds_key(pem)) {
        auto root = Authority::restore(stored);
        if (!root) return damaged(root_name, root.error());
    }
    auto certificates = crypto::read_certificates(pem);
    if (!certificates) {
        return damaged(root_name,
                       {ErrorKind::corrupt, "ca.unreadable", describe(certificates.error())});
    }
    return RootCertificate(std::move(certificates->front()));
}

/// The key is stored before ca.pem is written, and with its certificate in one value: a process killed in between
/// leaves an authority that the next start completes.
Result<RootCertificate> load_or_make_root(crypto::KeyStore& keys,
                                          const std::filesystem::path& data_dir, SystemTime now) {
    auto stored = keys.load(root_name);
    if (stored) return read_root(*stored);
    if (stored.error().kind != ErrorKind::not_found)
        return std::unexpected(std::move(stored.error()));
    if (std::error_code ignored; std::filesystem::exists(data_dir / "ca.pem", ignored)) {
        return fail(ErrorKind::corrupt, "ca.key_lost",
                    (data_dir / "ca.pem").string() + " is there, but its key is not: restore '" +
                        stored.error().detail +
                        "', or remove ca.pem to begin with a new authority");
    }
    GH_TRY(auto root, Authority::create(RootRequest{}, now));
    const auto secret = root.secret_pem();
    GH_TRY_VOID(keys.store(root_name, secret));
    return read_root(secret);
}

bool issuer_due(const Authority& issuer, SystemTime now) {
    return renewal_due(issuer.not_before(), issuer.not_after(), now);
}

/// What the store holds, if it can serve this request now.
std::optional<IssuedCertificate> reusable(std::string_view pem, const Authority& issuer,
                                          const LeafRequest& request, SystemTime now) {
    auto key = crypto::read_private_key(pem);
    auto certificates = crypto::read_certificates(pem);
    if (!key || !certificates) return std::nullopt;
    X509* leaf = certificates->front().get();
    const bool belongs = X509_check_private_key(leaf, key->get()) == 1;
    ERR_clear_error();
    if (!belongs || !issuer.signed_by_us(leaf)) return std::nullopt;
    IssuedCertificate found;
    const auto der = crypto::to_der(leaf);
    static_cast<CertificateFacts&>(found) = facts_of(leaf, der, request.profile);
    if (text_of_names(found.names) != text_of_names(request.names)) return std::nullopt;
    if (renewal_due(found.not_before, found.not_after, now)) return std::nullopt;
    found.chain_pem = crypto::certificate_pem(der) + std::string(issuer.chain_pem());
    found.key_pem = crypto::to_pem(key->get());
    return found;
}

}  // namespace

RootCertificate::RootCertificate(crypto::X509Handle certificate)
    : certificate_(std::move(certificate)), pem_(crypto::to_pem(certificate_.get())) {}

std::string RootCertificate::fingerprint() const {
    return crypto::fingerprint_of(certificate_.get());
}

SystemTime RootCertificate::not_after() const { return crypto::not_after_of(certificate_.get()); }

bool RootCertificate::signed_this(X509* certificate) const {
    const bool ours = X509_verify(certificate, X509_get0_pubkey(certificate_.get())) == 1;
    ERR_clear_error();
    return ours;
}

bool renewal_due(SystemTime not_before, SystemTime not_after, SystemTime now) {
    return now < not_before || now >= not_after - (not_after - not_before) / 3;
}

InternalCa::InternalCa(crypto::KeyStore& keys, std::filesystem::path data_dir, RootCertificate root,
                       std::string published_at)
    : keys_(&keys),
      data_dir_(std::move(data_dir)),
      root_(std::make_unique<RootCertificate>(std::move(root))),
      published_at_(std::move(published_at)) {}

Result<InternalCa> InternalCa::open(crypto::KeyStore& keys, std::filesystem::path data_dir,
                                    SystemTime now, std::string published_at,
                                    const Authority* root) {
    GH_TRY(const auto turn, take_turn(data_dir));
    GH_TRY(auto trusted, load_or_make_root(keys, data_dir, now));
    GH_TRY_VOID(export_certificate(data_dir, trusted.certificate_pem()));
    InternalCa ca(keys, std::move(data_dir), std::move(trusted), std::move(published_at));
    GH_TRY_VOID(ca.settle(now, root));
    return ca;
}

Result<std::optional<InternalCa::Issuing>> InternalCa::stored() const {
    auto stored = keys_->load(issuer_name);
    if (!stored && stored.error().kind == ErrorKind::not_found) return std::nullopt;
    if (!stored) return std::unexpected(std::move(stored.error()));
    auto restored = Authority::restore(*stored);
    if (!restored) return damaged(issuer_name, restored.error());
    // Of a root that was replaced: worth nothing to those who trust this one.
    if (!root_->signed_this(restored->certificate())) return std::nullopt;
    auto list = RootList::read(crypto::text_of(stored->bytes()));
    if (!list) return damaged(issuer_name, list.error());
    return Issuing{*std::move(restored), *std::move(list)};
}

/// The stored intermediate, or another one. What is due and cannot be had without the root's key goes on to its end.
Result<void> InternalCa::settle(SystemTime now, const Authority* offline) {
    GH_TRY(auto found, stored());
    const bool due = !found || issuer_due(found->issuer, now);
    if (!due && !found->list.due(now)) {
        set(*std::move(found));
        return {};
    }
    const auto root = root_with_key();
    if (root && due) {
        GH_TRY_VOID(sign(*root, std::move(found), {}, now));
        return {};
    }
    if (root) {
        found->list.remember(found->issuer);
        GH_TRY_VOID(found->list.sign(*root, now));
        return keep(*std::move(found));
    }
    const bool usable =
        found && root.error().reason == "ca.root_offline" && now < found->issuer.not_after();
    if (usable) {
        set(*std::move(found));
        return {};
    }
    if (offline == nullptr) return std::unexpected(root.error());
    GH_TRY_VOID(check_same(*offline));
    GH_TRY_VOID(sign(*offline, std::move(found), {}, now));
    return {};
}

Result<std::vector<std::string>> InternalCa::sign(const Authority& root,
                                                  std::optional<Issuing> before,
                                                  const Renewal& renewal, SystemTime now) {
    IntermediateRequest request;
    RootList list;
    std::vector<std::string> revoked;
    if (!published_at_.empty()) request.crl_url = Publication::below(published_at_).root_crl_url;
    if (before) {
        request.constraints = constraints_of(before->issuer.certificate());
        list = std::move(before->list);
        list.remember(before->issuer);
    }
    if (renewal.constraints) request.constraints = *renewal.constraints;
    if (renewal.revoke) revoked = list.revoke_all(*renewal.revoke, now);
    const auto* same_key = before && !renewal.revoke ? &before->issuer : nullptr;
    GH_TRY(auto made, root.sign_intermediate(request, same_key, now));
    list.remember(made);
    GH_TRY_VOID(list.sign(root, now));
    GH_TRY_VOID(keep({std::move(made), std::move(list)}));
    return revoked;
}

Result<void> InternalCa::keep(Issuing issuing) {
    const auto issuer = issuing.issuer.secret_pem();
    const auto list = issuing.list.text();
    std::string both;
    both.reserve(issuer.bytes().size() + list.size());
    both.append(crypto::text_of(issuer.bytes())).append(list);
    const crypto::Secret secret(both);
    crypto::wipe(both.data(), both.size());
    GH_TRY_VOID(keys_->store(issuer_name, secret));
    set(std::move(issuing));
    return {};
}

void InternalCa::set(Issuing issuing) {
    if (!published_at_.empty()) issuing.issuer.publish_at(Publication::below(published_at_));
    auto issuer = std::make_shared<const Authority>(std::move(issuing.issuer));
    auto list = std::make_shared<const RootList>(std::move(issuing.list));
    if (on_list_) on_list_(*list);
    const std::scoped_lock lock(current_->mutex);
    current_->issuer = std::move(issuer);
    current_->list = std::move(list);
}

void InternalCa::on_list(std::function<void(const RootList&)> call) {
    on_list_ = std::move(call);
    if (on_list_) on_list_(*root_list());
}

Result<void> InternalCa::refresh(SystemTime now) {
    GH_TRY(auto found, stored());  // it is replaced whole: to read it, nobody need wait for a turn
    if (!found || issuer_due(found->issuer, now) || found->list.due(now)) {
        if (root_with_key()) {
            GH_TRY(const auto turn, take_turn(data_dir_));
            return settle(now);
        }
    }
    if (!found) return {};
    const auto number = [](const RootList& list) { return list.crl() ? list.crl()->number : 0; };
    if (number(found->list) < number(*root_list())) {
        return fail(ErrorKind::conflict, "ca.list_went_back",
                    "an older copy of the CA's intermediate was put in its place, or an older "
                    "gatehouse wrote it: what the root has revoked since is missing there. This "
                    "process goes on with what it has; restore the newer one, or restart to go on "
                    "with the older");
    }
    if (found->issuer.fingerprint() != issuer()->fingerprint() ||
        number(found->list) != number(*root_list()))
        set(*std::move(found));
    return {};
}

std::shared_ptr<const Authority> InternalCa::issuer() const {
    const std::scoped_lock lock(current_->mutex);
    return current_->issuer;
}

std::shared_ptr<const RootList> InternalCa::root_list() const {
    const std::scoped_lock lock(current_->mutex);
    return current_->list;
}

Result<Authority> InternalCa::root_with_key() const {
    GH_TRY(const auto stored, keys_->load(root_name));
    if (!holds_key(crypto::text_of(stored.bytes()))) {
        return fail(ErrorKind::unavailable, "ca.root_offline",
                    "the root's key is kept elsewhere; fetch the file it was sealed into and run: "
                    "gatehouse ca renew --offline-root FILE");
    }
    auto root = Authority::restore(stored);
    if (!root) return damaged(root_name, root.error());
    return root;
}

Result<void> InternalCa::check_same(const Authority& root) const {
    if (root.fingerprint() == root_->fingerprint()) return {};
    return fail(ErrorKind::invalid_argument, "ca.other_root",
                "this is another root than the one in " + certificate_file().string());
}

Result<void> InternalCa::forget_root_key(SystemTime now) {
    GH_TRY(const auto turn, take_turn(data_dir_));
    GH_TRY(const auto root, root_with_key());
    GH_TRY(auto found, stored());
    if (found) {  // so that the last list without the file is as long as it can be
        GH_TRY_VOID(found->list.sign(root, now));
        GH_TRY_VOID(keep(*std::move(found)));
    }
    return keys_->store(root_name, crypto::Secret(root_->certificate_pem()));
}

Result<std::vector<std::string>> InternalCa::renew(const Renewal& renewal, SystemTime now) {
    GH_TRY(const auto turn, take_turn(data_dir_));
    std::optional<Authority> kept;
    const auto* root = renewal.root;
    if (root == nullptr) {
        GH_TRY(kept, root_with_key());
        root = &*kept;
    }
    GH_TRY_VOID(check_same(*root));
    GH_TRY(auto before, stored());  // another process may have renewed it since
    if (before && before->list.full() && !renewal.revoke) {
        return fail(ErrorKind::exhausted, "ca.renewed_too_often",
                    "more certificates of the intermediate are good than could be revoked; wait "
                    "until some have ended, or give it another key: --new-key");
    }
    return sign(*root, std::move(before), renewal, now);
}

Result<IssuedCertificate> InternalCa::leaf(std::string_view name, const LeafRequest& request,
                                           SystemTime now) {
    const auto key_name = "leaf-" + std::string(name);
    GH_TRY(const auto turn, take_turn(data_dir_));
    GH_TRY_VOID(settle(now));
    const auto issuing = issuer();
    auto stored = keys_->load(key_name);
    if (stored) {
        const auto pem = crypto::text_of(stored->bytes());
        auto kept = reusable(pem, *issuing, request, now);
        if (kept && !revoked(kept->serial)) return *std::move(kept);
    } else if (stored.error().kind != ErrorKind::not_found &&
               stored.error().kind != ErrorKind::corrupt) {
        return std::unexpected(std::move(stored.error()));
    }
    GH_TRY(auto issued, issuing->issue(request, now));
    auto both = issued.key_pem + issued.chain_pem;
    const crypto::Secret secret(both);
    crypto::wipe(both.data(), both.size());
    GH_TRY_VOID(keys_->store(key_name, secret));
    return issued;
}

}  // namespace gh::pki
