#include "app/crash_files.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "telemetry/demangled.hpp"

namespace gh::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view fresh = ".txt", known = ".told.txt";
constexpr std::size_t folder_entries_max = 10'000;

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator each(folder, error);
         !error && each != fs::directory_iterator() && files.size() < folder_entries_max;
         each.increment(error)) {
        if (each->path().native().ends_with(fresh) && each->is_regular_file(error))
            files.push_back(each->path());
    }
    std::ranges::sort(files);  // their names begin with their time
    return files;
}

/// The innermost function of ours, as a reader knows it; where there is none, of a library that is built in.
std::string place_of(const telemetry::CrashReport& report) {
    std::string innermost;
    for (const auto& frame : report.frames) {
        if (frame.module != "gatehouse" || frame.function.empty()) continue;
        auto name = telemetry::demangled(frame.function);
        if (name.starts_with("gh::")) return name;
        if (innermost.empty()) innermost = std::move(name);
    }
    return innermost;
}

void say(const fs::path& file, const telemetry::CrashReport& report, telemetry::Log& log) {
    log.error("crash", "an earlier process ended in a crash")
        .field("file", file.native())
        .field("time", report.time)
        .field("signal", report.signal)
        .field("thread", report.thread_name)
        .field("function", place_of(report))
        .field("version", report.version)
        .field("build_id", report.build_id);
}

}  // namespace

std::vector<FoundCrash> find_crashes(const fs::path& folder, telemetry::Registry& registry,
                                     telemetry::Log& log) {
    auto files = files_in(folder);
    std::error_code error;
    if (files.size() > crash_files_max) {
        const auto last = files.end() - static_cast<std::ptrdiff_t>(crash_files_max);
        std::for_each(files.begin(), last, [&](const fs::path& file) { fs::remove(file, error); });
        files.erase(files.begin(), last);
    }
    registry
        .one_gauge("gatehouse_crash_reports", "Files that crashes have left in the data directory.")
        .set(static_cast<std::int64_t>(files.size()));
    std::vector<FoundCrash> found;
    for (const auto& file : files) {
        if (file.native().ends_with(known)) continue;
        const auto text = read_file_at(file, telemetry::CrashReport::bytes_max);
        auto report = text ? telemetry::parse_crash_report(*text) : std::unexpected(text.error());
        if (!report) {
            log.warning("crash", "a crash file cannot be read")
                .field("file", file.native())
                .error(report.error());
            if (report.error().kind == ErrorKind::corrupt) told(file);  // else it may be read later
            continue;
        }
        say(file, *report, log);
        found.push_back({file, *std::move(report)});
    }
    return found;
}

void told(const fs::path& file) {
    auto name = file;
    name.replace_extension().concat(known);
    std::error_code error;
    fs::rename(file, name, error);
}

}  // namespace gh::app
