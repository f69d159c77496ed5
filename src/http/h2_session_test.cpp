#include "http/h2_session.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "http/h2_test_peers.hpp"

namespace gh::http {
namespace {

using namespace std::string_literals;

class H2SessionTest : public H2Test {};

TEST_F(H2SessionTest, CarriesARequestAndItsResponse) {
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

TEST_F(H2SessionTest, ResetsWhatHttp1CouldNotCarryAndTellsNobody) {
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

TEST_F(H2SessionTest, AnswersWhatIsTooMuchOrNotDoneHere) {
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

TEST_F(H2SessionTest, CookieCrumbsCountAsOneField) {
    start({.fields_max = 8});
    Headers fields = get();
    for (int i = 0; i < 20; ++i) fields.emplace_back("cookie", "c=" + std::to_string(i));
    const auto stream = client.request(fields);
    talk();
    ASSERT_EQ(recorder.log, std::vector<std::string>{"request GET / end"});
    EXPECT_EQ(recorder.heads.at(stream)->fields.size(), 1U);
}

TEST_F(H2SessionTest, ResetsTheRestOfARequestThatIsAnswered) {
    const auto stream = client.request(post(), {.bytes = "abc", .ends = false});
    talk();
    answer(stream, "no");
    talk();
    EXPECT_EQ(client.bodies[stream], "no");
    EXPECT_TRUE(client.closed.contains(stream));
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "close 0"}));
}

TEST_F(H2SessionTest, TellsACutRequestFromAWholeOne) {
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

TEST_F(H2SessionTest, AStreamResetByUsHearsNothingMore) {
    recorder.on_head = [&](StreamId stream, RequestHead&) {
        session->reset(stream, H2Error::refused_stream);
    };
    const auto stream = client.request(post(), {.bytes = "abc"});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "close 7"}));
    EXPECT_EQ(recorder.received[stream], "");
    EXPECT_EQ(client.closed.at(stream), static_cast<std::uint32_t>(NGHTTP2_REFUSED_STREAM));
}

TEST_F(H2SessionTest, DrainsInTwoSteps) {
    const auto first = client.request(get("/1"));
    talk();
    session->announce_shutdown();
    EXPECT_FALSE(session->shutdown_heard());
    std::string down;
    session->pull(down);
    client.give(down);
    EXPECT_FALSE(session->shutdown_heard()) << "the answer is on its way";
    talk();
    EXPECT_TRUE(session->shutdown_heard());
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

TEST_F(H2SessionTest, ClosesWhatIsLostOrTerminated) {
    client.request(get("/1"));
    client.request(with(post(), {{"content-length", "5"}}), {.bytes = "he", .ends = false});
    talk();
    EXPECT_EQ(session->open_streams(), 2U);
    session->lost();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request GET /1 end", "close 8"}));
    EXPECT_EQ(session->open_streams(), 0U);
}

TEST_F(H2SessionTest, EndsAtOnceWhenTold) {
    client.request(get());
    talk();
    session->terminate(H2Error::http_1_1_required);
    talk();
    EXPECT_EQ(client.goaway, 13);
    EXPECT_TRUE(session->finished());
}

TEST_F(H2SessionTest, RefusesWhatIsNotHttp2) {
    const auto fed = session->feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", now);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().reason, "h2.protocol");
}

}  // namespace
}  // namespace gh::http
