#include "bus/route_words.hpp"

#include <gtest/gtest.h>

#include "api/testing.hpp"

namespace gh::bus {
namespace {

using access::Principal;
using access::PrincipalType;
using access::RevokedBy;

std::string address(PrincipalType type, std::string subject, std::string issuer, RevokedBy by,
                    std::string token_id = {}) {
    api::FakeCall call("GET", "/");
    Principal principal;
    principal.type = type;
    principal.subject = std::move(subject);
    principal.issuer = std::move(issuer);
    principal.revoked_by = by;
    principal.token_id = std::move(token_id);
    call.as(std::move(principal));
    return address_of(call.call());
}

TEST(AddressOf, IsTheIdOfAnAgentOfOursAndForOthersNothingThatCouldBeOne) {
    using Type = PrincipalType;
    const std::string id = "018bcfe5-6800-7d5b-8de0-e1c49013ae10";
    EXPECT_EQ(address(Type::agent, id, "https://us", RevokedBy::token_list), id);
    EXPECT_EQ(address(Type::agent, id, "https://them", RevokedBy::nothing),
              "agent:" + id + "@https://them");
    EXPECT_EQ(address(Type::user, id, "https://us", RevokedBy::token_list), "user:" + id);
    EXPECT_EQ(address(Type::user, "ada", "", RevokedBy::key_list), "user:ada");
    EXPECT_EQ(address(Type::user, "ada", "https://them", RevokedBy::nothing),
              "user:ada@https://them");
    EXPECT_EQ(address(Type::user, "ada@https://them", "https://us", RevokedBy::token_list),
              "user:ada%40https://them")
        << "nobody of ours is somebody of theirs";
    EXPECT_EQ(address(Type::api_key, "a b%", "", RevokedBy::key_list), "api_key:a%20b%25");
    EXPECT_EQ(address(Type::api_key, "ada", "", RevokedBy::key_list, "k-17"), "api_key:k-17")
        << "each key has its own inbox, whoever's it is";
    EXPECT_EQ(address(Type::service, "mail", "", RevokedBy::key_list, "k-18"), "service:mail");
}

TEST(TraceNow, StoresNoTailOfALaterVersion) {
    const std::string known = "00-0000000000000000000000000000000a-00000000000000a1-01";
    api::FakeCall call("GET", "/");
    call.with("traceparent", "01" + known.substr(2) + "-" + std::string(1'000, 'x'));
    EXPECT_EQ(trace_now(call.call()), known);
}

TEST(AddressOfOthers, IsOfATypeThatThereIs) {
    for (const auto* good : {"user:ada", "api_key:k", "service:a:b", "agent:x@https://them"})
        EXPECT_TRUE(is_address_of_others(good)) << good;
    for (const auto* bad : {"", "ada", "user:", ":ada", "nobody:ada", "anonymous:x"})
        EXPECT_FALSE(is_address_of_others(bad)) << bad;
}

TEST(TraceType, LeavesOutWhatIsInvalidAndIsNoError) {
    struct Case {
        std::string_view json, trace;
    };
    constexpr Case cases[] = {
        {R"({"trace_id":"0000000000000000000000000000000a","span_id":"00000000000000a1","trace_flags":1})",
         "00-0000000000000000000000000000000a-00000000000000a1-01"},
        {R"({"trace_id":"00000000000000000000000000000000","span_id":"00000000000000a1","trace_flags":1})",
         ""},
        {R"({"trace_id":"0a","span_id":"00000000000000a1","trace_flags":1})", ""},
        {R"("text")", ""},
        {"[]", ""},
        {"{}", ""},
    };
    for (const auto& c : cases) {
        std::vector<api::FieldError> errors;
        api::Reader reader(api::FieldError::In::body, false, errors);
        std::optional<std::string> trace;
        EXPECT_TRUE(trace_type().read(codec::json::parse(c.json).value(), reader, trace)) << c.json;
        EXPECT_EQ(trace.value_or(""), c.trace) << c.json;
        EXPECT_TRUE(errors.empty());
        EXPECT_EQ(trace_type().is_set(trace), !c.trace.empty());
        if (trace) {
            EXPECT_EQ(trace_type().json(trace), c.json);
        }
    }
}

TEST(RefusalOf, KnowsWhatTheBusAndItsRepositoriesRefuse) {
    for (const auto* reason :
         {"bus.inbox_full", "bus.full", "bus.conversation_full", "bus.id_taken",
          "bus.recipient_unknown", "bus.lease_over", "message.not_dead", "task.changed",
          "task.state", "task.over", "task.exists", "task.maker_full", "task.full",
          "bus.share_full", "bus.deliver_at", "bus.waits_full", "message.over"})
        EXPECT_GE(refusal_of(reason).status, 400) << reason;
    EXPECT_EQ(refusal_of("storage.connection").status, 0);
}

}  // namespace
}  // namespace gh::bus
