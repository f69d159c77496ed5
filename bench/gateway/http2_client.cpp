#include <nghttp2/nghttp2.h>

#include <array>
#include <charconv>
#include <unordered_map>

#include "client.hpp"
#include "clock.hpp"

namespace gh::bench {

namespace {

constexpr std::int32_t window_bytes = 16 * 1024 * 1024;

nghttp2_nv field(std::string_view name, std::string_view value) {
    auto octets = [](std::string_view text) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

/// Several requests at a time, over nghttp2.
class Http2Client final : public Client {
 public:
    Http2Client(std::string path, Tally& tally) : path_(std::move(path)), tally_(tally) {
        nghttp2_session_callbacks* callbacks = nullptr;
        if (nghttp2_session_callbacks_new(&callbacks) != 0) return;
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_session_client_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        std::array settings{
            nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
            nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_bytes}};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window_bytes);
        collect();
    }
    ~Http2Client() override { nghttp2_session_del(session_); }
    Http2Client(const Http2Client&) = delete;
    Http2Client& operator=(const Http2Client&) = delete;

    void request(std::string_view token, std::int64_t due_ns) override {
        authorization_.assign("Bearer ").append(token);
        std::array fields{field(":method", "GET"),
                          field(":scheme", "https"),
                          field(":authority", "localhost"),
                          field(":path", path_),
                          field("user-agent", "bench"),
                          field("accept", "*/*"),
                          field("authorization", authorization_)};
        auto count = fields.size() - (token.empty() ? 1 : 0);
        auto id = nghttp2_submit_request(session_, nullptr, fields.data(), count, nullptr, nullptr);
        if (id > 0) streams_[id] = {.due_ns = due_ns};
        in_flight_ = static_cast<unsigned>(streams_.size());
        collect();
    }

    bool receive(std::string_view bytes) override {
        auto used = nghttp2_session_mem_recv(
            session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        collect();
        return used == static_cast<ssize_t>(bytes.size()) &&
               nghttp2_session_want_read(session_) != 0;
    }

 private:
    struct Stream {
        std::int64_t due_ns = 0;
        int status = 0;
        std::size_t offset = 0;
        bool body_is_right = true;
    };

    Stream* find(std::int32_t id) {
        auto found = streams_.find(id);
        return found == streams_.end() ? nullptr : &found->second;
    }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                         std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                         std::uint8_t, void* self) {
        std::string_view key(reinterpret_cast<const char*>(name), name_size);
        auto* stream = static_cast<Http2Client*>(self)->find(frame->hd.stream_id);
        if (key != ":status" || stream == nullptr) return 0;
        const auto* text = reinterpret_cast<const char*>(value);
        std::from_chars(text, text + value_size, stream->status);
        return 0;
    }

    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                       std::size_t size, void* self) {
        auto* client = static_cast<Http2Client*>(self);
        auto* stream = client->find(id);
        if (stream == nullptr) return 0;
        const auto& expected = client->tally_.expected;
        std::string_view part(reinterpret_cast<const char*>(data), size);
        if (expected.check_body)
            stream->body_is_right = stream->body_is_right &&
                                    stream->offset <= expected.body.size() &&
                                    expected.body.substr(stream->offset, size) == part;
        stream->offset += size;
        return 0;
    }

    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) {
        auto* client = static_cast<Http2Client*>(self);
        auto* stream = client->find(id);
        if (stream == nullptr) return 0;
        auto& tally = client->tally_;
        bool whole = !tally.expected.check_body || stream->offset == tally.expected.body.size();
        tally.answer(error == NGHTTP2_NO_ERROR ? stream->status : 599,
                     whole && stream->body_is_right, now_ns() - stream->due_ns);
        client->streams_.erase(id);
        client->in_flight_ = static_cast<unsigned>(client->streams_.size());
        return 0;
    }

    void collect() {
        const std::uint8_t* data = nullptr;
        for (auto size = nghttp2_session_mem_send(session_, &data); size > 0;
             size = nghttp2_session_mem_send(session_, &data))
            output_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }

    nghttp2_session* session_ = nullptr;
    std::string path_;
    std::string authorization_;
    std::unordered_map<std::int32_t, Stream> streams_;
    Tally& tally_;
};

}  // namespace

std::unique_ptr<Client> make_http2_client(std::string path, Tally& tally) {
    return std::make_unique<Http2Client>(std::move(path), tally);
}

}  // namespace gh::bench
