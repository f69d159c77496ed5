// Any bytes after the connection preface, in pieces, against a handler that answers, delays, resets
// and drains as the first two bytes say. Whatever the client does, every request told is sound and
// its end is told once.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "http/characters.hpp"
#include "http/h1_head.hpp"
#include "http/h1_write.hpp"
#include "http/h2_session.hpp"

namespace {

using namespace gh::http;

void require(bool held) {
    if (!held) std::abort();
}

struct Habits {
    explicit Habits(std::uint8_t bits)
        : answers_early((bits & 1) != 0),
          consumes((bits & 2) != 0),
          parks((bits & 4) != 0),
          sends_trailers((bits & 8) != 0),
          resets((bits & 16) != 0),
          drains((bits & 32) != 0),
          chunked((bits & 64) != 0) {}
    bool answers_early, consumes, parks, sends_trailers, resets, drains, chunked;
};

class Owner final : public H2Handler {
 public:
    explicit Owner(const Habits& habits) : habits_(habits) {}

    void on_request(StreamId stream, RequestHead& head, bool end_stream) override {
        require(!open_.contains(stream));
        auto& told = open_[stream];
        told.head = &head;
        told.ended = end_stream;
        check_sound(head);
        if (habits_.resets && stream % 4 == 1) session->reset(stream, H2Error::cancel);
        if (habits_.answers_early || end_stream) answer(stream);
    }
    void on_refused(StreamId stream, std::uint16_t status, std::string_view) override {
        require(!open_.contains(stream) && status >= 400);
        open_[stream].ended = true;
        ResponseHead head;
        head.status = status;
        session->submit_response(stream, head, false);
    }
    void on_data(StreamId stream, std::string_view bytes) override {
        auto& told = open_.at(stream);
        require(told.head != nullptr && !told.ended && !bytes.empty());
        told.received += bytes.size();
        const auto& body = told.head->body;
        require(body.kind != Framing::none);
        require(body.kind != Framing::length || told.received <= body.length);
        if (habits_.consumes) session->consume(stream, bytes.size());
    }
    void on_end(StreamId stream, const Fields& trailers) override {
        auto& told = open_.at(stream);
        require(!told.ended);
        told.ended = true;
        const auto& body = told.head->body;
        require(body.kind != Framing::length || told.received == body.length);
        for (const auto& line : trailers)
            require(is_token(line.name) && is_field_value(line.value));
        answer(stream);
    }
    void on_close(StreamId stream, H2Error) override { require(open_.erase(stream) == 1); }
    std::size_t fill(StreamId stream, std::span<char> out, bool& eof) override {
        auto& told = open_.at(stream);
        if (habits_.parks && told.fills++ == 0) return 0;
        const auto size = std::min<std::size_t>(out.size(), 3000);
        std::fill_n(out.begin(), size, 'x');
        eof = told.fills++ > 3;
        return size;
    }

    void resume_all() {
        for (const auto& [stream, told] : open_) session->resume(stream);
    }
    [[nodiscard]] std::size_t open() const { return open_.size(); }

    H2Session* session = nullptr;

 private:
    struct Told {
        RequestHead* head = nullptr;
        bool ended = false;
        std::uint64_t received = 0;
        int fills = 0;
    };

    /// What is told can be sent on in HTTP/1.1 and means the same there.
    static void check_sound(const RequestHead& head) {
        std::string text;
        append_request_head(text, head);
        RequestHead again;
        std::size_t scanned = 0;
        const HeadLimits wide{.bytes_max = 65536, .fields_max = 200, .target_bytes_max = 8192};
        const auto result = parse_request_head(text, wide, again, scanned);
        require(result.state == HeadResult::State::complete && result.bytes == text.size());
        require(again.target == head.target && again.authority == head.authority);
        require(again.body.kind == head.body.kind && again.body.length == head.body.length);
    }
    void answer(StreamId stream) {
        ResponseHead head;
        head.status = 200;
        head.fields.add("X-Name", "value");
        head.body.kind = habits_.chunked ? Framing::chunked : Framing::none;
        if (habits_.sends_trailers) {
            Fields trailers;
            trailers.add("x-sum", "1");
            session->submit_trailers(stream, trailers);
        }
        session->submit_response(stream, head, habits_.chunked);
    }

    Habits habits_;
    std::map<StreamId, Told> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Habits habits(data[0]);
    const std::size_t piece = data[1] == 0 ? size : data[1];
    const auto bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                       std::string(reinterpret_cast<const char*>(data) + 2, size - 2);

    Owner owner(habits);
    const gh::SteadyTime now{};
    const H2Limits limits{.streams_max = 8,
                          .header_bytes_max = 2048,
                          .fields_max = 16,
                          .target_bytes_max = 256,
                          .stream_window_bytes = 4096,
                          .connection_window_bytes = 65535,
                          .idle_frames_max = 100};
    H2Session session(limits, owner, now);
    owner.session = &session;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const std::string exact = bytes.substr(at, piece);
        const bool sound = session.feed(exact, now).has_value();
        out.clear();
        session.pull(out, 4096);
        owner.resume_all();
        if (!sound || session.finished()) break;
        require(session.open_streams() <= limits.streams_max);
    }
    if (habits.drains) {
        session.announce_shutdown();
        session.shut_down();
    }
    for (int i = 0; i < 100; ++i) {
        out.clear();
        if (session.pull(out, 4096) == 0) break;
        require(out.size() <= 4096 + 16384 + 9 + 4096);
    }
    session.lost();
    require(owner.open() == 0 && session.open_streams() == 0);
    return 0;
}
