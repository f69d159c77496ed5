#include "app/audit_command.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "app/audit_evidence.hpp"
#include "app/audit_filter.hpp"
#include "app/checkpoint_keeper.hpp"
#include "app/verb_state.hpp"
#include "audit/exporter.hpp"
#include "audit/reader.hpp"
#include "audit/verifier.hpp"
#include "base/try.hpp"
#include "base/unique_fd.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

constexpr auto look_every = milliseconds(500);
constexpr std::size_t page = 500;
static_assert(audit_tail_count_max <= audit::Reader::limit_max);

SystemTime now() { return std::chrono::system_clock::now(); }

Result<void> print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
    return fail_errno(ErrorKind::unavailable, "file.io", "standard output", errno);
}

Result<CheckpointKeeper> open_keeper(VerbState& verb) {
    return CheckpointKeeper::open(verb.settings.data_dir, verb.settings.audit.origin, *verb.keys,
                                  *verb.state->database);
}

// --- tail ---

Result<void> show(const std::vector<audit::Entry>& entries, bool json) {
    for (const auto& entry : entries) GH_TRY_VOID(print(shown(entry, json)));
    if (std::fflush(stdout) == 0) return {};
    return fail_errno(ErrorKind::unavailable, "file.io", "standard output", errno);
}

Task<Result<void>> tail(storage::Database& database, audit::Filter filter, AuditOptions options) {
    audit::Reader reader(database);
    GH_CO_TRY(auto span, co_await reader.span(filter));
    const auto end = span.end;
    GH_CO_TRY(auto entries, co_await reader.newest(span, filter, options.count));
    std::ranges::reverse(entries);
    GH_CO_TRY_VOID(show(entries, options.json));
    if (!options.follow) co_return Result<void>{};
    audit::Filter whole = filter;
    whole.since.reset();  // what comes is new
    GH_CO_TRY(span, co_await reader.span({}));
    for (span.begin = end;;) {
        GH_CO_TRY(entries, co_await reader.oldest(span, whole, page));
        GH_CO_TRY_VOID(show(entries, options.json));
        span.begin = entries.size() < page ? span.end : entries.back().index + 1;
        if (span.begin < span.end) continue;
        co_await net::Sleep(*net::Loop::current(), look_every);
        GH_CO_TRY(const auto all, co_await reader.span({}));
        span.end = all.end;
    }
}

// --- export ---

/// Writes beside the file, and puts it in its place once it is whole.
class WholeFile {
 public:
    static Result<std::unique_ptr<WholeFile>> create(const std::string& name) {
        auto file = std::make_unique<WholeFile>();
        file->name_ = name;
        file->beside_ = name + ".new";
        UniqueFd fd(::open(file->beside_.c_str(),
                           O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd) return fail_errno(ErrorKind::unavailable, "file.io", file->beside_, errno);
        file->stream_ = ::fdopen(fd.get(), "w");
        if (file->stream_ == nullptr)
            return fail_errno(ErrorKind::unavailable, "file.io", file->beside_, errno);
        (void)fd.release();
        return file;
    }
    WholeFile() = default;
    WholeFile(const WholeFile&) = delete;
    WholeFile& operator=(const WholeFile&) = delete;
    ~WholeFile() {
        if (stream_ == nullptr) return;
        std::fclose(stream_);
        ::unlink(beside_.c_str());
    }
    Result<void> write(std::string_view text) {
        if (std::fwrite(text.data(), 1, text.size(), stream_) == text.size()) return {};
        return fail_errno(ErrorKind::unavailable, "file.io", beside_, errno);
    }
    Result<void> finish() {
        if (std::fflush(stream_) != 0 || ::fsync(::fileno(stream_)) != 0 ||
            ::rename(beside_.c_str(), name_.c_str()) != 0)
            return fail_errno(ErrorKind::unavailable, "file.io", name_, errno);
        std::fclose(std::exchange(stream_, nullptr));
        return {};
    }

 private:
    std::string name_, beside_;
    std::FILE* stream_ = nullptr;
};

Result<audit::Exported> export_to(VerbState& verb, const AuditOptions& options) {
    GH_TRY(auto filter, filter_of(options, now()));
    GH_TRY(auto keeper, open_keeper(verb));
    GH_TRY_VOID(net::run_to_end(keeper.sign(now())));
    std::unique_ptr<WholeFile> file;
    if (!options.out.empty()) {
        GH_TRY(file, WholeFile::create(options.out));
    }
    audit::LineSink sink = [&file](std::string_view line) {
        return file ? file->write(line) : print(line);
    };
    GH_TRY(const auto done,
           net::run_to_end(audit::export_log(*verb.state->database, keeper.verifier(),
                                             std::move(filter), std::move(sink))));
    if (file) GH_TRY_VOID(file->finish());
    if (!file && std::fflush(stdout) != 0)
        return fail_errno(ErrorKind::unavailable, "file.io", "standard output", errno);
    return done;
}

// --- verify ---

Result<audit::Verdict> judge(VerbState& verb, const AuditOptions& options, std::string& key) {
    GH_TRY(auto keeper, open_keeper(verb));
    auto log = keeper.verifier();
    if (!options.key.empty()) {
        auto given = audit::NoteVerifier::parse(options.key);
        if (!given)
            return fail(ErrorKind::invalid_argument, "usage",
                        "command line: --key: is no verifier key, wanted: NAME+ID+KEY, as the "
                        "first line of an export has it");
        log = *std::move(given);
    }
    key = log.text();
    std::vector<audit::Checkpoint> known;
    if (options.key.empty()) {
        GH_TRY(auto kept, keeper.kept());
        if (kept) known.push_back(*std::move(kept));
    }
    if (!options.checkpoint.empty()) {
        GH_TRY(auto given, read_checkpoint(options.checkpoint, log));
        known.push_back(std::move(given));
    }
    GH_TRY(auto evidence, gather_evidence(std::move(known), options.exported, log));
    return net::run_to_end(
        audit::verify_log(*verb.state->database, std::move(log), std::move(evidence)));
}

std::string told(const audit::Verdict& verdict, std::string_view key) {
    std::string text;
    for (const auto& finding : verdict.findings) text += fmt::format("wrong: {}\n", finding);
    if (verdict.found > verdict.findings.size())
        text += fmt::format("and {} more\n", verdict.found - verdict.findings.size());
    text += fmt::format("{} records, {} checkpoints signed by {}\n", verdict.records,
                        verdict.checkpoints, key);
    if (verdict.checkpoints_before + verdict.records_before > 0)
        text += fmt::format("{} checkpoints and {} records that were kept elsewhere fit\n",
                            verdict.checkpoints_before, verdict.records_before);
    return text + (verdict.good() ? "the audit log is what it was\n"
                                  : "the audit log is NOT what it was\n");
}

}  // namespace

CommandResult audit_tail(const Overrides& overrides, const Surroundings& surroundings,
                         const AuditOptions& options) {
    auto filter = filter_of(options, now());
    if (!filter) return failed(filter.error());
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto done = net::run_to_end(tail(*(*verb)->state->database, *std::move(filter), options));
    return done ? CommandResult{} : failed(done.error());
}

CommandResult audit_export(const Overrides& overrides, const Surroundings& surroundings,
                           const AuditOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto done = export_to(**verb, options);
    if (!done) return failed(done.error());
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} of {} records, {} checkpoints\n", done->records, done->size,
                               done->checkpoints)};
}

CommandResult audit_verify(const Overrides& overrides, const Surroundings& surroundings,
                           const AuditOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    std::string key;
    const auto verdict = judge(**verb, options, key);
    if (!verdict) return failed(verdict.error());
    return {.exit_code = verdict->good() ? 0 : 1, .out = told(*verdict, key), .err = {}};
}

}  // namespace gh::app
