#include "storage/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "base/signal_stack.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "crypto/digest.hpp"
#include "storage/value.hpp"

namespace gh::storage {
namespace {

constexpr std::size_t checksum_digits = 16;
constexpr std::size_t group_max = 1'024;
constexpr std::string_view suffix = ".jsonl";

std::string checksum(std::string_view text) {
    return crypto::sha256_hex(text).substr(0, checksum_digits);
}

std::unexpected<Error> io_error(const std::filesystem::path& path, int error_number) {
    const bool full = error_number == ENOSPC || error_number == EDQUOT;
    return fail_errno(full ? ErrorKind::exhausted : ErrorKind::unavailable,
                      full ? "journal.full" : "journal.io", path.string(), error_number);
}

Result<void> write_all(int fd, std::string_view text, const std::filesystem::path& path) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_error(path, errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// The text of the object behind `"payload":`, the last member of a line of ours.
std::string_view payload_text(std::string_view object) {
    constexpr std::string_view name = R"("payload":)";
    const auto at = object.find(name);
    if (at == std::string_view::npos || !object.ends_with('}')) return {};
    object.remove_prefix(at + name.size());
    object.remove_suffix(1);
    return object;
}

}  // namespace

std::string journal_line(const JournalRecord& record) {
    std::string object = fmt::format(R"({{"sequence":{},"id":)", record.sequence);
    codec::json::append_quoted(object, record.id);
    object += R"(,"kind":)";
    codec::json::append_quoted(object, record.kind);
    object += fmt::format(R"(,"at":{},"payload":{}}})", microseconds_of(record.at), record.payload);
    return checksum(object) + ' ' + object;
}

Result<JournalRecord> parse_journal_line(std::string_view line) {
    const auto bad = [](const char* what) {
        return fail(ErrorKind::corrupt, "journal.line", what);
    };
    if (line.size() < checksum_digits + 1 || line[checksum_digits] != ' ') return bad("too short");
    const auto object = line.substr(checksum_digits + 1);
    if (line.substr(0, checksum_digits) != checksum(object)) return bad("wrong checksum");
    const auto parsed =
        codec::json::parse(object, {.bytes_max = 2 * journal_payload_bytes_max, .depth_max = 32});
    if (!parsed) return bad("no JSON object");
    const auto* sequence = parsed->find("sequence");
    const auto* at = parsed->find("at");
    const auto* id = parsed->find_string("id");
    const auto* kind = parsed->find_string("kind");
    const auto* payload = parsed->find("payload");
    if (!sequence || !sequence->integer() || !at || !at->integer() || !id || !kind || !payload ||
        !payload->object()) {
        return bad("a member is missing");
    }
    JournalRecord record{.sequence = static_cast<std::uint64_t>(*sequence->integer()),
                         .id = *id,
                         .kind = *kind,
                         .at = time_of(*at->integer()),
                         .payload = std::string(payload_text(object))};
    // Members in another order, or more of them: not ours, whatever its checksum.
    if (journal_line(record) != line) return bad("not as it is written");
    return record;
}

Journal::Journal(std::filesystem::path folder, Options options)
    : folder_(std::move(folder)), options_(options) {}

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& folder,
                                               Options options) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return io_error(folder, errno);
    std::unique_ptr<Journal> journal(new Journal(folder, options));
    journal->folder_fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (journal->folder_fd_ < 0) return io_error(folder, errno);
    GH_TRY_VOID(journal->load());
    journal->thread_ = std::jthread([&self = *journal] { self.run(); });
    return journal;
}

Journal::~Journal() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    if (file_ >= 0) ::close(file_);
    if (folder_fd_ >= 0) ::close(folder_fd_);
}

Result<void> Journal::load() {
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
         at.increment(error)) {
        if (at->path().extension() == suffix) segments_.push_back({.path = at->path()});
    }
    if (error) return io_error(folder_, error.value());
    std::ranges::sort(segments_, {}, &Segment::path);
    GH_TRY_VOID(drop_empty());  // so that the last one is the one that was written last
    for (std::size_t i = 0; i < segments_.size(); ++i)
        GH_TRY_VOID(load_segment(segments_[i], i + 1 == segments_.size()));
    GH_TRY_VOID(drop_empty());
    if (segments_.empty()) return {};
    released_ = segments_.front().first - 1;
    file_ = ::open(segments_.back().path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (file_ < 0) return io_error(segments_.back().path, errno);
    return {};
}

/// Unlinks segments without content, which would stand between later ones that are named by smaller numbers.
Result<void> Journal::drop_empty() {
    for (auto at = segments_.begin(); at != segments_.end();) {
        struct stat facts{};
        if (::stat(at->path.c_str(), &facts) != 0) return io_error(at->path, errno);
        if (facts.st_size > 0) {
            ++at;
            continue;
        }
        if (::unlink(at->path.c_str()) != 0) return io_error(at->path, errno);
        at = segments_.erase(at);
    }
    return {};
}

Result<void> Journal::load_segment(Segment& segment, bool last) {
    std::ifstream in(segment.path, std::ios::binary);
    std::string line;
    std::uint64_t number = 0;
    while (std::getline(in, line)) {
        ++number;
        const bool ended = !in.eof();
        auto record = ended
                          ? parse_journal_line(line)
                          : Result<JournalRecord>(fail(ErrorKind::corrupt, "journal.line", "cut"));
        const bool follows = record && (!oldest_ || record->sequence == next_);
        if (!record || !follows) {
            // Only what was written last may be broken: nothing stands behind it.
            if (!record && last && in.peek() == std::ifstream::traits_type::eof()) break;
            return fail(
                ErrorKind::corrupt, "journal.damaged",
                fmt::format("{}:{}: {}; move {} away to start without it", segment.path.string(),
                            number, record ? "out of order" : record.error().detail,
                            folder_.string()));
        }
        if (segment.records == 0) segment.first = record->sequence;
        if (!oldest_) oldest_ = record->at;
        next_ = record->sequence + 1;
        ++segment.records;
        segment.bytes += line.size() + 1;
    }
    if (in.bad()) return io_error(segment.path, EIO);
    if (last && ::truncate(segment.path.c_str(), static_cast<off_t>(segment.bytes)) != 0)
        return io_error(segment.path, errno);
    return {};
}

std::uint64_t Journal::bytes() const {
    std::uint64_t all = 0;
    for (const auto& segment : segments_) all += segment.bytes;
    return all;
}

Task<Result<void>> Journal::append(JournalRecord record) {
    if (record.payload.size() > journal_payload_bytes_max)
        co_return fail(ErrorKind::invalid_argument, "journal.too_large");
    net::Answer<Result<void>> answer(*net::Loop::current());
    {
        const std::scoped_lock lock(mutex_);
        if (failed_)
            co_return fail(ErrorKind::unavailable, "journal.io", "an earlier write failed");
        if (waiting_.size() >= options_.waiting_max || bytes() >= options_.bytes_max)
            co_return fail(ErrorKind::exhausted, "journal.full");
        waiting_.push_back({std::move(record), answer.giver()});
    }
    wake_.notify_one();
    co_return co_await answer.wait();
}

void Journal::run() {
    keep_signal_stack();
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        std::vector<Waiting> group;
        while (!waiting_.empty() && group.size() < group_max) {
            group.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        lock.unlock();
        const auto written = write(group);
        for (auto& each : group) each.give(written);
        lock.lock();
    }
}

/// Writes a group, and waits for the disk. Nothing of it counts unless all of it does.
Result<void> Journal::write(std::vector<Waiting>& group) {
    const std::scoped_lock writing(file_mutex_);
    const auto first = next_;  // only this thread moves it
    if (file_ < 0 || segments_.back().bytes >= options_.segment_bytes)
        GH_TRY_VOID(begin_segment(first));
    std::string text;
    for (auto& each : group) {
        each.record.sequence = next_++;
        text += journal_line(each.record);
        text += '\n';
    }
    const auto path = segments_.back().path;
    auto done = write_all(file_, text, path);
    if (done && ::fdatasync(file_) != 0) done = io_error(path, errno);
    const std::scoped_lock lock(mutex_);
    auto& segment = segments_.back();
    if (!done) {
        // Back to where it was; when even that fails, nobody knows what the disk holds.
        next_ = first;
        failed_ =
            ::ftruncate(file_, static_cast<off_t>(segment.bytes)) != 0 || ::fdatasync(file_) != 0;
        return done;
    }
    if (!oldest_) oldest_ = group.front().record.at;
    segment.bytes += text.size();
    segment.records += group.size();
    return {};
}

Result<void> Journal::begin_segment(std::uint64_t first) {
    const auto path = folder_ / fmt::format("{:020}{}", first, suffix);
    const int fd = ::open(path.c_str(),
                          O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return io_error(path, errno);
    if (::fsync(folder_fd_) != 0) {
        const int why = errno;
        ::close(fd);
        return io_error(folder_, why);
    }
    if (file_ >= 0) ::close(file_);
    file_ = fd;
    const std::scoped_lock lock(mutex_);
    segments_.push_back({.path = path, .first = first});
    return {};
}

Result<void> Journal::each(const std::function<bool(JournalRecord)>& wants) const {
    std::vector<Segment> segments;
    std::uint64_t offset = 0;
    {
        const std::scoped_lock lock(mutex_);
        segments.assign(segments_.begin(), segments_.end());
        offset = offset_;
    }
    for (const auto& segment : segments) {
        std::ifstream in(segment.path, std::ios::binary);
        in.seekg(static_cast<std::streamoff>(offset));
        std::string line;
        // What stands behind `bytes` is being written at this moment.
        while (offset < segment.bytes && std::getline(in, line)) {
            GH_TRY(auto record, parse_journal_line(line));
            offset += line.size() + 1;
            if (!wants(std::move(record))) return {};
        }
        if (in.bad()) return io_error(segment.path, EIO);
        offset = 0;
    }
    return {};
}

Result<std::vector<JournalRecord>> Journal::oldest(std::size_t count) const {
    std::vector<JournalRecord> records;
    GH_TRY_VOID(each([&records, count](JournalRecord record) {
        records.push_back(std::move(record));
        return records.size() < count;
    }));
    return records;
}

/// Moves `released_` and `offset_` forward, over the lines between.
Result<void> Journal::skip_to(std::uint64_t sequence) {
    std::uint64_t released = released_, offset = offset_;  // release() alone changes them
    std::size_t index = 0;
    while (released < sequence) {
        Segment segment;
        {
            const std::scoped_lock lock(mutex_);
            if (index >= segments_.size()) break;
            segment = segments_[index];
        }
        std::ifstream in(segment.path, std::ios::binary);
        in.seekg(static_cast<std::streamoff>(offset));
        std::string line;
        while (released < sequence && offset < segment.bytes && std::getline(in, line)) {
            ++released;
            offset += line.size() + 1;
        }
        if (in.bad()) return io_error(segment.path, EIO);
        if (released < sequence) {
            ++index;
            offset = 0;
        }
    }
    const std::scoped_lock lock(mutex_);
    released_ = released;
    offset_ = offset;
    return {};
}

Result<void> Journal::release(std::uint64_t sequence) {
    GH_TRY_VOID(skip_to(sequence));
    std::vector<std::filesystem::path> gone;
    {
        const std::scoped_lock lock(mutex_);
        oldest_.reset();
        while (segments_.size() > 1 && segments_[1].first <= released_ + 1) {
            if (segments_[1].first == released_ + 1) offset_ = 0;
            gone.push_back(segments_.front().path);
            segments_.pop_front();
        }
    }
    for (const auto& path : gone) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error(path, errno);
    }
    GH_TRY_VOID(release_last());
    GH_TRY(const auto next, oldest(1));
    const std::scoped_lock lock(mutex_);
    if (!oldest_ && !next.empty()) oldest_ = next.front().at;
    return {};
}

/// The segment that is written to goes once all of it was let go.
Result<void> Journal::release_last() {
    const std::scoped_lock writing(file_mutex_);
    const std::scoped_lock lock(mutex_);
    if (segments_.size() != 1 || released_ + 1 < next_) return {};
    const auto path = segments_.front().path;
    segments_.clear();
    offset_ = 0;
    ::close(file_);
    file_ = -1;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error(path, errno);
    return {};
}

Journal::Backlog Journal::backlog() const {
    const std::scoped_lock lock(mutex_);
    Backlog all;
    if (segments_.empty()) return all;
    all.records = segments_.back().first + segments_.back().records - 1 - released_;
    all.bytes = bytes();
    if (all.records > 0) all.oldest = oldest_;
    return all;
}

}  // namespace gh::storage
