#include "app/log_level_route.hpp"

#include <string>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"

namespace gh::app {
namespace {

using access::Access;
using access::Permission;
using telemetry::LogLevel;

struct Level {
    LogLevel level = LogLevel::info;
};

constexpr std::string_view word_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    return {};
}

const api::Type<Level>& level_type() {
    static const auto type = api::Object<Level>("LogLevel", "What the server log holds.")
                                 .required("level", &Level::level,
                                           api::choice<LogLevel>({{"debug", LogLevel::debug},
                                                                  {"info", LogLevel::info},
                                                                  {"warning", LogLevel::warning},
                                                                  {"error", LogLevel::error}}),
                                           "Less than this is not logged.")
                                 .type();
    return type;
}

Task<Result<api::Reply>> show_level(LogLevelRoom& room, api::Call) {
    co_return api::reply(200, level_type(), {.level = room.log.threshold()});
}

Task<Result<api::Reply>> change_level(LogLevelRoom& room, api::Call call, Level wanted) {
    auto record = audit::act_of(call, "log.level", "log", "server");
    record.details = {{"from", std::string(word_of(room.log.threshold()))},
                      {"to", std::string(word_of(wanted.level))}};
    GH_CO_TRY_VOID(co_await room.audit.append(std::move(record)));
    room.log.set_threshold(wanted.level);
    co_return api::reply(200, level_type(), wanted);
}

}  // namespace

std::vector<api::Route> log_level_routes(LogLevelRoom& room) {
    const auto level = api::answers(200, "The level.", level_type());
    return {{.method = "GET",
             .path = "/api/v1/log-level",
             .access = Access::permission(Permission::logs_write),
             .handle = api::with(room, show_level),
             .summary = "The threshold of the server log.",
             .answers = {level}},
            {.method = "PUT",
             .path = "/api/v1/log-level",
             .access = Access::permission(Permission::logs_write),
             .handle = api::with(room, change_level, api::json_body(level_type())),
             .summary = "Changes it until the next reload or start.",
             .answers = {level},
             .body_bytes_max = 1024}};
}

}  // namespace gh::app
