#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/form.hpp"

namespace gh::identity::oauth {

/// The parameters of a request to one of the endpoints (RFC 6749 §3.1, §3.2): an empty one was not sent, unknown ones
/// mean nothing, and none is there twice, but for those that say so (`resource`, RFC 8707 §2; `audience`, RFC 8693 §2.1).
class Parameters {
 public:
    static constexpr std::size_t bytes_max = 24 * 1024;
    static constexpr std::size_t pairs_max = 64;
    static constexpr std::size_t value_bytes_max = 8 * 1024;

    /// @param text  a query, or the body of a form
    /// @return      refuses as "oauth.malformed"; a control character anywhere, too
    [[nodiscard]] static Result<Parameters> read(std::string_view text);
    Parameters(Parameters&&) noexcept = default;
    Parameters& operator=(Parameters&&) noexcept = default;
    ~Parameters();  // wipes: secrets and passwords come as parameters

    /// Empty where it was not sent.
    [[nodiscard]] std::string_view operator[](std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return !(*this)[name].empty(); }
    [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
    /// @return refuses as "oauth.parameter_missing"
    [[nodiscard]] Result<std::string> required(std::string_view name) const;
    /// As a query again, each character escaped that could mean something.
    [[nodiscard]] std::string query() const;

 private:
    using Pairs = std::vector<codec::Form::Pair>;
    explicit Parameters(Pairs pairs) : pairs_(std::move(pairs)) {}
    Pairs pairs_;
};

/// Scopes apart by single spaces, each once.
/// @return refuses as "oauth.scope"
[[nodiscard]] Result<std::vector<std::string>> read_scopes(std::string_view text);

/// Absolute URIs without a fragment (RFC 8707 §2), each once, sorted.
/// @return refuses as "oauth.resource"
[[nodiscard]] Result<std::vector<std::string>> read_resources(std::vector<std::string> all);

inline constexpr std::size_t scopes_max = 32;  ///< of one request
inline constexpr std::size_t resources_max = 4;
inline constexpr std::size_t resource_bytes_max = 256;

}  // namespace gh::identity::oauth
