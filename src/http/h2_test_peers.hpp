#pragma once

// Both ends of an HTTP/2 connection in memory: ours with a handler that writes down what it hears, and a client made of
// nghttp2 that can say wrong things.

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/h2_session.hpp"

namespace gh::http {

using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

/// Writes down what happens, and answers as a test tells it to.
class H2Recorder final : public H2Handler {
 public:
    void on_request(StreamId stream, RequestHead& head, bool end_stream) override {
        log.push_back("request " + std::string(head.method_text) + " " + std::string(head.target) +
                      (end_stream ? " end" : ""));
        heads[stream] = &head;
        if (on_head) on_head(stream, head);
    }
    void on_refused(StreamId stream, std::uint16_t status, std::string_view reason) override {
        log.push_back("refused " + std::to_string(status) + " " + std::string(reason));
        ResponseHead head;
        head.status = status;
        head.body = {Framing::length, 0};
        session->submit_response(stream, head, false);
    }
    void on_data(StreamId stream, std::string_view bytes) override {
        received[stream] += bytes;
        if (consumes) session->consume(stream, bytes.size());
    }
    void on_end(StreamId stream, const Fields& trailers) override {
        log.push_back("end " + received[stream].substr(0, 32) + " " +
                      std::to_string(trailers.size()));
    }
    void on_close(StreamId stream, H2Error code) override {
        log.push_back("close " + std::to_string(static_cast<int>(code)));
        heads.erase(stream);
    }
    std::size_t fill(StreamId stream, std::span<char> out, bool& eof) override {
        ++fills;
        auto& body = bodies[stream];
        const auto size = std::min(body.size(), out.size());
        body.copy(out.data(), size);
        body.erase(0, size);
        eof = body.empty() && !parked;
        return size;
    }

    H2Session* session = nullptr;
    std::vector<std::string> log;
    std::map<StreamId, RequestHead*> heads;
    std::map<StreamId, std::string> received;
    std::map<StreamId, std::string> bodies;
    std::function<void(StreamId, RequestHead&)> on_head;
    bool consumes = true;
    bool parked = false;
    int fills = 0;
};

/// A client over nghttp2; what it says can be as wrong as a test needs.
class H2Client {
 public:
    explicit H2Client(std::uint32_t window = 65535) {
        nghttp2_session_callbacks* to = nullptr;
        nghttp2_session_callbacks_new(&to);
        nghttp2_session_callbacks_set_on_header_callback(
            to, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                   std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                   std::uint8_t, void* user) {
                static_cast<H2Client*>(user)->headers[frame->hd.stream_id].emplace_back(
                    std::string(name, name + name_size), std::string(value, value + value_size));
                return 0;
            });
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            to, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                   std::size_t size, void* user) {
                static_cast<H2Client*>(user)->bodies[id].append(
                    reinterpret_cast<const char*>(bytes), size);
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            to, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                auto& self = *static_cast<H2Client*>(user);
                if (frame->hd.type == NGHTTP2_GOAWAY) {
                    self.goaway = frame->goaway.error_code;
                    self.last_stream = frame->goaway.last_stream_id;
                    self.last_streams.push_back(self.last_stream);
                }
                if (frame->hd.type == NGHTTP2_SETTINGS) ++self.settings;
                return 0;
            });
        nghttp2_session_callbacks_set_on_stream_close_callback(
            to, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
                static_cast<H2Client*>(user)->closed[id] = code;
                return 0;
            });
        nghttp2_session_client_new(&session_, to, this);
        nghttp2_session_callbacks_del(to);
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
        nghttp2_submit_settings(session_, 0, &entry, 1);
        nghttp2_session_set_local_window_size(session_, 0, 0,
                                              static_cast<std::int32_t>(std::max(window, 65535U)));
    }
    ~H2Client() { nghttp2_session_del(session_); }
    H2Client(const H2Client&) = delete;
    H2Client& operator=(const H2Client&) = delete;

    struct Body {
        std::string bytes;
        Headers trailers;
        bool ends = true;
        bool has = false;
    };

    StreamId request(const Headers& fields) { return request(fields, {}); }
    StreamId request(const Headers& fields, Body body) {
        body.has = body.has || !body.bytes.empty() || !body.trailers.empty();
        outgoing_.push_back(std::move(body));
        auto nv = fields_of(kept_.emplace_back(fields));
        nghttp2_data_provider provider{};
        provider.source.ptr = &outgoing_.back();
        provider.read_callback = [](nghttp2_session* session, std::int32_t id, std::uint8_t* to,
                                    std::size_t room, std::uint32_t* flags,
                                    nghttp2_data_source* source, void*) -> ssize_t {
            auto& out = *static_cast<Body*>(source->ptr);
            const auto size = std::min(room, out.bytes.size());
            if (size == 0 && !out.ends) return NGHTTP2_ERR_DEFERRED;
            out.bytes.copy(reinterpret_cast<char*>(to), size);
            out.bytes.erase(0, size);
            if (!out.bytes.empty() || !out.ends) return static_cast<ssize_t>(size);
            *flags |= NGHTTP2_DATA_FLAG_EOF;
            if (!out.trailers.empty()) {
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
                auto trailer = fields_of(out.trailers);
                nghttp2_submit_trailer(session, id, trailer.data(), trailer.size());
            }
            return static_cast<ssize_t>(size);
        };
        return nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                      outgoing_.back().has ? &provider : nullptr, nullptr);
    }
    /// Ends a body that was left open.
    void end(StreamId stream) {
        for (auto& body : outgoing_) body.ends = true;
        nghttp2_session_resume_data(session_, stream);
    }
    void reset(StreamId stream, std::uint32_t code) {
        nghttp2_submit_rst_stream(session_, 0, stream, code);
    }

    /// Room for so many octets more of one body, and of all.
    void widen(StreamId stream, std::size_t bytes) {
        const auto more = static_cast<std::int32_t>(bytes);
        nghttp2_submit_window_update(session_, 0, stream, more);
        nghttp2_submit_window_update(session_, 0, 0, more);
    }

    std::string take() {
        std::string out;
        const std::uint8_t* bytes = nullptr;
        for (auto size = nghttp2_session_mem_send(session_, &bytes); size > 0;
             size = nghttp2_session_mem_send(session_, &bytes)) {
            out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
        return out;
    }
    void give(std::string_view bytes) {
        const auto read = nghttp2_session_mem_recv(
            session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ASSERT_EQ(read, static_cast<ssize_t>(bytes.size()))
            << nghttp2_strerror(static_cast<int>(read));
    }
    std::string status(StreamId stream) {
        for (const auto& [name, value] : headers[stream]) {
            if (name == ":status") return value;
        }
        return "";
    }

    std::map<StreamId, Headers> headers;
    std::map<StreamId, std::string> bodies;
    std::map<StreamId, std::uint32_t> closed;
    int goaway = -1;
    int settings = 0;
    StreamId last_stream = 0;
    std::vector<StreamId> last_streams;  ///< of each GOAWAY

 private:
    static std::vector<nghttp2_nv> fields_of(const Headers& fields) {
        std::vector<nghttp2_nv> out;
        for (const auto& [name, value] : fields) {
            // Names are not put to lower case, so that wrong ones can be sent.
            out.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                           reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                           name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME});
        }
        return out;
    }
    nghttp2_session* session_ = nullptr;
    std::deque<Body> outgoing_;
    std::deque<Headers> kept_;  // names are read when they are sent
};

class H2Test : public testing::Test {
 protected:
    void SetUp() override { start({}); }
    void start(const H2Limits& limits) {
        session.emplace(limits, recorder, now);
        recorder.session = &*session;
    }
    /// Lets both sides talk until they have nothing more to say.
    void talk() {
        for (int i = 0; i < 1000; ++i) {
            const auto up = client.take();
            if (!up.empty() && !failure) {
                const auto fed = session->feed(up, now);
                if (!fed) failure = fed.error();
            }
            std::string down;
            session->pull(down);
            client.give(down);
            if (up.empty() && down.empty()) return;
        }
        FAIL() << "no end of talk";
    }
    static Headers get(const std::string& path = "/") {
        return {
            {":method", "GET"}, {":scheme", "https"}, {":path", path}, {":authority", "a.example"}};
    }
    static Headers with(Headers fields, const Headers& more) {
        fields.insert(fields.end(), more.begin(), more.end());
        return fields;
    }
    static Headers post() {
        auto fields = get();
        fields[0].second = "POST";
        return fields;
    }
    void answer(StreamId stream, const std::string& body) {
        recorder.bodies[stream] = body;
        ResponseHead head;
        head.status = 200;
        head.body = {Framing::length, body.size()};
        session->submit_response(stream, head, true);
    }

    SteadyTime now{};
    H2Recorder recorder;
    H2Client client;
    std::optional<H2Session> session;
    std::optional<Error> failure;
};

}  // namespace gh::http
