#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/reply.hpp"

// Pages for people: plain HTML without scripts, in no frame.

namespace gh::identity::oauth {

/// As it may stand between tags and in quoted attributes.
[[nodiscard]] std::string escape_html(std::string_view text);

/// A whole page.
/// @param title        plain text
/// @param content      HTML
/// @param form_target  another place that a form may lead to by redirection: a policy source; empty: none
[[nodiscard]] api::Reply page(std::uint16_t status, std::string_view title,
                              std::string_view content, std::string_view form_target = {});

/// A page that only says something went wrong.
[[nodiscard]] api::Reply failure_page(std::uint16_t status, std::string_view code,
                                      std::string_view text);

/// 303: see there, with GET (RFC 9700 §4.12: never 307, which would send the form on).
[[nodiscard]] api::Reply see_other(std::string location);

}  // namespace gh::identity::oauth
