#include "gateway/proxy/request_body.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gateway/worker.hpp"

namespace gh::gateway::proxy {

using http::BodyPiece;

namespace {
constexpr std::size_t memory_bytes_max = 256 * 1024;
}

RequestBody::RequestBody(Exchange& exchange)
    : exchange_(exchange), limit_(exchange.route->config.request_body_max) {}

RequestBody::~RequestBody() {
    if (file_ >= 0) ::close(file_);
}

http::BodyFraming RequestBody::framing() const {
    const auto& given = exchange_.request().body;
    if (buffered_ && given.kind == http::Framing::chunked) return {http::Framing::length, taken_};
    return given;
}

BodyPiece RequestBody::next() {
    if (buffered_) return replay();
    auto piece = exchange_.client->body();
    taken_ += piece.bytes.size();
    too_large_ = taken_ > limit_;
    return piece;
}

Task<RequestBody::Buffered> RequestBody::buffer(std::filesystem::path directory) {
    auto& wakeup = exchange_.client->wakeup();
    auto& loop = exchange_.worker->loop;
    const auto patience = exchange_.snapshot->limits.body_idle_timeout;
    exchange_.client->send_continue();
    wakeup.expire_at(loop.now() + patience);
    for (;;) {
        const auto piece = next();
        if (too_large_) co_return Buffered::too_large;
        switch (piece.state) {
            case BodyPiece::State::data:
                if (!keep(piece.bytes, directory)) co_return Buffered::no_room;
                wakeup.expire_at(loop.now() + patience);
                break;
            case BodyPiece::State::end: buffered_ = true; co_return Buffered::complete;
            case BodyPiece::State::malformed: co_return Buffered::malformed;
            case BodyPiece::State::closed: co_return Buffered::client_gone;
            case BodyPiece::State::blocked:
                if (exchange_.client->gone() || exchange_.revoked) co_return Buffered::client_gone;
                if (wakeup.expired()) co_return Buffered::client_slow;
                co_await wakeup.wait();
        }
    }
}

bool RequestBody::keep(std::string_view bytes, const std::filesystem::path& directory) {
    if (file_ < 0 && memory_.size() + bytes.size() <= memory_bytes_max) {
        memory_ += bytes;
        return true;
    }
    if (file_ < 0) {
        // Never has a name, so nothing is left behind whatever happens.
        file_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file_ < 0) return false;
        const std::string so_far = std::move(memory_);
        memory_.clear();
        if (!keep(so_far, directory)) return false;
    }
    while (!bytes.empty()) {
        const auto n = ::write(file_, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

BodyPiece RequestBody::replay() {
    if (sent_ == taken_) return {BodyPiece::State::end, {}};
    std::string_view bytes;
    if (file_ < 0) {
        bytes = std::string_view(memory_).substr(sent_);
    } else {
        const auto scratch = exchange_.worker->loop.scratch();
        const auto wanted = std::min<std::uint64_t>(scratch.size(), taken_ - sent_);
        const auto n = ::pread(file_, scratch.data(), wanted, static_cast<off_t>(sent_));
        if (n <= 0) return {BodyPiece::State::closed, {}};
        bytes = {scratch.data(), static_cast<std::size_t>(n)};
    }
    sent_ += bytes.size();
    return {BodyPiece::State::data, bytes};
}

}  // namespace gh::gateway::proxy
