#include "app/profile_routes.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"
#include "app/version.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "profile/allocations.hpp"
#include "profile/cpu_profile.hpp"
#include "profile/interrupt.hpp"
#include "profile/pprof.hpp"

namespace gh::app {
namespace {

using access::Access;
using access::Permission;
using profile::CpuProfile;
using profile::Stall;

constexpr std::size_t name_length_max = 4'096;
constexpr auto look_interval = std::chrono::milliseconds(200);

enum class Format : std::uint8_t { pprof, folded };

struct Wanted {
    Format format = Format::pprof;
    std::int64_t seconds = 10;
};

const api::Type<Format>& format_type() {
    static const auto type =
        api::choice<Format>({{"pprof", Format::pprof}, {"folded", Format::folded}});
    return type;
}

constexpr auto about_format = "pprof (profile.proto, gzip) or folded stacks, one a line.";

api::Object<Wanted> report_query() {
    return api::Object<Wanted>("ReportQuery", "A profile.")
        .optional("format", &Wanted::format, format_type(), about_format);
}

api::Object<Wanted> cpu_query() {
    return api::Object<Wanted>("CpuProfileQuery", "A profile over time.")
        .optional("seconds", &Wanted::seconds, api::integer_64(1, CpuProfile::duration_max.count()),
                  "How long; 10 unless said.")
        .optional("format", &Wanted::format, format_type(), about_format);
}

const api::Type<Stall>& stall_type() {
    static const auto count = api::integer_64(0, std::numeric_limits<std::int64_t>::max());
    static const auto name = api::text({.length_min = 0, .length_max = name_length_max});
    static const auto span = api::mapped<std::int64_t, milliseconds>(
        count,
        [](const std::int64_t& number) -> Result<milliseconds> { return milliseconds(number); },
        [](const milliseconds& time) { return std::int64_t{time.count()}; }, {});
    static const auto number =
        api::integer<std::uint64_t>(0, std::numeric_limits<std::int64_t>::max());
    static const auto type =
        api::Object<Stall>("Stall", "Something held a worker, and whoever else is on it waited.")
            .required("number", &Stall::number, number, "Counts from 1 since the start.")
            .required("worker", &Stall::worker, number, "Which one, from 0.")
            .required("coroutine", &Stall::name, name, "What ran, as far as it is known.")
            .required("began", &Stall::began, api::time(), "When it was taken up.")
            .required("held_ms", &Stall::held, span, "How long, to 10 ms.")
            .required(
                "cpu_ms", &Stall::cpu, span,
                "Of that, how long the thread had a processor: much less means that it waited.")
            .required("over", &Stall::over, api::boolean(), "false: it still holds the worker.")
            .required("stack", &Stall::stack,
                      api::list_of(name, {.items_max = profile::Stack::depth_max}),
                      "Where the thread was after 50 ms, innermost first; may be empty.")
            .type();
    return type;
}

struct Stalls {
    std::vector<Stall> stalls;
};

const api::Type<Stalls>& stalls_type() {
    static const auto type =
        api::Object<Stalls>("Stalls", "The last 256, oldest first.")
            .required("stalls", &Stalls::stalls, api::list_of(stall_type(), {.items_max = 256}),
                      "Since the start.")
            .type();
    return type;
}

/// A profile in the format that was wanted.
struct Page {
    std::string text;
    Format format;
};

Page write_page(const profile::Profile& profile, Format format, profile::Names& names) {
    auto text = format == Format::folded ? profile::to_folded(profile, names)
                                         : profile::gzip(profile::to_pprof(profile, names));
    names.forget();
    return {std::move(text), format};
}

api::Reply reply_of(Page page, std::string_view name) {
    const bool folded = page.format == Format::folded;
    api::Reply reply;
    reply.content_type = folded ? "text/plain; charset=utf-8" : "application/octet-stream";
    reply.body = std::move(page.text);
    reply.fields = {{"Content-Disposition", "attachment; filename=\"" + std::string(name) +
                                                (folded ? ".folded\"" : ".pb.gz\"")}};
    return reply;
}

std::vector<std::string> comments(profile::Names& names, std::uint64_t dropped) {
    std::vector<std::string> said{"gatehouse " + std::string(version()),
                                  "build id " + names.build_id()};
    if (dropped > 0) said.push_back(std::to_string(dropped) + " samples had no room");
    return said;
}

Page write_cpu(CpuProfile& taken, Format format, profile::Names& names) {
    taken.stop();
    profile::Profile profile{.types = {{"samples", "count"}, {"cpu", "nanoseconds"}},
                             .stacks = {},
                             .period_type = {"cpu", "nanoseconds"},
                             .period = taken.interval().count(),
                             .began = taken.began(),
                             .duration = taken.duration(),
                             .comments = comments(names, taken.dropped())};
    for (auto& each : taken.counted()) {
        const auto count = static_cast<std::int64_t>(each.count);
        profile.stacks.push_back({.frames = std::move(each.frames),
                                  .values = {count, count * profile.period},
                                  .thread = std::move(each.thread)});
    }
    return write_page(profile, format, names);
}

Result<Page> write_allocations(Format format, profile::Names& names, SystemTime now) {
    auto heap = profile::live_heap(names);
    if (!heap.counted) {
        return fail(ErrorKind::unavailable, "profile.not_counted",
                    "this build has the operator new of a sanitizer");
    }
    const profile::Profile profile{
        .types = {{"inuse_objects", "count"}, {"inuse_space", "bytes"}},
        .stacks = std::move(heap.stacks),
        .period_type = {"space", "bytes"},
        .period = static_cast<std::int64_t>(profile::bytes_between_samples),
        .began = now,
        .comments = comments(names, heap.dropped)};
    return write_page(profile, format, names);
}

audit::Record act(const api::Call& call, std::string_view what) {
    return audit::act_of(call, "profile.read", "profile", std::string(what));
}

Task<Result<api::Reply>> take_cpu(ProfileRoom& room, api::Call call, Wanted wanted) {
    const seconds duration(wanted.seconds);
    auto begin = [duration] { return CpuProfile::start(duration); };
    GH_CO_TRY(auto taken, co_await room.pool().run(std::move(begin)));
    auto record = act(call, "cpu");
    record.details = {{"seconds", std::to_string(wanted.seconds)}};
    GH_CO_TRY_VOID(co_await room.audit().append(std::move(record)));
    auto& loop = *net::Loop::current();
    for (const auto until = loop.now() + duration; loop.now() < until;) {
        net::Sleep pause(loop,
                         std::min<std::chrono::nanoseconds>(look_interval, until - loop.now()));
        co_await pause;
        if (call.client_gone()) co_return api::no_content();  // and with it the profile ends
    }
    auto finish = [taken = std::move(taken), format = wanted.format,
                   &names = room.names()]() -> Result<Page> {
        return write_cpu(*taken, format, names);
    };
    GH_CO_TRY(auto page, co_await room.pool().run(std::move(finish)));
    co_return reply_of(std::move(page), "cpu");
}

Task<Result<api::Reply>> show_allocations(ProfileRoom& room, api::Call call, Wanted wanted) {
    auto record = act(call, "allocations");
    GH_CO_TRY_VOID(co_await room.audit().append(std::move(record)));
    auto write = [format = wanted.format, &names = room.names()] {
        return write_allocations(format, names, std::chrono::system_clock::now());
    };
    GH_CO_TRY(auto page, co_await room.pool().run(std::move(write)));
    co_return reply_of(std::move(page), "allocations");
}

Task<Result<api::Reply>> show_stalls(ProfileRoom& room, api::Call) {
    auto read = [&room]() -> Result<Stalls> { return Stalls{room.stalls()}; };
    GH_CO_TRY(auto found, co_await room.pool().run(std::move(read)));
    for (auto& stall : found.stalls) {
        if (stall.name.size() > name_length_max) stall.name.resize(name_length_max);
        for (auto& name : stall.stack) name.resize(std::min(name.size(), name_length_max));
    }
    co_return api::reply(200, stalls_type(), found);
}

}  // namespace

ProfileRoom::ProfileRoom(audit::Log& audit, telemetry::Registry& registry, telemetry::Log& log)
    : audit_(audit), registry_(registry), log_(log) {
    profile::install_interrupt();
    profile::begin_sampling();
}

void ProfileRoom::watch(const std::vector<const net::Loop*>& loops) {
    profile::collect_workers(registry_, loops);
    stalls_ = std::make_unique<profile::StallWatch>(loops, names_, registry_, log_);
}

std::vector<api::Route> ProfileRoom::routes() {
    const auto allowed = Access::permission(Permission::profiles_read);
    const auto pages = [](std::string doc) -> std::vector<api::Answer> {
        return {{200, std::move(doc), "application/octet-stream", nullptr}};
    };
    return {{.method = "GET",
             .path = "/api/v1/profiles/cpu",
             .access = allowed,
             .handle = api::with(*this, take_cpu, api::query(cpu_query())),
             .summary = "Where the processor time of the next seconds goes; one at a time.",
             .answers = pages("The profile, once the time is over.")},
            {.method = "GET",
             .path = "/api/v1/profiles/allocations",
             .access = allowed,
             .handle = api::with(*this, show_allocations, api::query(report_query())),
             .summary = "What lies on the heap, by where it was asked for; sampled.",
             .answers = pages("The profile.")},
            {.method = "GET",
             .path = "/api/v1/profiles/stalls",
             .access = allowed,
             .handle = api::with(*this, show_stalls),
             .summary = "What held a worker over 50 ms.",
             .answers = {api::answers(200, "The last of them.", stalls_type())}}};
}

}  // namespace gh::app
