#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "vault/policy.hpp"

namespace gh::vault {

/// What some policies say together, in OpenBao's order of priority: the path as it stands, then of those with '*' or '+' the one
/// whose first of these comes latest; one without '*' at its end; one with fewer '+'; the longer one. Rules for the same path
/// are added up, and deny among them takes all away.
class PathRules {
 public:
    void add(const Policy& policy);

    /// What may be done to a path; nothing where no rule is for it.
    /// @param path   without '/' at its beginning
    /// @param lists  it is a folder's, ends with '/', and may be meant by a rule without that
    [[nodiscard]] Capabilities at(std::string_view path, bool lists) const;

 private:
    using Rules = std::map<std::string, Capabilities, std::less<>>;

    struct Match {
        std::string_view rule;  ///< without '*'
        std::size_t first = 0;  ///< of '+' or '*'
        std::size_t wildcards = 0;
        bool is_prefix = false;
        Capabilities capabilities;
    };
    [[nodiscard]] const Capabilities* exact(std::string_view path) const;
    [[nodiscard]] bool best(std::string_view path, Match& into) const;

    Rules exact_, prefixes_, wildcards_;
};

}  // namespace gh::vault
