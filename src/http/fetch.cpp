#include "http/fetch.hpp"

#include <cstring>
#include <memory>
#include <optional>

#include "base/try.hpp"
#include "crypto/secret.hpp"
#include "http/chunked.hpp"
#include "http/h1_head.hpp"
#include "http/h1_write.hpp"
#include "net/connect.hpp"
#include "telemetry/trace.hpp"

namespace gh::http {

using net::IoState;

namespace {

using StreamResult = Result<std::unique_ptr<net::Stream>>;

std::unexpected<Error> too_late() { return fail(ErrorKind::deadline_exceeded, "fetch.timeout"); }

Task<StreamResult> connect(net::Loop& loop, net::Wakeup& wakeup, const FetchRequest& request) {
    GH_CO_TRY(auto plain, co_await net::connect(loop, wakeup, request.address));
    if (request.tls == nullptr) co_return StreamResult(std::move(plain));
    GH_CO_TRY(auto session, request.tls->new_session(request.server_name));
    GH_CO_TRY(auto stream,
              co_await net::shake_hands(loop, wakeup, std::move(plain), std::move(session)));
    co_return StreamResult(std::move(stream));
}

constexpr std::size_t interim_max = 16;  // answers before the answer

std::string_view method_text_of(const FetchRequest& request) {
    if (!request.method.empty()) return request.method;
    return request.content_type.empty() ? "GET" : "POST";
}

/// Takes what arrives until the answer is whole.
class Answer {
 public:
    explicit Answer(const FetchRequest& request)
        : wanted_(request.wanted),
          method_(method_of(method_text_of(request))),
          body_bytes_max_(request.body_bytes_max) {}

    /// @return true when complete
    [[nodiscard]] Result<bool> take(std::string_view bytes) {
        if (have_head_) return take_body(bytes);
        received_ += bytes;
        ResponseHead head;
        for (std::string_view left = received_; !left.empty();) {
            const auto result = parse_response_head(left, {}, method_, head, scanned_);
            if (result.state == HeadResult::State::incomplete) {
                received_.erase(0, received_.size() - left.size());
                return false;
            }
            if (result.state == HeadResult::State::refused || head.status == 101) {
                return fail(ErrorKind::corrupt, "fetch.malformed", std::string(result.reason));
            }
            left.remove_prefix(result.bytes);
            if (head.status < 200) {  // an interim answer
                if (++interim_ > interim_max) return fail(ErrorKind::corrupt, "fetch.malformed");
                continue;
            }
            have_head_ = true;
            fetched_.status = head.status;
            if (const auto* line = head.fields.find("Location")) fetched_.location = line->value;
            keep_wanted(head);
            framing_ = head.body;
            // What a redirect's page says is nobody's to read.
            if (head.status / 100 == 3 && !fetched_.location.empty()) return true;
            return take_body(left);
        }
        received_.clear();
        return false;
    }
    /// @return true when the end of the connection is the end of the body
    [[nodiscard]] bool may_end() const {
        return have_head_ && framing_.kind == Framing::until_close;
    }
    [[nodiscard]] Fetched result() { return std::move(fetched_); }

 private:
    void keep_wanted(const ResponseHead& head) {
        for (const auto& line : head.fields) {
            for (const auto& name : wanted_) {
                if (equals_ignoring_case(line.name, name))
                    fetched_.fields.emplace_back(name, line.value);
            }
        }
    }
    Result<bool> take_body(std::string_view bytes) {
        bool done = framing_.kind == Framing::none;
        if (framing_.kind == Framing::chunked) {
            while (!bytes.empty() && !done) {
                const auto step = chunks_.next(bytes);
                if (step.state == ChunkedDecoder::State::refused) {
                    return fail(ErrorKind::corrupt, "fetch.malformed", std::string(step.reason));
                }
                fetched_.body += step.data;
                bytes.remove_prefix(step.bytes);
                done = step.state == ChunkedDecoder::State::done;
            }
        } else if (!done) {
            fetched_.body += bytes;
        }
        if (fetched_.body.size() > body_bytes_max_)
            return fail(ErrorKind::corrupt, "fetch.too_large");
        return done ||
               (framing_.kind == Framing::length && fetched_.body.size() >= framing_.length);
    }

    const std::vector<std::string>& wanted_;
    Method method_;
    std::size_t body_bytes_max_;
    std::string received_;
    std::size_t scanned_ = 0;
    std::size_t interim_ = 0;
    bool have_head_ = false;
    BodyFraming framing_;
    ChunkedDecoder chunks_;
    Fetched fetched_;
};

std::string text_of(const FetchRequest& request) {
    RequestHead head;
    head.method_text = method_text_of(request);
    head.method = method_of(head.method_text);
    head.target = request.target;
    head.authority = request.authority;
    head.keep_alive = false;
    head.fields.add("User-Agent", "gatehouse");
    head.fields.add("Accept", "*/*");
    for (const auto& [name, value] : request.fields) head.fields.add(name, value);
    std::optional<telemetry::TraceParent> parent;
    if (const auto* trace = telemetry::Trace::current()) {
        parent = telemetry::to_traceparent(trace->context());
        head.fields.add("traceparent", parent->view());
    }
    if (!request.content_type.empty()) {
        head.fields.add("Content-Type", request.content_type);
        head.body = {Framing::length, request.body.size()};
    }
    std::string text;
    append_request_head(text, head);
    return text + request.body;
}

/// A request may hold a token, a password or a key: its end wipes it.
struct Burning {
    FetchRequest& request;
    std::string& text;
    Burning(FetchRequest& asked, std::string& written) : request(asked), text(written) {}
    Burning(const Burning&) = delete;
    Burning& operator=(const Burning&) = delete;
    ~Burning() {
        for (auto& [name, value] : request.fields) crypto::wipe(value.data(), value.size());
        crypto::wipe(request.body.data(), request.body.size());
        crypto::wipe(text.data(), text.size());
    }
};

Task<Result<Fetched>> fetch_once(net::Loop& loop, FetchRequest request) {
    std::string text;
    const Burning burning{request, text};
    net::Wakeup wakeup(loop);
    const auto deadline = loop.now() + request.timeout;
    const bool hurried = request.connect_timeout > std::chrono::milliseconds(0) &&
                         request.connect_timeout < request.timeout;
    wakeup.expire_at(hurried ? loop.now() + request.connect_timeout : deadline);
    auto connected = co_await connect(loop, wakeup, request);
    if (!connected && hurried && connected.error().kind == ErrorKind::deadline_exceeded) {
        co_return fail(ErrorKind::deadline_exceeded, "fetch.connect",
                       request.address.text() + ": no connection in time");
    }
    GH_CO_TRY(const auto stream, std::move(connected));
    wakeup.expire_at(deadline);
    text = text_of(request);
    if (stream->write(text) == IoState::failed) co_return fail(ErrorKind::unavailable, "fetch.cut");
    Answer answer(request);
    for (;;) {
        if (stream->pending() && stream->flush() == IoState::failed) {
            co_return fail(ErrorKind::unavailable, "fetch.cut");
        }
        const auto io = stream->read(loop.scratch());
        if (io.state == IoState::done) {
            GH_CO_TRY(const bool complete, answer.take({loop.scratch().data(), io.bytes}));
            if (complete) co_return answer.result();
            continue;
        }
        if (io.state != IoState::blocked) {
            if (io.state == IoState::ended && answer.may_end()) co_return answer.result();
            co_return fail(ErrorKind::unavailable, "fetch.cut",
                           "the connection ended before the answer did");
        }
        if (wakeup.expired()) co_return too_late();
        co_await wakeup.wait();
    }
}

}  // namespace

std::string_view Fetched::field(std::string_view name) const {
    for (const auto& [each, value] : fields) {
        if (each == name) return value;
    }
    return {};
}

Task<Result<Fetched>> fetch(net::Loop& loop, FetchRequest request) {
    telemetry::Span span(method_text_of(request), telemetry::SpanKind::client);
    span.attribute("server.address", request.authority);
    auto fetched = co_await fetch_once(loop, std::move(request));
    if (fetched)
        span.attribute("http.response.status_code", static_cast<std::int64_t>(fetched->status));
    else
        span.fail(fetched.error().reason);
    co_return fetched;
}

}  // namespace gh::http
