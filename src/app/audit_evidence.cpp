#include "app/audit_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "audit/export_lines.hpp"
#include "base/file.hpp"
#include "base/try.hpp"

namespace gh::app {
namespace {

std::unexpected<Error> unfit(std::string detail) {
    return fail(ErrorKind::invalid_argument, "audit.evidence", std::move(detail));
}

/// The lines of an export, one after another.
class ExportFile {
 public:
    static Result<std::shared_ptr<ExportFile>> open(const std::filesystem::path& file,
                                                    const audit::NoteVerifier& log) {
        auto opened = std::make_shared<ExportFile>(file);
        if (!opened->in_) return unfit(fmt::format("{} cannot be read", file.native()));
        GH_TRY(auto line, opened->next());
        const auto* head = line ? std::get_if<audit::ExportedHead>(&*line) : nullptr;
        if (head == nullptr) return unfit(fmt::format("{} is no export", file.native()));
        if (head->origin != log.name())
            return unfit(fmt::format("{} is an export of another log", file.native()));
        return opened;
    }
    explicit ExportFile(const std::filesystem::path& file)
        : name_(file.native()), in_(file), buffer_(audit::export_line_bytes_max + 2) {}

    /// Nothing behind the last line.
    Result<std::optional<audit::ExportLine>> next() {
        in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        const auto got = in_.gcount();
        if (got == 0 && in_.eof()) return std::nullopt;
        ++line_;
        const std::string_view text(buffer_.data(),
                                    static_cast<std::size_t>(in_.eof() ? got : got - 1));
        auto read =
            in_.fail() ? Result<audit::ExportLine>(unfit({})) : audit::parse_export_line(text);
        if (!read) return unfit(fmt::format("{}:{}: is not written as exports are", name_, line_));
        return *std::move(read);
    }
    [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const {
        return unfit(fmt::format("{}:{}: {}", name_, line_, why));
    }

 private:
    std::string name_;
    std::ifstream in_;
    std::vector<char> buffer_;
    std::uint64_t line_ = 0;
};

using NextCheckpoint = std::function<Result<std::optional<audit::Checkpoint>>()>;

NextCheckpoint checkpoints_of(std::shared_ptr<ExportFile> file, const audit::NoteVerifier& log) {
    return [file = std::move(file), log]() -> Result<std::optional<audit::Checkpoint>> {
        GH_TRY(auto line, file->next());
        const auto* found = line ? std::get_if<audit::ExportedCheckpoint>(&*line) : nullptr;
        if (found == nullptr) return std::nullopt;  // records follow
        auto opened = audit::open_checkpoint(found->note, log);
        if (!opened) return file->refuse("is no checkpoint that " + log.text() + " has signed");
        return *std::move(opened);
    };
}

std::function<Result<std::optional<audit::ExportedRecord>>()> records_of(
    std::shared_ptr<ExportFile> file) {
    return [file = std::move(file)]() -> Result<std::optional<audit::ExportedRecord>> {
        for (;;) {
            GH_TRY(auto line, file->next());
            if (!line) return std::nullopt;
            if (auto* found = std::get_if<audit::ExportedRecord>(&*line)) return std::move(*found);
        }
    };
}

/// The single ones and those of the export, by size.
NextCheckpoint merged(std::vector<audit::Checkpoint> single, NextCheckpoint exported) {
    std::ranges::sort(single, std::ranges::greater(), &audit::Checkpoint::size);
    auto pending = std::optional<audit::Checkpoint>();
    auto begun = false;
    return
        [single = std::move(single), exported = std::move(exported), pending = std::move(pending),
         begun]() mutable -> Result<std::optional<audit::Checkpoint>> {
            if (!std::exchange(begun, true)) {
                GH_TRY(pending, exported());
            }
            if (!single.empty() && (!pending || single.back().size <= pending->size)) {
                auto first = std::move(single.back());
                single.pop_back();
                return first;
            }
            if (!pending) return std::nullopt;
            auto first = std::move(pending);
            GH_TRY(pending, exported());
            return first;
        };
}

}  // namespace

Result<audit::Checkpoint> read_checkpoint(const std::filesystem::path& file,
                                          const audit::NoteVerifier& log) {
    GH_TRY(const auto text, read_file_at(file, audit::note_bytes_max));
    auto opened = audit::open_checkpoint(text, log);
    if (!opened)
        return unfit(
            fmt::format("{} is no checkpoint that {} has signed", file.native(), log.text()));
    return opened;
}

Result<audit::Evidence> gather_evidence(std::vector<audit::Checkpoint> checkpoints,
                                        const std::filesystem::path& exported,
                                        const audit::NoteVerifier& log) {
    NextCheckpoint of_export = []() -> Result<std::optional<audit::Checkpoint>> {
        return std::nullopt;
    };
    audit::Evidence evidence;
    evidence.record = []() -> Result<std::optional<audit::ExportedRecord>> { return std::nullopt; };
    if (!exported.empty()) {
        GH_TRY(auto for_checkpoints, ExportFile::open(exported, log));
        GH_TRY(auto for_records, ExportFile::open(exported, log));
        of_export = checkpoints_of(std::move(for_checkpoints), log);
        evidence.record = records_of(std::move(for_records));
    }
    evidence.checkpoint = merged(std::move(checkpoints), std::move(of_export));
    return evidence;
}

}  // namespace gh::app
