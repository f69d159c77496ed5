#include "http/h2_session.hpp"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gh::http {
namespace {

using namespace std::string_literals;
using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

/// Writes down what happens, and answers as a test tells it to.
class Recorder final : public H2Handler {
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
class Client {
 public:
    explicit Client(std::uint32_t window = 65535) {
        nghttp2_session_callbacks* to = nullptr;
        nghttp2_session_callbacks_new(&to);
        nghttp2_session_callbacks_set_on_header_callback(
            to, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                   std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                   std::uint8_t, void* user) {
                static_cast<Client*>(user)->headers[frame->hd.stream_id].emplace_back(
                    std::string(name, name + name_size), std::string(value, value + value_size));
                return 0;
            });
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            to, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                   std::size_t size, void* user) {
                static_cast<Client*>(user)->bodies[id].append(reinterpret_cast<const char*>(bytes),
                                                              size);
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            to, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                auto& self = *static_cast<Client*>(user);
                if (frame->hd.type == NGHTTP2_GOAWAY) {
                    self.goaway = frame->goaway.error_code;
                    self.last_stream = frame->goaway.last_stream_id;
                }
                if (frame->hd.type == NGHTTP2_SETTINGS) ++self.settings;
                return 0;
            });
        nghttp2_session_callbacks_set_on_stream_close_callback(
            to, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
                static_cast<Client*>(user)->closed[id] = code;
                return 0;
            });
        nghttp2_session_client_new(&session_, to, this);
        nghttp2_session_callbacks_del(to);
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
        nghttp2_submit_settings(session_, 0, &entry, 1);
        nghttp2_session_set_local_window_size(session_, 0, 0,
                                              static_cast<std::int32_t>(std::max(window, 65535U)));
    }
    ~Client() { nghttp2_session_del(session_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

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

class H2 : public testing::Test {
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
    Recorder recorder;
    Client client;
    std::optional<H2Session> session;
    std::optional<Error> failure;
};

TEST_F(H2, CarriesARequestAndItsResponse) {
    const auto stream = client.request(
        with(get("/a?b"), {{"accept", "*/*"}, {"cookie", "a=1"}, {"cookie", "b=2"}}));
    talk();
    ASSERT_EQ(recorder.log, std::vector<std::string>{"request GET /a?b end"});
    const auto& head = *recorder.heads.at(stream);
    EXPECT_EQ(head.version, Version::http_2);
    EXPECT_EQ(head.method, Method::get);
    EXPECT_EQ(head.authority, "a.example");
    EXPECT_EQ(head.scheme, "https");
    EXPECT_EQ(head.body.kind, Framing::none);
    EXPECT_EQ(head.fields.size(), 2U);
    EXPECT_EQ(head.fields.value(FieldId::cookie), "a=1; b=2");
    EXPECT_EQ(session->open_streams(), 1U);

    recorder.bodies[stream] = "hello";
    ResponseHead response;
    response.status = 201;
    response.body = {Framing::length, 5};
    response.fields.add("X-Mixed-Case", "v");
    response.fields.add("Connection", "close");
    response.fields.add("Keep-Alive", "timeout=5");
    response.fields.add("Transfer-Encoding", "chunked");
    response.fields.add("Content-Length", "99");
    session->submit_response(stream, response, true);
    session->submit_response(stream, response, true);  // a second head is ignored
    talk();
    const Headers expected{{":status", "201"}, {"x-mixed-case", "v"}, {"content-length", "5"}};
    EXPECT_EQ(client.headers[stream], expected);
    EXPECT_EQ(client.bodies[stream], "hello");
    EXPECT_EQ(client.closed.at(stream), 0U);
    EXPECT_EQ(recorder.log.back(), "close 0");
    EXPECT_EQ(session->open_streams(), 0U);
    EXPECT_FALSE(session->finished());
}

TEST_F(H2, ResetsWhatHttp1CouldNotCarryAndTellsNobody) {
    const std::pair<const char*, Headers> cases[] = {
        {"connection", with(get(), {{"connection", "close"}})},
        {"keep-alive", with(get(), {{"keep-alive", "timeout=5"}})},
        {"proxy-connection", with(get(), {{"proxy-connection", "close"}})},
        {"transfer-encoding", with(get(), {{"transfer-encoding", "chunked"}})},
        {"upgrade", with(get(), {{"upgrade", "websocket"}})},
        {"te", with(get(), {{"te", "gzip"}})},
        {"upper case", with(get(), {{"X-Upper", "v"}})},
        {"CR LF in value", with(get(), {{"x", "a\r\ntransfer-encoding: chunked"}})},
        {"LF in value", with(get(), {{"x", "a\nb"}})},
        {"NUL in value", with(get(), {{"x", "a\0b"s}})},
        {"space around value", with(get(), {{"x", " a"}})},
        {"space in name", with(get(), {{"x y", "v"}})},
        {"colon in name", with(get(), {{"x:y", "v"}})},
        {"CR LF in name", with(get(), {{"x\r\ny", "v"}})},
        {"empty name", with(get(), {{"", "v"}})},
        {"host unlike authority", with(get(), {{"host", "b.example"}})},
        {"two hosts", with(get(), {{"host", "a.example"}, {"host", "a.example"}})},
        {"two lengths", with(post(), {{"content-length", "0"}, {"content-length", "0"}})},
        {"bad length", with(post(), {{"content-length", "+0"}})},
        {"length without body", with(get(), {{"content-length", "5"}})},
        {"unknown pseudo", with(get(), {{":proto", "x"}})},
        {"late pseudo",
         {{":method", "GET"},
          {":scheme", "https"},
          {":path", "/"},
          {"x", "v"},
          {":authority", "a"}}},
        {"two methods", with({{":method", "GET"}}, get())},
        {"no method", {{":scheme", "https"}, {":path", "/"}, {":authority", "a"}}},
        {"no scheme", {{":method", "GET"}, {":path", "/"}, {":authority", "a"}}},
        {"no path", {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}},
        {"no authority", {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}},
        {"empty path",
         {{":method", "GET"}, {":scheme", "https"}, {":path", ""}, {":authority", "a"}}},
        {"other scheme",
         {{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}}},
        {"space in path", get("/a b HTTP/1.1")},
        {"LF in path", get("/a\r\nX: y")},
        {"fragment", get("/a#b")},
        {"absolute path", get("http://b/")},
        {"asterisk", get("*")},
        {"userinfo",
         {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "u@a"}}},
        {"space in method",
         {{":method", "GET /x"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}}},
        {"CR LF in method",
         {{":method", "GET\r\n"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}}},
        {"status",
         {{":status", "200"},
          {":method", "GET"},
          {":scheme", "https"},
          {":path", "/"},
          {":authority", "a"}}},
    };
    for (const auto& [name, fields] : cases) {
        SCOPED_TRACE(name);
        const auto stream = client.request(fields);
        talk();
        EXPECT_EQ(recorder.log, std::vector<std::string>{});
        recorder.log.clear();
        EXPECT_TRUE(client.closed.contains(stream));
        EXPECT_NE(client.closed[stream], 0U);
        EXPECT_EQ(session->open_streams(), 0U);
        EXPECT_FALSE(failure.has_value());
        now += seconds(10);
    }
    // The connection itself is none the worse.
    client.request(get());
    talk();
    EXPECT_EQ(recorder.log, std::vector<std::string>{"request GET / end"});
}

TEST_F(H2, AnswersWhatIsTooMuchOrNotDoneHere) {
    start({.header_bytes_max = 600, .fields_max = 8, .target_bytes_max = 64});
    Headers many = get();
    for (int i = 0; i < 9; ++i) many.emplace_back("x", "y");
    const std::tuple<Headers, std::string, std::string> cases[] = {
        {many, "431", "refused 431 http.fields_too_many"},
        {with(get(), {{"x", std::string(600, 'x')}}), "431", "refused 431 http.head_too_large"},
        {get("/" + std::string(64, 'a')), "414", "refused 414 http.target_too_long"},
        {with(post(), {{"expect", "a-miracle"}}), "417", "refused 417 http.expectation"},
        {{{":method", "CONNECT"}, {":authority", "a:443"}}, "501", "refused 501 http.connect"},
    };
    for (const auto& [fields, status, event] : cases) {
        SCOPED_TRACE(event);
        recorder.log.clear();
        const auto stream = client.request(fields);
        talk();
        ASSERT_EQ(recorder.log.size(), 2U);
        EXPECT_EQ(recorder.log[0], event);
        EXPECT_EQ(recorder.log[1], "close 0");
        EXPECT_EQ(client.status(stream), status);
    }
}

TEST_F(H2, CookieCrumbsCountAsOneField) {
    start({.fields_max = 8});
    Headers fields = get();
    for (int i = 0; i < 20; ++i) fields.emplace_back("cookie", "c=" + std::to_string(i));
    const auto stream = client.request(fields);
    talk();
    ASSERT_EQ(recorder.log, std::vector<std::string>{"request GET / end"});
    EXPECT_EQ(recorder.heads.at(stream)->fields.size(), 1U);
}

TEST_F(H2, HandsBodiesOnAndKeepsTrailers) {
    auto stream = client.request(post(), {.bytes = "abc", .trailers = {{"x-sum", "1"}}});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end abc 1"}));
    EXPECT_EQ(recorder.heads.at(stream)->body.kind, Framing::chunked);

    recorder.log.clear();
    stream = client.request(with(post(), {{"content-length", "5"}}), {.bytes = "hello"});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end hello 0"}));
    EXPECT_EQ(recorder.heads.at(stream)->body.length, 5U);

    recorder.log.clear();
    client.request(with(post(), {{"content-length", "0"}}), {.has = true});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST / end"}));
}

TEST_F(H2, RefusesTrailersThatActLate) {
    const Headers cases[] = {{{"content-length", "3"}},
                             {{"authorization", "Bearer x"}},
                             {{"host", "b"}},
                             {{":path", "/b"}},
                             {{"transfer-encoding", "chunked"}},
                             {{"x", "a\r\nb"}},
                             {{"x-gatehouse-roles", "admin"}}};
    for (const auto& trailers : cases) {
        SCOPED_TRACE(trailers[0].first);
        recorder.log.clear();
        client.request(post(), {.bytes = "abc", .trailers = trailers});
        talk();
        ASSERT_EQ(recorder.log.size(), 2U);
        EXPECT_EQ(recorder.log[0], "request POST /");
        EXPECT_EQ(recorder.log[1], "close 1");
    }
}

TEST_F(H2, ABodyUnlikeItsLengthReachesNobody) {
    for (const std::string length : {"2", "4", "65536"}) {
        SCOPED_TRACE(length);
        const auto stream =
            client.request(with(post(), {{"content-length", length}}), {.bytes = "abc"});
        talk();
        EXPECT_EQ(recorder.log, std::vector<std::string>{});
        EXPECT_EQ(client.closed.at(stream), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
    }
}

TEST_F(H2, ALongBodyUnlikeItsLengthIsNeverSeenWhole) {
    for (const int difference : {-1, 1}) {
        SCOPED_TRACE(difference);
        recorder.log.clear();
        recorder.received.clear();
        const std::size_t declared = 200'000;
        const std::string body(declared + static_cast<std::size_t>(difference), 'x');
        const auto stream = client.request(
            with(post(), {{"content-length", std::to_string(declared)}}), {.bytes = body});
        talk();
        ASSERT_EQ(recorder.log.size(), 2U);
        EXPECT_EQ(recorder.log[0], "request POST /");
        EXPECT_EQ(recorder.log[1], "close 1");
        EXPECT_LT(recorder.received[stream].size(), declared);
        EXPECT_GT(recorder.received[stream].size(), 0U);
    }
}

TEST_F(H2, HoldsABodyUntilItIsComplete) {
    const auto stream =
        client.request(with(post(), {{"content-length", "5"}}), {.bytes = "hello", .ends = false});
    talk();
    EXPECT_TRUE(recorder.log.empty());
    client.end(stream);
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end hello 0"}));
}

TEST_F(H2, ManyHeldBodiesDoNotStarveEachOther) {
    // Together they are twice what the connection's window lets in, and none ends before all have
    // begun.
    std::vector<StreamId> streams;
    for (int i = 0; i < 40; ++i) {
        streams.push_back(client.request(with(post(), {{"content-length", "60000"}}),
                                         {.bytes = std::string(60000, 'x'), .ends = false}));
    }
    talk();
    for (const auto stream : streams) client.end(stream);
    talk();
    EXPECT_EQ(recorder.log.size(), 80U);
    for (const auto stream : streams) EXPECT_EQ(recorder.received[stream].size(), 60000U);
}

TEST_F(H2, AsksBeforeAnExpectingClientSends) {
    recorder.on_head = [&](StreamId stream, RequestHead& head) {
        EXPECT_TRUE(head.expects_continue);
        session->submit_informational(stream, 100);
    };
    const auto stream =
        client.request(with(post(), {{"content-length", "5"}, {"expect", "100-continue"}}),
                       {.bytes = "", .ends = false, .has = true});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /"}));
    EXPECT_EQ(client.status(stream), "100");
}

TEST_F(H2, StopsAClientThatIsNotRead) {
    recorder.consumes = false;
    const auto stream = client.request(post(), {.bytes = std::string(1'000'000, 'x')});
    talk();
    EXPECT_EQ(recorder.received[stream].size(), 64U * 1024);
    session->consume(stream, 64 * 1024);
    talk();
    EXPECT_EQ(recorder.received[stream].size(), 128U * 1024);
}

TEST_F(H2, GivesTheConnectionBackWhatAClosedStreamHeld) {
    recorder.consumes = false;
    for (int i = 0; i < 40; ++i) {  // 40 x 64 KiB: more than the connection's window
        const auto stream = client.request(post(), {.bytes = std::string(100'000, 'x')});
        talk();
        ASSERT_EQ(recorder.received[stream].size(), 64U * 1024) << i;
        client.reset(stream, NGHTTP2_CANCEL);
        talk();
        EXPECT_EQ(recorder.log.back(), "close 8");
    }
}

TEST_F(H2, SendsALargeBodyInBoundedPieces) {
    Client wide(8 * 1024 * 1024);
    const auto stream = wide.request(get());
    ASSERT_TRUE(session->feed(wide.take(), now));
    std::string body(3'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
    answer(stream, body);
    for (int i = 0; i < 10'000 && session->wants_write(); ++i) {
        std::string down;
        session->pull(down, 32 * 1024);
        EXPECT_LE(down.size(), 32U * 1024 + 16 * 1024 + 9);
        wide.give(down);
    }
    EXPECT_EQ(wide.bodies[stream], body);
    EXPECT_FALSE(wide.closed.contains(stream) && wide.closed[stream] != 0);
}

TEST_F(H2, WaitsForASlowProducerAndForASlowClient) {
    recorder.parked = true;
    const auto stream = client.request(get());
    talk();
    ResponseHead head;
    head.status = 200;
    head.body.kind = Framing::chunked;
    session->submit_response(stream, head, true);
    talk();
    const auto fills = recorder.fills;
    talk();
    EXPECT_EQ(recorder.fills, fills);  // parked: not asked again
    recorder.bodies[stream] = "one";
    session->resume(stream);
    talk();
    EXPECT_EQ(client.bodies[stream], "one");
    recorder.parked = false;
    recorder.bodies[stream] = "two";
    session->resume(stream);
    talk();
    EXPECT_EQ(client.bodies[stream], "onetwo");
    EXPECT_EQ(recorder.log.back(), "close 0");
}

TEST_F(H2, InterleavesStreams) {
    std::vector<StreamId> streams;
    for (int i = 0; i < 10; ++i) streams.push_back(client.request(get("/" + std::to_string(i))));
    talk();
    for (const auto stream : streams)
        answer(stream, std::string(100'000, static_cast<char>('a' + stream % 26)));
    talk();
    for (const auto stream : streams) {
        EXPECT_EQ(client.bodies[stream],
                  std::string(100'000, static_cast<char>('a' + stream % 26)));
    }
}

TEST_F(H2, SendsTrailersAfterTheBody) {
    const auto stream = client.request(get());
    talk();
    Fields trailers;
    trailers.add("grpc-status", "0");
    session->submit_trailers(stream, trailers);
    answer(stream, "x");
    talk();
    EXPECT_EQ(client.headers[stream].back(), (Header{"grpc-status", "0"}));
    EXPECT_EQ(client.closed.at(stream), 0U);
}

TEST_F(H2, ResetsTheRestOfARequestThatIsAnswered) {
    const auto stream = client.request(post(), {.bytes = "abc", .ends = false});
    talk();
    answer(stream, "no");
    talk();
    EXPECT_EQ(client.bodies[stream], "no");
    EXPECT_TRUE(client.closed.contains(stream));
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "close 0"}));
}

TEST_F(H2, TellsACutRequestFromAWholeOne) {
    auto stream = client.request(post(), {.bytes = "abc", .ends = false});
    talk();
    client.reset(stream, NGHTTP2_NO_ERROR);  // whatever it says, it was not complete
    talk();
    EXPECT_EQ(recorder.log.back(), "close 8");

    stream = client.request(get());
    talk();
    client.reset(stream, NGHTTP2_NO_ERROR);  // and here nobody waits for the answer
    talk();
    EXPECT_EQ(recorder.log.back(), "close 8");
    answer(stream, "late");  // about a stream that is gone: nothing happens
    session->reset(stream, H2Error::cancel);
    session->consume(stream, 5);
    session->resume(stream);
    talk();
    EXPECT_EQ(client.bodies[stream], "");
}

TEST_F(H2, AStreamResetByUsHearsNothingMore) {
    recorder.on_head = [&](StreamId stream, RequestHead&) {
        session->reset(stream, H2Error::refused_stream);
    };
    const auto stream = client.request(post(), {.bytes = "abc"});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "close 7"}));
    EXPECT_EQ(recorder.received[stream], "");
    EXPECT_EQ(client.closed.at(stream), static_cast<std::uint32_t>(NGHTTP2_REFUSED_STREAM));
}

TEST_F(H2, DrainsInTwoSteps) {
    const auto first = client.request(get("/1"));
    talk();
    session->announce_shutdown();
    talk();
    EXPECT_EQ(client.goaway, 0);
    EXPECT_GT(client.last_stream, 1'000'000);
    EXPECT_FALSE(session->finished());
    session->shut_down();
    talk();
    EXPECT_EQ(client.last_stream, first);
    EXPECT_FALSE(session->finished());
    answer(first, "done");
    talk();
    EXPECT_EQ(client.bodies[first], "done");
    EXPECT_TRUE(session->finished());
}

TEST_F(H2, ClosesWhatIsLostOrTerminated) {
    client.request(get("/1"));
    client.request(with(post(), {{"content-length", "5"}}), {.bytes = "he", .ends = false});
    talk();
    EXPECT_EQ(session->open_streams(), 2U);
    session->lost();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request GET /1 end", "close 8"}));
    EXPECT_EQ(session->open_streams(), 0U);
}

TEST_F(H2, EndsAtOnceWhenTold) {
    client.request(get());
    talk();
    session->terminate(H2Error::http_1_1_required);
    talk();
    EXPECT_EQ(client.goaway, 13);
    EXPECT_TRUE(session->finished());
}

TEST_F(H2, RefusesWhatIsNotHttp2) {
    const auto fed = session->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", now);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().reason, "h2.protocol");
}

// Floods -----------------------------------------------------------------------------------------

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    std::string out;
    for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift & 0xff);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift & 0xff);
    return out += payload;
}

class H2Flood : public H2 {
 protected:
    void SetUp() override {
        start({.idle_frames_max = 100,
               .idle_frames_per_second = 10,
               .resets_max = 50,
               .resets_per_second = 10});
        talk();
    }
    /// How many of these frames go down before the connection is ended; at most `tries`.
    int survives(const std::string& bytes, int tries, std::string* out = nullptr) {
        for (int i = 0; i < tries; ++i) {
            if (!session->feed(bytes, now)) return i;
            std::string down;
            session->pull(down);
            if (out != nullptr) *out += down;
            if (session->finished()) return i;
        }
        return tries;
    }
};

TEST_F(H2Flood, IsEndedWhateverItIsMadeOf) {
    const auto open = client.request(post(), {.bytes = "x", .ends = false});
    talk();
    ASSERT_EQ(open, 1);
    const std::pair<const char*, std::string> cases[] = {
        {"PING", frame(6, 0, 0, "12345678")},
        {"SETTINGS", frame(4, 0, 0, "")},
        {"PRIORITY", frame(2, 0, 1, std::string("\0\0\0\0\x10", 5))},
        {"WINDOW_UPDATE", frame(8, 0, 0, std::string("\0\0\0\x01", 4))},
        {"empty DATA", frame(0, 0, 1, "")},
        {"padding only", frame(0, 8, 1, std::string("\0", 1))},
        {"window of zero", frame(8, 0, 1, std::string("\0\0\0\0", 4))},
    };
    for (const auto& [name, bytes] : cases) {
        SCOPED_TRACE(name);
        Recorder other;
        H2Session attacked({.idle_frames_max = 100, .idle_frames_per_second = 10}, other, now);
        other.session = &attacked;
        Client opener;
        opener.request(post(), {.bytes = "x", .ends = false});
        ASSERT_TRUE(attacked.feed(opener.take(), now));
        session.emplace(std::move(attacked));
        other.session = &*session;
        std::string out;
        EXPECT_LT(survives(bytes, 1000, &out), 150);
        session.reset();
    }
}

TEST_F(H2Flood, OfResetsIsEnded) {
    // One HEADERS block of static entries, GET / https, and a literal :authority; then RST_STREAM.
    int sent = 0;
    for (std::uint32_t stream = 1; stream < 4000 && !session->finished(); stream += 2, ++sent) {
        const auto bytes = frame(1, 5, stream, std::string("\x82\x84\x87\x01\x01") + "a") +
                           frame(3, 0, stream, std::string("\0\0\0\x08", 4));
        if (!session->feed(bytes, now)) break;
        std::string down;
        session->pull(down);
    }
    EXPECT_LT(sent, 100);
    EXPECT_GT(sent, 40);
}

TEST_F(H2Flood, OfContinuationsIsEnded) {
    std::string bytes = frame(1, 1, 1, "\x82\x84\x87");
    for (int i = 0; i < 100; ++i) bytes += frame(9, 0, 1, "");
    const auto fed = session->feed(bytes, now);
    std::string down;
    session->pull(down);
    EXPECT_TRUE(!fed || session->finished());
}

TEST_F(H2Flood, OfResetsThatTheServerIsMadeToSendIsEnded) {
    int sent = 0;
    for (std::uint32_t stream = 1; stream < 4000 && !session->finished(); stream += 2, ++sent) {
        // A window that overflows makes the server reset the stream.
        const auto bytes = frame(1, 5, stream, std::string("\x82\x84\x87\x01\x01") + "a") +
                           frame(8, 0, stream, "\x7f\xff\xff\xff");
        if (!session->feed(bytes, now)) break;
        std::string down;
        session->pull(down);
    }
    EXPECT_LT(sent, 100);
}

TEST_F(H2Flood, IsNotWhatAPatientClientDoes) {
    const auto ping = frame(6, 0, 0, "12345678");
    for (int i = 0; i < 2000; ++i) {
        ASSERT_TRUE(session->feed(ping, now)) << i;
        std::string down;
        session->pull(down);
        now += milliseconds(200);
    }
}

TEST_F(H2Flood, IsNotWhatADownloadDoes) {
    Client wide(65535);
    start({.idle_frames_max = 100, .idle_frames_per_second = 1});
    const auto stream = wide.request(get());
    ASSERT_TRUE(session->feed(wide.take(), now));
    answer(stream, std::string(4'000'000, 'x'));
    for (int i = 0; i < 10'000; ++i) {
        std::string down;
        session->pull(down);
        wide.give(down);
        const auto up = wide.take();
        ASSERT_TRUE(session->feed(up, now));
        if (up.empty() && down.empty()) break;
    }
    EXPECT_EQ(wide.bodies[stream].size(), 4'000'000U);
}

TEST_F(H2, LetsOnlySoManyStreamsBeOpen) {
    start({.streams_max = 3});
    talk();
    for (int i = 0; i < 10; ++i) client.request(get());
    talk();
    EXPECT_EQ(session->open_streams(), 3U);
    while (!recorder.heads.empty()) {
        answer(recorder.heads.begin()->first, "x");
        talk();
        EXPECT_LE(session->open_streams(), 3U);
    }
    EXPECT_EQ(std::ranges::count(recorder.log, "request GET / end"), 10);
}

}  // namespace
}  // namespace gh::http
