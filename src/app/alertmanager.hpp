#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/ask_once.hpp"
#include "base/error.hpp"

namespace gh::app {

using Labels = std::map<std::string, std::string, std::less<>>;

/// How many attempts of each kind of receiver ("webhook", "slack") have succeeded and failed, since Alertmanager started.
struct Sent {
    std::map<std::string, double, std::less<>> well, badly;
};

/// What Alertmanager makes of one alert.
struct Standing {
    std::vector<std::string> receivers;
    std::vector<std::string> silenced_by,
        inhibited_by;  ///< ids; held back as long as there are any
};

/// One Alertmanager, by its API v2. Errors say what to do about them.
class Alertmanager {
 public:
    /// @param url      where its web page is, with its --web.route-prefix
    /// @param token    of who may; empty: nobody is asked
    /// @return `invalid_argument` "usage"
    [[nodiscard]] static Result<Alertmanager> at(const std::string& url, const std::string& ca_file,
                                                 const std::string& token_file);

    /// Hands over one alert, which resolves itself after `lifetime`.
    /// @return `unavailable` "alertmanager.away", `invalid_argument` "alertmanager.refused"
    [[nodiscard]] Result<void> post(const Labels& labels, const Labels& annotations,
                                    std::chrono::milliseconds lifetime) const;
    /// Of the alert that has this label; nothing: there is none yet. Errors as of post().
    [[nodiscard]] Result<std::optional<Standing>> standing(const std::string& label,
                                                           const std::string& value) const;
    /// By its own metrics. Errors as of post().
    [[nodiscard]] Result<Sent> sent() const;

 private:
    [[nodiscard]] Result<std::string> ask(std::string_view path, std::string body) const;

    std::string url_;  // without a slash at its end, for messages
    Question question_;
};

/// The label is one that Alertmanager takes: [a-zA-Z_][a-zA-Z0-9_]*.
[[nodiscard]] bool is_label_name(std::string_view name);

}  // namespace gh::app
