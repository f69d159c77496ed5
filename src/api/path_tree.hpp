#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "base/error.hpp"

namespace gh::api {

inline constexpr std::size_t path_segments_max = 12;

/// Which of our path templates a path is. `/api/v1/users/{user}` is every path with something in the place of `{user}`; a
/// segment that is spelled out wins over one that is not, segment by segment from the left. `{path...}`, which only stands
/// last, is all that is left, one segment or more; it comes after every other.
class PathTree {
 public:
    /// @param path_template  "/", then segments: letters, digits and "._~-", or "{name}" with a name of a-z and "_"; the last
    ///                       may be "{name...}"
    /// @return its number, counted from 0; the same template has the same one. `invalid_argument` "route.template" when it
    ///         is malformed or cannot be told from another
    [[nodiscard]] Result<std::size_t> add(std::string_view path_template);

    /// The number of the template that `path` is, or nothing. Allocates nothing: every request that goes to an upstream is
    /// asked about, too.
    /// @param path  normalised
    [[nodiscard]] std::optional<std::size_t> find(std::string_view path) const;

 private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    struct Node {
        std::vector<std::pair<std::string, std::uint32_t>> literals;  // sorted
        std::uint32_t parameter = none;
        std::uint32_t number = none;
        std::uint32_t rest = none;  // the number of what goes on with {name...}
    };
    [[nodiscard]] std::uint32_t child(std::uint32_t node, std::string_view segment);
    [[nodiscard]] std::uint32_t find_from(std::uint32_t node, std::string_view rest) const;

    std::vector<Node> nodes_{1};
    std::vector<std::string> templates_;
};

/// What stands in the places of the names of `path_template`, decoded once. The value of `{name...}` keeps its slashes.
/// @param path  one that `path_template` is found for
/// @return the names are views into the template; `invalid_argument` "path.parameter" when a value holds control characters,
///         or a segment of `{name...}` a slash of its own
[[nodiscard]] Result<std::vector<Parameter>> parameters_of(std::string_view path_template,
                                                           std::string_view path);

/// The names in a template, in their order.
[[nodiscard]] std::vector<std::string_view> names_in(std::string_view path_template);

}  // namespace gh::api
