#include "http/h2_session.hpp"

#include <array>
#include <charconv>

#include "http/h2_core.hpp"

namespace gh::http {
namespace {

/// Decimal digits of a status or length, for as long as it lives.
class Digits {
 public:
    explicit Digits(std::uint64_t number)
        : end_(std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr) {}
    [[nodiscard]] std::string_view view() const {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }
    Digits(const Digits&) = delete;
    Digits& operator=(const Digits&) = delete;

 private:
    std::array<char, 20> text_;
    char* end_;
};

/// What HTTP/2 has no place for, or what this side says itself.
constexpr FieldSet left_out{FieldId::connection,       FieldId::keep_alive,
                            FieldId::proxy_connection, FieldId::transfer_encoding,
                            FieldId::upgrade,          FieldId::content_length};

}  // namespace

H2Session::H2Session(const H2Limits& limits, H2Handler& handler, SteadyTime now)
    : impl_(std::make_unique<Impl>(limits, handler, now)) {}
H2Session::~H2Session() = default;
H2Session::H2Session(H2Session&&) noexcept = default;
H2Session& H2Session::operator=(H2Session&&) noexcept = default;

Result<void> H2Session::feed(std::string_view bytes, SteadyTime now) {
    impl_->budget.refill(now);
    const auto read = nghttp2_session_mem_recv(
        impl_->session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (impl_->flooded || read == NGHTTP2_ERR_FLOODED)
        return fail(ErrorKind::exhausted, "h2.flood");
    if (read < 0) {
        return fail(ErrorKind::invalid_argument, "h2.protocol",
                    nghttp2_strerror(static_cast<int>(read)));
    }
    return {};
}

std::size_t H2Session::pull(std::string& out, std::size_t bytes_max) {
    const auto before = out.size();
    impl_->output = &out;
    impl_->output_full = before + bytes_max;
    while (out.size() < impl_->output_full) {
        const std::uint8_t* bytes = nullptr;
        const auto size = nghttp2_session_mem_send(impl_->session, &bytes);
        if (size <= 0) break;
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    impl_->output = nullptr;
    return out.size() - before;
}

bool H2Session::wants_write() const { return nghttp2_session_want_write(impl_->session) != 0; }

bool H2Session::finished() const {
    return nghttp2_session_want_read(impl_->session) == 0 && !wants_write();
}

std::size_t H2Session::open_streams() const { return impl_->streams.size() - impl_->unused.size(); }

void H2Session::submit_informational(StreamId stream, std::uint16_t status) {
    const auto* open = impl_->find(stream);
    if (open == nullptr || open->responded) return;
    const Digits digits(status);
    const auto field = h2_field(":status", digits.view());
    nghttp2_submit_headers(impl_->session, NGHTTP2_FLAG_NONE, stream, nullptr, &field, 1, nullptr);
}

void H2Session::submit_response(StreamId stream, const ResponseHead& head, bool has_body) {
    auto* open = impl_->find(stream);
    if (open == nullptr || open->responded) return;
    open->responded = true;
    auto& fields = impl_->fields;
    fields.clear();
    const Digits status(head.status);
    fields.push_back(h2_field(":status", status.view()));
    for (const auto& line : head.fields) {
        if (!left_out.has(line.id)) fields.push_back(h2_field(line.name, line.value));
    }
    const Digits length(head.body.length);
    const auto* declared = head.fields.find(FieldId::content_length);
    if (head.body.kind == Framing::length)
        fields.push_back(h2_field("content-length", length.view()));
    else if (head.body.kind == Framing::none && declared != nullptr && head.status != 204) {
        fields.push_back(
            h2_field("content-length", declared->value));  // of what HEAD or 304 leaves out
    }
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t size,
                            std::uint32_t* flags, nghttp2_data_source*,
                            void* user) { return Impl::self(user).read_body(id, size, *flags); };
    nghttp2_submit_response(impl_->session, stream, fields.data(), fields.size(),
                            has_body ? &body : nullptr);
}

void H2Session::submit_trailers(StreamId stream, const Fields& trailers) {
    auto* open = impl_->find(stream);
    if (open == nullptr) return;
    for (const auto& line : trailers) open->response_trailers.emplace_back(line.name, line.value);
}

void H2Session::resume(StreamId stream) {
    if (impl_->find(stream) != nullptr) nghttp2_session_resume_data(impl_->session, stream);
}

void H2Session::reset(StreamId stream, H2Error code) {
    auto* open = impl_->find(stream);
    if (open == nullptr || open->own_reset) return;
    open->own_reset = true;
    impl_->discard(*open, code);
}

void H2Session::consume(StreamId stream, std::size_t bytes) {
    if (auto* open = impl_->find(stream)) impl_->give_back(*open, bytes);
}

void H2Session::announce_shutdown() {
    impl_->shutdown_announced = true;
    nghttp2_submit_shutdown_notice(impl_->session);
}

bool H2Session::shutdown_heard() const { return impl_->ping_answered; }

void H2Session::shut_down() {
    const auto last = nghttp2_session_get_last_proc_stream_id(impl_->session);
    nghttp2_submit_goaway(impl_->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
}

void H2Session::terminate(H2Error code) {
    nghttp2_session_terminate_session(impl_->session, static_cast<std::uint32_t>(code));
}

void H2Session::lost() {
    for (const auto& stream : impl_->streams) {
        if (stream->id == 0) continue;
        const auto id = stream->id;
        nghttp2_session_set_stream_user_data(impl_->session, id, nullptr);
        if (stream->known) impl_->handler.on_close(id, H2Error::cancel);
        impl_->release(*stream);
    }
}

}  // namespace gh::http
