#include "export/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/try.hpp"

namespace gh::exporting {
namespace {

constexpr std::string_view suffix = ".batches";
constexpr std::size_t number_digits = 16;

std::string name_of(std::uint64_t number) { return fmt::format("{:016x}{}", number, suffix); }

std::optional<std::uint64_t> number_of(std::string_view name) {
    if (name.size() != number_digits + suffix.size() || !name.ends_with(suffix))
        return std::nullopt;
    std::uint64_t number = 0;
    const auto digits = name.substr(0, number_digits);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (name_of(number) != name) return std::nullopt;
    return number;
}

/// @return as much as there is
std::string read_at(const UniqueFd& file, std::uint64_t offset, std::size_t bytes) {
    std::string out(bytes, '\0');
    std::size_t got = 0;
    while (got < bytes) {
        const auto n =
            ::pread(file.get(), out.data() + got, bytes - got, static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    out.resize(got);
    return out;
}

/// @return errno, or 0
int write_whole(const UniqueFd& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::write(file.get(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

}  // namespace

Result<Spool> Spool::open(const std::filesystem::path& folder, SpoolOptions options) {
    std::error_code unmade;
    if (std::filesystem::create_directory(folder, unmade))
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, unmade);
    GH_TRY(auto lock, FileLock::acquire(folder / "lock", std::chrono::milliseconds{0}));
    GH_TRY(auto directory, open_directory(folder));
    options.segment_bytes =
        std::clamp<std::uint64_t>(options.bytes_max / 8, 1, options.segment_bytes);
    Spool spool(std::move(lock), std::move(directory), options);
    spool.position_file_ = UniqueFd(
        ::openat(spool.folder_.get(), "position", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!spool.position_file_)
        return fail_errno(ErrorKind::unavailable, "file.io", (folder / "position").string(), errno);
    GH_TRY_VOID(spool.find_segments(folder));
    spool.read_position();
    return spool;
}

Result<void> Spool::find_segments(const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::directory_iterator entries(folder, failed);
    for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
        const auto& path = entries->path();
        const auto number = number_of(path.filename().native());
        struct stat facts{};
        if (!number || ::lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
        segments_.push_back({*number, static_cast<std::uint64_t>(facts.st_size)});
    }
    if (failed)
        return fail(ErrorKind::unavailable, "file.io", folder.string() + ": " + failed.message());
    std::ranges::sort(segments_, {}, &Segment::number);
    for (const auto& segment : segments_) bytes_ += segment.bytes;
    if (!segments_.empty()) last_number_ = segments_.back().number;
    return {};
}

void Spool::read_position() {
    const auto text = read_at(position_file_, 0, 128);
    if (const auto read = parse_spool_position(text)) position_ = *read;
    last_number_ = std::max(last_number_, position_.segment);
    while (!segments_.empty() && segments_.front().number < position_.segment) remove_front();
    if (segments_.empty()) return;
    auto& first = segments_.front();
    if (first.number != position_.segment) position_ = {first.number, 0};
    if (position_.offset >= first.bytes) remove_front();
}

/// Where it cannot be written a batch may be sent again, after a restart.
void Spool::write_position() {
    const auto text = spool_position_text(position_);
    [[maybe_unused]] const auto done = ::pwrite(position_file_.get(), text.data(), text.size(), 0);
}

UniqueFd Spool::open_segment(const Segment& segment) const {
    return UniqueFd(::openat(folder_.get(), name_of(segment.number).c_str(),
                             O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

/// By the headers, as far as they lead.
std::uint64_t Spool::lines_left(const Segment& segment, std::uint64_t from) const {
    const auto file = open_segment(segment);
    std::uint64_t lines = 0;
    while (file && from < segment.bytes) {
        const auto header = parse_spool_header(read_at(file, from, spool_header_bytes));
        if (!header) break;
        lines += header->lines;
        from += header->record_bytes;
    }
    return lines;
}

void Spool::remove_front() {
    const auto& first = segments_.front();
    ::unlinkat(folder_.get(), name_of(first.number).c_str(), 0);
    bytes_ -= first.bytes;
    if (segments_.size() == 1) writing_ = UniqueFd();
    segments_.pop_front();
    if (!segments_.empty()) position_ = {segments_.front().number, 0};
}

void Spool::drop_oldest() {
    const auto& first = segments_.front();
    lost_.lines += lines_left(first, first.number == position_.segment ? position_.offset : 0);
    position_ = {first.number, first.bytes};
    write_position();
    remove_front();
}

void Spool::sync() {
    if (writing_) ::fsync(writing_.get());
}

void Spool::end_segment() {
    sync();
    writing_ = UniqueFd();
}

Result<void> Spool::begin_segment() {
    const Segment next{last_number_ + 1, 0};
    UniqueFd file(::openat(folder_.get(), name_of(next.number).c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
        return fail_errno(ErrorKind::unavailable, "file.io", name_of(next.number), errno);
    }
    last_number_ = next.number;
    if (segments_.empty()) position_ = {next.number, 0};
    segments_.push_back(next);
    writing_ = std::move(file);
    return {};
}

Result<void> Spool::append(std::uint32_t lines, std::string_view body) {
    const auto bytes = spool_header_bytes + body.size();
    if (body.size() > spool_body_bytes_max || bytes > options_.bytes_max)
        return fail(ErrorKind::invalid_argument, "spool.too_large");
    while (!segments_.empty() && bytes_ + bytes > options_.bytes_max) drop_oldest();
    if (writing_ && segments_.back().bytes >= options_.segment_bytes) end_segment();
    if (!writing_) GH_TRY_VOID(begin_segment());
    std::string record;
    record.reserve(bytes);
    append_spool_record(record, lines, body);
    auto& segment = segments_.back();
    if (const int error = write_whole(writing_, record)) {
        // What is half there is cut off, or else left behind: the next batch begins another segment.
        if (::ftruncate(writing_.get(), static_cast<off_t>(segment.bytes)) != 0)
            writing_ = UniqueFd();
        if (segment.bytes == 0) {
            ::unlinkat(folder_.get(), name_of(segment.number).c_str(), 0);
            segments_.pop_back();
            writing_ = UniqueFd();
        }
        return fail_errno(ErrorKind::unavailable, "file.io", "writing to the spool", error);
    }
    segment.bytes += bytes;
    bytes_ += bytes;
    return {};
}

std::optional<Spool::Batch> Spool::front() {
    while (!segments_.empty()) {
        const auto& first = segments_.front();
        const auto offset = first.number == position_.segment ? position_.offset : 0;
        const auto file = open_segment(first);
        // For want of descriptors or memory, say: it is there, and read later.
        if (!file && errno != ENOENT) return std::nullopt;
        if (file) {
            const auto header = parse_spool_header(read_at(file, offset, spool_header_bytes));
            const auto bytes = header ? read_at(file, offset, header->record_bytes) : std::string();
            if (const auto record = parse_spool_record(bytes)) {
                return Batch{.lines = record->lines,
                             .body = std::string(record->body),
                             .end = {first.number, offset + bytes.size()}};
            }
        }
        if (offset < first.bytes) ++lost_.damaged;
        position_ = {first.number, first.bytes};
        write_position();
        remove_front();
    }
    return std::nullopt;
}

void Spool::sent(const SpoolPosition& end) {
    // Its segment may have gone meanwhile, to make room.
    if (segments_.empty() || segments_.front().number != end.segment) return;
    position_ = end;
    write_position();
    if (end.offset >= segments_.front().bytes) remove_front();
}

}  // namespace gh::exporting
