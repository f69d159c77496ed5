#include "telemetry/redaction.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "codec/json.hpp"
#include "telemetry/access_line.hpp"
#include "telemetry/redacting_sink.hpp"

namespace gh::telemetry {
namespace {

using enum RedactedKind;
using Form = Redactor::Form;

const std::vector<RedactedKind> usual{email, card, ssn, secret, token};

std::shared_ptr<const Redactor> redactor(std::vector<RedactedKind> kinds = usual,
                                         std::vector<std::string> allow = {}) {
    return Redactor::make({std::move(kinds), std::move(allow), {}}).value();
}

std::string text_of(std::string_view text, Form form = Form::text,
                    const std::shared_ptr<const Redactor>& by = redactor()) {
    std::string out;
    return by->redact(text, out, form) ? out : std::string(text);
}

/// As the message of a line.
std::string line_of(std::string_view inside) {
    return text_of(R"({"level":"INFO","message":")" + std::string(inside) + R"("})", Form::json);
}
std::string within(std::string_view inside) {
    return R"({"level":"INFO","message":")" + std::string(inside) + R"("})";
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    while (times-- > 0) out += text;
    return out;
}

TEST(Redaction, LeavesWhatHoldsNothing) {
    for (const std::string_view text :
         {"", "x", "GET /api/v1/users/42 200 in 1.234 ms", "019b7600-0000-7000-8000-000000000000",
          "4bf92f3577b34da6a3ce929d0e0e4736", "2026-01-31T12:00:00.000Z",
          "password reset requested", "token bucket is empty", "1.2.3.4",
          "git@github.com:acme/app.git", "icon@2x.png", "react@18.2.0", "0.4111111111111111",
          "DE89 3704 0044 0532 0130 00"}) {
        EXPECT_EQ(text_of(text), text);
    }
}

TEST(Redaction, TakesMailboxesAsTheyAreWritten) {
    EXPECT_EQ(text_of("from bob@example.com to <Eve.O'Hara+x@mail.example.co.uk>."),
              "from [email] to <[email]>.");
    EXPECT_EQ(text_of("/u?mail=bob%40example.com&x=1"), "/u?mail=[email]&x=1");
    EXPECT_EQ(text_of("%3Cbob%40example.com%3E"), "%3C[email]%3E");
    EXPECT_EQ(line_of(R"(a\nbob@example.com\n)"), within(R"(a\n[email]\n)"));
    EXPECT_EQ(line_of(R"({\"mail\":\"bob\\u0040example.com\"})"),
              within(R"({\"mail\":\"[email]\"})"));
    EXPECT_EQ(line_of(R"(\u00e9bob\u0040example.com)"), within(R"(\u00e9[email])"));
    EXPECT_EQ(text_of("jürgen@müller.example"), "[email]");
}

TEST(Redaction, TakesNumbersThatPassTheirRules) {
    EXPECT_EQ(text_of("card 4111 1111 1111 1111 12/27"), "card [card] 12/27");
    EXPECT_EQ(text_of("4111-1111-1111-1111,5555555555554444;378282246310005"),
              "[card],[card];[card]");
    EXPECT_EQ(text_of("3782 822463 10005 and 4111+1111+1111+1111 4111%201111%201111%201111"),
              "[card] and [card] [card]");
    EXPECT_EQ(text_of("4111111111111112 order-4111111111111111 a4111111111111111"),
              "4111111111111112 order-4111111111111111 a4111111111111111");
    EXPECT_EQ(
        text_of("ssn 078-05-1120, 000-12-3456 666-12-3456 912-12-3456 123-00-4567 123-45-0000"),
        "ssn [ssn], 000-12-3456 666-12-3456 912-12-3456 123-00-4567 123-45-0000");
    EXPECT_EQ(text_of("SSN: 078051120"), "SSN: [ssn]");
    EXPECT_EQ(text_of(R"({"n":4111111111111111,"o":41111111111111110000000})", Form::json),
              R"({"n":"[card]","o":41111111111111110000000})");
    EXPECT_EQ(line_of(R"(\u00004111111111111111)"), within(R"(\u0000[card])"));
}

TEST(Redaction, TakesValuesByTheirNames) {
    EXPECT_EQ(text_of("password=hunter2 pwd:x DB_PASSWORD='two words' clientSecret: aB3dE6"),
              "password=[secret] pwd:[secret] DB_PASSWORD='[secret]' clientSecret: [secret]");
    EXPECT_EQ(text_of(R"({"password":"a\"b","pin":1})", Form::json),
              R"({"password":"[secret]","pin":1})");
    EXPECT_EQ(text_of(R"({"password":1234,"token":null,"secret":["x"]})", Form::json),
              R"({"password":"[secret]","token":null,"secret":["x"]})");
    EXPECT_EQ(line_of(R"({\"password\": \"a\\\"b\", \"x\": 1})"),
              within(R"({\"password\": \"[secret]\", \"x\": 1})"));
    EXPECT_EQ(line_of("ends in password:"), within("ends in password:"));
    EXPECT_EQ(line_of(R"(password=ab\\\"c)"), within(R"(password=[secret]\\\"c)"));
    EXPECT_EQ(text_of("Authorization: Bearer abc\r\nHost: x"),
              "Authorization: [secret]\r\nHost: x");
    EXPECT_EQ(text_of("Cookie: a=b; c=d\nHost: x"), "Cookie: [secret]\nHost: x");
    EXPECT_EQ(text_of("sent Basic Ym9iOmh1bnRlcjI= to it"), "sent Basic [secret] to it");
    EXPECT_EQ(text_of("postgres://bob:hun@ter2@db.example/x"), "postgres://[secret]@db.example/x");
    EXPECT_EQ(text_of("user[password]=x&api-key=y"), "user[password]=[secret]&api-key=[secret]");
    EXPECT_EQ(text_of("password: required, token: expired, primary_key=7"),
              "password: required, token: expired, primary_key=7");
}

TEST(Redaction, AMaskIsAllThereIsOrNone) {
    for (const std::string_view masked :
         {"password=[secret]", "password=*** and more", "token: \"[secret]\"",
          "password=[secret], or", "a=[secret:3f9a1c02]"})
        EXPECT_EQ(text_of(masked), masked);
    EXPECT_FALSE(text_of("password=***hunter2").contains("hunter2"));
    EXPECT_FALSE(text_of("token=[secret]Xk29dkw02kdA").contains("Xk29dkw02kdA"));
    EXPECT_FALSE(text_of("password=\"[secret]hunter2\"").contains("hunter2"));
    EXPECT_FALSE(text_of("https://***:hunter2@h.example/").contains("hunter2"));
}

TEST(Redaction, TakesTokensByTheirShape) {
    const auto own =
        "gh_"
        "web-1_" +
        repeated("aB3", 14) + "x";
    const auto jwt = "eyJ" + repeated("hbGciOiJ", 3) + ".eyJ" + repeated("zdWIi", 4) + ".c2ln";
    EXPECT_EQ(text_of("with " + own + " and " + jwt + "."), "with [token] and [token].");
    EXPECT_EQ(line_of("\\nnpm" + std::string("_") + repeated("a1", 18)), within("\\n[token]"));
    const auto pem = "-----BEGIN RSA " + std::string("PRIVATE KEY-----");
    EXPECT_EQ(line_of(pem + R"(\nMIIE\n-----END RSA PRIVATE KEY-----\nrest)"),
              within(R"([secret]\nrest)"));
    EXPECT_EQ(line_of(pem + R"(\nMIIE)"), within("[secret]"));
}

TEST(Redaction, TakesAddressesByChoice) {
    const auto by = redactor({ip}, {"10.0.0.0/8"});
    EXPECT_EQ(text_of("192.0.2.7:8080 10.1.2.3 [2001:db8::1] 12:30:00 1.2.3 a::b", Form::text, by),
              "[ip]:8080 10.1.2.3 [[ip]] 12:30:00 1.2.3 a::b");
}

TEST(Redaction, LetsPassWhatIsAllowed) {
    const auto by = redactor(usual, {"*@example.com", "Ops@house.example", "4111111111111111"});
    EXPECT_EQ(text_of("bob@EXAMPLE.com ops@house.example eve@house.example 4111 1111 1111 1111 "
                      "5555 5555 5555 4444",
                      Form::text, by),
              "bob@EXAMPLE.com ops@house.example [email] 4111 1111 1111 1111 [card]");
    EXPECT_EQ(Redactor::make({usual, {"*"}, {}}).error().reason, "redaction.allow");
    EXPECT_EQ(Redactor::make({usual, {""}, {}}).error().reason, "redaction.allow");
}

TEST(Redaction, KnowsAPersonAgainByAPseudonym) {
    RedactionRules rules{usual, {}, [](std::string_view value) {
                             std::uint32_t code = 7;
                             for (const char c : value)
                                 code = code * 31 + static_cast<unsigned char>(c);
                             return code;
                         }};
    const auto by = Redactor::make(std::move(rules)).value();
    const auto one = text_of("Bob@example.com", Form::text, by);
    EXPECT_EQ(one.size(), std::string_view("[email:00000000]").size());
    EXPECT_EQ(text_of("bob%40EXAMPLE.com", Form::text, by), one);
    EXPECT_NE(text_of("eve@example.com", Form::text, by), one);
    EXPECT_EQ(text_of("4111-1111-1111-1111", Form::text, by),
              text_of("4111111111111111", Form::text, by));
    EXPECT_EQ(text_of("password=x", Form::text, by), "password=[secret]");
    const auto token = text_of("with gh" + std::string("p_") + repeated("aB3", 12), Form::text, by);
    EXPECT_EQ(token.size(), std::string_view("with [token:00000000]").size()) << token;
    EXPECT_EQ(text_of(token, Form::text, by), token);
    EXPECT_EQ(text_of("[secret: hunter2] user[secret]=x [secret] = y", Form::text, by),
              "[secret: [secret]] user[secret]=[secret] [secret] = y");
}

TEST(Redaction, TakesHostileTextInLinearTime) {
    for (const std::string_view unit :
         {"4",     "4111 ",    "-",         "@",     "a@",     "a.",
          "%40",   "a%40",     "eyJ",       "eyJ.",  "eyJa.b", "://",
          "://a:", "password", "password=", "pass:", "basic+", "bearer ",
          "\\",    "\\u0040",  "sk-",       "xoxb-", "ghp_",   "-----BEGIN PRIVATE KEY-----",
          "s.a",   "1.",       "a:",        "'",     "%",      "+",
          "ssn:1", "cookie=",  "cookie:"}) {
        const auto text = R"({"message":")" + repeated(unit, (1 << 20) / unit.size()) + R"("})";
        const auto began = std::chrono::steady_clock::now();
        std::string out;
        static_cast<void>(redactor({email, card, ssn, secret, token, ip})->redact(text, out));
        EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8)) << unit;
    }
}

class Kept final : public LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

TEST(Redaction, StandsInFrontOfASink) {
    Kept kept;
    RedactorSource source;
    RedactingSink sink(kept, source);
    Log log(sink);
    log.info("app", "x").field("who", "bob@example.com");
    EXPECT_TRUE(kept.text.contains("bob@"));
    kept.text.clear();
    source.publish(redactor());
    log.info("app", "x").field("who", "bob@example.com");
    EXPECT_TRUE(kept.text.contains(R"("who":"[email]")")) << kept.text;
    std::string line;
    append_access_line(line,
                       {.method = "GET", .target = "/bob@example.com", .client_ip = "192.0.2.7"});
    kept.text.clear();
    sink.append(line);
    EXPECT_TRUE(codec::json::parse(kept.text).has_value());
    EXPECT_TRUE(kept.text.contains(R"("target":"/[email]")"));
    EXPECT_TRUE(kept.text.contains("192.0.2.7"));
    source.publish(nullptr);
    kept.text.clear();
    sink.append(line);
    EXPECT_EQ(kept.text, line);
}

}  // namespace
}  // namespace gh::telemetry
