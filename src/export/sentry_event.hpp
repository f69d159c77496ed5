#pragma once

#include <string>
#include <string_view>

#include "codec/json_writer.hpp"
#include "export/sentry.hpp"

namespace gh::exporting::sentry {

/// What every event begins with, in an object that is open; the caller goes on with what is its own.
struct EventHead {
    std::string_view id;
    std::string_view timestamp;  ///< RFC 3339
    std::string_view level;      ///< "error", "fatal"
    std::string_view logger;     ///< the component
    std::string_view platform;   ///< "other", "native"
};
void append_head(codec::json::Writer& out, const EventHead& head, const About& about);

/// Sentry takes a message up to 8192 characters.
inline constexpr std::size_t message_bytes_max = 8192;

}  // namespace gh::exporting::sentry
