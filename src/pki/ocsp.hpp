#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/revoked.hpp"

typedef struct ocsp_request_st OCSP_REQUEST;  // NOLINT(modernize-use-using): OpenSSL's own

namespace gh::pki {

inline constexpr std::size_t ocsp_request_bytes_max = 4 * 1024;
inline constexpr std::size_t ocsp_questions_max = 16;
inline constexpr std::chrono::hours ocsp_lifetime{1};  ///< of an answer

/// What a client wants to know (RFC 6960 §4.1).
class OcspRequest {
 public:
    /// Pure. One to ocsp_questions_max certificates, at most one nonce of 1 to 128 octets (RFC 9654).
    /// @return `invalid_argument` "ocsp.too_long" or "ocsp.malformed"
    [[nodiscard]] static Result<OcspRequest> parse(std::string_view der);
    /// About one certificate that `issuer` signed.
    /// @param serial  as crypto::serial_of() has it
    /// @return `internal` "ca.openssl"
    [[nodiscard]] static Result<OcspRequest> about(const Authority& issuer,
                                                   std::string_view serial);

    /// Of each certificate asked for, in their order, as crypto::serial_of() has them.
    [[nodiscard]] const std::vector<std::string>& serials() const { return serials_; }
    /// Whether the question with this index is about a certificate that `issuer` signed.
    [[nodiscard]] bool is_about(std::size_t index, const Authority& issuer) const;
    [[nodiscard]] OCSP_REQUEST* handle() const { return request_.get(); }

 private:
    struct Free {
        void operator()(OCSP_REQUEST* request) const noexcept;
    };
    std::unique_ptr<OCSP_REQUEST, Free> request_;
    std::vector<std::string> serials_;
};

struct OcspStatus {
    enum class Kind : std::uint8_t { good, revoked, unknown };
    Kind kind = Kind::unknown;
    SystemTime revoked_at{};
    RevocationReason reason{};
};

/// The signed answer, DER, good from `backdate` before `now`. A nonce of more than 32 octets
/// is not repeated. The issuer signs it itself (RFC 6960 §2.6) and is named by its key.
/// @param statuses  as many as there are questions
/// @return `internal` "ca.openssl"
[[nodiscard]] Result<std::string> answer_ocsp(const OcspRequest& request, const Authority& issuer,
                                              const std::vector<OcspStatus>& statuses,
                                              SystemTime now);

/// Answers without a signature (RFC 6960 §2.3).
enum class OcspFailure : std::uint8_t { malformed_request = 1, internal_error = 2, try_later = 3 };
[[nodiscard]] std::string ocsp_failure(OcspFailure failure);

}  // namespace gh::pki
